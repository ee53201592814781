"""The XCom of a policy change."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from airflow_provider_ecr_preview.core.xcom.approval import ApprovedByXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import CheckXCom

POLICY_CHANGE_SCHEMA = "ecr-lifecycle-policy-change/1"


MAX_POLICY_CHANGE_BYTES = 48 * 1024


class RestoredPreview(TypedDict):
    """How many images the restored policy affects, according to its preview."""

    expiring_image_count: int
    archiving_image_count: int


class RepositoryPolicyXCom(TypedDict):
    """What happened to the policy of one repository.

    :param former_lifecycle_policy_text: null if there was no policy, or if ``former_policies_uri`` has it.
    :param is_put: whether the task put the policy or may have put it, so that there is something to restore.
    :param restored_preview: the effect of the restored policy; null if it was not previewed.
    :param reason: ``reply_lost`` if the wanted policy is applied since a call whose reply was lost; someone else
        may have put it at the same moment.
    """

    registry_id: str
    region_name: str
    repository_name: str
    status: str
    policy_fingerprint: str | None
    former_policy_fingerprint: str | None
    former_lifecycle_policy_text: str | None
    checks: list[CheckXCom]
    error: str | None
    message: str | None
    is_put: bool
    reason: NotRequired[str | None]
    restored_preview: NotRequired[RestoredPreview | None]


class PolicyChangeXCom(TypedDict):
    """``return_value`` of the operators that put and restore policies.

    :param kind: ``put`` or ``restore``.
    :param changed_repository_count: includes what earlier attempts of the task changed.
    :param put_repository_count: includes what earlier attempts put, and what may have been put.
    :param reply_lost_repository_count: of these, repositories whose policy is the wanted one since a call whose
        reply was lost.
    :param change_id: the task and the run.
    :param repositories_left_out: the number of repositories that do not fit.
    :param former_policies_uri: the file with all former policies.
    :param former_policies_fingerprint: SHA-256 of the former policies; a restore checks the file with it.
    :param lifecycle_policies: the wanted policies by their fingerprints; empty if they do not fit.
    """

    schema: str
    dry_run: bool
    status: str
    started_at: str
    finished_at: str
    repository_count: int
    changed_repository_count: int
    put_repository_count: int
    reply_lost_repository_count: NotRequired[int]
    statuses: dict[str, int]
    checks: list[CheckXCom]
    repositories: list[RepositoryPolicyXCom]
    repositories_left_out: int
    former_policies_uri: str | None
    approval: NotRequired[ApprovedByXCom | None]
    former_policies_fingerprint: str
    change_id: str | None
    message: NotRequired[str | None]
    kind: NotRequired[Literal["put", "restore"]]
    lifecycle_policies: NotRequired[dict[str, str]]
