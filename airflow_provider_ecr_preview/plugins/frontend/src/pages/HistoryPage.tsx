import type { ColumnDef } from "@tanstack/react-table";
import { useMemo, useState } from "react";

import { readSettings, tabPath } from "../api";
import { HostLink, Show } from "../components/basics";
import { DataTable, Pager, TableSearch } from "../components/DataTable";
import { csvName, csvText, save } from "../csv";
import { bytes, count, minute, money } from "../format";
import { type Change, readHistory, WHATS } from "../history";
import type { Settings } from "../types";
import { useLoaded } from "../useLoaded";
import { useSearchedTable } from "../useSearchedTable";
import { useTableAddress } from "../useTableAddress";
import { useTitle } from "../useTitle";

const NEWEST_FIRST = [{ id: "when", desc: true }];

const MILLISECONDS_A_DAY = 24 * 60 * 60 * 1000;

const PERIODS: [days: string, title: string][] = [
  ["", "any time"],
  ["7", "the last 7 days"],
  ["31", "the last 31 days"],
  ["92", "the last 3 months"],
];

const MODES: [mode: string, title: string][] = [
  ["", "dry runs and for good"],
  ["real", "for good only"],
  ["dry", "dry runs only"],
];

/** What was changed in ECR, by all DAGs that the user may read: who deleted what, when, and who approved it. */
export function HistoryPage() {
  const [pages, setPages] = useState(1);
  useTitle("History of clean-ups and policies");
  const loaded = useLoaded(`history ${pages}`, async (signal) => {
    const [history, settings] = await Promise.all([readHistory(pages, signal), readSettings(signal)]);
    return { ...history, settings };
  });
  return (
    <>
      <h2>Clean-ups, policy changes, restores and reconciliations</h2>
      <Show loaded={loaded}>
        {({ changes, isWhole, settings }) =>
          changes.length === 0 ? (
            <p className="quiet">
              Nothing that you may read has changed anything, or said what would change. Clean-ups, policy changes, restores and
              reconciliations are listed here as soon as they end; those of earlier releases are in the tabs of their tasks only.
            </p>
          ) : (
            <>
              <Changes changes={changes} settings={settings} />
              {!isWhole && (
                <p className="note">
                  These are the latest {count(changes.length)}; there are older ones.{" "}
                  <button className="button" type="button" onClick={() => setPages((before) => before + 1)}>
                    Load older ones
                  </button>
                </p>
              )}
            </>
          )
        }
      </Show>
    </>
  );
}

function Changes({ changes, settings }: { changes: Change[]; settings: Settings }) {
  const address = useTableAddress(NEWEST_FIRST);
  const [what, mode, days] = ["what", "mode", "days"].map(address.filter) as [string, string, string];
  const shown = useMemo(() => {
    const since = days === "" ? "" : new Date(Date.now() - Number(days) * MILLISECONDS_A_DAY).toISOString();
    return changes.filter(
      (change) =>
        (what === "" || change.what === what) &&
        (mode === "" || change.isDryRun === (mode === "dry")) &&
        (since === "" || Date.parse(change.when) >= Date.parse(since)),
    );
  }, [changes, what, mode, days]);
  const columns = useMemo(() => columnsWith(settings), [settings]);
  const table = useSearchedTable({
    data: shown,
    columns,
    address,
    rowId: (change) => tabPath(change.task.marker),
  });
  const real = shown.filter((change) => change.isDryRun === false && change.what === "clean-up");
  const deleted = real.reduce((sum, change) => sum + (change.imageCount ?? 0), 0);
  return (
    <>
      <div className="controls">
        <TableSearch what="repositories, people and DAGs" address={address} />
        <Choice label="What" value={what} options={[["", "everything"], ...WHATS.map((name): [string, string] => [name, name])]} onChange={(value) => address.onFilter("what", value)} />
        <Choice label="Dry run" value={mode} options={MODES} onChange={(value) => address.onFilter("mode", value)} />
        <Choice label="When" value={days} options={PERIODS} onChange={(value) => address.onFilter("days", value)} />
        <button className="button" type="button" onClick={() => save(csvName("ecr-history", new Date().toISOString().slice(0, 10)), historyCsv(table.getSortedRowModel().rows.map((row) => row.original)))}>
          Download CSV
        </button>
      </div>
      <p className="quiet">
        {count(deleted)} {deleted === 1 ? "image was" : "images were"} deleted or archived for good by the clean-ups that are listed; dry
        runs are not counted.
      </p>
      <DataTable table={table} label="History" />
      <Pager table={table} what="entries" />
    </>
  );
}

function Choice({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: [string, string][];
  onChange: (value: string) => void;
}) {
  return (
    <label>
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([option, title]) => (
          <option key={option} value={option}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}

function columnsWith(settings: Settings): ColumnDef<Change>[] {
  return [
    { id: "when", accessorFn: (change) => change.when, header: "When", meta: { short: true }, cell: ({ row }) => minute(row.original.when) },
    {
      id: "mode",
      accessorFn: (change) => change.label,
      header: "For good?",
      meta: { short: true },
      cell: ({ row }) => (
        <strong className={`label ${row.original.isDryRun === false ? "real" : row.original.isDryRun ? "dry" : ""}`}>
          {row.original.label}
        </strong>
      ),
    },
    { id: "what", accessorFn: (change) => change.what, header: "What", meta: { short: true } },
    { id: "status", accessorFn: (change) => change.status, header: "Status" },
    { id: "repositories", accessorFn: (change) => change.repositories, header: "Repositories" },
    { id: "done", accessorFn: (change) => change.done, header: "Result", enableSorting: false, meta: { sentences: true } },
    {
      id: "images",
      accessorFn: (change) => change.imageCount,
      header: "Images",
      meta: { number: true },
      cell: ({ row }) => (row.original.imageCount === null ? "–" : count(row.original.imageCount)),
    },
    {
      id: "bytes",
      accessorFn: (change) => change.byteCount,
      header: "Bytes at most",
      meta: { number: true },
      cell: ({ row }) => (
        <>
          {row.original.byteCount === null ? "–" : bytes(row.original.byteCount)}
          {row.original.byteCount !== null && row.original.task.value.counts["action"] === "delete" && (
            <div className="quiet">{money(row.original.byteCount, settings.price_per_gb_month)} a month</div>
          )}
        </>
      ),
    },
    {
      id: "approved",
      accessorFn: (change) => change.approvedBy ?? "",
      header: "Approved by",
      cell: ({ row }) => (
        <>
          {row.original.approvedBy ?? <span className="quiet">{row.original.isDryRun === null ? "" : "no approval bound it"}</span>}
          {row.original.approvedAt && <div className="quiet">{minute(row.original.approvedAt)}</div>}
        </>
      ),
    },
    {
      id: "task",
      accessorFn: ({ task: { marker } }) => `${marker.dagId} / ${marker.taskId}`,
      header: "Task",
      cell: ({ row: { original } }) => (
        <HostLink to={tabPath(original.task.marker)}>
          {original.task.marker.dagId} / {original.task.marker.taskId}
          {original.task.marker.mapIndex >= 0 ? ` [${original.task.marker.mapIndex}]` : ""}
        </HostLink>
      ),
    },
  ];
}

/** The listed entries, with which run each is of. */
export function historyCsv(changes: Change[]): string {
  const head = ["when", "for_good", "what", "status", "repositories", "result", "images", "bytes_upper_bound", "approved_by", "approved_at", "dag_id", "run_id", "task_id", "map_index"];
  const rows = changes.map(({ task: { marker }, ...change }) => [
    change.when,
    change.label,
    change.what,
    change.status,
    change.repositories,
    change.done,
    change.imageCount,
    change.byteCount,
    change.approvedBy,
    change.approvedAt,
    marker.dagId,
    marker.runId,
    marker.taskId,
    marker.mapIndex,
  ]);
  return csvText([head, ...rows]);
}
