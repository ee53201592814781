import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import { repositoryKey } from "../api";
import { RepositoryMap } from "../charts/RepositoryMap";
import { bySeverity, isCritical, severityOf } from "../findings";
import { bytes, count } from "../format";
import type { AuditedRepository } from "../types";
import { useSearchedTable } from "../useSearchedTable";
import { LinkButton, Place } from "./basics";
import { DataTable, Pager, SearchBox } from "./DataTable";

const STATUSES: Record<string, string> = { previewed: "previewed", without_policy: "without a policy", failed: "failed" };

const HIDDEN = { registry_id: false, region_name: false, status: false, message: false };

/** Which repositories are shown: those that hold a text, of one of the kinds. */
export interface RepositoryFilter {
  search: string;
  kind: string;
}

export const EVERYTHING: RepositoryFilter = { search: "", kind: "" };

const KINDS: Record<string, { title: string; holds: (repository: AuditedRepository) => boolean }> = {
  "": { title: "all repositories", holds: () => true },
  affected: {
    title: "those that would lose images",
    holds: (each) => (each.expiring_image_count ?? 0) + (each.archiving_image_count ?? 0) > 0,
  },
  critical: { title: "with a critical finding", holds: (each) => isCritical(each.findings) },
  findings: { title: "with a finding", holds: (each) => each.findings.length > 0 },
  without_policy: { title: "without a policy", holds: (each) => each.status === "without_policy" },
  failed: { title: "that failed", holds: (each) => each.status === "failed" },
};

/** The repositories of an audit, by what they would free. */
export function Repositories({
  repositories,
  isWhole,
  filter,
  onFilter,
  onChoose,
}: {
  repositories: AuditedRepository[];
  isWhole: boolean;
  filter: RepositoryFilter;
  onFilter: (filter: RepositoryFilter) => void;
  onChoose: (repository: AuditedRepository) => void;
}) {
  const { search, kind } = filter;
  // Among those whose bytes are the same, or are not known, the one of which the most images would go.
  const sorted = useMemo(
    () => [...repositories].sort((one, other) => (other.expiring_image_count ?? 0) - (one.expiring_image_count ?? 0)),
    [repositories],
  );
  const shown = useMemo(() => sorted.filter((each) => KINDS[kind]?.holds(each)), [sorted, kind]);
  const largest = useMemo(
    () => repositories.reduce((most, each) => Math.max(most, each.expiring_bytes_upper_bound ?? 0), 1),
    [repositories],
  );
  const columns = useMemo<ColumnDef<AuditedRepository>[]>(
    () => [
      {
        accessorKey: "repository_name",
        header: "Repository",
        cell: ({ row }) => <RepositoryCell repository={row.original} onChoose={onChoose} />,
      },
      // Not shown by themselves, and searched.
      { accessorKey: "registry_id" },
      { accessorKey: "region_name" },
      { accessorFn: ({ status }) => STATUSES[status] ?? status, id: "status" },
      { accessorKey: "message" },
      number("expiring_image_count", "Would be deleted"),
      number("archiving_image_count", "Archived"),
      number("total_image_count", "Of"),
      {
        id: "expiring_bytes_upper_bound",
        accessorFn: (repository) => repository.expiring_bytes_upper_bound ?? undefined,
        header: "Bytes at most",
        meta: { number: true },
        sortUndefined: "last",
        cell: ({ row }) => {
          const size = row.original.expiring_bytes_upper_bound;
          return size === null ? (
            "–"
          ) : (
            <>
              <span className="bar" aria-hidden="true">
                <i style={{ width: `${(100 * size) / largest}%` }} />
              </span>
              {bytes(size)}
            </>
          );
        },
      },
      {
        accessorFn: (repository) => [...repository.findings].sort(bySeverity).join(", "),
        id: "findings",
        header: "Findings",
        cell: ({ row }) =>
          [...row.original.findings].sort(bySeverity).map((code) => (
            <div key={code} className={severityOf(code)}>
              {code}
            </div>
          )),
      },
    ],
    [largest, onChoose],
  );
  const table = useSearchedTable({
    data: shown,
    columns,
    search,
    rowId: repositoryKey,
    sorting: [{ id: "expiring_bytes_upper_bound", desc: true }],
    columnVisibility: HIDDEN,
  });
  return (
    <section>
      <h3>Repositories</h3>
      {!isWhole && (
        <p className="note">
          These are only the repositories that the result of the audit names. Give the audit a reports_path, and the API
          server [ecr_preview] reports_path, to see all of them.
        </p>
      )}
      <RepositoryMap repositories={repositories} onChoose={onChoose} />
      <div className="controls">
        <SearchBox what="repositories and findings" text={search} onText={(text) => onFilter({ ...filter, search: text })} />
        <label>
          Show
          <select value={kind} onChange={(event) => onFilter({ ...filter, kind: event.target.value })}>
            {Object.entries(KINDS).map(([value, { title }]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <DataTable table={table} label="Repositories" />
      <Pager table={table} what="repositories" />
    </section>
  );
}

function RepositoryCell({
  repository,
  onChoose,
}: {
  repository: AuditedRepository;
  onChoose: (repository: AuditedRepository) => void;
}) {
  return (
    <>
      {repository.status === "previewed" ? (
        <LinkButton onClick={() => onChoose(repository)}>{repository.repository_name}</LinkButton>
      ) : (
        <>
          {repository.repository_name} <b>{STATUSES[repository.status] ?? repository.status}</b>
        </>
      )}
      <Place repository={repository} />
      {repository.message !== null && <div className="quiet">{repository.message}</div>}
    </>
  );
}

function number(
  name: "expiring_image_count" | "archiving_image_count" | "total_image_count",
  header: string,
): ColumnDef<AuditedRepository> {
  return {
    id: name,
    accessorFn: (repository) => repository[name] ?? undefined,
    header,
    meta: { number: true },
    sortUndefined: "last",
    cell: ({ row }) => {
      const value = row.original[name];
      return value === null ? "–" : count(value);
    },
  };
}
