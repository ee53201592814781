import { readFailure, taskLogPath } from "../api";
import type { TaskInstance } from "../types";
import { useLoaded } from "../useLoaded";
import { HostLink } from "./basics";

const ENDED = ["success", "failed", "skipped", "upstream_failed", "removed"];

/** One that waits for others has no state yet. */
export function hasEnded(state: string | null): boolean {
  return state !== null && ENDED.includes(state);
}

const WORDS: Record<string, string> = {
  awaiting_input: "waits for a person to answer",
  deferred: "waits in the triggerer, and holds no worker slot",
  scheduled: "is scheduled",
  queued: "is queued",
  running: "is running",
  up_for_retry: "has failed, and will be tried again",
  up_for_reschedule: "waits for its next look",
  restarting: "is restarting",
};

export function inWords(state: string | null): string {
  return state === null ? "waits for others" : (WORDS[state] ?? `is ${state}`);
}

/** How a task is where that is not simply "success": the reason, and what to do. */
export function TaskState({ instance, hasResult }: { instance: TaskInstance; hasResult: boolean }) {
  const { state } = instance;
  if (state === "success" || (state === null && !hasResult)) {
    return null;
  }
  if (state === "failed" || state === "up_for_retry") {
    return <Failed instance={instance} hasResult={hasResult} />;
  }
  if (state === "skipped") {
    return (
      <p className="note">
        This task was skipped: a task before it skipped it, an approval was rejected, or it was set to skip when a check blocks.{" "}
        <LogLink instance={instance} />
      </p>
    );
  }
  if (state === "upstream_failed") {
    return <p className="note">This task did not run, because a task before it failed. Look at that task in the grid.</p>;
  }
  return hasResult && !hasEnded(state) ? (
    <p className="note">This task {inWords(state)}: what is shown here is how far it has come, or what an earlier attempt did.</p>
  ) : null;
}

function Failed({ instance, hasResult }: { instance: TaskInstance; hasResult: boolean }) {
  const loaded = useLoaded(`${instance.taskId} ${instance.mapIndex} ${instance.tryNumber}`, (signal) => readFailure(instance, signal));
  return (
    <div className="note" role="alert">
      <strong>This task {instance.state === "failed" ? "failed" : "has failed, and will be tried again"}.</strong>{" "}
      {hasResult && "What it did before that is shown below. "}
      {loaded.state === "ready" && loaded.value !== null && <span className="reason">{loaded.value} </span>}
      <LogLink instance={instance} />
    </div>
  );
}

function LogLink({ instance }: { instance: TaskInstance }) {
  return <HostLink to={taskLogPath(instance)}>Open the log of this task</HostLink>;
}
