import type { ReactNode } from "react";

import { readRules, tabPath } from "../api";
import type { RepositoryRef, RuleSummary, TaskRef } from "../types";
import { useLoaded } from "../useLoaded";
import { lazily } from "../lazily";
import { Failure } from "./basics";
import { Rules } from "./Rules";

const Images = lazily(() => import("./Images").then((loaded) => loaded.Images), <div className="coming" />);

/** The rules of one repository and its images, by which each rule can be followed. */
export function PreviewDetails({
  task,
  repository,
  rules,
  text,
  instead,
}: {
  task: TaskRef;
  repository: RepositoryRef | null;
  rules: RuleSummary[];
  /** The policy, where it is known. */
  text: string | null;
  /** What to show with the reason where the image list cannot be read. */
  instead?: ReactNode;
}) {
  const loaded = useLoaded(tabPath(task) + JSON.stringify(repository), (signal) => readRules(task, repository, signal));
  const counts = loaded.value?.rules ?? null;
  return (
    <>
      <Rules rules={rules} counts={counts} text={text} />
      {loaded.state === "failed" ? (
        <>
          <h3>Images</h3>
          <Failure error={loaded.error} />
          {instead}
        </>
      ) : (
        <Images task={task} repository={repository} rules={rules} counts={counts} />
      )}
    </>
  );
}
