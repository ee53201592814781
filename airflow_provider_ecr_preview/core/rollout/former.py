"""The policy that a repository had before it was changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId

MAX_KEPT_CHANGES = 3
"""The number of latest changes of a repository that one file keeps."""


@dataclass(frozen=True)
class FormerPolicy:
    """The policy that a repository had before it was changed.

    :param repository: the repository.
    :param policy: the policy that it had; None for none.
    :param replaced_by: fingerprint of the policy that was put in its place; None if it was removed.
    :param change_id: the run and task that changed it; None if an earlier release wrote it.
    :param kept_at: when it was recorded (ISO 8601, UTC).
    :param is_put: whether it was, or may have been, replaced; False while the change was only planned.
    """

    repository: RepositoryId
    policy: LifecyclePolicy | None
    replaced_by: str | None
    change_id: str | None = None
    kept_at: str | None = None
    is_put: bool = True

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the former policy; None for none."""
        return fingerprint_of(self.policy)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FormerPolicy:
        """Return the policy from :meth:`as_dict` or from a result.

        :raises ValueError: if it is anything else.
        """
        try:
            repository = RepositoryId.of(value)
            text, replaced_by = value["former_lifecycle_policy_text"], value["policy_fingerprint"]
            policy = None if text is None else LifecyclePolicy.from_service(text)
            if fingerprint_of(policy) != value["former_policy_fingerprint"]:
                raise ValueError(
                    f"the former policy of {repository} is missing from it, or does not match the fingerprint there"
                )
        except (KeyError, TypeError) as error:
            raise ValueError(f"it lacks {error}") from error
        is_put = value.get("is_put") is not False
        return cls(repository, policy, replaced_by, value.get("change_id"), value.get("kept_at"), is_put)

    def as_dict(self) -> dict[str, Any]:
        """Return the policy in plain JSON types."""
        return {
            "registry_id": self.repository.registry_id,
            "region_name": self.repository.region_name,
            "repository_name": self.repository.repository_name,
            "policy_fingerprint": self.replaced_by,
            "former_policy_fingerprint": self.fingerprint,
            "former_lifecycle_policy_text": None if self.policy is None else self.policy.text,
            "change_id": self.change_id,
            "kept_at": self.kept_at,
            "is_put": self.is_put,
        }


def fingerprint_of(policy: LifecyclePolicy | None) -> str | None:
    """Return the fingerprint of a policy, or None if there is none."""
    return None if policy is None else policy.fingerprint


def former_policies_fingerprint(former_policies: Iterable[FormerPolicy]) -> str:
    """Return one digest over the replaced policies and their replacements in every repository.

    :param former_policies: the former policies.
    """
    lines = sorted(
        [
            former.repository.registry_id,
            former.repository.region_name,
            former.repository.repository_name,
            former.fingerprint or "",
            former.replaced_by or "",
        ]
        for former in former_policies
    )
    return hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest()


def merged(
    stored: Iterable[FormerPolicy], of_this_change: Sequence[FormerPolicy], change_id: str | None
) -> list[FormerPolicy]:
    """Return the entries for a file after a change: those of this change, and those of the latest others.

    :param stored: the entries in the file.
    :param of_this_change: the policies that this change replaced; these supersede the entries of its earlier attempts.
    :param change_id: the run and task of this change.
    """
    kept: dict[RepositoryId, list[FormerPolicy]] = {}
    others = [former for former in stored if former.change_id != change_id]
    for former in sorted([*others, *of_this_change], key=lambda former: former.kept_at or ""):
        kept.setdefault(former.repository, []).append(former)
    return [former for formers in kept.values() for former in formers[-MAX_KEPT_CHANGES:]]


def last_of_each(stored: Iterable[FormerPolicy]) -> list[FormerPolicy]:
    """Return the policy that the last change of each repository replaced.

    :param stored: the entries in a file.
    """
    last: dict[RepositoryId, FormerPolicy] = {}
    for former in sorted(stored, key=lambda former: former.kept_at or ""):
        last[former.repository] = former
    return list(last.values())
