import { ErrorBoundary } from "./components/basics";
import { RegistryPage } from "./pages/RegistryPage";
import { RunPage } from "./pages/RunPage";
import { TaskPage } from "./pages/TaskPage";
import { STYLE } from "./style";

/** What the host hands over: of a mapped task its index, and on the page of the registry nothing. */
export interface HostProps {
  dagId?: string;
  runId?: string;
  taskId?: string;
  mapIndex?: string | number;
}

export default function EcrPreview({ dagId, runId, taskId, mapIndex }: HostProps) {
  return (
    <main className="ecrp" key={[dagId, runId, taskId, mapIndex].join("\n")}>
      <style>{STYLE}</style>
      <ErrorBoundary>
        {dagId && runId && taskId ? (
          <TaskPage task={{ dagId, runId, taskId, mapIndex: mapIndexOf(mapIndex) }} />
        ) : dagId && runId ? (
          <RunPage dagId={dagId} runId={runId} />
        ) : (
          <RegistryPage />
        )}
      </ErrorBoundary>
    </main>
  );
}

function mapIndexOf(value: string | number | undefined): number {
  const index = Number.parseInt(String(value ?? ""), 10);
  return Number.isNaN(index) ? -1 : index;
}
