import { readAssetAudits, readSettings, taskKey, taskPagePath } from "../api";
import { Trend } from "../charts/lazy";
import { HostLink, LinkButton, Show } from "../components/basics";
import { Markers } from "../components/Markers";
import { TaskResult } from "../components/TaskResult";
import { counted, minute } from "../format";
import { isOfApplied, isOfOneSeries } from "../kinds";
import { useLoaded } from "../useLoaded";
import { useParameters } from "../useParameters";
import { useTitle } from "../useTitle";

/** The audits that an asset stands for, and the latest of them, or the one that the address names. */
export function AssetPage({ assetId, assetName }: { assetId: number; assetName: string }) {
  const [parameters, setParameters] = useParameters();
  useTitle(`Audits of ${assetName}`);
  const loaded = useLoaded(`asset ${assetId}`, async (signal) => {
    const [audits, settings] = await Promise.all([readAssetAudits(assetId, signal), readSettings(signal)]);
    return { audits, settings };
  });
  const choose = (audit: string) => setParameters({ audit, repository: "" });
  return (
    <Show loaded={loaded}>
      {({ audits, settings }) => {
        if (audits.length === 0) {
          return <p className="quiet">No event of this asset has announced an audit that you may see.</p>;
        }
        const wanted = parameters.get("audit");
        const repository = parameters.get("repository");
        const current =
          wanted === null ? (audits.find(isOfApplied) ?? audits[0]) : audits.find(({ marker }) => taskKey(marker) === wanted);
        if (!current) {
          return (
            <>
              <p className="note">The audit in the address of this page is not among the latest events of this asset.</p>
              <LinkButton onClick={() => choose("")}>Show the latest audit</LinkButton>
            </>
          );
        }
        return (
          <div className="asset">
            <h2>Audits of {assetName}</h2>
            <p className="quiet">
              {counted(audits.length, "audit", "audits")} announced by the latest events of this asset.{" "}
              <HostLink to={taskPagePath(current.marker, repository)}>
                Show the audit of {minute(current.marker.timestamp)} on a page of its own
              </HostLink>
            </p>
            <div className="roomy">
              {repository === null && (
                <Trend
                  audits={audits.filter((audit) => isOfOneSeries(audit, current))}
                  current={taskKey(current.marker)}
                  onChoose={choose}
                />
              )}
              {audits.length > 1 && (
                <details>
                  <summary>All of these audits</summary>
                  <Markers tasks={audits} label="Audits of this asset" />
                </details>
              )}
              <TaskResult key={taskKey(current.marker)} task={current.marker} settings={settings} isOneOfMany />
            </div>
          </div>
        );
      }}
    </Show>
  );
}
