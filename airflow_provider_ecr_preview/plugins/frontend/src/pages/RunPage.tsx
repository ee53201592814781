import { useState } from "react";

import { readRunMarkers, readSettings, taskKey } from "../api";
import { Show, Tiles } from "../components/basics";
import { Markers } from "../components/Markers";
import { savings } from "../components/PreviewTiles";
import { TaskResult } from "../components/TaskResult";
import { bytes, count } from "../format";
import { marked, type MarkedTask, number } from "../markers";
import type { Settings } from "../types";
import { useLoaded } from "../useLoaded";

const PAGE_SIZE = 50;

/** What a run would take: its one audit or preview in full, or the sum of its previews; and each of them, mapped ones too. */
export function RunPage({ dagId, runId }: { dagId: string; runId: string }) {
  const [offset, setOffset] = useState(0);
  const loaded = useLoaded(`${dagId} ${runId} ${offset}`, async (signal) => {
    const [{ markers, total }, settings] = await Promise.all([
      readRunMarkers(dagId, runId, offset, PAGE_SIZE, signal),
      readSettings(signal),
    ]);
    return { tasks: await marked(markers, signal), total, settings };
  });
  return (
    <Show loaded={loaded}>
      {({ tasks, total, settings }) => {
        if (total === 0) {
          return <p className="quiet">This run has no ECR preview.</p>;
        }
        const main = total <= PAGE_SIZE ? mainOf(tasks) : undefined;
        return (
          <>
            {main ? <TaskResult task={main.marker} settings={settings} /> : total <= PAGE_SIZE && <Sums tasks={tasks} settings={settings} />}
            {!(main && total === 1) && (
              <section>
                <h3>Every ECR preview of this run</h3>
                <Markers tasks={tasks} label="ECR previews of this run" />
                {total > PAGE_SIZE && <Pages offset={offset} total={total} onChange={setOffset} />}
              </section>
            )}
          </>
        );
      }}
    </Show>
  );
}

/** The one task that stands for the run: its audit, of which others are parts; or its only preview. */
export function mainOf(tasks: MarkedTask[]): MarkedTask | undefined {
  const audits = tasks.filter(({ marker, value }) => value.kind === "audit" && marker.mapIndex < 0);
  if (audits.length > 0) {
    return audits.length === 1 ? audits[0] : undefined;
  }
  return tasks.length === 1 ? tasks[0] : undefined;
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

function Pages({ offset, total, onChange }: { offset: number; total: number; onChange: (offset: number) => void }) {
  const last = Math.min(offset + PAGE_SIZE, total);
  return (
    <nav className="controls" aria-label="Pages of previews">
      <button className="button" type="button" disabled={offset === 0} onClick={() => onChange(offset - PAGE_SIZE)}>
        Previous
      </button>
      <span role="status">
        {count(offset + 1)}–{count(last)} of {count(total)} previews
      </span>
      <button className="button" type="button" disabled={last === total} onClick={() => onChange(offset + PAGE_SIZE)}>
        Next
      </button>
    </nav>
  );
}
