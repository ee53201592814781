"""The XCom of a policy change."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from airflow_provider_ecr_preview.core.xcom.approval import ApprovedByXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import CheckXCom

POLICY_CHANGE_SCHEMA = "ecr-lifecycle-policy-change/1"


MAX_POLICY_CHANGE_BYTES = 48 * 1024


class RestoredPreview(TypedDict):
    """How many images a policy would take, as a preview of it says."""

    expiring_image_count: int
    archiving_image_count: int


class RepositoryPolicyXCom(TypedDict):
    """What became of the policy of one repository.

    ``former_lifecycle_policy_text`` is None where there was no policy, and where ``former_policies_uri`` has it.
    ``is_put`` says whether the policy was, or may have been, put by the task, so that there is something to restore.
    ``restored_preview`` says what a restored policy would take; null where it was not previewed. ``reason`` is
    ``reply_lost`` where the policy is as it was wanted since a call whose reply was lost: someone else may have put the
    same one in the same moment. Results of earlier releases have none of these.
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

    ``repositories_left_out`` says for how many there was no room; ``former_policies_uri`` has all of them.
    ``changed_repository_count`` and ``put_repository_count`` count also what earlier attempts of the task put, the latter
    with what may have been put; ``reply_lost_repository_count`` is how many of them are so since a call whose reply was
    lost. ``change_id`` says which run of which task this is, and ``former_policies_fingerprint`` is a SHA-256 over all that
    it has replaced, by which ``former_policies_uri`` is checked.

    ``kind`` says which of the two it is, and ``lifecycle_policies`` has the wanted policies by their fingerprints, empty
    where there was no room; results of earlier releases have neither.
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
