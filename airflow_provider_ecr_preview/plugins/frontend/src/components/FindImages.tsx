import { useEffect, useState } from "react";

import { ApiError, type FoundImages, readFoundImages, repositoryKey, taskKey } from "../api";
import { bytes, count, counted, day, shortDigest, UNKNOWN } from "../format";
import type { RepositoryRef, TaskRef } from "../types";
import { useParameters } from "../useParameters";
import { useTyped } from "../useTyped";
import { Failure, LinkButton, Place } from "./basics";
import { Copy } from "./Copy";
import { Pages, SearchBox } from "./DataTable";

const FIND = "find";
const PAGE = "find_page";
const PAGE_SIZE = 20;
const LEAST = 3;

export const WHAT_BECOMES: Record<string, string> = { EXPIRE: "deleted", TRANSITION: "archived", KEEP: "kept" };

/** Find an image by a tag or its digest in all repositories of an audit. */
export function FindImages({ task, onChoose }: { task: TaskRef; onChoose: (repository: RepositoryRef, search: string) => void }) {
  const [parameters, setParameters] = useParameters();
  const search = parameters.get(FIND) ?? "";
  const page = Math.max(Number.parseInt(parameters.get(PAGE) ?? "1", 10) || 1, 1) - 1;
  const [typed, setTyped] = useTyped(
    (text) => setParameters({ [FIND]: text, [PAGE]: "" }, { replace: search !== "" && text !== "" }),
    search,
  );
  return (
    <section aria-label="Find an image">
      <div className="controls">
        <SearchBox what="all repositories for an image, by tag or digest" text={typed} onText={setTyped} />
      </div>
      {search.length >= LEAST ? (
        <Found
          key={`${taskKey(task)} ${search} ${page}`}
          task={task}
          search={search}
          page={page}
          onPage={(to) => setParameters({ [PAGE]: to === 0 ? "" : String(to + 1) })}
          onChoose={onChoose}
        />
      ) : (
        search !== "" && <p className="quiet">Type at least {LEAST} letters of a tag or digest.</p>
      )}
    </section>
  );
}

function Found({
  task,
  search,
  page,
  onPage,
  onChoose,
}: {
  task: TaskRef;
  search: string;
  page: number;
  onPage: (page: number) => void;
  onChoose: (repository: RepositoryRef, search: string) => void;
}) {
  const [found, setFound] = useState<FoundImages | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const read = async () => {
      let searched = -1;
      for (;;) {
        const some = await readFoundImages(task, search, page * PAGE_SIZE, PAGE_SIZE, abort.signal);
        setFound(some);
        // Each answer goes on from the last; one that did not go on would not the next time.
        if (some.searched >= some.repositories || some.is_cut || some.searched <= searched) {
          return;
        }
        searched = some.searched;
      }
    };
    read().catch((reason: unknown) => {
      if (!abort.signal.aborted) {
        setError(reason instanceof Error ? reason : new Error(String(reason)));
      }
    });
    return () => abort.abort();
  }, []);
  if (error) {
    return error instanceof ApiError && error.status === 404 ? (
      <p className="note">Images are searched where the audit wrote lists of them. Give the audit a reports_path.</p>
    ) : (
      <Failure error={error} />
    );
  }
  if (!found) {
    return (
      <p className="quiet" role="status">
        Searching…
      </p>
    );
  }
  const isSearching = found.searched < found.repositories && !found.is_cut;
  return (
    <div aria-busy={isSearching}>
      <p className="quiet" role="status">
        {counted(found.matching, "image", "images")} found in {count(found.searched)} of{" "}
        {counted(found.repositories, "repository", "repositories")} with an image list{isSearching ? "; still searching…" : "."}
        {found.unread > 0 && ` ${counted(found.unread, "list", "lists")} could not be read.`}
        {found.is_cut && " The audit has more images than are searched here; open a repository to search all of its images."}
      </p>
      {found.images.length > 0 && (
        <div className="wide" role="region" aria-label="Found images" tabIndex={0}>
          <table>
            <thead>
              <tr>
                {["Repository", "Tags", "Digest", "Pushed"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
                <th scope="col" className="number">
                  Size
                </th>
                <th scope="col">Would be</th>
              </tr>
            </thead>
            <tbody>
              {found.images.map((image) => (
                <tr key={`${repositoryKey(image)} ${image.image_digest}`}>
                  <td>
                    <LinkButton onClick={() => onChoose(image, image.image_digest)}>{image.repository_name}</LinkButton>
                    <Place repository={image} />
                  </td>
                  <td>{image.image_tags.join(", ") || <span className="quiet">untagged</span>}</td>
                  <td className="short">
                    <Copy text={image.image_digest} shown={shortDigest(image.image_digest)} />
                  </td>
                  <td className="short">{image.image_pushed_at === null ? UNKNOWN : day(image.image_pushed_at)}</td>
                  <td className="number">{bytes(image.image_size_in_bytes)}</td>
                  <td>{WHAT_BECOMES[image.action] ?? image.action}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {found.matching > PAGE_SIZE && <Pages what="found images" page={page} size={PAGE_SIZE} total={found.matching} onPage={onPage} />}
    </div>
  );
}
