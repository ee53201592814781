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
  airflow.answer(/\/taskInstances\/merge/, { dag_id: "d", dag_run_id: "r", task_id: "merge", map_index: -1, state: "success", operator_name: null });
});

afterEach(cleanup);

describe("the page of an asset, from Airflow 3.4 on", () => {
  it("shows the latest audit that its events announced, and leads to the others", async () => {
    airflow.answer(/\/assets\/events\?asset_id=7&order_by=-timestamp/, { asset_events: [event(3), event(2), event(1, null)] });
    render(<EcrPreview asset={ASSET} />);
    await seen("Audits of ecr-preview platform");
    expect(pageText()).toContain("2 audits announced by the latest events of this asset. The one below is of 2026-11-03 10:00 UTC");
    await waitFor(() => expect(airflow.asked.some((url) => url.pathname.includes("/dagRuns/r3/taskInstances/merge"))).toBe(true));
    const chart = await screen.findByRole("application", { name: /Images that would be deleted, audit by audit/ });
    ["Home", "Enter"].forEach((key) => fireEvent.keyDown(chart, { key }));
    await seen("The one below is of 2026-11-02 10:00 UTC");
    expect(new URLSearchParams(window.location.search).get("audit")).toBe("d/r2/merge");
  });

  it("says so where no event announced an audit", async () => {
    airflow.answer(/\/assets\/events/, { asset_events: [event(1, null), { ...event(2), source_task_id: null }] });
    render(<EcrPreview asset={ASSET} />);
    await seen("No event of this asset has announced an audit that you may see.");
  });
});
