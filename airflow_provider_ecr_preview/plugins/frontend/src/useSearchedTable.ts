import {
  type Column,
  type ColumnDef,
  getCoreRowModel,
  getFilteredRowModel,
  getPaginationRowModel,
  getSortedRowModel,
  type Table,
  useReactTable,
  type VisibilityState,
} from "@tanstack/react-table";

import type { Meta } from "./components/DataTable";
import type { TableAddress } from "./useTableAddress";

/** A table of what is there already: sorted, searched and cut into pages in the browser, as the address says. */
export function useSearchedTable<T>({
  data,
  columns,
  address: { search, sorting, pagination, onSorting, onPagination },
  rowId,
  columnVisibility = {},
}: {
  data: T[];
  columns: ColumnDef<T>[];
  address: TableAddress;
  rowId: (row: T) => string;
  columnVisibility?: VisibilityState;
}): Table<T> {
  const table = useReactTable({
    data,
    columns,
    // A link may name a column that this table does not have.
    state: { globalFilter: search, columnVisibility, sorting: sorting.filter(({ id }) => columns.some((column) => idOf(column) === id)), pagination },
    onSortingChange: onSorting,
    onPaginationChange: onPagination,
    autoResetPageIndex: false,
    enableSortingRemoval: false,
    getRowId: rowId,
    globalFilterFn: "includesString",
    getColumnCanGlobalFilter: isText,
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getPaginationRowModel: getPaginationRowModel(),
  });
  const last = Math.max(Math.ceil(table.getPrePaginationRowModel().rows.length / pagination.pageSize) - 1, 0);
  if (pagination.pageIndex > last) {
    // A link, or a search since, may name a page beyond the end.
    table.setOptions((options) => ({ ...options, state: { ...options.state, pagination: { ...pagination, pageIndex: last } } }));
  }
  return table;
}

function idOf<T>(column: ColumnDef<T>): string | undefined {
  return column.id ?? ("accessorKey" in column ? String(column.accessorKey) : undefined);
}

/** Whether a column is searched: not the numbers, and not only those that are known in the first row. */
function isText<T>(column: Column<T>): boolean {
  return !(column.columnDef.meta as Meta | undefined)?.number;
}
