import { AUDIT_MARKER_KEY, latestMarkers, newestOnce, readMarker, readSettings, taskKey, taskOfKey } from "../api";
import { Trend } from "../charts/lazy";
import { HostLink, LinkButton, Show } from "../components/basics";
import { AuditChanges } from "../components/AuditChanges";
import { Candidates } from "../components/Candidates";
import { Markers } from "../components/Markers";
import { TaskResult } from "../components/TaskResult";
import { counted, minute } from "../format";
import { isOfApplied, isOfOneKind, isOfOneSeries, kindOf, kindText } from "../kinds";
import { marked, type MarkedTask, number, text } from "../markers";
import type { Marker } from "../types";
import { useLoaded } from "../useLoaded";
import { useTitle } from "../useTitle";
import { useParameters } from "../useParameters";

const MAX_AUDITS = 30;

const HISTORY = "/plugin/ecr-history";

/** How many pages of markers are looked through for audits from before these had a key of their own. */
const MAX_OLD_PAGES = 10;

/** The audits of all DAGs that the user may read: the latest in full, how they went over time, and two compared. */
export function RegistryPage() {
  const [parameters, setParameters] = useParameters();
  useTitle("Audits");
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
        const audits = newestOnce([...(named.value ?? []).filter((audit) => audit !== null), ...found]);
        const [current = wanted[0] === null ? (audits.find(isOfApplied) ?? audits[0]) : undefined, compared] = wanted.map((key) =>
          audits.find((audit) => taskKey(audit.marker) === key),
        );
        if (audits.length === 0) {
          return (
            <>
              <p className="quiet">
                <HostLink to={HISTORY}>History of clean-ups and policies</HostLink>. There is no audit that you may read yet. Run a DAG with EcrAuditLifecyclePoliciesOperator, for example
                ecr_audit_registry. A preview of a single repository is in the tab of its task.
              </p>
              <Candidates audits={[]} onChoose={choose} />
            </>
          );
        }
        if (!current || (wanted[1] !== null && !compared)) {
          return named.state === "loading" ? (
            <p className="quiet" role="status">
              Loading…
            </p>
          ) : (
            <>
              <p className="note">The audit in the address of this page no longer exists, or you may not read it.</p>
              <LinkButton onClick={() => choose("")}>Show the latest audit</LinkButton>
            </>
          );
        }
        // A what-if beside what is applied would show differences that nobody made.
        const applied = audits.filter(isOfApplied);
        const others = audits.filter((audit) => audit !== current && isOfOneKind(audit, current));
        return (
          <>
            <p className="quiet aside">
              <HostLink to={HISTORY}>History of clean-ups and policies</HostLink>
            </p>
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
                    audits={audits.filter((audit) => isOfOneSeries(audit, current))}
                    current={taskKey(current.marker)}
                    onChoose={choose}
                  />
                )}
                <TaskResult key={taskKey(current.marker)} task={current.marker} settings={settings} isOneOfMany />
              </>
            )}
            <details>
              <summary>Latest audits of the applied policies that you may read ({applied.length})</summary>
              <Markers tasks={applied} label="Latest audits" />
              {!isWhole && <p className="quiet">There may be others, which the tabs of their tasks show.</p>}
            </details>
            <Candidates audits={audits.filter((audit) => !isOfApplied(audit))} onChoose={choose} />
          </>
        );
      }}
    </Show>
  );
}

/** The audits of the applied policies, and apart from them the what-ifs. */
function Options({ audits }: { audits: MarkedTask[] }) {
  const groups = [
    { title: "Applied policies", audits: audits.filter(isOfApplied) },
    { title: "Candidate policies (what-if)", audits: audits.filter((audit) => !isOfApplied(audit)) },
  ].filter((group) => group.audits.length > 0);
  return groups.map((group) => (
    <optgroup key={group.title} label={group.title}>
      {group.audits.map((audit) => (
        <option key={taskKey(audit.marker)} value={taskKey(audit.marker)}>
          {[minute(audit.marker.timestamp), audit.marker.dagId, countText(number(audit.value, "repository_count")), kindText(kindOf(audit))]
            .filter(Boolean)
            .join(", ")}
        </option>
      ))}
    </optgroup>
  ));
}

function countText(count: number | null): string {
  return count === null ? "" : counted(count, "repository", "repositories");
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
  const own = await auditsAmong(latestMarkers(signal, { key: AUDIT_MARKER_KEY }), signal, AUDIT_MARKER_KEY);
  if (own.audits.length >= MAX_AUDITS) {
    return own;
  }
  // Those from before audits had a key of their own stand among the previews.
  const old = await auditsAmong(latestMarkers(signal, { maxPages: own.audits.length > 0 ? 1 : MAX_OLD_PAGES }), signal);
  return { audits: newestOnce([...old.audits, ...own.audits]).slice(0, MAX_AUDITS), isWhole: own.isWhole && old.isWhole };
}

/** An audit has one time everywhere: its own, and not that of its marker. */
function withOwnTime({ marker, value }: MarkedTask): MarkedTask {
  return { marker: { ...marker, timestamp: text(value, "audited_at") ?? marker.timestamp }, value };
}

async function auditsAmong(
  pages: AsyncGenerator<Marker[], boolean>,
  signal: AbortSignal,
  key?: string,
): Promise<{ audits: MarkedTask[]; isWhole: boolean }> {
  const audits: MarkedTask[] = [];
  for (;;) {
    const page = await pages.next();
    if (page.done) {
      return { audits, isWhole: page.value };
    }
    for (let at = 0; at < page.value.length; at += MAX_AUDITS) {
      const found = await marked(page.value.slice(at, at + MAX_AUDITS), signal, key);
      audits.push(...found.filter(({ value }) => value.kind === "audit").map(withOwnTime));
      if (audits.length > MAX_AUDITS) {
        return { audits: audits.slice(0, MAX_AUDITS), isWhole: false };
      }
    }
  }
}
