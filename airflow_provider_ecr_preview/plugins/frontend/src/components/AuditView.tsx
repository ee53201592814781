import { useCallback, useState } from "react";

import { readRepositories, runPath, tabPath } from "../api";
import { WHAT_TO_DO } from "../findings";
import { bytes, count, counted, minute, money, reportUrl } from "../format";
import type { Audit, AuditedRepository, Changes, RepositoryRef, Settings, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { Badge, ConsoleLink, HostLink, place, Show, Tiles } from "./basics";
import { PreviewDetails } from "./PreviewDetails";
import { Repositories } from "./Repositories";

export function AuditView({ audit, task, settings }: { audit: Audit; task: TaskRef; settings: Settings }) {
  const [chosen, setChosen] = useState<AuditedRepository | null>(null);
  const choose = useCallback((repository: AuditedRepository) => setChosen(repository), []);
  const repositories = useLoaded(`${tabPath(task)} repositories`, (signal) => readRepositories(task, audit, signal));
  if (chosen !== null) {
    return (
      <>
        <button className="button" type="button" onClick={() => setChosen(null)}>
          Back to the audit
        </button>
        <h2>{chosen.repository_name}</h2>
        <p className="quiet">
          {place(chosen)} · <ConsoleLink repository={chosen} />
        </p>
        <PreviewDetails task={task} repository={chosen} rules={[]} />
      </>
    );
  }
  const size = audit.expiring_bytes_upper_bound;
  return (
    <>
      <h2>Audit of {minute(audit.audited_at)}</h2>
      <p className="quiet">
        {audit.audit_id} · nothing was deleted: this is what the policies would do now ·{" "}
        <HostLink to={tabPath(task)}>the task</HostLink> · <HostLink to={runPath(task)}>the run</HostLink>
        <Report uri={audit.report_uri} />
      </p>
      {audit.missing_part_count > 0 && (
        <p className="note warning">
          {counted(audit.missing_part_count, "part of the audit is", "parts of the audit are")} missing; nothing is known of
          the repositories there.
        </p>
      )}
      <Tiles
        tiles={[
          [
            "Repositories",
            count(audit.repository_count),
            `${count(audit.without_policy_count)} without a policy, ${count(audit.failed_count)} failed`,
          ],
          [
            "Images that would be deleted",
            count(audit.expiring_image_count),
            audit.total_image_count === null ? undefined : `of ${count(audit.total_image_count)}`,
          ],
          ["Images that would be archived", count(audit.archiving_image_count), "archiving saves nothing by itself"],
          ["Bytes", bytes(size ?? audit.expiring_bytes_upper_bound_known), size === null ? "known of; not all are" : "at most: layers are shared"],
          [
            "Storage costs",
            money(size, settings.price_per_gb_month),
            `a month at most, at $${settings.price_per_gb_month} per GB`,
          ],
        ]}
      />
      <h3>What to look at</h3>
      {audit.findings.length === 0 && <p className="quiet">Nothing was found that a person should look at.</p>}
      <ul className="findings">
        {audit.findings.map((finding) => (
          <li key={finding.severity + finding.code}>
            <Badge severity={finding.severity} /> <code>{finding.code}</code> in{" "}
            {counted(finding.repository_count, "repository", "repositories")}. {WHAT_TO_DO[finding.code]}
            <div className="quiet">For example {finding.repositories.slice(0, 3).map(named).join(", ")}</div>
          </li>
        ))}
      </ul>
      {audit.changes !== null && <WhatChanged changes={audit.changes} />}
      <Show loaded={repositories}>{(value) => <Repositories repositories={value} onChoose={choose} />}</Show>
      <References title="Could not be previewed" repositories={audit.failures} />
      <References title="Without a lifecycle policy" repositories={audit.without_policy} />
    </>
  );
}

function Report({ uri }: { uri: string | null }) {
  const url = reportUrl(uri);
  if (url !== null) {
    return (
      <>
        {" · "}
        <a href={url} target="_blank" rel="noreferrer">
          the report
        </a>
      </>
    );
  }
  return uri === null ? null : (
    <>
      {" · the report: "}
      <code>{uri}</code>
    </>
  );
}

function WhatChanged({ changes }: { changes: Changes }) {
  return (
    <section>
      <h3>Since the previous audit</h3>
      {changes.compared_count > 0 && (
        <p>
          {count(changes.newly_affected_image_count)} more images would go, {count(changes.no_longer_affected_image_count)} no
          longer; {count(changes.policy_changed_count)} policies changed.
        </p>
      )}
      <ul>
        {changes.alarms.map((alarm) => (
          <li key={named(alarm)} className="critical">
            {named(alarm)}: {alarm.alarm}
          </li>
        ))}
        {changes.notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </section>
  );
}

function References({ title, repositories }: { title: string; repositories: (RepositoryRef & { message?: string | null })[] }) {
  if (repositories.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{title}</h3>
      <ul>
        {repositories.map((repository) => (
          <li key={named(repository)}>
            {named(repository)} <ConsoleLink repository={repository} />
            {repository.message ? `: ${repository.message}` : ""}
          </li>
        ))}
      </ul>
    </section>
  );
}

function named(repository: RepositoryRef): string {
  return `${repository.repository_name} (${place(repository)})`;
}
