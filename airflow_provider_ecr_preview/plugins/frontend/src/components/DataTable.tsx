import { flexRender, type Table } from "@tanstack/react-table";

import { count } from "../format";
import type { TableAddress } from "../useTableAddress";
import { useTyped } from "../useTyped";

export interface Meta {
  number?: boolean;
  /** Whether it stays on one line: a number, a date. */
  short?: boolean;
  /** Whether it has sentences, which are not squeezed into a word a line. */
  sentences?: boolean;
}

/** A table whose columns are sorted by the buttons in their headers. */
export function DataTable<T>({ table, label }: { table: Table<T>; label: string }) {
  return (
    // Focusable, so that who has no mouse can scroll it.
    <div className="wide" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                const title = flexRender(header.column.columnDef.header, header.getContext());
                return (
                  <th
                    key={header.id}
                    scope="col"
                    className={classOf(header.column.columnDef.meta)}
                    aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : undefined}
                  >
                    {header.column.getCanSort() ? (
                      <button type="button" onClick={header.column.getToggleSortingHandler()}>
                        {title} <span aria-hidden="true">{sorted === "asc" ? "▲" : sorted === "desc" ? "▼" : "↕"}</span>
                      </button>
                    ) : (
                      title
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id}>
              {row.getVisibleCells().map((cell) => (
                <td key={cell.id} className={classOf(cell.column.columnDef.meta)}>
                  {flexRender(cell.column.columnDef.cell, cell.getContext())}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Pager<T>({ table, what }: { table: Table<T>; what: string }) {
  const { pageIndex, pageSize } = table.getState().pagination;
  return <Pages what={what} page={pageIndex} size={pageSize} total={table.getRowCount()} onPage={table.setPageIndex} />;
}

export function SearchBox({ what, text, onText }: { what: string; text: string; onText: (text: string) => void }) {
  return (
    <label>
      Search {what}
      <input type="search" value={text} onChange={(event) => onText(event.target.value)} />
    </label>
  );
}

/** The search of a table whose state is in the address. */
export function TableSearch({ what, address }: { what: string; address: TableAddress }) {
  const [typed, setTyped] = useTyped(address.onSearch, address.search);
  return <SearchBox what={what} text={typed} onText={setTyped} />;
}

export function Pages({
  what,
  page,
  size,
  total,
  onPage,
}: {
  what: string;
  page: number;
  size: number;
  total: number;
  onPage: (page: number) => void;
}) {
  const first = total === 0 ? 0 : page * size + 1;
  const last = Math.min((page + 1) * size, total);
  return (
    <nav className="controls" aria-label={`Pages of ${what}`}>
      <button className="button" type="button" disabled={page === 0} onClick={() => onPage(page - 1)}>
        Previous
      </button>
      <span role="status">
        {count(first)}–{count(last)} of {count(total)} {what}
      </span>
      <button className="button" type="button" disabled={last >= total} onClick={() => onPage(page + 1)}>
        Next
      </button>
    </nav>
  );
}

function classOf(meta: unknown): string | undefined {
  const { number, short, sentences } = (meta ?? {}) as Meta;
  return number ? "number" : short ? "short" : sentences ? "sentences" : undefined;
}
