import {
  type ColumnDef,
  getCoreRowModel,
  useReactTable,
} from "@tanstack/react-table";

import { basePath, imageParameters, type ImageQuery, ownTaskPath, readImages, readTimeline } from "../api";
import { Forecast } from "../charts/Forecast";
import { Timeline } from "../charts/Timeline";
import { age, bytes, day, shortDigest, UNKNOWN } from "../format";
import { askedOf, IMAGES } from "../imageAddress";
import type { Bin, ListedImage, RepositoryRef, RuleCounts, RuleSummary, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { PAGE_SIZE, useTableAddress } from "../useTableAddress";
import { Show } from "./basics";
import { Copy } from "./Copy";
import { WHAT_BECOMES } from "./FindImages";
import { DataTable, Pager, TableSearch } from "./DataTable";
import { ActiveFilters, ImageFilters } from "./ImageFilters";

const OLDEST_FIRST = [{ id: "image_pushed_at", desc: false }];
const SORTED = ["image_pushed_at", "image_size_in_bytes", "last_recorded_pull_time", "applied_rule_priority", "image_digest", "image_tags", "next_action_at"];
const ACTIONS: Record<string, string> = { "": "deleted or archived", EXPIRE: "deleted", TRANSITION: "archived", KEEP: "kept", ANY: "any of these" };
const SHOWS_KEPT = ["KEEP", "ANY"];

const COLUMNS: ColumnDef<ListedImage>[] = [
  {
    accessorKey: "image_tags",
    header: "Tags",
    cell: ({ row }) => row.original.image_tags.join(", ") || <span className="quiet">untagged</span>,
  },
  {
    accessorKey: "image_digest",
    header: "Digest",
    meta: { short: true },
    cell: ({ row }) => <Copy text={row.original.image_digest} shown={shortDigest(row.original.image_digest)} />,
  },
  {
    accessorKey: "image_pushed_at",
    header: "Pushed",
    meta: { short: true },
    cell: ({ row }) => (
      <>
        {row.original.image_pushed_at === null ? UNKNOWN : day(row.original.image_pushed_at)}{" "}
        <small className="quiet">{age(row.original.image_pushed_at, Date.now())}</small>
      </>
    ),
  },
  {
    accessorKey: "image_size_in_bytes",
    header: "Size",
    meta: { number: true },
    cell: ({ row }) => bytes(row.original.image_size_in_bytes),
  },
  {
    accessorKey: "last_recorded_pull_time",
    header: "Last pull",
    meta: { short: true },
    // Pulls and sizes come together: where one was not read, the other was not.
    cell: ({ row }) => (row.original.image_size_in_bytes === null ? UNKNOWN : day(row.original.last_recorded_pull_time)),
  },
  {
    accessorKey: "applied_rule_priority",
    header: "Rule",
    meta: { number: true },
    cell: ({ row }) => row.original.applied_rule_priority ?? "–",
  },
  {
    accessorKey: "action",
    header: "Would be",
    enableSorting: false,
    cell: ({ row }) => WHAT_BECOMES[row.original.action] ?? row.original.action,
  },
  {
    accessorKey: "next_action_at",
    header: "Would go on",
    sortDescFirst: false,
    meta: { short: true },
    cell: ({ row: { original: image } }) =>
      image.next_action_at ? `${day(image.next_action_at)}${image.next_action === "TRANSITION" ? " (archived)" : ""}` : "–",
  },
  { accessorKey: "explanation", header: "Why", enableSorting: false },
];

/** The images that would go and, where they are known, those that stay, a page at a time, as the server has it. */
export function Images({
  task,
  repository,
  rules,
  counts,
}: {
  task: TaskRef;
  repository: RepositoryRef | null;
  rules: RuleSummary[];
  counts: RuleCounts[] | null;
}) {
  const address = useTableAddress(OLDEST_FIRST, IMAGES);
  const { search, pagination } = address;
  // A link may name a column that is not sorted by.
  const sorting = SORTED.includes(address.sorting[0]?.id ?? "") ? address.sorting : OLDEST_FIRST;
  const action = Object.hasOwn(ACTIONS, address.filter("action")) ? address.filter("action") : "";
  const rule = /^\d{1,9}$/.test(address.filter("rule")) ? address.filter("rule") : "";

  const filters = askedOf(address.filter);
  const { pushed_from: from = "", pushed_to: to = "", ...others } = filters;
  const showsKept = SHOWS_KEPT.includes(action);
  const query: ImageQuery = {
    repository,
    offset: pagination.pageIndex * PAGE_SIZE,
    limit: PAGE_SIZE,
    sort: sorting[0]?.id ?? "image_pushed_at",
    descending: sorting[0]?.desc ?? false,
    search,
    action,
    rule,
    filters,
  };
  const parameters = imageParameters(task, query);
  const where = ownTaskPath(task);
  const page = useLoaded(`${where}?${parameters}&${query.offset}`, (signal) => readImages(task, query, signal));
  const bins = useLoaded(`${where}?${JSON.stringify([repository, search, rule, others])}`, (signal) =>
    // Of all days, so that another bar can be chosen.
    readTimeline(task, { ...query, action: "ANY", filters: others }, signal),
  );
  const table = useReactTable({
    data: page.value?.images ?? [],
    columns: COLUMNS,
    state: { sorting, pagination, columnVisibility: { explanation: showsKept, next_action_at: showsKept } },
    getRowId: (image) => image.image_digest,
    manualSorting: true,
    manualPagination: true,
    enableSortingRemoval: false,
    rowCount: page.value?.matching ?? 0,
    onSortingChange: address.onSorting,
    onPaginationChange: address.onPagination,
    getCoreRowModel: getCoreRowModel(),
  });

  const choosePeriod = (bin: Bin, first: string, last: string) => {
    const isKeptOnly = bin.expiring + bin.archiving === 0 && bin.kept > 0 && !showsKept;
    address.onFilters({ pushed_from: first, pushed_to: last, ...(isKeptOnly ? { action: "ANY" } : {}) });
  };
  const choices =
    rules.length > 0
      ? rules
      : (counts ?? []).flatMap(({ priority }) => (priority === null ? [] : [{ priority, description: null }]));

  return (
    <section>
      <h3>Images</h3>
      <Show loaded={bins} room="190px">{({ bins: all, undated }) => (
        <Timeline bins={all} undated={undated} hasKept={counts !== null} from={from} to={to} onPeriod={choosePeriod} />
      )}</Show>
      <div className="controls">
        <TableSearch what="tags and digests" address={address} />
        <label>
          Would be
          <select
            value={action}
            onChange={(event) => address.onFilter("action", event.target.value)}
          >
            {Object.entries(ACTIONS).map(
              ([value, title]) =>
                (counts || !SHOWS_KEPT.includes(value)) && (
                  <option key={value} value={value}>
                    {title}
                  </option>
                ),
            )}
          </select>
        </label>
        {choices.length > 0 && (
          <label>
            Rule
            <select
              value={rule}
              onChange={(event) => address.onFilter("rule", event.target.value)}
            >
              <option value="">all rules</option>
              {choices.map(({ priority, description }) => (
                <option key={priority} value={priority}>
                  {priority} {description ?? ""}
                </option>
              ))}
            </select>
          </label>
        )}
        <ImageFilters address={address} />
        <a className="button" href={`${basePath()}${where}/images.csv?${parameters}`} download>
          Download CSV
        </a>
      </div>
      <ActiveFilters address={address} />
      <Show loaded={page} room="40rem">
        {() => (
          <>
            <DataTable table={table} label="Images" />
            <Pager table={table} what="images" />
          </>
        )}
      </Show>
      {counts && (
        <>
          <h3>What goes in the next 30 days</h3>
          <Forecast task={task} repository={repository} />
        </>
      )}
    </section>
  );
}
