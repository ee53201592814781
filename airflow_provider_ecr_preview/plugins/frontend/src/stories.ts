import type { ApprovedBy, Approval, Cleanup, PolicyChange } from "./changes";
import { bytes, count, counted, minute } from "./format";
import type { Result } from "./results";

/** Whether something was changed, would be, or neither: what a reader must never confuse. */
export type Tone = "real" | "dry" | "stopped" | "read";

export interface Story {
  /** What kind of step it is, in a word or two. */
  step: string;
  tone: Tone;
  /** What stands before the text in capitals; none for what only reads. */
  label: string | null;
  text: string;
}

const DONE = { delete: "deleted", archive: "archived" };
const FOR_GOOD = { delete: "FOR GOOD", archive: "IN EARNEST", put: "FOR GOOD" };

export function images(value: number | null): string {
  return value === null ? "an unknown number of images" : counted(value, "image", "images");
}

export function repositories(value: number): string {
  return counted(value, "repository", "repositories");
}

/** What a clean-up did, or in a dry run would do. */
export function cleanupStory(cleanup: Cleanup): Story {
  const done = DONE[cleanup.action] ?? cleanup.action;
  const step = cleanup.dry_run ? "Clean-up, dry run" : "Clean-up";
  const blocked = cleanup.statuses["blocked"] ?? 0;
  const unfinished = (cleanup.statuses["incomplete"] ?? 0) + (cleanup.statuses["stopped"] ?? 0);
  const unknown = cleanup.repositories.reduce((sum, repository) => sum + repository.unknown_image_count, 0);
  const whyNot = [
    ...(blocked > 0 ? [`A check blocks ${repositories(blocked)}.`] : []),
    ...(unfinished > 0 ? [`${repositories(unfinished)} ${unfinished === 1 ? "was" : "were"} not finished.`] : []),
    ...(unknown > 0 ? [`Whether ${images(unknown)} ${unknown === 1 ? "was" : "were"} ${done} is not known.`] : []),
  ];
  if (cleanup.dry_run) {
    const would = `${images(cleanup.touched_image_count)} would be ${done}, at most ${bytes(cleanup.touched_bytes_upper_bound)}.`;
    return { step, tone: "dry", label: "DRY RUN", text: [`Nothing was ${done}. ${would}`, ...whyNot].join(" ") };
  }
  if (cleanup.touched_image_count > 0) {
    const was = cleanup.touched_image_count === 1 ? "was" : "were";
    const what = `${images(cleanup.touched_image_count)} ${was} ${done}, at most ${bytes(cleanup.touched_bytes_upper_bound)}.`;
    return { step, tone: "real", label: FOR_GOOD[cleanup.action] ?? null, text: [what, ...whyNot].join(" ") };
  }
  if (unknown > 0) {
    return { step, tone: "real", label: FOR_GOOD[cleanup.action] ?? null, text: whyNot.join(" ") };
  }
  const nothing = `Nothing was ${done}.`;
  return { step, tone: "stopped", label: null, text: [nothing, ...(whyNot.length > 0 ? whyNot : ["There was nothing to do."])].join(" ") };
}

/** What happened to lifecycle policies, or in a dry run would. */
export function policyStory(change: PolicyChange): Story {
  const what = change.kind === "restore" ? "Restore of policies" : change.kind === "put" ? "Policy change" : "Policy change or restore";
  const done = change.kind === "restore" ? "restored" : change.kind === "put" ? "applied" : "changed";
  const step = change.dry_run ? `${what}, dry run` : what;
  const planned = change.statuses["planned"] ?? 0;
  const blocked = change.statuses["blocked"] ?? 0;
  const bad = (change.statuses["failed"] ?? 0) + (change.statuses["unknown"] ?? 0);
  const isBlocked = change.status === "blocked";
  const whyNot = [
    ...(isBlocked ? [blocked > 0 ? `A check blocks ${repositories(blocked)}.` : "A check of the whole run blocks it."] : []),
    ...(bad > 0 ? [`Of ${repositories(bad)} the change failed, or its result is not known.`] : []),
    ...(!change.dry_run && planned > 0 && !isBlocked ? [`${repositories(planned)} were not reached.`] : []),
  ];
  if (change.dry_run) {
    const would = `The policies of ${repositories(planned)} would be ${done}.`;
    return { step, tone: "dry", label: "DRY RUN", text: ["No policy was changed.", ...(isBlocked ? [] : [would]), ...whyNot].join(" ") };
  }
  if (change.changed_repository_count > 0 || bad > 0) {
    const text = `The policies of ${repositories(change.changed_repository_count)} were ${done}.`;
    return { step, tone: "real", label: "FOR GOOD", text: [text, ...whyNot].join(" ") };
  }
  const reasons = whyNot.length > 0 ? whyNot : ["Every repository had the wanted policy already."];
  return { step, tone: "stopped", label: null, text: ["No policy was changed.", ...reasons].join(" ") };
}

const ASKED = { delete: "delete the images", archive: "archive the images", put: "apply the policies" };

/** What a person was asked, and what the answer was. */
export function approvalStory(approval: Approval): Story {
  const what = `${ASKED[approval.action] ?? approval.action} of ${repositories(approval.repository_count)}`;
  const label = approval.dry_run ? "DRY RUN" : (FOR_GOOD[approval.action] ?? null);
  const answer = approval.chosen_options?.[0];
  if (answer === undefined) {
    return { step: "Approval", tone: approval.dry_run ? "dry" : "stopped", label, text: `Waits for a person to answer: ${what}?` };
  }
  const who = approval.responded_by_user?.name ?? approval.responded_by_user?.id;
  const by = `${who ?? "A timeout"}${approval.responded_at ? `, ${minute(approval.responded_at)}` : ""}`;
  return answer === "Approve"
    ? {
        step: "Approval",
        tone: approval.dry_run ? "dry" : "real",
        label,
        text: `Approved by ${by}: ${what}.${isTooLate(approval) ? " The answer came too late: the previews are more than a day old." : ""}`,
      }
    : { step: "Approval", tone: "stopped", label, text: `Rejected by ${by}: ${what}. Nothing is changed because of it.` };
}

/** Whether the answer came when the previews were too old for a clean-up with its defaults, which then blocks it. */
export function isTooLate({ answer_by: answerBy, chosen_options: chosen, responded_at: respondedAt }: Approval): boolean {
  return chosen?.[0] === "Approve" && Boolean(answerBy && respondedAt) && Date.parse(respondedAt ?? "") > Date.parse(answerBy ?? "");
}

/** Who approved what a task did. */
export function approvedBy(approval: ApprovedBy | null | undefined): string {
  if (!approval) {
    return "not bound to an approval";
  }
  const at = approval.responded_at ? `, ${minute(approval.responded_at)}` : "";
  return `approved by ${approval.responded_by ?? "someone who gave only the digest"}${at}`;
}

/** What a task did or found, in one sentence. */
export function storyOf(result: Result): Story | null {
  switch (result.kind) {
    case "cleanup":
      return cleanupStory(result.value);
    case "policy_change":
      return policyStory(result.value);
    case "approval":
      return approvalStory(result.value);
    case "summary":
      return read("Preview", would(result.value.repository_name, result.value));
    case "audit":
      return read("Audit", would(repositories(result.value.repository_count), result.value));
    case "comparison":
      return read(
        "Comparison",
        `${repositories(result.value.repository_count)} compared, ${count(result.value.differing_repository_count)} of which differ.`,
      );
    case "in_use": {
      const unread = result.value.unread_count ?? result.value.unread.length;
      const found = `${images(result.value.image_count)} in use.`;
      const missing = unread > 0 ? ` ${counted(unread, "source", "sources")} could not be read, so a clean-up is blocked.` : "";
      return read("Images in use", found + missing);
    }
    case "reconciliation": {
      const gone = (result.value.counts["expired_as_previewed"] ?? 0) + (result.value.counts["expired_without_preview"] ?? 0);
      const pending = result.value.statuses["not_executed_yet"] ?? 0;
      const text = `ECR expired ${images(gone)} of ${counted(result.value.repository_count, "preview", "previews")}.`;
      return read("Reconciliation", pending > 0 ? `${text} It has not acted on ${repositories(pending)} yet.` : text);
    }
    case "readiness":
      return read(
        "Readiness",
        `${count(result.value.ready_repository_count)} of ${repositories(result.value.repository_count)} pass every check. Nothing was changed.`,
      );
    case "started":
      return read("Preview started", `${result.value.repository_name}: ${result.value.status}.`);
    case "names":
      return read("Repositories", `${repositories(nameCount(result.value.batches))} selected.`);
    case "elsewhere":
    case "none":
      return null;
  }
}

export function nameCount(batches: { repository_names: string[] }[]): number {
  return batches.reduce((sum, batch) => sum + batch.repository_names.length, 0);
}

function read(step: string, text: string): Story {
  return { step, tone: "read", label: null, text };
}

function would(of: string, counts: { expiring_image_count: number; archiving_image_count: number }): string {
  const archived = counts.archiving_image_count > 0 ? `, ${images(counts.archiving_image_count)} archived` : "";
  return `${of}: ${images(counts.expiring_image_count)} would be deleted${archived}. Nothing was changed.`;
}
