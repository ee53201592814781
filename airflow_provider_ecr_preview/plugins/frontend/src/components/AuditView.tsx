import { type ReactNode, useCallback, useLayoutEffect, useRef } from "react";

import { ownReportUrl, readRepositories, repositoryKey, runPath, tabPath, taskKey } from "../api";
import { TrendOverTime } from "../charts/lazy";
import { FINDINGS } from "../findings";
import { bytes, count, counted, minute, reportUrl } from "../format";
import type { Audit, FindingCount, RepositoryRef, Settings, TaskRef } from "../types";
import { IMAGE_FILTERS, IMAGES } from "../imageAddress";
import { useLoaded } from "../useLoaded";
import { useParameters } from "../useParameters";
import { useTableAddress, withoutTable } from "../useTableAddress";
import { useTitle } from "../useTitle";
import { Badge, ConsoleLink, HostLink, LinkButton, named, place, Show, Tiles } from "./basics";
import { Acknowledged } from "./Acknowledged";
import { Changes } from "./Changes";
import { Costs, ofOwner } from "./Costs";
import { atMost, savings } from "./PreviewTiles";
import { Registries } from "./Registries";
import { FindImages } from "./FindImages";
import { LARGEST_FIRST, Repositories } from "./Repositories";
import { PolicyText } from "./PolicyText";
import { RepositoryView } from "./RepositoryView";

/** An audit, or the one of its repositories that the address names. */
export function AuditView({
  audit,
  task,
  settings,
  isOneOfMany,
}: {
  audit: Audit;
  task: TaskRef;
  settings: Settings;
  /** Whether the address of the page has to say which audit a repository is of. */
  isOneOfMany: boolean;
}) {
  const [parameters, setParameters] = useParameters();
  const address = useTableAddress(LARGEST_FIRST);
  const list = useRef<HTMLDivElement>(null);
  const repositories = useLoaded(`${tabPath(task)} repositories`, (signal) => readRepositories(task, audit, signal));
  const choose = useCallback(
    (repository: RepositoryRef) =>
      setParameters({ ...(isOneOfMany ? { audit: taskKey(task) } : {}), repository: repositoryKey(repository) }),
    [setParameters, isOneOfMany, taskKey(task)],
  );
  const chooseImage = (repository: RepositoryRef, search: string) =>
    setParameters({
      ...(isOneOfMany ? { audit: taskKey(task) } : {}),
      repository: repositoryKey(repository),
      [`${IMAGES}search`]: search,
      [`${IMAGES}action`]: "ANY",
    });
  const wanted = parameters.get("repository");
  const title = `audit of ${minute(audit.audited_at)}`;
  useTitle(wanted === null ? `${title}, ${audit.audit_id}` : `${wanted.split("/").slice(2).join("/")}, ${title}`, 1);
  const look = (text: string) => {
    setParameters({ ...withoutTable("", "show"), search: text });
    list.current?.scrollIntoView({ block: "start" });
  };
  return (
    <>
      {wanted !== null && (
        <ChosenRepository key={wanted} onBack={() => setParameters({ repository: "", ...withoutTable(IMAGES, ...IMAGE_FILTERS) })}>
          <Show loaded={repositories} room="40rem">
            {({ repositories: all }) => {
              const chosen = all.find((repository) => repositoryKey(repository) === wanted);
              return chosen ? (
                <RepositoryView repository={chosen} audit={audit} task={task} settings={settings} />
              ) : (
                <p className="note">The repository that the address of this page names is not part of this audit, or the audit has no room for its name.</p>
              );
            }}
          </Show>
        </ChosenRepository>
      )}
      {/* Kept, so that whoever comes back finds the list as it was left. */}
      <div hidden={wanted !== null}>
        <h2>Audit of {minute(audit.audited_at)}</h2>
        <p className="quiet">
          {audit.audit_id} · an audit deletes nothing: this is what the policies would do ·{" "}
          <HostLink to={tabPath(task)}>the task</HostLink> · <HostLink to={runPath(task)}>the run</HostLink>
          <Report uri={audit.report_uri} task={task} isServed={settings.image_lists} />
        </p>
        <Kind audit={audit} />
        {audit.missing_part_count > 0 && (
          <p className="note warning">
            {counted(audit.missing_part_count, "part of the audit is", "parts of the audit are")} missing, so nothing is known of the
            repositories in it. Run the failed tasks of the run again.
          </p>
        )}
        {audit.repository_count === 0 && (
          <p className="note warning">
            This audit is of no repository, so it says nothing about the registry. Look at include, exclude and tags of the task that
            lists the repositories, and at its Region.
          </p>
        )}
        <AuditTiles audit={audit} settings={settings} />
        <h3>What to look at</h3>
        {audit.findings.length === 0 && <p className="quiet">There are no findings.</p>}
        <ul className="findings">
          {audit.findings.map((finding) => (
            <FindingItem key={finding.severity + finding.code} finding={finding} onChoose={choose} onSearch={look} />
          ))}
        </ul>
        <Acknowledged entries={audit.acknowledgements ?? []} leftOut={audit.acknowledgements_left_out ?? 0} />
        {(audit.storage !== undefined || audit.owners !== undefined) && (
          <Show loaded={repositories} room="60rem">
            {({ repositories: all, isWhole }) => <Costs repositories={all} isWhole={isWhole} audit={audit} onChoose={choose} />}
          </Show>
        )}
        {audit.trend_uri !== undefined && settings.image_lists && <TrendOverTime task={task} audit={audit} />}
        {audit.changes !== null && <Changes changes={audit.changes} onChoose={choose} />}
        <Registries registries={audit.registries} leftOut={audit.registries_left_out} />
        {audit.report_uri !== null && settings.image_lists && <FindImages task={task} onChoose={chooseImage} />}
        <div ref={list}>
          <Show loaded={repositories} room="40rem">
            {({ repositories: all, isWhole }) => (
              <Repositories repositories={ofOwner(all, parameters.get("owner"))} isWhole={isWhole} audit={audit} address={address} onChoose={choose} />
            )}
          </Show>
        </div>
        <References title="Could not be previewed" total={audit.failed_count} repositories={audit.failures} />
        <References title="Without a lifecycle policy" total={audit.without_policy_count} repositories={audit.without_policy} />
      </div>
    </>
  );
}

/** What the audit is of, where that is not the applied policies: a what-if is no state of the registry. */
function Kind({ audit }: { audit: Audit }) {
  const { kind, lifecycle_policy_text: text, name = null } = audit.policies ?? { kind: "applied", lifecycle_policy_text: null };
  return (
    <>
      {kind !== "applied" && (
        <p className="banner dry" role="note" aria-label="WHAT-IF">
          <strong>WHAT-IF</strong>{" "}
          {kind === "candidate"
            ? `This audit previews a candidate policy${name === null ? "" : ` (${name})`}, which is not applied by it.`
            : "Some parts of this audit preview a candidate policy, and others the applied ones."}
        </p>
      )}
      {audit.selection && audit.selection !== "*" && <p className="quiet">Repositories: {audit.selection}</p>}
      {text !== null && (
        <PolicyText text={text} title="The candidate policy" />
      )}
    </>
  );
}

/** What is shown in place of the list, from its top on, and the way back to where the list was. */
function ChosenRepository({ onBack, children }: { onBack: () => void; children: ReactNode }) {
  const back = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    const page = back.current?.closest(".ecrp");
    const before = page?.scrollTop ?? 0;
    page?.scrollTo({ top: 0 });
    back.current?.focus({ preventScroll: true });
    return () => page?.scrollTo({ top: before });
  }, []);
  return (
    <>
      <button ref={back} className="button back" type="button" onClick={onBack}>
        Back to the audit
      </button>
      {children}
    </>
  );
}

function AuditTiles({ audit, settings }: { audit: Audit; settings: Settings }) {
  const { expiring_bytes_upper_bound: size, total_image_count: total } = audit;
  return (
    <Tiles
      tiles={[
        [
          "Repositories",
          count(audit.repository_count),
          `${count(audit.without_policy_count)} without a policy, ${count(audit.failed_count)} failed`,
        ],
        ["Images that would be deleted", count(audit.expiring_image_count), total === null ? undefined : `of ${count(total)}`],
        ["Images that would be archived", count(audit.archiving_image_count), "archiving saves nothing by itself"],
        ["Bytes", bytes(size ?? audit.expiring_bytes_upper_bound_known), size === null ? "of the repositories whose sizes are known" : atMost(audit.expiring_bytes_exact)],
        savings(size, settings, audit.expiring_bytes_upper_bound_known),
      ]}
    />
  );
}

function FindingItem({
  finding,
  onChoose,
  onSearch,
}: {
  finding: FindingCount;
  onChoose: (repository: RepositoryRef) => void;
  onSearch: (text: string) => void;
}) {
  return (
    <li>
      <Badge severity={finding.severity} /> <code>{finding.code}</code> in{" "}
      <span className="place">
        <LinkButton onClick={() => onSearch(finding.code)}>
          {counted(finding.repository_count, "repository", "repositories")}
        </LinkButton>
        .
      </span>{" "}
      {FINDINGS[finding.code]?.whatToDo}
      {finding.repositories.length > 0 && (
        <div className="quiet">
          For example{" "}
          {finding.repositories.slice(0, 3).map((repository, at) => (
            <span key={repositoryKey(repository)}>
              {at > 0 && ", "}
              <LinkButton onClick={() => onChoose(repository)}>{repository.repository_name}</LinkButton> ({place(repository)})
            </span>
          ))}
        </div>
      )}
    </li>
  );
}

function Report({ uri, task, isServed }: { uri: string | null; task: TaskRef; isServed: boolean }) {
  const url = uri !== null && isServed ? ownReportUrl(task) : reportUrl(uri);
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

function References({
  title,
  total,
  repositories,
}: {
  title: string;
  total: number;
  repositories: (RepositoryRef & { message?: string | null })[];
}) {
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
      {total > repositories.length && (
        <p className="quiet">
          These are the first {count(repositories.length)} of {count(total)}; the table above has the others where it has all
          repositories.
        </p>
      )}
    </section>
  );
}
