import { useState } from "react";

import { readMarkers, readResult, readSettings, tabPath } from "../api";
import { AuditView } from "../components/AuditView";
import { Show } from "../components/basics";
import { type MarkedTask, number } from "../components/Markers";
import { Comparison } from "../components/Comparison";
import { Trend } from "../components/Trend";
import { minute } from "../format";
import { useLoaded } from "../useLoaded";
import { marked } from "./RunPage";

/** The audits of all DAGs that the user may read: the latest in full, how they went over time, and two compared. */
export function RegistryPage() {
  const loaded = useLoaded("registry", async (signal) => {
    const [tasks, settings] = await Promise.all([
      readMarkers("~", "~", signal).then((markers) => marked(markers, signal)),
      readSettings(signal),
    ]);
    // Of an audit in parts, the merged one is shown.
    const audits = tasks.filter(({ marker, value }) => value.kind === "audit" && marker.mapIndex < 0);
    return { audits, settings };
  });
  const [chosen, setChosen] = useState(0);
  const [other, setOther] = useState("");
  return (
    <Show loaded={loaded}>
      {({ audits, settings }) => {
        const current = audits[chosen];
        if (!current) {
          return (
            <p className="quiet">
              There is no audit that you may read yet. Run a DAG with EcrAuditLifecyclePoliciesOperator, for example
              ecr_audit_registry.
            </p>
          );
        }
        const compared = audits.find((each) => tabPath(each.marker) === other);
        return (
          <>
            <div className="controls">
              <label>
                Audit
                <select value={chosen} onChange={(event) => setChosen(Number(event.target.value))}>
                  {audits.map((each, at) => (
                    <option key={tabPath(each.marker)} value={at}>
                      {titleOf(each)}
                    </option>
                  ))}
                </select>
              </label>
              <label>
                Compare with
                <select value={other} onChange={(event) => setOther(event.target.value)}>
                  <option value="">nothing</option>
                  {audits
                    .filter((each) => each !== current)
                    .map((each) => (
                      <option key={tabPath(each.marker)} value={tabPath(each.marker)}>
                        {titleOf(each)}
                      </option>
                    ))}
                </select>
              </label>
            </div>
            <Trend audits={audits.filter(({ marker }) => marker.dagId === current.marker.dagId)} />
            {compared && compared !== current ? (
              <Comparison key={tabPath(current.marker) + other} one={current.marker} other={compared.marker} />
            ) : (
              <OneAudit key={tabPath(current.marker)} audit={current} settings={settings} />
            )}
          </>
        );
      }}
    </Show>
  );
}

function OneAudit({ audit, settings }: { audit: MarkedTask; settings: Parameters<typeof AuditView>[0]["settings"] }) {
  const loaded = useLoaded(tabPath(audit.marker), (signal) => readResult(audit.marker, signal));
  return (
    <Show loaded={loaded}>
      {(result) =>
        result.kind === "audit" ? (
          <AuditView audit={result.value} task={audit.marker} settings={settings} />
        ) : (
          <p className="quiet">The result of this audit is not there any more.</p>
        )
      }
    </Show>
  );
}

function titleOf({ marker, value }: MarkedTask): string {
  return `${minute(marker.timestamp)}, ${marker.dagId}, ${number(value, "repository_count") ?? "?"} repositories`;
}
