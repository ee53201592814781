import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import { repositoryKey } from "../api";
import type { Reconciliation, RepositoryReconciliation } from "../changes";
import { count, counted, minute } from "../format";
import type { TaskRef } from "../types";
import { useSearchedTable } from "../useSearchedTable";
import { useTableAddress } from "../useTableAddress";
import { Badge, named, NamedPlace, Tiles } from "./basics";
import { Digests } from "./Checks";
import { Counts, countsText } from "./Counts";
import { DataTable, Pager, TableSearch } from "./DataTable";
import { Rows } from "./Rows";

const STATUSES: Record<string, string> = {
  reconciled: "reconciled",
  not_executed_yet: "ECR has not acted yet",
  unknown: "not known",
};

/** What ECR did, as CloudTrail records it, beside what the previews said. */
export function ReconciliationView({ reconciliation, task }: { reconciliation: Reconciliation; task: TaskRef }) {
  const of = (category: string) => reconciliation.counts[category] ?? 0;
  return (
    <>
      <h2>Reconciliation of {counted(reconciliation.repository_count, "preview", "previews")}</h2>
      <p className="quiet">
        What ECR did by its lifecycle policies until {minute(reconciliation.reconciled_until)}, from{" "}
        {counted(reconciliation.event_count, "CloudTrail event", "CloudTrail events")} · this task changed nothing
      </p>
      <Tiles
        tiles={[
          ["Deleted as previewed", count(of("expired_as_previewed"))],
          ["Deleted without a preview", count(of("expired_without_preview")), "look at these first"],
          ["Archived as previewed", count(of("archived_as_previewed"))],
          ["Archived without a preview", count(of("archived_without_preview"))],
          ["Previewed, and still there", count(of("previewed_but_kept"))],
          ["Failed", count(of("deletion_failed") + of("archiving_failed")), countsText(reconciliation.failures) || undefined],
          ["Not known", count(of("not_known"))],
        ]}
      />
      {reconciliation.policy_changed_count > 0 && (
        <p className="note">
          {counted(reconciliation.policy_changed_count, "policy is", "policies are")} not the one that was previewed.
        </p>
      )}
      {reconciliation.unread_event_count > 0 && (
        <details className="note">
          <summary>{counted(reconciliation.unread_event_count, "event", "events")} could not be understood</summary>
          {reconciliation.unread_events.map((event, at) => (
            <div key={at}>
              <code>{event.event_id ?? "no id"}</code> {event.reason}
            </div>
          ))}
        </details>
      )}
      <Repositories reconciliation={reconciliation} />
      {reconciliation.repositories_left_out > 0 && (
        <p className="quiet">{count(reconciliation.repositories_left_out)} more had no room in the result.</p>
      )}
      {reconciliation.results_uri === null ? (
        <p className="quiet">Give the task a results_path to see what became of every image.</p>
      ) : (
        <Rows task={task} title="Every image" kind="reconciliation" />
      )}
    </>
  );
}

function Repositories({ reconciliation }: { reconciliation: Reconciliation }) {
  const address = useTableAddress();
  const columns = useMemo<ColumnDef<RepositoryReconciliation>[]>(
    () => [
      { id: "repository", accessorFn: named, header: "Repository", cell: ({ row }) => <NamedPlace repository={row.original} /> },
      {
        id: "status",
        accessorFn: ({ status }) => STATUSES[status] ?? status,
        header: "Status",
        cell: ({ row }) => (
          <>
            {STATUSES[row.original.status] ?? row.original.status}
            {row.original.message && <div className="quiet">{row.original.message}</div>}
          </>
        ),
      },
      { id: "policy", accessorFn: ({ policy }) => policy ?? "", header: "Policy" },
      {
        accessorKey: "previewed_image_count",
        header: "Previewed",
        meta: { number: true },
        cell: ({ row }) => count(row.original.previewed_image_count),
      },
      { id: "counts", header: "What became of them", enableSorting: false, cell: ({ row }) => <Counts counts={row.original.counts} /> },
      {
        id: "findings",
        accessorFn: ({ findings }) => findings.map((finding) => finding.code).join(" "),
        header: "Findings",
        enableSorting: false,
        cell: ({ row }) =>
          row.original.findings.map((finding) => (
            <div key={finding.code}>
              <Badge severity={finding.severity} /> <code>{finding.code}</code> {finding.message}
              <Digests digests={finding.image_digests} />
            </div>
          )),
      },
    ],
    [],
  );
  const table = useSearchedTable({ data: reconciliation.repositories, columns, address, rowId: repositoryKey });
  return (
    <section>
      <h3>Repositories</h3>
      {reconciliation.repositories.length > 1 && (
        <div className="controls">
          <TableSearch what="repositories and findings" address={address} />
        </div>
      )}
      <DataTable table={table} label="Repositories" />
      {reconciliation.repositories.length > 1 && <Pager table={table} what="repositories" />}
    </section>
  );
}
