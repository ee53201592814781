import { count, day } from "../format";
import type { Bin } from "../types";

/** How many images of each age would go. */
export function Timeline({ bins }: { bins: Bin[] }) {
  const first = bins[0];
  const last = bins[bins.length - 1];
  if (!first || !last) {
    return null;
  }
  const highest = Math.max(...bins.map((bin) => bin.expiring + bin.archiving), 1);
  const most = bins.reduce((one, other) => (other.expiring + other.archiving > one.expiring + one.archiving ? other : one));
  const text =
    `Images by push date, from ${day(first.from)} to ${day(last.to)}. ` +
    `Most of them, ${count(most.expiring + most.archiving)}, were pushed from ${day(most.from)} on.`;
  return (
    <figure style={{ margin: "0 0 1rem" }}>
      <div className="bars" role="img" aria-label={text}>
        {bins.map((bin) => (
          <span
            key={bin.from}
            title={`${day(bin.from)}: ${count(bin.expiring)} would be deleted, ${count(bin.archiving)} archived`}
          >
            <i className="archiving" style={{ height: `${(100 * bin.archiving) / highest}%` }} />
            <i className="expiring" style={{ height: `${(100 * bin.expiring) / highest}%` }} />
          </span>
        ))}
      </div>
      <figcaption className="quiet ends">
        <span>{day(first.from)}</span>
        <span>images by push date, at most {count(highest)} a bar</span>
        <span>{day(last.to)}</span>
      </figcaption>
    </figure>
  );
}
