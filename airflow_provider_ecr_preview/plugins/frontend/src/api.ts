import type {
  Audit,
  AuditedRepository,
  Bin,
  ImagePage,
  Marker,
  PolicyComparisonResult,
  RepositoryRef,
  RuleCounts,
  Settings,
  Summary,
  TaskRef,
} from "./types";
import { allVisible, visible } from "./visible";

const SUMMARY_SCHEMA = "ecr-lifecycle-preview-summary/1";
const COMPARISON_SCHEMA = "ecr-lifecycle-comparison/1";
const AUDIT_SCHEMA = "ecr-lifecycle-audit/1";
const MARKER_KEY = "ecr_lifecycle_preview";
/** What Airflow hands out at once, unless its configuration says otherwise. */
const MAX_MARKERS = 100;
const MAX_MARKER_PAGES = 10;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The path below which Airflow answers, without a slash at its end. */
export function basePath(): string {
  const base = document.querySelector("base")?.getAttribute("href");
  return new URL(base ?? "/", window.location.origin).pathname.replace(/\/+$/, "");
}

export async function getJson(path: string, signal?: AbortSignal): Promise<unknown> {
  const response = await fetch(basePath() + path, {
    credentials: "same-origin",
    headers: { Accept: "application/json" },
    ...(signal ? { signal } : {}),
  });
  if (response.ok) {
    return response.json();
  }
  const detail = await response.json().then(
    (body: { detail?: unknown }) => (typeof body.detail === "string" ? body.detail : ""),
    () => "",
  );
  throw new ApiError(response.status, messageOf(response.status, detail));
}

function messageOf(status: number, detail: string): string {
  if (status === 401) {
    return "You are not logged in any more. Reload the page.";
  }
  if (status === 403 && !detail.startsWith("Another DAG ")) {
    return "You may not read the XCom of this DAG. Ask your Airflow administrator for the right to.";
  }
  return visible(detail) || `Airflow answered with status ${status}. Reload the page, or look at the log of the API server.`;
}

function path(strings: TemplateStringsArray, ...parts: (string | number)[]): string {
  return strings.reduce((all, text, index) => all + encodeURIComponent(parts[index - 1] ?? "") + text);
}

function taskPath(task: TaskRef): string {
  return path`/api/v2/dags/${task.dagId}/dagRuns/${task.runId}/taskInstances/${task.taskId}`;
}

export function ownTaskPath(task: TaskRef): string {
  return path`/ecr-preview/dags/${task.dagId}/runs/${task.runId}/tasks/${task.taskId}`;
}

/** Where the host shows the tab of a task. */
export function tabPath(task: TaskRef): string {
  const mapped = task.mapIndex >= 0 ? path`/mapped/${task.mapIndex}` : "";
  return path`/dags/${task.dagId}/runs/${task.runId}/tasks/${task.taskId}` + mapped + "/plugin/ecr-preview";
}

/** Where a task is shown on a page of its own, which has the whole width of the window. */
export function taskPagePath(task: TaskRef, repository: string | null): string {
  const names = new URLSearchParams({ dag_id: task.dagId, run_id: task.runId, task_id: task.taskId });
  if (task.mapIndex >= 0) {
    names.set("map_index", String(task.mapIndex));
  }
  if (repository !== null) {
    names.set("repository", repository);
  }
  return `/plugin/ecr-previews?${names}`;
}

/** Names a task in the address of a page. */
export function taskKey(task: TaskRef): string {
  return [task.dagId, task.runId, task.taskId, ...(task.mapIndex >= 0 ? [String(task.mapIndex)] : [])]
    .map((part) => part.replace(/[%/]/g, encodeURIComponent))
    .join("/");
}

/** The task that is named so in the address; null if none is. */
export function taskOfKey(key: string): TaskRef | null {
  try {
    const [dagId, runId, taskId, mapIndex] = key.split("/").map(decodeURIComponent);
    return dagId && runId && taskId ? { dagId, runId, taskId, mapIndex: Number(mapIndex ?? -1) } : null;
  } catch {
    return null;
  }
}

/** Names a repository in the address of a page. */
export function repositoryKey(repository: RepositoryRef): string {
  return [repository.registry_id, repository.region_name, repository.repository_name].join("/");
}

/** Where the host shows what is ours of a run. */
export function runPath(task: TaskRef): string {
  return path`/dags/${task.dagId}/runs/${task.runId}` + "/plugin/ecr-preview-run";
}

export type Result =
  | { kind: "summary"; value: Summary }
  | { kind: "audit"; value: Audit }
  | { kind: "comparison"; value: PolicyComparisonResult }
  | { kind: "none" };

export function resultOf(value: unknown): Result {
  if (typeof value !== "object" || value === null || !("schema" in value) || typeof value.schema !== "string") {
    return { kind: "none" };
  }
  if (value.schema === SUMMARY_SCHEMA) {
    return { kind: "summary", value: value as unknown as Summary };
  }
  if (value.schema === COMPARISON_SCHEMA) {
    return { kind: "comparison", value: value as unknown as PolicyComparisonResult };
  }
  if (value.schema === AUDIT_SCHEMA) {
    return { kind: "audit", value: value as unknown as Audit };
  }
  return { kind: "none" };
}

export async function readResult(task: TaskRef, signal?: AbortSignal): Promise<Result> {
  try {
    const entry = (await getJson(
      `${taskPath(task)}/xcomEntries/return_value?map_index=${task.mapIndex}`,
      signal,
    )) as { value?: unknown };
    return resultOf(allVisible(entry.value));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return { kind: "none" };
    }
    throw error;
  }
}

/** The state of a task; null as long as it waits for others. */
export async function readState(task: TaskRef, signal?: AbortSignal): Promise<string | null> {
  const mapped = task.mapIndex >= 0 ? `/${task.mapIndex}` : "";
  const instance = (await getJson(taskPath(task) + mapped, signal)) as { state?: string | null };
  return instance.state ?? null;
}

export async function readRunState(dagId: string, runId: string, signal?: AbortSignal): Promise<string> {
  return ((await getJson(path`/api/v2/dags/${dagId}/dagRuns/${runId}`, signal)) as { state: string }).state;
}

export async function readSettings(signal?: AbortSignal): Promise<Settings> {
  return (await getJson("/ecr-preview/settings", signal)) as Settings;
}

interface XComEntry {
  dag_id: string;
  run_id: string;
  task_id: string;
  map_index: number;
  timestamp: string;
}

interface MarkerPage {
  markers: Marker[];
  /** How many there are on all pages. */
  total: number;
}

async function readMarkerPage(dagId: string, runId: string, query: string, signal?: AbortSignal): Promise<MarkerPage> {
  const list = path`/api/v2/dags/${dagId}/dagRuns/${runId}/taskInstances/` + `~/xcomEntries?xcom_key=${MARKER_KEY}`;
  const page = (await getJson(`${list}&${query}`, signal)) as { xcom_entries: XComEntry[]; total_entries: number };
  const markers = page.xcom_entries.map((entry) => ({
    dagId: entry.dag_id,
    runId: entry.run_id,
    taskId: entry.task_id,
    mapIndex: entry.map_index,
    timestamp: entry.timestamp,
  }));
  return { markers, total: page.total_entries };
}

/** Some of the tasks of one run that pushed a preview or an audit; with `mapIndex` -1, only those that are not mapped. */
export function readRunMarkers(
  dagId: string,
  runId: string,
  { offset, limit, mapIndex }: { offset: number; limit: number; mapIndex?: number },
  signal?: AbortSignal,
): Promise<MarkerPage> {
  const mapped = mapIndex === undefined ? "" : `&map_index=${mapIndex}`;
  return readMarkerPage(dagId, runId, `limit=${limit}&offset=${offset}${mapped}`, signal);
}

/**
 * The latest tasks of all DAGs that the user may read, newest first, without the mapped ones, which are parts of others.
 *
 * @yields some at a time, and at last whether there are no others.
 */
export async function* latestMarkers(signal?: AbortSignal): AsyncGenerator<Marker[], boolean> {
  const read = (page: number) =>
    readMarkerPage(
      "~",
      "~",
      `map_index=-1&order_by=-timestamp&limit=${MAX_MARKERS}&offset=${page * MAX_MARKERS}`,
      signal,
    );
  const first = await read(0);
  const pages = Math.min(Math.ceil(first.total / MAX_MARKERS), MAX_MARKER_PAGES);
  const isWhole = first.total <= MAX_MARKERS * MAX_MARKER_PAGES;
  if (isNewestFirst(first.markers)) {
    yield first.markers;
    for (let page = 1; page < pages; page += 1) {
      yield (await read(page)).markers;
    }
    return isWhole;
  }
  // Airflow 3.1 sorts them by DAG, whatever it is asked for.
  const others = await Promise.all(Array.from({ length: Math.max(pages - 1, 0) }, (_, at) => read(at + 1)));
  yield [first, ...others].flatMap((page) => page.markers).sort((one, other) => other.timestamp.localeCompare(one.timestamp));
  return isWhole;
}

function isNewestFirst(markers: Marker[]): boolean {
  return markers.every((marker, at) => at === 0 || marker.timestamp <= (markers[at - 1]?.timestamp ?? ""));
}

export interface MarkerValue {
  kind: "summary" | "audit";
  counts: Record<string, unknown>;
}

export async function readMarker(task: TaskRef, signal?: AbortSignal): Promise<MarkerValue | null> {
  try {
    const entry = (await getJson(
      `${taskPath(task)}/xcomEntries/${MARKER_KEY}?map_index=${task.mapIndex}`,
      signal,
    )) as { value?: MarkerValue };
    return entry.value?.counts ? allVisible(entry.value) : null;
  } catch (error) {
    // One that is gone since, or of a DAG that the user may list and not read, is no reason to show none.
    if (error instanceof ApiError && (error.status === 403 || error.status === 404)) {
      return null;
    }
    throw error;
  }
}

export interface ImageQuery {
  repository: RepositoryRef | null;
  offset: number;
  limit: number;
  sort: string;
  descending: boolean;
  search: string;
  action: string;
  rule: string;
}

export function imageParameters(task: TaskRef, query: ImageQuery): string {
  return parametersOf(task, query.repository, {
    sort: query.sort,
    descending: String(query.descending),
    search: query.search,
    action: query.action,
    rule: query.rule,
  });
}

function parametersOf(task: TaskRef, repository: RepositoryRef | null, others: Record<string, string>): string {
  const parameters: Record<string, string> = {
    map_index: String(task.mapIndex),
    ...others,
    repository_name: repository?.repository_name ?? "",
    registry_id: repository?.registry_id ?? "",
    region_name: repository?.region_name ?? "",
  };
  return new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "")).toString();
}

export async function readImages(task: TaskRef, query: ImageQuery, signal?: AbortSignal): Promise<ImagePage> {
  const page = `&offset=${query.offset}&limit=${query.limit}`;
  return allVisible(await getJson(`${ownTaskPath(task)}/images?${imageParameters(task, query)}${page}`, signal)) as ImagePage;
}

/** The images by push date, and how many have none that is known. */
export async function readTimeline(
  task: TaskRef,
  query: ImageQuery,
  signal?: AbortSignal,
): Promise<{ bins: Bin[]; undated: number }> {
  const timeline = await getJson(`${ownTaskPath(task)}/images/timeline?${imageParameters(task, query)}`, signal);
  return timeline as { bins: Bin[]; undated: number };
}

/** What each rule takes, keeps and shields; null where the kept images were not written. */
export async function readRules(
  task: TaskRef,
  repository: RepositoryRef | null,
  signal?: AbortSignal,
): Promise<{ rules: RuleCounts[] | null }> {
  const answer = await getJson(`${ownTaskPath(task)}/images/rules?${parametersOf(task, repository, {})}`, signal);
  return answer as { rules: RuleCounts[] | null };
}

export interface Repositories {
  repositories: AuditedRepository[];
  /** Whether these are all of the audit, or only those that its result names. */
  isWhole: boolean;
}

/** All repositories of an audit; those of its result where there is no table. */
export async function readRepositories(task: TaskRef, audit: Audit, signal?: AbortSignal): Promise<Repositories> {
  try {
    const table = allVisible(await getJson(`${ownTaskPath(task)}/repositories?map_index=${task.mapIndex}`, signal)) as {
      columns: string[];
      rows: unknown[][];
    };
    const repositories = table.rows.map((row) =>
      repositoryOf(Object.fromEntries(table.columns.map((name, at) => [name, row[at]]))),
    );
    return { repositories, isWhole: isWhole(repositories, audit) };
  } catch (error) {
    if (error instanceof ApiError && [403, 404, 409, 410, 413].includes(error.status)) {
      const repositories = ofResult(audit);
      return { repositories, isWhole: isWhole(repositories, audit) };
    }
    throw error;
  }
}

function isWhole(repositories: AuditedRepository[], audit: Audit): boolean {
  return repositories.length >= audit.repository_count && audit.missing_part_count === 0;
}

/** What the result itself names: the first of each kind. */
function ofResult(audit: Audit): AuditedRepository[] {
  const unknown = {
    expiring_image_count: null,
    archiving_image_count: null,
    total_image_count: null,
    expiring_bytes_upper_bound: null,
    policy_fingerprint: null,
    findings: [],
    images_uri: null,
    message: null,
  };
  return [
    ...audit.top.map((repository) => ({ ...unknown, ...repository, status: "previewed" })),
    ...audit.failures.map((repository) => ({ ...unknown, ...repository, status: "failed" })),
    ...audit.without_policy.map((repository) => ({ ...unknown, ...repository, status: "without_policy" })),
  ];
}

function repositoryOf(row: Record<string, unknown>): AuditedRepository {
  const text = (name: string) => (typeof row[name] === "string" ? row[name] : null);
  const number = (name: string) => (typeof row[name] === "number" ? row[name] : null);
  return {
    registry_id: text("registry_id"),
    region_name: text("region_name"),
    repository_name: text("repository_name") ?? "",
    expiring_image_count: number("expiring_image_count"),
    archiving_image_count: number("archiving_image_count"),
    total_image_count: number("total_image_count"),
    expiring_bytes_upper_bound: number("expiring_bytes_upper_bound"),
    policy_fingerprint: text("policy_fingerprint"),
    findings: (text("finding_codes") ?? "").split(/[,\s]+/).filter(Boolean),
    images_uri: text("images_uri"),
    status: text("status") ?? "",
    message: text("message"),
  };
}
