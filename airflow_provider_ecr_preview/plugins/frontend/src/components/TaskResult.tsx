import { readResult, taskKey } from "../api";
import type { Result } from "../api";
import type { Settings, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { AuditView } from "./AuditView";
import { ErrorBoundary, Show } from "./basics";
import { PolicyComparison } from "./PolicyComparison";
import { SummaryView } from "./SummaryView";

/** What a task found, read by itself. */
export function TaskResult({
  task,
  settings,
  isOneOfMany = false,
}: {
  task: TaskRef;
  settings: Settings;
  isOneOfMany?: boolean;
}) {
  const loaded = useLoaded(taskKey(task), (signal) => readResult(task, signal));
  return (
    <Show loaded={loaded}>
      {(result) =>
        result.kind === "none" ? (
          <p className="quiet">The result of this task is not there any more.</p>
        ) : (
          <ResultView result={result} task={task} settings={settings} isOneOfMany={isOneOfMany} />
        )
      }
    </Show>
  );
}

export function ResultView({
  result,
  task,
  settings,
  isOneOfMany = false,
}: {
  result: Exclude<Result, { kind: "none" }>;
  task: TaskRef;
  settings: Settings;
  isOneOfMany?: boolean;
}) {
  return (
    // Of each task its own, so that the way to another stays open.
    <ErrorBoundary key={taskKey(task)}>
      {result.kind === "summary" && <SummaryView summary={result.value} task={task} settings={settings} />}
      {result.kind === "audit" && <AuditView audit={result.value} task={task} settings={settings} isOneOfMany={isOneOfMany} />}
      {result.kind === "comparison" && <PolicyComparison comparison={result.value} />}
    </ErrorBoundary>
  );
}
