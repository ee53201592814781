import { dollars } from "../costs";
import { bytes, count } from "../format";
import type { RuleCounts, RuleSummary } from "../types";
import { PolicyText } from "./PolicyText";

/**
 * What each rule takes and, where it is known, what it keeps and shields from the rules below.
 *
 * Of a repository in a large audit only the counts are known here: of the rules that decide about an image.
 */
export function Rules({ rules, counts, text }: { rules: RuleSummary[]; counts: RuleCounts[] | null; text: string | null }) {
  const countsOf = new Map(counts?.map((rule) => [rule.priority, rule]));
  const unruled = countsOf.get(null);
  const rows = rules.length > 0 ? rules.map((rule) => ({ priority: rule.priority, rule })) : priorities(counts);
  const isSized = rules.some((rule) => rule.bytes_upper_bound !== null);
  const isPriced = rules.some((rule) => rule.monthly_cost_usd !== undefined);
  if (rows.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>Rules</h3>
      <div className="wide" role="region" aria-label="Rules" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <NumberHead>Priority</NumberHead>
              {rules.length > 0 && (
                <>
                  <th scope="col">Rule</th>
                  <th scope="col">Action</th>
                </>
              )}
              <NumberHead>Takes</NumberHead>
              {isSized && <NumberHead>Bytes at most</NumberHead>}
              {isPriced && <NumberHead>Costs in a month</NumberHead>}
              {counts && (
                <>
                  <NumberHead>Keeps</NumberHead>
                  <NumberHead>Shields</NumberHead>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ priority, rule }) => (
              <tr key={priority}>
                <td className="number">{priority}</td>
                {rule && (
                  <>
                    <td>{rule.description ?? <span className="quiet">no description</span>}</td>
                    <td>{rule.action}</td>
                  </>
                )}
                <td className="number">{count(rule?.image_count ?? (counts && (countsOf.get(priority)?.taken ?? 0)))}</td>
                {rule && isSized && <td className="number">{bytes(rule.bytes_upper_bound)}</td>}
                {rule && isPriced && <td className="number">{dollars(rule.monthly_cost_usd ?? null)}</td>}
                {counts && (
                  <>
                    <td className="number">{count(countsOf.get(priority)?.kept ?? 0)}</td>
                    <td className="number">{count(countsOf.get(priority)?.shielded ?? 0)}</td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {text !== null && <PolicyText text={text} />}
      {counts && (
        <p className="quiet">
          A rule keeps what it selects and does not take, and shields it from the rules below that would.
          {unruled ? ` Images that no rule decides about: ${count(unruled.kept)}; they stay.` : ""}
        </p>
      )}
    </section>
  );
}

function priorities(counts: RuleCounts[] | null): { priority: number; rule?: RuleSummary }[] {
  return (counts ?? []).flatMap(({ priority }) => (priority === null ? [] : [{ priority }]));
}

function NumberHead({ children }: { children: string }) {
  return (
    <th scope="col" className="number">
      {children}
    </th>
  );
}
