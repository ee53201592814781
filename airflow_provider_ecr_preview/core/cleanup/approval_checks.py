"""Check that an approval covers the action and each of the previews."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.approval import Approval, ApprovedAction, ApprovedRepository
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom

NOT_BOUND = Answer("off", "No approval is given (approved).")


def approval_given(approval: Approval | None, action: ApprovedAction, *, dry_run: bool) -> Answer:
    """Check that a person has approved this action.

    :param approval: the approval; None if none was given.
    :param action: the action to take.
    :param dry_run: whether this is a dry run, which needs no approval of the real action.
    """
    if approval is None:
        return NOT_BOUND
    if isinstance(approval.repositories, Unread):
        return Answer.unread(approval.repositories, "The approval cannot be read: ")
    if (refusal := _refusal(approval, action, dry_run=dry_run)) is not None:
        return refusal
    if approval.responded_by is None:
        return Answer("passed", f"The digest {approval.digest[:12]} was approved.")
    message = f"{approval.responded_by} approved the digest {approval.digest[:12]} at {approval.responded_at}."
    return Answer("passed", message)


def compared_with(approval: Approval | None, summary: PreviewSummaryXCom, preview: PreviewList | Unread) -> Answer:
    """Check that the preview of a repository is the one that was approved.

    :param approval: the approval; None if none was given.
    :param summary: the summary of the preview.
    :param preview: the images behind it.
    """
    if approval is None:
        return NOT_BOUND
    if isinstance(preview, Unread):
        return Answer.unread(preview, "The given summary cannot be compared with the approved one: ")
    if approval.repositories is None or isinstance(approval.repositories, Unread):
        unread = approval.repositories or Unread("it was not compared with the given summaries.")
        return Answer.unread(unread, "The approval cannot be read: ")
    approved = approval.repositories.get(RepositoryId.of(summary))
    if approved is None:
        count = len(approval.repositories)
        message = f"The approval has {counted(count, 'repository', 'repositories')}, and this one is not among them."
        return Answer("blocked", message, remedy="Have this repository approved as well, or leave it out of summary.")
    if differences := approved.differences(ApprovedRepository.of(summary, preview)):
        return Answer("blocked", f"The given summary differs from the approved one: {'; '.join(differences)}.")
    tags = (
        "" if approved.tags_fingerprint else " The approval does not cover tags: the summary has no list of all images."
    )
    return Answer("passed", f"The given summary is the approved one.{tags}")


def _refusal(approval: Approval, action: ApprovedAction, *, dry_run: bool) -> Answer | None:
    if approval.refusal is not None:
        return Answer("blocked", f"This was not approved. {approval.refusal}")
    if approval.action != action:
        message = f"The approval is to {_VERBS.get(str(approval.action), approval.action)}, not to {_VERBS[action]}."
        return Answer("blocked", message, remedy="Give EcrApproveCleanupOperator the same action, and approve again.")
    if approval.dry_run and not dry_run:
        message = "Only a dry run was approved."
        return Answer("blocked", message, remedy="Give EcrApproveCleanupOperator the same dry_run, and approve again.")
    return None


_VERBS = {"delete": "delete images", "archive": "archive images", "put": "apply policies"}
