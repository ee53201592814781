"""Read who may pull, from the policy of each repository and, once per registry and Region, that of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.cleanup.check_catalog import lifting
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.pull_grants import PullGrants, pull_grants
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook


@dataclass(frozen=True)
class PullPolicies:
    """Finds out who may pull from repositories.

    Calls GetRepositoryPolicy and GetRegistryPolicy (``ecr:`` IAM actions of the same names).

    :param hook_of: returns the hook for a Region.
    """

    hook_of: Callable[[str], EcrLifecyclePolicyPreviewHook]
    _of_registries: dict[str, Mapping[str, Any] | RepositoryError] = field(default_factory=dict, init=False)

    def grants_of(self, repository: RepositoryId) -> PullGrants | Unread:
        """Return who may pull from a repository, apart from the account of its registry.

        :param repository: the repository.
        """
        try:
            policies = [self._of_repository(repository), self._of_registry(repository)]
        except RepositoryError as error:
            return Unread(str(error), lifting(error))
        client: Any = self.hook_of(repository.region_name).conn
        arn = (
            f"arn:{client.meta.partition}:ecr:{repository.region_name}:{repository.registry_id}:repository/"
            f"{repository.repository_name}"
        )
        grants = PullGrants()
        try:
            for policy in filter(None, policies):
                grants |= pull_grants(policy, repository.registry_id, arn)
        except (AttributeError, ValueError) as error:
            return Unread(f"{repository}: a policy cannot be read ({error}).")
        return grants

    def _of_repository(self, repository: RepositoryId) -> str | None:
        client: Any = self.hook_of(repository.region_name).conn
        site = CallSite.of(client, repository.repository_name, repository.registry_id)
        with translated(site):
            try:
                answer = client.get_repository_policy(
                    registryId=repository.registry_id, repositoryName=repository.repository_name
                )
            except client.exceptions.RepositoryPolicyNotFoundException:
                return None
        policy: str | None = answer.get("policyText")
        return policy

    def _of_registry(self, repository: RepositoryId) -> str | None:
        """Return the policy of the registry if it is the caller's own: ECR shows no other."""
        known = self._of_registries
        if repository.region_name not in known:
            try:
                known[repository.region_name] = self._read_registry(repository)
            except RepositoryError as error:
                known[repository.region_name] = error
        found = known[repository.region_name]
        if isinstance(found, RepositoryError):
            raise found
        policy: str | None = found.get("policyText") if found.get("registryId") == repository.registry_id else None
        return policy

    def _read_registry(self, repository: RepositoryId) -> Mapping[str, Any]:
        client: Any = self.hook_of(repository.region_name).conn
        with translated(CallSite.of(client, repository.repository_name, None)):
            try:
                found: Mapping[str, Any] = client.get_registry_policy()
            except client.exceptions.RegistryPolicyNotFoundException:
                return {}
        return found
