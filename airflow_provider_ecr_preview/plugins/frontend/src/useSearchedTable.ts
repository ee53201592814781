import {
  type Column,
  type ColumnDef,
  getCoreRowModel,
  getFilteredRowModel,
  getPaginationRowModel,
  getSortedRowModel,
  type SortingState,
  type Table,
  useReactTable,
  type VisibilityState,
} from "@tanstack/react-table";

import type { Meta } from "./components/DataTable";

const PAGE_SIZE = 50;

/** A table of what is there already: sorted, searched and cut into pages in the browser. */
export function useSearchedTable<T>({
  data,
  columns,
  search,
  rowId,
  sorting = [],
  columnVisibility = {},
}: {
  data: T[];
  columns: ColumnDef<T>[];
  search: string;
  rowId: (row: T) => string;
  sorting?: SortingState;
  columnVisibility?: VisibilityState;
}): Table<T> {
  return useReactTable({
    data,
    columns,
    state: { globalFilter: search, columnVisibility },
    initialState: { sorting, pagination: { pageIndex: 0, pageSize: PAGE_SIZE } },
    getRowId: rowId,
    globalFilterFn: "includesString",
    getColumnCanGlobalFilter: isText,
    getCoreRowModel: getCoreRowModel(),
    getFilteredRowModel: getFilteredRowModel(),
    getSortedRowModel: getSortedRowModel(),
    getPaginationRowModel: getPaginationRowModel(),
  });
}

/** Whether a column is searched: not the numbers, and not only those that are known in the first row. */
function isText<T>(column: Column<T>): boolean {
  return !(column.columnDef.meta as Meta | undefined)?.number;
}
