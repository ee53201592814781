import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import { repositoryKey } from "../api";
import { bytes, count, counted, minute, shortDigest } from "../format";
import type { ComparedPolicy, Finding, PolicyComparisonResult, PolicyDifference, RepositoryRef, TaskRef } from "../types";
import { useParameters } from "../useParameters";
import { useSearchedTable } from "../useSearchedTable";
import { useTableAddress } from "../useTableAddress";
import { useTitle } from "../useTitle";
import { Badge, LinkButton, named, NamedPlace } from "./basics";
import { Copy } from "./Copy";
import { DataTable, Pager, TableSearch } from "./DataTable";
import { Rows, ROWS } from "./Rows";

const METHODS: Record<string, string> = {
  preview: "by ECR's preview",
  simulation: "a simulation over the images that were there, not a preview of ECR's",
  both: "by ECR's preview and by a simulation",
};

/** What candidate policies would do, compared with the applied one: over all repositories, and in each that differs. */
export function PolicyComparison({ comparison, task }: { comparison: PolicyComparisonResult; task: TaskRef }) {
  const [first, ...others] = comparison.policies;
  const title = `${[first, ...others].map((policy) => policy?.policy).join(" and ")} compared`;
  useTitle(title, 1);
  const listed = comparison.repositories.length;
  return (
    <>
      <h2>{title}</h2>
      <p className="quiet">
        {minute(comparison.compared_at)} · {METHODS[comparison.method] ?? comparison.method} · nothing was deleted, and no policy
        was applied
      </p>
      <p>
        {counted(comparison.repository_count, "repository", "repositories")},{" "}
        {count(comparison.differing_repository_count)} of which differ, {count(comparison.failed_count)} failed.
      </p>
      <Totals policies={comparison.policies} />
      <Repositories comparison={comparison} first={first?.policy ?? ""} />
      {comparison.differing_repository_count > listed && (
        <p className="quiet">The {count(listed)} that differ most are listed.</p>
      )}
      <Images comparison={comparison} task={task} />
      {comparison.failures.length > 0 && (
        <section>
          <h3>Could not be compared</h3>
          <ul>
            {comparison.failures.map((failure) => (
              <li key={repositoryKey(failure)}>
                {named(failure)}: {failure.message}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

/** Every image that the policies treat differently, where the task wrote them. */
function Images({ comparison, task }: { comparison: PolicyComparisonResult; task: TaskRef }) {
  if (comparison.results_uri) {
    return <Rows task={task} title="Images that the policies treat differently" kind="comparison" />;
  }
  return comparison.differing_repository_count === 0 ? null : (
    <p className="quiet">Give the task a results_path to see every image here, with tags, dates and sizes.</p>
  );
}

function Totals({ policies }: { policies: (PolicyDifference & { findings: Record<string, number> })[] }) {
  return (
    <div className="wide" role="region" aria-label="Policies" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Policy</th>
            {["Would be deleted", "Archived", "Bytes at most", "Newly affected", "No longer"].map((title, at) => (
              <th key={at} scope="col" className="number">
                {title}
              </th>
            ))}
            <th scope="col">Findings (repositories)</th>
          </tr>
        </thead>
        <tbody>
          {policies.map((policy) => (
            <tr key={policy.policy}>
              <th scope="row">{policy.policy}</th>
              <td className="number">{count(policy.expiring_image_count)}</td>
              <td className="number">{count(policy.archiving_image_count)}</td>
              <td className="number">{bytes(policy.expiring_bytes_upper_bound)}</td>
              <td className="number">
                {count(policy.newly_affected_image_count)}{" "}
                <small className="quiet">{bytes(policy.newly_affected_bytes_upper_bound)}</small>
              </td>
              <td className="number">{count(policy.no_longer_affected_image_count)}</td>
              <td>
                {Object.entries(policy.findings).map(([code, repositories]) => (
                  <div key={code}>
                    {code} ({count(repositories)})
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Row {
  repository: RepositoryRef;
  policy: ComparedPolicy;
  newFindings: Finding[];
}

/** A row for each repository and each policy but the first, which it is compared with. */
export function rowsOf(comparison: PolicyComparisonResult): Row[] {
  return comparison.repositories.flatMap((repository) => {
    const [first, ...others] = repository.policies;
    const known = new Set(first?.findings.map((finding) => finding.code));
    return others.map((policy) => ({
      repository,
      policy,
      newFindings: policy.findings.filter((finding) => !known.has(finding.code)),
    }));
  });
}

function Repositories({ comparison, first }: { comparison: PolicyComparisonResult; first: string }) {
  const address = useTableAddress([{ id: "newly", desc: true }]);
  const [, setParameters] = useParameters();
  const rows = useMemo(() => rowsOf(comparison), [comparison]);
  const isListed = Boolean(comparison.results_uri);
  const columns = useMemo<ColumnDef<Row>[]>(
    () => [
      {
        id: "repository",
        accessorFn: ({ repository }) => named(repository),
        header: "Repository",
        cell: ({ row }) => <NamedPlace repository={row.original.repository} />,
      },
      { id: "policy", accessorFn: ({ policy }) => policy.policy, header: "Policy" },
      number("newly", "Newly affected", (policy) => policy.newly_affected_image_count),
      number("bytes", "Bytes at most", (policy) => policy.newly_affected_bytes_upper_bound, bytes),
      number("no_longer", "No longer", (policy) => policy.no_longer_affected_image_count),
      number("changed", "Other action", (policy) => policy.action_changed_image_count),
      {
        id: "findings",
        accessorFn: ({ newFindings }) => newFindings.map((finding) => finding.code).join(" "),
        header: "New findings",
        cell: ({ row }) =>
          row.original.newFindings.map((finding) => (
            <details key={finding.code}>
              <summary>
                <Badge severity={finding.severity} /> <code>{finding.code}</code>
              </summary>
              {finding.message}
            </details>
          )),
      },
      {
        id: "images",
        header: isListed ? "Images" : "Some of the images",
        enableSorting: false,
        cell: ({ row }) =>
          !isListed ? (
            <Digests policy={row.original.policy} />
          ) : (
            <LinkButton
              onClick={() => setParameters({ [`${ROWS}search`]: row.original.repository.repository_name, [`${ROWS}page`]: "" })}
            >
              Show only these below
            </LinkButton>
          ),
      },
    ],
    [isListed, setParameters],
  );
  const table = useSearchedTable({
    data: rows,
    columns,
    address,
    rowId: ({ repository, policy }) => `${repositoryKey(repository)} ${policy.policy}`,
    columnVisibility: {
      policy: comparison.policies.length > 2,
      changed: rows.some(({ policy }) => policy.action_changed_image_count > 0),
    },
  });
  if (rows.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>Compared with {first}, by repository</h3>
      <div className="controls">
        <TableSearch what="repositories and findings" address={address} />
      </div>
      <DataTable table={table} label="Repositories" />
      <Pager table={table} what="rows" />
    </section>
  );
}

function number(
  id: string,
  header: string,
  of: (policy: ComparedPolicy) => number | null,
  format: (value: number | null) => string = count,
): ColumnDef<Row> {
  return { id, header, meta: { number: true }, accessorFn: ({ policy }) => of(policy), cell: ({ row }) => format(of(row.original.policy)) };
}

function Digests({ policy }: { policy: ComparedPolicy }) {
  const lists: [string, string[]][] = [
    ["Newly affected", policy.newly_affected_image_digests],
    ["No longer affected", policy.no_longer_affected_image_digests],
  ];
  return lists.map(
    ([title, digests]) =>
      digests.length > 0 && (
        <details key={title}>
          <summary>{title}</summary>
          {digests.map((digest) => (
            <div key={digest}>
              <Copy text={digest} shown={shortDigest(digest)} />
            </div>
          ))}
        </details>
      ),
  );
}
