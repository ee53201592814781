import {
  type ColumnDef,
  getCoreRowModel,
  getFilteredRowModel,
  getPaginationRowModel,
  getSortedRowModel,
  type Table,
  useReactTable,
} from "@tanstack/react-table";
import { useMemo, useState } from "react";

import { bytes, count } from "../format";
import type { AuditedRepository } from "../types";
import { DataTable, Pager } from "./DataTable";

const PAGE_SIZE = 50;

/** The repositories of an audit, by what they would free. */
export function Repositories({
  repositories,
  onChoose,
}: {
  repositories: AuditedRepository[];
  onChoose: (repository: AuditedRepository) => void;
}) {
  const [search, setSearch] = useState("");
  const largest = useMemo(
    () => repositories.reduce((most, each) => Math.max(most, each.expiring_bytes_upper_bound ?? 0), 1),
    [repositories],
  );
  const columns = useMemo<ColumnDef<AuditedRepository>[]>(
    () => [
      {
        accessorKey: "repository_name",
        header: "Repository",
        cell: ({ row }) =>
          row.original.images_uri === null ? (
            row.original.repository_name
          ) : (
            <button className="link" type="button" onClick={() => onChoose(row.original)}>
              {row.original.repository_name}
            </button>
          ),
      },
      { accessorKey: "region_name", header: "Region" },
      number("expiring_image_count", "Would be deleted"),
      number("archiving_image_count", "Archived"),
      number("total_image_count", "Of"),
      {
        accessorKey: "expiring_bytes_upper_bound",
        header: "Bytes at most",
        meta: { number: true },
        sortUndefined: "last",
        cell: ({ row }) => {
          const size = row.original.expiring_bytes_upper_bound;
          return size === null ? (
            "–"
          ) : (
            <>
              <meter min={0} max={largest} value={size} aria-hidden="true" /> {bytes(size)}
            </>
          );
        },
      },
      {
        accessorFn: (repository) => repository.findings.join(", "),
        id: "findings",
        header: "Findings",
      },
      { accessorKey: "status", header: "Status" },
    ],
    [largest, onChoose],
  );
  const table = useReactTable({
    data: repositories,
    columns,
    state: { globalFilter: search },
    initialState: {
      sorting: [{ id: "expiring_bytes_upper_bound", desc: true }],
      pagination: { pageIndex: 0, pageSize: PAGE_SIZE },
    },
    getRowId: (repository) => `${repository.registry_id} ${repository.region_name} ${repository.repository_name}`,
    globalFilterFn: "includesString",
    onGlobalFilterChange: setSearch,
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getPaginationRowModel: getPaginationRowModel(),
  });
  return (
    <section aria-labelledby="ecrp-repositories">
      <h3 id="ecrp-repositories">Repositories</h3>
      <div className="controls">
        <label>
          Search repositories and findings
          <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
      </div>
      <DataTable table={table} label="Repositories" />
      <Pager
        table={table as unknown as Table<never>}
        what="repositories"
        total={table.getFilteredRowModel().rows.length}
      />
    </section>
  );
}

function number(name: keyof AuditedRepository, header: string): ColumnDef<AuditedRepository> {
  return {
    accessorKey: name,
    header,
    meta: { number: true },
    cell: ({ row }) => {
      const value = row.original[name];
      return typeof value === "number" ? count(value) : "–";
    },
  };
}
