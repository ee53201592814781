import { bytes, count, money, price } from "../format";
import type { Settings } from "../types";
import { Tiles } from "./basics";

interface Counts {
  expiring_image_count: number | null;
  archiving_image_count: number | null;
  total_image_count: number | null;
  expiring_bytes_upper_bound: number | null;
  expiring_bytes_exact?: number | null;
}

/** What would go of a repository, or of those of a run, at a glance. */
export function PreviewTiles({ counts, settings }: { counts: Counts; settings: Settings }) {
  const { expiring_image_count: expiring, total_image_count: total, expiring_bytes_upper_bound: size } = counts;
  return (
    <Tiles
      tiles={[
        ["Images that would be deleted", count(expiring), total === null ? undefined : `of ${count(total)}`],
        ["Images that would be archived", count(counts.archiving_image_count), "archiving saves nothing by itself"],
        ["Bytes", bytes(size), atMost(counts.expiring_bytes_exact)],
        savings(size, settings),
      ]}
    />
  );
}

/** What a number of bytes means, next to what is freed by the manifests, where they were read. */
export function atMost(exact: number | null | undefined): string {
  return exact === null || exact === undefined ? "at most: layers are shared" : `at most; ${bytes(exact)} by the manifests`;
}

/** What the bytes cost in a month: no more than that is saved. Where not all are known, of those that are. */
export function savings(size: number | null, settings: Settings, known: number | null = null): [string, string, string] {
  const which = size === null && known !== null ? "for the bytes that are known" : "at most";
  const note = `${which}, at ${price(settings.price_per_gb_month)} for a GB and month`;
  return ["Saved in a month", money(size ?? known, settings.price_per_gb_month), note];
}
