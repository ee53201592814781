import { useEffect, useState } from "react";

import { readResult, readSettings, readState, tabPath, taskPagePath } from "../api";
import { HostLink, Show } from "../components/basics";
import { ResultView } from "../components/TaskResult";
import type { TaskRef } from "../types";
import { useLoaded } from "../useLoaded";

const LOOK_MILLISECONDS = 5_000;
const ENDED = ["success", "failed", "skipped", "upstream_failed", "removed"];

/** What one task found, or a few words where it found nothing: before Airflow 3.4 the tab is on every task. */
export function TaskPage({ task, isTab = false }: { task: TaskRef; isTab?: boolean }) {
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
      {({ result, settings, state }) =>
        result.kind === "none" ? (
          <p className="quiet">
            {state !== null && !ENDED.includes(state)
              ? `This task is ${state}. What its preview finds is shown here when it has ended.`
              : "This task has no ECR preview."}
          </p>
        ) : (
          <>
            <p className="quiet aside">
              {isTab ? (
                <HostLink to={taskPagePath(task)}>On a page of its own</HostLink>
              ) : (
                <HostLink to={tabPath(task)}>
                  {task.dagId} / {task.runId} / {task.taskId}
                  {task.mapIndex >= 0 ? ` [${task.mapIndex}]` : ""}
                </HostLink>
              )}
            </p>
            <ResultView result={result} task={task} settings={settings} />
          </>
        )
      }
    </Show>
  );
}
