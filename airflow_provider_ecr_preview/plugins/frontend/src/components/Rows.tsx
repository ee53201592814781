import { type ColumnDef, getCoreRowModel, useReactTable } from "@tanstack/react-table";
import { type ReactNode, useMemo } from "react";

import { readRows, rowsCsvUrl, type RowValues, taskKey } from "../api";
import { bytes, count, minute, shortDigest } from "../format";
import type { TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { PAGE_SIZE, useTableAddress } from "../useTableAddress";
import { Failure } from "./basics";
import { Copy } from "./Copy";
import { DataTable, Pages, TableSearch } from "./DataTable";

/** What the names of the parameters of this list begin with, in the address of a page. */
export const ROWS = "row_";

export type RowsKind = "cleanup" | "reconciliation" | "in_use" | "readiness" | "approval" | "comparison";

const TITLES: Record<string, string> = {
  repository_name: "Repository",
  image_digest: "Digest",
  image_tags: "Tags",
  image_tag: "Tag",
  image_pushed_at: "Pushed",
  image_size_in_bytes: "Size",
  status: "What became of it",
  category: "What became of it",
  reason: "Why",
  message: "What was seen",
  remedy: "How to fix it",
  used_by: "Used by",
  code: "Check",
  verdict: "Answer",
  executed_at: "When",
  rule_priority: "Rule",
  failure_reason: "Failure",
  previewed_at: "Previewed",
  policy: "Policy",
  change: "Change",
  action: "Action",
  first_action: "Action before",
};

const SHOWN: Record<RowsKind, string[]> = {
  cleanup: ["repository_name", "image_tags", "image_digest", "status", "reason", "message", "remedy", "image_size_in_bytes"],
  reconciliation: ["repository_name", "image_tags", "image_digest", "category", "executed_at", "rule_priority", "failure_reason"],
  in_use: ["repository_name", "image_tag", "image_digest", "used_by"],
  readiness: ["repository_name", "code", "verdict", "message", "remedy"],
  approval: ["repository_name", "previewed_at"],
  comparison: ["repository_name", "policy", "change", "image_tags", "image_digest", "image_pushed_at", "image_size_in_bytes"],
};

const NUMBERS = ["image_size_in_bytes", "rule_priority"];
const SHORT = ["image_digest", "executed_at", "previewed_at", "image_pushed_at", "status", "verdict"];

/** The lines of a list that a task wrote, a page at a time, as the server has it. */
export function Rows({ task, title, kind, instead }: { task: TaskRef; title: string; kind: RowsKind; instead?: ReactNode }) {
  const address = useTableAddress([], ROWS);
  const { search } = address;
  const value = address.filter("value");
  const page = address.pagination.pageIndex;
  const query = { search, value, offset: page * PAGE_SIZE, limit: PAGE_SIZE };
  const loaded = useLoaded(`${taskKey(task)} ${JSON.stringify(query)}`, (signal) => readRows(task, query, signal));
  const found = loaded.value;
  const columns = useMemo<ColumnDef<RowValues>[]>(
    () =>
      SHOWN[kind].map((name) => ({
        id: name,
        header: TITLES[name] ?? name,
        enableSorting: false,
        meta: { number: NUMBERS.includes(name), short: SHORT.includes(name) },
        cell: ({ row }) => cell(name, row.original),
      })),
    [kind],
  );
  const table = useReactTable({
    data: found?.rows ?? [],
    columns,
    getRowId: (_, at) => String(at),
    manualPagination: true,
    getCoreRowModel: getCoreRowModel(),
  });
  return (
    <section>
      <h3>{title}</h3>
      {loaded.state === "failed" ? (
        <>
          <Failure error={loaded.error} />
          {instead}
        </>
      ) : found === null ? (
        <p className="quiet" role="status">
          Loading…
        </p>
      ) : (
        <div aria-busy={loaded.state === "loading"}>
          <div className="controls">
            <TableSearch what="this list" address={address} />
            {Object.keys(found.values).length > 1 && (
              <label>
                {TITLES[found.filter ?? ""] ?? "Show"}
                <select
                  value={value}
                  onChange={(event) => address.onFilter("value", event.target.value)}
                >
                  <option value="">all ({count(found.total)})</option>
                  {Object.entries(found.values).map(([name, number]) => (
                    <option key={name} value={name}>
                      {words(name)} ({count(number)})
                    </option>
                  ))}
                </select>
              </label>
            )}
            <a className="button" href={rowsCsvUrl(task, query)} download>
              Download CSV
            </a>
          </div>
          <DataTable table={table} label={title} />
          <Pages what="lines" page={page} size={PAGE_SIZE} total={found.matching} onPage={(to) => address.onPagination({ pageIndex: to, pageSize: PAGE_SIZE })} />
        </div>
      )}
    </section>
  );
}

function words(text: string): string {
  return text.replaceAll("_", " ");
}

function cell(name: string, row: RowValues): ReactNode {
  const value = row[name];
  if (name === "repository_name") {
    return (
      <>
        {value === null || value === "" ? "–" : String(value)}
        <div className="quiet">{[row["registry_id"], row["region_name"]].filter(Boolean).join(", ")}</div>
      </>
    );
  }
  if (value === null || value === undefined) {
    return name === "image_size_in_bytes" ? bytes(null) : "";
  }
  if (name === "image_digest") {
    return <Copy text={String(value)} shown={shortDigest(String(value))} />;
  }
  if (name === "image_tags") {
    return Array.isArray(value) && value.length > 0 ? value.map(String).join(", ") : <span className="quiet">untagged</span>;
  }
  if (name === "used_by" && Array.isArray(value)) {
    return value.map((user, at) => <div key={at}>{Array.isArray(user) ? user.map(String).join(": ") : String(user)}</div>);
  }
  if (name === "image_size_in_bytes" && typeof value === "number") {
    return bytes(value);
  }
  if (typeof value === "string" && name.endsWith("_at")) {
    return minute(value);
  }
  return ["status", "category", "reason", "verdict", "change"].includes(name) ? words(String(value)) : String(value);
}
