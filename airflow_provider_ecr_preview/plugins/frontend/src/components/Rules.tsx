import { bytes, count } from "../format";
import type { RuleCounts, RuleSummary } from "../types";

/** What each rule takes and, where it is known, what it keeps and shields from the rules below. */
export function Rules({ rules, counts }: { rules: RuleSummary[]; counts: RuleCounts[] | null }) {
  const of = new Map(counts?.map((each) => [each.priority, each]));
  const unruled = of.get(null);
  return (
    <section>
      <h3>Rules</h3>
      <div className="wide" role="region" aria-label="Rules" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col" className="number">
                Priority
              </th>
              <th scope="col">Rule</th>
              <th scope="col">Action</th>
              <th scope="col" className="number">
                Takes
              </th>
              <th scope="col" className="number">
                Bytes at most
              </th>
              {counts && (
                <>
                  <th scope="col" className="number">
                    Keeps
                  </th>
                  <th scope="col" className="number">
                    Shields
                  </th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {rules.map((rule) => (
              <tr key={`${rule.priority} ${rule.action}`}>
                <td className="number">{rule.priority}</td>
                <td>{rule.description ?? <span className="quiet">no description</span>}</td>
                <td>{rule.action}</td>
                <td className="number">{count(rule.image_count)}</td>
                <td className="number">{bytes(rule.bytes_upper_bound)}</td>
                {counts && (
                  <>
                    <td className="number">{count(of.get(rule.priority)?.kept ?? 0)}</td>
                    <td className="number">{count(of.get(rule.priority)?.shielded ?? 0)}</td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {counts && (
        <p className="quiet">
          A rule keeps what it selects and does not take, and shields it from the rules below that would.
          {unruled ? ` Images that no rule decides about: ${count(unruled.kept)}; they stay.` : ""}
        </p>
      )}
    </section>
  );
}

/** The rules of a repository in an audit, of which only the counts are known here. */
export function RuleCountList({ counts }: { counts: RuleCounts[] }) {
  return (
    <ul className="quiet">
      {counts.map((rule) => (
        <li key={rule.priority}>
          {rule.priority === null
            ? `No rule: ${count(rule.kept)} stay`
            : `Rule ${rule.priority}: takes ${count(rule.taken)}, keeps ${count(rule.kept)}` +
              (rule.shielded > 0 ? `, and shields ${count(rule.shielded)} of those from the rules below` : "")}
        </li>
      ))}
    </ul>
  );
}
