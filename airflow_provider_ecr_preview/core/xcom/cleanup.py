"""The XCom of a clean-up."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from airflow_provider_ecr_preview.core.xcom.approval import ApprovedByXCom

CLEANUP_SCHEMA = "ecr-image-cleanup/1"


MAX_CLEANUP_BYTES = 48 * 1024


class CheckXCom(TypedDict):
    """The verdict of one check.

    ``blocked`` and ``unknown`` both stop the clean-up.

    :param remedy: the parameter, permission or step that fixes it; null if the check neither blocks nor spares.
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
    """An image that the clean-up spared.

    :param check: the check that spared it; null if a later step did.
    :param message: what the check found.
    :param remedy: what lets the image go.
    """

    image_digest: str
    reason: str
    check: str | None
    message: str
    remedy: str


class RepositoryCleanupXCom(TypedDict):
    """What happened in one repository.

    The lists hold examples; the counts are complete.

    :param gone_image_count: approved images that are no longer there.
    :param not_approved_image_count: images that only the new preview lists; the clean-up does not touch them.
    :param spared: the number of spared images for each reason.
    :param failures: the number of failed images for each error code.
    :param unknown_image_count: images whose outcome is not known.
    :param not_attempted_image_count: images that were to go and did not, because the repository is blocked or the
        task ended first.
    :param touched_image_count: images that all attempts deleted or archived; in a dry run, that they would.
    :param touched_bytes_upper_bound: their size. Images share layers, so deleting them frees this much at most.
    :param earlier_attempt_image_count: of these, images that earlier attempts of the task deleted or archived.
    :param reply_lost_image_count: of these, images that are gone or archived since a call whose reply was lost;
        someone else may have done it at the same moment.
    :param may_be_refused_image_count: in a dry run, images that a manifest list which stays may refer to; ECR
        refuses to delete those, and the clean-up spares them.
    :param spared_images: examples, at least one for each reason as long as there is room.
    :param applied_policy_fingerprint: in a dry run, the applied policy; null if there is none, missing if it could
        not be read.
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

    The counts are sums over all repositories.

    :param repositories: changed, failed and blocked ones first.
    :param repositories_left_out: the number of repositories that do not fit.
    :param results_uri: the file with every image.
    :param lifecycle_policies: in a dry run, the previewed and the applied policies by their fingerprints; empty if
        they do not fit.
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
