import { useMemo, useRef } from "react";

import { readTrend, tabPath } from "../api";
import { Show } from "../components/basics";
import { dollars } from "../costs";
import { bytes, count, minute } from "../format";
import type { Audit, TaskRef, TrendPoint } from "../types";
import { useLoaded } from "../useLoaded";
import { useWidth } from "./Bars";
import { GRID, LABEL, SHOWN } from "./colours";

const HEIGHT = 130;
const LEFT = 62;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 24;
const MAX_TICKS = 6;

type Value = (point: TrendPoint) => number | null;

const PLOTS: [title: string, value: Value, format: (value: number) => string][] = [
  ["Stored, at most", (point) => point.stored_bytes_upper_bound, bytes],
  ["Costs in a month", (point) => point.monthly_cost_usd, dollars],
  ["Images that would be deleted", (point) => point.expiring_image_count, count],
  ["Findings, without those accepted", (point) => point.critical_finding_count + point.warning_finding_count + point.info_finding_count, count],
];

/** What the audits of this task found over months, from the reports: the runs may be gone from Airflow. */
export function TrendOverTime({ task, audit }: { task: TaskRef; audit: Audit }) {
  const loaded = useLoaded(`${tabPath(task)} trend`, (signal) => readTrend(task, signal));
  return (
    <section aria-label="Trend">
      <h3>Trend</h3>
      <Show loaded={loaded} room="20rem">
        {(all) => {
          // A what-if of other repositories is no state of these.
          const points = all.filter((point) => (point.selection ?? null) === (audit.selection ?? null));
          const parts = points.filter((point) => point.missing_part_count > 0).length;
          return points.length < 2 ? (
            <p className="quiet">The trend begins with this audit, and the next one adds to it.</p>
          ) : (
            <>
              <p className="quiet">
                {count(points.length)} audits from {minute(points[0]!.audited_at)} to {minute(points[points.length - 1]!.audited_at)}
                {parts > 0 && `; ${count(parts)} of them lack a part, and are shown by a ring`}. The larger mark is the audit above.
              </p>
              <div className="charts">
                {PLOTS.filter(([, value]) => points.some((point) => value(point) !== null)).map(([title, value, format]) => (
                  <Plot key={title} points={points} current={audit.audit_id} title={title} value={value} format={format} />
                ))}
              </div>
            </>
          );
        }}
      </Show>
    </section>
  );
}

function Plot({ points, current, title, value, format }: { points: TrendPoint[]; current: string; title: string; value: Value; format: (value: number) => string }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box);
  const known = useMemo(
    () => points.flatMap((point) => (value(point) === null ? [] : [{ point, at: Date.parse(point.audited_at), amount: value(point)! }])),
    [points, value],
  );
  const [first, last] = [known[0]!, known[known.length - 1]!];
  const most = Math.max(...known.map(({ amount }) => amount), 0) || 1;
  const span = Math.max(last.at - first.at, 1);
  const x = (at: number) => LEFT + ((at - first.at) / span) * Math.max(width - LEFT - RIGHT, 0);
  const y = (amount: number) => HEIGHT - BOTTOM - (amount / most) * (HEIGHT - BOTTOM - TOP);
  const text = `${title}: ${format(first.amount)} at ${minute(first.point.audited_at)}, ${format(last.amount)} at ${minute(last.point.audited_at)}.`;
  return (
    <figure className="chart" aria-label={text}>
      <figcaption className="quiet">
        {title}: {format(last.amount)}
      </figcaption>
      <div ref={box} className="plot trend" aria-hidden="true">
        <svg width="100%" height={HEIGHT}>
          {[0, most].map((amount) => (
            <g key={amount}>
              <line x1={LEFT} x2={Math.max(width - RIGHT, LEFT)} y1={y(amount)} y2={y(amount)} {...GRID} />
              <text x={LEFT - 6} y={y(amount) + 4} textAnchor="end" {...LABEL}>
                {format(amount)}
              </text>
            </g>
          ))}
          {ticks(first.at, last.at, Math.min(MAX_TICKS, Math.max(Math.floor((width - LEFT) / 90), 2))).map((at, number, all) => (
            <text
              key={at}
              x={x(at)}
              y={HEIGHT - 6}
              textAnchor={number === 0 ? "start" : number === all.length - 1 ? "end" : "middle"}
              {...LABEL}
            >
              {new Date(at).toISOString().slice(0, 10)}
            </text>
          ))}
          <polyline points={known.map(({ at, amount }) => `${x(at)},${y(amount)}`).join(" ")} style={{ fill: "none", stroke: SHOWN, strokeWidth: 2 }} />
          {known.map(({ point, at, amount }) => (
            <circle
              key={point.audit_id}
              cx={x(at)}
              cy={y(amount)}
              r={point.audit_id === current ? 5 : 3}
              style={{ fill: point.missing_part_count > 0 ? "var(--chakra-colors-bg, #fff)" : SHOWN, stroke: SHOWN, strokeWidth: 1.5 }}
            >
              <title>{`${minute(point.audited_at)}: ${format(amount)}${point.missing_part_count > 0 ? ", without the missing parts" : ""}`}</title>
            </circle>
          ))}
        </svg>
      </div>
    </figure>
  );
}

/** Days on the axis, evenly between the first and the last. */
export function ticks(first: number, last: number, most: number): number[] {
  if (last - first < 24 * 3600 * 1000) {
    return [first];
  }
  return Array.from({ length: most }, (_, at) => first + ((last - first) * at) / (most - 1));
}
