import { Component, type ReactNode } from "react";

import { basePath } from "../api";
import { consoleUrl } from "../format";
import { hostRouter } from "../host";
import type { RepositoryRef, Severity } from "../types";
import type { Loaded } from "../useLoaded";

/** Keeps a mistake of ours from taking the host's whole page away. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    return this.state.error ? <Failure error={damaged(this.state.error)} /> : this.props.children;
  }
}

/** Only a value that is not of the type that it says it is makes a component fail. */
function damaged(error: Error): Error {
  return new Error(`This result is not what this package writes, and cannot be shown (${error.message}). Run the task again.`);
}

export function Failure({ error }: { error: Error }) {
  return (
    <div className="note" role="alert">
      {error.message}
    </div>
  );
}

/** Show what was loaded, or say why it is not there. */
export function Show<T>({
  loaded,
  room,
  children,
}: {
  loaded: Loaded<T>;
  /** The height to leave for it until it is there, so that what stands below does not move. */
  room?: string;
  children: (value: T) => ReactNode;
}) {
  if (loaded.state === "failed") {
    return <Failure error={loaded.error} />;
  }
  if (loaded.value === null) {
    return (
      <p className="quiet" role="status" style={{ minHeight: room }}>
        Loading…
      </p>
    );
  }
  return <div aria-busy={loaded.state === "loading"}>{children(loaded.value)}</div>;
}

/** A link to a page of the host, without a reload where the host shares its router. */
export function HostLink({ to, children }: { to: string; children: ReactNode }) {
  const router = hostRouter();
  return router ? <router.Link to={to}>{children}</router.Link> : <a href={basePath() + to}>{children}</a>;
}

/** A button that looks like a link, for what stays on the page. */
export function LinkButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button className="link" type="button" onClick={onClick}>
      {children}
    </button>
  );
}

/** The headings of columns of numbers. */
export function NumberHeadings({ titles }: { titles: string[] }) {
  return titles.map((title) => (
    <th key={title} scope="col" className="number">
      {title}
    </th>
  ));
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

export function ConsoleLink({ repository, children = "Open in the AWS console" }: { repository: RepositoryRef; children?: string }) {
  const url = consoleUrl(repository.registry_id, repository.region_name, repository.repository_name);
  return url === null ? null : (
    <a href={url} target="_blank" rel="noreferrer">
      {children}
    </a>
  );
}

export function place(repository: Pick<RepositoryRef, "registry_id" | "region_name">): string {
  return [repository.registry_id, repository.region_name].filter(Boolean).join(", ");
}

/** Where a repository is, and the way to it in the AWS console, on one line. */
export function Place({ repository }: { repository: RepositoryRef }) {
  return (
    <div className="quiet place">
      {place(repository)} <ConsoleLink repository={repository}>console</ConsoleLink>
    </div>
  );
}

/** A repository in a cell of a table. */
export function NamedPlace({ repository }: { repository: RepositoryRef }) {
  return (
    <>
      {repository.repository_name}
      <Place repository={repository} />
    </>
  );
}

export function named(repository: RepositoryRef): string {
  return `${repository.repository_name} (${place(repository)})`;
}
