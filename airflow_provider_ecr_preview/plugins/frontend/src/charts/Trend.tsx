import { Bar, BarChart, CartesianGrid, XAxis, YAxis } from "recharts";

import { taskKey } from "../api";
import { number, type MarkedTask } from "../markers";
import { bytes, count, day, minute } from "../format";
import { AXIS, SHOWN, GRID, KEPT } from "./colours";
import { Key } from "./Key";
import { tip } from "./Tip";

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
      <Plot {...of} title="Images that would be deleted, audit by audit" what="images" told={count} />
      <Plot {...of} title="Bytes at most, audit by audit" what="size" told={bytes} />
    </div>
  );
}

function Plot({
  points,
  onChoose,
  title,
  what,
  told,
}: {
  points: Point[];
  onChoose: (task: string) => void;
  title: string;
  what: "images" | "size";
  told: (value: number | null) => string;
}) {
  const text = `${title}: ${told(points[0]?.[what] ?? null)} at first, ${told(points[points.length - 1]?.[what] ?? null)} at last.`;
  return (
    <figure className="chart" aria-label={text}>
      <figcaption className="quiet">
        {title}; a bar leads to its audit: <Key colour={SHOWN}>shown below</Key>
      </figcaption>
      <BarChart responsive className="plot" data={points} aria-label={`${title}, bar by bar`}>
        <CartesianGrid {...GRID} />
        <XAxis {...AXIS} dataKey="when" tickFormatter={day} minTickGap={24} />
        <YAxis {...AXIS} width="auto" allowDecimals={what === "size"} tickFormatter={told} />
        {tip<Point>((point) => (
          <>
            <b>
              {minute(point.when)}
              {point.fill === SHOWN && ", shown below"}
            </b>
            <div>{told(point[what])}</div>
          </>
        ))}
        <Bar
          dataKey={what}
          maxBarSize={32}
          cursor="pointer"
          isAnimationActive={false}
          onClick={({ payload }) => onChoose((payload as Point).task)}
        />
      </BarChart>
    </figure>
  );
}
