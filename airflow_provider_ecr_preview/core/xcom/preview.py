"""The XCom of a preview and its summary."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

SUMMARY_SCHEMA = "ecr-lifecycle-preview-summary/1"


MARKER_SCHEMA = "ecr-lifecycle-preview-marker/1"


MARKER_KEY = "ecr_lifecycle_preview"
"""XCom key of the marker that lets a reader find previews without reading the values of other tasks."""


AUDIT_MARKER_KEY = "ecr_lifecycle_audit"
"""XCom key of the marker of a whole audit, which is found by it among thousands of previews."""


CHANGE_MARKER_KEY = "ecr_lifecycle_change"
"""XCom key of the marker of what changed something, would in a dry run, or says what ECR changed."""


COMPARISON_MARKER_KEY = "ecr_lifecycle_comparison"
"""XCom key of the marker of a comparison of policies."""


MAX_SUMMARY_BYTES = 8 * 1024
"""Upper bound of one summary as JSON, whatever the size of the repository and of its policy."""


MAX_SAMPLE_IMAGES = 10


MAX_SAMPLE_TAGS = 5


MAX_FINDING_DIGESTS = 10


class RuleSummary(TypedDict):
    """What one rule of the policy affects.

    Rules that affect nothing are listed, too, as long as there is room.

    :param monthly_cost_usd: what the images that the rule deletes cost a month, as an upper bound; null if it is
        not known. Only in an audit with ``measure_storage``.
    """

    priority: int
    action: str
    description: str | None
    image_count: int
    bytes_upper_bound: int | None
    monthly_cost_usd: NotRequired[float | None]


class FindingSummary(TypedDict):
    """Something that a person should look at before images are deleted.

    :param acknowledged_until: the last day on which ``acknowledged_findings`` accepts the finding; missing if it
        does not.
    """

    code: str
    severity: Literal["critical", "warning", "info"]
    message: str
    image_digests: list[str]
    acknowledged_until: NotRequired[str]


class SampleImage(TypedDict):
    """One of the affected images.

    The sample holds the most recently pushed ones.
    """

    image_digest: str
    image_tags: list[str]
    image_pushed_at: str | None
    action: str
    applied_rule_priority: int
    image_size_in_bytes: int | None
    last_recorded_pull_time: str | None


class PreviewSummaryXCom(TypedDict):
    """``return_value`` of the summarise operator.

    :param expiring_bytes_exact: the bytes of layers that no remaining image of the repository uses; null if not
        known. A layer that is mounted into another repository may stay there. Only with ``read_manifests``.
    :param shared_bytes: the bytes of layers of expiring images that remaining images also use; null if not known.
        Only with ``read_manifests``.
    :param expiring_family_count: expiring images, where a manifest list, its images and their signatures count as
        one; null if not known. Only with ``read_manifests``.
    :param exact_bytes_message: why these are not known; null if they are.
    :param lifecycle_policy_text: the previewed policy; missing in audits, and if it does not fit.
    """

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
    expiring_bytes_exact: NotRequired[int | None]
    shared_bytes: NotRequired[int | None]
    expiring_family_count: NotRequired[int | None]
    exact_bytes_message: NotRequired[str | None]
    lifecycle_policy_text: NotRequired[str | None]


class StartedPreviewXCom(TypedDict):
    """``return_value`` of the start operator and of the sensor."""

    registry_id: str
    region_name: str
    repository_name: str
    status: str
    policy_fingerprint: str


class MarkerXCom(TypedDict):
    """The value under :data:`MARKER_KEY`, :data:`AUDIT_MARKER_KEY`, :data:`CHANGE_MARKER_KEY` and :data:`COMPARISON_MARKER_KEY`.

    Readers ignore kinds that they do not know.
    """

    schema: str
    kind: Literal["summary", "audit", "cleanup", "put", "restore", "reconciliation", "comparison"]
    counts: dict[str, Any]
