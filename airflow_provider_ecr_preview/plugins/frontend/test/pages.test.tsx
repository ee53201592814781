import { cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import EcrPreview from "../src/main";

const MARKUP = '<img src=x onerror="document.title=1">';

const SUMMARY = {
  schema: "ecr-lifecycle-preview-summary/1",
  registry_id: "123456789012",
  region_name: "eu-west-1",
  repository_name: `team/${MARKUP}`,
  status: "COMPLETE",
  previewed_at: "2026-11-20T10:00:00+00:00",
  policy_fingerprint: "f".repeat(64),
  expiring_image_count: 120,
  archiving_image_count: 3,
  tagged_image_count: 100,
  untagged_image_count: 23,
  total_image_count: 500,
  expiring_bytes_upper_bound: 25_000_000_000,
  rules: [
    { priority: 1, action: "expire", description: MARKUP, image_count: 120, bytes_upper_bound: 25_000_000_000 },
    { priority: 2, action: "expire", description: null, image_count: 0, bytes_upper_bound: null },
  ],
  findings: [
    { code: "newest_image_expires", severity: "critical", message: "The newest image would expire.", image_digests: [] },
  ],
  sample: [],
  images_uri: "file:///reports/images.jsonl.gz",
};

const AUDIT = {
  schema: "ecr-lifecycle-audit/1",
  audit_id: "weekly",
  audited_at: "2026-11-20T10:00:00+00:00",
  missing_part_count: 1,
  repository_count: 60,
  previewed_count: 50,
  without_policy_count: 8,
  failed_count: 2,
  expiring_image_count: 1234,
  archiving_image_count: 0,
  total_image_count: null,
  expiring_bytes_upper_bound: null,
  expiring_bytes_upper_bound_known: 5_000_000,
  findings: [
    {
      severity: "warning",
      code: "dead_rule",
      repository_count: 4,
      repositories: [{ registry_id: "123456789012", region_name: "eu-west-1", repository_name: "shop/web" }],
    },
  ],
  failures: [
    { registry_id: null, region_name: "eu-west-1", repository_name: "shop/denied", error: "AccessDeniedError", message: "no right" },
  ],
  without_policy: [{ registry_id: "123456789012", region_name: "eu-west-1", repository_name: "shop/bare" }],
  registries: [],
  registries_left_out: 0,
  top: [],
  summaries: null,
  report_uri: "s3://aws_default@reports/ecr/audits/x y.md",
  changes: null,
};

const COLUMNS = [
  "registry_id", "region_name", "repository_name", "status", "message", "expiring_image_count", "archiving_image_count",
  "total_image_count", "expiring_bytes_upper_bound", "finding_codes", "images_uri",
];
const ROWS = Array.from({ length: 5000 }, (_, number) => [
  "123456789012", "eu-west-1", `team/service-${String(number).padStart(4, "0")}`, "previewed", null, number, 0, 6000,
  number * 1000, number === 7 ? "dead_rule" : "", `file:///reports/${number}`,
]);

function image(number: number) {
  return {
    image_digest: `sha256:${String(number).padStart(64, "0")}`,
    image_tags: number === 0 ? [MARKUP] : [`v${number}`],
    image_pushed_at: "2025-01-01T00:00:00+00:00",
    action: "EXPIRE",
    applied_rule_priority: 1,
    image_size_in_bytes: 1_000_000,
    last_recorded_pull_time: null,
  };
}

type Answer = [status: number, body: unknown];
let answers: [RegExp, (url: URL) => Answer][] = [];
let asked: URL[] = [];

function answer(pattern: RegExp, body: unknown, status = 200) {
  answers.unshift([pattern, typeof body === "function" ? (body as (url: URL) => Answer) : () => [status, body]]);
}

beforeEach(() => {
  document.head.innerHTML = '<base href="/airflow/">';
  asked = [];
  answers = [];
  answer(/.*/, { detail: "nothing there" }, 404);
  answer(/\/settings$/, { price_per_gb_month: 0.1, image_lists: true, version: "1" });
  answer(/\/taskInstances\/t$/, { state: "success" });
  answer(/\/taskInstances\?/, { task_instances: [] });
  answer(/\/images\/timeline/, {
    bins: [
      { from: "2025-01-01T00:00:00+00:00", to: "2025-02-01T00:00:00+00:00", expiring: 100, archiving: 3, kept: 0, bytes: 1 },
      { from: "2025-02-01T00:00:00+00:00", to: "2025-03-01T00:00:00+00:00", expiring: 20, archiving: 0, kept: 300, bytes: 1 },
    ],
  });
  answer(/\/images\/rules/, { rules: null });
  answer(/\/images\?/, (url: URL) => {
    const offset = Number(url.searchParams.get("offset"));
    return [200, { total: 123, matching: 123, offset, images: Array.from({ length: 50 }, (_, at) => image(offset + at)) }];
  });
  globalThis.fetch = (async (input: string) => {
    const url = new URL(input, "http://localhost");
    asked.push(url);
    const found = answers.find(([pattern]) => pattern.test(url.pathname + url.search));
    const [status, body] = found ? found[1](url) : [500, {}];
    return new Response(JSON.stringify(body), { status });
  }) as typeof fetch;
});

afterEach(cleanup);

function show(props: Parameters<typeof EcrPreview>[0] = { dagId: "d", runId: "manual__2026-01-01T00:00:00+00:00", taskId: "t" }) {
  return render(<EcrPreview {...props} />);
}

describe("the tab of a task", () => {
  it("shows counts, the upper bound, what that costs, findings and rules", async () => {
    answer(/return_value/, { value: SUMMARY });
    show();
    expect(await screen.findByText("$2.50")).toBeDefined();
    expect(screen.getAllByText("25 GB")).toHaveLength(2);
    expect(screen.getByText("of 500")).toBeDefined();
    expect(screen.getByText("The newest image would expire.", { exact: false })).toBeDefined();
    expect(within(screen.getByRole("region", { name: "Rules" })).getAllByRole("row")).toHaveLength(3);
  });

  it("asks below the path of Airflow, with every part of the address escaped", async () => {
    answer(/return_value/, { value: SUMMARY });
    show();
    await screen.findByText("$2.50");
    expect(asked.every((url) => url.pathname.startsWith("/airflow/"))).toBe(true);
    expect(asked.some((url) => url.pathname.includes("/manual__2026-01-01T00%3A00%3A00%2B00%3A00/"))).toBe(true);
  });

  it("shows what others wrote as text and never as markup", async () => {
    answer(/return_value/, { value: SUMMARY });
    const { container } = show();
    await screen.findByText("v1");
    expect(container.querySelector("img")).toBeNull();
    expect(screen.getAllByText(MARKUP, { exact: false }).length).toBeGreaterThan(2);
  });

  it("pages, sorts, filters and searches on the server, and begins anew at the first page", async () => {
    answer(/return_value/, { value: SUMMARY });
    show();
    await screen.findByText("v1");
    const last = () => asked.filter((url) => url.pathname.endsWith("/images")).at(-1)?.searchParams;
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    await screen.findByText("v51");
    expect(last()?.get("offset")).toBe("50");
    fireEvent.click(screen.getByRole("button", { name: /^Size/ }));
    await waitFor(() => expect(last()?.get("sort")).toBe("image_size_in_bytes"));
    expect(last()?.get("offset")).toBe("0");
    fireEvent.change(screen.getByLabelText("Would be"), { target: { value: "TRANSITION" } });
    await waitFor(() => expect(last()?.get("action")).toBe("TRANSITION"));
    fireEvent.change(screen.getByLabelText("Rule"), { target: { value: "2" } });
    await waitFor(() => expect(last()?.get("rule")).toBe("2"));
    fireEvent.change(screen.getByLabelText("Search tags and digests"), { target: { value: "v1" } });
    await waitFor(() => expect(last()?.get("search")).toBe("v1"));
    const csv = screen.getByRole("link", { name: "Download CSV" }).getAttribute("href");
    expect(csv).toContain("/airflow/ecr-preview/dags/d/runs/");
    expect(csv).toContain("search=v1");
  });

  it("tells who listens instead of looks how the images spread over time", async () => {
    answer(/return_value/, { value: SUMMARY });
    show();
    expect((await screen.findByRole("figure")).getAttribute("aria-label")).toContain("120 expiring, 3 archiving. The newest");
  });

  it("tells of the kept images where they are known: by rule, over time, and each with the reason", async () => {
    answer(/return_value/, { value: SUMMARY });
    answer(/\/images\/rules/, {
      rules: [
        { priority: null, taken: 0, kept: 7, shielded: 0 },
        { priority: 1, taken: 120, kept: 293, shielded: 11 },
      ],
    });
    answer(/\/images\?.*action=KEEP/, {
      total: 123,
      matching: 1,
      offset: 0,
      images: [{ ...image(900), action: "KEEP", explanation: `Kept by rule 1 (${MARKUP}).` }],
    });
    const { container } = show();
    const rules = within(await screen.findByRole("region", { name: "Rules" }));
    expect(await rules.findByText("293")).toBeDefined();
    expect(rules.getByText("11")).toBeDefined();
    expect(screen.getByText("no rule decides about: 7", { exact: false })).toBeDefined();
    expect((await screen.findByRole("figure")).getAttribute("aria-label")).toContain("300 kept");
    await screen.findByText("v1");
    expect(screen.queryByRole("columnheader", { name: "Why" })).toBeNull();
    fireEvent.change(screen.getByLabelText("Would be"), { target: { value: "KEEP" } });
    expect(await screen.findByText(`Kept by rule 1 (${MARKUP}).`)).toBeDefined();
    expect(screen.getByRole("columnheader", { name: "Why" })).toBeDefined();
    expect(container.querySelector("img")).toBeNull();
    expect(asked.filter((url) => url.pathname.endsWith("/timeline")).every((url) => url.searchParams.get("action") === "ANY")).toBe(
      true,
    );
  });

  it("offers no kept images where they were not written", async () => {
    answer(/return_value/, { value: SUMMARY });
    show();
    await screen.findByText("v1");
    expect(screen.queryByRole("option", { name: "kept" })).toBeNull();
    expect(within(screen.getByRole("region", { name: "Rules" })).queryByText("Keeps")).toBeNull();
  });

  it.each([
    [{ value: { something: "else" } }, "success", "This task has no ECR result."],
    [{ value: null }, "deferred", "waits in the triggerer"],
    [{ value: null }, null, "This task waits for others."],
  ])("says in a few words that there is nothing to show", async (value, state, text) => {
    answer(/return_value/, value);
    answer(/\/taskInstances\/t$/, { state });
    show();
    expect(await screen.findByText(text, { exact: false })).toBeDefined();
  });

  it("looks again while the task runs, and shows what it found when it has ended", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    answer(/return_value/, {}, 404);
    answer(/\/taskInstances\/t$/, { state: "running" });
    show();
    await screen.findByText("This task is running.", { exact: false });
    answer(/return_value/, { value: SUMMARY });
    answer(/\/taskInstances\/t$/, { state: "success" });
    await vi.advanceTimersByTimeAsync(5_100);
    expect(await screen.findByText("$2.50")).toBeDefined();
    const found = asked.length;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked.filter((url) => url.pathname.includes("return_value")).length).toBe(1);
    expect(asked.length).toBeGreaterThanOrEqual(found);
    vi.useRealTimers();
  });

  it.each([
    [401, "Reload the page"],
    [403, "may not read the XCom"],
    [500, "status 500"],
  ])("says what to do when Airflow answers %i", async (status, text) => {
    answer(/return_value/, {}, status);
    show();
    expect((await screen.findByRole("alert")).textContent).toContain(text);
  });

  it("says why an image list is not shown, and shows the rest", async () => {
    answer(/return_value/, { value: SUMMARY });
    answer(/\/images/, { detail: "The report is not there any more." }, 410);
    show();
    expect((await screen.findAllByText("The report is not there any more.")).length).toBeGreaterThan(0);
    expect(screen.getByText("$2.50")).toBeDefined();
  });

  it("keeps a mistake of its own from taking the host's page away", async () => {
    const reported = vi.spyOn(console, "error").mockImplementation(() => undefined);
    answer(/return_value/, { value: { ...SUMMARY, rules: null } });
    show();
    expect(await screen.findByRole("alert")).toBeDefined();
    reported.mockClear(); // React reports there what the boundary caught.
  });

  it("asks for the mapped task whose index the host names", async () => {
    answer(/return_value/, { value: SUMMARY });
    show({ dagId: "d", runId: "r", taskId: "t", mapIndex: "3" });
    await screen.findByText("$2.50");
    expect(asked.find((url) => url.pathname.includes("return_value"))?.searchParams.get("map_index")).toBe("3");
  });
});

describe("the tab of an audit", () => {
  beforeEach(() => {
    answer(/return_value/, { value: AUDIT });
    answer(/\/repositories/, { columns: COLUMNS, rows: ROWS });
  });

  it("shows totals, findings, failures and what has no policy", async () => {
    show();
    expect(await screen.findByText("1,234")).toBeDefined();
    expect(screen.getByText("8 without a policy, 2 failed")).toBeDefined();
    expect(screen.getByText(/remove the rule, or correct its tags/)).toBeDefined();
    expect(screen.getByRole("link", { name: "the report" }).getAttribute("href")).toBe(
      "/airflow/ecr-preview/dags/d/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00/tasks/t/report?map_index=-1",
    );
    expect(screen.getByRole("link", { name: "the run" }).getAttribute("href")).toMatch(/\/plugin\/ecr-preview-run$/);
    expect(screen.getByText(/shop\/denied.*no right/)).toBeDefined();
    expect(screen.getByText(/shop\/bare/)).toBeDefined();
    expect(screen.getByText(/1 part of the audit is missing/)).toBeDefined();
    expect(screen.getByRole("button", { name: "4 repositories" })).toBeDefined();
  });

  it("lists the repositories of a finding, and leads to one of them", async () => {
    answer(/\/repositories/, { columns: COLUMNS, rows: [...ROWS, ["123456789012", "eu-west-1", "shop/web", "previewed", null, 1, 0, 2, 3, "dead_rule", null]] });
    Element.prototype.scrollIntoView = () => undefined;
    show();
    await screen.findByText("1–50 of 5,001 repositories");
    fireEvent.click(screen.getByRole("button", { name: "4 repositories" }));
    expect(screen.getByText("1–2 of 2 repositories")).toBeDefined();
    fireEvent.click(screen.getAllByRole("button", { name: "shop/web" })[0]!);
    expect(await screen.findByRole("heading", { name: "shop/web" })).toBeDefined();
    expect(screen.getByText("of 2")).toBeDefined();
    expect(screen.getAllByText(/remove the rule, or correct its tags/)).toHaveLength(2);
    expect(screen.getByText(/The audit wrote no image lists/)).toBeDefined();
  });

  it("shows the whole summary of a repository where the audit holds it", async () => {
    answer(/return_value/, { value: { ...AUDIT, summaries: [{ ...SUMMARY, repository_name: "team/service-4999" }] } });
    show();
    fireEvent.click(await screen.findByRole("button", { name: "team/service-4999" }));
    expect(await screen.findByText("The newest image would expire.", { exact: false })).toBeDefined();
    await screen.findByText("v1");
    expect(asked.filter((url) => url.pathname.endsWith("/images")).at(-1)?.searchParams.get("repository_name")).toBe("team/service-4999");
  });

  it.each([
    ["those that would lose images", 4999],
    ["with a finding", 1],
    ["without a policy", 1],
    ["that failed", 1],
  ])("shows only repositories %s", async (kind, total) => {
    const others = [
      ["1", "r", "shop/bare", "without_policy", null, null, null, null, null, "", null],
      ["1", "r", "shop/denied", "failed", `no right ${MARKUP}`, null, null, null, null, "", null],
    ];
    answer(/\/repositories/, { columns: COLUMNS, rows: [...ROWS, ...others] });
    show();
    await screen.findByText("1–50 of 5,002 repositories");
    fireEvent.change(screen.getByLabelText("Show"), { target: { value: screen.getByRole<HTMLOptionElement>("option", { name: kind }).value } });
    expect(screen.getByText(new RegExp(`of ${total.toLocaleString("en")} repositories`))).toBeDefined();
    expect(screen.queryByText(`no right ${MARKUP}`) !== null).toBe(kind === "that failed");
  });

  it("tells what changed since the audit before, and shows the sums of each registry and Region", async () => {
    const changed = (name: string) => ({
      registry_id: "1", region_name: "r", repository_name: name, newly_affected_image_count: 3, no_longer_affected_image_count: 0,
      affected_image_count_before: 4, affected_image_count: 7, policy_changed: true, alarm: null,
    });
    answer(/return_value/, {
      value: {
        ...AUDIT,
        registries: ["r", "s"].map((region_name) => ({ ...AUDIT, registry_id: "1", region_name, repository_count: 30 })),
        changes: {
          compared_count: 9, counts_only_count: 0, appeared_count: 1, disappeared_count: null, newly_affected_image_count: 27,
          no_longer_affected_image_count: 0, policy_changed_count: 1, disappeared: [], notes: [MARKUP],
          alarms: [{ ...changed("shop/alarm"), alarm: "27 more images" }],
          top: Array.from({ length: 9 }, (_, at) => changed(`shop/changed-${at}`)),
        },
      },
    });
    const { container } = show();
    expect(await screen.findByText(/27 more images would go, 0 no longer; 1 policy changed, 1 repository appeared\./)).toBeDefined();
    expect(screen.getByText(/shop\/alarm.*27 more images/)).toBeDefined();
    expect(screen.getAllByRole("button", { name: /shop\/changed/ })).toHaveLength(5);
    fireEvent.click(screen.getByRole("button", { name: /Show all 9/ }));
    expect(screen.getAllByRole("button", { name: /shop\/changed/ })).toHaveLength(9);
    expect(within(screen.getByRole("region", { name: "Registries and Regions" })).getAllByRole("row")).toHaveLength(3);
    expect(container.querySelector("img")).toBeNull();
  });

  it("draws the repositories by their bytes, and tells of the largest who does not see it", async () => {
    show();
    const map = await screen.findByRole("figure", { name: /Bytes at most, by repository, the 60 largest/ });
    expect(map.getAttribute("aria-label")).toContain("team/service-4999 with 5.0 MB");
  });

  it("shows the exact bytes where an audit has read the manifests", async () => {
    show();
    await screen.findByText("1–50 of 5,000 repositories");
    expect(screen.queryByRole("button", { name: /^Bytes exactly/ })).toBeNull();
    cleanup();
    const exact = (row: unknown[]) => [...row, row[2] === "team/service-0004" ? 1_500_000 : 0];
    answer(/\/repositories/, { columns: [...COLUMNS, "expiring_bytes_exact"], rows: ROWS.slice(0, 5).map(exact) });
    show();
    expect(await screen.findByRole("button", { name: /^Bytes exactly/ })).toBeDefined();
    expect(screen.getByText("1.5 MB")).toBeDefined();
  });

  it("sorts, searches and pages 5,000 repositories", async () => {
    show();
    expect(await screen.findByText("1–50 of 5,000 repositories")).toBeDefined();
    const names = () => screen.getAllByRole("button", { name: /^team\// }).map((button) => button.textContent);
    expect(names()[0]).toBe("team/service-4999");
    fireEvent.click(screen.getByRole("button", { name: /^Repository/ }));
    expect(names()[0]).toBe("team/service-0000");
    fireEvent.change(screen.getByLabelText("Search repositories and findings"), { target: { value: "dead_rule" } });
    await waitFor(() => expect(names()).toEqual(["team/service-0007"]));
    expect(screen.getByText("1–1 of 1 repositories")).toBeDefined();
  });

  it("leads from a repository to its images and back", async () => {
    show();
    fireEvent.click(await screen.findByRole("button", { name: "team/service-4999" }));
    await screen.findByText("v1");
    expect(asked.at(-1)?.searchParams.get("repository_name")).toBe("team/service-4999");
    fireEvent.click(screen.getByRole("button", { name: "Back to the audit" }));
    expect(await screen.findByText("1,234")).toBeDefined();
  });

  it("falls back to the repositories of the result where there is no table", async () => {
    answer(/\/repositories/, { detail: "no table" }, 404);
    answer(/return_value/, { value: { ...AUDIT, top: [{ ...SUMMARY, repository_name: "shop/web", findings: [] }] } });
    show();
    expect(await screen.findByRole("button", { name: "shop/web" })).toBeDefined();
  });
});

function entries(...tasks: [dag: string, timestamp: string][]) {
  return {
    total_entries: tasks.length,
    xcom_entries: tasks.map(([dag_id, timestamp]) => ({ dag_id, run_id: timestamp, task_id: "audit", map_index: -1, timestamp })),
  };
}

const MARKER = { value: { kind: "audit", counts: { repository_count: 60, expiring_image_count: 9, expiring_bytes_upper_bound: 1 } } };

describe("the tab of a comparison of policies", () => {
  const numbers = {
    expiring_image_count: 40,
    archiving_image_count: 0,
    expiring_bytes_upper_bound: null,
    newly_affected_image_count: 0,
    newly_affected_bytes_upper_bound: 0,
    no_longer_affected_image_count: 0,
    action_changed_image_count: 0,
    newly_affected_image_digests: [] as string[],
    no_longer_affected_image_digests: [],
  };
  const finding = (code: string) => ({ code, severity: "critical", message: MARKUP, image_digests: [] });
  const repository = (name: string, newly: number) => ({
    registry_id: "123456789012",
    region_name: "eu-west-1",
    repository_name: name,
    policies: [
      { ...numbers, policy: "applied", findings: [finding("dead_rule")] },
      {
        ...numbers,
        policy: "candidate",
        newly_affected_image_count: newly,
        newly_affected_image_digests: [`sha256:${"a".repeat(64)}`],
        findings: [finding("dead_rule"), ...(newly > 5 ? [finding("newest_image_expires")] : [])],
      },
    ],
  });
  const COMPARISON = {
    schema: "ecr-lifecycle-comparison/1",
    compared_at: "2026-11-20T10:00:00+00:00",
    method: "simulation",
    repository_count: 90,
    failed_count: 1,
    differing_repository_count: 70,
    policies: [
      { ...numbers, policy: "applied", findings: {} },
      { ...numbers, policy: "candidate", newly_affected_image_count: 1234, findings: { newest_image_expires: 3 } },
    ],
    repositories: [repository("shop/web", 3), repository("shop/api", 9)],
    errors: {},
    failures: [{ registry_id: null, region_name: "eu-west-1", repository_name: "shop/denied", error: "E", message: MARKUP }],
  };

  it("shows what a candidate would take beside the applied policy, in all and by repository", async () => {
    answer(/return_value/, { value: COMPARISON });
    const { container } = show();
    expect(await screen.findByText("applied and candidate compared")).toBeDefined();
    expect(screen.getByText(/not a preview of ECR's/)).toBeDefined();
    expect(screen.getByText("1,234")).toBeDefined();
    expect(screen.getByText("newest_image_expires (3)")).toBeDefined();
    expect(screen.getByText("The 2 that differ most are listed.")).toBeDefined();
    const rows = within(screen.getByRole("region", { name: "Repositories" })).getAllByRole("row");
    expect(rows.map((row) => row.querySelector("td")?.textContent?.slice(0, 8))).toEqual([undefined, "shop/api", "shop/web"]);
    expect(within(rows[1]!).getByText("newest_image_expires")).toBeDefined();
    expect(within(rows[1]!).queryByText("dead_rule")).toBeNull();
    expect(within(rows[1]!).getByText("aaaaaaaaaaaa")).toBeDefined();
    expect(screen.getByText(/shop\/denied/).textContent).toContain(MARKUP);
    expect(container.querySelector("img")).toBeNull();
  });

  it("is searched and sorted", async () => {
    answer(/return_value/, { value: COMPARISON });
    show();
    await screen.findByText("applied and candidate compared");
    const names = () => screen.getAllByText(/^shop\/(web|api)/).map((cell) => cell.textContent?.slice(0, 8));
    fireEvent.click(screen.getByRole("button", { name: /^Repository/ }));
    expect(names()).toEqual(["shop/api", "shop/web"]);
    fireEvent.click(screen.getByRole("button", { name: /^Repository/ }));
    expect(names()).toEqual(["shop/web", "shop/api"]);
    fireEvent.change(screen.getByLabelText("Search repositories and findings"), { target: { value: "newest" } });
    await waitFor(() => expect(names()).toEqual(["shop/api"]));
  });
});

describe("the tab of a run", () => {
  const run = { dagId: "d", runId: "r" };

  beforeEach(() => answer(/dagRuns\/r$/, { state: "success" }));

  function preview(counts: object) {
    return { value: { kind: "summary", counts: { registry_id: "1", region_name: "r", ...counts } } };
  }

  it("shows its one audit in full, and each task with a link to its tab", async () => {
    answer(/xcomEntries\/ecr_lifecycle_preview/, MARKER);
    answer(/return_value/, { value: AUDIT });
    answer(/xcom_key=/, entries(["d", "2026-11-20T10:00:00Z"]));
    show(run);
    expect(await screen.findByText("1,234")).toBeDefined();
    expect(screen.queryByText("Every ECR preview of this run")).toBeNull();
    expect(screen.getByRole("link", { name: "the task" }).getAttribute("href")).toBe(
      "/airflow/dags/d/runs/2026-11-20T10%3A00%3A00Z/tasks/audit/plugin/ecr-preview",
    );
  });

  it("adds up its previews, each repository once", async () => {
    answer(/xcom_key=/, entries(["d", "1"], ["d", "2"], ["d", "3"]));
    const of = (repository_name: string, images: number) => ({
      repository_name, expiring_image_count: images, archiving_image_count: 0, total_image_count: 100, expiring_bytes_upper_bound: 1e9,
    });
    answer(/dagRuns\/1\/.*ecr_lifecycle_preview/, preview(of("shop/api", 11)));
    answer(/dagRuns\/2\/.*ecr_lifecycle_preview/, preview(of("shop/api", 20)));
    answer(/dagRuns\/3\/.*ecr_lifecycle_preview/, preview(of(MARKUP, 5)));
    answer(/xcom_key=/, entries(["d", "1"], ["d", "2"], ["d", "3"]));
    const { container } = show(run);
    expect(await screen.findByText("of 200")).toBeDefined();
    expect(screen.getByText("25")).toBeDefined();
    expect(screen.getByText("$0.20")).toBeDefined();
    expect(screen.getAllByRole("link")).toHaveLength(3);
    expect(container.querySelector("img")).toBeNull();
  });

  it("has no sum of what is not all known", async () => {
    answer(/xcom_key=/, entries(["d", "1"], ["d", "2"]));
    answer(/dagRuns\/1\/.*ecr_lifecycle_preview/, preview({ repository_name: "a", expiring_bytes_upper_bound: 5 }));
    answer(/dagRuns\/2\/.*ecr_lifecycle_preview/, preview({ repository_name: "b", expiring_bytes_upper_bound: null }));
    show(run);
    expect((await screen.findAllByText("not known")).length).toBeGreaterThan(0);
  });

  it("shows thousands of mapped previews a page at a time, and asks for no others", async () => {
    answer(/xcomEntries\/ecr_lifecycle_preview/, preview({ repository_name: "a", expiring_image_count: 1 }));
    answer(/xcom_key=/, (url: URL) => {
      if (url.searchParams.has("map_index")) {
        return [200, entries()];
      }
      const offset = Number(url.searchParams.get("offset"));
      const xcom_entries = Array.from({ length: 50 }, (_, at) => ({
        dag_id: "d", run_id: "r", task_id: "mapped", map_index: offset + at, timestamp: "2026-11-20T10:00:00Z",
      }));
      return [200, { total_entries: 5000, xcom_entries }];
    });
    show(run);
    expect(await screen.findByText("1–50 of 5,000 previews")).toBeDefined();
    fireEvent.click(screen.getByRole("button", { name: "Next" }));
    expect(await screen.findByRole("link", { name: /mapped \[99\]/ })).toBeDefined();
    expect(asked.filter((url) => /xcomEntries\/ecr_/.test(url.pathname))).toHaveLength(100);
  });

  it("shows the audit of which its many mapped tasks are parts", async () => {
    answer(/xcomEntries\/ecr_lifecycle_preview/, MARKER);
    answer(/return_value/, { value: AUDIT });
    answer(/xcom_key=/, (url: URL) => [
      200,
      url.searchParams.has("map_index") ? entries(["d", "2026-11-20T10:00:00Z"]) : { ...entries(["d", "1"]), total_entries: 61 },
    ]);
    show(run);
    expect(await screen.findByText("1,234")).toBeDefined();
    expect(screen.getByText("1–50 of 61 previews")).toBeDefined();
  });

  it("says what it is of while the run goes on, and looks again until it has ended", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    answer(/dagRuns\/r$/, { state: "running" });
    answer(/xcom_key=/, entries());
    show(run);
    expect(await screen.findByText("This run is running and has no ECR result yet.")).toBeDefined();
    answer(/xcom_key=/, entries(["d", "1"], ["d", "2"]));
    answer(/xcomEntries\/ecr_lifecycle_preview/, preview({ repository_name: "a", expiring_image_count: 7 }));
    await vi.advanceTimersByTimeAsync(5_100);
    expect(await screen.findByText(/more may follow/)).toBeDefined();
    answer(/dagRuns\/r$/, { state: "success" });
    await vi.advanceTimersByTimeAsync(10_200);
    await waitFor(() => expect(screen.queryByText(/more may follow/)).toBeNull());
    const found = asked.length;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(asked.length).toBe(found);
    vi.useRealTimers();
  });

  it("says that there is none", async () => {
    answer(/xcom_key=/, entries());
    show(run);
    expect(await screen.findByText("This run has no ECR task.")).toBeDefined();
  });
});

describe("the page of the registry", () => {
  beforeEach(() => {
    answer(/xcomEntries\/ecr_lifecycle_preview/, MARKER);
    answer(/return_value/, { value: AUDIT });
    answer(/xcom_key=/, entries(["d", "2026-11-19T10:00:00Z"], ["d", "2026-11-20T10:00:00Z"], ["hidden", "2026-11-18T10:00:00Z"]));
    answer(/dags\/hidden\//, {}, 403);
    answer(/\/repositories/, (url: URL) => [
      200,
      { columns: COLUMNS, rows: ROWS.slice(0, url.pathname.includes("2026-11-20") ? 3 : 2) },
    ]);
  });

  it("shows the latest audit that the user may read, and none of a DAG that may not be read", async () => {
    show({});
    expect(await screen.findByText("1,234")).toBeDefined();
    const options = within(screen.getByLabelText("Audit")).getAllByRole("option");
    expect(options.map((option) => option.textContent?.slice(0, 10))).toEqual(["2026-11-20", "2026-11-19"]);
  });

  it("opens the audit that a link names, also when it is not among the latest, and none in its place", async () => {
    const link = (audit: string) =>
      vi.stubGlobal("ReactRouterDOM", {
        useSearchParams: () => [new URLSearchParams({ audit }), () => undefined],
        Link: ({ to, children }: { to: string; children: string }) => <a href={to}>{children}</a>,
      });
    link("old/scheduled__2025%2F1/audit");
    const { unmount } = show({});
    expect(await screen.findByText("1,234")).toBeDefined();
    expect(asked.some((url) => url.pathname.includes("/dags/old/dagRuns/scheduled__2025%2F1/taskInstances/audit/"))).toBe(true);
    unmount();
    link("hidden/2026-11-18T10:00:00Z/audit");
    show({});
    expect(await screen.findByText(/no longer exists, or you may not read it/)).toBeDefined();
    expect(screen.queryByText("1,234")).toBeNull();
    vi.unstubAllGlobals();
  });

  it("compares of two audits that are not wholly known what both name, and says so", async () => {
    show({});
    await screen.findByText("1,234");
    expect(await screen.findByText(/only the repositories that the result of the audit names/)).toBeDefined();
    fireEvent.change(screen.getByLabelText("Compare with"), {
      target: { value: within(screen.getByLabelText("Compare with")).getAllByRole<HTMLOptionElement>("option")[1]?.value },
    });
    expect(await screen.findByText(/Only repositories that the results of both audits name/)).toBeDefined();
    expect(screen.getByText("The two audits say the same of every repository.")).toBeDefined();
  });

  it("compares two audits", async () => {
    answer(/return_value/, (url: URL) => [
      200,
      { value: { ...AUDIT, missing_part_count: 0, repository_count: url.pathname.includes("2026-11-20") ? 3 : 2 } },
    ]);
    show({});
    await screen.findByText("1,234");
    fireEvent.change(screen.getByLabelText("Compare with"), {
      target: { value: within(screen.getByLabelText("Compare with")).getAllByRole<HTMLOptionElement>("option")[1]?.value },
    });
    expect(await screen.findByText("1 repository differs.")).toBeDefined();
    expect(screen.getByText("team/service-0002")).toBeDefined();
  });

  it("finds the latest audits whatever the order in which the host lists them", async () => {
    // Airflow 3.1 sorts by DAG; later releases as they are asked to.
    answer(/xcom_key=/, (url: URL) => {
      const offset = Number(url.searchParams.get("offset"));
      const all = Array.from({ length: 250 }, (_, at) => new Date(Date.UTC(2026, 0, 1, 0, (at * 7) % 250)).toISOString());
      const { xcom_entries } = entries(...all.map((time): [string, string] => ["d", time]));
      return [200, { total_entries: 250, xcom_entries: xcom_entries.slice(offset, offset + 100) }];
    });
    show({});
    const options = within(await screen.findByLabelText("Audit")).getAllByRole("option");
    expect(options[0]?.textContent).toContain("2026-01-01 04:09 UTC");
    expect(options).toHaveLength(30);
    expect(asked.find((url) => url.searchParams.has("xcom_key"))?.search).toContain("map_index=-1&order_by=-timestamp");
  });

  it("looks past previews of single repositories for audits", async () => {
    const times = Array.from({ length: 300 }, (_, at) => new Date(Date.UTC(2026, 0, 1, 0, 300 - at)).toISOString());
    const { xcom_entries } = entries(...times.map((time): [string, string] => ["d", time]));
    answer(/xcom_key=/, (url: URL) => {
      const offset = Number(url.searchParams.get("offset"));
      return [200, { total_entries: 300, xcom_entries: xcom_entries.slice(offset, offset + 100) }];
    });
    answer(/xcomEntries\/ecr_lifecycle_preview/, (url: URL) =>
      url.pathname.includes(encodeURIComponent(times[205]!)) ? [200, MARKER] : [200, { value: { kind: "summary", counts: {} } }],
    );
    show({});
    expect(within(await screen.findByLabelText("Audit")).getAllByRole("option")).toHaveLength(1);
  });

  it("shows the task that the address names, on a page of its own", async () => {
    const parameters = new URLSearchParams({ dag_id: "d", run_id: "r", task_id: "t", map_index: "2" });
    vi.stubGlobal("ReactRouterDOM", {
      useSearchParams: () => [parameters, () => undefined],
      Link: ({ to, children }: { to: string; children: string }) => <a href={to}>{children}</a>,
    });
    answer(/return_value/, { value: SUMMARY });
    show({});
    expect(await screen.findByText("$2.50")).toBeDefined();
    expect(screen.getByRole("link", { name: "d / r / t [2]" }).getAttribute("href")).toBe("/dags/d/runs/r/tasks/t/mapped/2/plugin/ecr-preview");
    expect(asked.find((url) => url.pathname.includes("return_value"))?.searchParams.get("map_index")).toBe("2");
    vi.unstubAllGlobals();
  });

  it("says how to begin when there is no audit", async () => {
    answer(/xcom_key=/, entries());
    show({});
    expect(await screen.findByText(/There is no audit that you may read yet/)).toBeDefined();
  });
});
