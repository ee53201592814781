import type { ColumnDef } from "@tanstack/react-table";
import { useMemo } from "react";

import { repositoryKey } from "../api";
import type { Cleanup, RepositoryCleanup } from "../changes";
import { bytes, count, minute, shortDigest } from "../format";
import { approvedBy, cleanupStory, repositories } from "../stories";
import type { Settings, TaskRef } from "../types";
import { useSearchedTable } from "../useSearchedTable";
import { useTableAddress } from "../useTableAddress";
import { Banner } from "./Banner";
import { named, NamedPlace, Tiles } from "./basics";
import { Blocking, Checks, Digests } from "./Checks";
import { Counts } from "./Counts";
import { DataTable, Pager, TableSearch } from "./DataTable";
import { PolicyText } from "./PolicyText";
import { savings } from "./PreviewTiles";
import { Rows } from "./Rows";

const STATUSES: Record<string, string> = {
  done: "done",
  nothing_to_do: "nothing to do",
  dry_run: "dry run",
  blocked: "blocked",
  incomplete: "not finished",
  stopped: "stopped",
};

/** What a clean-up did, or in a dry run would do, with every repository and every image. */
export function CleanupView({ cleanup, task, settings }: { cleanup: Cleanup; task: TaskRef; settings: Settings }) {
  const done = cleanup.action === "archive" ? "archived" : "deleted";
  const was = cleanup.dry_run ? `Images that would be ${done}` : `Images ${done}`;
  const sum = (of: (repository: RepositoryCleanup) => number) => cleanup.repositories.reduce((all, repository) => all + of(repository), 0);
  const unknown = sum((repository) => repository.unknown_image_count);
  const notAttempted = sum((repository) => repository.not_attempted_image_count);
  const isCut = cleanup.repositories_left_out > 0;
  return (
    <>
      <h2>Clean-up of {repositories(cleanup.repository_count)}</h2>
      <Banner story={cleanupStory(cleanup)} />
      <p className="quiet">
        {minute(cleanup.started_at)} to {minute(cleanup.finished_at)} · {approvedBy(cleanup.approval)}
      </p>
      <Tiles
        tiles={[
          [was, count(cleanup.touched_image_count), earlier(cleanup)],
          ["Bytes", bytes(cleanup.touched_bytes_upper_bound), "at most: layers are shared"],
          ...(cleanup.action === "delete" ? [savings(cleanup.touched_bytes_upper_bound, settings)] : []),
          ["Spared", count(cleanup.spared_image_count), "approved, and left alone for a reason"],
          ["Failed", count(cleanup.failed_image_count)],
          ["Not known", count(unknown), note(unknown, isCut, "the reply was lost")],
          ["Not attempted", count(notAttempted), note(notAttempted, isCut, "see what blocks, or the log")],
        ]}
      />
      {cleanup.cost !== null && <p className="quiet">{cleanup.cost}</p>}
      <Blocking
        checks={[
          ...cleanup.checks.map((check) => ({ of: "the whole run", check })),
          ...cleanup.repositories.flatMap((repository) => repository.checks.map((check) => ({ of: named(repository), check }))),
        ]}
      />
      <Repositories cleanup={cleanup} done={cleanup.dry_run ? `Would be ${done}` : capitalised(done)} />
      {isCut && (
        <p className="quiet">
          {repositories(cleanup.repositories_left_out)} had no room in the result
          {cleanup.results_uri === null ? "; give the task a results_path to see every image." : "; the list of images below has them."}
        </p>
      )}
      {cleanup.results_uri === null ? (
        <p className="quiet">
          The result names some of the images only. Give the task a results_path to keep the whole list of what became of every image.
        </p>
      ) : (
        <Rows task={task} title="Every image" kind="cleanup" instead={<p className="quiet">The result names some of the images, by repository above.</p>} />
      )}
      <Checks checks={cleanup.checks} title="Checks of the whole run" />
    </>
  );
}

function note(number: number, isCut: boolean, text: string): string | undefined {
  return isCut ? "of the repositories listed here" : number > 0 ? text : undefined;
}

function earlier(cleanup: Cleanup): string | undefined {
  const parts = [
    ...(cleanup.earlier_attempt_image_count ? [`${count(cleanup.earlier_attempt_image_count)} by earlier attempts`] : []),
    ...(cleanup.reply_lost_image_count ? [`${count(cleanup.reply_lost_image_count)} by a call whose reply was lost`] : []),
  ];
  return parts.length > 0 ? parts.join(", ") : undefined;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function Repositories({ cleanup, done }: { cleanup: Cleanup; done: string }) {
  const address = useTableAddress();
  const columns = useMemo<ColumnDef<RepositoryCleanup>[]>(
    () => [
      {
        id: "repository",
        accessorFn: named,
        header: "Repository",
        cell: ({ row }) => <NamedPlace repository={row.original} />,
      },
      { id: "status", accessorFn: ({ status }) => STATUSES[status] ?? status, header: "Status", meta: { short: true } },
      {
        accessorKey: "touched_image_count",
        header: done,
        meta: { number: true },
        cell: ({ row }) => (
          <>
            {count(row.original.touched_image_count)} <small className="quiet">of {count(row.original.approved_image_count)} approved</small>
          </>
        ),
      },
      {
        accessorKey: "touched_bytes_upper_bound",
        header: "Bytes at most",
        meta: { number: true },
        cell: ({ row }) => bytes(row.original.touched_bytes_upper_bound),
      },
      { id: "spared", header: "Spared", enableSorting: false, cell: ({ row }) => <Spared repository={row.original} /> },
      { id: "failed", header: "Failed or unknown", enableSorting: false, cell: ({ row }) => <Failed repository={row.original} /> },
      {
        id: "more",
        header: "Images and checks",
        enableSorting: false,
        cell: ({ row }) => (
          <>
            <Digests digests={row.original.image_digests} title={`Some of those: ${done.toLowerCase()}`} />
            <Policy repository={row.original} policies={cleanup.lifecycle_policies ?? {}} />
            <Checks checks={row.original.checks} title="Checks" />
          </>
        ),
      },
    ],
    [done, cleanup],
  );
  const table = useSearchedTable({ data: cleanup.repositories, columns, address, rowId: repositoryKey });
  return (
    <section>
      <h3>Repositories</h3>
      {cleanup.repositories.length > 1 && (
        <div className="controls">
          <TableSearch what="repositories" address={address} />
        </div>
      )}
      <DataTable table={table} label="Repositories" />
      {cleanup.repositories.length > 1 && <Pager table={table} what="repositories" />}
    </section>
  );
}

/** The policy that decides, with its difference to the applied one, where a dry run has both. */
function Policy({ repository, policies }: { repository: RepositoryCleanup; policies: Record<string, string> }) {
  const text = policies[repository.policy_fingerprint];
  const applied = repository.applied_policy_fingerprint;
  if (text === undefined) {
    return null;
  }
  return applied === repository.policy_fingerprint ? (
    <PolicyText text={text} title="The applied policy" />
  ) : applied === undefined ? (
    <PolicyText text={text} title="The policy" />
  ) : (
    <PolicyText text={text} before={applied === null ? null : (policies[applied] ?? null)} title="The candidate policy, and the applied one" />
  );
}

/** The spared images by reason, with an example of each and what lets it go. */
function Spared({ repository }: { repository: RepositoryCleanup }) {
  const examples = repository.spared_images ?? [];
  const mayBe = repository.may_be_refused_image_count ?? 0;
  return (
    <>
      <Counts counts={repository.spared} />
      {mayBe > 0 && <div className="quiet">{count(mayBe)} more, if a manifest list that stays names them</div>}
      {examples.length > 0 && (
        <details className="quiet">
          <summary>Why, and what lets them go</summary>
          {examples.map((image) => (
            <div key={image.image_digest}>
              <code title={image.image_digest}>{shortDigest(image.image_digest)}</code> {image.message}{" "}
              <div className="remedy">{image.remedy}</div>
            </div>
          ))}
        </details>
      )}
    </>
  );
}

function Failed({ repository }: { repository: RepositoryCleanup }) {
  return (
    <>
      <Counts counts={repository.failures} />
      {repository.unknown_image_count > 0 && <div>{count(repository.unknown_image_count)} not known</div>}
      {repository.not_attempted_image_count > 0 && <div>{count(repository.not_attempted_image_count)} not attempted</div>}
      {repository.gone_image_count > 0 && <div className="quiet">{count(repository.gone_image_count)} were gone before</div>}
      {repository.not_approved_image_count > 0 && (
        <div className="quiet">{count(repository.not_approved_image_count)} that were not approved were left alone</div>
      )}
      {repository.error !== null && (
        <div className="critical">
          {repository.error}: {repository.message}
        </div>
      )}
      {repository.failed_images.length > 0 && (
        <details className="quiet">
          <summary>Some of the images</summary>
          {repository.failed_images.map((image) => (
            <div key={image.image_digest}>
              <code title={image.image_digest}>{shortDigest(image.image_digest)}</code> {image.status} {image.code} {image.message}
            </div>
          ))}
        </details>
      )}
    </>
  );
}
