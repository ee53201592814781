import { useEffect, useState } from "react";

import { readResult, readSettings, readState, tabPath } from "../api";
import { Show } from "../components/basics";
import { AuditView } from "../components/AuditView";
import { PolicyComparison } from "../components/PolicyComparison";
import { SummaryView } from "../components/SummaryView";
import type { TaskRef } from "../types";
import { useLoaded } from "../useLoaded";

const LOOK_MILLISECONDS = 5_000;
const ENDED = ["success", "failed", "skipped", "upstream_failed", "removed"];

/** What one task found, or a few words where it found nothing: before Airflow 3.4 the tab is on every task. */
export function TaskPage({ task }: { task: TaskRef }) {
  const [looks, setLooks] = useState(0);
  const loaded = useLoaded(`${tabPath(task)} ${looks}`, async (signal) => {
    const [result, settings] = await Promise.all([readResult(task, signal), readSettings(signal)]);
    return { result, settings, state: result.kind === "none" ? await readState(task, signal) : null };
  });
  const isWaiting = loaded.state === "ready" && loaded.value.state !== null && !ENDED.includes(loaded.value.state);
  useEffect(() => {
    if (!isWaiting) {
      return undefined;
    }
    const timer = setTimeout(() => setLooks((before) => before + 1), LOOK_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [isWaiting]);
  return (
    <Show loaded={loaded}>
      {({ result, settings, state }) => {
        if (result.kind === "summary") {
          return <SummaryView summary={result.value} task={task} settings={settings} />;
        }
        if (result.kind === "audit") {
          return <AuditView audit={result.value} task={task} settings={settings} />;
        }
        if (result.kind === "comparison") {
          return <PolicyComparison comparison={result.value} />;
        }
        return (
          <p className="quiet">
            {state !== null && !ENDED.includes(state)
              ? `This task is ${state}. What its preview finds is shown here when it has ended.`
              : "This task has no ECR preview."}
          </p>
        );
      }}
    </Show>
  );
}
