/** A line of two texts: in both, or in one of them only. */
export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** More than the longest policy that ECR takes has, written over several lines. */
const MAX_LINES = 3_000;

/** The lines of two texts, each once where they agree: the longest common part stays. */
export function diffLines(before: string[], after: string[]): DiffLine[] {
  const removed = before.map((text): DiffLine => ({ kind: "removed", text }));
  const added = after.map((text): DiffLine => ({ kind: "added", text }));
  if (before.length > MAX_LINES || after.length > MAX_LINES) {
    return [...removed, ...added];
  }
  const width = after.length + 1;
  const common = new Uint16Array((before.length + 1) * width);
  for (let at = before.length - 1; at >= 0; at -= 1) {
    for (let to = after.length - 1; to >= 0; to -= 1) {
      common[at * width + to] =
        before[at] === after[to]
          ? (common[(at + 1) * width + to + 1] ?? 0) + 1
          : Math.max(common[(at + 1) * width + to] ?? 0, common[at * width + to + 1] ?? 0);
    }
  }
  const lines: DiffLine[] = [];
  let [at, to] = [0, 0];
  while (at < before.length && to < after.length) {
    if (before[at] === after[to]) {
      lines.push({ kind: "same", text: before[at] ?? "" });
      at += 1;
      to += 1;
    } else if ((common[(at + 1) * width + to] ?? 0) >= (common[at * width + to + 1] ?? 0)) {
      lines.push({ kind: "removed", text: before[at] ?? "" });
      at += 1;
    } else {
      lines.push({ kind: "added", text: after[to] ?? "" });
      to += 1;
    }
  }
  return [...lines, ...removed.slice(at), ...added.slice(to)];
}

/** A policy over several lines, its keys as they are; a text that is no JSON stays as it is. */
export function policyLines(text: string | null): string[] {
  if (text === null) {
    return [];
  }
  try {
    return JSON.stringify(JSON.parse(text), null, 2).split("\n");
  } catch {
    return text.split("\n");
  }
}
