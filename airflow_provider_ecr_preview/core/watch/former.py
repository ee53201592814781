"""Find the policy that a repository had before it was changed: in files of Git, or in the last audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicy
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.watch.changes import ChangedPolicy


@dataclass(frozen=True, slots=True)
class AuditedPolicy:
    """The policy that the last audit before a change previewed in a repository.

    :param audit_id: the audit.
    :param audited_at: when it was (ISO, UTC).
    :param policy: the policy; None if the repository had none.
    """

    audit_id: str
    audited_at: str
    policy: LifecyclePolicy | None

    @property
    def name(self) -> str:
        """The audit as messages name it."""
        return f"the audit {self.audit_id} of {self.audited_at}"


@dataclass(frozen=True, slots=True)
class KnownPolicy:
    """What is known of the former policy.

    :param policy: the policy that can be restored; None if there is none.
    :param source: ``git`` or ``audit``; None if there is no policy to restore.
    :param name: the file or the audit; None as above.
    :param message: what can be restored, or why nothing can.
    """

    policy: LifecyclePolicy | None
    source: Literal["git", "audit"] | None
    name: str | None
    message: str


def former_policy(
    change: ChangedPolicy, expected: ExpectedPolicy | None, audited: AuditedPolicy | Unread | None
) -> KnownPolicy:
    """Return the policy that can be restored after a change. The policy in Git counts before that of the last audit.

    :param change: the change.
    :param expected: the policy in Git; None if no file is about the repository.
    :param audited: the policy in the last audit before the change; None if there is none.
    """
    if expected is not None and expected.unknown is None:
        return _in_git(change, expected)
    why = "" if expected is None else f"{expected.source}: {expected.unknown} "
    if audited is None:
        return _nothing(f"{why}No file and no earlier audit has the former policy, so nothing can be restored.")
    if isinstance(audited, Unread):
        return _nothing(f"{why}The former policy is not known: {audited.reason}")
    if audited.policy is None:
        return _nothing(f"{why}The repository had no policy in {audited.name}.")
    if _is_new(change, audited.policy):
        return _nothing(f"{why}The new policy is the one of {audited.name}.")
    return KnownPolicy(audited.policy, "audit", audited.name, f"{why}The policy of {audited.name} can be restored.")


def _in_git(change: ChangedPolicy, expected: ExpectedPolicy) -> KnownPolicy:
    if expected.policy is None:
        return _nothing(f"{expected.source} says that the repository has no policy.")
    if _is_new(change, expected.policy):
        return _nothing(f"The new policy is the one in {expected.source}.")
    return KnownPolicy(expected.policy, "git", expected.source, f"The policy in {expected.source} can be restored.")


def _is_new(change: ChangedPolicy, policy: LifecyclePolicy) -> bool:
    new = change.policy
    return new is not None and new.fingerprint == policy.fingerprint


def _nothing(message: str) -> KnownPolicy:
    return KnownPolicy(None, None, None, message)
