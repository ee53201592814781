import { Component, type ReactNode } from "react";

import { basePath } from "../api";
import { consoleUrl } from "../format";
import type { RepositoryRef, Severity } from "../types";
import type { Loaded } from "../useLoaded";

/** Keeps a mistake of ours from taking the host's whole page away. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    return this.state.error ? <Failure error={this.state.error} /> : this.props.children;
  }
}

export function Failure({ error }: { error: Error }) {
  return (
    <div className="note" role="alert">
      {error.message}
    </div>
  );
}

/** Show what was loaded, or say why it is not there. */
export function Show<T>({ loaded, children }: { loaded: Loaded<T>; children: (value: T) => ReactNode }) {
  if (loaded.state === "failed") {
    return <Failure error={loaded.error} />;
  }
  if (loaded.value === null) {
    return (
      <p className="quiet" role="status">
        Loading…
      </p>
    );
  }
  return <div aria-busy={loaded.state === "loading"}>{children(loaded.value)}</div>;
}

interface Router {
  Link: (props: { to: string; children: ReactNode }) => ReactNode;
}

/** A link to a page of the host, without a reload where the host shares its router. */
export function HostLink({ to, children }: { to: string; children: ReactNode }) {
  const router = (globalThis as { ReactRouterDOM?: Router }).ReactRouterDOM;
  return router ? <router.Link to={to}>{children}</router.Link> : <a href={basePath() + to}>{children}</a>;
}

export function Badge({ severity }: { severity: Severity }) {
  return <span className={`badge ${severity}`}>{severity}</span>;
}

export function Tiles({ tiles }: { tiles: [label: string, value: string, note?: string][] }) {
  return (
    <dl className="tiles">
      {tiles.map(([label, value, note]) => (
        <div className="tile" key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {note && <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function ConsoleLink({ repository }: { repository: RepositoryRef }) {
  const url = consoleUrl(repository.registry_id, repository.region_name, repository.repository_name);
  return url === null ? null : (
    <a href={url} target="_blank" rel="noreferrer">
      Open in the AWS console
    </a>
  );
}

export function place(repository: RepositoryRef): string {
  return [repository.registry_id, repository.region_name].filter(Boolean).join(", ");
}
