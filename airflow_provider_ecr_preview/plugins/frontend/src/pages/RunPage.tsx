import { useState } from "react";

import { readRunMarkers, readRunState, readSettings, taskKey } from "../api";
import { Show } from "../components/basics";
import { Pages } from "../components/DataTable";
import { Markers } from "../components/Markers";
import { PreviewTiles } from "../components/PreviewTiles";
import { readSteps, RunStory } from "../components/RunStory";
import { TaskResult } from "../components/TaskResult";
import { marked, type MarkedTask, number } from "../markers";
import type { Settings } from "../types";
import { useLater } from "../useLater";
import { useLoaded } from "../useLoaded";
import { useTitle } from "../useTitle";

const PAGE_SIZE = 50;
const ENDED = ["success", "failed"];

/** Beyond these, a run is one of many previews rather than of an audit. */
const MAX_UNMAPPED = 20;

/** What a run did, step by step; then its one audit or preview in full, or the sum of its previews, and each of them. */
export function RunPage({ dagId, runId }: { dagId: string; runId: string }) {
  useTitle(`run ${runId}, ${dagId}`);
  const [page, setPage] = useState(0);
  const [looks, setLooks] = useState(0);
  const loaded = useLoaded(`${dagId} ${runId} ${looks} ${page}`, async (signal) => {
    const [{ markers, total }, state, settings, steps] = await Promise.all([
      readRunMarkers(dagId, runId, { offset: page * PAGE_SIZE, limit: PAGE_SIZE }, signal),
      readRunState(dagId, runId, signal),
      readSettings(signal),
      readSteps(dagId, runId, signal),
    ]);
    const tasks = await marked(markers, signal);
    const audit = total <= PAGE_SIZE ? auditAmong(tasks) : await auditBeside(dagId, runId, signal);
    return { tasks, total, state, settings, audit, steps };
  });
  useLater(loaded.state === "ready" && !ENDED.includes(loaded.value.state), looks, () => setLooks((before) => before + 1));
  return (
    <Show loaded={loaded}>
      {({ tasks, total, state, settings, audit, steps }) => {
        if (total === 0 && steps.steps.length === 0) {
          return (
            <p className="quiet">
              {ENDED.includes(state) ? "This run has no ECR task." : `This run is ${state} and has no ECR result yet.`}
            </p>
          );
        }
        const main = audit ?? (total === 1 ? tasks[0] : undefined);
        return (
          <>
            {state !== "success" && (
              <p className="note">
                This run {state === "failed" ? "failed" : `is ${state}`}
                {state === "failed"
                  ? ": what its tasks did until then is below, and the tab of the failed task has the reason."
                  : ": more may follow."}
              </p>
            )}
            {steps.steps.length > 0 && <RunStory {...steps} />}
            {total > 0 && steps.steps.length > 0 && <h2>What was previewed</h2>}
            {main ? (
              <TaskResult key={taskKey(main.marker)} task={main.marker} settings={settings} />
            ) : (
              total <= PAGE_SIZE && <Sums tasks={tasks} settings={settings} />
            )}
            {total > 0 && !(main && total === 1) && (
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

/** The one audit of a run, of which mapped ones are parts; undefined where there is none, or several. */
function auditAmong(tasks: MarkedTask[]): MarkedTask | undefined {
  const unmapped = tasks.filter(({ marker }) => marker.mapIndex < 0);
  const audits = unmapped.filter(({ value }) => value.kind === "audit");
  return unmapped.length <= MAX_UNMAPPED && audits.length === 1 ? audits[0] : undefined;
}

/** The same of a run whose tasks are on several pages, on any of which it may be. */
async function auditBeside(dagId: string, runId: string, signal: AbortSignal): Promise<MarkedTask | undefined> {
  const page = await readRunMarkers(dagId, runId, { offset: 0, limit: MAX_UNMAPPED, mapIndex: -1 }, signal);
  return page.total > MAX_UNMAPPED ? undefined : auditAmong(await marked(page.markers, signal));
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
  const counts = {
    expiring_image_count: sumOf(tasks, "expiring_image_count"),
    archiving_image_count: sumOf(tasks, "archiving_image_count"),
    total_image_count: sumOf(tasks, "total_image_count"),
    expiring_bytes_upper_bound: sumOf(tasks, "expiring_bytes_upper_bound"),
  };
  return (
    <>
      <h2>The ECR previews of this run together</h2>
      <p className="quiet">A preview deletes nothing: this is what the policies would do. Of each repository, the latest preview counts.</p>
      <PreviewTiles counts={counts} settings={settings} />
    </>
  );
}
