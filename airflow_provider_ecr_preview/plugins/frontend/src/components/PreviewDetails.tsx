import { readRules, tabPath } from "../api";
import type { RepositoryRef, RuleSummary, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { Images } from "./Images";
import { RuleCountList, Rules } from "./Rules";

/** The rules of one repository and its images, by which each rule can be followed. */
export function PreviewDetails({
  task,
  repository,
  rules,
}: {
  task: TaskRef;
  repository: RepositoryRef | null;
  rules: RuleSummary[];
}) {
  const loaded = useLoaded(tabPath(task) + JSON.stringify(repository), (signal) => readRules(task, repository, signal));
  const counts = loaded.value?.rules ?? null;
  return (
    <>
      {rules.length > 0 ? <Rules rules={rules} counts={counts} /> : counts && <RuleCountList counts={counts} />}
      <Images task={task} repository={repository} rules={rules} counts={counts} />
    </>
  );
}
