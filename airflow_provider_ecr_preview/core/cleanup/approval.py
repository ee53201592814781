"""An approval: fingerprints of policy, images and tags by repository, and one digest over all of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, cast

from airflow_provider_ecr_preview.core.parameters.values import decoded
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.visible import one_line
from airflow_provider_ecr_preview.core.values import cut, isoformat, json_size
from airflow_provider_ecr_preview.core.xcom.approval import (
    APPROVAL_SCHEMA,
    MAX_APPROVAL_BYTES,
    ApprovalXCom,
    ApprovedByXCom,
    ApprovedRepositoryXCom,
)
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom

APPROVE = "Approve"


ApprovedAction = Literal["delete", "archive", "put"]
"""``put`` applies the policies, so that ECR itself acts on them."""


_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ApprovedRepository:
    """One repository in an approval.

    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param repository_name: the repository.
    :param policy_fingerprint: the policy.
    :param images_fingerprint: the images that it affects, with the action on each.
    :param tags_fingerprint: their tags and when they were pushed; None if not all of them are listed.
    :param summary_fingerprint: the whole summary.
    :param previewed_at: when the preview was read, in ISO 8601.
    """

    registry_id: str
    region_name: str
    repository_name: str
    policy_fingerprint: str
    images_fingerprint: str
    tags_fingerprint: str | None
    summary_fingerprint: str
    previewed_at: str

    @classmethod
    def of(cls, summary: PreviewSummaryXCom, preview: PreviewList) -> ApprovedRepository:
        """Return the facts that an approval of this summary binds.

        :param summary: the summary.
        :param preview: the images behind it.
        """
        return cls(
            **RepositoryId.of(summary).as_dict(),
            policy_fingerprint=summary["policy_fingerprint"],
            images_fingerprint=summary["images_fingerprint"],
            tags_fingerprint=None if preview.images is None else tags_fingerprint(preview.images.values()),
            summary_fingerprint=_sha256(summary),
            previewed_at=summary["previewed_at"],
        )

    def as_dict(self) -> ApprovedRepositoryXCom:
        """Return the approved repository in plain JSON types."""
        return cast(ApprovedRepositoryXCom, asdict(self))

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return RepositoryId(self.registry_id, self.region_name, self.repository_name)

    def differences(self, given: ApprovedRepository) -> list[str]:
        """Describe how a repository differs from the approved one; empty if it does not.

        :param given: the repository to act on.
        """
        differences = []
        if given.policy_fingerprint != self.policy_fingerprint:
            given_policy, policy = given.policy_fingerprint[:12], self.policy_fingerprint[:12]
            differences.append(f"policy {given_policy} is given, {policy} was approved")
        if given.images_fingerprint != self.images_fingerprint:
            differences.append("it has other images")
        elif given.tags_fingerprint != self.tags_fingerprint:
            differences.append("its images have other tags or push times")
        if given.previewed_at != self.previewed_at:
            differences.append(
                f"the preview of {given.previewed_at} is given, that of {self.previewed_at} was approved"
            )
        if not differences and given != self:
            differences.append("the summary was changed")
        return differences


@dataclass(frozen=True)
class Approval:
    """An approval, and who gave it.

    :param digest: the digest over all that was approved.
    :param action: the approved action; None if only the digest was given, until it is compared.
    :param dry_run: whether only a dry run was approved; None likewise.
    :param repositories: the approved repositories; None if unknown, until they are compared.
    :param refusal: why the answer does not count as an approval.
    :param responded_by: the person who approved; None if unknown.
    :param responded_at: when, in ISO 8601; None if unknown.
    """

    digest: str
    action: str | None = None
    dry_run: bool | None = None
    repositories: Mapping[RepositoryId, ApprovedRepository] | Unread | None = None
    refusal: str | None = None
    responded_by: str | None = None
    responded_at: str | None = None

    def as_dict(self) -> ApprovedByXCom:
        """Return the approval as the result of a task shows it."""
        return ApprovedByXCom(digest=self.digest, responded_by=self.responded_by, responded_at=self.responded_at)

    def bound_to(
        self,
        summaries: Sequence[PreviewSummaryXCom],
        preview_of: Callable[[PreviewSummaryXCom], PreviewList | Unread],
        action: ApprovedAction,
    ) -> Approval:
        """Return the approval with the details of each repository.

        If only the digest is known, the summaries must produce the same digest.

        :param summaries: the previews to act on.
        :param preview_of: returns the images of a summary.
        :param action: the action to take.
        """
        if self.repositories is not None:
            return self
        given = []
        for summary in summaries:
            preview = preview_of(summary)
            if isinstance(preview, Unread):
                return replace(self, repositories=preview)
            given.append(ApprovedRepository.of(summary, preview))
        for dry_run in (False, True):
            if approval_digest(action, given, dry_run=dry_run) == self.digest:
                approved = {repository.repository: repository for repository in given}
                return replace(self, action=action, dry_run=dry_run, repositories=approved)
        unread = Unread(
            f"the approval has only the digest {self.digest[:12]}, and the given summaries do not match it.",
            "Give all approved repositories to one task, unchanged; or set approvals_path in EcrApproveCleanupOperator, and "
            "approve again.",
        )
        return replace(self, repositories=unread)


def approval_of(value: Any, read: Callable[[str], Sequence[Mapping[str, Any]] | Unread]) -> Approval:
    """Return the approval that was given to an operator.

    :param value: the XCom of ``EcrApproveCleanupOperator``, the same as JSON, or its digest.
    :param read: returns the lines of the list at a URL.
    :raises ValueError: if it is anything else. Nothing else passes as an approval.
    """
    if isinstance(value, str) and _DIGEST.fullmatch(value.strip()):
        return Approval(value.strip())
    approved = decoded(value, "approved", protects=True)
    if not isinstance(approved, Mapping) or approved.get("schema") != APPROVAL_SCHEMA:
        what = approved.get("schema") if isinstance(approved, Mapping) else type(approved).__name__
        raise ValueError(
            f"approved is {what!r}, not an approval ({APPROVAL_SCHEMA}). Give the output of EcrApproveCleanupOperator; a "
            "task that was marked as successful by hand has none."
        )
    try:
        return _of_xcom(approved, read)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"approved is incomplete ({type(error).__name__}: {error}). Approve again.") from error


def approval_xcom(
    action: ApprovedAction,
    repositories: Sequence[ApprovedRepository],
    *,
    dry_run: bool,
    repositories_uri: str | None = None,
) -> ApprovalXCom:
    """Return an approval as an XCom of at most 48 KiB.

    :param action: the approved action.
    :param repositories: the repositories that it may be applied to.
    :param dry_run: whether only a dry run is approved.
    :param repositories_uri: the file that lists the repositories if they do not fit.
    """
    listed = [repository.as_dict() for repository in _sorted(repositories)]
    value = ApprovalXCom(
        schema=APPROVAL_SCHEMA,
        action=action,
        dry_run=dry_run,
        digest=approval_digest(action, repositories, dry_run=dry_run),
        repository_count=len(repositories),
        repositories=listed,
        repositories_uri=None,
    )
    if json_size(value) + _ROOM_FOR_THE_ANSWER > MAX_APPROVAL_BYTES:
        value["repositories"], value["repositories_uri"] = None, repositories_uri
    return value


def with_question(approval: ApprovalXCom, subject: str, body: str, question_uri: str | None) -> ApprovalXCom:
    """Return an approval with what the person reads; the body is cut to the room that is left.

    :param approval: the approval.
    :param subject: the question in one line.
    :param body: the question as Markdown.
    :param question_uri: the file that keeps the question and the answer; None for none.
    """
    value = ApprovalXCom(**{**approval, "subject": subject, "body": "", "question_uri": question_uri})
    room = MAX_APPROVAL_BYTES - _ROOM_FOR_THE_ANSWER - json_size(value)
    # A character takes up to twelve bytes as JSON.
    while json_size(body) > max(room, 2):
        body = cut(body, len(body) // 2) or ""
    return {**value, "body": body}


def approval_digest(action: str, repositories: Iterable[ApprovedRepository], *, dry_run: bool) -> str:
    """Return the digest of an approval; the order of the repositories does not matter.

    :param action: the approved action.
    :param repositories: the repositories that it may be applied to.
    :param dry_run: whether only a dry run is approved.
    """
    return _sha256([APPROVAL_SCHEMA, action, dry_run, [asdict(repository) for repository in _sorted(repositories)]])


def tags_fingerprint(images: Iterable[PreviewedImage]) -> str:
    """Return the fingerprint of the tags and push times of images.

    :param images: the images, in any order.
    """
    return _sha256(
        sorted([image.image_digest, sorted(image.image_tags), isoformat(image.image_pushed_at)] for image in images)
    )


_ROOM_FOR_THE_ANSWER = 2 * 1024
"""Bytes reserved for the answer that Airflow adds."""


def _of_xcom(value: Mapping[str, Any], read: Callable[[str], Sequence[Mapping[str, Any]] | Unread]) -> Approval:
    user, time = value.get("responded_by_user"), value.get("responded_at")
    if not isinstance(value["digest"], str):
        raise TypeError("digest is not a text")
    return Approval(
        digest=value["digest"],
        action=value["action"],
        dry_run=value["dry_run"],
        repositories=_repositories(value, read),
        refusal=_refusal(value),
        responded_by=None if user is None else _named(user),
        # Whatever it is, the result of a task must be able to show it.
        responded_at=None if time is None else one_line(str(time)),
    )


def _refusal(value: Mapping[str, Any]) -> str | None:
    chosen, user = value.get("chosen_options"), value.get("responded_by_user")
    if chosen is None:
        return "The approval has no answer yet."
    if user is None:
        return "The approval was not answered in time; a timeout never counts as an approval."
    return None if chosen == [APPROVE] else f"{_named(user)} answered {one_line(', '.join(map(str, chosen)))}."


def _named(user: Mapping[str, Any]) -> str:
    return one_line(str(user.get("name") or user["id"]))


def _repositories(
    value: Mapping[str, Any], read: Callable[[str], Sequence[Mapping[str, Any]] | Unread]
) -> Mapping[RepositoryId, ApprovedRepository] | Unread | None:
    listed, uri = value["repositories"], value["repositories_uri"]
    if listed is None and uri is None:
        return None
    entries = read(uri) if listed is None else listed
    if isinstance(entries, Unread):
        return entries
    try:
        repositories = [ApprovedRepository(**entry) for entry in entries]
    except TypeError:
        return Unread("another release wrote the approval.", _APPROVE_AGAIN)
    if approval_digest(value["action"], repositories, dry_run=value["dry_run"]) != value["digest"]:
        where = "in the approval" if listed is not None else f"at {uri}"
        return Unread(f"the repositories {where} do not match the approved digest.", _APPROVE_AGAIN)
    return {repository.repository: repository for repository in repositories}


_APPROVE_AGAIN = "Clear the approval task, and approve again."


def _sorted(repositories: Iterable[ApprovedRepository]) -> list[ApprovedRepository]:
    return sorted(repositories, key=lambda repository: repository.repository)


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()).hexdigest()
