"""Compare what several policies would do to the same repositories, by ECR's preview, by simulation, or by both."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.comparison.effects import PolicyEffect, checked_by_simulation, compare_effects
from airflow_provider_ecr_preview.core.comparison.images import ComparedImage, compared_images
from airflow_provider_ecr_preview.core.comparison.simulation import simulate
from airflow_provider_ecr_preview.core.exceptions import (
    EcrOutageError,
    EcrPreviewError,
    EcrUnreachableError,
    LifecyclePolicyNotFoundError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import FailedRepository, RepositoryRef
from airflow_provider_ecr_preview.core.xcom.comparison import ComparedRepository, ComparisonMethod
from airflow_provider_ecr_preview.engine.comparison_progress import NO_PROGRESS, ComparisonProgress
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet, PreviewTarget

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
    from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
    from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook


log = logging.getLogger(__name__)


SIMULATION_WORKERS = 8
"""How many repositories are simulated at a time; no more than the connections that a client keeps open."""


BATCH_SIZE = 200
"""How many repositories' affected images are held in memory at a time."""


_OUTAGES = (EcrOutageError.__name__, EcrUnreachableError.__name__)


Effects = dict[str, PolicyEffect | FailedRepository]
"""The effect of one policy, or why it is unknown, by repository."""


@dataclass(frozen=True, kw_only=True)
class PolicyComparer:
    """Compares policies on the repositories of one registry in one Region.

    A repository has one preview, so ECR previews one policy after the other. A simulation calls DescribeImages once for
    all policies, and leaves the preview of the repository alone.

    :param hook: provides the connection, Region and configuration.
    :param policies: the policies by name; None for the one that is applied to each repository.
    :param method: ``preview``, ``simulation``, or ``both``, which reports where the two disagree.
    :param registry_id: the registry (account); the caller's own if None.
    :param max_workers: number of threads that request previews.
    :param repository_timeout: time limit for one preview, in seconds.
    :param outage_timeout: how long to wait for the end of an outage, in which every call fails, in seconds.
    :param lookout: what to flag among the affected images.
    :param write: called with each image that the policies treat differently; None if the images are not listed.
    :param should_stop: polled repeatedly; once it returns True, the comparison ends early.
    :param progress: what earlier attempts found out, and where this one keeps what it finds out.
    """

    hook: EcrLifecyclePolicyPreviewHook
    policies: Mapping[str, LifecyclePolicy | None]
    method: ComparisonMethod = "preview"
    registry_id: str | None = None
    max_workers: int = 16
    repository_timeout: float = 3600.0
    outage_timeout: float = OUTAGE_SECONDS
    lookout: Lookout = field(default_factory=Lookout)
    write: Callable[[ComparedImage], object] | None = None
    should_stop: Callable[[], bool] = bool
    progress: ComparisonProgress = NO_PROGRESS
    _is_down: Event = field(default_factory=Event, init=False, repr=False)
    _has_answered: Event = field(default_factory=Event, init=False, repr=False)

    def compare(self, repository_names: Sequence[str]) -> Iterator[ComparedRepository | FailedRepository]:
        """Yield for each repository what the policies would do to it, or why that is unknown.

        :param repository_names: the repositories.
        """
        known = set()
        for compared in self.progress.compared(repository_names, self.write):
            known.add(compared["repository_name"])
            yield compared
        if known:
            log.info("Continuing an earlier attempt: %s compared.", counted(known, "repository", "repositories"))
        try:
            yield from self._compare([name for name in repository_names if name not in known])
        finally:
            self.progress.flush()

    def _compare(self, repository_names: Sequence[str]) -> Iterator[ComparedRepository | FailedRepository]:
        for start in range(0, len(repository_names), BATCH_SIZE):
            names = repository_names[start : start + BATCH_SIZE]
            effects = self._effects(names)
            if self.should_stop():
                return
            for name in names:
                yield self._compared(name, {policy: of[name] for policy, of in effects.items()})
            self.progress.end_batch()
            log.info("%d of %d repositories compared.", start + len(names), len(repository_names))

    def _effects(self, names: Sequence[str]) -> dict[str, Effects]:
        if self.method == "simulation":
            return self._simulated(names)
        previewed = {policy: self._previewed(policy, names) for policy in self.policies}
        if self.method == "preview" or self.should_stop():
            return previewed
        simulated = self._simulated(names)
        return {
            policy: {name: _checked(previewed[policy][name], simulated[policy][name]) for name in names}
            for policy in self.policies
        }

    def _compared(
        self, name: str, effects: Mapping[str, PolicyEffect | FailedRepository]
    ) -> ComparedRepository | FailedRepository:
        known: dict[str, PolicyEffect] = {}
        for policy, effect in effects.items():
            if not isinstance(effect, PolicyEffect):
                return FailedRepository(**{**effect, "message": f"{policy}: {effect['message']}"})
            known[policy] = effect
        ref = self._ref(name)
        images = [] if self.write is None else [*compared_images(ref, known)]
        for image in images:
            self.write(image)  # type: ignore[misc]  # there is no image without it
        compared = compare_effects(ref, known)
        self.progress.keep_compared(compared, images)
        return compared

    def _previewed(self, policy: str, names: Sequence[str]) -> Effects:
        """Let ECR preview one policy.

        An outage that lasted through the previews of one policy is not waited for again, until ECR answers.
        """
        lists = EffectsInMemory(are_listed=self.write is not None)
        fleet = PreviewFleet(
            hook=self.hook,
            registry_id=self.registry_id,
            max_workers=self.max_workers,
            repository_timeout=self.repository_timeout,
            outage_timeout=0.0 if self._is_down.is_set() else self.outage_timeout,
            is_known_endpoint=self._has_answered.is_set(),
            lookout=self.lookout,
            image_lists=lists.open,
            on_started=lambda preview: self.progress.keep_started(policy, preview),
            on_progress=lambda progress: log.info("%s: %s.", policy, progress),
            should_stop=self.should_stop,
        )
        effects: Effects = {**self.progress.effects("preview", policy, names)}
        targets = (PreviewTarget(name, self.policies[policy]) for name in names)
        started = self.progress.started(policy, [name for name in names if name not in effects])
        outcomes = []
        for outcome in fleet.audit(targets, started=started, done=frozenset(effects)):
            outcomes.append(outcome)
            effect = effects[outcome.repository_name] = lists.effect_of(outcome)
            if isinstance(effect, PolicyEffect):
                self.progress.keep_effect("preview", policy, outcome.repository_name, effect)
        # The previews of the next policy replace these.
        self.progress.flush()
        if outcomes and all(outcome.error in _OUTAGES for outcome in outcomes):
            self._is_down.set()
        else:
            self._is_down.clear()
            self._has_answered.set()
        return effects

    def _simulated(self, names: Sequence[str]) -> dict[str, Effects]:
        """Evaluate all policies over the images of each repository."""
        known = {policy: self.progress.effects("simulation", policy, names) for policy in self.policies}
        by_name: dict[str, Effects] = {
            name: {policy: known[policy][name] for policy in self.policies}
            for name in names
            if all(name in of for of in known.values())
        }
        new = [name for name in names if name not in by_name]
        with ThreadPoolExecutor(SIMULATION_WORKERS, "ecr-simulation") as pool:
            for name, effects in zip(new, pool.map(self._simulate, new), strict=True):
                by_name[name] = effects
                for policy, effect in effects.items():
                    if isinstance(effect, PolicyEffect):
                        self.progress.keep_effect("simulation", policy, name, effect)
        return {policy: {name: by_name[name][policy] for name in names} for policy in self.policies}

    def _simulate(self, name: str) -> Effects:
        try:
            images = list(self.hook.iter_repository_images(name, registry_id=self.registry_id))
            now = datetime.now(UTC)
            effects: Effects = {}
            for policy, given in self.policies.items():
                evaluated = given or self._applied(name)
                effects[policy] = (
                    PolicyEffect(None)
                    if evaluated is None
                    else simulate(
                        evaluated,
                        images,
                        now,
                        ref=self._ref(name),
                        lookout=self.lookout,
                        is_listed=self.write is not None,
                    )
                )
        except EcrPreviewError as error:
            return dict.fromkeys(self.policies, self._failure(name, error))
        except ValueError as error:
            site = CallSite(name, self.registry_id, self.hook.region_name)
            of_site = site.error(RepositoryError, f"the policy cannot be simulated: {error} Use method='preview'.")
            return dict.fromkeys(self.policies, self._failure(name, of_site))
        return effects

    def _applied(self, name: str) -> LifecyclePolicy | None:
        try:
            return self.hook.get_lifecycle_policy(name, registry_id=self.registry_id)
        except LifecyclePolicyNotFoundError:
            return None

    def _failure(self, name: str, error: EcrPreviewError) -> FailedRepository:
        return FailedRepository(**self._ref(name), error=type(error).__name__, message=str(error))

    def _ref(self, name: str) -> RepositoryRef:
        return RepositoryRef(registry_id=self.registry_id, region_name=self.hook.conn_region_name, repository_name=name)


class EffectsInMemory:
    """The affected images of previews that were read completely.

    :param are_listed: whether the images will be listed.
    """

    def __init__(self, *, are_listed: bool = False) -> None:
        self._are_listed = are_listed
        self._effects: dict[str, PolicyEffect] = {}

    @contextmanager
    def open(self, preview: PreviewStatus) -> Iterator[_EffectList]:
        """Open the list of a repository's affected images; it counts only if the block ends without error."""
        effect = PolicyEffect(preview.policy.fingerprint, is_listed=self._are_listed)
        yield _EffectList(effect)
        self._effects[preview.repository_name] = effect

    def effect_of(self, outcome: RepositoryOutcome) -> PolicyEffect | FailedRepository:
        """Return what a policy does to a repository, or why that is unknown."""
        if outcome.status == "without_policy":
            return PolicyEffect(None)
        if outcome.summary is None:
            return FailedRepository(
                registry_id=outcome.registry_id,
                region_name=outcome.region_name,
                repository_name=outcome.repository_name,
                error=outcome.error,
                message=outcome.message,
            )
        return replace(self._effects[outcome.repository_name], findings=outcome.summary["findings"])


class _EffectList:
    """Collects the images of one preview as they stream by."""

    images_uri = None
    write_kept = None

    def __init__(self, effect: PolicyEffect) -> None:
        self._effect = effect

    def write(self, image: PreviewedImage) -> None:
        """Add one image."""
        self._effect.add(image)


def _checked(
    previewed: PolicyEffect | FailedRepository, simulated: PolicyEffect | FailedRepository
) -> PolicyEffect | FailedRepository:
    if not isinstance(previewed, PolicyEffect):
        return previewed
    return checked_by_simulation(previewed, simulated) if isinstance(simulated, PolicyEffect) else simulated
