import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import EcrPreview from "../src/main";
import { FakeAirflow, pageText, seen } from "./server";

const ASSET = { id: 7, name: "ecr-preview platform" };

let airflow: FakeAirflow;

function event(run: number, extra: Record<string, unknown> | null = {}) {
  return {
    source_dag_id: "d",
    source_run_id: `r${run}`,
    source_task_id: "merge",
    source_map_index: -1,
    timestamp: `2026-11-0${run}T12:34:00Z`,
    extra: extra && {
      audit_id: `weekly ${run}`,
      audited_at: `2026-11-0${run}T10:00:00+00:00`,
      repository_count: 12,
      expiring_image_count: run,
      expiring_bytes_upper_bound: 1_000_000 * run,
      ...extra,
    },
  };
}

beforeEach(() => {
  airflow = new FakeAirflow();
  window.history.replaceState(null, "", "/");
});

afterEach(cleanup);

function announced(...events: unknown[]): void {
  airflow.answer(/\/assets\/events\?asset_id=7&order_by=-timestamp/, { asset_events: events });
}

function hasRead(run: string): boolean {
  return airflow.asked.some((url) => url.pathname.includes(`/dagRuns/${run}/taskInstances/merge/xcomEntries/return_value`));
}

function bars(): Promise<HTMLElement> {
  return screen.findByRole("application", { name: /Images that would be deleted, audit by audit/ });
}

function address(): URLSearchParams {
  return new URLSearchParams(window.location.search);
}

describe("the page of an asset, from Airflow 3.4 on", () => {
  it("shows the latest audit that its events announced, and leads to the others", async () => {
    announced(event(3), event(2), event(1, null));
    render(<EcrPreview asset={ASSET} />);
    await seen("Audits of ecr-preview platform");
    expect(pageText()).toContain("2 audits announced by the latest events of this asset.");
    await waitFor(() => expect(hasRead("r3")).toBe(true));
    const link = screen.getByText("Show the audit of 2026-11-03 10:00 UTC on a page of its own");
    expect(link.getAttribute("href")).toBe("/airflow/plugin/ecr-previews?dag_id=d&run_id=r3&task_id=merge");
    const chart = await bars();
    ["Home", "Enter"].forEach((key) => fireEvent.keyDown(chart, { key }));
    await waitFor(() => expect(hasRead("r2")).toBe(true));
    expect(address().get("audit")).toBe("d/r2/merge");
  });

  it("shows what is applied before a what-if, and neither draws in the trend of the other", async () => {
    const candidate = { policies: "candidate", policies_fingerprint: "0123456789abcdef", policies_name: "keep 10" };
    announced(event(4, candidate), event(3, { selection: "web/*" }), event(2, { selection: "*" }), event(1, { selection: "*" }));
    window.history.replaceState(null, "", "/?audit=d%2Fr2%2Fmerge");
    render(<EcrPreview asset={ASSET} />);
    await bars();
    ["End", "Enter"].forEach((key) => fireEvent.keyDown(screen.getByRole("application", { name: /Images/ }), { key }));
    expect(address().get("audit")).toBe("d/r2/merge");
    expect(pageText()).toContain("audit of 12 repositories, candidate “keep 10” 01234567");
    expect(pageText()).toContain("audit of 12 repositories, web/*");
    cleanup();
    window.history.replaceState(null, "", "/");
    render(<EcrPreview asset={ASSET} />);
    await waitFor(() => expect(hasRead("r3")).toBe(true));
    expect(hasRead("r4")).toBe(false);
  });

  it("counts a task that ran twice once, and orders audits by their own time", async () => {
    announced({ ...event(1), timestamp: "2026-11-09T00:00:00Z" }, event(3, { expiring_image_count: 7 }), event(2), event(3));
    render(<EcrPreview asset={ASSET} />);
    await seen("3 audits announced");
    await waitFor(() => expect(hasRead("r3")).toBe(true));
    expect(await screen.findByRole("figure", { name: /7 at last/ })).toBeTruthy();
  });

  it("does not show another audit in place of the one in the address", async () => {
    announced(event(3));
    window.history.replaceState(null, "", "/?audit=d%2Fr1%2Fmerge&repository=123456789012%2Feu-west-1%2Fteam%2Fapi");
    render(<EcrPreview asset={ASSET} />);
    await seen("The audit in the address of this page is not among the latest events of this asset.");
    fireEvent.click(screen.getByText("Show the latest audit"));
    await waitFor(() => expect(hasRead("r3")).toBe(true));
    expect([...address().keys()]).toEqual([]);
  });

  it("says so where no event announced an audit", async () => {
    announced(event(1, null), { ...event(2), source_task_id: null });
    render(<EcrPreview asset={ASSET} />);
    await seen("No event of this asset has announced an audit that you may see.");
  });
});
