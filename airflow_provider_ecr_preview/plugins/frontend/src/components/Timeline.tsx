import { count, day } from "../format";
import type { Bin } from "../types";

/** How many images of each age would go, and how many would stay. */
export function Timeline({ bins, hasKept }: { bins: Bin[]; hasKept: boolean }) {
  const first = bins[0];
  const last = bins[bins.length - 1];
  if (!first || !last) {
    return null;
  }
  const highest = Math.max(...bins.map(all), 1);
  const going = bins.filter((bin) => bin.expiring + bin.archiving > 0);
  const newest = going[going.length - 1];
  const text =
    `Images by push date, from ${day(first.from)} to ${day(last.to)}: ` +
    `${count(sum(bins, "expiring"))} expiring, ${count(sum(bins, "archiving"))} archiving` +
    (hasKept ? `, ${count(sum(bins, "kept"))} kept` : "") +
    (newest ? `. The newest of those that go were pushed before ${day(newest.to)}.` : ".");
  return (
    <figure style={{ margin: "0 0 1rem" }}>
      <div className="bars" role="img" aria-label={text}>
        {bins.map((bin) => (
          <span
            key={bin.from}
            title={
              `${day(bin.from)}: ${count(bin.expiring)} would be deleted, ${count(bin.archiving)} archived` +
              (hasKept ? `, ${count(bin.kept)} kept` : "")
            }
          >
            <i className="kept" style={{ height: `${(100 * bin.kept) / highest}%` }} />
            <i className="archiving" style={{ height: `${(100 * bin.archiving) / highest}%` }} />
            <i className="expiring" style={{ height: `${(100 * bin.expiring) / highest}%` }} />
          </span>
        ))}
      </div>
      <figcaption className="quiet ends">
        <span>{day(first.from)}</span>
        <span>
          images by push date, at most {count(highest)} a bar: <Key of="expiring">deleted</Key>{" "}
          <Key of="archiving">archived</Key> {hasKept && <Key of="kept">kept</Key>}
        </span>
        <span>{day(last.to)}</span>
      </figcaption>
    </figure>
  );
}

function Key({ of, children }: { of: string; children: string }) {
  return (
    <span className="key">
      <i className={of} aria-hidden="true" />
      {children}
    </span>
  );
}

function all(bin: Bin): number {
  return bin.expiring + bin.archiving + bin.kept;
}

function sum(bins: Bin[], what: "expiring" | "archiving" | "kept"): number {
  return bins.reduce((total, bin) => total + bin[what], 0);
}
