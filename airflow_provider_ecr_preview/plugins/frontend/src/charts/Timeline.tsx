import { Bar, BarChart, CartesianGrid, XAxis, YAxis } from "recharts";

import { count, counted, day } from "../format";
import type { Bin } from "../types";
import { ARCHIVING, AXIS, EXPIRING, GRID, KEPT } from "./colours";
import { Key } from "./Key";
import { tip } from "./Tip";

/** How many images of each age would go, and how many would stay. */
export function Timeline({ bins, undated, hasKept }: { bins: Bin[]; undated: number; hasKept: boolean }) {
  const first = bins[0];
  const last = bins[bins.length - 1];
  if (!first || !last) {
    return null;
  }
  const going = bins.filter((bin) => bin.expiring + bin.archiving > 0);
  const newest = going[going.length - 1];
  const text =
    `Images by push date, from ${day(first.from)} to ${day(last.to)}: ` +
    `${count(sum(bins, "expiring"))} expiring, ${count(sum(bins, "archiving"))} archiving` +
    (hasKept ? `, ${count(sum(bins, "kept"))} kept` : "") +
    (newest ? `. The newest of those that go were pushed before ${day(newest.to)}.` : ".");
  return (
    <figure className="chart" aria-label={text}>
      <figcaption className="quiet">
        Images by push date: <Key colour={EXPIRING}>deleted</Key> <Key colour={ARCHIVING}>archived</Key>{" "}
        {hasKept && <Key colour={KEPT}>kept</Key>}
        {undated > 0 && ` · ${counted(undated, "image", "images")} without a known push date not among them`}
      </figcaption>
      <BarChart responsive className="plot" data={bins} barCategoryGap={1} aria-label="Images by push date, bar by bar">
        <CartesianGrid {...GRID} />
        <XAxis {...AXIS} dataKey="from" tickFormatter={day} minTickGap={24} />
        <YAxis {...AXIS} width="auto" allowDecimals={false} tickFormatter={count} />
        {tip<Bin>((bin) => (
          <>
            <b>{period(bin)}</b>
            <div>{count(bin.expiring)} would be deleted</div>
            <div>{count(bin.archiving)} would be archived</div>
            {hasKept && <div>{count(bin.kept)} would be kept</div>}
          </>
        ))}
        <Bar dataKey="expiring" stackId="images" fill={EXPIRING} isAnimationActive={false} />
        <Bar dataKey="archiving" stackId="images" fill={ARCHIVING} isAnimationActive={false} />
        {hasKept && <Bar dataKey="kept" stackId="images" fill={KEPT} isAnimationActive={false} />}
      </BarChart>
    </figure>
  );
}

/** The days of a bar, of which the last is the one before its end. */
function period(bin: Bin): string {
  const last = day(new Date(Date.parse(bin.to) - 1).toISOString());
  return last === day(bin.from) ? last : `${day(bin.from)} to ${last}`;
}

function sum(bins: Bin[], what: "expiring" | "archiving" | "kept"): number {
  return bins.reduce((total, bin) => total + bin[what], 0);
}
