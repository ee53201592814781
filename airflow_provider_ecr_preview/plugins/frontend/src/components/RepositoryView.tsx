import { repositoryKey } from "../api";
import { bySeverity, FINDINGS, severityOf } from "../findings";
import type { Audit, AuditedRepository, Settings, TaskRef } from "../types";
import { Badge, ConsoleLink, place } from "./basics";
import { rulesOf } from "../rules";
import { NextSteps } from "./NextSteps";
import { usePolicyText } from "./PolicyText";
import { PreviewDetails } from "./PreviewDetails";
import { PreviewTiles } from "./PreviewTiles";
import { Rules } from "./Rules";
import { SummaryView } from "./SummaryView";

/** One repository of an audit: its whole summary where the result of the audit holds it, and what is in the table where not. */
export function RepositoryView({
  repository,
  audit,
  task,
  settings,
}: {
  repository: AuditedRepository;
  audit: Audit;
  task: TaskRef;
  settings: Settings;
}) {
  const key = repositoryKey(repository);
  const summary = audit.summaries?.find((found) => repositoryKey(found) === key);
  const text = usePolicyText(task, audit, repository.policy_fingerprint ?? summary?.policy_fingerprint ?? null);
  if (summary) {
    return (
      <>
        <SummaryView summary={summary} repository={repository} task={task} settings={settings} text={text} />
        <NextSteps repositoryNames={[repository.repository_name]} policyText={audit.policies?.lifecycle_policy_text ?? null} />
      </>
    );
  }
  if (repository.status !== "previewed") {
    return (
      <>
        <h2>{repository.repository_name}</h2>
        <p className="quiet">
          {place(repository)} · <ConsoleLink repository={repository} />
        </p>
        <p className="note">
          {repository.status === "without_policy"
            ? "This repository has no lifecycle policy, so nothing would be deleted."
            : `This repository could not be previewed, so nothing is known of it. ${repository.message ?? ""}`}
        </p>
      </>
    );
  }
  return (
    <>
      <h2>{repository.repository_name}</h2>
      <p className="quiet">
        {place(repository)} · a preview deletes nothing: this is what the policy would do · <ConsoleLink repository={repository} />
      </p>
      <PreviewTiles counts={repository} settings={settings} />
      {repository.findings.length > 0 && (
        <>
          <h3>What to look at</h3>
          <ul className="findings">
            {[...repository.findings].sort(bySeverity).map((code) => (
              <li key={code}>
                <Badge severity={severityOf(code)} /> <code>{code}</code> {FINDINGS[code]?.whatToDo}
              </li>
            ))}
          </ul>
        </>
      )}
      {repository.images_uri === null ? (
        <>
          <Rules rules={rulesOf(text)} counts={null} text={text} />
          <p className="quiet">
            {audit.report_uri === null
              ? "Give the audit a reports_path to see its policy and every image here."
              : "The audit wrote no image lists (write_image_lists=False)."}
          </p>
        </>
      ) : (
        <PreviewDetails task={task} repository={repository} rules={rulesOf(text)} text={text} />
      )}
      <NextSteps repositoryNames={[repository.repository_name]} policyText={audit.policies?.lifecycle_policy_text ?? null} />
    </>
  );
}
