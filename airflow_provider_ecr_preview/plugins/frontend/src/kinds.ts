import { type MarkedTask, text } from "./markers";

/** What an audit is of: the same for audits that may be compared. Those from before audits had a kind are of the applied policies. */
export interface AuditKind {
  policies: string;
  fingerprint: string | null;
  /** What the rules of the candidate say about themselves, or the name that it was given. */
  name: string | null;
  selection: string | null;
}

export function kindOf({ value }: MarkedTask): AuditKind {
  return {
    policies: text(value, "policies") ?? "applied",
    fingerprint: text(value, "policies_fingerprint"),
    name: text(value, "policies_name"),
    selection: text(value, "selection"),
  };
}

export function isOfApplied(audit: MarkedTask): boolean {
  return kindOf(audit).policies === "applied";
}

/** Whether two audits are of the same policies and, as far as both say, of the same repositories. */
export function isOfOneKind(one: MarkedTask, other: MarkedTask): boolean {
  const [first, second] = [kindOf(one), kindOf(other)];
  const isOfOneSelection = first.selection === null || second.selection === null || first.selection === second.selection;
  return first.policies === second.policies && first.fingerprint === second.fingerprint && isOfOneSelection;
}

/** Whether they are of one task, too: those of another may be of other repositories, where the selection is not known. */
export function isOfOneSeries(one: MarkedTask, other: MarkedTask): boolean {
  return one.marker.dagId === other.marker.dagId && one.marker.taskId === other.marker.taskId && isOfOneKind(one, other);
}

/** What an audit is of, in words; none for one of the applied policies of all repositories. */
export function kindText(kind: AuditKind): string {
  const policies = kind.policies === "applied" ? [] : [candidateText(kind)];
  const selection = kind.selection === null || kind.selection === "*" ? [] : [kind.selection];
  return [...policies, ...selection].join(", ");
}

/** How a candidate is named: as its rules say, and by the beginning of its fingerprint, which tells two of one name apart. */
export function candidateText({ policies, name, fingerprint }: AuditKind): string {
  const mark = fingerprint?.slice(0, 8);
  return policies !== "candidate" ? policies : name === null ? `candidate ${mark ?? ""}` : `candidate “${name}” ${mark ?? ""}`.trim();
}
