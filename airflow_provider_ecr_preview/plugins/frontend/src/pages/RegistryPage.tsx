import { latestMarkers, readMarker, readSettings, taskKey, taskOfKey } from "../api";
import { Trend } from "../charts/Trend";
import { LinkButton, Show } from "../components/basics";
import { AuditChanges } from "../components/AuditChanges";
import { Markers } from "../components/Markers";
import { TaskResult } from "../components/TaskResult";
import { minute } from "../format";
import { marked, type MarkedTask, number } from "../markers";
import { useLoaded } from "../useLoaded";
import { useParameters } from "../useParameters";

const MAX_AUDITS = 30;

/** The audits of all DAGs that the user may read: the latest in full, how they went over time, and two compared. */
export function RegistryPage() {
  const [parameters, setParameters] = useParameters();
  const latest = useLoaded("latest", async (signal) => {
    const [audits, settings] = await Promise.all([latestAudits(signal), readSettings(signal)]);
    return { ...audits, settings };
  });
  const wanted = [parameters.get("audit"), parameters.get("with")];
  // A link may be older than the latest.
  const named = useLoaded(wanted.join("\n"), (signal) => Promise.all(wanted.map((key) => readAudit(key, signal))));
  const choose = (audit: string) => setParameters({ audit, with: "", repository: "" });
  return (
    <Show loaded={latest}>
      {({ audits: found, isWhole, settings }) => {
        const audits = united(found, named.value ?? []);
        const [current = wanted[0] === null ? audits[0] : undefined, compared] = wanted.map((key) =>
          audits.find((each) => taskKey(each.marker) === key),
        );
        if (audits.length === 0) {
          return (
            <p className="quiet">
              There is no audit that you may read yet. Run a DAG with EcrAuditLifecyclePoliciesOperator, for example
              ecr_audit_registry. A preview of a single repository is in the tab of its task.
            </p>
          );
        }
        if (!current || (wanted[1] !== null && !compared)) {
          return named.state === "loading" ? (
            <p className="quiet" role="status">
              Loading…
            </p>
          ) : (
            <>
              <p className="note">The audit that the address of this page names is not there any more, or not yours to read.</p>
              <LinkButton onClick={() => choose("")}>Show the latest audit</LinkButton>
            </>
          );
        }
        const others = audits.filter((each) => each !== current);
        return (
          <>
            <div className="controls">
              <label>
                Audit
                <select value={taskKey(current.marker)} onChange={(event) => choose(event.target.value)}>
                  <Options audits={audits} />
                </select>
              </label>
              <label>
                Compare with
                <select
                  value={compared ? taskKey(compared.marker) : ""}
                  onChange={(event) => setParameters({ audit: taskKey(current.marker), with: event.target.value, repository: "" })}
                >
                  <option value="">nothing</option>
                  <Options audits={others} />
                </select>
              </label>
            </div>
            {compared ? (
              <AuditChanges key={`${taskKey(current.marker)} ${taskKey(compared.marker)}`} one={current.marker} other={compared.marker} />
            ) : (
              <>
                {parameters.get("repository") === null && (
                  <Trend
                    audits={audits.filter(({ marker }) => isOfOneSeries(marker, current.marker))}
                    current={taskKey(current.marker)}
                    onChoose={choose}
                  />
                )}
                <TaskResult key={taskKey(current.marker)} task={current.marker} settings={settings} isOneOfMany />
              </>
            )}
            <details>
              <summary>Latest audits that you may read ({audits.length})</summary>
              <Markers tasks={audits} label="Latest audits" />
              {!isWhole && <p className="quiet">There may be others, which the tabs of their tasks show.</p>}
            </details>
          </>
        );
      }}
    </Show>
  );
}

/** The audits of one task are compared over time; those of another may be of other repositories. */
function isOfOneSeries(one: MarkedTask["marker"], other: MarkedTask["marker"]): boolean {
  return one.dagId === other.dagId && one.taskId === other.taskId;
}

function Options({ audits }: { audits: MarkedTask[] }) {
  return audits.map(({ marker, value }) => (
    <option key={taskKey(marker)} value={taskKey(marker)}>
      {minute(marker.timestamp)}, {marker.dagId}, {number(value, "repository_count") ?? "?"} repositories
    </option>
  ));
}

/** The newest first, each once. */
function united(latest: MarkedTask[], named: (MarkedTask | null)[]): MarkedTask[] {
  const all = new Map([...named.filter((each) => each !== null), ...latest].map((each) => [taskKey(each.marker), each]));
  return [...all.values()].sort((one, other) => other.marker.timestamp.localeCompare(one.marker.timestamp));
}

/** The audit that is named so in the address; null if there is none. */
async function readAudit(key: string | null, signal: AbortSignal): Promise<MarkedTask | null> {
  const task = key === null ? null : taskOfKey(key);
  const value = task && (await readMarker(task, signal));
  if (!value || value.kind !== "audit") {
    return null;
  }
  return { marker: { ...task, timestamp: String(value.counts["audited_at"] ?? "") }, value };
}

/** The newest audits, and whether there are no others. */
async function latestAudits(signal: AbortSignal): Promise<{ audits: MarkedTask[]; isWhole: boolean }> {
  const audits: MarkedTask[] = [];
  const pages = latestMarkers(signal);
  for (;;) {
    const page = await pages.next();
    if (page.done) {
      return { audits, isWhole: page.value };
    }
    for (let at = 0; at < page.value.length; at += MAX_AUDITS) {
      const found = await marked(page.value.slice(at, at + MAX_AUDITS), signal);
      audits.push(...found.filter(({ value }) => value.kind === "audit"));
      if (audits.length > MAX_AUDITS) {
        return { audits: audits.slice(0, MAX_AUDITS), isWhole: false };
      }
    }
  }
}
