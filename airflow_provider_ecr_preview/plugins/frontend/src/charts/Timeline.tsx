import { count, counted, day } from "../format";
import type { Bin } from "../types";
import { Bars } from "./Bars";
import { ARCHIVING, EXPIRING, KEPT } from "./colours";
import { Key } from "./Key";

/** How many images of each age would go, and how many would stay. */
export function Timeline({
  bins,
  undated,
  hasKept,
  from,
  to,
  onPeriod,
}: {
  bins: Bin[];
  undated: number;
  hasKept: boolean;
  /** The chosen days, the last one included; empty where none are. */
  from: string;
  to: string;
  onPeriod: (bin: Bin, from: string, to: string) => void;
}) {
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
        {"\u00a0· choose a bar to list its images"}
        {undated > 0 && ` · ${counted(undated, "image", "images")} without a known push date not among them`}
      </figcaption>
      <Bars
        label="Images by push date"
        hint="; Enter lists the images of a bar"
        shown={count}
        isChosen={(key) => (from !== "" || to !== "") && bins.some((bin) => bin.from === key && isWithin(bin, from, to))}
        onChoose={(key) => {
          const chosen = bins.find((bin) => bin.from === key);
          if (chosen) {
            onPeriod(chosen, day(chosen.from), lastDay(chosen));
          }
        }}
        data={bins.map((bin) => {
          const lines = [
            `${count(bin.expiring)} would be deleted`,
            `${count(bin.archiving)} would be archived`,
            ...(hasKept ? [`${count(bin.kept)} would be kept`] : []),
          ];
          return {
            key: bin.from,
            label: day(bin.from),
            parts: [
              { value: bin.expiring, fill: EXPIRING },
              { value: bin.archiving, fill: ARCHIVING },
              ...(hasKept ? [{ value: bin.kept, fill: KEPT }] : []),
            ],
            text: `${period(bin)}: ${lines.join(", ")}`,
            tip: (
              <>
                <b>{period(bin)}</b>
                {lines.map((line) => (
                  <div key={line}>{line}</div>
                ))}
              </>
            ),
          };
        })}
      />
    </figure>
  );
}

/** The days of a bar, of which the last is the one before its end. */
function period(bin: Bin): string {
  const last = lastDay(bin);
  return last === day(bin.from) ? last : `${day(bin.from)} to ${last}`;
}

function lastDay(bin: Bin): string {
  return day(new Date(Date.parse(bin.to) - 1).toISOString());
}

function isWithin(bin: Bin, from: string, to: string): boolean {
  return (from === "" || lastDay(bin) >= from) && (to === "" || day(bin.from) <= to);
}

function sum(bins: Bin[], what: "expiring" | "archiving" | "kept"): number {
  return bins.reduce((total, bin) => total + bin[what], 0);
}
