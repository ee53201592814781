import { useState } from "react";

import { readResult, readSettings, readState, tabPath, taskPagePath } from "../api";
import { HostLink, Show } from "../components/basics";
import { ResultView } from "../components/TaskResult";
import type { TaskRef } from "../types";
import { useLater } from "../useLater";
import { useLoaded } from "../useLoaded";
import { useParameters } from "../useParameters";

const ENDED = ["success", "failed", "skipped", "upstream_failed", "removed"];

/** What one task found, or a few words where it found nothing: the tab is on every task. */
export function TaskPage({ task, isTab = false }: { task: TaskRef; isTab?: boolean }) {
  const [parameters] = useParameters();
  const [looks, setLooks] = useState(0);
  const loaded = useLoaded(`${tabPath(task)} ${looks}`, async (signal) => {
    const [result, settings] = await Promise.all([readResult(task, signal), readSettings(signal)]);
    return { result, settings, state: result.kind === "none" ? await readState(task, signal) : null };
  });
  const isWaiting = loaded.state === "ready" && loaded.value.result.kind === "none" && !hasEnded(loaded.value.state);
  useLater(isWaiting, looks, () => setLooks((before) => before + 1));
  return (
    <Show loaded={loaded}>
      {({ result, settings, state }) =>
        result.kind === "none" ? (
          <p className="quiet">
            {hasEnded(state)
              ? "This task has no ECR preview."
              : `This task ${state === null ? "waits for others" : `is ${state}`}. If it finds an ECR preview, it is shown here when it has ended.`}
          </p>
        ) : (
          <>
            <p className="quiet aside">
              {isTab ? (
                <HostLink to={taskPagePath(task, parameters.get("repository"))}>On a page of its own</HostLink>
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

/** One that waits for others has no state yet. */
function hasEnded(state: string | null): boolean {
  return state !== null && ENDED.includes(state);
}
