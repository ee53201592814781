import { readFileSync } from "node:fs";
import { join } from "node:path";

import axe from "axe-core";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { failureIn, readMarker } from "../src/api";
import { diffLines, policyLines } from "../src/diff";
import EcrPreview from "../src/main";
import { resultOf } from "../src/results";
import { FakeAirflow, pageText, seen } from "./server";

const FROZEN = join(import.meta.dirname, "../../../../tests/frozen/0.1.0");
const MARKUP = '<img src=x onerror="document.title=1">';

function frozen(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(FROZEN, `${name}.json`), "utf8")) as Record<string, unknown>;
}

let airflow: FakeAirflow;

beforeEach(() => {
  airflow = new FakeAirflow();
});

afterEach(cleanup);

function show() {
  return render(<EcrPreview dagId="d" runId="r" taskId="t" />);
}

async function violations(): Promise<string[]> {
  const found = await axe.run(document.querySelector("main") ?? document.body, { rules: { "color-contrast": { enabled: false } } });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 300)).join(" ")}`);
}

describe("an approval", () => {
  const approval = {
    schema: "ecr-lifecycle-approval/1",
    action: "delete",
    dry_run: false,
    digest: "d".repeat(64),
    repository_count: 1,
    repositories: null,
    repositories_uri: null,
    chosen_options: ["Approve"],
    responded_at: "2026-11-24T12:00:00+00:00",
    responded_by_user: { id: "1", name: "ada" },
  };

  it.each([
    ["2026-11-24T11:00:00+00:00", true],
    ["2026-11-24T13:00:00+00:00", false],
    [null, false],
    [undefined, false],
  ])("whose answer was due by %s says whether it came too late, and what to clear", async (answerBy, isLate) => {
    airflow.task({ ...approval, answer_by: answerBy });
    show();
    await waitFor(() => expect(pageText()).toContain("Approved by ada"));
    expect(pageText().includes("clear the task that previews")).toBe(isLate);
    expect((await violations()).join("\n")).toBe("");
  });
});

describe("results of the first release", () => {
  it.each([
    ["cleanup_done", /FOR GOOD 9 images were deleted, at most 472 MB\./],
    ["cleanup_dry_run", /DRY RUN Nothing was deleted\. \d+ images? would be deleted/],
    ["cleanup_blocked", /Nothing was deleted\. A check blocks 1 repository\./],
    ["cleanup_archived", /Nothing was archived\. A check blocks 1 repository\..*To lift|tags_unchanged/],
    ["put", /FOR GOOD The policies of 1 repository were changed\./],
    ["put_dry_run", /DRY RUN No policy was changed\. The policies of 1 repository would be changed\./],
    ["put_blocked", /No policy was changed\./],
    ["put_with_path", /The former policies are kept at/],
    ["restore", /FOR GOOD The policies of 1 repository were changed\./],
    ["reconciliation", /ECR has not acted yet/],
    ["in_use", /1 image in use/],
    ["comparison", /applied and candidate compared/],
    ["audit", /an audit deletes nothing/],
  ])("%s is shown, without the keys that came later", async (name, text) => {
    airflow.task(frozen(name));
    show();
    await waitFor(() => expect(pageText()).toMatch(text));
    expect((await violations()).join("\n")).toBe("");
  });

  it("a started preview is known by its operator", async () => {
    airflow.task(frozen("started"), { operator_name: "EcrStartLifecyclePolicyPreviewOperator" });
    show();
    await seen("Preview of payments/api");
  });
});

describe("the names of repositories", () => {
  it.each([
    [["a", "b"], [["a", "b"]]],
    [[["a"], ["b", "c"]], [["a"], ["b", "c"]]],
    [[{ region_name: "us-east-1", repository_names: ["a"] }], [["a"]]],
    [[], []],
    [[{ region_name: 5, repository_names: "abc" }, 7], [[], []]],
  ])("%j are read", (value, names) => {
    const result = resultOf(value, "EcrListRepositoriesOperator");
    expect(result.kind === "names" && result.value.batches.map((batch) => batch.repository_names)).toEqual(names);
  });

  it("are shown as text, and of none it is said what to look at", async () => {
    airflow.task([MARKUP], { operator_name: "EcrListRepositoriesOperator" });
    show();
    await seen(MARKUP);
    cleanup();
    airflow.task([], { operator_name: "EcrListRepositoriesOperator" });
    show();
    await seen("Nothing was selected.");
  });
});

describe("a clean-up", () => {
  const done = () => frozen("cleanup_done") as { repositories: Record<string, unknown>[] } & Record<string, unknown>;

  it("names who approved it, and what spares and how to fix it", async () => {
    const value = done();
    value["approval"] = { digest: "f".repeat(64), responded_by: MARKUP, responded_at: "2026-11-28T10:00:00+00:00" };
    value.repositories[0]!["spared_images"] = [
      { image_digest: `sha256:${"a".repeat(64)}`, reason: "in_use", check: "in_use", message: "It runs.", remedy: "Stop it." },
    ];
    airflow.task(value);
    show();
    await waitFor(() => expect(pageText()).toContain(`approved by ${MARKUP}, 2026-11-28 10:00 UTC`));
    expect(pageText()).toContain("1 in use");
    expect(pageText()).toContain("It runs. Stop it.");
    expect(document.querySelector("main img")).toBeNull();
  });

  it("that failed says why, from its log, and shows what it did before", async () => {
    airflow.task({ ...done(), status: "incomplete", statuses: { incomplete: 1 } }, { state: "failed", try_number: 2 });
    airflow.answer(/\/logs\/2\?/, {
      content: [{ event: "x" }, { event: "Task failed", error_detail: [{ exc_type: "CleanupIncompleteError", exc_value: "1 is not done" }] }],
    });
    show();
    await seen("CleanupIncompleteError: 1 is not done");
    expect(pageText()).toContain("What it did before that is shown below");
    expect(pageText()).toContain("FOR GOOD 9 images were deleted, at most 472 MB. 1 repository was not finished.");
  });

  it("whose reply was lost is no clean-up that did nothing", async () => {
    const value = done();
    value["touched_image_count"] = 0;
    value.repositories[0]!["unknown_image_count"] = 3;
    airflow.task(value);
    show();
    await waitFor(() => expect(pageText()).toMatch(/FOR GOOD.*Whether 3 images were deleted is not known/));
  });

  it("has every image in a list that is searched and filtered on the server", async () => {
    airflow.task({ ...done(), results_uri: "file:///x.jsonl.gz" });
    airflow.answer(/\/rows\?/, {
      total: 10,
      matching: 10,
      filter: "status",
      values: { deleted: 9, spared: 1 },
      rows: [{ repository_name: "a", image_digest: `sha256:${"b".repeat(64)}`, image_tags: [MARKUP], status: "deleted", image_size_in_bytes: 5 }],
    });
    show();
    fireEvent.change(await screen.findByLabelText("What became of it"), { target: { value: "spared" } });
    await waitFor(() => expect(airflow.asked.some((url) => url.searchParams.get("value") === "spared")).toBe(true));
    expect(screen.getByText("Download CSV").getAttribute("href")).toContain("/airflow/ecr-preview/dags/d/runs/r/tasks/t/rows.csv?map_index=-1&value=spared");
    expect(document.querySelector("main img")).toBeNull();
    expect((await violations()).join("\n")).toBe("");
  });
});

describe("an approval", () => {
  const asked = {
    schema: "ecr-lifecycle-approval/1",
    action: "delete",
    dry_run: false,
    digest: "d".repeat(64),
    repository_count: 2,
    repositories: null,
    repositories_uri: null,
  };

  it("waits for a person, and says for what", async () => {
    airflow.answer(/return_value/, {}, 404);
    airflow.answer(/ecr_lifecycle_approval/, { value: asked });
    airflow.answer(/\/taskInstances\/t$/, { state: "awaiting_input" });
    show();
    await waitFor(() => expect(pageText()).toMatch(/FOR GOOD Waits for a person to answer: delete the images of 2 repositories\?/));
  });

  it.each([
    ["Approve", "ada", /Approved by ada, 2026-11-28 10:00 UTC/],
    ["Reject", "ada", /Rejected by ada.*Nothing is changed because of it/],
  ])("that was answered with %s says by whom", async (option, name, text) => {
    airflow.task({ ...asked, chosen_options: [option], responded_at: "2026-11-28T10:00:00Z", responded_by_user: { id: "1", name } });
    show();
    await waitFor(() => expect(pageText()).toMatch(text));
  });
});

describe("a dry run of a clean-up", () => {
  const [applied, candidate] = [10, 15].map((count) => JSON.stringify({ rules: [{ rulePriority: 1, countNumber: count }] }));
  const of = (fields: Record<string, unknown>) => {
    const value = frozen("cleanup_dry_run") as { repositories: Record<string, unknown>[] };
    const repositories = value.repositories.map((each) => ({ ...each, policy_fingerprint: "c", ...fields }));
    return { ...value, repositories, lifecycle_policies: { a: applied, c: candidate } };
  };

  it.each([
    ["a", /The candidate policy, and the applied one.*- "countNumber": 10 *\+ "countNumber": 15/],
    ["c", /The applied policy.*"countNumber": 15/],
    [null, /The candidate policy, and the applied one.*\+ "countNumber": 15/],
    [undefined, /The policy.*"countNumber": 15/],
  ])("whose applied policy is %s shows the policy that decides", async (fingerprint, text) => {
    airflow.task(of(fingerprint === undefined ? {} : { applied_policy_fingerprint: fingerprint }));
    show();
    await waitFor(() => expect(pageText()).toMatch(text));
    expect((await violations()).join("\n")).toBe("");
  });
});

it("links the question of an approval and its answer, as they are kept", async () => {
  airflow.task({
    schema: "ecr-lifecycle-approval/1", action: "delete", dry_run: false, digest: "d", repository_count: 1, repositories: null,
    repositories_uri: null, question_uri: "s3://aws@reports/q.md", chosen_options: ["Approve"], responded_at: "2026-11-28T10:00:00Z",
    responded_by_user: { id: "1", name: "ada" },
  });
  show();
  const link = await screen.findByRole("link", { name: "The question and the answer, as kept" });
  expect(link.getAttribute("href")).toBe("/airflow/ecr-preview/dags/d/runs/r/tasks/t/report?map_index=-1");
});

describe("the run", () => {
  const instances = [
    { task_id: "clean_up", operator_name: "EcrDeletePreviewedImagesOperator", start_date: "2026-11-28T12:00:00Z", state: "success" },
    { task_id: "audit", operator_name: "EcrAuditLifecyclePoliciesOperator", start_date: "2026-11-28T10:00:00Z", state: "success" },
    { task_id: "approve", operator_name: "EcrApproveCleanupOperator", start_date: "2026-11-28T11:00:00Z", state: "success" },
    { task_id: "notify", operator_name: "PythonOperator", start_date: "2026-11-28T13:00:00Z", state: "success" },
    { task_id: "later", operator_name: "EcrReconcileLifecycleOperator", start_date: null, state: null },
  ].map((instance) => ({ dag_id: "d", dag_run_id: "r", map_index: -1, try_number: 1, ...instance }));

  it("has its story in order, and never says that nothing was deleted", async () => {
    airflow.answer(/dagRuns\/r$/, { state: "success" });
    airflow.answer(/xcom_key=/, { xcom_entries: [], total_entries: 0 });
    airflow.answer(/\/taskInstances\?/, { task_instances: instances });
    airflow.answer(/\/audit\/.*return_value/, { value: frozen("audit") });
    airflow.answer(/\/clean_up\/.*return_value/, { value: frozen("cleanup_done") });
    airflow.answer(/\/approve\/.*return_value/, {
      value: {
        schema: "ecr-lifecycle-approval/1", action: "delete", dry_run: false, digest: "d", repository_count: 1, repositories: null,
        repositories_uri: null, chosen_options: ["Approve"], responded_at: "2026-11-28T11:30:00Z", responded_by_user: { name: "ada" },
      },
    });
    render(<EcrPreview dagId="d" runId="r" />);
    await waitFor(() =>
      expect(pageText()).toMatch(/audit.*21 images would be deleted.*approve.*Approved by ada.*clean_up.*FOR GOOD\. 9 images were deleted.*later.*waits for others/),
    );
    expect(pageText()).not.toMatch(/nothing was deleted/i);
    expect(pageText()).not.toContain("notify");
    expect((await violations()).join("\n")).toBe("");
  });
});

describe("an audit of a candidate", () => {
  it("says that it is a what-if, of which policy and of which repositories", async () => {
    const policies = { kind: "candidate", fingerprint: "f", lifecycle_policy_text: `{"rules":["${"<b>"}"]}` };
    airflow.task({ ...frozen("audit"), policies, selection: "payments/*" });
    show();
    await waitFor(() => expect(pageText()).toMatch(/WHAT-IF This audit previews a candidate policy.*Repositories: payments\/\*.*"<b>"/));
    expect(document.querySelector("main pre b")).toBeNull();
  });
});

describe("a result on object storage", () => {
  it("is read through our own route, and its marker too", async () => {
    airflow.task("file:///xcoms/d/r/t/1.json", { operator_name: "EcrDeletePreviewedImagesOperator" });
    airflow.answer(/\/ecr-preview\/.*\/xcom\?map_index=-1&key=return_value/, { value: frozen("cleanup_done") });
    show();
    await waitFor(() => expect(pageText()).toContain("9 images were deleted"));
    airflow.answer(/xcomEntries\/ecr_lifecycle_change/, { value: "file:///xcoms/d/r/t/2.json" });
    airflow.answer(/\/xcom\?map_index=-1&key=ecr_lifecycle_change/, { value: { kind: "cleanup", counts: { n: 1 } } });
    const task = { dagId: "d", runId: "r", taskId: "t", mapIndex: -1 };
    expect(await readMarker(task, undefined, "ecr_lifecycle_change")).toEqual({ kind: "cleanup", counts: { n: 1 } });
  });

  it("that the API server cannot read says why", async () => {
    airflow.task("file:///xcoms/d/r/t/1.json", { operator_name: "EcrDeletePreviewedImagesOperator" });
    airflow.answer(/\/xcom\?/, { detail: "Give the API server the right to read." }, 502);
    show();
    await seen("Give the API server the right to read.");
  });

  it("says what to set", async () => {
    airflow.task("s3://bucket/xcom/1.json", { operator_name: "EcrAuditLifecyclePoliciesOperator" });
    show();
    await seen("xcom_objectstorage_threshold");
  });

  it("is no result where the task is none of ours", () => {
    expect(resultOf("s3://bucket/key", "PythonOperator").kind).toBe("none");
    expect(resultOf({ schema: "toString" }).kind).toBe("none");
  });
});

describe("the difference of two policies", () => {
  it("keeps what is in both, and marks the rest", () => {
    expect(diffLines(["a", "b", "c"], ["a", "x", "c"]).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      "same a", "removed b", "added x", "same c",
    ]);
    expect(diffLines([], ["a"])).toEqual([{ kind: "added", text: "a" }]);
  });

  it("is of lines, whatever the text is", () => {
    expect(policyLines('{"rules":[]}')).toEqual(["{", '  "rules": []', "}"]);
    expect(policyLines("not json")).toEqual(["not json"]);
    expect(policyLines(null)).toEqual([]);
  });
});

describe("the reason in a log", () => {
  it.each([
    ["", null],
    ["[]", null],
    ['{"content":[]}', null],
    ['{"content":[{"error_detail":[{"exc_value":"a"}]},{"error_detail":[{"exc_type":"E","exc_value":"b\\u202e"}]}]}', "E: b\\u202e"],
    [
      JSON.stringify({ content: [{ error_detail: [{ exc_type: "CandidateRefusedError", exc_value: "Refused:\n - a/b: why\u202e" }] }] }),
      "CandidateRefusedError: Refused:\n - a/b: why\\u202e",
    ],
  ])("of %s is %s", (text, reason) => expect(failureIn(text)).toBe(reason));
});
