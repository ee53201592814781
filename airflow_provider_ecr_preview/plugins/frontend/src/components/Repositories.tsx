import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import { repositoryKey } from "../api";
import { RepositoryMap } from "../charts/lazy";
import { bySeverity, isCritical, severityOf } from "../findings";
import { bytes, count } from "../format";
import type { Audit, AuditedRepository } from "../types";
import { csvText, csvName, save } from "../csv";
import { useSearchedTable } from "../useSearchedTable";
import type { TableAddress } from "../useTableAddress";
import { LinkButton, Place } from "./basics";
import { DataTable, Pager, TableSearch } from "./DataTable";

const STATUSES: Record<string, string> = { previewed: "previewed", without_policy: "without a policy", failed: "failed" };

const HIDDEN = { registry_id: false, region_name: false, status: false, message: false };

const EXACT_BYTES: ColumnDef<AuditedRepository> = {
  id: "expiring_bytes_exact",
  accessorFn: (repository) => repository.expiring_bytes_exact ?? undefined,
  header: "Bytes exactly",
  meta: { number: true },
  sortUndefined: "last",
  cell: ({ row }) => {
    const size = row.original.expiring_bytes_exact;
    return typeof size === "number" ? bytes(size) : "–";
  },
};

export const LARGEST_FIRST = [{ id: "expiring_bytes_upper_bound", desc: true }];

const KINDS: Record<string, { title: string; holds: (repository: AuditedRepository) => boolean }> = {
  "": { title: "all repositories", holds: () => true },
  affected: {
    title: "those that would lose images",
    holds: (repository) => (repository.expiring_image_count ?? 0) + (repository.archiving_image_count ?? 0) > 0,
  },
  critical: { title: "with a critical finding", holds: (repository) => isCritical(repository.findings) },
  findings: { title: "with a finding", holds: (repository) => repository.findings.length > 0 },
  without_policy: { title: "without a policy", holds: (repository) => repository.status === "without_policy" },
  failed: { title: "that failed", holds: (repository) => repository.status === "failed" },
};

/** The repositories of an audit, by what they would free. */
export function Repositories({
  repositories,
  isWhole,
  audit,
  address,
  onChoose,
}: {
  repositories: AuditedRepository[];
  isWhole: boolean;
  audit: Audit;
  address: TableAddress;
  onChoose: (repository: AuditedRepository) => void;
}) {
  const kind = Object.hasOwn(KINDS, address.filter("show")) ? address.filter("show") : "";
  // Among those whose bytes are the same, or are not known, the one of which the most images would go.
  const sorted = useMemo(
    () => [...repositories].sort((one, other) => (other.expiring_image_count ?? 0) - (one.expiring_image_count ?? 0)),
    [repositories],
  );
  const shown = useMemo(() => sorted.filter((repository) => KINDS[kind]?.holds(repository)), [sorted, kind]);
  const largest = useMemo(
    () => repositories.reduce((most, repository) => Math.max(most, repository.expiring_bytes_upper_bound ?? 0), 1),
    [repositories],
  );
  // Known only where the audit has read the manifests; where nothing would be deleted, it is always 0.
  const isExact = useMemo(
    () => repositories.some((repository) => repository.expiring_image_count && typeof repository.expiring_bytes_exact === "number"),
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
      ...(isExact ? [EXACT_BYTES] : []),
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
    [largest, isExact, onChoose],
  );
  const table = useSearchedTable({
    data: shown,
    columns,
    address,
    rowId: repositoryKey,
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
        <TableSearch what="repositories and findings" address={address} />
        <label>
          Show
          <select value={kind} onChange={(event) => address.onFilter("show", event.target.value)}>
            {Object.entries(KINDS).map(([value, { title }]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <button className="button" type="button" onClick={() => download(audit, table.getSortedRowModel().rows.map((row) => row.original))}>
          Download CSV
        </button>
      </div>
      <DataTable table={table} label="Repositories" />
      <Pager table={table} what="repositories" />
    </section>
  );
}

const CSV_COLUMNS = [
  "registry_id",
  "region_name",
  "repository_name",
  "status",
  "expiring_image_count",
  "archiving_image_count",
  "total_image_count",
  "expiring_bytes_upper_bound",
  "expiring_bytes_exact",
] as const;

/** The listed repositories, each with the audit that it is of. */
function download(audit: Audit, repositories: AuditedRepository[]): void {
  const rows = repositories.map((repository) => [
    audit.audit_id,
    audit.audited_at,
    ...CSV_COLUMNS.map((name) => repository[name] ?? null),
    repository.findings.join(" "),
    repository.message,
  ]);
  const head = ["audit_id", "audited_at", ...CSV_COLUMNS, "finding_codes", "message"];
  save(csvName("repositories", audit.audit_id, audit.audited_at.slice(0, 10)), csvText([head, ...rows]));
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
