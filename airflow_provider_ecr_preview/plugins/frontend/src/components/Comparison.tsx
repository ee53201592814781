import { readRepositories, readResult, tabPath } from "../api";
import { count, counted, minute } from "../format";
import type { AuditedRepository, Marker } from "../types";
import { useLoaded } from "../useLoaded";
import { place, Show } from "./basics";

export interface Difference {
  repository: AuditedRepository;
  before: number | null;
  after: number | null;
}

/** What two audits say of each repository where they differ, the largest difference first. */
export function differences(before: AuditedRepository[], after: AuditedRepository[]): Difference[] {
  const key = (each: AuditedRepository) => JSON.stringify([each.registry_id, each.region_name, each.repository_name]);
  const all = new Map([...before, ...after].map((each) => [key(each), each]));
  const old = new Map(before.map((each) => [key(each), each.expiring_image_count]));
  const now = new Map(after.map((each) => [key(each), each.expiring_image_count]));
  return [...all]
    .map(([at, repository]) => ({ repository, before: old.get(at) ?? null, after: now.get(at) ?? null }))
    .filter((each) => each.before !== each.after)
    .sort((one, other) => size(other) - size(one));
}

function size(difference: Difference): number {
  return Math.abs((difference.after ?? 0) - (difference.before ?? 0));
}

const MAX_SHOWN = 200;

export function Comparison({ one, other }: { one: Marker; other: Marker }) {
  const [earlier, later] = one.timestamp < other.timestamp ? [one, other] : [other, one];
  const loaded = useLoaded(tabPath(earlier) + tabPath(later), async (signal) => {
    const [before, after] = await Promise.all([repositories(earlier, signal), repositories(later, signal)]);
    return differences(before, after);
  });
  return (
    <Show loaded={loaded}>
      {(found) => (
        <section>
          <h2>
            {minute(earlier.timestamp)} against {minute(later.timestamp)}
          </h2>
          <p className="quiet">
            {found.length === 0
              ? "The two audits say the same of every repository."
              : `${counted(found.length, "repository differs", "repositories differ")}${found.length > MAX_SHOWN ? `, the first ${MAX_SHOWN} are shown` : ""}.`}
          </p>
          <div className="wide" role="region" aria-label="What differs" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">Repository</th>
                  <th scope="col">Registry and Region</th>
                  <th scope="col" className="number">
                    Would have been deleted
                  </th>
                  <th scope="col" className="number">
                    Would be deleted
                  </th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, MAX_SHOWN).map(({ repository, before, after }) => (
                  <tr key={place(repository) + repository.repository_name}>
                    <td>{repository.repository_name}</td>
                    <td>{place(repository)}</td>
                    <td className="number">{before === null ? "–" : count(before)}</td>
                    <td className="number">{after === null ? "–" : count(after)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </Show>
  );
}

async function repositories(marker: Marker, signal: AbortSignal): Promise<AuditedRepository[]> {
  const result = await readResult(marker, signal);
  return result.kind === "audit" ? readRepositories(marker, result.value, signal) : [];
}
