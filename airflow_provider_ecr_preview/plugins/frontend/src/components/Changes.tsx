import { useState } from "react";

import { repositoryKey } from "../api";
import { count, counted, minute } from "../format";
import type { Baseline, ChangedRepository, Changes as ChangesOfAudit, RepositoryRef } from "../types";
import { LinkButton, named, place, Place } from "./basics";

const MAX_AT_FIRST = 5;

/** What an audit found to be other than the audit before it. */
export function Changes({ changes, onChoose }: { changes: ChangesOfAudit; onChoose: (repository: RepositoryRef) => void }) {
  return (
    <section>
      <h3>Since the previous audit</h3>
      <Baselines baselines={changes.baselines ?? []} />
      {changes.compared_count > 0 && (
        <p>
          {count(changes.newly_affected_image_count)} more images would go, {count(changes.no_longer_affected_image_count)} no
          longer; {counted(changes.policy_changed_count, "policy", "policies")} changed,{" "}
          {counted(changes.appeared_count, "repository", "repositories")} appeared
          {changes.disappeared_count !== null && `, ${count(changes.disappeared_count)} disappeared`}.
          {changes.counts_only_count > 0 &&
            ` Of ${counted(changes.counts_only_count, "repository", "repositories")} only the numbers could be compared.`}
        </p>
      )}
      {(changes.alarms.length > 0 || changes.notes.length > 0) && (
        <ul>
          {changes.alarms.map((alarm) => (
            <li key={repositoryKey(alarm)} className="critical">
              {named(alarm)}: {alarm.alarm}
            </li>
          ))}
          {changes.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {changes.top.length > 0 && <Changed repositories={changes.top} onChoose={onChoose} />}
      <Names title="Appeared" repositories={changes.appeared ?? []} total={changes.appeared_count} />
      <Names title="Disappeared" repositories={changes.disappeared} total={changes.disappeared_count} />
    </section>
  );
}

function Names({ title, repositories, total }: { title: string; repositories: RepositoryRef[]; total: number | null }) {
  const more = (total ?? 0) - repositories.length;
  return repositories.length === 0 ? null : (
    <p>
      {title}: {repositories.map(named).join(", ")}
      {more > 0 && ` and ${count(more)} more`}.
    </p>
  );
}

/** Which audit is the previous one, of each registry and Region where these differ. */
function Baselines({ baselines }: { baselines: Baseline[] }) {
  const of = new Map<string, Baseline[]>();
  for (const baseline of baselines) {
    const text =
      baseline.audit_id === null
        ? `nothing: ${baseline.error ? `the previous audit could not be read (${baseline.error})` : "there is no earlier audit"}`
        : `${baseline.audit_id}${baseline.audited_at ? `, ${minute(baseline.audited_at)}` : ""}`;
    of.set(text, [...(of.get(text) ?? []), baseline]);
  }
  return [...of].map(([text, some]) => (
    <p key={text} className="quiet">
      Compared with {text}
      {of.size > 1 && ` (${some.map(place).join("; ")})`}.
    </p>
  ));
}

function Changed({
  repositories,
  onChoose,
}: {
  repositories: ChangedRepository[];
  onChoose: (repository: RepositoryRef) => void;
}) {
  const [isWhole, setWhole] = useState(false);
  const shown = isWhole ? repositories : repositories.slice(0, MAX_AT_FIRST);
  return (
    <>
      <div className="wide" role="region" aria-label="What changed" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Repository</th>
              <th scope="col" className="number">
                Affected before
              </th>
              <th scope="col" className="number">
                Now
              </th>
              <th scope="col" className="number">
                Newly
              </th>
              <th scope="col" className="number">
                No longer
              </th>
              <th scope="col">Policy</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((repository) => (
              <tr key={repositoryKey(repository)}>
                <td>
                  <LinkButton onClick={() => onChoose(repository)}>{repository.repository_name}</LinkButton>
                  <Place repository={repository} />
                </td>
                <td className="number">{count(repository.affected_image_count_before)}</td>
                <td className="number">{count(repository.affected_image_count)}</td>
                <td className="number">{count(repository.newly_affected_image_count)}</td>
                <td className="number">{count(repository.no_longer_affected_image_count)}</td>
                <td>{repository.policy_changed ? "changed" : ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < repositories.length && (
        <p>
          <LinkButton onClick={() => setWhole(true)}>Show all {count(repositories.length)} that changed most</LinkButton>
        </p>
      )}
    </>
  );
}
