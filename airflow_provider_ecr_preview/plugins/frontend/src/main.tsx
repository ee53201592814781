import { taskKey } from "./api";
import { ErrorBoundary } from "./components/basics";
import { lazily } from "./lazily";
import { HistoryPage } from "./pages/HistoryPage";
import { RegistryPage } from "./pages/RegistryPage";
import { RunPage } from "./pages/RunPage";
import { TaskPage } from "./pages/TaskPage";
import { STYLE } from "./style";
import type { TaskRef } from "./types";
import { useParameters } from "./useParameters";
import type { ReactNode } from "react";

/** What the host hands over: of a mapped task its index, and on the pages of the registry and of the history nothing. */
export interface HostProps {
  dagId?: string;
  runId?: string;
  taskId?: string;
  mapIndex?: string | number;
  /** Only on the page of an asset, from Airflow 3.4 on. */
  asset?: { id: number; name: string };
}

const AssetPage = lazily(() => import("./pages/AssetPage").then((loaded) => loaded.AssetPage), <div className="coming" />);

export default function EcrPreview({ dagId, runId, taskId, mapIndex, asset }: HostProps) {
  const [parameters] = useParameters();
  const named = dagId ? null : taskOf(parameters);
  return (
    <Page key={[dagId, runId, taskId, mapIndex, asset?.id].join("\n")}>
      {dagId && runId && taskId ? (
        <TaskPage task={{ dagId, runId, taskId, mapIndex: mapIndexOf(mapIndex) }} isTab />
      ) : dagId && runId ? (
        <RunPage dagId={dagId} runId={runId} />
      ) : asset ? (
        <AssetPage assetId={asset.id} assetName={asset.name} />
      ) : named ? (
        <TaskPage key={taskKey(named)} task={named} />
      ) : (
        <RegistryPage />
      )}
    </Page>
  );
}

export function EcrHistory() {
  return (
    <Page>
      <HistoryPage />
    </Page>
  );
}

function Page({ children }: { children: ReactNode }) {
  return (
    // Focusable, so that who has no mouse can scroll it where the host leaves it little room.
    <main className="ecrp" tabIndex={0}>
      <style>{STYLE}</style>
      <ErrorBoundary>{children}</ErrorBoundary>
    </main>
  );
}

// The host loads the bundle once, whatever the names of the pages that are in it, and looks for each under its name.
Object.assign(globalThis, { "ECR preview": EcrPreview, "ECR previews": EcrPreview, "ECR history": EcrHistory });

/** The task that the address of a page of its own names. */
function taskOf(parameters: URLSearchParams): TaskRef | null {
  const [dagId, runId, taskId] = ["dag_id", "run_id", "task_id"].map((name) => parameters.get(name));
  return dagId && runId && taskId ? { dagId, runId, taskId, mapIndex: mapIndexOf(parameters.get("map_index")) } : null;
}

function mapIndexOf(value: string | number | undefined | null): number {
  const index = Number.parseInt(String(value ?? ""), 10);
  return Number.isNaN(index) ? -1 : index;
}
