import { taskKey } from "./api";
import { ErrorBoundary } from "./components/basics";
import { RegistryPage } from "./pages/RegistryPage";
import { RunPage } from "./pages/RunPage";
import { TaskPage } from "./pages/TaskPage";
import { STYLE } from "./style";
import type { TaskRef } from "./types";
import { useParameters } from "./useParameters";

/** What the host hands over: of a mapped task its index, and on the page of the registry nothing. */
export interface HostProps {
  dagId?: string;
  runId?: string;
  taskId?: string;
  mapIndex?: string | number;
}

export default function EcrPreview({ dagId, runId, taskId, mapIndex }: HostProps) {
  const [parameters] = useParameters();
  const named = dagId ? null : taskOf(parameters);
  return (
    // Focusable, so that who has no mouse can scroll it where the host leaves it little room.
    <main className="ecrp" tabIndex={0} key={[dagId, runId, taskId, mapIndex].join("\n")}>
      <style>{STYLE}</style>
      <ErrorBoundary>
        {dagId && runId && taskId ? (
          <TaskPage task={{ dagId, runId, taskId, mapIndex: mapIndexOf(mapIndex) }} isTab />
        ) : dagId && runId ? (
          <RunPage dagId={dagId} runId={runId} />
        ) : named ? (
          <TaskPage key={taskKey(named)} task={named} />
        ) : (
          <RegistryPage />
        )}
      </ErrorBoundary>
    </main>
  );
}

// The host loads the bundle once, whatever the names of the pages that are in it, and looks for each under its name.
Object.assign(globalThis, { "ECR preview": EcrPreview, "ECR previews": EcrPreview });

/** The task that the address of a page of its own names. */
function taskOf(parameters: URLSearchParams): TaskRef | null {
  const [dagId, runId, taskId] = ["dag_id", "run_id", "task_id"].map((name) => parameters.get(name));
  return dagId && runId && taskId ? { dagId, runId, taskId, mapIndex: mapIndexOf(parameters.get("map_index")) } : null;
}

function mapIndexOf(value: string | number | undefined | null): number {
  const index = Number.parseInt(String(value ?? ""), 10);
  return Number.isNaN(index) ? -1 : index;
}
