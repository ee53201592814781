import { readAssetAudits, tabPath, taskKey, taskOfKey } from "../api";
import { Trend } from "../charts/lazy";
import { HostLink, Show } from "../components/basics";
import { Markers } from "../components/Markers";
import { counted, minute } from "../format";
import type { MarkedTask } from "../markers";
import { useLoaded } from "../useLoaded";
import { useParameters } from "../useParameters";
import { TaskPage } from "./TaskPage";

const SHOWN = "audit";

/** The audits that an asset stands for, and the latest of them, or the one that the address names. */
export function AssetPage({ assetId, assetName }: { assetId: number; assetName: string }) {
  const [parameters, setParameters] = useParameters();
  const loaded = useLoaded(`asset ${assetId}`, (signal) => readAssetAudits(assetId, signal));
  return (
    <Show loaded={loaded}>
      {(audits) => {
        const wanted = parameters.get(SHOWN);
        const current = audits.find(({ marker }) => taskKey(marker) === wanted) ?? audits[0];
        return current ? (
          <>
            <h2>Audits of {assetName}</h2>
            <p className="quiet">
              {counted(audits.length, "audit", "audits")} announced by the latest events of this asset. The one below is of{" "}
              {minute(current.marker.timestamp)}, by <HostLink to={tabPath(current.marker)}>{current.marker.taskId}</HostLink>.
            </p>
            <Trend audits={ofOneTask(audits, current)} current={taskKey(current.marker)} onChoose={(key) => taskOfKey(key) && setParameters({ [SHOWN]: key })} />
            <details>
              <summary>All of these audits</summary>
              <Markers tasks={audits} label="Audits of this asset" />
            </details>
            <TaskPage key={taskKey(current.marker)} task={current.marker} />
          </>
        ) : (
          <p className="quiet">No event of this asset has announced an audit that you may see.</p>
        );
      }}
    </Show>
  );
}

/** Those that one task of one DAG made, which are comparable. */
function ofOneTask(audits: MarkedTask[], { marker }: MarkedTask): MarkedTask[] {
  return audits.filter(({ marker: { dagId, taskId } }) => dagId === marker.dagId && taskId === marker.taskId);
}
