import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { csvText } from "../src/csv";
import { changeOf } from "../src/history";
import { isOfOneKind } from "../src/kinds";
import EcrPreview, { EcrHistory } from "../src/main";
import { type MarkedTask } from "../src/markers";
import { FakeAirflow, pageText } from "./server";

const MARKUP = '<img src=x onerror="document.title=1">';

let airflow: FakeAirflow;

beforeEach(() => {
  airflow = new FakeAirflow();
});

afterEach(cleanup);

function entry(number: number, mapIndex = -1) {
  return {
    dag_id: "d",
    run_id: `r${number}`,
    task_id: "clean_up",
    map_index: mapIndex,
    timestamp: `2026-11-${String(28 - number).padStart(2, "0")}T10:00:00Z`,
  };
}

function marker(kind: string, counts: Record<string, unknown>) {
  return { value: { schema: "ecr-lifecycle-preview-marker/1", kind, counts } };
}

const DELETED = {
  action: "delete",
  dry_run: false,
  status: "done",
  finished_at: "2026-11-28T10:00:00+00:00",
  repository_count: 7,
  repository_names: ["payments/api"],
  touched_image_count: 60,
  touched_bytes_upper_bound: 5_000_000_000,
  unknown_image_count: 0,
  responded_by: MARKUP,
  responded_at: "2026-11-28T09:00:00+00:00",
};

function task(kind: string, counts: Record<string, unknown>): MarkedTask {
  return { marker: { dagId: "d", runId: "r", taskId: "t", mapIndex: -1, timestamp: "2026-11-28T10:00:00Z" }, value: { kind, counts } };
}

function entries(found: object[], total = found.length) {
  airflow.answer(/xcom_key=ecr_lifecycle_change/, { xcom_entries: found, total_entries: total });
}

describe("the history", () => {
  beforeEach(() => {
    entries([entry(0), entry(1), entry(2), entry(3), entry(4)]);
    airflow.answer(/r0\/.*ecr_lifecycle_change/, marker("cleanup", DELETED));
    airflow.answer(/r1\/.*ecr_lifecycle_change/, marker("cleanup", { ...DELETED, dry_run: true, status: "dry_run", responded_by: null }));
    airflow.answer(/r2\/.*ecr_lifecycle_change/, marker("restore", { dry_run: false, status: "changed", changed_repository_count: 2, repository_count: 2 }));
    airflow.answer(/r3\/.*ecr_lifecycle_change/, marker("something that comes later", {}));
    airflow.answer(/r4\/.*ecr_lifecycle_change/, {}, 403);
  });

  it("says who deleted what, when, and who approved it, and never counts a dry run", async () => {
    render(<EcrHistory />);
    const table = await screen.findByRole("region", { name: "History" });
    expect(within(table).getAllByRole("row")).toHaveLength(4);
    expect(within(table).getAllByRole("row")[1]?.textContent).toMatch(
      /2026-11-28 10:00 UTC.*FOR GOOD.*clean-up.*done.*payments\/api and 6 more repositories.*60 images deleted, at most 5\.0 GB.*\$0\.50 a month.*onerror.*2026-11-28 09:00 UTC.*d \/ clean_up/,
    );
    expect(pageText()).toContain("60 images were deleted or archived for good");
    expect(pageText()).toContain("60 images would be deleted");
    expect(document.querySelector("main img")).toBeNull();
    const { violations } = await axe.run(document.querySelector("main") ?? document.body, { rules: { "color-contrast": { enabled: false } } });
    expect(violations.map(({ id }) => id)).toEqual([]);
  });

  it("is filtered by what it is, by dry run and by words", async () => {
    render(<EcrHistory />);
    fireEvent.change(await screen.findByLabelText("What"), { target: { value: "clean-up" } });
    fireEvent.change(screen.getByLabelText("Dry run"), { target: { value: "real" } });
    await waitFor(() => expect(within(screen.getByRole("region", { name: "History" })).getAllByRole("row")).toHaveLength(2));
    fireEvent.change(screen.getByLabelText("Search repositories, people and DAGs"), { target: { value: "nobody" } });
    await waitFor(() => expect(within(screen.getByRole("region", { name: "History" })).getAllByRole("row")).toHaveLength(1));
  });

  it("says that there are older ones, and loads them", async () => {
    entries([entry(0)], 101);
    airflow.answer(/offset=100/, { xcom_entries: [entry(1)], total_entries: 101 });
    render(<EcrHistory />);
    fireEvent.click(await screen.findByText("Load older ones"));
    await waitFor(() => expect(screen.queryByText("Load older ones")).toBeNull());
    expect(within(screen.getByRole("region", { name: "History" })).getAllByRole("row")).toHaveLength(3);
  });

  it("lists and counts a clean-up once that moves to the next page while the pages are read", async () => {
    entries([entry(0), entry(1)], 102);
    airflow.answer(/offset=100/, { xcom_entries: [entry(0), entry(1), entry(2)], total_entries: 102 });
    render(<EcrHistory />);
    fireEvent.click(await screen.findByText("Load older ones"));
    await waitFor(() => expect(screen.queryByText("Load older ones")).toBeNull());
    expect(within(screen.getByRole("region", { name: "History" })).getAllByRole("row")).toHaveLength(4);
    expect(pageText()).toContain("60 images were deleted or archived for good");
  });

  it("of nothing says so", async () => {
    entries([]);
    render(<EcrHistory />);
    await waitFor(() => expect(pageText()).toContain("Nothing that you may read has changed anything"));
  });
});

describe("an entry", () => {
  it("of a task that was killed says neither that something was deleted nor that nothing was", () => {
    const change = changeOf(task("cleanup", { ...DELETED, status: "begun", touched_image_count: null }));
    expect(change?.status).toBe("started, not finished");
    expect(change?.done).toMatch(/^not known/);
  });

  it("without the key is a dry run only where it says so", () => {
    expect(changeOf(task("cleanup", { ...DELETED, dry_run: undefined }))?.label).toBe("DRY RUN");
    expect(changeOf(task("reconciliation", { counts: { expired_as_previewed: 3 } }))?.label).toBe("reads only");
    expect(changeOf(task("toString", {}))).toBeNull();
  });
});

describe("a CSV file", () => {
  it("holds no formula, and every value in its cell", () => {
    expect(csvText([["=1+1", 'a "b", c', null, -3], ["two\nlines", "@x", "ok", 0]])).toBe(
      `'=1+1,"a ""b"", c",,-3\r\n"two\nlines",'@x,ok,0\r\n`,
    );
  });
});

describe("audits", () => {
  const audit = (counts: Record<string, unknown>) => task("audit", counts);

  it.each([
    [{}, {}, true],
    [{}, { policies: "applied", selection: "*" }, true],
    [{ policies: "applied", selection: "a" }, { policies: "applied", selection: "*" }, false],
    [{ policies: "candidate", policies_fingerprint: "1" }, { policies: "candidate", policies_fingerprint: "1" }, true],
    [{ policies: "candidate", policies_fingerprint: "1" }, { policies: "candidate", policies_fingerprint: "2" }, false],
    [{ policies: "candidate", policies_fingerprint: "1" }, {}, false],
  ])("of %j and of %j are of one kind: %s", (one, other, isOne) => expect(isOfOneKind(audit(one), audit(other))).toBe(isOne));

  it("of candidates have their own place, and the page opens with the latest of the applied policies", async () => {
    const [what_if, weekly, earlier] = [0, 1, 2].map((number) => ({ ...entry(number), task_id: "audit" }));
    airflow.answer(/xcom_key=ecr_lifecycle_preview/, { xcom_entries: [], total_entries: 0 });
    airflow.answer(/xcom_key=ecr_lifecycle_audit/, { xcom_entries: [what_if, weekly, earlier], total_entries: 3 });
    airflow.answer(/r0\/.*ecr_lifecycle_audit/, marker("audit", { repository_count: 10, policies: "candidate", policies_fingerprint: "abcdef0123" }));
    airflow.answer(/r1\/.*ecr_lifecycle_audit/, marker("audit", { repository_count: 1, policies: "applied", selection: "*" }));
    airflow.answer(/r2\/.*ecr_lifecycle_audit/, marker("audit", { repository_count: 46 }));
    render(<EcrPreview />);
    const chosen = (await screen.findByLabelText("Audit")) as HTMLSelectElement;
    expect(chosen.value).toBe("d/r1/audit");
    expect(within(chosen).getByRole("group", { name: "Candidate policies (what-if)" }).textContent).toContain("10 repositories, candidate abcdef01");
    const others = within(screen.getByLabelText("Compare with")).getAllByRole("option");
    expect(others.map((option) => option.textContent)).toEqual(["nothing", expect.stringContaining("46 repositories")]);
  });

  it("are found by their own key among ten thousand previews, without reading these", async () => {
    airflow.answer(/xcom_key=ecr_lifecycle_preview/, (url: URL) => [
      200,
      { xcom_entries: Array.from({ length: 100 }, (_, at) => ({ ...entry(0), run_id: `p${url.searchParams.get("offset")}-${at}` })), total_entries: 10_000 },
    ]);
    airflow.answer(/xcom_key=ecr_lifecycle_audit/, { xcom_entries: [{ ...entry(9), task_id: "audit" }], total_entries: 1 });
    airflow.answer(/r9\/.*ecr_lifecycle_audit/, marker("audit", { repository_count: 46 }));
    render(<EcrPreview />);
    expect(((await screen.findByLabelText("Audit")) as HTMLSelectElement).value).toBe("d/r9/audit");
    expect(airflow.asked.length).toBeLessThan(120);
    await waitFor(() => expect(pageText()).toContain("There may be others"));
  });
});
