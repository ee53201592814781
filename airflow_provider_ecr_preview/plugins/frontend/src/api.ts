import { type Result, resultOf } from "./results";
import type {
  Audit,
  AuditedRepository,
  Bin,
  Forecast,
  Image,
  ImagePage,
  Marker,
  RepositoryRef,
  RuleCounts,
  Settings,
  TaskInstance,
  TaskRef,
  TrendPoint,
} from "./types";
import { allVisible, visible } from "./visible";

const MARKER_KEY = "ecr_lifecycle_preview";
/** Of whole audits, which are found by it among thousands of previews. */
export const AUDIT_MARKER_KEY = "ecr_lifecycle_audit";
/** Of what changed something, would in a dry run, or says what ECR changed. */
export const CHANGE_MARKER_KEY = "ecr_lifecycle_change";
/** Of comparisons of policies. */
export const COMPARISON_MARKER_KEY = "ecr_lifecycle_comparison";
const APPROVAL_KEY = "ecr_lifecycle_approval";
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
    return "Your session has ended. Reload the page to log in.";
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

/** The readable report of an audit, as plain text. */
export function ownReportUrl(task: TaskRef): string {
  return `${basePath()}${ownTaskPath(task)}/report?map_index=${task.mapIndex}`;
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

/** What a task returned. Some results are recognised by the operator that returns them. */
export async function readResult(task: TaskRef, operator: string | null = null, signal?: AbortSignal): Promise<Result> {
  return resultOf(await readXCom(task, "return_value", signal), operator);
}

/** An object-storage XCom backend leaves the address of a value where Airflow's API shows the value. */
export function isReference(value: unknown): value is string {
  return typeof value === "string" && /^[a-z][a-z0-9+.-]*:\/\//.test(value);
}

/** A value as it was pushed, also where it is on object storage. */
async function pushed(task: TaskRef, key: string, signal?: AbortSignal): Promise<unknown> {
  const { value } = (await getJson(`${taskPath(task)}/xcomEntries/${key}?map_index=${task.mapIndex}`, signal)) as { value?: unknown };
  const own = `${ownTaskPath(task)}/xcom?map_index=${task.mapIndex}&key=${key}`;
  return allVisible(isReference(value) ? ((await getJson(own, signal)) as { value?: unknown }).value : value);
}

/** The policy of this fingerprint, if a repository of an audit has it. */
export async function readPolicy(task: TaskRef, fingerprint: string, signal?: AbortSignal): Promise<string> {
  const own = `${ownTaskPath(task)}/policy?map_index=${task.mapIndex}&fingerprint=${encodeURIComponent(fingerprint)}`;
  return ((await getJson(own, signal)) as { lifecycle_policy_text: string }).lifecycle_policy_text;
}

/** What a task asks a person before there is an answer. */
export async function readPending(task: TaskRef, signal?: AbortSignal): Promise<Result> {
  const value = await readXCom(task, APPROVAL_KEY, signal);
  const result = resultOf(value);
  return result.kind === "approval" ? result : { kind: "none" };
}

/** In these states a task has pushed no result. */
const WITHOUT_RESULT: (string | null)[] = [null, "scheduled", "queued", "running", "restarting", "deferred", "up_for_reschedule", "upstream_failed"];

/** What a task returned, or what it asks a person before there is an answer. Asks for nothing that is known to be missing. */
export async function readInstanceResult(instance: TaskInstance, signal?: AbortSignal): Promise<Result> {
  const { state, operator } = instance;
  const mayAsk = operator === null || operator.includes("Approve");
  if (state === "awaiting_input") {
    return readPending(instance, signal);
  }
  if (WITHOUT_RESULT.includes(state)) {
    return { kind: "none" };
  }
  const isSure = operator === null || (operator.startsWith("Ecr") && state === "success");
  if (!isSure && !(await readKeys(instance, signal)).includes("return_value")) {
    return mayAsk ? readPending(instance, signal) : { kind: "none" };
  }
  const returned = await readResult(instance, operator, signal);
  return returned.kind === "none" && mayAsk ? readPending(instance, signal) : returned;
}

/** The keys under which a task pushed something. */
async function readKeys(task: TaskRef, signal?: AbortSignal): Promise<string[]> {
  const url = `${taskPath(task)}/xcomEntries?map_index=${task.mapIndex}&limit=${MAX_MARKERS}`;
  const page = (await getJson(url, signal)) as { xcom_entries: { key: string }[] };
  return page.xcom_entries.map((entry) => entry.key);
}

/** The value that a task pushed under a key; undefined where there is none. */
export async function readXCom(task: TaskRef, key: string, signal?: AbortSignal): Promise<unknown> {
  try {
    return await pushed(task, key, signal);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) {
      return undefined;
    }
    throw error;
  }
}

interface InstanceEntry {
  dag_id: string;
  dag_run_id: string;
  task_id: string;
  map_index: number;
  state: string | null;
  operator: string | null;
  operator_name?: string | null;
  try_number: number;
  start_date: string | null;
  end_date: string | null;
}

function instanceOf(entry: InstanceEntry): TaskInstance {
  return {
    dagId: entry.dag_id,
    runId: entry.dag_run_id,
    taskId: entry.task_id,
    mapIndex: entry.map_index ?? -1,
    state: entry.state ?? null,
    operator: entry.operator_name ?? entry.operator ?? null,
    tryNumber: entry.try_number ?? 0,
    startedAt: entry.start_date ?? null,
    endedAt: entry.end_date ?? null,
  };
}

/** How a task is; a state of null is that of one that waits for others. */
export async function readInstance(task: TaskRef, signal?: AbortSignal): Promise<TaskInstance> {
  const mapped = task.mapIndex >= 0 ? `/${task.mapIndex}` : "";
  try {
    const entry = (await getJson(taskPath(task) + mapped, signal)) as InstanceEntry;
    return { ...instanceOf(entry), ...task };
  } catch (error) {
    // Of a task that the DAG no longer has, the result may still be there.
    if (error instanceof ApiError && error.status === 404) {
      return { ...task, state: "removed", operator: null, tryNumber: 0, startedAt: null, endedAt: null };
    }
    throw error;
  }
}

/** The tasks of a run, those that are not mapped first, as many as Airflow hands out in one answer. */
export async function readInstances(dagId: string, runId: string, signal?: AbortSignal): Promise<TaskInstance[]> {
  const list = path`/api/v2/dags/${dagId}/dagRuns/${runId}/taskInstances` + `?limit=${MAX_MARKERS}&order_by=map_index`;
  const page = (await getJson(list, signal)) as { task_instances: InstanceEntry[] };
  return page.task_instances.map(instanceOf);
}

/** Where the host shows the log of a task. */
export function taskLogPath(task: TaskRef): string {
  const mapped = task.mapIndex >= 0 ? path`/mapped/${task.mapIndex}` : "";
  return path`/dags/${task.dagId}/runs/${task.runId}/tasks/${task.taskId}` + mapped;
}

/** More than the log of a task of ours has; of a longer one the reason is not looked for. */
const MAX_LOG_CHARACTERS = 2_000_000;

/** Why the last attempt at a task failed, as its log says; null where that cannot be read. */
export async function readFailure(task: TaskInstance, signal?: AbortSignal): Promise<string | null> {
  if (task.tryNumber < 1) {
    return null;
  }
  try {
    const url = `${taskPath(task)}/logs/${task.tryNumber}?map_index=${task.mapIndex}&full_content=true`;
    const response = await fetch(basePath() + url, {
      credentials: "same-origin",
      headers: { Accept: "application/json" },
      ...(signal ? { signal } : {}),
    });
    const text = response.ok ? await response.text() : "";
    return text.length > MAX_LOG_CHARACTERS ? null : failureIn(text);
  } catch {
    return null; // The log is one more right; the page is of use without.
  }
}

/** The message of the last exception in a log of Airflow's. */
export function failureIn(text: string): string | null {
  try {
    const { content } = JSON.parse(text) as { content: { error_detail?: { exc_type?: string; exc_value?: string }[] }[] };
    const last = content.findLast((entry) => Array.isArray(entry.error_detail) && entry.error_detail.length > 0);
    const { exc_type: type, exc_value: value } = last?.error_detail?.at(-1) ?? {};
    const lines = `${type ?? "Error"}: ${String(value)}`.split("\n");
    return typeof value === "string" ? lines.map(visible).join("\n").slice(0, 2_000) : null;
  } catch {
    return null;
  }
}

export async function readRunState(dagId: string, runId: string, signal?: AbortSignal): Promise<string> {
  return ((await getJson(path`/api/v2/dags/${dagId}/dagRuns/${runId}`, signal)) as { state: string }).state;
}

/** The DAGs with the tag of the examples that the user may see. */
export async function readDags(signal?: AbortSignal): Promise<string[]> {
  const page = (await getJson(`/api/v2/dags?tags=ecr&limit=${MAX_MARKERS}`, signal)) as { dags: { dag_id: string }[] };
  return page.dags.map((dag) => dag.dag_id);
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

async function readMarkerPage(
  dagId: string,
  runId: string,
  query: string,
  signal?: AbortSignal,
  key = MARKER_KEY,
): Promise<MarkerPage> {
  const list = path`/api/v2/dags/${dagId}/dagRuns/${runId}/taskInstances/` + `~/xcomEntries?xcom_key=${key}`;
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

interface AssetEvent {
  source_dag_id: string | null;
  source_run_id: string | null;
  source_task_id: string | null;
  source_map_index: number;
  timestamp: string;
  extra: Record<string, unknown> | null;
}

/**
 * The audits that the latest events of an asset announced, the newest first; an event has the counts of its audit.
 *
 * A task that ran twice announced two audits, of which the second has taken the place of the first.
 */
export async function readAssetAudits(assetId: number, signal?: AbortSignal): Promise<{ marker: Marker; value: MarkerValue }[]> {
  const url = `/api/v2/assets/events?asset_id=${assetId}&order_by=-timestamp&limit=${MAX_MARKERS}`;
  const page = (await getJson(url, signal)) as { asset_events: AssetEvent[] };
  const audits = page.asset_events.flatMap((event) => {
    const { source_dag_id: dagId, source_run_id: runId, source_task_id: taskId, source_map_index: mapIndex } = event;
    const counts = allVisible(event.extra ?? {});
    if (dagId === null || runId === null || taskId === null || typeof counts["audit_id"] !== "string") {
      return [];
    }
    const timestamp = typeof counts["audited_at"] === "string" ? counts["audited_at"] : event.timestamp;
    return [{ marker: { dagId, runId, taskId, mapIndex: mapIndex ?? -1, timestamp }, value: { kind: "audit", counts } }];
  });
  return newestOnce(audits.reverse());
}

/** The newest first, and the last of those of one task. */
export function newestOnce<Marked extends { marker: Marker }>(marked: Marked[]): Marked[] {
  const last = new Map(marked.map((task) => [taskKey(task.marker), task]));
  return [...last.values()].sort((one, other) => other.marker.timestamp.localeCompare(one.marker.timestamp));
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
 * The latest tasks of all DAGs that the user may read, newest first.
 *
 * @yields some at a time, and at last whether there are no others.
 */
export async function* latestMarkers(
  signal?: AbortSignal,
  { key = MARKER_KEY, withMapped = false, maxPages = MAX_MARKER_PAGES }: { key?: string; withMapped?: boolean; maxPages?: number } = {},
): AsyncGenerator<Marker[], boolean> {
  // Mapped previews and audits are parts of others; each mapped clean-up stands for itself.
  const mapped = withMapped ? "" : "map_index=-1&";
  const read = (page: number) =>
    readMarkerPage("~", "~", `${mapped}order_by=-timestamp&limit=${MAX_MARKERS}&offset=${page * MAX_MARKERS}`, signal, key);
  // A task that ends meanwhile moves the last of a page to the next one, where it is listed again.
  const seen = new Set<string>();
  const unseen = (markers: Marker[]) =>
    markers.filter((marker) => {
      const isNew = !seen.has(taskKey(marker));
      seen.add(taskKey(marker));
      return isNew;
    });
  const first = await read(0);
  const pages = Math.min(Math.ceil(first.total / MAX_MARKERS), maxPages);
  const isWhole = first.total <= MAX_MARKERS * maxPages;
  if (isNewestFirst(first.markers)) {
    yield unseen(first.markers);
    for (let page = 1; page < pages; page += 1) {
      yield unseen((await read(page)).markers);
    }
    return isWhole;
  }
  // Airflow 3.1 sorts them by DAG, whatever the request says.
  const others = await Promise.all(Array.from({ length: Math.max(pages - 1, 0) }, (_, at) => read(at + 1)));
  yield unseen([first, ...others].flatMap((page) => page.markers)).sort((one, other) => other.timestamp.localeCompare(one.timestamp));
  return isWhole;
}

function isNewestFirst(markers: Marker[]): boolean {
  return markers.every((marker, at) => at === 0 || marker.timestamp <= (markers[at - 1]?.timestamp ?? ""));
}

export interface MarkerValue {
  kind: string;
  counts: Record<string, unknown>;
}

export async function readMarker(task: TaskRef, signal?: AbortSignal, key = MARKER_KEY): Promise<MarkerValue | null> {
  try {
    const value = (await pushed(task, key, signal)) as MarkerValue | undefined;
    return value?.counts ? value : null;
  } catch (error) {
    // One that is gone since, or of a DAG that the user may list and not read, is no reason to show none.
    if (error instanceof ApiError && [403, 404, 410].includes(error.status)) {
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
  /** The other filters, as the routes take them. */
  filters: Record<string, string>;
}

export function imageParameters(task: TaskRef, query: ImageQuery): string {
  return parametersOf(task, query.repository, {
    sort: query.sort,
    descending: String(query.descending),
    search: query.search,
    action: query.action,
    rule: query.rule,
    ...query.filters,
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

/** What would go in the next days if nothing were pushed, as the server simulates it. */
export async function readForecast(task: TaskRef, repository: RepositoryRef | null, signal?: AbortSignal): Promise<Forecast> {
  return (await getJson(`${ownTaskPath(task)}/images/forecast?${parametersOf(task, repository, {})}`, signal)) as Forecast;
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
  const unknown: Omit<AuditedRepository, keyof RepositoryRef | "status"> = {
    expiring_image_count: null,
    archiving_image_count: null,
    total_image_count: null,
    expiring_bytes_upper_bound: null,
    expiring_bytes_exact: null,
    policy_fingerprint: null,
    findings: [],
    images_uri: null,
    message: null,
  };
  const named = [
    ...audit.top.map((repository) => ({ ...unknown, ...repository, status: "previewed" })),
    ...audit.failures.map((repository) => ({ ...unknown, ...repository, status: "failed" })),
    ...audit.without_policy.map((repository) => ({ ...unknown, ...repository, status: "without_policy" })),
  ];
  const repositories = new Map<string, AuditedRepository>(named.map((repository) => [repositoryKey(repository), repository]));
  for (const wasteful of audit.wasteful ?? []) {
    const { registry_id, region_name, repository_name, status, owner } = wasteful;
    const key = repositoryKey(wasteful);
    repositories.set(key, {
      ...(repositories.get(key) ?? { ...unknown, registry_id, region_name, repository_name, status }),
      owner,
      stored_bytes: wasteful.stored_bytes_upper_bound,
      cost: wasteful.monthly_cost_usd,
      leaving_cost: wasteful.leaving_monthly_cost_usd,
      saved_cost: wasteful.saved_monthly_cost_usd,
      never_pulled_cost: wasteful.never_pulled_monthly_cost_usd,
    });
  }
  return [...repositories.values()];
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
    expiring_bytes_exact: number("expiring_bytes_exact"),
    policy_fingerprint: text("policy_fingerprint"),
    findings: (text("finding_codes") ?? "").split(/[,\s]+/).filter(Boolean),
    images_uri: text("images_uri"),
    status: text("status") ?? "",
    message: text("message"),
    acknowledged_findings: (text("acknowledged_finding_codes") ?? "").split(" ").filter(Boolean),
    owner: text("owner") ?? (text("owner_tag") === null ? null : ""),
    owner_tag: text("owner_tag"),
    stored_bytes: number("stored_bytes_upper_bound"),
    cost: number("monthly_cost_usd"),
    leaving_cost: number("leaving_monthly_cost_usd"),
    saved_cost: number("saved_monthly_cost_usd"),
    never_pulled_cost: number("never_pulled_monthly_cost_usd"),
  };
}

/** The trend of the audits of a task, the oldest first. */
export async function readTrend(task: TaskRef, signal?: AbortSignal): Promise<TrendPoint[]> {
  const answer = allVisible(await getJson(`${ownTaskPath(task)}/trend?map_index=${task.mapIndex}`, signal)) as { points: TrendPoint[] };
  return answer.points;
}

/** Images of all repositories of an audit, and how many of their lists were searched so far. */
export interface FoundImages {
  repositories: number;
  searched: number;
  unread: number;
  is_cut: boolean;
  matching: number;
  images: (RepositoryRef & Image)[];
}

export async function readFoundImages(
  task: TaskRef,
  search: string,
  offset: number,
  limit: number,
  signal?: AbortSignal,
): Promise<FoundImages> {
  const query = `${parametersOf(task, null, { search })}&offset=${offset}&limit=${limit}`;
  return allVisible(await getJson(`${ownTaskPath(task)}/found-images?${query}`, signal)) as FoundImages;
}

/** One line of a list, as the task wrote it. */
export type RowValues = Record<string, unknown>;

export interface RowQuery {
  search: string;
  value: string;
  offset: number;
  limit: number;
}

export interface RowPage {
  total: number;
  matching: number;
  /** By which column the lines are filtered, and how many have each of its values. */
  filter: string | null;
  values: Record<string, number>;
  rows: RowValues[];
}

/** Some of the lines of the list that the result of a task points to. */
export async function readRows(task: TaskRef, query: RowQuery, signal?: AbortSignal): Promise<RowPage> {
  const page = `&offset=${query.offset}&limit=${query.limit}`;
  return allVisible(await getJson(`${ownTaskPath(task)}/rows?${rowParameters(task, query)}${page}`, signal)) as RowPage;
}

export function rowsCsvUrl(task: TaskRef, query: RowQuery): string {
  return `${basePath()}${ownTaskPath(task)}/rows.csv?${rowParameters(task, query)}`;
}

function rowParameters(task: TaskRef, query: RowQuery): string {
  return parametersOf(task, null, { search: query.search, value: query.value });
}
