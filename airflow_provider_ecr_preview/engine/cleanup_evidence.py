"""Gather the evidence for a clean-up. Nothing here makes changes, and anything that cannot be read is reported."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.check_catalog import lifting
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence, InUse, PreviewedPolicy, Replica
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierAttempts
from airflow_provider_ecr_preview.core.exceptions import LifecyclePolicyNotFoundError, RepositoryError
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread, preview_time
from airflow_provider_ecr_preview.core.pull_grants import PullGrants
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.engine.replicas import ReplicaFinder
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.reports.lists import listed_images, read_lines

log = logging.getLogger(__name__)


TIMEOUT = 1800.0


POLL_INTERVAL = 2.0


_AT_ONCE = 20
"""Previews that run at the same time; with more, some could expire before they are read."""


def no_earlier_attempts(_: RepositoryId) -> EarlierAttempts:
    """Return a record that says that no earlier attempt did anything in a repository."""
    return EarlierAttempts()


@dataclass(frozen=True)
class EvidenceCollector:
    """Gathers evidence about the current state of repositories.

    :param hook_of: returns the hook for a Region.
    :param policies: the approved policies; a repository that is not among them is previewed with its applied policy.
    :param in_use_of: returns the images known to be in use in a repository.
    :param replicas: finds where deletions are replicated to; None if that does not matter.
    :param replica_in_use_of: returns the images known to be in use in a replica.
    :param pulls_of: returns who else may pull from a repository.
    :param previous: earlier summaries.
    :param timeout: how long to wait for one preview, in seconds.
    :param poll_interval: time between two polls, in seconds.
    :param now: returns the current time (aware).
    :param approval: what a person approved; None if no approval binds the clean-up.
    :param earlier_of: returns what earlier attempts at the same clean-up did in a repository.
    :param reads_policies: whether to keep the policies, and to read those that are applied, for a person to compare.
    """

    hook_of: Callable[[str], EcrLifecyclePolicyPreviewHook]
    policies: CandidatePolicies = field(default_factory=CandidatePolicies)
    in_use_of: Callable[[RepositoryId], InUse | Unread | None] = lambda _: None
    replicas: ReplicaFinder | None = None
    replica_in_use_of: Callable[[RepositoryId], InUse | Unread | None] = lambda _: None
    pulls_of: Callable[[RepositoryId], PullGrants | Unread | None] = lambda _: None
    previous: Sequence[PreviewSummaryXCom] = ()
    timeout: float = TIMEOUT
    poll_interval: float = POLL_INTERVAL
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    approval: Approval | None = None
    earlier_of: Callable[[RepositoryId], EarlierAttempts] = no_earlier_attempts
    reads_policies: bool = False

    def collect(self, summaries: Sequence[PreviewSummaryXCom]) -> Iterator[Evidence]:
        """Yield the evidence about each repository, in order.

        :param summaries: the summaries that were approved.
        """
        for start in range(0, len(summaries), _AT_ONCE):
            part = summaries[start : start + _AT_ONCE]
            started = [self._started(summary) for summary in part]
            for summary, preview in zip(part, started, strict=True):
                yield self._evidence(summary, preview)

    def _evidence(self, summary: PreviewSummaryXCom, started: PreviewStatus | PreviewList | Unread) -> Evidence:
        repository = RepositoryId.of(summary)
        # Describe the images last: their state is compared again right before the deletion.
        fresh = self._preview(repository, started) if isinstance(started, PreviewStatus) else started
        evidence = self.evidence(summary, listed_images(summary), fresh, lambda: self._inventory(repository))
        if not self.reads_policies or not isinstance(started, PreviewStatus):
            return evidence
        return replace(evidence, policy=PreviewedPolicy(started.policy, self._applied(repository, started)))

    def _applied(self, repository: RepositoryId, started: PreviewStatus) -> LifecyclePolicy | Unread | None:
        """Return the applied policy: the previewed one, unless a candidate was given."""
        if self.policies.policy_of(repository.repository_name) is None:
            return started.policy
        try:
            return self.hook_of(repository.region_name).get_lifecycle_policy(
                repository.repository_name, registry_id=repository.registry_id
            )
        except LifecyclePolicyNotFoundError:
            return None
        except RepositoryError as error:
            return Unread(str(error), lifting(error))

    def evidence(
        self,
        summary: PreviewSummaryXCom,
        approved: PreviewList | Unread,
        fresh: PreviewList | Unread,
        inventory: Callable[[], list[RepositoryImage] | Unread],
    ) -> Evidence:
        """Return the evidence about one repository.

        :param summary: the summary that was approved.
        :param approved: its images.
        :param fresh: a preview of the same policy.
        :param inventory: returns the images of the repository.
        """
        repository = RepositoryId.of(summary)
        return Evidence(
            summary=summary,
            approved=approved,
            fresh=fresh,
            replicas=self._replicas(repository, approved, fresh),
            inventory=inventory(),
            in_use=self.in_use_of(repository),
            pulls=self.pulls_of(repository),
            previous=self._previous(repository),
            now=self.now(),
            approval=self.approval,
            earlier=self.earlier_of(repository),
        )

    def _started(self, summary: PreviewSummaryXCom) -> PreviewStatus | PreviewList | Unread:
        """Start the fresh preview, unless its policy would differ from the approved one."""
        repository, approved = RepositoryId.of(summary), summary["policy_fingerprint"]
        policy = self.policies.policy_of(repository.repository_name)
        if policy is not None and policy.fingerprint != approved:
            return PreviewList(policy.fingerprint, "")
        try:
            started = self.hook_of(repository.region_name).start_preview(
                repository.repository_name,
                None if policy is None else policy.text,
                registry_id=repository.registry_id,
                timeout=self.timeout,
                poll_interval=self.poll_interval,
            )
        except RepositoryError as error:
            return Unread(str(error), lifting(error))
        return started if started.policy.fingerprint == approved else PreviewList(started.policy.fingerprint, "")

    def _preview(self, repository: RepositoryId, started: PreviewStatus) -> PreviewList | Unread:
        hook, fingerprint = self.hook_of(repository.region_name), started.policy.fingerprint
        try:
            hook.wait_for_preview(
                repository.repository_name,
                registry_id=repository.registry_id,
                policy_fingerprint=fingerprint,
                timeout=self.timeout,
                poll_interval=self.poll_interval,
            )
            images = hook.iter_preview_images(
                repository.repository_name, registry_id=repository.registry_id, policy_fingerprint=fingerprint
            )
            return PreviewList.of_images(fingerprint, images)
        except RepositoryError as error:
            return Unread(str(error), lifting(error))

    def _inventory(self, repository: RepositoryId) -> list[RepositoryImage] | Unread:
        hook = self.hook_of(repository.region_name)
        try:
            images = hook.iter_repository_images(repository.repository_name, registry_id=repository.registry_id)
            # Count an image once, even if two pages list it.
            return [*{image.image_digest: image for image in images}.values()]
        except RepositoryError as error:
            return Unread(str(error), lifting(error))

    def _replicas(self, repository: RepositoryId, *lists: PreviewList | Unread) -> list[Replica] | Unread | tuple[()]:
        if self.replicas is None:
            return ()
        found = self.replicas.replicas_of(repository)
        if isinstance(found, Unread):
            return found
        digests = {digest for of in lists if not isinstance(of, Unread) for digest in of.images or ()}
        return [
            Replica(replica, self.replicas.images_of(replica, digests), self.replica_in_use_of(replica))
            for replica in found
        ]

    def _previous(self, repository: RepositoryId) -> Mapping[datetime, PreviewList | Unread]:
        previous: dict[datetime, PreviewList | Unread] = {}
        for summary in self.previous:
            time = preview_time(summary)
            if RepositoryId.of(summary) == repository and not isinstance(time, Unread):
                previous[time] = listed_images(summary)
        return previous


def approved_lines(uri: str) -> list[dict[str, Any]] | Unread:
    """Return the repositories of an approval that is too large to hold them.

    :param uri: where the approval wrote them.
    """
    try:
        return [*read_lines(uri)]
    except Exception as error:  # any storage may fail in any way, and then the approval is unknown
        log.warning("What was approved cannot be read at %s.", visible(uri), exc_info=True)
        return Unread(
            f"what was approved cannot be read at {uri} ({type(error).__name__}: {error}).",
            "Give the worker access to it, or clear the approval task and have its answer given again.",
        )
