import { readResult, taskKey } from "../api";
import type { Result } from "../api";
import type { Settings, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { AuditView } from "./AuditView";
import { Show } from "./basics";
import { PolicyComparison } from "./PolicyComparison";
import { SummaryView } from "./SummaryView";

/** What a task found, read by itself. */
export function TaskResult({ task, settings }: { task: TaskRef; settings: Settings }) {
  const loaded = useLoaded(taskKey(task), (signal) => readResult(task, signal));
  return (
    <Show loaded={loaded}>
      {(result) =>
        result.kind === "none" ? (
          <p className="quiet">The result of this task is not there any more.</p>
        ) : (
          <ResultView result={result} task={task} settings={settings} />
        )
      }
    </Show>
  );
}

export function ResultView({
  result,
  task,
  settings,
}: {
  result: Exclude<Result, { kind: "none" }>;
  task: TaskRef;
  settings: Settings;
}) {
  switch (result.kind) {
    case "summary":
      return <SummaryView summary={result.value} task={task} settings={settings} />;
    case "audit":
      return <AuditView audit={result.value} task={task} settings={settings} />;
    case "comparison":
      return <PolicyComparison comparison={result.value} />;
  }
}
