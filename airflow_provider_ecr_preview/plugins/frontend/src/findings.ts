import type { Severity } from "./types";

interface Advice {
  severity: Severity;
  whatToDo: string;
}

/** What to do about a finding, where only its code is known. */
export const FINDINGS: Record<string, Advice> = {
  in_use_image_expires: {
    severity: "critical",
    whatToDo: "An outage is to be expected: keep these images by a rule with a lower rulePriority.",
  },
  would_empty_repository: {
    severity: "critical",
    whatToDo: "No image that can be run would be left: add a rule that keeps the newest ones (imageCountMoreThan).",
  },
  newest_image_expires: {
    severity: "critical",
    whatToDo: "The newest image would expire or be archived: keep a count of images instead of an age.",
  },
  protected_tag_expires: {
    severity: "critical",
    whatToDo: "What pulls these images by their tag would fail: keep them by a rule with a lower rulePriority.",
  },
  referrer_of_kept_image_expires: {
    severity: "critical",
    whatToDo: "Signatures or SBOMs would be lost while their image stays: keep them by a rule with a lower rulePriority.",
  },
  recently_pulled_image_expires: {
    severity: "critical",
    whatToDo: "Something may still use these images: keep them by a rule with a lower rulePriority.",
  },
  in_use_unknown: {
    severity: "warning",
    whatToDo: "Not everything that may run images could be asked: let the task read every source.",
  },
  replicated_deletion: {
    severity: "warning",
    whatToDo: "ECR deletes what expires here in other Regions or accounts, too: find out first what runs there.",
  },
  dead_rule: {
    severity: "warning",
    whatToDo: "No image has the tags that a rule asks for: remove the rule, or correct its tags.",
  },
  shadowed_rule: {
    severity: "warning",
    whatToDo: "A rule above decides about all images of a rule: give the rule a lower number, or remove it.",
  },
  and_patterns_match_nothing: {
    severity: "warning",
    whatToDo: "ECR wants every pattern of a rule to match: write one rule for each pattern.",
  },
  replicated_deletion_unknown: {
    severity: "info",
    whatToDo: "Allow ecr:DescribeRegistry to see in which other Regions and accounts ECR deletes images, too.",
  },
  storage_class_costs: {
    severity: "info",
    whatToDo: "Archived images are billed too, for at least 90 days: archiving saves nothing by itself.",
  },
};

const ORDER: Severity[] = ["critical", "warning", "info"];

export function severityOf(code: string): Severity {
  return FINDINGS[code]?.severity ?? "info";
}

export function isCritical(codes: string[]): boolean {
  return codes.some((code) => severityOf(code) === "critical");
}

/** Sort by severity, the gravest first, and by code. */
export function byGravity(one: string, other: string): number {
  return ORDER.indexOf(severityOf(one)) - ORDER.indexOf(severityOf(other)) || one.localeCompare(other);
}
