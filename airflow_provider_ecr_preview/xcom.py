"""The XCom contract: what the operators push, for the tasks and pages that read it.

A change that breaks a reader changes the ``schema``. Every value is of a plain JSON type, because Airflow does not
deserialize classes of packages that the deployment has not allowed.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict, final

SUMMARY_SCHEMA = "ecr-lifecycle-preview-summary/1"
MARKER_SCHEMA = "ecr-lifecycle-preview-marker/1"

MARKER_KEY = "ecr_lifecycle_preview"
"""XCom key of the marker that lets a reader find previews without reading the values of other tasks."""

MAX_SUMMARY_BYTES = 8 * 1024
"""Upper bound of one summary as JSON, whatever the size of the repository and of its policy."""

MAX_SAMPLE_IMAGES = 10
MAX_SAMPLE_TAGS = 5
MAX_FINDING_DIGESTS = 10


class RuleSummary(TypedDict):
    """What one rule of the policy takes; also there for a rule that takes nothing, as long as there is room."""

    priority: int
    action: str
    description: str | None
    image_count: int
    bytes_upper_bound: int | None


class FindingSummary(TypedDict):
    """Something that a person should look at before anything is deleted."""

    code: str
    severity: Literal["critical", "warning", "info"]
    message: str
    image_digests: list[str]


class SampleImage(TypedDict):
    """One of the affected images; the sample holds the most recently pushed ones."""

    image_digest: str
    image_tags: list[str]
    image_pushed_at: str | None
    action: str
    applied_rule_priority: int
    image_size_in_bytes: int | None
    last_recorded_pull_time: str | None


class PreviewSummaryXCom(TypedDict):
    """``return_value`` of the summarise operator. Times are ISO 8601 in UTC; sizes are bytes."""

    schema: str
    registry_id: str
    region_name: str
    repository_name: str
    status: str
    previewed_at: str
    policy_fingerprint: str
    images_fingerprint: str
    expiring_image_count: int
    archiving_image_count: int
    tagged_image_count: int
    untagged_image_count: int
    total_image_count: int | None
    expiring_bytes_upper_bound: int | None
    oldest_pushed_at: str | None
    newest_pushed_at: str | None
    rules: list[RuleSummary]
    findings: list[FindingSummary]
    sample: list[SampleImage]
    images_uri: str | None
    next_token: str | None


class StartedPreviewXCom(TypedDict):
    """``return_value`` of the start operator and of the sensor."""

    registry_id: str
    region_name: str
    repository_name: str
    status: str
    policy_fingerprint: str


class MarkerXCom(TypedDict):
    """Value under :data:`MARKER_KEY`, beside every summary and every audit."""

    schema: str
    kind: Literal["summary", "audit"]
    counts: dict[str, Any]


AUDIT_SCHEMA = "ecr-lifecycle-audit/1"
CHANGES_SCHEMA = "ecr-lifecycle-changes/1"
COMPARISON_SCHEMA = "ecr-lifecycle-comparison/1"

MAX_MESSAGE_CHARACTERS = 300
MAX_AUDIT_BYTES = 48 * 1024
"""Upper bound of one audit as JSON, whatever the number of repositories; of a comparison too."""

MAX_TOP_REPOSITORIES = 50
MAX_LISTED = 50
MAX_EXAMPLES = 5


class RepositoryRef(TypedDict):
    """Which repository; registry and Region are null when an audit failed before it learnt them."""

    registry_id: str | None
    region_name: str | None
    repository_name: str


class AuditCounts(TypedDict):
    """Sums over repositories. Those over images are of the repositories that were previewed.

    A sum is null as soon as one addend is not known; beside it stand the sum of what is known and the number of
    repositories that are missing from it. Bytes are upper bounds, because layers are shared.
    """

    repository_count: int
    previewed_count: int
    without_policy_count: int
    failed_count: int
    affected_repository_count: int
    expiring_image_count: int
    archiving_image_count: int
    tagged_image_count: int
    untagged_image_count: int
    total_image_count: int | None
    total_image_count_known: int
    total_unknown_repository_count: int
    expiring_bytes_upper_bound: int | None
    expiring_bytes_upper_bound_known: int
    bytes_unknown_repository_count: int
    critical_finding_count: int
    warning_finding_count: int
    info_finding_count: int
    preview_call_count: int


class RegistryCounts(AuditCounts):
    """The sums of one registry and Region."""

    registry_id: str | None
    region_name: str | None


class AuditedRepository(RepositoryRef):
    """One of the repositories from which the most would go."""

    expiring_image_count: int
    archiving_image_count: int
    total_image_count: int | None
    expiring_bytes_upper_bound: int | None
    findings: list[str]
    images_uri: str | None


@final
class FailedRepository(RepositoryRef):
    """A repository that could not be previewed, and why."""

    error: str | None
    message: str | None


class FindingCount(TypedDict):
    """How many repositories have one finding, with the first of them by name."""

    severity: str
    code: str
    repository_count: int
    repositories: list[RepositoryRef]


class BaselineRef(TypedDict):
    """The earlier audit that one registry and Region was compared with; its id is null when there is none."""

    registry_id: str | None
    region_name: str | None
    audit_id: str | None
    audited_at: str | None


class ChangedRepository(RepositoryRef):
    """What changed in one repository since the earlier audit; null is what could not be told."""

    kind: Literal["appeared", "compared", "not_comparable"]
    compared_by: Literal["fingerprint", "images", "counts"] | None
    newly_affected_image_count: int | None
    no_longer_affected_image_count: int | None
    action_changed_image_count: int | None
    affected_image_count_before: int | None
    affected_image_count: int | None
    policy_changed: bool | None
    alarm: str | None
    note: str | None


class ChangesXCom(TypedDict):
    """What changed since the last audit. The lists are cut, the counts beside them are not."""

    schema: str
    baselines: list[BaselineRef]
    compared_count: int
    appeared_count: int
    disappeared_count: int | None
    not_comparable_count: int
    counts_only_count: int
    policy_changed_count: int
    newly_affected_image_count: int
    no_longer_affected_image_count: int
    action_changed_image_count: int
    affected_image_count_before: int
    affected_image_count: int
    alarm_count: int
    alarms: list[ChangedRepository]
    top: list[ChangedRepository]
    disappeared: list[RepositoryRef]
    notes: list[str]


class AuditXCom(AuditCounts):
    """``return_value`` of the audit and of the merge operator, in at most 48 KiB.

    ``missing_part_count`` is how many parts of a merged audit are not in it, because their tasks ended without a
    result: with any missing, nothing is known of the repositories in them.
    """

    schema: str
    audit_id: str
    audited_at: str
    missing_part_count: int
    registries: list[RegistryCounts]
    registries_left_out: int
    findings: list[FindingCount]
    errors: dict[str, int]
    failures: list[FailedRepository]
    without_policy: list[RepositoryRef]
    top: list[AuditedRepository]
    summaries: list[PreviewSummaryXCom] | None
    changes: ChangesXCom | None
    report_uri: str | None
    table_uris: list[str]


ComparisonMethod = Literal["preview", "simulation", "both"]


class PolicyDifference(TypedDict):
    """What one policy takes, and how that differs from what the first of the compared policies takes.

    Bytes are upper bounds, and null as soon as one size is not known.
    """

    policy: str
    expiring_image_count: int
    archiving_image_count: int
    expiring_bytes_upper_bound: int | None
    newly_affected_image_count: int
    newly_affected_bytes_upper_bound: int | None
    no_longer_affected_image_count: int
    no_longer_affected_bytes_upper_bound: int | None
    action_changed_image_count: int


class ComparedPolicy(PolicyDifference):
    """One policy in one repository; its fingerprint is null where none is applied, which takes nothing."""

    policy_fingerprint: str | None
    newly_affected_image_digests: list[str]
    no_longer_affected_image_digests: list[str]
    findings: list[FindingSummary]


class PolicyTotals(PolicyDifference):
    """One policy over all repositories, with the number of repositories by the code of each finding."""

    findings: dict[str, int]


@final
class ComparedRepository(RepositoryRef):
    """What each policy does with one repository."""

    policies: list[ComparedPolicy]


class ComparisonXCom(TypedDict):
    """``return_value`` of the comparing operator, in at most 48 KiB. The lists are cut, the counts beside them are not.

    ``method`` says whether ECR's preview was asked, or the policies were only simulated.
    """

    schema: str
    compared_at: str
    method: ComparisonMethod
    repository_count: int
    failed_count: int
    differing_repository_count: int
    policies: list[PolicyTotals]
    repositories: list[ComparedRepository]
    errors: dict[str, int]
    failures: list[FailedRepository]
