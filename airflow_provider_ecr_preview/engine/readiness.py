"""Run the checks that need no new preview, without changing anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from airflow_provider_ecr_preview.core.cleanup.check_catalog import lifting
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, decide
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.readiness import (
    ReadAttempt,
    RepositoryReadiness,
    change_permissions,
    nothing_previewed,
    read_permissions,
    without_a_preview,
)
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.comparison.simulation import simulated_preview
from airflow_provider_ecr_preview.core.exceptions import (
    LifecyclePolicyNotFoundError,
    PreviewNotFoundError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.engine.cleanup_evidence import EvidenceCollector
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.reports.lists import listed_images

T = TypeVar("T")


_NO_POLICY = Unread(
    "The repository has no lifecycle policy.",
    "Apply a lifecycle policy, or give the one that is to be previewed as lifecycle_policy_text or lifecycle_policies.",
)


_FORGOTTEN = Unread("It was looked at, and is not kept.")


@dataclass(frozen=True)
class ReadinessChecker:
    """Runs the checks of a clean-up on one repository at a time.

    It calls GetLifecyclePolicy, GetLifecyclePolicyPreview, DescribeImages and DescribeRegistry. The approved preview
    stands in for the fresh one; without a preview, this package evaluates the policy itself.

    :param collector: gathers the evidence.
    :param settings: how careful the clean-up is.
    :param changing_actions: the IAM actions of the clean-up, which are not tried.
    """

    collector: EvidenceCollector
    settings: CleanupSettings
    changing_actions: Sequence[str]

    def check(self, repository: RepositoryId, summary: PreviewSummaryXCom | None) -> RepositoryReadiness:
        """Return the results of the checks on one repository.

        :param repository: the repository.
        :param summary: the preview to approve; None if there is none.
        """
        return _Check(self, repository, summary).run()


@dataclass
class _Check:
    """Checks one repository, and keeps track of the calls it tried."""

    checker: ReadinessChecker
    repository: RepositoryId
    summary: PreviewSummaryXCom | None
    attempts: list[ReadAttempt] = field(default_factory=list)

    def run(self) -> RepositoryReadiness:
        policy = self._policy()
        self._try("ecr:GetLifecyclePolicyPreview", self._preview_status)
        inventory = self._try("ecr:DescribeImages", self._images)
        summary, approved, fresh = self._previews(policy, inventory)
        evidence = self.checker.collector.evidence(summary, approved, fresh, lambda: inventory)
        self._note_registry(evidence)
        decision = decide(evidence, self.checker.settings)
        checks = without_a_preview(decision.checks, is_previewed=self.summary is not None)
        permissions = [
            CheckResult.of("read_permissions", read_permissions(self.attempts)),
            CheckResult.of("change_permissions", change_permissions(self.checker.changing_actions)),
        ]
        # One task checks hundreds of repositories, so it does not keep their images.
        forgotten = replace(evidence, approved=_FORGOTTEN, fresh=_FORGOTTEN, inventory=(), previous={}, replicas=())
        return RepositoryReadiness(self.repository, (*permissions, *checks), replace(decision, evidence=forgotten))

    def _previews(
        self, policy: LifecyclePolicy | Unread, inventory: list[RepositoryImage] | Unread
    ) -> tuple[PreviewSummaryXCom, PreviewList | Unread, PreviewList | Unread]:
        """Return the summary, its images, and the stand-in for a fresh preview."""
        simulated = self._simulated(policy, inventory)
        if self.summary is None:
            summary, preview = simulated
            return summary, preview, preview
        approved = listed_images(self.summary)
        if isinstance(policy, Unread):
            return self.summary, approved, policy
        fresh = PreviewList(policy.fingerprint, self.summary["images_fingerprint"])
        if policy.fingerprint != self.summary["policy_fingerprint"] or isinstance(approved, Unread):
            return self.summary, approved, fresh
        # Without a list, only the fingerprint of the images is known; the evaluated policy may have the same one.
        known = approved if approved.images is not None else simulated[1]
        is_same = isinstance(known, PreviewList) and known.images_fingerprint == fresh.images_fingerprint
        return self.summary, approved, known if is_same else fresh

    def _simulated(
        self, policy: LifecyclePolicy | Unread, inventory: list[RepositoryImage] | Unread
    ) -> tuple[PreviewSummaryXCom, PreviewList | Unread]:
        now = self.checker.collector.now()
        if isinstance(policy, Unread):
            return nothing_previewed(self.repository, now), policy
        if isinstance(inventory, Unread):
            return nothing_previewed(self.repository, now, policy.fingerprint), inventory
        try:
            summary, images = simulated_preview(policy, inventory, now, self.repository)
        except ValueError as error:
            unread = Unread(f"The policy cannot be evaluated here: {error}", "Preview it, and give its summary.")
            return nothing_previewed(self.repository, now, policy.fingerprint), unread
        return summary, PreviewList.of_images(policy.fingerprint, images)

    def _policy(self) -> LifecyclePolicy | Unread:
        """Return the policy that would be previewed. Always read the applied one, as the clean-up does."""
        applied = self._try("ecr:GetLifecyclePolicy", self._applied)
        given = self.checker.collector.policies.policy_of(self.repository.repository_name)
        return given or applied or _NO_POLICY

    def _note_registry(self, evidence: Evidence) -> None:
        """Note whether the replication of deletions could be read, if the checks need it."""
        if self.checker.collector.replicas is None:
            return
        unread = evidence.replicas if isinstance(evidence.replicas, Unread) else Unread("")
        self.attempts.append(ReadAttempt("ecr:DescribeRegistry", unread.reason or None, unread.remedy))

    @property
    def _hook(self) -> EcrLifecyclePolicyPreviewHook:
        return self.checker.collector.hook_of(self.repository.region_name)

    def _applied(self) -> LifecyclePolicy | None:
        try:
            return self._hook.get_lifecycle_policy(
                self.repository.repository_name, registry_id=self.repository.registry_id
            )
        except LifecyclePolicyNotFoundError:
            return None

    def _preview_status(self) -> None:
        try:
            self._hook.get_preview_status(self.repository.repository_name, registry_id=self.repository.registry_id)
        except PreviewNotFoundError:
            return

    def _images(self) -> list[RepositoryImage]:
        images = self._hook.iter_repository_images(
            self.repository.repository_name, registry_id=self.repository.registry_id
        )
        return [*{image.image_digest: image for image in images}.values()]

    def _try(self, action: str, call: Callable[[], T]) -> T | Unread:
        try:
            value = call()
        except RepositoryError as error:
            self.attempts.append(ReadAttempt(action, str(error), lifting(error)))
            return Unread(str(error), lifting(error))
        self.attempts.append(ReadAttempt(action))
        return value
