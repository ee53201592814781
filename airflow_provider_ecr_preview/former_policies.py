"""The policies that repositories had before they were changed: kept on object storage, and read again to restore them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.policy import LifecyclePolicy
from airflow_provider_ecr_preview.policy_change import POLICY_CHANGE_SCHEMA, PolicyChange, fingerprint_of
from airflow_provider_ecr_preview.reports import line_list, read_lines


@dataclass(frozen=True)
class FormerPolicy:
    """The policy that a repository had before it was changed.

    :param repository: the repository.
    :param policy: the policy that it had; None for none.
    :param replaced_by: fingerprint of the policy that was put in its place; None if it was removed.
    """

    repository: RepositoryId
    policy: LifecyclePolicy | None
    replaced_by: str | None

    @classmethod
    def of(cls, change: PolicyChange) -> FormerPolicy:
        """Return what a change puts an end to."""
        return cls(change.repository, change.former, fingerprint_of(change.wanted))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> FormerPolicy:
        """Return the policy that :meth:`as_dict` or a result tells of.

        :raises ValueError: if it is anything else.
        """
        try:
            repository = RepositoryId(value["registry_id"], value["region_name"], value["repository_name"])
            text, replaced_by = value["former_lifecycle_policy_text"], value["policy_fingerprint"]
            policy = None if text is None else LifecyclePolicy.from_service(text)
            if fingerprint_of(policy) != value["former_policy_fingerprint"]:
                raise ValueError(f"the former policy of {repository} is not in it, or is not the one that it names")
        except (KeyError, TypeError) as error:
            raise ValueError(f"it has no {error}") from error
        return cls(repository, policy, replaced_by)

    def as_dict(self) -> dict[str, Any]:
        """Return the policy in plain JSON types."""
        return {
            "registry_id": self.repository.registry_id,
            "region_name": self.repository.region_name,
            "repository_name": self.repository.repository_name,
            "policy_fingerprint": self.replaced_by,
            "former_policy_fingerprint": fingerprint_of(self.policy),
            "former_lifecycle_policy_text": None if self.policy is None else self.policy.text,
        }


def keep_former_policies(path: str, changes: Iterable[PolicyChange]) -> None:
    """Write what the changes put an end to, beside what an earlier attempt wrote.

    What an earlier attempt wrote of the same change stays: it has replaced the former policy by now, and cannot be asked
    for it any more.

    :param path: an ``ObjectStoragePath`` URL of a file.
    :param changes: the changes.
    """
    kept = {former.repository: former for former in map(FormerPolicy.of, changes)}
    for earlier in _written(path):
        now = kept.get(earlier.repository)
        if now is None or now.replaced_by == earlier.replaced_by:
            kept[earlier.repository] = earlier
    with line_list(path) as lines:
        for former in kept.values():
            lines.write(former.as_dict())


def read_former_policies(value: Any) -> list[FormerPolicy]:
    """Return the former policies that a result tells of.

    :param value: the output of ``EcrPutLifecyclePolicyOperator``, the same as JSON, or the URL of its
        ``former_policies_path``.
    :raises ValueError: if it is anything else, or does not hold them all.
    """
    try:
        return [*_former_policies(value)]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"The former policies cannot be read: {error}. Give the output of the task that replaced them, or the URL of "
            "its former_policies_path."
        ) from error


def _former_policies(value: Any) -> Iterator[FormerPolicy]:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    if not isinstance(value, str):
        if not isinstance(value, Mapping) or value.get("schema") != POLICY_CHANGE_SCHEMA:
            raise ValueError("it is not the output of EcrPutLifecyclePolicyOperator")
        if not value["former_policies_uri"]:
            if value["repositories_left_out"]:
                raise ValueError("it does not hold all repositories")
            return map(FormerPolicy.from_dict, value["repositories"])
        value = value["former_policies_uri"]
    if not value.strip():
        raise ValueError("it is empty")
    return map(FormerPolicy.from_dict, read_lines(value))


def _written(path: str) -> Iterator[FormerPolicy]:
    try:
        yield from map(FormerPolicy.from_dict, read_lines(path))
    except FileNotFoundError:
        return
