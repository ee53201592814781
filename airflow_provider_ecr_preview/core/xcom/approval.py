"""The XCom of an approval."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

APPROVAL_SCHEMA = "ecr-lifecycle-approval/1"


APPROVAL_KEY = "ecr_lifecycle_approval"
"""XCom key of what the person is shown, pushed before there is an answer."""


MAX_APPROVAL_BYTES = 48 * 1024


class ApprovedRepositoryXCom(TypedDict):
    """What was approved of one repository. ``tags_fingerprint`` is None where not all images were listed."""

    registry_id: str
    region_name: str
    repository_name: str
    policy_fingerprint: str
    images_fingerprint: str
    tags_fingerprint: str | None
    summary_fingerprint: str
    previewed_at: str


class ApprovedByXCom(TypedDict):
    """Who approved what a task did, in its result. The names are None where only the digest was given."""

    digest: str
    responded_by: str | None
    responded_at: str | None


class ApprovalXCom(TypedDict):
    """``return_value`` of :class:`~airflow_provider_ecr_preview.operators.ecr_approval.EcrApproveCleanupOperator`.

    ``repositories`` is None where there was no room for it; ``repositories_uri`` then has it, if there is one, and
    ``digest`` holds for all of it either way. ``subject`` and ``body`` are what the person read, ``body`` cut if there was
    no room for it, and ``question_uri`` is the file with the question and the answer. ``answer_by`` is until when a clean-up
    with its defaults accepts the previews. Approvals of earlier releases lack these keys. The last keys are Airflow's answer; what was pushed before there was one lacks them.
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
