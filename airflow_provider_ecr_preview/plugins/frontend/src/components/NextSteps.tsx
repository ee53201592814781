import { useState } from "react";

import { readDags } from "../api";
import { useLoaded } from "../useLoaded";
import { HostLink, Show } from "./basics";
import { CopyAll } from "./Copy";

/** The examples that do it, by what their names hold; a DAG made after one of them keeps its name, as a rule. */
const STEPS = {
  compare: { title: "Compare a candidate policy", dag: "compare_policies" },
  approve: { title: "Send the clean-up for approval, as a dry run", dag: "clean_up_approved" },
  apply: { title: "Send this policy for approval, as a dry run", dag: "put_policy_approved" },
};

/** Which DAG goes on from here, and with which parameters. The page itself changes nothing. */
export function NextSteps({ repositoryNames, policyText }: { repositoryNames: string[]; policyText: string | null }) {
  const [isOpen, setOpen] = useState(false);
  const policy = parsed(policyText);
  const names = { repository_names: repositoryNames, dry_run: true };
  const steps = [
    { ...STEPS.compare, parameters: { include: repositoryNames.join(", "), ...(policy === null ? {} : { lifecycle_policy: policy }) } },
    ...(policy === null ? [{ ...STEPS.approve, parameters: names }] : [{ ...STEPS.apply, parameters: { ...names, lifecycle_policy: policy } }]),
  ];
  return (
    <details className="policy" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What next: compare a policy, or send it for approval</summary>
      {isOpen && <Steps steps={steps} />}
    </details>
  );
}

function Steps({ steps }: { steps: { title: string; dag: string; parameters: object }[] }) {
  const loaded = useLoaded("dags", readDags);
  return (
    <>
      <p className="quiet">Airflow has no address that fills in the form of a DAG: copy the parameters, open the DAG, press Trigger, and paste them under Advanced Options as configuration JSON.</p>
      {steps.map(({ title, dag, parameters }) => (
        <section key={title}>
          <h3>{title}</h3>
          <Show loaded={loaded}>
            {(dagIds) => {
              const fitting = dagIds.filter((dagId) => dagId.includes(dag));
              return fitting.length > 0 ? (
                <ul>
                  {fitting.map((dagId) => (
                    <li key={dagId}>
                      <HostLink to={`/dags/${encodeURIComponent(dagId)}`}>{dagId}</HostLink>
                    </li>
                  ))}
                </ul>
              ) : (
                <p className="quiet">
                  No DAG with the tag “ecr” that you may see has “{dag}” in its name. The example ecr_{dag} of this package does it.
                </p>
              );
            }}
          </Show>
          <CopyAll label={`Parameters: ${title}`} text={JSON.stringify(parameters, null, 2)} />
        </section>
      ))}
    </>
  );
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
