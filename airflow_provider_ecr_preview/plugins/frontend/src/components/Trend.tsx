import { bytes, count, minute } from "../format";
import { type MarkedTask, number } from "./Markers";

/** What the audits of one DAG found, the oldest first. */
export function Trend({ audits }: { audits: MarkedTask[] }) {
  if (audits.length < 2) {
    return null;
  }
  const points = audits
    .map(({ marker, value }) => ({
      when: marker.timestamp,
      images: number(value, "expiring_image_count") ?? 0,
      size: number(value, "expiring_bytes_upper_bound"),
    }))
    .reverse();
  const highest = Math.max(...points.map((point) => point.images), 1);
  const first = points[0];
  const last = points[points.length - 1];
  if (!first || !last) {
    return null;
  }
  return (
    <figure style={{ margin: "0 0 1rem" }}>
      <div
        className="bars"
        style={{ height: "4rem" }}
        role="img"
        aria-label={`Images that would be deleted, audit by audit: ${count(first.images)} at first, ${count(last.images)} at last.`}
      >
        {points.map((point) => (
          <span key={point.when} title={`${minute(point.when)}: ${count(point.images)} images, ${bytes(point.size)} at most`}>
            <i className="expiring" style={{ height: `${(100 * point.images) / highest}%` }} />
          </span>
        ))}
      </div>
      <figcaption className="quiet ends">
        <span>{minute(first.when)}</span>
        <span>images that would be deleted, audit by audit</span>
        <span>{minute(last.when)}</span>
      </figcaption>
    </figure>
  );
}
