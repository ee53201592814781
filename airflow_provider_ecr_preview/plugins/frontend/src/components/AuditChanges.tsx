import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import { readRepositories, readResult, type Repositories, repositoryKey, taskKey } from "../api";
import { bySeverity } from "../findings";
import { bytes, count, counted, minute } from "../format";
import type { Audit, AuditedRepository, Marker } from "../types";
import { useLoaded } from "../useLoaded";
import { useSearchedTable } from "../useSearchedTable";
import { useTitle } from "../useTitle";
import { useTableAddress } from "../useTableAddress";
import { named, NamedPlace, Show, Tiles } from "./basics";
import { DataTable, Pager, TableSearch } from "./DataTable";

export interface Difference {
  repository: AuditedRepository;
  /** Not there where the audit does not have the repository. */
  before: AuditedRepository | undefined;
  after: AuditedRepository | undefined;
}

/** What two audits say of each repository where they differ, the largest difference of images first. */
export function differences(before: AuditedRepository[], after: AuditedRepository[]): Difference[] {
  const all = new Map([...before, ...after].map((repository) => [repositoryKey(repository), repository]));
  const old = new Map(before.map((repository) => [repositoryKey(repository), repository]));
  const now = new Map(after.map((repository) => [repositoryKey(repository), repository]));
  return [...all]
    .map(([key, repository]) => ({ repository, before: old.get(key), after: now.get(key) }))
    .filter(differs)
    .sort((one, other) => Math.abs(grown(other, images) ?? 0) - Math.abs(grown(one, images) ?? 0));
}

function differs({ before, after }: Difference): boolean {
  const hasPolicies = before?.policy_fingerprint != null && after?.policy_fingerprint != null;
  const said = (repository: AuditedRepository | undefined) =>
    repository &&
    JSON.stringify([
      repository.status,
      repository.expiring_image_count,
      repository.archiving_image_count,
      repository.expiring_bytes_upper_bound,
      hasPolicies && repository.policy_fingerprint,
      [...repository.findings].sort(),
    ]);
  return said(before) !== said(after);
}

type Figure = (repository: AuditedRepository) => number | null;

const images: Figure = (repository) => repository.expiring_image_count;
const size: Figure = (repository) => repository.expiring_bytes_upper_bound;

function of(repository: AuditedRepository | undefined, what: Figure): number | null {
  return repository ? what(repository) : null;
}

/** How many more there are; null where one of the two is not known, which is no zero. */
export function grown({ before, after }: Difference, what: Figure): number | null {
  const [then, now] = [known(before, what), known(after, what)];
  return then === null || now === null ? null : now - then;
}

/** A repository that is not there, or without a policy, loses nothing. */
function known(repository: AuditedRepository | undefined, what: Figure): number | null {
  return !repository || repository.status === "without_policy" ? 0 : what(repository);
}

/** What else is other than it was, in words. */
export function changesOf({ before, after }: Difference): string[] {
  if (!before) {
    return ["new in the later audit"];
  }
  if (!after) {
    return ["not in the later audit"];
  }
  const added = after.findings.filter((code) => !before.findings.includes(code)).sort(bySeverity);
  const gone = before.findings.filter((code) => !after.findings.includes(code)).sort(bySeverity);
  return [
    ...(before.status !== after.status ? [`${before.status}, then ${after.status}`.replaceAll("_", " ")] : []),
    ...(before.policy_fingerprint !== after.policy_fingerprint && before.policy_fingerprint && after.policy_fingerprint
      ? ["another policy"]
      : []),
    ...added.map((code) => `+ ${code}`),
    ...gone.map((code) => `− ${code}`),
  ];
}

const COLUMNS: ColumnDef<Difference>[] = [
  {
    id: "repository",
    accessorFn: ({ repository }) => named(repository),
    header: "Repository",
    cell: ({ row }) => <NamedPlace repository={row.original.repository} />,
  },
  ...columnsOf("images", "Would be deleted", images, count),
  ...columnsOf("bytes", "Bytes at most", size, bytes),
  {
    id: "changes",
    accessorFn: (difference) => changesOf(difference).join(", "),
    header: "What else",
    meta: { short: true },
    cell: ({ row }) => changesOf(row.original).map((change) => <div key={change}>{change}</div>),
  },
];

function columnsOf(id: string, title: string, what: Figure, shown: (value: number | null) => string): ColumnDef<Difference>[] {
  const cell = (repository: AuditedRepository | undefined) => {
    const value = of(repository, what);
    return value === null ? "–" : shown(value);
  };
  return [
    {
      id,
      accessorFn: ({ after }) => of(after, what) ?? undefined,
      header: title,
      meta: { number: true },
      sortUndefined: "last",
      cell: ({ row }) => `${cell(row.original.before)} → ${cell(row.original.after)}`,
    },
    {
      id: `${id}_grown`,
      accessorFn: (difference) => grown(difference, what) ?? undefined,
      header: `${title}, difference`,
      meta: { number: true },
      sortUndefined: "last",
      cell: ({ row }) => {
        const difference = grown(row.original, what);
        return difference === null ? "–" : signed(difference, shown);
      },
    },
  ];
}

function signed(value: number, shown: (value: number | null) => string): string {
  return value === 0 ? "0" : `${value > 0 ? "+" : "−"}${shown(Math.abs(value))}`;
}

/** Two audits, the earlier one before the later. */
export function AuditChanges({ one, other }: { one: Marker; other: Marker }) {
  const [earlier, later] = one.timestamp < other.timestamp ? [one, other] : [other, one];
  const loaded = useLoaded(`${taskKey(earlier)} ${taskKey(later)}`, (signal) =>
    Promise.all([readAudit(earlier, signal), readAudit(later, signal)]),
  );
  return (
    <Show loaded={loaded}>
      {([before, after]) =>
        before && after ? (
          <Differences before={before} after={after} />
        ) : (
          <p className="quiet">The result of one of these audits is not there any more.</p>
        )
      }
    </Show>
  );
}

interface WholeAudit extends Repositories {
  audit: Audit;
}

async function readAudit(marker: Marker, signal: AbortSignal): Promise<WholeAudit | null> {
  const result = await readResult(marker, null, signal);
  return result.kind === "audit"
    ? { audit: result.value, ...(await readRepositories(marker, result.value, signal)) }
    : null;
}

function Differences({ before, after }: { before: WholeAudit; after: WholeAudit }) {
  const isWhole = before.isWhole && after.isWhole;
  useTitle(`audits of ${minute(before.audit.audited_at)} and ${minute(after.audit.audited_at)} compared`, 1);
  const found = useMemo(() => {
    const all = differences(before.repositories, after.repositories);
    // A repository that one of them does not name may be there all the same.
    return isWhole ? all : all.filter((change) => change.before && change.after);
  }, [before, after, isWhole]);
  const address = useTableAddress();
  const table = useSearchedTable({
    data: found,
    columns: COLUMNS,
    address,
    rowId: ({ repository }) => repositoryKey(repository),
  });
  return (
    <section>
      <h2>
        {minute(before.audit.audited_at)} against {minute(after.audit.audited_at)}
      </h2>
      <Tiles
        tiles={[
          tile("Repositories", before, after, (audit) => audit.repository_count, count),
          tile("Images that would be deleted", before, after, (audit) => audit.expiring_image_count, count),
          tile("Images that would be archived", before, after, (audit) => audit.archiving_image_count, count),
          tile("Bytes at most", before, after, (audit) => audit.expiring_bytes_upper_bound, bytes),
        ]}
      />
      <p className="quiet">
        {found.length === 0
          ? "The two audits say the same of every repository."
          : `${counted(found.length, "repository differs", "repositories differ")}.`}
      </p>
      {!isWhole && (
        <p className="note">
          Only repositories that the results of both audits name are compared. Give the audits a reports_path, and the API
          server [ecr_preview] reports_path, to compare all of them.
        </p>
      )}
      {found.length > 0 && (
        <>
          <div className="controls">
            <TableSearch what="repositories and findings" address={address} />
          </div>
          <DataTable table={table} label="What differs" />
          <Pager table={table} what="repositories" />
        </>
      )}
    </section>
  );
}

function tile(
  label: string,
  before: WholeAudit,
  after: WholeAudit,
  what: (audit: Audit) => number | null,
  shown: (value: number | null) => string,
): [string, string, string] {
  const [then, now] = [what(before.audit), what(after.audit)];
  if (then === now) {
    return [label, shown(now), "as before"];
  }
  const difference = then === null || now === null ? "" : `, ${signed(now - then, shown)}`;
  return [label, shown(now), `${shown(then)} before${difference}`];
}
