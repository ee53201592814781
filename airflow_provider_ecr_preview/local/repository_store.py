"""The repositories of every account and Region of the local ECR, with their policies and previews."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ecr.models import ECRBackend, ecr_backends

from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.local.clock import Clock
from airflow_provider_ecr_preview.local.event_history import EventHistory
from airflow_provider_ecr_preview.local.lifecycle_runs import DRY_RUN_EVENT, dry_run_events
from airflow_provider_ecr_preview.local.previews import Preview
from airflow_provider_ecr_preview.local.registry_settings import RegistrySettings, apply_template
from airflow_provider_ecr_preview.local.repositories import LocalRepository

DEFAULT_REGION = "us-east-1"


class RepositoryStore:
    """Repositories with their policies and previews, and the clocks that they follow.

    :param now: the fixed time in the registry; None for the real time.
    :param preview_seconds: how long a preview stays IN_PROGRESS, or a function that returns this for a repository name.
    :param preview_life_seconds: how long a preview's results can be read before it is EXPIRED; None for no limit.
    :param token_life_seconds: the age at which a page token of a preview is refused; None for never.
    :param restore_seconds: how long an image that is restored from the archive stays ACTIVATING.
    :param check_layers: refuse an image whose configuration or layers were not uploaded before, as ECR does. It is off by
        default, because tests of lifecycle policies need manifests alone.
    """

    def __init__(
        self,
        *,
        now: datetime | None = None,
        preview_seconds: float | Callable[[str], float] = 0.0,
        preview_life_seconds: float | None = None,
        token_life_seconds: float | None = None,
        restore_seconds: float = 0.0,
        check_layers: bool = False,
    ) -> None:
        self.clock = Clock(now)
        self.preview_seconds = preview_seconds
        self.preview_life_seconds = preview_life_seconds
        self.token_life_seconds = token_life_seconds
        self.restore_seconds = restore_seconds
        self.check_layers = check_layers
        self._times = (preview_seconds, preview_life_seconds, token_life_seconds, restore_seconds)
        self._check_layers = check_layers
        self.events = EventHistory()
        """The events that the local CloudTrail has recorded."""
        self._settings: defaultdict[tuple[str, str], RegistrySettings] = defaultdict(RegistrySettings)
        self.lock = threading.RLock()
        """Held while an operation runs, because moto's data structures are not thread-safe."""

    @property
    def now(self) -> datetime:
        """The time in the registry. Setting it stops the clock at that time."""
        return self.clock.now()

    @now.setter
    def now(self, now: datetime) -> None:
        self.clock.set(now)

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Move the registry's time and the monotonic clock of previews forward, so that no test needs to sleep."""
        self.clock.advance(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def reset_times(self) -> None:
        """Reset the clocks, all durations and ``check_layers`` to their initial values."""
        self.clock.reset()
        self.preview_seconds, self.preview_life_seconds, self.token_life_seconds, self.restore_seconds = self._times
        self.check_layers = self._check_layers

    def backend(self, region_name: str = DEFAULT_REGION, account_id: str = DEFAULT_ACCOUNT_ID) -> ECRBackend:
        """Return moto's own store of one Region of one account."""
        return ecr_backends[account_id][region_name]

    @property
    def regions(self) -> Sequence[str]:
        """The Regions that have a registry."""
        return cast("Sequence[str]", ecr_backends[DEFAULT_ACCOUNT_ID].regions)

    def settings_of(self, region_name: str = DEFAULT_REGION, account_id: str = DEFAULT_ACCOUNT_ID) -> RegistrySettings:
        """Return the creation templates and pull-time exclusions of one Region of one account."""
        return self._settings[account_id, region_name]

    def clear_settings(self) -> None:
        """Forget all creation templates and pull-time exclusions."""
        self._settings.clear()

    def repository(
        self, repository: str, *, region_name: str = DEFAULT_REGION, account_id: str = DEFAULT_ACCOUNT_ID
    ) -> LocalRepository:
        """Return a repository.

        :raises LookupError: if there is no repository of this name.
        """
        found = self.backend(region_name, account_id).repositories.get(repository)
        if found is None:
            raise LookupError(f"There is no repository {repository!r} in {region_name} of account {account_id}.")
        return cast("LocalRepository", found)

    def create_repository(
        self,
        repository: str,
        *,
        policy: PolicySource | None = None,
        created_days_ago: float = 0,
        tags: Mapping[str, str] | None = None,
        tag_mutability: str = "MUTABLE",
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> str:
        """Create a repository and return its name.

        :param repository: the name.
        :param policy: its lifecycle policy, as JSON text or dict; None for no policy.
        :param created_days_ago: its age.
        :param tags: resource tags.
        :param tag_mutability: ``MUTABLE`` or ``IMMUTABLE``.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        with self.lock:
            created = self.backend(region_name, account_id).create_repository(
                repository_name=repository,
                registry_id=None,
                encryption_config={},
                image_scan_config=None,
                image_tag_mutability=tag_mutability,
                tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
            )
            created.created_at = self._ago(created_days_ago).replace(tzinfo=None)
        if policy is not None:
            self.put_policy(repository, policy, region_name=region_name, account_id=account_id)
        return repository

    def create_for(self, scenario: str, repository: str, *, region_name: str, account_id: str) -> bool:
        """Create a repository as ECR does, from the matching creation template, and return whether there was one.

        :param scenario: why it is created: ``REPLICATION`` or ``CREATE_ON_PUSH``.
        :param repository: the name.
        :param region_name: the Region.
        :param account_id: the registry.
        """
        template = self.settings_of(region_name, account_id).template_for(repository, scenario)
        if template is None:
            return False
        created = self.backend(region_name, account_id).create_repository(
            repository_name=repository,
            registry_id=None,
            encryption_config=dict(template.get("encryptionConfiguration", {})),
            image_scan_config=None,
            image_tag_mutability=template["imageTagMutability"],
            image_tag_mutability_exclusion_filters=template.get("imageTagMutabilityExclusionFilters"),
            tags=list(template.get("resourceTags", ())),
        )
        apply_template(cast("LocalRepository", created), template)
        return True

    def put_policy(
        self,
        repository: str,
        policy: PolicySource,
        *,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> None:
        """Apply a lifecycle policy.

        :raises InvalidLifecyclePolicyError: if ECR would refuse it.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        found.lifecycle_policy = LifecyclePolicy.parse(policy).text

    def start_preview(
        self,
        repository: str,
        policy: PolicySource,
        *,
        seconds: float | None = None,
        region_name: str = DEFAULT_REGION,
        account_id: str = DEFAULT_ACCOUNT_ID,
    ) -> None:
        """Start a preview as another caller would, replacing the current one even if it is still running.

        :param repository: the repository.
        :param policy: the policy.
        :param seconds: how long it stays IN_PROGRESS; None for ``preview_seconds``.
        :param region_name: the Region.
        :param account_id: the registry.
        :raises InvalidLifecyclePolicyError: if ECR would refuse the policy.
        """
        found = self.repository(repository, region_name=region_name, account_id=account_id)
        with self.lock:
            self.replace_preview(found, LifecyclePolicy.parse(policy), seconds=seconds)

    def replace_preview(
        self, repository: LocalRepository, policy: LifecyclePolicy, *, seconds: float | None = None
    ) -> Preview:
        """Evaluate a policy over the current images of a repository, and make the result its preview."""
        if seconds is None:
            of_name = self.preview_seconds
            seconds = of_name(repository.name) if callable(of_name) else of_name
        now = self.now
        preview = Preview(
            policy,
            repository.as_rules_see_it(),
            now,
            self.clock,
            seconds=seconds,
            life_seconds=self.preview_life_seconds,
        )
        repository.preview = preview
        self.events.record_later(
            repository.registry_id,
            repository.region_name,
            DRY_RUN_EVENT,
            len(preview.taken),
            lambda: dry_run_events(repository, policy, now, preview.taken) if preview.has_results else None,
        )
        return preview

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)
