import { repositoryKey } from "../api";
import type { PolicyChange, RepositoryPolicy } from "../changes";
import { diffLines, policyLines } from "../diff";
import { count, minute } from "../format";
import { approvedBy, policyStory, repositories } from "../stories";
import type { TaskRef } from "../types";
import { Banner } from "./Banner";
import { ConsoleLink, named, place, Tiles } from "./basics";
import { Blocking, Checks } from "./Checks";
import { Copy } from "./Copy";
import { Lines } from "./PolicyText";

const STATUSES: Record<string, string> = {
  changed: "changed",
  unchanged: "had the wanted policy already",
  planned: "planned",
  blocked: "blocked",
  failed: "failed",
  unknown: "not known",
};

/** How many repositories are shown open. */
const OPEN = 3;

/** What became of lifecycle policies, each before and after, and how to take the change back. */
export function PolicyChangeView({ change, task }: { change: PolicyChange; task: TaskRef }) {
  return (
    <>
      <h2>{policyStory(change).step.replace(", dry run", "")} of {repositories(change.repository_count)}</h2>
      <Banner story={policyStory(change)} />
      <p className="quiet">
        {minute(change.started_at)} to {minute(change.finished_at)} · {approvedBy(change.approval)}
      </p>
      {change.message && <p className="note">{change.message}</p>}
      <Tiles
        tiles={Object.entries(change.statuses).map(([status, number]) => [
          `Repositories: ${change.dry_run && status === "planned" ? "would be changed" : (STATUSES[status] ?? status)}`,
          count(number),
        ])}
      />
      <Blocking
        checks={[
          ...change.checks.map((check) => ({ of: "the whole run", check })),
          ...change.repositories.flatMap((repository) => repository.checks.map((check) => ({ of: named(repository), check }))),
        ]}
      />
      {!change.dry_run && change.changed_repository_count > 0 && <WayBack change={change} task={task} />}
      <h3>Policies before and after</h3>
      {change.repositories.map((repository, at) => (
        <Policy key={repositoryKey(repository)} repository={repository} change={change} isOpen={at < OPEN} />
      ))}
      {change.repositories_left_out > 0 && (
        <p className="quiet">
          {repositories(change.repositories_left_out)} had no room in the result; {change.former_policies_uri ?? "the log"} has them.
        </p>
      )}
      <Checks checks={change.checks} title="Checks of the whole run" />
    </>
  );
}

function Policy({ repository, change, isOpen }: { repository: RepositoryPolicy; change: PolicyChange; isOpen: boolean }) {
  const planned = change.dry_run && repository.status === "planned";
  const status = planned ? "would be changed" : (STATUSES[repository.status] ?? repository.status);
  return (
    <details open={isOpen} className="policy">
      <summary>
        {repository.repository_name} <span className="badge">{status}</span>
      </summary>
      <p className="quiet">
        {place(repository)} · <ConsoleLink repository={repository} />
      </p>
      {repository.reason === "reply_lost" && (
        <p className="note">The reply to the call was lost. The policy is the wanted one now; someone else may have put it.</p>
      )}
      {repository.message && (
        <p className={repository.error ? "critical" : "quiet"}>
          {repository.error ? `${repository.error}: ` : ""}
          {repository.message}
        </p>
      )}
      <PolicyDiff repository={repository} policies={change.lifecycle_policies ?? {}} />
      {repository.restored_preview && (
        <p className="quiet">
          The restored policy would delete {count(repository.restored_preview.expiring_image_count)} images and archive{" "}
          {count(repository.restored_preview.archiving_image_count)}.
        </p>
      )}
      <Checks checks={repository.checks} title="Checks" />
    </details>
  );
}

/** What was there before and what is wanted, line by line, where the result has both. */
function PolicyDiff({ repository, policies }: { repository: RepositoryPolicy; policies: Record<string, string> }) {
  const before = repository.former_lifecycle_policy_text;
  const after = policies[repository.policy_fingerprint ?? ""] ?? null;
  const hadNone = repository.former_policy_fingerprint === null;
  const getsNone = repository.policy_fingerprint === null;
  if ((before === null && !hadNone) || (after === null && !getsNone)) {
    return (
      <>
        <p className="quiet">
          The policy {short(repository.former_policy_fingerprint)} is replaced by {short(repository.policy_fingerprint)}.
          {after === null && !getsNone && " The result does not hold the text of the wanted policy."}
        </p>
        {before !== null && (
          <>
            <p>Before:</p>
            <Lines lines={policyLines(before).map((text) => ({ kind: "same", text }))} label="Policy before" />
          </>
        )}
      </>
    );
  }
  return (
    <>
      {hadNone && <p className="quiet">There was no policy before.</p>}
      {getsNone && <p className="quiet">No policy is wanted: the one that was there is removed.</p>}
      <Lines lines={diffLines(policyLines(before), policyLines(after))} label="Policy before and after" />
    </>
  );
}

function WayBack({ change, task }: { change: PolicyChange; task: TaskRef }) {
  return (
    <p className="note">
      To take it back: give this task's output as <code>applied</code> to EcrRestoreLifecyclePolicyOperator, in a DAG of its own
      that a person triggers, such as the example ecr_restore_policies with this run's id: <Copy text={task.runId} />
      {change.former_policies_uri && (
        <>
          {" "}
          The former policies are kept at <code>{change.former_policies_uri}</code>.
        </>
      )}
    </p>
  );
}

function short(fingerprint: string | null): string {
  return fingerprint === null ? "none" : fingerprint.slice(0, 12);
}
