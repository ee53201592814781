// What the operators push that change something, check it, or look at what is around it, as core/xcom has it.

import type { Finding, RepositoryRef } from "./types";

export interface Check {
  code: string;
  verdict: string;
  message: string;
  image_digests?: string[];
  remedy?: string | null;
}

/** Who approved; the names are null where only the digest was given. */
export interface ApprovedBy {
  digest: string;
  responded_by: string | null;
  responded_at: string | null;
}

export interface SparedImage {
  image_digest: string;
  reason: string;
  check: string | null;
  message: string;
  remedy: string;
}

export interface FailedImage {
  image_digest: string;
  status: string;
  code: string | null;
  message: string | null;
}

export interface RepositoryCleanup extends RepositoryRef {
  status: string;
  approved_image_count: number;
  touched_image_count: number;
  touched_bytes_upper_bound: number | null;
  gone_image_count: number;
  not_approved_image_count: number;
  spared: Record<string, number>;
  may_be_refused_image_count?: number;
  failures: Record<string, number>;
  unknown_image_count: number;
  not_attempted_image_count: number;
  failed_images: FailedImage[];
  image_digests: string[];
  checks: Check[];
  error: string | null;
  message: string | null;
  spared_images?: SparedImage[];
  policy_fingerprint: string;
  /** Of a dry run; missing where the applied policy could not be read. */
  applied_policy_fingerprint?: string | null;
}

export interface Cleanup {
  action: "delete" | "archive";
  dry_run: boolean;
  status: string;
  started_at: string;
  finished_at: string;
  repository_count: number;
  touched_image_count: number;
  touched_bytes_upper_bound: number | null;
  reply_lost_image_count?: number;
  earlier_attempt_image_count?: number;
  failed_image_count: number;
  spared_image_count: number;
  statuses: Record<string, number>;
  checks: Check[];
  cost: string | null;
  repositories: RepositoryCleanup[];
  repositories_left_out: number;
  results_uri: string | null;
  approval?: ApprovedBy | null;
  /** Of a dry run: the policies by their fingerprints. */
  lifecycle_policies?: Record<string, string>;
}

export interface RepositoryPolicy extends RepositoryRef {
  status: string;
  policy_fingerprint: string | null;
  former_policy_fingerprint: string | null;
  former_lifecycle_policy_text: string | null;
  checks: Check[];
  error: string | null;
  message: string | null;
  is_put?: boolean;
  reason?: string | null;
  restored_preview?: { expiring_image_count: number; archiving_image_count: number } | null;
}

export interface PolicyChange {
  /** Missing from what was pushed before there was such a key. */
  kind?: "put" | "restore";
  dry_run: boolean;
  status: string;
  started_at: string;
  finished_at: string;
  repository_count: number;
  changed_repository_count: number;
  put_repository_count?: number;
  reply_lost_repository_count?: number;
  statuses: Record<string, number>;
  checks: Check[];
  repositories: RepositoryPolicy[];
  repositories_left_out: number;
  former_policies_uri: string | null;
  /** The wanted policies by their fingerprints. */
  lifecycle_policies?: Record<string, string>;
  approval?: ApprovedBy | null;
  message?: string | null;
}

export interface RepositoryReconciliation extends RepositoryRef {
  status: string;
  message: string | null;
  previewed_at: string;
  executed_at: string | null;
  event_count: number;
  unread_event_count: number;
  policy: string | null;
  previewed_image_count: number;
  counts: Record<string, number>;
  failures: Record<string, number>;
  findings: Finding[];
}

export interface Reconciliation {
  reconciled_until: string;
  repository_count: number;
  statuses: Record<string, number>;
  event_count: number;
  policy_changed_count: number;
  counts: Record<string, number>;
  failures: Record<string, number>;
  findings: Record<string, number>;
  unread_event_count: number;
  unread_events: { event_id: string | null; reason: string }[];
  repositories: RepositoryReconciliation[];
  repositories_left_out: number;
  results_uri: string | null;
}

export interface ImageInUse extends RepositoryRef {
  image_digest: string | null;
  image_tag: string | null;
  used_by: string[][];
}

export interface Source {
  source: string;
  aws_conn_id?: string | null;
  account_id?: string | null;
  region_name?: string | null;
  reference_count?: number;
  reason?: string;
}

export interface ImagesInUse {
  collected_at: string;
  is_complete: boolean;
  scope?: Record<string, string[]>;
  sources: Source[];
  source_count?: number;
  unread: Source[];
  unread_count?: number;
  image_count: number;
  images: ImageInUse[] | null;
  in_use_uri: string | null;
}

export interface ReadinessRow {
  registry_id: string | null;
  region_name: string | null;
  repository_name: string | null;
  code: string;
  verdict: string;
  message: string;
  remedy: string | null;
}

export interface Readiness {
  action: string;
  checked_at: string;
  repository_count: number;
  ready_repository_count: number;
  verdicts: Record<string, Record<string, number>>;
  rows: ReadinessRow[];
  rows_left_out: number;
  results_uri: string | null;
}

/** What an approval binds and, once there is one, its answer. */
export interface Approval {
  action: "delete" | "archive" | "put";
  dry_run: boolean;
  digest: string;
  repository_count: number;
  repositories: (RepositoryRef & { previewed_at: string })[] | null;
  repositories_uri: string | null;
  /** The file with the question and the answer. */
  question_uri?: string | null;
  /** Until when a clean-up with its defaults accepts the previews. Missing from approvals of earlier releases. */
  answer_by?: string | null;
  chosen_options?: string[];
  responded_at?: string | null;
  responded_by_user?: { id?: string; name?: string } | null;
}

export interface StartedPreview extends RepositoryRef {
  status: string;
  policy_fingerprint: string;
}

/** The names of repositories, all of one registry or by Region. */
export interface RepositoryNames {
  batches: { region_name: string | null; repository_names: string[] }[];
}
