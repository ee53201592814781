import { useState } from "react";

import { readRunMarkers, readRunState, readSettings, taskKey } from "../api";
import { Show, Tiles } from "../components/basics";
import { Pages } from "../components/DataTable";
import { Markers } from "../components/Markers";
import { savings } from "../components/PreviewTiles";
import { TaskResult } from "../components/TaskResult";
import { bytes, count } from "../format";
import { marked, type MarkedTask, number } from "../markers";
import type { Settings } from "../types";
import { useLater } from "../useLater";
import { useLoaded } from "../useLoaded";

const PAGE_SIZE = 50;
const ENDED = ["success", "failed"];

/** Beyond these, a run is one of many previews rather than of an audit. */
const MAX_UNMAPPED = 20;

/** What a run would take: its one audit or preview in full, or the sum of its previews; and each of them, mapped ones too. */
export function RunPage({ dagId, runId }: { dagId: string; runId: string }) {
  const [page, setPage] = useState(0);
  const [looks, setLooks] = useState(0);
  const audit = useLoaded(`${dagId} ${runId} ${looks}`, (signal) => auditOf(dagId, runId, signal));
  const loaded = useLoaded(`${dagId} ${runId} ${looks} ${page}`, async (signal) => {
    const [{ markers, total }, state, settings] = await Promise.all([
      readRunMarkers(dagId, runId, { offset: page * PAGE_SIZE, limit: PAGE_SIZE }, signal),
      readRunState(dagId, runId, signal),
      readSettings(signal),
    ]);
    return { tasks: await marked(markers, signal), total, state, settings };
  });
  useLater(loaded.state === "ready" && !ENDED.includes(loaded.value.state), looks, () => setLooks((before) => before + 1));
  return (
    <Show loaded={loaded}>
      {({ tasks, total, state, settings }) => {
        if (total === 0) {
          return (
            <p className="quiet">
              {ENDED.includes(state) ? "This run has no ECR preview." : `This run is ${state} and has no ECR preview yet.`}
            </p>
          );
        }
        const main = audit.value ?? (total === 1 ? tasks[0] : undefined);
        return (
          <>
            {state !== "success" && (
              <p className="note">
                This run {state === "failed" ? "has failed" : `is ${state}`}: of tasks that are not listed here nothing is known.
              </p>
            )}
            {main ? (
              <TaskResult key={taskKey(main.marker)} task={main.marker} settings={settings} />
            ) : (
              audit.state !== "loading" && total <= PAGE_SIZE && <Sums tasks={tasks} settings={settings} />
            )}
            {!(main && total === 1) && (
              <section>
                <h3>Every ECR preview of this run</h3>
                <Markers tasks={tasks} label="ECR previews of this run" />
                {total > PAGE_SIZE && <Pages what="previews" page={page} size={PAGE_SIZE} total={total} onPage={setPage} />}
              </section>
            )}
          </>
        );
      }}
    </Show>
  );
}

/** The one audit of a run, of which mapped ones are parts; null where it has none or several. */
async function auditOf(dagId: string, runId: string, signal: AbortSignal): Promise<MarkedTask | null> {
  const page = await readRunMarkers(dagId, runId, { offset: 0, limit: MAX_UNMAPPED, mapIndex: -1 }, signal);
  if (page.total > MAX_UNMAPPED) {
    return null;
  }
  const audits = (await marked(page.markers, signal)).filter(({ value }) => value.kind === "audit");
  return audits.length === 1 ? (audits[0] ?? null) : null;
}

/** The sum of the previews of a run, each repository counted once. */
export function sumOf(tasks: MarkedTask[], name: string): number | null {
  const latest = new Map(
    tasks
      .filter(({ value }) => value.kind === "summary")
      .sort((one, other) => one.marker.timestamp.localeCompare(other.marker.timestamp))
      .map((task) => [repositoryOf(task), task]),
  );
  return [...latest.values()].reduce<number | null>((sum, { value }) => {
    const addend = number(value, name);
    return sum === null || addend === null ? null : sum + addend;
  }, 0);
}

function repositoryOf({ marker, value: { counts } }: MarkedTask): string {
  return counts["repository_name"] === undefined
    ? taskKey(marker)
    : JSON.stringify([counts["registry_id"], counts["region_name"], counts["repository_name"]]);
}

function Sums({ tasks, settings }: { tasks: MarkedTask[]; settings: Settings }) {
  if (!tasks.some(({ value }) => value.kind === "summary")) {
    return null;
  }
  const size = sumOf(tasks, "expiring_bytes_upper_bound");
  const total = sumOf(tasks, "total_image_count");
  return (
    <>
      <h2>The ECR previews of this run together</h2>
      <p className="quiet">Nothing was deleted: this is what the policies would do now. Of a repository, the latest preview counts.</p>
      <Tiles
        tiles={[
          ["Images that would be deleted", count(sumOf(tasks, "expiring_image_count")), total === null ? undefined : `of ${count(total)}`],
          ["Images that would be archived", count(sumOf(tasks, "archiving_image_count")), "archiving saves nothing by itself"],
          ["Bytes", bytes(size), "at most: layers are shared"],
          savings(size, settings),
        ]}
      />
    </>
  );
}
