import type { Severity } from "./types";

interface Advice {
  severity: Severity;
  whatToDo: string;
}

/** What to do about a finding, where only its code is known. */
export const FINDINGS: Record<string, Advice> = {
  in_use_image_expires: {
    severity: "critical",
    whatToDo: "Expect an outage if the policy is applied: keep these images by a rule with a lower rulePriority.",
  },
  would_empty_repository: {
    severity: "critical",
    whatToDo: "No image that can be run would be left: add a rule that keeps the newest images (imageCountMoreThan).",
  },
  newest_image_expires: {
    severity: "critical",
    whatToDo: "The newest image would expire or be archived: keep a number of images instead (imageCountMoreThan).",
  },
  protected_tag_expires: {
    severity: "critical",
    whatToDo: "Pulls by these tags would fail: keep the images by a rule with a lower rulePriority.",
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
    whatToDo: "Some sources of images in use could not be read: allow the task to read all of them.",
  },
  replicated_deletion: {
    severity: "warning",
    whatToDo: "ECR would also delete these images in other Regions or accounts: find out what runs there first.",
  },
  dead_rule: {
    severity: "warning",
    whatToDo: "No image has the tags that a rule selects: remove the rule, or correct its tags.",
  },
  image_quota_near: {
    severity: "warning",
    whatToDo: "Pushes fail at the quota: keep fewer images, or ask AWS for a higher quota.",
  },
  creation_template_mistake: {
    severity: "warning",
    whatToDo: "New repositories get this policy: correct the creation template.",
  },
  creation_template_differs: {
    severity: "info",
    whatToDo: "New repositories get another policy than this one: decide which of the two is right.",
  },
  pull_through_cache_repository: {
    severity: "info",
    whatToDo: "An expired image comes back with its next pull: keep what the upstream registry may remove.",
  },
  policy_differs_in_family: {
    severity: "info",
    whatToDo: "Most repositories of the family have another policy: check whether that is intended.",
  },
  applied_policy_differs: {
    severity: "warning",
    whatToDo: "The policy was changed, or the file is out of date: apply the policy of the file, or correct the file.",
  },
  expected_policy_unknown: {
    severity: "warning",
    whatToDo: "The file does not say yet which policy is expected: apply the plan, or name another file.",
  },
  shadowed_rule: {
    severity: "warning",
    whatToDo: "A rule above decides about all images of a rule: give the rule a lower number, or remove it.",
  },
  and_patterns_match_nothing: {
    severity: "warning",
    whatToDo: "An image must match every pattern of a rule: write one rule for each pattern.",
  },
  replicated_deletion_unknown: {
    severity: "info",
    whatToDo: "Allow ecr:DescribeRegistry, which shows in which other Regions and accounts ECR also deletes images.",
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

/** Sort by severity, the most severe first, and by code. */
export function bySeverity(one: string, other: string): number {
  return ORDER.indexOf(severityOf(one)) - ORDER.indexOf(severityOf(other)) || one.localeCompare(other);
}
