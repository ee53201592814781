"""Settings of one registry of the local ECR that moto lacks: creation templates and pull-time exclusions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from moto.core.exceptions import ServiceException
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.local.repositories import LocalRepository

ANY_REPOSITORY = "ROOT"


CREATION_SCENARIOS = ("PULL_THROUGH_CACHE", "REPLICATION", "CREATE_ON_PUSH")


@dataclass(slots=True)
class RegistrySettings:
    """The settings of one Region of one account.

    :param account_settings: the account settings that were put, by name.
    :param cache_rules: pull-through cache rules by prefix, as the API has them.
    :param templates: repository creation templates by prefix, as the API has them.
    :param pull_time_exclusions: when each exclusion was registered, by the ARN of the principal.
    """

    account_settings: dict[str, str] = field(default_factory=dict)
    cache_rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)
    pull_time_exclusions: dict[str, datetime] = field(default_factory=dict)

    def template_for(self, repository_name: str, scenario: str) -> Mapping[str, Any] | None:
        """Return the creation template with the longest matching prefix for a repository's name, or None.

        :param repository_name: the name.
        :param scenario: why the repository is created, for example ``REPLICATION``.
        """
        suitable = [
            template
            for prefix, template in self.templates.items()
            if scenario in template["appliedFor"]
            and (prefix == ANY_REPOSITORY or repository_name.startswith(prefix.rstrip("/") + "/"))
        ]
        return max(
            suitable,
            key=lambda template: -1 if template["prefix"] == ANY_REPOSITORY else len(template["prefix"].rstrip("/")),
            default=None,
        )

    def records_pulls_of(self, principals: frozenset[str]) -> bool:
        """Return whether a pull by a caller is recorded.

        :param principals: the ARNs that identify the caller.
        """
        return principals.isdisjoint(self.pull_time_exclusions)


def apply_template(repository: LocalRepository, template: Mapping[str, Any]) -> None:
    """Apply the policies of a creation template to a new repository.

    :param repository: the repository.
    :param template: the template.
    """
    repository.lifecycle_policy = template.get("lifecyclePolicy") or None
    repository.policy = template.get("repositoryPolicy") or None


def principals_of(access_key: str, account_id: str, region_name: str) -> frozenset[str]:
    """Return the ARNs of the IAM user or role that an access key belongs to; nothing for an unknown key.

    :param access_key: the access key.
    :param account_id: the account of the caller.
    :param region_name: the Region of the call.
    """
    partition = get_partition(region_name)
    for account in {account_id, *sts_backends}:
        assumed = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
        if assumed is not None:
            return frozenset({assumed.role_arn})
    users = iam_backends[account_id][partition].users.values()
    keys_of = {key.access_key_id: user.arn for user in users for key in user.access_keys}
    return frozenset({keys_of[access_key]} if access_key in keys_of else ())


def missing_template(prefix: str, registry_id: str) -> ServiceException:
    """Return the error for a creation template that does not exist."""
    return ServiceException(
        "TemplateNotFoundException",
        f"The repository creation template with prefix '{prefix}' does not exist in the registry with id '{registry_id}'",
    )
