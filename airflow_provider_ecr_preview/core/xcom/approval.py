"""The XCom of an approval."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

APPROVAL_SCHEMA = "ecr-lifecycle-approval/1"


APPROVAL_KEY = "ecr_lifecycle_approval"
"""XCom key of what the person is shown, pushed before there is an answer."""


MAX_APPROVAL_BYTES = 48 * 1024


class ApprovedRepositoryXCom(TypedDict):
    """One approved repository.

    :param tags_fingerprint: null if not all images were listed.
    """

    registry_id: str
    region_name: str
    repository_name: str
    policy_fingerprint: str
    images_fingerprint: str
    tags_fingerprint: str | None
    summary_fingerprint: str
    previewed_at: str


class ApprovedByXCom(TypedDict):
    """The approval that a task acted on, as its result names it.

    The names are null if the task was given only a digest.
    """

    digest: str
    responded_by: str | None
    responded_at: str | None


class ApprovalXCom(TypedDict):
    """``return_value`` of :class:`~airflow_provider_ecr_preview.operators.ecr_approval.EcrApproveCleanupOperator`.

    The keys from ``chosen_options`` on are Airflow's answer; they are missing until a person answers.

    :param digest: identifies everything that the question covers, whether or not ``repositories`` lists it.
    :param repositories: what is approved; null if it does not fit.
    :param repositories_uri: the file with all repositories; null if there is none.
    :param subject: the subject that the person read.
    :param body: the text that the person read, cut if it does not fit.
    :param question_uri: the file with the question and the answer.
    :param answer_by: until when a clean-up with default settings accepts the previews.
    """

    schema: str
    action: str
    dry_run: bool
    digest: str
    repository_count: int
    repositories: list[ApprovedRepositoryXCom] | None
    repositories_uri: str | None
    subject: NotRequired[str]
    body: NotRequired[str]
    question_uri: NotRequired[str | None]
    answer_by: NotRequired[str | None]
    chosen_options: NotRequired[list[str]]
    params_input: NotRequired[dict[str, Any]]
    responded_at: NotRequired[str | None]
    responded_by_user: NotRequired[dict[str, Any] | None]
