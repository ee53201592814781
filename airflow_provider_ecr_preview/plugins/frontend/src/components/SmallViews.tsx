import { ownReportUrl, repositoryKey } from "../api";
import type { Approval, Readiness, RepositoryNames, StartedPreview } from "../changes";
import { count, counted, minute } from "../format";
import { approvalStory, isTooLate, nameCount, repositories } from "../stories";
import type { TaskRef } from "../types";
import { Banner } from "./Banner";
import { ConsoleLink, named, place } from "./basics";
import { Verdict } from "./Checks";
import { Copy } from "./Copy";
import { countsText } from "./Counts";
import { Rows } from "./Rows";

const SHOWN_NAMES = 1_000;

/** A preview that was started, or has ended. */
export function StartedView({ started }: { started: StartedPreview }) {
  return (
    <>
      <h2>Preview of {started.repository_name}</h2>
      <p className="quiet">
        {place(started)} · status {started.status} · policy <code>{started.policy_fingerprint.slice(0, 12)}</code> ·{" "}
        <ConsoleLink repository={started} />
      </p>
      <p>
        This task deleted nothing: it starts a preview or waits for one. The task that summarises it shows what the policy would do.
      </p>
    </>
  );
}

/** A result that an XCom backend has put on object storage, of which Airflow's API hands out the address alone. */
export function ElsewhereView({ address }: { address: string }) {
  return (
    <p className="note">
      The result of this task is on object storage, at <code>{address}</code>, and Airflow's API returns its address alone. To see
      it here, set [common.io] xcom_objectstorage_path on the API server as on the workers; or, for another XCom backend, leave
      results of up to 48 KiB in Airflow's database (with Airflow's own backend, xcom_objectstorage_threshold = 65536).
    </p>
  );
}

/** The repositories that were selected. */
export function NamesView({ names }: { names: RepositoryNames }) {
  const total = nameCount(names.batches);
  return (
    <>
      <h2>{repositories(total)} selected</h2>
      {total === 0 && <p className="note">Nothing was selected. Look at include, exclude and tags of the task, and at its Region.</p>}
      {names.batches.map((batch, at) => (
        <details key={at} open={names.batches.length === 1}>
          <summary>
            {[names.batches.length > 1 ? `Batch ${at + 1}` : "Names", batch.region_name].filter(Boolean).join(", ")} (
            {count(batch.repository_names.length)})
          </summary>
          <ul>
            {batch.repository_names.slice(0, SHOWN_NAMES).map((name) => (
              <li key={name}>{name}</li>
            ))}
          </ul>
          {batch.repository_names.length > SHOWN_NAMES && (
            <p className="quiet">and {count(batch.repository_names.length - SHOWN_NAMES)} more; the XCom of the task has them.</p>
          )}
        </details>
      ))}
    </>
  );
}

/** Whether clean-ups could run: what every check says. */
export function ReadinessView({ readiness, task }: { readiness: Readiness; task: TaskRef }) {
  return (
    <>
      <h2>Checks of {repositories(readiness.repository_count)}, without a clean-up</h2>
      <p className="banner dry" role="note" aria-label="CHECKS ONLY">
        <strong>CHECKS ONLY</strong> Nothing was changed. {count(readiness.ready_repository_count)} of{" "}
        {repositories(readiness.repository_count)} pass every check that can be made without a fresh preview.
      </p>
      <p className="quiet">Checked {minute(readiness.checked_at)}</p>
      <div className="wide" role="region" aria-label="Checks" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Check</th>
              <th scope="col">Repositories</th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(readiness.verdicts).map(([code, verdicts]) => (
              <tr key={code}>
                <th scope="row">
                  <code>{code}</code>
                </th>
                <td>{countsText(verdicts)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <h3>By repository</h3>
      {readiness.results_uri !== null ? (
        <Rows task={task} title="Every check" kind="readiness" instead={<ReadinessRows readiness={readiness} />} />
      ) : (
        <ReadinessRows readiness={readiness} />
      )}
    </>
  );
}

function ReadinessRows({ readiness }: { readiness: Readiness }) {
  return (
    <>
      <ul className="findings">
        {readiness.rows
          .filter((row) => !["passed", "off"].includes(row.verdict))
          .map((row, at) => (
            <li key={at}>
              <Verdict verdict={row.verdict} /> <code>{row.code}</code>{" "}
              {row.repository_name === null ? "the whole run" : named({ ...row, repository_name: row.repository_name })}: {row.message}
              {row.remedy && <div className="remedy">To fix this: {row.remedy}</div>}
            </li>
          ))}
      </ul>
      {readiness.rows_left_out > 0 && (
        <p className="quiet">{counted(readiness.rows_left_out, "answer", "answers")} had no room in the result.</p>
      )}
    </>
  );
}

/** What a person was asked, and what the answer binds. */
export function ApprovalView({ approval, task }: { approval: Approval; task: TaskRef }) {
  return (
    <>
      <h2>Approval of {repositories(approval.repository_count)}</h2>
      <Banner story={approvalStory(approval)} />
      {isTooLate(approval) && (
        <p className="note warning">
          The answer came after {minute(approval.answer_by ?? "")}. The previews were more than a day old by then, so a task with the
          default max_preview_age is blocked and changes nothing. To ask again, clear the task that previews, with all tasks
          downstream; or raise max_preview_age of the task that acts.
        </p>
      )}
      {approval.digest !== "" && (
        <p>
          The answer holds for this digest, which covers every policy, image and tag that was shown:{" "}
          <Copy text={approval.digest} shown={approval.digest.slice(0, 12)} />
        </p>
      )}
      {approval.question_uri && (
        <p>
          <a href={ownReportUrl(task)} target="_blank" rel="noreferrer">
            The question{approval.chosen_options && " and the answer"}, as kept
          </a>
        </p>
      )}
      {approval.repositories !== null ? (
        <ul>
          {approval.repositories.slice(0, SHOWN_NAMES).map((repository) => (
            <li key={repositoryKey(repository)}>
              {named(repository)}, previewed {minute(repository.previewed_at)}
            </li>
          ))}
        </ul>
      ) : approval.repositories_uri !== null ? (
        <Rows task={task} title="Approved repositories" kind="approval" />
      ) : null}
    </>
  );
}
