/** What to do about a finding, where only its code is known. */
export const WHAT_TO_DO: Record<string, string> = {
  in_use_image_expires: "An outage is to be expected: keep these images by a rule with a lower rulePriority.",
  would_empty_repository: "Every image would expire: add a rule that keeps the newest ones (imageCountMoreThan).",
  newest_image_expires: "The most recently pushed image would expire: keep a count of images instead of an age.",
  recently_pulled_image_expires: "Something may still use these images: keep them by a rule with a lower rulePriority.",
  in_use_unknown: "Not everything that may run images could be asked: let the task read every source.",
  dead_rule: "No image has the tags that a rule asks for: remove the rule, or correct its tags.",
  and_patterns_match_nothing: "ECR wants every pattern of a rule to match: write one rule for each pattern.",
  storage_class_costs: "Archived images are billed too, for at least 90 days: archiving saves nothing by itself.",
};
