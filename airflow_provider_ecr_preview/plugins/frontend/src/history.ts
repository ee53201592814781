import { CHANGE_MARKER_KEY, latestMarkers } from "./api";
import { bytes, count, counted } from "./format";
import { marked, type MarkedTask, number, text } from "./markers";

/** What one task changed, would in a dry run, or says that ECR changed. */
export interface Change {
  task: MarkedTask;
  when: string;
  what: string;
  /** Null of a reconciliation, which only reads. */
  isDryRun: boolean | null;
  label: string;
  status: string;
  repositories: string;
  done: string;
  imageCount: number | null;
  byteCount: number | null;
  approvedBy: string | null;
  approvedAt: string | null;
}

const KINDS: Record<string, string> = {
  cleanup: "clean-up",
  put: "policy change",
  restore: "restore",
  reconciliation: "reconciliation",
};

export const WHATS = Object.values(KINDS);

const STATUSES: Record<string, string> = {
  begun: "started, not finished",
  done: "done",
  dry_run: "dry run",
  nothing_to_do: "nothing to do",
  blocked: "blocked",
  incomplete: "not finished",
  stopped: "stopped",
  changed: "changed",
  unchanged: "unchanged",
};

/** What a marker says; null for a kind that came later. */
export function changeOf(task: MarkedTask): Change | null {
  const { kind, counts } = task.value;
  const what = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (what === undefined) {
    return null;
  }
  const isDryRun = kind === "reconciliation" ? null : counts["dry_run"] !== false;
  const status = text(task.value, "status") ?? "";
  return {
    task,
    when: text(task.value, "finished_at") ?? text(task.value, "started_at") ?? task.marker.timestamp,
    what,
    isDryRun,
    label: isDryRun === null ? "reads only" : isDryRun ? "DRY RUN" : text(task.value, "action") === "archive" ? "IN EARNEST" : "FOR GOOD",
    status: STATUSES[status] ?? status,
    repositories: repositoriesOf(task),
    done: doneIn(task, isDryRun),
    imageCount: number(task.value, "touched_image_count"),
    byteCount: number(task.value, "touched_bytes_upper_bound"),
    approvedBy: text(task.value, "responded_by"),
    approvedAt: text(task.value, "responded_at"),
  };
}

function repositoriesOf({ value }: MarkedTask): string {
  const names = Array.isArray(value.counts["repository_names"]) ? value.counts["repository_names"].map(String) : [];
  const more = (number(value, "repository_count") ?? names.length) - names.length;
  return more > 0 ? `${names.join(", ")}${names.length > 0 ? " and " : ""}${counted(more, "more repository", "more repositories")}` : names.join(", ");
}

function doneIn({ value }: MarkedTask, isDryRun: boolean | null): string {
  if (value.kind === "reconciliation") {
    const counts = (value.counts["counts"] ?? {}) as Record<string, number>;
    const parts = Object.entries(counts).map(([category, images]) => `${count(images)} ${category.replaceAll("_", " ")}`);
    return parts.join(", ") || "nothing that ECR did is known";
  }
  if (value.kind !== "cleanup") {
    const changed = number(value, "changed_repository_count") ?? 0;
    return isDryRun ? "no policy was changed" : `${counted(changed, "policy", "policies")} ${value.kind === "restore" ? "restored" : "changed"}`;
  }
  if (text(value, "status") === "begun") {
    return "not known; its tab and its log say how far it came";
  }
  const done = text(value, "action") === "archive" ? "archived" : "deleted";
  const images = counted(number(value, "touched_image_count") ?? 0, "image", "images");
  const unknown = number(value, "unknown_image_count") ?? 0;
  const lost = unknown > 0 ? `, ${count(unknown)} not known` : "";
  return `${images} ${isDryRun ? "would be " : ""}${done}, at most ${bytes(number(value, "touched_bytes_upper_bound"))}${lost}`;
}

export interface History {
  changes: Change[];
  /** Whether there are no others. */
  isWhole: boolean;
}

/** The newest changes of all DAGs that the user may read. */
export async function readHistory(pages: number, signal: AbortSignal): Promise<History> {
  const changes: Change[] = [];
  const markers = latestMarkers(signal, { key: CHANGE_MARKER_KEY, withMapped: true, maxPages: pages });
  for (;;) {
    const page = await markers.next();
    if (page.done) {
      return { changes, isWhole: page.value };
    }
    const tasks = await marked(page.value, signal, CHANGE_MARKER_KEY);
    changes.push(...tasks.map(changeOf).filter((change) => change !== null));
  }
}
