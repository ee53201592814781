import type { Audit, AuditedRepository, OwnerCounts } from "./types";

const MICROS = 1e6;

/** In the address; a tag of AWS cannot have brackets. */
export const UNTAGGED = "(untagged)";
export const UNKNOWN_OWNER = "(not known)";

export function dollars(value: number | null): string {
  if (value === null) {
    return "–";
  }
  return value > 0 && value < 0.005
    ? "< $0.01"
    : `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

export function ownerKey(owner: string | null): string {
  return owner === null ? UNKNOWN_OWNER : owner === "" ? UNTAGGED : owner;
}

export function ownerName(key: string): string {
  return key === UNTAGGED ? "untagged" : key === UNKNOWN_OWNER ? "not known" : key;
}

/** What of a repository could be saved: by applying the candidate, and what is kept and was never pulled. */
export function wasted(repository: AuditedRepository): number {
  return (repository.saved_cost ?? 0) + (repository.never_pulled_cost ?? 0);
}

export interface Sums {
  repositories: number;
  measured: number;
  stored: number;
  cost: number;
  leaving: number;
  saved: number;
  neverPulled: number;
}

/** Sums over repositories. Costs are added in millionths of a dollar, as the audit adds them. */
export function sumsOf(repositories: AuditedRepository[]): Sums {
  const micros = (name: "cost" | "leaving_cost" | "saved_cost" | "never_pulled_cost") =>
    repositories.reduce((sum, repository) => sum + Math.round((repository[name] ?? 0) * MICROS), 0) / MICROS;
  return {
    repositories: repositories.length,
    measured: repositories.filter((repository) => (repository.cost ?? null) !== null).length,
    stored: repositories.reduce((sum, repository) => sum + (repository.stored_bytes ?? 0), 0),
    cost: micros("cost"),
    leaving: micros("leaving_cost"),
    saved: micros("saved_cost"),
    neverPulled: micros("never_pulled_cost"),
  };
}

export interface Owner {
  key: string;
  sums: Sums;
}

/** The owners by cost: from all repositories where they are there, else the first of the result. */
export function ownersOf(repositories: AuditedRepository[], isWhole: boolean, audit: Audit): Owner[] {
  if (!isWhole) {
    return (audit.owners ?? []).map((counts) => ({ key: ownerKey(counts.owner), sums: sumsOfCounts(counts) }));
  }
  const groups = new Map<string, AuditedRepository[]>();
  for (const repository of repositories) {
    const key = ownerKey(repository.owner ?? null);
    groups.set(key, [...(groups.get(key) ?? []), repository]);
  }
  if (groups.size === 1 && groups.has(UNKNOWN_OWNER)) {
    return [];
  }
  return [...groups]
    .map(([key, own]) => ({ key, sums: sumsOf(own) }))
    .sort((one, other) => other.sums.cost - one.sums.cost || other.sums.repositories - one.sums.repositories || one.key.localeCompare(other.key));
}

function sumsOfCounts(counts: OwnerCounts): Sums {
  return {
    repositories: counts.repository_count,
    measured: counts.measured_repository_count,
    stored: counts.stored_bytes_upper_bound,
    cost: counts.monthly_cost_usd,
    leaving: counts.leaving_monthly_cost_usd,
    saved: counts.saved_monthly_cost_usd,
    neverPulled: counts.never_pulled_monthly_cost_usd,
  };
}

/** The selected repositories as the configuration of a run of an audit, to fill in a candidate policy. */
export function asForm(repositories: AuditedRepository[]): string {
  const names = [...new Set(repositories.map((repository) => repository.repository_name))].sort();
  return JSON.stringify({ include: names.join(", "), lifecycle_policy: { rules: [] } }, null, 2);
}
