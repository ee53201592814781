import { useState } from "react";

import { COMPARISON_MARKER_KEY, latestMarkers, tabPath, taskKey } from "../api";
import { count, minute } from "../format";
import { candidateText, kindOf } from "../kinds";
import { marked, type MarkedTask, number, text } from "../markers";
import { useLoaded } from "../useLoaded";
import { HostLink, LinkButton, Show } from "./basics";

const MAX_COMPARISONS = 30;

/** What was tried and is not applied: what-if audits, and comparisons of candidates with the applied policies. */
export function Candidates({ audits, onChoose }: { audits: MarkedTask[]; onChoose: (audit: string) => void }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Candidate policies: what-if audits and comparisons</summary>
      {isOpen && <Opened audits={audits} onChoose={onChoose} />}
    </details>
  );
}

function Opened({ audits, onChoose }: { audits: MarkedTask[]; onChoose: (audit: string) => void }) {
  const loaded = useLoaded("comparisons", latestComparisons);
  return (
    <Show loaded={loaded}>
      {(comparisons) =>
        audits.length + comparisons.length === 0 ? (
          <p className="quiet">
            No candidate was tried yet. Give lifecycle_policy_text to an audit, or run a DAG with EcrCompareLifecyclePoliciesOperator,
            for example ecr_compare_policies.
          </p>
        ) : (
          <div className="wide" role="region" aria-label="Candidate policies" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">Candidate</th>
                  <th scope="col">Task</th>
                  <th scope="col" className="number">
                    Repositories
                  </th>
                  <th scope="col">What it would do</th>
                </tr>
              </thead>
              <tbody>
                {[...audits, ...comparisons].sort(newestFirst).map((task) => (
                  <tr key={`${task.value.kind} ${taskKey(task.marker)}`}>
                    <td className="short">{minute(task.marker.timestamp)}</td>
                    <td>{nameOf(task)}</td>
                    <td>
                      {task.value.kind === "audit" ? (
                        <LinkButton onClick={() => onChoose(taskKey(task.marker))}>{titleOf(task)}</LinkButton>
                      ) : (
                        <HostLink to={tabPath(task.marker)}>{titleOf(task)}</HostLink>
                      )}
                    </td>
                    <td className="number">{count(number(task.value, "repository_count"))}</td>
                    <td>{effectOf(task)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Show>
  );
}

async function latestComparisons(signal: AbortSignal): Promise<MarkedTask[]> {
  const page = await latestMarkers(signal, { key: COMPARISON_MARKER_KEY, withMapped: true, maxPages: 1 }).next();
  const tasks = page.done ? [] : await marked(page.value.slice(0, MAX_COMPARISONS), signal, COMPARISON_MARKER_KEY);
  return tasks.filter(({ value }) => value.kind === "comparison");
}

function newestFirst(one: MarkedTask, other: MarkedTask): number {
  return other.marker.timestamp.localeCompare(one.marker.timestamp);
}

function titleOf({ marker, value }: MarkedTask): string {
  return `${value.kind === "audit" ? "what-if audit" : "comparison"}: ${marker.dagId} / ${marker.taskId}`;
}

function nameOf(task: MarkedTask): string {
  return task.value.kind === "audit" ? candidateText(kindOf(task)) : `${policiesOf(task).join(" and ")} compared`;
}

function policiesOf({ value }: MarkedTask): string[] {
  const names = value.counts["policies"];
  return Array.isArray(names) ? names.map(String) : [];
}

function effectOf(task: MarkedTask): string {
  if (task.value.kind === "audit") {
    return `${count(number(task.value, "expiring_image_count"))} images would be deleted`;
  }
  const newly = task.value.counts["newly_affected_image_counts"];
  const counts = Array.isArray(newly) ? newly.map((images) => count(typeof images === "number" ? images : null)) : [];
  const differing = count(number(task.value, "differing_repository_count"));
  const method = text(task.value, "method") === "simulation" ? " (a simulation)" : "";
  return `${counts.join(", ")} images newly affected; ${differing} repositories differ${method}`;
}
