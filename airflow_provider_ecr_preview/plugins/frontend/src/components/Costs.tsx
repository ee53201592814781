import { useMemo, useState } from "react";

import { repositoryKey } from "../api";
import { TILE } from "../charts/colours";
import { CostMap } from "../charts/lazy";
import { Key } from "../charts/Key";
import { asForm, dollars, type Owner, ownerKey, ownerName, ownersOf, type Sums, sumsOf, wasted } from "../costs";
import { csvName, csvText, save } from "../csv";
import { bytes, count, counted } from "../format";
import type { Audit, AuditedRepository } from "../types";
import { useParameters } from "../useParameters";
import { LinkButton, NumberHeadings, Place, Tiles } from "./basics";
import { CopyAll } from "./Copy";

const FIRST = 10;

/** The address says which repositories are selected, so that a link carries them. */
const SELECTED = "selected";

/** What the stored images cost, whose they are, and which repositories waste the most. */
export function Costs({
  repositories,
  isWhole,
  audit,
  onChoose,
}: {
  repositories: AuditedRepository[];
  isWhole: boolean;
  audit: Audit;
  onChoose: (repository: AuditedRepository) => void;
}) {
  const [parameters, setParameters] = useParameters();
  const chosen = parameters.get("owner");
  const owners = useMemo(() => ownersOf(repositories, isWhole, audit), [repositories, isWhole, audit]);
  const own = useMemo(() => ofOwner(repositories, chosen), [repositories, chosen]);
  if (!audit.storage && owners.length === 0) {
    return null;
  }
  const owner = owners.find(({ key }) => key === chosen);
  const all = audit.storage && sumsOfStorage(audit);
  return (
    <section aria-label="What it costs">
      <h3>What it costs</h3>
      {chosen !== null && (
        <p className="note">
          Only repositories of <b>{ownerName(chosen)}</b>.{" "}
          <LinkButton onClick={() => setParameters({ owner: "", [SELECTED]: "" })}>Show all owners</LinkButton>
        </p>
      )}
      {chosen !== null && !owner && <p className="note">No repository of this audit has this owner.</p>}
      {audit.storage && <CostTiles sums={chosen === null || !owner ? all! : owner.sums} audit={audit} />}
      {chosen === null && <Owners owners={owners} isApplied={isOfApplied(audit)} leftOut={isWhole ? 0 : (audit.owners_left_out ?? 0)} onOwner={(key) => setParameters({ owner: key })} />}
      {audit.storage && <Wasteful repositories={own} audit={audit} onChoose={onChoose} />}
    </section>
  );
}

/** Those of one owner; all where none is chosen. */
export function ofOwner(repositories: AuditedRepository[], chosen: string | null): AuditedRepository[] {
  return chosen === null ? repositories : repositories.filter((repository) => ownerKey(repository.owner ?? null) === chosen);
}

function sumsOfStorage({ storage, repository_count }: Audit): Sums {
  return {
    repositories: repository_count,
    measured: storage!.measured_repository_count,
    stored: storage!.stored_bytes_upper_bound,
    cost: storage!.monthly_cost_usd,
    leaving: storage!.leaving_monthly_cost_usd,
    saved: storage!.saved_monthly_cost_usd,
    neverPulled: storage!.never_pulled_monthly_cost_usd,
  };
}

/** What the audit is of says which of the two sums can be more than nothing. */
function isOfApplied(audit: Audit): boolean {
  return (audit.policies?.kind ?? "applied") === "applied";
}

function CostTiles({ sums, audit }: { sums: Sums; audit: Audit }) {
  const isApplied = isOfApplied(audit);
  const unmeasured = sums.repositories - sums.measured;
  return (
    <>
      <Tiles
        tiles={[
          ["Stored", bytes(sums.stored), "at most: layers are shared"],
          ["Costs in a month", dollars(sums.cost)],
          isApplied
            ? ["Goes within a day anyway", dollars(sums.leaving), "a month: the policy is applied"]
            : ["Saved by applying this", dollars(sums.saved), "a month, at most"],
          ["Kept and never pulled", dollars(sums.neverPulled), "a month: no policy takes it"],
        ]}
      />
      {unmeasured > 0 && (
        <p className="quiet">The images of {counted(unmeasured, "repository", "repositories")} were not measured and are not in the sums.</p>
      )}
    </>
  );
}

function Owners({ owners, isApplied, leftOut, onOwner }: { owners: Owner[]; isApplied: boolean; leftOut: number; onOwner: (key: string) => void }) {
  const [isLong, setIsLong] = useState(false);
  if (owners.length === 0) {
    return null;
  }
  const shown = isLong ? owners : owners.slice(0, FIRST);
  return (
    <>
      <h4>By owner</h4>
      <div className="wide" role="region" aria-label="By owner" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Owner</th>
              <NumberHeadings titles={["Repositories", "Stored", "A month", "Never pulled", isApplied ? "Goes anyway" : "Saved by applying"]} />
            </tr>
          </thead>
          <tbody>
            {shown.map(({ key, sums }) => (
              <tr key={key}>
                <th scope="row">
                  <LinkButton onClick={() => onOwner(key)}>{ownerName(key)}</LinkButton>
                </th>
                <td className="number">{count(sums.repositories)}</td>
                <td className="number">{sums.measured ? bytes(sums.stored) : "–"}</td>
                <td className="number">{sums.measured ? dollars(sums.cost) : "–"}</td>
                <td className="number">{sums.measured ? dollars(sums.neverPulled) : "–"}</td>
                <td className="number">{sums.measured ? dollars(isApplied ? sums.leaving : sums.saved) : "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {owners.length > shown.length && (
        <LinkButton onClick={() => setIsLong(true)}>Show all {count(owners.length)} owners</LinkButton>
      )}
      {leftOut > 0 && <p className="quiet">and {counted(leftOut, "more owner", "more owners")}, whom the result has no room for.</p>}
    </>
  );
}

function Wasteful({ repositories, audit, onChoose }: { repositories: AuditedRepository[]; audit: Audit; onChoose: (repository: AuditedRepository) => void }) {
  const [parameters, setParameters] = useParameters();
  const [length, setLength] = useState(FIRST);
  const isApplied = isOfApplied(audit);
  const sorted = useMemo(
    () =>
      repositories
        .filter((repository) => (repository.cost ?? null) !== null)
        .sort((one, other) => wasted(other) - wasted(one) || (other.cost ?? 0) - (one.cost ?? 0) || one.repository_name.localeCompare(other.repository_name)),
    [repositories],
  );
  const keys = (parameters.get(SELECTED) ?? "").split(",").filter(Boolean).map(decodeURIComponent);
  const selected = sorted.filter((repository) => keys.includes(repositoryKey(repository)));
  const toggle = (repository: AuditedRepository) => {
    const key = repositoryKey(repository);
    const next = keys.includes(key) ? keys.filter((other) => other !== key) : [...keys, key];
    setParameters({ [SELECTED]: next.map(encodeURIComponent).join(",") }, { replace: true });
  };
  if (sorted.length === 0) {
    return null;
  }
  return (
    <>
      <h4>Which repositories waste the most</h4>
      <p className="quiet">
        Wasted is what applying the candidate policy would save, and what is kept although ECR has recorded no pull. A name leads to its images, each with the reason why it stays. <Key colour={TILE}>the larger, the more wasted</Key>
      </p>
      <CostMap repositories={sorted} onChoose={onChoose} />
      <div className="wide" role="region" aria-label="Most wasteful repositories" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">
                <span className="unseen">Select</span>
              </th>
              <th scope="col">Repository</th>
              <th scope="col">Owner</th>
              <NumberHeadings titles={["Stored", "A month", "Never pulled", isApplied ? "Goes anyway" : "Saved by applying"]} />
            </tr>
          </thead>
          <tbody>
            {sorted.slice(0, length).map((repository) => (
              <tr key={repositoryKey(repository)}>
                <td>
                  <input
                    type="checkbox"
                    aria-label={`Select ${repository.repository_name}`}
                    checked={keys.includes(repositoryKey(repository))}
                    onChange={() => toggle(repository)}
                  />
                </td>
                <td>
                  <LinkButton onClick={() => onChoose(repository)}>{repository.repository_name}</LinkButton>
                  {repository.status === "without_policy" && <b> without a policy</b>}
                  <Place repository={repository} />
                </td>
                <td>{ownerName(ownerKey(repository.owner ?? null))}</td>
                <td className="number">{bytes(repository.stored_bytes ?? null)}</td>
                <td className="number">{dollars(repository.cost ?? null)}</td>
                <td className="number">{dollars(repository.never_pulled_cost ?? null)}</td>
                <td className="number">{dollars((isApplied ? repository.leaving_cost : repository.saved_cost) ?? null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sorted.length > length && (
        <LinkButton onClick={() => setLength(length + 50)}>Show more of {counted(sorted.length, "repository", "repositories")}</LinkButton>
      )}
      {selected.length > 0 && <Selection repositories={selected} audit={audit} onClear={() => setParameters({ [SELECTED]: "" })} />}
    </>
  );
}

function Selection({ repositories, audit, onClear }: { repositories: AuditedRepository[]; audit: Audit; onClear: () => void }) {
  const sums = sumsOf(repositories);
  return (
    <section className="note" aria-label="Selected repositories">
      <p role="status">
        {counted(sums.repositories, "repository", "repositories")} selected: {bytes(sums.stored)}, {dollars(sums.cost)} a month. The address of this page has the selection.
      </p>
      <div className="controls">
        <button className="button" type="button" onClick={() => download(repositories, audit)}>
          Download selected as CSV
        </button>
        <button className="button" type="button" onClick={onClear}>
          Clear the selection
        </button>
      </div>
      <p className="quiet">To preview a candidate policy for them, trigger an audit with this configuration and your rules:</p>
      <CopyAll label="configuration of a run" text={asForm(repositories)} />
    </section>
  );
}

const CSV_COLUMNS = {
  registry_id: "registry_id",
  region_name: "region_name",
  repository_name: "repository_name",
  owner: "owner",
  owner_tag: "owner_tag",
  stored_bytes_upper_bound: "stored_bytes",
  monthly_cost_usd: "cost",
  leaving_monthly_cost_usd: "leaving_cost",
  saved_monthly_cost_usd: "saved_cost",
  never_pulled_monthly_cost_usd: "never_pulled_cost",
} as const;

function download(repositories: AuditedRepository[], audit: Audit): void {
  const rows = repositories.map((repository) => [
    audit.audit_id,
    audit.audited_at,
    ...Object.values(CSV_COLUMNS).map((name) => repository[name] ?? null),
  ]);
  const head = ["audit_id", "audited_at", ...Object.keys(CSV_COLUMNS)];
  save(csvName("costs", audit.audit_id, audit.audited_at.slice(0, 10)), csvText([head, ...rows]));
}
