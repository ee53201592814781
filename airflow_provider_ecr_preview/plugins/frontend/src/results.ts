import { isReference } from "./api";
import type {
  Approval,
  Cleanup,
  ImagesInUse,
  PolicyChange,
  Readiness,
  Reconciliation,
  RepositoryNames,
  StartedPreview,
} from "./changes";
import type { Audit, PolicyComparisonResult, Summary } from "./types";

/** What a task returned, by its schema. */
export type Result =
  | { kind: "summary"; value: Summary }
  | { kind: "audit"; value: Audit }
  | { kind: "comparison"; value: PolicyComparisonResult }
  | { kind: "cleanup"; value: Cleanup }
  | { kind: "policy_change"; value: PolicyChange }
  | { kind: "reconciliation"; value: Reconciliation }
  | { kind: "in_use"; value: ImagesInUse }
  | { kind: "readiness"; value: Readiness }
  | { kind: "approval"; value: Approval }
  | { kind: "started"; value: StartedPreview }
  | { kind: "names"; value: RepositoryNames }
  | { kind: "elsewhere"; value: string }
  | { kind: "none" };

export type Kind = Result["kind"];

const KINDS: Record<string, Kind> = {
  "ecr-lifecycle-preview-summary/1": "summary",
  "ecr-lifecycle-audit/1": "audit",
  "ecr-lifecycle-comparison/1": "comparison",
  "ecr-image-cleanup/1": "cleanup",
  "ecr-lifecycle-policy-change/1": "policy_change",
  "ecr-lifecycle-reconciliation/1": "reconciliation",
  "ecr-images-in-use/1": "in_use",
  "ecr-cleanup-readiness/1": "readiness",
  "ecr-lifecycle-approval/1": "approval",
};

/** Operators whose results have no schema: what they return is what other operators take. */
const LISTS = "EcrListRepositoriesOperator";
const STARTS = ["EcrStartLifecyclePolicyPreviewOperator", "EcrLifecyclePolicyPreviewSensor"];

/** Results of which each task has one, whatever else it returns. */
export function resultOf(value: unknown, operator: string | null = null): Result {
  if (operator === LISTS && Array.isArray(value)) {
    return { kind: "names", value: { batches: batchesOf(value) } };
  }
  if (isReference(value) && operator !== null && operator.startsWith("Ecr")) {
    return { kind: "elsewhere", value };
  }
  if (!isRecord(value)) {
    return { kind: "none" };
  }
  if (operator !== null && STARTS.includes(operator) && typeof value["repository_name"] === "string") {
    return { kind: "started", value: value as unknown as StartedPreview };
  }
  const kind = typeof value["schema"] === "string" && Object.hasOwn(KINDS, value["schema"]) ? KINDS[value["schema"]] : undefined;
  return kind === undefined ? { kind: "none" } : ({ kind, value } as unknown as Result);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The names, batches of names, or batches of names by Region. */
function batchesOf(value: unknown[]): RepositoryNames["batches"] {
  const names = (part: unknown) => (Array.isArray(part) ? part.filter((name) => typeof name === "string") : []);
  if (value.every((name) => typeof name === "string")) {
    return value.length === 0 ? [] : [{ region_name: null, repository_names: names(value) }];
  }
  return value.map((batch) =>
    isRecord(batch)
      ? {
          region_name: typeof batch["region_name"] === "string" ? batch["region_name"] : null,
          repository_names: names(batch["repository_names"]),
        }
      : { region_name: null, repository_names: names(batch) },
  );
}
