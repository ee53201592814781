const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const GIGABYTE = 1e9;
const MILLISECONDS_A_DAY = 24 * 60 * 60 * 1000;

export const UNKNOWN = "not known";

export function bytes(value: number | null): string {
  if (value === null) {
    return UNKNOWN;
  }
  let size = value;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size.toFixed(size < 10 && unit > 0 ? 1 : 0)} ${UNITS[unit]}`;
}

export function megabytes(value: number): string {
  return `${(value / 1e6).toLocaleString("en", { maximumFractionDigits: 6 })} MB`;
}

export function money(value: number | null, pricePerGbMonth: number): string {
  const dollars = ((value ?? 0) / GIGABYTE) * pricePerGbMonth;
  return value === null ? UNKNOWN : `$${dollars.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

/** A price as people write it: 0.1 as $0.10, and 0.023 as it is. */
export function price(value: number): string {
  return `$${value.toFixed(Math.max(2, String(value).split(".")[1]?.length ?? 0))}`;
}

export function count(value: number | null): string {
  return value === null ? UNKNOWN : value.toLocaleString("en");
}

/** A number of things in words. */
export function counted(value: number, one: string, several: string): string {
  return `${count(value)} ${value === 1 ? one : several}`;
}

export function day(value: string | null): string {
  return value === null ? "never" : value.slice(0, 10);
}

/** How many days ago something was. */
export function age(value: string | null, now: number): string {
  return value === null ? "" : counted(Math.max(Math.floor((now - Date.parse(value)) / MILLISECONDS_A_DAY), 0), "day", "days");
}

export function minute(value: string): string {
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? value : `${time.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

export function shortDigest(value: string): string {
  return value.replace(/^sha256:/, "").slice(0, 12);
}

/** Where a browser finds a report; null where it cannot read it, as on a disk of the worker's. */
export function reportUrl(uri: string | null): string | null {
  if (uri === null || /^https?:\/\//.test(uri)) {
    return uri;
  }
  const [, bucket, key] = /^s3:\/\/(?:[^/]*@)?([^/]+)\/(.+)$/.exec(uri) ?? [];
  if (bucket === undefined || key === undefined) {
    return null;
  }
  return `https://s3.console.aws.amazon.com/s3/object/${encodeURIComponent(bucket)}?prefix=${encodeURIComponent(key)}`;
}

/** Where the AWS console shows a repository. */
export function consoleUrl(registryId: string | null, regionName: string | null, repositoryName: string): string | null {
  if (registryId === null || regionName === null || !/^[a-z0-9-]+$/.test(regionName) || !/^\d+$/.test(registryId)) {
    return null;
  }
  const domain = regionName.startsWith("cn-")
    ? "console.amazonaws.cn"
    : regionName.startsWith("us-gov-")
      ? "console.amazonaws-us-gov.com"
      : `${regionName}.console.aws.amazon.com`;
  const name = repositoryName.split("/").map(encodeURIComponent).join("/");
  return `https://${domain}/ecr/repositories/private/${registryId}/${name}?region=${regionName}`;
}
