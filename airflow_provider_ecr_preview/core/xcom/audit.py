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
    """Which repository; registry and Region are null when an audit failed before it learnt them."""

    registry_id: str | None
    region_name: str | None
    repository_name: str


class AuditCounts(TypedDict):
    """Sums over repositories. Those over images are of the repositories that were previewed.

    A sum is null as soon as one addend is not known; next to it are the sum of the known ones and the number of
    repositories that are missing from it. Bytes are upper bounds, because layers are shared; ``expiring_bytes_exact`` is
    what is freed by the manifests of the images, with ``read_manifests``. Earlier releases have no exact bytes.
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
    """One of the repositories from which the most would go."""

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
    """How many repositories have one finding, with the first of them by name, and what all their images cost."""

    severity: str
    code: str
    repository_count: int
    repositories: list[RepositoryRef]
    monthly_cost_usd: NotRequired[float]


class BaselineRef(TypedDict):
    """The earlier audit that one registry and Region was compared with.

    Its id is null when there is none, or when its reports cannot be read: ``error`` then says why.
    """

    registry_id: str | None
    region_name: str | None
    audit_id: str | None
    audited_at: str | None
    error: NotRequired[str | None]


class ChangedRepository(RepositoryRef):
    """What changed in one repository since the earlier audit; null where it is not known."""

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
    """What changed since the last audit. The lists are cut, their counts are not.

    Audits of earlier releases lack ``appeared``.
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
    """Which policies an audit previews: ``applied``, ``candidate``, or ``mixed`` where its parts differ.

    ``fingerprint`` is over the candidate policies and the globs that they are for. ``lifecycle_policy_text`` is the one
    candidate; null where there are several, or there was no room for it. ``name`` is what the rules of the candidate say
    about themselves; audits of earlier releases lack it.
    """

    kind: str
    fingerprint: str | None
    lifecycle_policy_text: str | None
    name: str | None


class TrendPoint(TypedDict):
    """One line of the file ``trend_uri``: one audit of the series, the oldest first. Null is what is not known."""

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

    ``policies`` says what was previewed, and ``selection`` of which repositories, in words; results of earlier releases
    have neither.

    ``wasteful`` are the repositories that waste the most; absent where no storage was measured. ``owners`` are the sums of
    the first 50 owners by cost; absent where no tags were read. ``owners_left_out`` counts the other owners. ``owners_uri``
    is a file with all of them (:class:`OwnersFile`), and the tables have all rows.
    ``trend_uri`` is a file with a line for each audit of the same task and policies (:class:`TrendPoint`).

    ``packed_repositories`` are the names of all repositories, for the merge operator: JSON by registry and Region,
    compressed (zlib, base 85). Absent where the lists name them all, or the names do not fit.

    ``findings`` and the counts of findings leave out what the parameter ``acknowledged_findings`` accepts: those are in
    ``acknowledged_finding_count``, and entry by entry in ``acknowledgements``, which is absent where there is no entry.

    ``registry_notes`` are sentences about the registry that belong to no repository, such as mistakes in creation templates;
    absent where there are none.

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
