import { cleanup, fireEvent, render, renderHook, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ticksUpTo } from "../src/charts/Bars";
import { treemap } from "../src/charts/treemap";
import EcrPreview from "../src/main";
import { useParameters } from "../src/useParameters";
import { FakeAirflow, pageText, seen } from "./server";

const PLACE = { registry_id: "123456789012", region_name: "eu-west-1" };
const AUDIT = {
  schema: "ecr-lifecycle-audit/1",
  audit_id: "weekly 1",
  audited_at: "2026-11-20T10:00:00+00:00",
  missing_part_count: 0,
  repository_count: 60,
  previewed_count: 60,
  without_policy_count: 0,
  failed_count: 0,
  expiring_image_count: 60,
  archiving_image_count: 0,
  total_image_count: 100,
  expiring_bytes_upper_bound: 1000,
  expiring_bytes_upper_bound_known: 1000,
  findings: [],
  failures: [],
  without_policy: [],
  registries: [],
  registries_left_out: 0,
  top: [],
  summaries: null,
  report_uri: "s3://aws@reports/audit.md",
  changes: null,
};
const COLUMNS = ["registry_id", "region_name", "repository_name", "status", "expiring_image_count", "expiring_bytes_upper_bound", "images_uri", "policy_fingerprint"];
const ROWS = Array.from({ length: 60 }, (_, at) => ["123456789012", "eu-west-1", `team/r${String(at).padStart(2, "0")}`, "previewed", at, at, `file:///${at}`, "f".repeat(64)]);

let airflow: FakeAirflow;
const names = () => screen.getAllByRole("button", { name: /^team\/r/ }).map((button) => button.textContent);
const at = (address: string) => window.history.replaceState(null, "", `${window.location.pathname}${address}`);
const show = () => render(<EcrPreview dagId="d" runId="r" taskId="t" />);

beforeEach(() => {
  airflow = new FakeAirflow();
  airflow.task(AUDIT);
  airflow.answer(/\/repositories\?/, { columns: COLUMNS, rows: ROWS });
});
afterEach(cleanup);

describe("the address of a page", () => {
  it("restores search, sort and page of the repositories", async () => {
    at("?search=team&sort=repository_name&page=2");
    show();
    await seen("51–60 of 60 repositories");
    expect(names()[0]).toBe("team/r50");
    expect((screen.getByLabelText("Search repositories and findings") as HTMLInputElement).value).toBe("team");
  });

  it("says what is chosen, and goes back to it when the page was replaced", async () => {
    const page = show();
    await seen("1–50 of 60 repositories");
    fireEvent.click(screen.getByRole("button", { name: /^Repository/ }));
    fireEvent.change(screen.getByLabelText("Show"), { target: { value: "affected" } });
    await waitFor(() => expect(window.location.search).toBe("?sort=repository_name&show=affected"));
    page.unmount();
    show();
    await seen("1–50 of 59 repositories");
    expect(names()[0]).toBe("team/r01");
  });

  it.each(["?page=99", "?page=-1", "?page=x", "?sort=__proto__", "?show=toString", "?sort=-nothing"])("that makes no sense, %s, shows the list", async (address) => {
    at(address);
    show();
    await seen(/of 60 repositories/);
    expect(names().length).toBeGreaterThan(0);
  });

  it("restores what is searched, filtered and sorted among the images of a repository", async () => {
    airflow.answer(/\/images\/rules/, { rules: [] });
    airflow.answer(/\/images\/timeline/, { bins: [], undated: 0 });
    airflow.answer(/\/images\?/, { total: 100, matching: 100, offset: 50, images: [] });
    at("?repository=123456789012/eu-west-1/team/r07&image_search=v1&image_action=EXPIRE&image_sort=-image_size_in_bytes&image_page=2");
    show();
    await waitFor(() => {
      const asked = airflow.asked.find((url) => url.pathname.endsWith("/images"));
      expect(Object.fromEntries(asked?.searchParams ?? [])).toMatchObject({
        search: "v1",
        action: "EXPIRE",
        sort: "image_size_in_bytes",
        descending: "true",
        offset: "50",
        repository_name: "team/r07",
      });
    });
    await waitFor(() => expect(document.title).toContain("team/r07"));
  });
});

describe("an image over all repositories", () => {
  const found = (searched: number) => ({
    repositories: 60,
    searched,
    unread: 1,
    is_cut: false,
    matching: 1,
    images: [{ ...PLACE, repository_name: "team/r07", image_digest: `sha256:${"a".repeat(64)}`, image_tags: ["<b>v1</b>"], image_pushed_at: null, image_size_in_bytes: 5, last_recorded_pull_time: null, action: "KEEP", applied_rule_priority: null }],
  });

  it("is looked for until every list was searched, and leads to its repository", async () => {
    let asked = 0;
    airflow.answer(/\/found-images/, () => [200, found((asked += 1) * 30)]);
    at("?find=v1.0");
    show();
    await seen(/1 image found in 60 of 60 repositories with an image list\. 1 list could not be read/);
    expect(asked).toBe(2);
    expect(screen.getByText("<b>v1</b>")).toBeDefined();
    fireEvent.click(screen.getAllByRole("button", { name: "team/r07" })[0]!);
    await waitFor(() => expect(new URLSearchParams(window.location.search).get("image_search")).toBe(`sha256:${"a".repeat(64)}`));
  });

  it("is not looked for with two letters", async () => {
    at("?find=v1");
    show();
    await seen("Type at least 3 letters");
    expect(airflow.asked.some((url) => url.pathname.includes("found-images"))).toBe(false);
    expect(pageText()).toContain("Repositories");
  });
});

describe("charts", () => {
  it("fill their rectangle with areas as large as their sizes", () => {
    const areas = treemap([6, 6, 4, 3, 2, 2, 1], (size) => size, 600, 400);
    expect(areas.reduce((sum, area) => sum + area.width * area.height, 0)).toBeCloseTo(240_000);
    for (const { x, y, width, height, datum } of areas) {
      expect(width * height).toBeCloseTo((datum / 24) * 240_000);
      expect(x + width).toBeLessThan(600.001);
      expect(y + height).toBeLessThan(400.001);
    }
  });

  it.each([[0, [0, 1]], [1, [0, 1]], [3, [0, 1, 2, 3]], [7, [0, 2, 4, 6, 8]], [1e12, [0, 5e11, 1e12]]])("have round numbers up to %s", (most, ticks) => {
    expect(ticksUpTo(most)).toEqual(ticks);
  });
});

describe("what next", () => {
  it("leads to the DAGs that do it, with parameters to copy", async () => {
    airflow.answer(/\/dags\?tags=ecr/, { dags: [{ dag_id: "ecr_clean_up_approved" }, { dag_id: "<b>x</b>" }] });
    at("?repository=123456789012/eu-west-1/team/r07");
    show();
    const summary = await screen.findByText(/What next/);
    const details = summary.closest("details")!;
    details.open = true;
    fireEvent(details, new Event("toggle"));
    expect((await screen.findByRole("link", { name: "ecr_clean_up_approved" })).getAttribute("href")).toBe("/airflow/dags/ecr_clean_up_approved");
    await seen("The example ecr_compare_policies of this package does it");
    const parameters = screen.getByRole("region", { name: /Parameters: Send the clean-up/ }).textContent;
    expect(JSON.parse(parameters ?? "")).toEqual({ repository_names: ["team/r07"], dry_run: true });
    expect(airflow.asked.every((url) => url.pathname !== "/airflow/api/v2/dags/ecr_clean_up_approved")).toBe(true);
  });

  it("applies the candidate that a what-if is of, and shows its rules", async () => {
    const text = JSON.stringify({ rules: [{ rulePriority: 5, description: "<i>old</i>", selection: {}, action: { type: "expire" } }] });
    airflow.task({ ...AUDIT, policies: { kind: "candidate", fingerprint: "f".repeat(64), lifecycle_policy_text: text } });
    airflow.answer(/\/images\/rules/, { rules: [] });
    at("?repository=123456789012/eu-west-1/team/r07");
    show();
    expect((await screen.findAllByText("<i>old</i>")).length).toBeGreaterThan(0);
    const details = (await screen.findByText(/What next/)).closest("details")!;
    details.open = true;
    fireEvent(details, new Event("toggle"));
    await seen("Send this policy for approval, as a dry run");
  });
});

describe("a repository of an audit that is too large for summaries", () => {
  const text = JSON.stringify({ rules: [{ rulePriority: 5, description: "<i>old</i>", selection: {}, action: { type: "expire" } }] });

  it("shows the rules and the text of the applied policy", async () => {
    airflow.answer(/\/images\/rules/, { rules: null });
    airflow.answer(/\/policy\?map_index=-1&fingerprint=/, { lifecycle_policy_text: text });
    at("?repository=123456789012/eu-west-1/team/r07");
    show();
    await seen("<i>old</i>");
    await seen("The text of the policy");
    const row = screen.getAllByText("<i>old</i>")[0]!.closest("tr")!;
    expect([...row.cells].map((cell) => cell.textContent).slice(0, 4)).toEqual(["5", "<i>old</i>", "expire", "not known"]);
  });

  it("says nothing of rules where the policy was not kept", async () => {
    at("?repository=123456789012/eu-west-1/team/r07");
    show();
    await seen("team/r07");
    expect(pageText()).not.toContain("The text of the policy");
  });
});

it("says which audit is the previous one", async () => {
  const baselines = [
    { ...PLACE, audit_id: "weekly 0", audited_at: "2026-11-13T10:00:00+00:00" },
    { ...PLACE, region_name: "us-east-1", audit_id: null, audited_at: null, error: "no right" },
  ];
  const changes = { baselines, compared_count: 0, counts_only_count: 0, appeared_count: 0, disappeared_count: 0, newly_affected_image_count: 0, no_longer_affected_image_count: 0, policy_changed_count: 0, alarms: [], top: [], disappeared: [], notes: [] };
  airflow.task({ ...AUDIT, changes });
  show();
  await seen(/Compared with weekly 0, 2026-11-13 10:00 UTC \(123456789012, eu-west-1\)/);
  await seen(/Compared with nothing: the previous audit could not be read \(no right\)/);
});

describe("an address that the host has not shown yet", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("is where the next change starts from", async () => {
    const asked: string[] = [];
    let parameters = new URLSearchParams();
    const set = (change: (before: URLSearchParams) => URLSearchParams) => asked.push(change(parameters).toString());
    vi.stubGlobal("ReactRouterDOM", { useSearchParams: () => [parameters, set] });
    const { result, rerender } = renderHook(() => useParameters()[1]);
    result.current({ show: "failed" });
    result.current({ search: "team" });
    expect(asked).toEqual(["show=failed", "show=failed&search=team"]);
    // The host shows the first of them late, and then that somebody went back.
    parameters = new URLSearchParams("show=failed");
    rerender();
    result.current({ page: "2" });
    expect(asked[2]).toBe("show=failed&search=team&page=2");
    parameters = new URLSearchParams("sort=name");
    rerender();
    result.current({ page: "3" });
    expect(asked[3]).toBe("sort=name&page=3");
  });
});
