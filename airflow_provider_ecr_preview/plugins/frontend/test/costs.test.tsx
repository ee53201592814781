import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { asForm, dollars, ownersOf, sumsOf } from "../src/costs";
import { ticks } from "../src/charts/TrendOverTime";
import EcrPreview from "../src/main";
import type { AuditedRepository } from "../src/types";
import { FakeAirflow, pageText, seen } from "./server";

const STORAGE = {
  measured_repository_count: 3,
  unmeasured_repository_count: 1,
  stored_bytes_upper_bound: 70_000_000_000,
  monthly_cost_usd: 7,
  leaving_monthly_cost_usd: 0.5,
  saved_monthly_cost_usd: 0,
  never_pulled_monthly_cost_usd: 4,
};

const AUDIT = {
  schema: "ecr-lifecycle-audit/1",
  audit_id: "weekly",
  audited_at: "2026-11-20T10:00:00+00:00",
  missing_part_count: 0,
  repository_count: 4,
  previewed_count: 2,
  without_policy_count: 1,
  failed_count: 1,
  expiring_image_count: 5,
  archiving_image_count: 0,
  total_image_count: 20,
  expiring_bytes_upper_bound: 1,
  expiring_bytes_upper_bound_known: 1,
  findings: [],
  failures: [],
  without_policy: [],
  registries: [],
  registries_left_out: 0,
  top: [],
  summaries: null,
  report_uri: "file:///reports/a.md",
  changes: null,
  storage: STORAGE,
  owners: [],
  owners_left_out: 0,
  acknowledgements: [
    entry({ code: "dead_rule", finding_count: 2, repository_names: ["payments/api"] }),
    entry({ code: "shadowed_rule", has_ended: true, finding_count: 1 }),
    entry({ code: "storage_class_costs", finding_count: 0 }),
    entry({ code: "image_quota_near", finding_count: 0, failed_repository_count: 1 }),
    entry({ code: "expected_policy_unknown", finding_count: 0, has_ended: true }),
  ],
};

function entry(fields: Record<string, unknown>) {
  return {
    repositories: "payments/*", code: "", reason: "Goes in March", until: "2027-03-31", has_ended: false,
    finding_count: 0, failed_repository_count: 0, repository_names: [], ...fields,
  };
}

const COLUMNS = [
  "registry_id", "region_name", "repository_name", "status", "message", "expiring_image_count", "finding_codes", "images_uri",
  "owner", "owner_tag", "stored_bytes_upper_bound", "monthly_cost_usd", "leaving_monthly_cost_usd", "saved_monthly_cost_usd",
  "never_pulled_monthly_cost_usd",
];
const ROWS = [
  row("payments/api", "previewed", "payments", 50e9, 5, 0.5, 0, 1),
  row("payments/worker", "previewed", "payments", 10e9, 1, 0, 0, 1),
  row("web/old", "without_policy", null, 10e9, 1, 0, 0, 2),
  row("web/broken", "failed", null, null, null, null, null, null),
];

function row(name: string, status: string, owner: string | null, ...costs: (number | null)[]) {
  return ["123456789012", "eu-west-1", name, status, null, 1, null, null, owner, status === "failed" ? null : "team", ...costs];
}

function repository(name: string, owner: string | null, cost: number | null): AuditedRepository {
  return {
    registry_id: "1", region_name: "r", repository_name: name, status: "previewed", message: null, findings: [], images_uri: null,
    expiring_image_count: 0, archiving_image_count: 0, total_image_count: 0, expiring_bytes_upper_bound: 0, policy_fingerprint: null,
    owner, cost, stored_bytes: 1, never_pulled_cost: 0, saved_cost: 0, leaving_cost: 0,
  };
}

let airflow: FakeAirflow;
beforeEach(() => {
  window.history.replaceState(null, "", "/");
  airflow = new FakeAirflow();
  airflow.task(AUDIT);
  airflow.answer(/\/taskInstances\?/, { task_instances: [] });
  airflow.answer(/\/repositories\?/, { columns: COLUMNS, rows: ROWS });
});
afterEach(cleanup);

const show = () => render(<EcrPreview dagId="d" runId="r" taskId="t" />);

describe("what it costs", () => {
  it("shows the sums, the owners and the most wasteful repository first", async () => {
    show();
    await seen("What it costs");
    expect(pageText()).toContain("$7.00");
    expect(pageText()).toContain("Goes within a day anyway$0.50");
    expect(pageText()).toContain("The images of 1 repository were not measured");
    const owners = within(await screen.findByRole("region", { name: "By owner" })).getAllByRole("row").slice(1);
    expect(owners.map((each) => each.textContent)).toEqual([
      "payments260 GB$6.00$2.00$0.50",
      "untagged110 GB$1.00$2.00$0.00",
      "not known1––––",
    ]);
    const wasteful = within(screen.getByRole("region", { name: "Most wasteful repositories" })).getAllByRole("button");
    expect(wasteful.map((each) => each.textContent)).toEqual(["web/old", "payments/api", "payments/worker"]);
  });

  it("keeps to one owner when their name is clicked, also in the list of repositories, and says so in the address", async () => {
    show();
    fireEvent.click(await screen.findByRole("button", { name: "payments" }));
    await seen("Only repositories of");
    expect(window.location.search).toBe("?owner=payments");
    expect(pageText()).toContain("Costs in a month$6.00");
    expect(pageText()).not.toContain("web/old");
    fireEvent.click(screen.getByRole("button", { name: "Show all owners" }));
    expect(await screen.findAllByText("web/old")).not.toHaveLength(0);
  });

  it("opens the view of an owner from a link, also of the untagged", async () => {
    window.history.replaceState(null, "", "/?owner=(untagged)");
    show();
    await seen("Only repositories of");
    expect(within(screen.getByRole("region", { name: "Most wasteful repositories" })).getAllByRole("checkbox")).toHaveLength(1);
  });

  it("says when no repository has the owner of a link", async () => {
    window.history.replaceState(null, "", "/?owner=nobody");
    show();
    await seen("No repository of this audit has this owner");
  });

  it("leads from the most wasteful repository to why it is kept", async () => {
    show();
    fireEvent.click((await screen.findAllByRole("button", { name: "web/old" }))[0]!);
    await seen("has no lifecycle policy");
  });

  it("carries a selection in the address and hands it on as the configuration of a run", async () => {
    show();
    fireEvent.click(await screen.findByRole("checkbox", { name: "Select payments/api" }));
    fireEvent.click(screen.getByRole("checkbox", { name: "Select web/old" }));
    await seen("2 repositories selected: 60 GB, $6.00 a month");
    expect(screen.getByRole("region", { name: "configuration of a run" }).textContent).toContain('"include": "payments/api, web/old"');
    const address = window.location.search;
    cleanup();
    window.history.replaceState(null, "", `/${address}`);
    show();
    await seen("2 repositories selected");
    fireEvent.click(screen.getByRole("button", { name: "Clear the selection" }));
    expect(window.location.search).toBe("");
  });

  it("shows accepted findings apart, and says which are back and which match nothing", async () => {
    show();
    const section = within(await screen.findByRole("region", { name: "Acknowledged findings" }));
    const items = section.getAllByRole("listitem").map((each) => each.textContent ?? "");
    expect(items[0]).toContain("2 repositories have this finding, and it is not counted above, for example payments/api");
    expect(items[1]).toContain("This has ended, so the finding counts again in 1 repository");
    expect(items[2]).toContain("matches no finding");
    expect(items[3]).toContain("Not known: 1 repository of these could not be previewed");
    expect(items[4]).toContain("matches nothing: remove it");
  });

  it("shows the first of the result where the tables cannot be read", async () => {
    airflow.answer(/\/repositories\?/, { detail: "no list" }, 404);
    airflow.task({
      ...AUDIT,
      owners: [{ ...STORAGE, owner: "payments", repository_count: 3 }],
      owners_left_out: 2,
      wasteful: [{
        registry_id: "1", region_name: "r", repository_name: "payments/api", owner: "payments", status: "previewed",
        stored_bytes_upper_bound: 1e9, monthly_cost_usd: 0.1, leaving_monthly_cost_usd: 0, saved_monthly_cost_usd: 0,
        never_pulled_monthly_cost_usd: 0.004,
      }],
    });
    show();
    await seen("and 2 more owners");
    expect(within(screen.getByRole("region", { name: "Most wasteful repositories" })).getByText("< $0.01")).toBeDefined();
  });
});

describe("the trend", () => {
  const point = (days: number, fields: Record<string, unknown> = {}) => ({
    audit_id: days === 90 ? "weekly" : `weekly ${days}`, audited_at: new Date(Date.UTC(2026, 7, 22) + days * 864e5).toISOString(),
    dag_id: "d", selection: null, repository_count: 4, failed_count: 0, missing_part_count: 0, expiring_image_count: 5 + days,
    expiring_bytes_upper_bound: 1, critical_finding_count: 1, warning_finding_count: 1, info_finding_count: 0,
    acknowledged_finding_count: 0, stored_bytes_upper_bound: 1e9 * days, monthly_cost_usd: days / 10, never_pulled_monthly_cost_usd: 0,
    ...fields,
  });

  it("shows bytes, cost, images and findings over months, of the same repositories only", async () => {
    airflow.task({ ...AUDIT, trend_uri: "file:///reports/trend/a.jsonl" });
    airflow.answer(/\/trend\?/, { points: [point(0), point(30, { missing_part_count: 1 }), point(60, { selection: "web/*" }), point(90)] });
    show();
    const section = within(await screen.findByRole("region", { name: "Trend" }));
    expect((await section.findAllByRole("figure")).map((each) => each.getAttribute("aria-label"))).toEqual([
      "Stored, at most: 0 B at 2026-08-22 00:00 UTC, 90 GB at 2026-11-20 00:00 UTC.",
      "Costs in a month: $0.00 at 2026-08-22 00:00 UTC, $9.00 at 2026-11-20 00:00 UTC.",
      "Images that would be deleted: 5 at 2026-08-22 00:00 UTC, 95 at 2026-11-20 00:00 UTC.",
      "Findings, without those accepted: 2 at 2026-08-22 00:00 UTC, 2 at 2026-11-20 00:00 UTC.",
    ]);
    expect(pageText()).toContain("3 audits from 2026-08-22 00:00 UTC to 2026-11-20 00:00 UTC; 1 of them lack a part");
  });

  it("says that it begins where there is one audit, and leaves out what was never measured", async () => {
    airflow.task({ ...AUDIT, trend_uri: "file:///reports/trend/a.jsonl" });
    airflow.answer(/\/trend\?/, { points: [point(90)] });
    show();
    await seen("The trend begins with this audit");
    cleanup();
    airflow.answer(/\/trend\?/, { points: [point(0), point(90)].map((each) => ({ ...each, stored_bytes_upper_bound: null, monthly_cost_usd: null })) });
    show();
    expect(await within(await screen.findByRole("region", { name: "Trend" })).findAllByRole("figure")).toHaveLength(2);
  });

  it("is not asked for where the audit wrote none", async () => {
    show();
    await seen("What it costs");
    expect(airflow.asked.filter((url) => url.pathname.endsWith("/trend"))).toEqual([]);
  });

  it("puts days on the axis by time", () => {
    expect(ticks(0, 10 * 864e5, 3)).toEqual([0, 5 * 864e5, 10 * 864e5]);
    expect(ticks(5, 5, 3)).toEqual([5]);
  });
});

describe("sums", () => {
  it("agree between the whole and its owners, cent by cent", () => {
    const all = [0.1, 0.2, 0.3, 0.000001, null].map((cost, at) => repository(`a/${at}`, at % 2 ? "web" : "", cost));
    const owners = ownersOf(all, true, AUDIT as never);
    const total = Math.round(owners.reduce((sum, { sums }) => sum + sums.cost, 0) * 1e6);
    expect(total).toBe(Math.round(sumsOf(all).cost * 1e6));
    expect(sumsOf(all).cost).toBe(0.600001);
  });

  it("have no owner where no tags were read", () => {
    expect(ownersOf([repository("a", null, 1)], true, AUDIT as never)).toEqual([]);
  });

  it("are shown as people write them, and never a cost as nothing", () => {
    expect([null, 0, 0.004, 1234.5].map(dollars)).toEqual(["–", "$0.00", "< $0.01", "$1,234.50"]);
  });

  it("name each selected repository once", () => {
    const twice = [repository("b", "", 1), repository("a", "", 1), { ...repository("b", "", 1), region_name: "other" }];
    expect(JSON.parse(asForm(twice)).include).toBe("a, b");
  });
});
