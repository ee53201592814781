import { readMarker, readMarkers } from "../api";
import { Show } from "../components/basics";
import { type MarkedTask, Markers } from "../components/Markers";
import type { Marker } from "../types";
import { useLoaded } from "../useLoaded";

/** The previews and audits of one run; of the mapped tasks, each one. */
export function RunPage({ dagId, runId }: { dagId: string; runId: string }) {
  const loaded = useLoaded(`${dagId} ${runId}`, async (signal) => marked(await readMarkers(dagId, runId, signal), signal));
  return (
    <Show loaded={loaded}>
      {(tasks) =>
        tasks.length === 0 ? (
          <p className="quiet">This run has no ECR preview.</p>
        ) : (
          <>
            <h2>ECR previews of this run</h2>
            <Markers tasks={tasks} label="ECR previews of this run" />
          </>
        )
      }
    </Show>
  );
}

/** Read what each task found, without those that may not be read. */
export async function marked(markers: Marker[], signal: AbortSignal): Promise<MarkedTask[]> {
  const values = await Promise.all(markers.map((marker) => readMarker(marker, signal)));
  return markers.flatMap((marker, at) => {
    const value = values[at];
    return value ? [{ marker, value }] : [];
  });
}
