import type { RuleSummary } from "./types";
import { visible } from "./visible";

/** The rules of the text of a lifecycle policy, for a repository of which nothing else about its rules is known. */
export function rulesOf(text: string | null): RuleSummary[] {
  try {
    const { rules } = JSON.parse(text ?? "null") as { rules: { rulePriority: number; description?: string; action: { type: string } }[] };
    return rules
      .map((rule) => ({
        priority: Number(rule.rulePriority),
        action: visible(String(rule.action.type)),
        description: typeof rule.description === "string" ? visible(rule.description) : null,
        image_count: null,
        bytes_upper_bound: null,
      }))
      .filter((rule) => Number.isInteger(rule.priority));
  } catch {
    return []; // Not the text of a policy.
  }
}
