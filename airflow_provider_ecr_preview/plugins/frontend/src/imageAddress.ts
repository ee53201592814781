import { day, megabytes } from "./format";

/** What stands before the names of the parameters in the address: the list of repositories has some of its own. */
export const IMAGES = "image_";

const PERIOD = ["pushed_from", "pushed_to"];
const SIZE = ["min_mb", "max_mb"];
const PULL = "pull";

export const IMAGE_FILTERS = ["action", "rule", ...PERIOD, ...SIZE, PULL];

export const NEVER = "never";

/** What the address says of one filter; empty where it says nothing. */
export type Filters = (name: string) => string;

/** A filter that is set, in words, and the parameters of the address that it consists of. */
export interface ActiveFilter {
  names: string[];
  text: string;
}

/** The filters as the routes take them; a link may hold anything, and what is no such filter is left out. */
export function askedOf(filter: Filters): Record<string, string> {
  const pull = filter(PULL);
  return {
    pushed_from: dayOf(filter("pushed_from")),
    pushed_to: dayOf(filter("pushed_to")),
    min_bytes: bytesOf(filter("min_mb")),
    max_bytes: bytesOf(filter("max_mb")),
    never_pulled: pull === NEVER ? "true" : "",
    not_pulled_days: daysOf(pull),
  };
}

/** The filters that are set, each of which can be removed. */
export function activeFilters(filter: Filters): ActiveFilter[] {
  const asked = askedOf(filter);
  const { pushed_from: from, pushed_to: to, min_bytes: least, max_bytes: most, not_pulled_days: days } = asked;
  return [
    ...between(PERIOD, from, to, "pushed", day),
    ...between(SIZE, least, most, "size", (value) => megabytes(Number(value))),
    ...(asked.never_pulled ? [{ names: [PULL], text: "never pulled" }] : []),
    ...(days ? [{ names: [PULL], text: `not pulled for ${days} days` }] : []),
  ];
}

function between(names: string[], from = "", to = "", what: string, shown: (value: string) => string): ActiveFilter[] {
  if (from && to) {
    return [{ names, text: from === to ? `${what} ${shown(from)}` : `${what} ${shown(from)} to ${shown(to)}` }];
  }
  return from || to ? [{ names, text: from ? `${what} from ${shown(from)}` : `${what} up to ${shown(to)}` }] : [];
}

function dayOf(text: string): string {
  return /^\d{4}-\d\d-\d\d$/.test(text) && text >= "1970-01-01" && !Number.isNaN(Date.parse(text)) ? text : "";
}

function bytesOf(text: string): string {
  return /^\d{1,6}(\.\d{1,6})?$/.test(text) ? String(Math.round(Number(text) * 1e6)) : "";
}

function daysOf(text: string): string {
  return /^\d{1,4}$/.test(text) ? text : "";
}
