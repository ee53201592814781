import { bytes, day, minute, shortDigest, UNKNOWN } from "../format";
import type { Finding, RepositoryRef, Settings, Summary, TaskRef } from "../types";
import { useTitle } from "../useTitle";
import { Badge, ConsoleLink, place } from "./basics";
import { Copy } from "./Copy";
import { PreviewDetails } from "./PreviewDetails";
import { PreviewTiles } from "./PreviewTiles";
import { Rules } from "./Rules";

/** One preview: the result of a task or, with `repository`, one of those in an audit. */
export function SummaryView({
  summary,
  repository = null,
  task,
  settings,
  text = summary.lifecycle_policy_text ?? null,
}: {
  summary: Summary;
  repository?: RepositoryRef | null;
  task: TaskRef;
  settings: Settings;
  text?: string | null;
}) {
  useTitle(`preview of ${summary.repository_name}`, 1);
  return (
    <>
      <h2>{summary.repository_name}</h2>
      <p className="quiet">
        {place(summary)} · previewed {minute(summary.previewed_at)} · a preview deletes nothing: this is what the policy would
        do · <ConsoleLink repository={summary} />
      </p>
      <PreviewTiles counts={summary} settings={settings} />
      <h3>What to look at</h3>
      {summary.findings.length === 0 ? (
        <p className="quiet">There are no findings.</p>
      ) : (
        <ul className="findings">
          {summary.findings.map((finding) => (
            <FindingItem key={finding.code} finding={finding} />
          ))}
        </ul>
      )}
      {summary.images_uri !== null ? (
        <PreviewDetails
          task={task}
          repository={repository}
          rules={summary.rules}
          text={text}
          instead={<Sample summary={summary} />}
        />
      ) : (
        <>
          <Rules rules={summary.rules} counts={null} text={text} />
          <h3>Images</h3>
          <p className="quiet">
            Give the task {repository === null ? "an images_path" : "a reports_path"} to see all of them here.
          </p>
          <Sample summary={summary} />
        </>
      )}
    </>
  );
}

function FindingItem({ finding }: { finding: Finding }) {
  return (
    <li>
      <Badge severity={finding.severity} /> <code>{finding.code}</code> {finding.message}
      {finding.image_digests.length > 0 && (
        <details className="quiet">
          <summary>Some of the images</summary>
          {finding.image_digests.map((digest) => (
            <div key={digest}>
              <Copy text={digest} />
            </div>
          ))}
        </details>
      )}
    </li>
  );
}

function Sample({ summary }: { summary: Summary }) {
  if (summary.sample.length === 0) {
    return null;
  }
  return (
    <section>
      <p>Some of the images that would be deleted or archived:</p>
      <ul>
        {summary.sample.map((image) => (
          <li key={image.image_digest}>
            {image.image_tags.join(", ") || "untagged"} <Copy text={image.image_digest} shown={shortDigest(image.image_digest)} />, pushed{" "}
            {image.image_pushed_at === null ? UNKNOWN : day(image.image_pushed_at)}, {bytes(image.image_size_in_bytes)}
          </li>
        ))}
      </ul>
    </section>
  );
}
