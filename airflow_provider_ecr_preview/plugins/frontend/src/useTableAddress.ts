import type { PaginationState, SortingState, Updater } from "@tanstack/react-table";
import { useCallback, useMemo, useRef } from "react";

import { useParameters } from "./useParameters";

export const PAGE_SIZE = 50;

/** What the address says of one table: what is searched, sorted and filtered, and the page. */
export interface TableAddress {
  search: string;
  sorting: SortingState;
  pagination: PaginationState;
  /** The value of another filter; empty where none is set. */
  filter: (name: string) => string;
  onSearch: (text: string) => void;
  onFilter: (name: string, value: string) => void;
  onFilters: (values: Record<string, string>) => void;
  onSorting: (change: Updater<SortingState>) => void;
  onPagination: (change: Updater<PaginationState>) => void;
}

/** The parameters of the address that a table with this prefix has, so that those of a table behind it can be removed. */
export function withoutTable(prefix: string, ...filters: string[]): Record<string, string> {
  return Object.fromEntries(["search", "sort", "page", ...filters].map((name) => [prefix + name, ""]));
}

/** Keep the state of a table in the address. A page can have several tables, each with a prefix of its own. */
export function useTableAddress(first: SortingState = [], prefix = ""): TableAddress {
  const [parameters, setParameters] = useParameters();
  const latest = useRef(parameters);
  latest.current = parameters;
  const [search, sort, page] = ["search", "sort", "page"].map((name) => parameters.get(prefix + name) ?? "") as [string, string, string];
  const sorting = useMemo(() => (sort === "" ? first : sortingOf(sort)), [sort]);
  const pagination = useMemo(() => ({ pageIndex: pageIndexOf(page), pageSize: PAGE_SIZE }), [page]);
  const set = useCallback(
    // Whatever changes, the page begins anew.
    (name: string, value: string, replace = false) => setParameters({ [`${prefix}page`]: "", [prefix + name]: value }, { replace }),
    [setParameters, prefix],
  );
  return {
    search,
    sorting,
    pagination,
    filter: (name) => parameters.get(prefix + name) ?? "",
    // "Back" leads to before the search, and not letter by letter through it.
    onSearch: (text) => set("search", text, search !== "" && text !== ""),
    onFilter: set,
    onFilters: (values) =>
      setParameters({ [`${prefix}page`]: "", ...Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value])) }),
    onSorting: (change) => {
      const [column] = typeof change === "function" ? change(sorting) : change;
      set("sort", column ? `${column.desc ? "-" : ""}${column.id}` : "");
    },
    onPagination: (change) => {
      const { pageIndex } = typeof change === "function" ? change(pagination) : change;
      if (pageIndex !== pagination.pageIndex) {
        setParameters({ [`${prefix}page`]: pageIndex === 0 ? "" : String(pageIndex + 1) });
      }
    },
  };
}

function sortingOf(text: string): SortingState {
  const desc = text.startsWith("-");
  return [{ id: desc ? text.slice(1) : text, desc }];
}

function pageIndexOf(text: string): number {
  const page = Number(text);
  return Number.isInteger(page) && page > 0 ? Math.min(page, 1_000_000) - 1 : 0;
}
