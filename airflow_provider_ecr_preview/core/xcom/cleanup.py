"""The XCom of a clean-up."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from airflow_provider_ecr_preview.core.xcom.approval import ApprovedByXCom

CLEANUP_SCHEMA = "ecr-image-cleanup/1"


MAX_CLEANUP_BYTES = 48 * 1024


class CheckXCom(TypedDict):
    """What one check says; ``blocked`` and ``unknown`` both forbid the clean-up.

    ``remedy`` says which parameter, permission or step fixes it; None where it neither blocks nor spares. Results of
    earlier releases have none.
    """

    code: str
    verdict: str
    message: str
    image_digests: list[str]
    remedy: NotRequired[str | None]


class FailedImageXCom(TypedDict):
    """An image that ECR did not delete, and why."""

    image_digest: str
    status: str
    code: str | None
    message: str | None


class SparedImageXCom(TypedDict):
    """An image that was spared: for which reason and by which check, what was seen, and what lets it go.

    ``check`` is None for what was seen after the checks.
    """

    image_digest: str
    reason: str
    check: str | None
    message: str
    remedy: str


class RepositoryCleanupXCom(TypedDict):
    """What became of one repository. Bytes are upper bounds, because layers are shared.

    ``touched_image_count`` is what was deleted or archived, by all attempts together, or in a dry run would be. Of
    these, ``earlier_attempt_image_count`` is what earlier attempts at the same task did, and ``reply_lost_image_count``
    what is gone, or archived, since a call whose reply was lost: someone else may have done it at the same moment.
    ``failed_images``, ``spared_images`` and ``image_digests`` hold examples, those of spared images one of every reason
    first; the counts are not cut. In a dry run, ``may_be_refused_image_count`` is how many of the images a
    manifest list that stays may name: ECR refuses those, and they are then spared. Results of earlier releases have none of
    ``spared_images`` and these three counts.

    ``applied_policy_fingerprint`` is there in a dry run only: the policy that is applied, null if there is none, absent if
    it could not be read.
    """

    registry_id: str
    region_name: str
    repository_name: str
    policy_fingerprint: str
    images_fingerprint: str
    status: str
    approved_image_count: int
    touched_image_count: int
    touched_bytes_upper_bound: int | None
    reply_lost_image_count: NotRequired[int]
    earlier_attempt_image_count: NotRequired[int]
    gone_image_count: int
    not_approved_image_count: int
    spared: dict[str, int]
    may_be_refused_image_count: int
    failures: dict[str, int]
    unknown_image_count: int
    not_attempted_image_count: int
    failed_images: list[FailedImageXCom]
    image_digests: list[str]
    checks: list[CheckXCom]
    error: str | None
    message: str | None
    spared_images: NotRequired[list[SparedImageXCom]]
    applied_policy_fingerprint: NotRequired[str | None]


class ImageCleanupXCom(TypedDict):
    """``return_value`` of :class:`~airflow_provider_ecr_preview.operators.ecr_cleanup.EcrDeletePreviewedImagesOperator`.

    ``repositories`` holds those that changed, failed or are blocked first; ``repositories_left_out`` says how many
    there was no room for. ``results_uri`` has every image. The counts are those of the repositories, added up.
    ``lifecycle_policies`` is there in a dry run only: the texts of the previewed and of the applied policies by their
    fingerprints, empty where there was no room.
    """

    schema: str
    action: str
    dry_run: bool
    status: str
    started_at: str
    finished_at: str
    repository_count: int
    touched_image_count: int
    touched_bytes_upper_bound: int | None
    reply_lost_image_count: NotRequired[int]
    earlier_attempt_image_count: NotRequired[int]
    failed_image_count: int
    spared_image_count: int
    statuses: dict[str, int]
    checks: list[CheckXCom]
    cost: str | None
    repositories: list[RepositoryCleanupXCom]
    repositories_left_out: int
    results_uri: str | None
    approval: NotRequired[ApprovedByXCom | None]
    lifecycle_policies: NotRequired[dict[str, str]]
