import { bytes, count, day, minute, money, shortDigest } from "../format";
import type { Settings, Summary, TaskRef } from "../types";
import { Badge, ConsoleLink, place, Tiles } from "./basics";
import { PreviewDetails } from "./PreviewDetails";
import { Rules } from "./Rules";

export function SummaryView({ summary, task, settings }: { summary: Summary; task: TaskRef; settings: Settings }) {
  const total = summary.total_image_count;
  return (
    <>
      <h2>{summary.repository_name}</h2>
      <p className="quiet">
        {place(summary)} · previewed {minute(summary.previewed_at)} · nothing was deleted: this is what the policy would do
        now · <ConsoleLink repository={summary} />
      </p>
      <Tiles
        tiles={[
          ["Images that would be deleted", count(summary.expiring_image_count), total === null ? undefined : `of ${count(total)}`],
          ["Images that would be archived", count(summary.archiving_image_count), "archiving saves nothing by itself"],
          ["Bytes", bytes(summary.expiring_bytes_upper_bound), "at most: layers are shared"],
          [
            "Storage costs",
            money(summary.expiring_bytes_upper_bound, settings.price_per_gb_month),
            `a month at most, at $${settings.price_per_gb_month} per GB`,
          ],
        ]}
      />
      <h3>What to look at</h3>
      {summary.findings.length === 0 ? (
        <p className="quiet">Nothing was found that a person should look at.</p>
      ) : (
        <ul className="findings">
          {summary.findings.map((finding) => (
            <li key={finding.code}>
              <Badge severity={finding.severity} /> <code>{finding.code}</code> {finding.message}
            </li>
          ))}
        </ul>
      )}
      {summary.images_uri !== null ? (
        <PreviewDetails task={task} repository={null} rules={summary.rules} />
      ) : (
        <>
          <Rules rules={summary.rules} counts={null} />
          <Sample summary={summary} />
        </>
      )}
    </>
  );
}

function Sample({ summary }: { summary: Summary }) {
  if (summary.sample.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>Some of the images that would go</h3>
      <p className="quiet">Give the task an images_path to see all of them here.</p>
      <ul>
        {summary.sample.map((image) => (
          <li key={image.image_digest}>
            {image.image_tags.join(", ") || "untagged"} <code>{shortDigest(image.image_digest)}</code>, pushed{" "}
            {day(image.image_pushed_at)}, {bytes(image.image_size_in_bytes)}
          </li>
        ))}
      </ul>
    </section>
  );
}
