"""What can go wrong, by name.

::

    EcrPreviewError
     +-- InvalidLifecyclePolicyError          (also a ValueError)
     +-- ApprovalRefusedError
     +-- AuditFailedError
     +-- AuditIncompleteError
     +-- AuditStoppedError
     +-- AuditsOverlapError
     +-- CandidateRefusedError
     +-- CleanupBlockedError
     +-- CleanupIncompleteError
     +-- ImagesInUseUnknownError
     +-- LifecycleEventsUnreadError
     +-- NoRepositoriesError
     +-- PolicyChangeAlarmError
     +-- UnpreviewedExpiryError
     +-- RepositoryError
          +-- InvalidRequestError             (also a ValueError)
          +-- RepositoryNotFoundError
          +-- LifecyclePolicyChangedError
          +-- LifecyclePolicyNotFoundError
          +-- PreviewNotFoundError
          +-- PreviewFailedError
          +-- PreviewExpiredError
          +-- PreviewInProgressError
          |    +-- PreviewTimeoutError        (also a TimeoutError)
          +-- PreviewReplacedError
          +-- PreviewInconsistentError
          +-- PreviewTokenExpiredError
          +-- ListTokenExpiredError
          +-- AccessDeniedError               (also a PermissionError)
          |    +-- CredentialsRefusedError
          +-- ThrottledError
          +-- EcrUnreachableError             (also a ConnectionError)
          |    +-- EcrOutageError
          |    +-- MalformedResponseError
          +-- JournalUnwritableError

A RepositoryError carries the repository, the registry and the Region it happened in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.core.repository import repository_label
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line, visible_list

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding


class EcrPreviewError(Exception):
    """Base of everything this package raises on purpose.

    As text, nothing in it acts upon a log or a terminal, and the secrets of addresses are hidden.
    """

    def __str__(self) -> str:
        return masked(visible_list(super().__str__()))


class InvalidLifecyclePolicyError(EcrPreviewError, ValueError):
    """Raised when ECR would refuse a policy, or when a policy cannot be read at all.

    :param findings: every mistake in it, each with what to write instead.
    :param repository: the repository that it is for, and where that is; None for a policy by itself.
    """

    def __init__(self, findings: Sequence[PolicyFinding], repository: str | None = None) -> None:
        self.findings = tuple(findings)
        self.repository = repository
        which = "The lifecycle policy" if repository is None else f"The lifecycle policy for {repository}"
        super().__init__(f"{which} is not valid:\n" + "\n".join(f"  - {finding}" for finding in self.findings))

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the findings, not from the message, where an error crosses a process boundary."""
        return type(self), (self.findings, self.repository)


class ApprovalRefusedError(EcrPreviewError):
    """Raised when an answer is not an approval: no person gave it, or what the person saw has changed since."""


class AuditFailedError(EcrPreviewError):
    """Raised when an audit ends with more failures or alarms than the task allows; its result is pushed first."""


class AuditIncompleteError(EcrPreviewError):
    """Raised when parts of an audit are missing; the other parts are merged and pushed first."""


class AuditStoppedError(EcrPreviewError):
    """Raised when an audit is stopped before it ends."""


class AuditsOverlapError(EcrPreviewError):
    """Raised when audits to merge share repositories, which would count twice; nothing is written."""


class NoRepositoriesError(EcrPreviewError):
    """Raised when there is no repository to audit, and ``on_no_repositories`` is ``fail``."""


class CandidateRefusedError(EcrPreviewError):
    """Raised when a candidate policy affects more than it may, or when that is not known; the comparison is pushed first."""


class ImagesInUseUnknownError(EcrPreviewError):
    """Raised when a source of images in use cannot be read; the images that were read are pushed first."""


class RepositoryError(EcrPreviewError):
    """Base of errors that concern one repository.

    :param message: what happened and what to do.
    :param repository_name: the repository.
    :param registry_id: the registry (account) that was named, or None for the caller's own.
    :param region_name: the Region, or None when it is not known.
    :param action: the IAM action of the call that failed, such as ``ecr:DescribeImages``; None when it is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        repository_name: str,
        registry_id: str | None = None,
        region_name: str | None = None,
        action: str | None = None,
    ) -> None:
        self.message = masked(one_line(message))
        self.action = action
        self.repository_name = repository_name
        self.registry_id = registry_id
        self.region_name = region_name
        super().__init__(f"{repository_label(repository_name, registry_id, region_name)}: {self.message}")

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild from the parts, not from the message, where an error crosses a process boundary."""
        place = {
            "repository_name": self.repository_name,
            "registry_id": self.registry_id,
            "region_name": self.region_name,
            "action": self.action,
        }
        return _rebuild, (type(self), self.message, place)


def _rebuild(cls: type[RepositoryError], message: str, place: Mapping[str, Any]) -> RepositoryError:
    return cls(message, **place)


class InvalidRequestError(RepositoryError, ValueError):
    """Raised when arguments exclude each other or ECR does not accept them; nothing is changed."""


class RepositoryNotFoundError(RepositoryError):
    """Raised when the registry has no such repository in this Region."""


class LifecyclePolicyNotFoundError(RepositoryError):
    """Raised when a repository has no applied policy to read."""


class PreviewNotFoundError(RepositoryError):
    """Raised when no preview was started for the repository."""


class PreviewFailedError(RepositoryError):
    """Raised when ECR ended the preview as FAILED; ECR gives no reason."""


class PreviewExpiredError(RepositoryError):
    """Raised when ECR no longer has the preview; start it again."""


class PreviewInProgressError(RepositoryError):
    """Raised when a preview is still running where a finished one was wanted."""


class PreviewTimeoutError(PreviewInProgressError, TimeoutError):
    """Raised when a preview does not end before the timeout."""


class PreviewReplacedError(RepositoryError):
    """Raised when ECR has a preview of another policy than the one that was started."""


class PreviewInconsistentError(RepositoryError):
    """Raised when the pages of a preview do not add up to the counts that ECR reports."""


class PreviewTokenExpiredError(RepositoryError):
    """Raised when a page token is no longer accepted; read the preview again from its first page."""


class ListTokenExpiredError(RepositoryError):
    """Raised when ECR no longer accepts the page token of a listing; list again from the first page."""


class LifecyclePolicyChangedError(RepositoryError):
    """Raised when the applied policy is neither the former one nor the one that the task put."""


class AccessDeniedError(RepositoryError, PermissionError):
    """Raised when the caller lacks an IAM action; the message names it."""


class CredentialsRefusedError(AccessDeniedError):
    """Raised when AWS refuses the credentials themselves, or there are none; no IAM permission helps."""


class JournalUnwritableError(RepositoryError):
    """Raised when a change cannot be recorded before it is made; it is not made."""


class ThrottledError(RepositoryError):
    """Raised when ECR still throttles after the longest wait."""


class EcrUnreachableError(RepositoryError, ConnectionError):
    """Raised when nothing answers at the endpoint, or something other than ECR."""


class EcrOutageError(EcrUnreachableError):
    """Raised when ECR or the network to it fails for longer than the caller waits; try again later."""


class MalformedResponseError(EcrUnreachableError):
    """Raised when a response lacks what ECR always sends, or has what ECR never sends; it is not used."""


class CleanupBlockedError(EcrPreviewError):
    """Raised when a check blocks a clean-up or has no answer; nothing is changed, and the verdicts are pushed first."""


class CleanupIncompleteError(EcrPreviewError):
    """Raised when a clean-up ends early or with failures; its changes are pushed first."""


class LifecycleEventsUnreadError(EcrPreviewError):
    """Raised when CloudTrail cannot be read; the events that were read are pushed first."""


class PolicyChangeAlarmError(EcrPreviewError):
    """Raised when a change of a lifecycle policy raises an alarm; the report is pushed first."""


class UnpreviewedExpiryError(EcrPreviewError):
    """Raised when ECR removed images that no preview listed, or may have; the reconciliation is pushed first."""
