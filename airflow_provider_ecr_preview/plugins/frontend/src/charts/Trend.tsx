import { taskKey } from "../api";
import { number, type MarkedTask } from "../markers";
import { bytes, count, day, minute } from "../format";
import { Bars } from "./Bars";
import { KEPT, SHOWN } from "./colours";
import { Key } from "./Key";

interface Point {
  when: string;
  task: string;
  images: number | null;
  size: number | null;
  fill: string;
}

/** What the audits of one task found, the oldest first. */
export function Trend({ audits, current, onChoose }: { audits: MarkedTask[]; current: string; onChoose: (task: string) => void }) {
  if (audits.length < 2) {
    return null;
  }
  const points: Point[] = audits
    .map(({ marker, value }) => ({
      when: marker.timestamp,
      task: taskKey(marker),
      images: number(value, "expiring_image_count"),
      size: number(value, "expiring_bytes_upper_bound"),
      fill: taskKey(marker) === current ? SHOWN : KEPT,
    }))
    .reverse();
  const of = { points, onChoose };
  return (
    <div className="charts">
      <Plot {...of} title="Images that would be deleted, audit by audit" what="images" format={count} />
      <Plot {...of} title="Bytes at most, audit by audit" what="size" format={bytes} />
    </div>
  );
}

function Plot({
  points,
  onChoose,
  title,
  what,
  format,
}: {
  points: Point[];
  onChoose: (task: string) => void;
  title: string;
  what: "images" | "size";
  format: (value: number | null) => string;
}) {
  // Several audits of one day would stand above the same date.
  const isDaily = new Set(points.map(({ when }) => day(when))).size === points.length;
  const text = `${title}: ${format(points[0]?.[what] ?? null)} at first, ${format(points[points.length - 1]?.[what] ?? null)} at last.`;
  return (
    <figure className="chart" aria-label={text}>
      <figcaption className="quiet">
        {title}; a bar leads to its audit: <Key colour={SHOWN}>shown below</Key>
      </figcaption>
      <Bars
        label={title}
        shown={format}
        onChoose={onChoose}
        data={points.map((point) => {
          const when = `${minute(point.when)}${point.fill === SHOWN ? ", shown below" : ""}`;
          return {
            key: point.task,
            label: isDaily ? day(point.when) : minute(point.when).slice("2026-".length, "2026-11-29 17:36".length),
            parts: [{ value: point[what] ?? 0, fill: point.fill }],
            text: `${when}: ${format(point[what])}`,
            tip: (
              <>
                <b>{when}</b>
                <div>{format(point[what])}</div>
              </>
            ),
          };
        })}
      />
    </figure>
  );
}
