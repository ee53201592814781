import type { Check } from "../changes";
import { shortDigest } from "../format";

const BLOCKS = ["blocked", "unknown"];
const QUIET = ["passed", "off"];

/** The checks that block, each with how to fix it. */
export function Blocking({ checks }: { checks: { of: string; check: Check }[] }) {
  const blocking = checks.filter(({ check }) => BLOCKS.includes(check.verdict));
  if (blocking.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>What blocks, and how to fix it</h3>
      <ul className="findings">
        {blocking.map(({ of, check }, at) => (
          <li key={at}>
            <Verdict verdict={check.verdict} /> <code>{check.code}</code> {of}: {check.message}
            {check.remedy && <div className="remedy">To fix this: {check.remedy}</div>}
            <Digests digests={check.image_digests ?? []} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Every check with its answer; those that passed are folded away behind their number. */
export function Checks({ checks, title }: { checks: Check[]; title: string }) {
  if (checks.length === 0) {
    return null;
  }
  const passed = checks.filter((check) => QUIET.includes(check.verdict)).length;
  return (
    <details>
      <summary>
        {title} ({passed} of {checks.length} passed or off)
      </summary>
      <div className="wide" role="region" aria-label={title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Answer</th>
              <th scope="col">What it found, and how to fix it</th>
            </tr>
          </thead>
          <tbody>
            {checks.map((check) => (
              <tr key={check.code}>
                <th scope="row">
                  <code>{check.code}</code>
                </th>
                <td>
                  <Verdict verdict={check.verdict} />
                </td>
                <td>
                  {check.message}
                  {check.remedy && <div className="remedy">To fix this: {check.remedy}</div>}
                  <Digests digests={check.image_digests ?? []} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

export function Verdict({ verdict }: { verdict: string }) {
  const colour = verdict === "blocked" ? "critical" : ["unknown", "warned"].includes(verdict) ? "warning" : "";
  return <span className={`badge ${colour}`}>{verdict.replaceAll("_", " ")}</span>;
}

export function Digests({ digests, title = "Some of the images" }: { digests: string[]; title?: string }) {
  return digests.length === 0 ? null : (
    <details className="quiet">
      <summary>{title}</summary>
      {digests.map((digest) => (
        <div key={digest}>
          <code title={digest}>{shortDigest(digest)}</code>
        </div>
      ))}
    </details>
  );
}
