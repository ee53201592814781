"""Recommend policies for a registry: read its images, group repositories by shape, and let ECR preview each policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.comparison.effects import PolicyEffect
from airflow_provider_ecr_preview.core.exceptions import EcrPreviewError
from airflow_provider_ecr_preview.core.in_use.repository import RepositoryInUse
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.proposal import freed_images
from airflow_provider_ecr_preview.core.recommendation.result import RecommendationRequest, recommended_policy
from airflow_provider_ecr_preview.core.recommendation.shapes import grouped
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage, digest_key, digest_of
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import known_sum
from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository
from airflow_provider_ecr_preview.core.xcom.recommendation import RecommendedPolicy
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget
from airflow_provider_ecr_preview.engine.policy_comparer import EffectsInMemory
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

log = logging.getLogger(__name__)


READING_WORKERS = 8
"""How many repositories are read at a time; no more than the connections that a client keeps open."""


BATCH_SIZE = 64


MAX_IMAGES = 500_000
"""How many images are held in memory; repositories of one shape are examined together."""


InUseOf = Callable[[RepositoryId], RepositoryInUse | Unread | None]


@dataclass
class Recommendations:
    """The recommended policies.

    :param policies: the policies, each with the repositories that share it.
    :param failures: the repositories without a recommended policy, or where ECR's preview disagrees.
    :param unproven: the repositories of the policies where ECR's preview disagrees.
    """

    policies: list[RecommendedPolicy] = field(default_factory=list)
    failures: list[FailedRepository] = field(default_factory=list)
    unproven: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class PolicyRecommender:
    """Finds policies for repositories of one registry in one Region.

    :param hook: provides the connection, Region and configuration.
    :param request: what a policy must keep.
    :param registry_id: the registry (account); the caller's own if None.
    :param in_use_of: returns the function that reports the images in use in a repository; None to ignore use.
    :param share: ``shape`` for one policy per shape, ``all`` for one policy in total, ``none`` for one per repository.
    :param prove: whether ECR previews each policy.
    :param max_workers: number of threads that request previews.
    :param repository_timeout: time limit for one preview, in seconds.
    :param outage_timeout: how long the previews wait for the end of an outage, in which every call fails, in seconds.
    :param should_stop: polled repeatedly; once it returns True, no further previews are read.
    """

    hook: EcrLifecyclePolicyPreviewHook
    request: RecommendationRequest
    registry_id: str | None = None
    in_use_of: InUseOf | None = None
    share: str = "shape"
    prove: bool = False
    max_workers: int = 16
    repository_timeout: float = 3600.0
    outage_timeout: float = OUTAGE_SECONDS
    should_stop: Callable[[], bool] = bool

    def recommend(self, repository_names: Sequence[str]) -> Recommendations:
        """Return policies for repositories.

        :param repository_names: the repositories.
        :raises ValueError: if they have more images than fit in memory.
        """
        found = Recommendations()
        repositories = []
        for facts in self._read(repository_names):
            if isinstance(facts, RepositoryFacts):
                repositories.append(facts)
            else:
                found.failures.append(facts)
        to_prove = []
        for group in self._groups(repositories):
            recommendation, value = recommended_policy(group, self.request)
            found.policies.append(value)
            if recommendation.policy is not None:
                to_prove.append((value, recommendation.policy, group))
        if self.prove:
            self._prove(to_prove, found)
        return found

    def _groups(self, repositories: Sequence[RepositoryFacts]) -> list[list[RepositoryFacts]]:
        if self.share == "none":
            return [[facts] for facts in repositories]
        if self.share == "all":
            return [list(repositories)] if repositories else []
        return grouped(repositories)

    def _read(self, names: Sequence[str]) -> Iterator[RepositoryFacts | FailedRepository]:
        image_count = 0
        with ThreadPoolExecutor(READING_WORKERS, "ecr-recommendation") as pool:
            for start in range(0, len(names), BATCH_SIZE):
                for facts in pool.map(self._facts, names[start : start + BATCH_SIZE]):
                    image_count += len(facts.images) if isinstance(facts, RepositoryFacts) else 0
                    yield facts
                if image_count > MAX_IMAGES:
                    raise ValueError(
                        f"The repositories of repository_names have more than {MAX_IMAGES:,} images, which is too many to look "
                        "at together. Map the task over the batches of EcrListRepositoriesOperator."
                    )
                log.info("%d of %d repositories read.", min(start + BATCH_SIZE, len(names)), len(names))

    def _facts(self, name: str) -> RepositoryFacts | FailedRepository:
        try:
            images = list(self.hook.iter_repository_images(name, registry_id=self.registry_id))
            return self._with_use(name, images)
        except EcrPreviewError as error:
            return self._failure(name, type(error).__name__, str(error))

    def _with_use(self, name: str, images: list[RepositoryImage]) -> RepositoryFacts | FailedRepository:
        """Return the facts with the images in use. If unknown, return why: a policy might delete what runs."""
        in_use = self.in_use_of(self._repository(name)) if self.in_use_of is not None else None
        if in_use is None:
            return RepositoryFacts(name, images)
        if isinstance(in_use, Unread):
            reasons = [f"{in_use.reason} {in_use.remedy or ''}".strip()]
        else:
            reasons = [*in_use.unread_sources, *(f"{place} was not read" for place in in_use.missing_scope)]
        if isinstance(in_use, Unread) or reasons:
            message = (
                f"{name}: the images in use are not known, so no policy is safe to recommend: {'; '.join(reasons)}"
            )
            return self._failure(name, "ImagesInUseUnknownError", message)
        digests = (
            image.image_digest for image in images if in_use.known_users_of(image.image_digest, image.image_tags)
        )
        return RepositoryFacts(name, images, frozenset(digests))

    def _prove(
        self,
        policies: Sequence[tuple[RecommendedPolicy, LifecyclePolicy, Sequence[RepositoryFacts]]],
        found: Recommendations,
    ) -> None:
        """Let ECR preview each policy for its repositories, and note images that only the preview affects."""
        effects = self._previewed(
            [PreviewTarget(facts.name, policy) for _, policy, group in policies for facts in group]
        )
        if self.should_stop():
            return
        for value, policy, group in policies:
            failures = [failure for facts in group if (failure := self._unproven(policy, facts, effects[facts.name]))]
            disagreeing = {failure["repository_name"] for failure in failures}
            sizes = [
                image.image_size_in_bytes
                for facts in group
                if facts.name not in disagreeing
                for image in _affected(facts, effects[facts.name])
            ]
            value["proven_repository_count"] = len(group) - len(failures)
            value["proven_expiring_image_count"] = len(sizes)
            value["proven_expiring_bytes_upper_bound"] = known_sum(sizes)
            found.failures += failures
            found.unproven |= disagreeing

    def _previewed(self, targets: Sequence[PreviewTarget]) -> dict[str, PolicyEffect | FailedRepository]:
        lists = EffectsInMemory()
        fleet = PreviewFleet(
            hook=self.hook,
            registry_id=self.registry_id,
            max_workers=self.max_workers,
            repository_timeout=self.repository_timeout,
            outage_timeout=self.outage_timeout,
            is_known_endpoint=True,
            image_lists=lists.open,
            on_progress=lambda progress: log.info("Previews of the recommended policies: %s.", progress),
            should_stop=self.should_stop,
        )
        return {outcome.repository_name: lists.effect_of(outcome) for outcome in fleet.audit(iter(targets))}

    def _unproven(
        self, policy: LifecyclePolicy, facts: RepositoryFacts, effect: PolicyEffect | FailedRepository
    ) -> FailedRepository | None:
        if not isinstance(effect, PolicyEffect):
            return effect
        simulated = {digest_key(image.image_digest) for image in freed_images(policy, [facts], self.request.now)}
        further = sorted(digest_of(key) for key in effect.taken.keys() - simulated)
        if not further:
            return None
        return self._failure(
            facts.name,
            "SimulationDisagrees",
            f"{facts.name}: ECR's preview of the recommended policy affects {counted(further, 'image')} that the simulation keeps, "
            f"such as {further[0]}. Do not apply this policy.",
        )

    def _repository(self, name: str) -> RepositoryId:
        return RepositoryId(self.registry_id or self._own_account(), self.hook.conn_region_name, name)

    def _own_account(self) -> str:
        with translated(CallSite("the registry", None, self.hook.conn_region_name)):
            return self.hook.account_id

    def _failure(self, name: str, error: str, message: str) -> FailedRepository:
        return FailedRepository(
            registry_id=self.registry_id,
            region_name=self.hook.conn_region_name,
            repository_name=name,
            error=error,
            message=message,
        )


def _affected(facts: RepositoryFacts, effect: PolicyEffect | FailedRepository) -> Iterator[RepositoryImage]:
    """Yield the images that ECR's preview affects."""
    if isinstance(effect, PolicyEffect):
        yield from (image for image in facts.images if digest_key(image.image_digest) in effect.taken)
