import { readResult, taskKey } from "../api";
import type { Result } from "../results";
import type { Settings, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { AuditView } from "./AuditView";
import { ErrorBoundary, Show } from "./basics";
import { CleanupView } from "./CleanupView";
import { InUseView } from "./InUseView";
import { PolicyChangeView } from "./PolicyChangeView";
import { PolicyComparison } from "./PolicyComparison";
import { ReconciliationView } from "./ReconciliationView";
import { ApprovalView, ElsewhereView, NamesView, ReadinessView, StartedView } from "./SmallViews";
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
  const loaded = useLoaded(taskKey(task), (signal) => readResult(task, null, signal));
  return (
    <Show loaded={loaded}>
      {(result) =>
        result.kind === "none" ? (
          <p className="quiet">The result of this task no longer exists.</p>
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
      {result.kind === "comparison" && <PolicyComparison comparison={result.value} task={task} />}
      {result.kind === "cleanup" && <CleanupView cleanup={result.value} task={task} settings={settings} />}
      {result.kind === "policy_change" && <PolicyChangeView change={result.value} task={task} />}
      {result.kind === "reconciliation" && <ReconciliationView reconciliation={result.value} task={task} />}
      {result.kind === "in_use" && <InUseView inUse={result.value} task={task} />}
      {result.kind === "readiness" && <ReadinessView readiness={result.value} task={task} />}
      {result.kind === "approval" && <ApprovalView approval={result.value} task={task} />}
      {result.kind === "started" && <StartedView started={result.value} />}
      {result.kind === "names" && <NamesView names={result.value} />}
      {result.kind === "elsewhere" && <ElsewhereView address={result.value} />}
    </ErrorBoundary>
  );
}
