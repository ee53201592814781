import { useState } from "react";

import { readInstance, readInstanceResult, readSettings, tabPath, taskPagePath } from "../api";
import { HostLink, Show } from "../components/basics";
import { ResultView } from "../components/TaskResult";
import { hasEnded, inWords, TaskState } from "../components/TaskState";
import type { TaskRef } from "../types";
import { useLater } from "../useLater";
import { useLoaded } from "../useLoaded";
import { useParameters } from "../useParameters";
import { useTitle } from "../useTitle";

/** What one task did or found, and how it is; a few words where it is none of ours: the tab is on every task. */
export function TaskPage({ task, isTab = false }: { task: TaskRef; isTab?: boolean }) {
  const [parameters] = useParameters();
  const [looks, setLooks] = useState(0);
  useTitle(`${task.taskId}, ${task.dagId}`);
  const loaded = useLoaded(`${tabPath(task)} ${looks}`, async (signal) => {
    const [instance, settings] = await Promise.all([readInstance(task, signal), readSettings(signal)]);
    return { result: await readInstanceResult(instance, signal), settings, instance };
  });
  const isWaiting = loaded.state === "ready" && !hasEnded(loaded.value.instance.state);
  useLater(isWaiting, looks, () => setLooks((before) => before + 1));
  return (
    <Show loaded={loaded}>
      {({ result, settings, instance }) => {
        const state = <TaskState instance={instance} hasResult={result.kind !== "none"} />;
        return result.kind === "none" ? (
          <>
            <p className="quiet">
              {hasEnded(instance.state)
                ? "This task has no ECR result."
                : `This task ${inWords(instance.state)}. If it finds or does something in ECR, it is shown here when it has ended.`}
            </p>
            {instance.operator?.startsWith("Ecr") && state}
          </>
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
            {state}
            <ResultView result={result} task={task} settings={settings} />
          </>
        );
      }}
    </Show>
  );
}
