import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { activeFilters, askedOf } from "../src/imageAddress";
import EcrPreview from "../src/main";
import { FakeAirflow, pageText, seen } from "./server";

const SUMMARY = {
  schema: "ecr-lifecycle-preview-summary/1",
  registry_id: "123456789012",
  region_name: "eu-west-1",
  repository_name: "team/api",
  status: "COMPLETE",
  previewed_at: "2026-11-20T10:00:00+00:00",
  expiring_image_count: 7,
  archiving_image_count: 0,
  total_image_count: 9,
  expiring_bytes_upper_bound: 7_000_000,
  rules: [],
  findings: [],
  sample: [],
  images_uri: "file:///reports/images.jsonl.gz",
};

const bin = (from: string, to: string, expiring: number, kept: number) => ({
  from: `${from}T00:00:00+00:00`,
  to: `${to}T00:00:00+00:00`,
  expiring,
  archiving: 0,
  kept,
  bytes: 1,
});

let airflow: FakeAirflow;

beforeEach(() => {
  airflow = new FakeAirflow();
  airflow.task(SUMMARY);
  airflow.answer(/\/images\/rules/, { rules: [{ priority: 1, taken: 7, kept: 2, shielded: 0 }] });
  airflow.answer(/\/images\/timeline/, { bins: [bin("2026-01-01", "2026-01-08", 7, 0), bin("2026-01-08", "2026-01-09", 0, 2)], undated: 0 });
  airflow.answer(/\/images\?/, { total: 7, matching: 7, offset: 0, images: [] });
  airflow.answer(/\/images\/forecast/, { now: { expiring: 7, archiving: 0, bytes: 1 }, days: null, unknown: 0 });
});

afterEach(cleanup);

function show(address = "") {
  window.history.replaceState(null, "", address || window.location.pathname);
  render(<EcrPreview dagId="d" runId="r" taskId="t" />);
}

const parameters = () => Object.fromEntries(new URLSearchParams(window.location.search));

const latest = (what: string) => Object.fromEntries(airflow.asked.findLast((url) => url.pathname.endsWith(what))?.searchParams ?? []);

async function press(...keys: string[]) {
  const chart = await screen.findByRole("application", { name: /Images by push date/ });
  keys.forEach((key) => fireEvent.keyDown(chart, { key }));
}

describe("the filters of images", () => {
  it("are those that make sense, whatever the address holds", () => {
    const of = (values: Record<string, string>) => (name: string) => values[name] ?? "";
    expect(Object.values(askedOf(of({ pushed_from: "0002-01-01", pushed_to: "2026-13-01", min_mb: "-1", max_mb: "1e9", pull: "x" }))).join("")).toBe("");
    expect(askedOf(of({ min_mb: "1.5", max_mb: "20", pull: "90" }))).toMatchObject({ min_bytes: "1500000", max_bytes: "20000000", not_pulled_days: "90" });
    expect(activeFilters(of({})).length).toBe(0);
    const texts = (values: Record<string, string>) => activeFilters(of(values)).map(({ text }) => text);
    expect(texts({ pushed_from: "2026-01-01", pushed_to: "2026-01-01", min_mb: "1.5", pull: "never" })).toEqual([
      "pushed 2026-01-01",
      "size from 1.5 MB",
      "never pulled",
    ]);
    expect(texts({ pushed_to: "2026-01-01", min_mb: "1", max_mb: "2", pull: "90" })).toEqual([
      "pushed up to 2026-01-01",
      "size 1 MB to 2 MB",
      "not pulled for 90 days",
    ]);
  });

  it("come from the address, go to the server and into the CSV, and are removed one by one", async () => {
    show("?image_pushed_from=2026-01-01&image_max_mb=3&image_pull=never&image_page=2");
    await seen("never pulled");
    await waitFor(() => expect(latest("/images")).toMatchObject({ pushed_from: "2026-01-01", max_bytes: "3000000", never_pulled: "true" }));
    expect(latest("/images/timeline")).toMatchObject({ max_bytes: "3000000", never_pulled: "true", action: "ANY" });
    expect(latest("/images/timeline").pushed_from).toBeUndefined();
    expect(screen.getByRole("link", { name: "Download CSV" }).getAttribute("href")).toContain("never_pulled=true");
    fireEvent.click(screen.getByRole("button", { name: "Remove filter: never pulled" }));
    await waitFor(() => expect(parameters()).toEqual({ image_pushed_from: "2026-01-01", image_max_mb: "3" }));
    fireEvent.change(screen.getByLabelText("Last pull"), { target: { value: "90" } });
    await waitFor(() => expect(latest("/images").not_pulled_days).toBe("90"));
    fireEvent.change(screen.getByLabelText("Size from (MB)"), { target: { value: "2" } });
    await waitFor(() => expect(latest("/images").min_bytes).toBe("2000000"));
    fireEvent.change(screen.getByLabelText("Pushed up to"), { target: { value: "2026-02-01" } });
    await seen("pushed 2026-01-01 to 2026-02-01");
  });

  it("are set by a bar of the timeline, by the keyboard too, and the period is removed as one", async () => {
    show();
    await press("Home", "Enter");
    await waitFor(() => expect(parameters()).toEqual({ image_pushed_from: "2026-01-01", image_pushed_to: "2026-01-07" }));
    await waitFor(() => expect(document.querySelectorAll(".chosen").length).toBe(1));
    fireEvent.click(screen.getByRole("button", { name: "Remove filter: pushed 2026-01-01 to 2026-01-07" }));
    await waitFor(() => expect(parameters()).toEqual({}));
    // A bar of nothing but kept images would list none of those that go.
    await press("End", "Enter");
    await waitFor(() => expect(parameters()).toEqual({ image_pushed_from: "2026-01-08", image_pushed_to: "2026-01-08", image_action: "ANY" }));
    await seen("pushed 2026-01-08");
  });
});

describe("what goes in the next 30 days", () => {
  it("is a simulation that says what it assumes", async () => {
    const days = Array.from({ length: 30 }, (_, at) => ({
      day: `2026-11-${String(at + 1).padStart(2, "0")}`,
      expiring: at === 2 ? 5 : 0,
      archiving: at === 3 ? 1 : 0,
      bytes: at === 2 ? 4_000_000 : 0,
    }));
    airflow.answer(/\/images\/forecast/, { now: { expiring: 7, archiving: 0, bytes: 1 }, days, unknown: 1 });
    show();
    await seen("It assumes that no image is pushed");
    expect(pageText()).toContain(
      "Beyond the 7 images of this preview, the policy would delete 5 images (4.0 MB at most) and archive 1 by 2026-11-30 if nothing were pushed.",
    );
    expect(pageText()).toContain("1 image is left out");
    const chart = screen.getByRole("application", { name: /next 30 days/ });
    ["Home", "ArrowRight", "ArrowRight"].forEach((key) => fireEvent.keyDown(chart, { key }));
    expect(pageText()).toContain("2026-11-03: 5 would be deleted, 4.0 MB, 0 would be archived");
  });

  it("is not there where the list does not say it", async () => {
    show();
    await seen("Run the task again, with enrich and write_kept_images on.");
  });
});
