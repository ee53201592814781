"""The XCom of an audit."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, final

from airflow_provider_ecr_preview.core.xcom.acknowledgement import AcknowledgementCounts
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.core.xcom.storage import OwnerCounts, StorageXCom, WastefulRepository

AUDIT_SCHEMA = "ecr-lifecycle-audit/1"


CHANGES_SCHEMA = "ecr-lifecycle-changes/1"


MAX_MESSAGE_CHARACTERS = 300


MAX_AUDIT_BYTES = 48 * 1024
"""Upper bound of one audit as JSON, whatever the number of repositories; of a comparison too."""


MAX_TOP_REPOSITORIES = 50


MAX_LISTED = 50


MAX_EXAMPLES = 5


class RepositoryRef(TypedDict):
    """A repository.

    Registry and Region are null if an audit failed before it knew them.
    """

    registry_id: str | None
    region_name: str | None
    repository_name: str


class AuditCounts(TypedDict):
    """Sums over repositories.

    Image counts include previewed repositories only. A sum is null if one of its values is not known;
    ``..._known`` then has the sum of the known values, and ``..._unknown_repository_count`` the number of
    repositories without one.

    :param without_policy_count: repositories without a policy to preview.
    :param failed_count: repositories that could not be previewed.
    :param affected_repository_count: repositories with affected images.
    :param total_image_count: all images of the previewed repositories.
    :param preview_call_count: calls of the two preview operations.
    :param expiring_bytes_upper_bound: the images share layers, so deleting them frees this much at most.
    :param expiring_bytes_exact: what deleting the images frees, read from their manifests; only with
        ``read_manifests``.
    :param acknowledged_finding_count: findings that ``acknowledged_findings`` accepts; no other count includes
        them.
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
    expiring_bytes_exact: NotRequired[int | None]
    expiring_bytes_exact_known: NotRequired[int]
    exact_bytes_unknown_repository_count: NotRequired[int]
    critical_finding_count: int
    warning_finding_count: int
    info_finding_count: int
    acknowledged_finding_count: NotRequired[int]
    preview_call_count: int
    storage: NotRequired[StorageXCom]


class RegistryCounts(AuditCounts):
    """The sums of one registry and Region."""

    registry_id: str | None
    region_name: str | None


class AuditedRepository(RepositoryRef):
    """One of the repositories that would lose the most images."""

    expiring_image_count: int
    archiving_image_count: int
    total_image_count: int | None
    expiring_bytes_upper_bound: int | None
    expiring_bytes_exact: NotRequired[int | None]
    findings: list[str]
    acknowledged_findings: NotRequired[list[str]]
    images_uri: str | None


@final
class FailedRepository(RepositoryRef):
    """A repository that could not be previewed, and why."""

    error: str | None
    message: str | None


class FindingCount(TypedDict):
    """How many repositories have a finding, the names of the first ones, and what all their images cost."""

    severity: str
    code: str
    repository_count: int
    repositories: list[RepositoryRef]
    monthly_cost_usd: NotRequired[float]


class BaselineRef(TypedDict):
    """The earlier audit that a registry and Region is compared with.

    :param audit_id: null if there is no earlier audit, or if its reports cannot be read.
    :param error: why the reports cannot be read.
    """

    registry_id: str | None
    region_name: str | None
    audit_id: str | None
    audited_at: str | None
    error: NotRequired[str | None]


class ChangedRepository(RepositoryRef):
    """What changed in one repository since the earlier audit.

    A value that is not known is null.
    """

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
    """What changed since the last audit.

    The lists are cut; the counts are complete.

    :param not_comparable_count: repositories that one of the two audits could not preview.
    :param counts_only_count: repositories without image lists in both audits, compared by their counts only.
    """

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
    appeared: NotRequired[list[RepositoryRef]]
    disappeared: list[RepositoryRef]
    notes: list[str]


class AuditedPolicies(TypedDict):
    """The policies that an audit previews.

    :param kind: ``applied``, ``candidate``, or ``mixed`` if parts of the audit differ.
    :param fingerprint: over the candidate policies and the repository patterns that they are for.
    :param lifecycle_policy_text: the candidate; null if there are several, or if it does not fit.
    :param name: the descriptions of the rules of the candidate.
    """

    kind: str
    fingerprint: str | None
    lifecycle_policy_text: str | None
    name: str | None


class TrendPoint(TypedDict):
    """One line of the file ``trend_uri``: one audit of the series.

    The oldest audit comes first. A value that is not known is null.
    """

    audit_id: str
    audited_at: str
    dag_id: str | None
    selection: str | None
    repository_count: int
    failed_count: int
    missing_part_count: int
    expiring_image_count: int
    expiring_bytes_upper_bound: int | None
    critical_finding_count: int
    warning_finding_count: int
    info_finding_count: int
    acknowledged_finding_count: int
    stored_bytes_upper_bound: int | None
    monthly_cost_usd: float | None
    never_pulled_monthly_cost_usd: float | None


class AuditXCom(AuditCounts):
    """``return_value`` of the audit and of the merge operator, in at most 48 KiB.

    The counts of findings leave out those that ``acknowledged_findings`` accepts.

    :param policies: which policies were previewed.
    :param selection: of which repositories, in words.
    :param missing_part_count: parts of a merged audit whose tasks ended without a result; their repositories are
        unknown.
    :param wasteful: the repositories that waste the most; only with ``measure_storage``.
    :param owners: the sums of the first 50 owners by cost; only with ``owner_tag``.
    :param owners_left_out: the number of other owners.
    :param owners_uri: the file with all owners (``OwnersFile``).
    :param trend_uri: the file with a line for each audit of this task and these policies (``TrendPoint``).
    :param packed_repositories: the names of all repositories for the merge operator: JSON by registry and Region,
        compressed with zlib, in base 85. Missing if the lists name them all, or if the names do not fit.
    :param acknowledgements: the entries of ``acknowledged_findings``; missing if there are none.
    :param registry_notes: messages about the registry and not one repository, such as mistakes in creation
        templates; missing if there are none.
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
    policies: NotRequired[AuditedPolicies]
    selection: NotRequired[str | None]
    wasteful: NotRequired[list[WastefulRepository]]
    owners: NotRequired[list[OwnerCounts]]
    owners_left_out: NotRequired[int]
    owners_uri: NotRequired[str]
    trend_uri: NotRequired[str]
    packed_repositories: NotRequired[str]
    acknowledgements: NotRequired[list[AcknowledgementCounts]]
    acknowledgements_left_out: NotRequired[int]
    registry_notes: NotRequired[list[str]]
