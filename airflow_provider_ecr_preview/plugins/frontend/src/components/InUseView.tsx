import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import type { ImageInUse, ImagesInUse, Source } from "../changes";
import { count, counted, minute, shortDigest } from "../format";
import { images } from "../stories";
import type { TaskRef } from "../types";
import { useSearchedTable } from "../useSearchedTable";
import { useTableAddress } from "../useTableAddress";
import { named, Tiles } from "./basics";
import { DataTable, Pager, TableSearch } from "./DataTable";
import { Rows } from "./Rows";

/** What is in use, and what could not be read. */
export function InUseView({ inUse, task }: { inUse: ImagesInUse; task: TaskRef }) {
  const unread = inUse.unread_count ?? inUse.unread.length;
  const sources = inUse.source_count ?? inUse.sources.length;
  return (
    <>
      <h2>{capital(images(inUse.image_count))} in use</h2>
      <p className="quiet">Collected {minute(inUse.collected_at)} · nothing was changed</p>
      <Tiles
        tiles={[
          ["Images in use", count(inUse.image_count)],
          ["Sources read", count(sources)],
          ["Sources not read", count(unread), unread > 0 ? "what they use is not known" : undefined],
        ]}
      />
      {!inUse.is_complete && (
        <section>
          <p className="note">
            Not every source could be read, so a clean-up that uses this is blocked. Give the task the permissions that it lacks, or
            name only the sources that you have.
          </p>
          <h3>Not read</h3>
          <ul className="findings">
            {inUse.unread.map((source, at) => (
              <li key={at}>
                <span className="badge warning">not read</span> {where(source)}: {source.reason}
              </li>
            ))}
          </ul>
          {unread > inUse.unread.length && <p className="quiet">and {count(unread - inUse.unread.length)} more.</p>}
        </section>
      )}
      <details>
        <summary>{counted(sources, "source", "sources")} read</summary>
        <ul>
          {inUse.sources.map((source, at) => (
            <li key={at}>
              {where(source)}: {counted(source.reference_count ?? 0, "reference", "references")}
            </li>
          ))}
        </ul>
        {sources > inUse.sources.length && <p className="quiet">and {count(sources - inUse.sources.length)} more.</p>}
      </details>
      {inUse.images !== null ? (
        <Images found={inUse.images} />
      ) : inUse.in_use_uri !== null ? (
        <Rows task={task} title="Images in use" kind="in_use" />
      ) : null}
    </>
  );
}

function where(source: Source): string {
  return [source.source, source.account_id ?? source.aws_conn_id, source.region_name].filter(Boolean).join(", ");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const COLUMNS: ColumnDef<ImageInUse>[] = [
  {
    id: "repository",
    accessorFn: (image) => (image.repository_name ? named(image) : "any repository"),
    header: "Repository",
  },
  {
    id: "image",
    accessorFn: (image) => image.image_tag ?? image.image_digest ?? "",
    header: "Tag or digest",
    cell: ({ row }) =>
      row.original.image_tag ?? <code title={row.original.image_digest ?? ""}>{shortDigest(row.original.image_digest ?? "")}</code>,
  },
  {
    id: "users",
    accessorFn: (image) => image.used_by.map((user) => user.join(" ")).join("; "),
    header: "Used by",
    enableSorting: false,
    cell: ({ row }) => row.original.used_by.map((user) => <div key={user.join(" ")}>{user.join(": ")}</div>),
  },
];

function Images({ found }: { found: ImageInUse[] }) {
  const address = useTableAddress();
  const rows = useMemo(() => found.map((image, at) => ({ ...image, at })), [found]);
  const table = useSearchedTable({ data: rows, columns: COLUMNS, address, rowId: (image) => String((image as { at?: number }).at) });
  return found.length === 0 ? null : (
    <section>
      <h3>Images in use</h3>
      <div className="controls">
        <TableSearch what="repositories, tags and users" address={address} />
      </div>
      <DataTable table={table} label="Images in use" />
      <Pager table={table} what="images" />
    </section>
  );
}
