// What our operators push to XCom, as xcom.py has it, and what our own routes answer.

export type Severity = "critical" | "warning" | "info";

export interface Finding {
  code: string;
  severity: Severity;
  message: string;
  image_digests: string[];
}

export interface RuleSummary {
  priority: number;
  action: string;
  description: string | null;
  /** Null where only the text of the policy is known: then the counts of the images say it. */
  image_count: number | null;
  bytes_upper_bound: number | null;
  /** Only with measure_storage of an audit. */
  monthly_cost_usd?: number | null;
}

export interface Image {
  image_digest: string;
  image_tags: string[];
  image_pushed_at: string | null;
  action: string;
  applied_rule_priority: number | null;
  image_size_in_bytes: number | null;
  last_recorded_pull_time: string | null;
}

export interface ListedImage extends Image {
  explanation: string | null;
  /** By simulation; undefined in answers of earlier releases. */
  next_action?: string | null;
  next_action_at?: string | null;
}

/** What goes now, and what would on each of the next days; null where the list does not say it. */
export interface Forecast {
  now: ForecastCounts;
  days: (ForecastCounts & { day: string })[] | null;
  /** Kept images of which it is not known whether they ever go. */
  unknown: number;
}

export interface ForecastCounts {
  expiring: number;
  archiving: number;
  bytes: number | null;
}

export interface RuleCounts {
  priority: number | null;
  taken: number;
  kept: number;
  shielded: number;
}

export interface RepositoryRef {
  registry_id: string | null;
  region_name: string | null;
  repository_name: string;
}

export interface Summary extends RepositoryRef {
  schema: string;
  status: string;
  previewed_at: string;
  policy_fingerprint: string;
  expiring_image_count: number;
  archiving_image_count: number;
  tagged_image_count: number;
  untagged_image_count: number;
  total_image_count: number | null;
  expiring_bytes_upper_bound: number | null;
  expiring_bytes_exact?: number | null;
  rules: RuleSummary[];
  findings: Finding[];
  sample: Image[];
  images_uri: string | null;
  /** Missing from audits, from those of earlier releases, and where there was no room. */
  lifecycle_policy_text?: string;
}

export interface FindingCount {
  severity: Severity;
  code: string;
  repository_count: number;
  repositories: RepositoryRef[];
}

export interface AuditedRepository extends RepositoryRef {
  expiring_image_count: number | null;
  archiving_image_count: number | null;
  total_image_count: number | null;
  expiring_bytes_upper_bound: number | null;
  expiring_bytes_exact?: number | null;
  policy_fingerprint: string | null;
  findings: string[];
  images_uri: string | null;
  status: string;
  message: string | null;
  acknowledged_findings?: string[];
  owner?: string | null;
  owner_tag?: string | null;
  stored_bytes?: number | null;
  /** Costs are of a month, in US dollars. */
  cost?: number | null;
  leaving_cost?: number | null;
  saved_cost?: number | null;
  never_pulled_cost?: number | null;
}

/** Sums of stored images; only the keys that the pages show. */
export interface StorageCounts {
  measured_repository_count: number;
  stored_bytes_upper_bound: number;
  monthly_cost_usd: number;
  leaving_monthly_cost_usd: number;
  saved_monthly_cost_usd: number;
  never_pulled_monthly_cost_usd: number;
}

export interface OwnerCounts extends StorageCounts {
  owner: string | null;
  repository_count: number;
}

export interface WastefulRepository extends RepositoryRef {
  owner: string | null;
  status: string;
  stored_bytes_upper_bound: number;
  monthly_cost_usd: number;
  leaving_monthly_cost_usd: number;
  saved_monthly_cost_usd: number;
  never_pulled_monthly_cost_usd: number;
}

/** One audit of the trend of a task. */
export interface TrendPoint {
  audit_id: string;
  audited_at: string;
  selection: string | null;
  missing_part_count: number;
  expiring_image_count: number;
  critical_finding_count: number;
  warning_finding_count: number;
  info_finding_count: number;
  stored_bytes_upper_bound: number | null;
  monthly_cost_usd: number | null;
}

/** One entry of acknowledged_findings, and what it covers. */
export interface Acknowledgement {
  repositories: string;
  code: string;
  reason: string;
  until: string;
  has_ended: boolean;
  finding_count: number;
  failed_repository_count: number;
  repository_names: string[];
}

export interface ChangedRepository extends RepositoryRef {
  newly_affected_image_count: number | null;
  no_longer_affected_image_count: number | null;
  affected_image_count_before: number | null;
  affected_image_count: number | null;
  policy_changed: boolean | null;
  alarm: string | null;
}

/** The audit that one registry and Region was compared with; its id is null where there is none, or it cannot be read. */
export interface Baseline {
  registry_id: string | null;
  region_name: string | null;
  audit_id: string | null;
  audited_at: string | null;
  error?: string | null;
}

export interface Changes {
  baselines?: Baseline[];
  compared_count: number;
  counts_only_count: number;
  appeared_count: number;
  disappeared_count: number | null;
  newly_affected_image_count: number;
  no_longer_affected_image_count: number;
  policy_changed_count: number;
  alarms: ChangedRepository[];
  top: ChangedRepository[];
  /** Missing from audits of earlier releases. */
  appeared?: RepositoryRef[];
  disappeared: RepositoryRef[];
  notes: string[];
}

/** The sums of one registry and Region. */
export interface RegistryCounts {
  registry_id: string | null;
  region_name: string | null;
  repository_count: number;
  failed_count: number;
  without_policy_count: number;
  expiring_image_count: number;
  archiving_image_count: number;
  expiring_bytes_upper_bound: number | null;
  expiring_bytes_exact?: number | null;
}

export interface Audit {
  schema: string;
  audit_id: string;
  audited_at: string;
  missing_part_count: number;
  repository_count: number;
  previewed_count: number;
  without_policy_count: number;
  failed_count: number;
  expiring_image_count: number;
  archiving_image_count: number;
  total_image_count: number | null;
  expiring_bytes_upper_bound: number | null;
  expiring_bytes_exact?: number | null;
  expiring_bytes_upper_bound_known: number;
  findings: FindingCount[];
  failures: (RepositoryRef & { error: string | null; message: string | null })[];
  without_policy: RepositoryRef[];
  registries: RegistryCounts[];
  registries_left_out: number;
  top: Omit<AuditedRepository, "status" | "message" | "policy_fingerprint">[];
  summaries: Summary[] | null;
  report_uri: string | null;
  changes: Changes | null;
  /** Missing from what was pushed before audits had a kind; these are of the applied policies. */
  policies?: { kind: string; fingerprint: string | null; lifecycle_policy_text: string | null; name?: string | null };
  selection?: string | null;
  /** Only with measure_storage, owner_tag and acknowledged_findings. */
  storage?: StorageCounts;
  wasteful?: WastefulRepository[];
  owners?: OwnerCounts[];
  owners_left_out?: number;
  trend_uri?: string;
  acknowledgements?: Acknowledgement[];
  acknowledgements_left_out?: number;
}

export interface PolicyDifference {
  policy: string;
  expiring_image_count: number;
  archiving_image_count: number;
  expiring_bytes_upper_bound: number | null;
  expiring_bytes_exact?: number | null;
  newly_affected_image_count: number;
  newly_affected_bytes_upper_bound: number | null;
  no_longer_affected_image_count: number;
  action_changed_image_count: number;
}

export interface ComparedPolicy extends PolicyDifference {
  newly_affected_image_digests: string[];
  no_longer_affected_image_digests: string[];
  findings: Finding[];
}

export interface PolicyComparisonResult {
  schema: string;
  compared_at: string;
  method: string;
  repository_count: number;
  failed_count: number;
  differing_repository_count: number;
  policies: (PolicyDifference & { findings: Record<string, number> })[];
  repositories: (RepositoryRef & { policies: ComparedPolicy[] })[];
  failures: (RepositoryRef & { message: string | null })[];
  /** Missing from comparisons of earlier releases. */
  results_uri?: string | null;
}

/** One task instance, by which its results are found. */
export interface TaskRef {
  dagId: string;
  runId: string;
  taskId: string;
  mapIndex: number;
}

/** How a task is: its state, and which operator it is of. */
export interface TaskInstance extends TaskRef {
  state: string | null;
  operator: string | null;
  tryNumber: number;
  startedAt: string | null;
  endedAt: string | null;
}

export interface Settings {
  price_per_gb_month: number;
  image_lists: boolean;
  version: string;
}

export interface ImagePage {
  total: number;
  matching: number;
  offset: number;
  images: ListedImage[];
}

export interface Bin {
  from: string;
  to: string;
  expiring: number;
  archiving: number;
  kept: number;
  bytes: number | null;
}

export interface Marker extends TaskRef {
  timestamp: string;
}
