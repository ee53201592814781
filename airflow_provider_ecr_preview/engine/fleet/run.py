"""Preview a whole fleet of repositories: start all, collect in order, and yield each outcome as it becomes known."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.exceptions import AuditStoppedError, PreviewTimeoutError, RepositoryError
from airflow_provider_ecr_preview.core.money.prices import Prices
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.core.text.counted import after
from airflow_provider_ecr_preview.engine.fleet.calls import GET_PREVIEW, START_PREVIEW, PacedCalls, StoppedError
from airflow_provider_ecr_preview.engine.fleet.jobs import JobQueue
from airflow_provider_ecr_preview.engine.fleet.outage import Outage
from airflow_provider_ecr_preview.engine.fleet.progress import FleetProgress, remaining_seconds
from airflow_provider_ecr_preview.engine.fleet.reader import ImageLists, PreviewReader
from airflow_provider_ecr_preview.engine.fleet.schedule import RepositoryWork, Schedule, VisitTime
from airflow_provider_ecr_preview.engine.fleet.steps import PreviewSteps
from airflow_provider_ecr_preview.reports.manifests import ManifestCache

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

_TICK_SECONDS = 0.2


FIRST_VISIT_SECONDS = 2.0
"""How long previews are expected to take, until measured."""


Result = RepositoryOutcome | StartedPreview


@dataclass(frozen=True, slots=True)
class PreviewTarget:
    """A repository to preview.

    :param repository_name: the repository.
    :param policy: the policy to preview; None for the one that is applied.
    """

    repository_name: str
    policy: LifecyclePolicy | None = None


@dataclass(frozen=True, kw_only=True)
class PreviewFleet:
    """Previews many repositories of one registry in one Region, at a pace that ECR accepts.

    All previews are started first and then collected in order, so that a repository costs two preview calls. Every
    repository ends with exactly one outcome, and no failure stops the others.

    .. code-block:: python

        fleet = PreviewFleet(hook=EcrLifecyclePolicyPreviewHook(region_name="eu-central-1"))
        for outcome in fleet.audit(PreviewTarget(name) for name in repository_names):
            audit.add(outcome)

    :param hook: provides the connection, Region and configuration.
    :param registry_id: the registry (account); the caller's own if None.
    :param max_workers: number of threads, which share one client.
    :param max_in_flight: number of previews that may be started but not yet read, so that none expires in the meantime.
    :param repository_timeout: time limit for one repository, from the start of its preview, in seconds.
    :param timeout: time limit for the whole audit, in seconds; unfinished repositories then count as failed. None for
        no limit.
    :param full_timeout: the audit's total time limit, for messages, if ``timeout`` is only the remainder.
    :param outage_timeout: how long to wait for the end of an outage, in which every call fails, in seconds.
    :param is_known_endpoint: whether the endpoint has answered before; one that never answers fails within 30 seconds.
    :param max_restarts: how often to restart a preview that expired or was replaced.
    :param enrich: whether to ask DescribeImages for all images, their sizes and last pulls.
    :param lookout: what to flag among the affected images.
    :param prices: the prices of stored images; None to measure no storage. Needs ``enrich``.
    :param owner_tag: the tag that names the owner of a repository; None to read no tags.
    :param image_lists: opens the list that stores a repository's affected images, as a context manager that discards
        the list if the block ends with an error.
    :param read_manifests: whether to read the manifests, to know exactly what is freed.
    :param manifest_cache: keeps the manifests between audits; None for no cache.
    :param on_started: called with every started preview, in the iterating thread, so that the next attempt can collect
        it after a crash.
    :param on_progress: called with the progress of the audit, in the iterating thread.
    :param progress_interval: time between two such calls, in seconds.
    :param should_stop: polled several times a second; once it returns True, the audit ends early, without outcomes for
        the remaining repositories.
    :param first_visit_seconds: how long previews are expected to take, until measured.
    """

    hook: EcrLifecyclePolicyPreviewHook
    registry_id: str | None = None
    max_workers: int = 16
    max_in_flight: int = 1000
    repository_timeout: float = 3600.0
    timeout: float | None = None
    full_timeout: float | None = None
    outage_timeout: float = OUTAGE_SECONDS
    is_known_endpoint: bool = False
    max_restarts: int = 3
    enrich: bool = True
    lookout: Lookout = field(default_factory=Lookout)
    prices: Prices | None = None
    owner_tag: str | None = None
    image_lists: ImageLists | None = None
    read_manifests: bool = False
    manifest_cache: ManifestCache | None = None
    on_started: Callable[[StartedPreview], object] | None = None
    on_progress: Callable[[FleetProgress], object] | None = None
    progress_interval: float = 30.0
    should_stop: Callable[[], bool] = bool
    first_visit_seconds: float = field(default_factory=lambda: FIRST_VISIT_SECONDS)

    def audit(
        self,
        targets: Iterable[PreviewTarget],
        *,
        started: Iterable[StartedPreview] = (),
        done: Collection[str] = (),
    ) -> Iterator[RepositoryOutcome]:
        """Yield the outcome of each repository as soon as it is known.

        :param targets: the repositories.
        :param started: previews that :meth:`start_all` started for some of them; they are only collected.
        :param done: names of those that an earlier attempt finished; they are skipped, and counted as done.
        :raises ValueError: if a repository is named twice; it has only one preview.
        """
        run = _FleetRun(self, _unique(targets), {preview.repository_name: preview for preview in started}, done)
        return _outcomes(run.results())

    def start_all(self, targets: Iterable[PreviewTarget]) -> tuple[list[StartedPreview], list[RepositoryOutcome]]:
        """Start previews without waiting; return the started ones, and the outcomes of the others.

        The caller must keep to ``max_in_flight``.

        :param targets: the repositories.
        :raises ValueError: if a repository is named twice; it has only one preview.
        """
        run = _FleetRun(self, _unique(targets), {}, (), only_start=True)
        started: list[StartedPreview] = []
        ended: list[RepositoryOutcome] = []
        for result in run.results():
            if isinstance(result, StartedPreview):
                started.append(result)
            else:
                ended.append(result)
        return started, ended


class _FleetRun:
    """One run over a fleet: its threads, its deadline, its progress."""

    def __init__(
        self,
        fleet: PreviewFleet,
        targets: dict[str, PreviewTarget],
        started: dict[str, StartedPreview],
        done: Collection[str],
        *,
        only_start: bool = False,
    ) -> None:
        self._fleet = fleet
        self._total = len(targets)
        self._began_at = time.monotonic()
        with translated(CallSite(next(iter(targets), "no repository"), fleet.registry_id, fleet.hook.region_name)):
            client = fleet.hook.get_fleet_client(fleet.max_workers)
        is_known = fleet.is_known_endpoint or bool(started or done)
        outage = Outage(unfinished=lambda: len(self._unfinished), seconds=fleet.outage_timeout, is_known=is_known)
        self._calls = PacedCalls(client, stop := threading.Event(), outage=outage)
        works = {
            name: self._work_of(CallSite.of(client, name, fleet.registry_id), target, started.get(name))
            for name, target in targets.items()
            if name not in done
        }
        self._unfinished = works
        self._todo = len(works)
        self._counts: Counter[str] = Counter()
        self._images = 0
        self._images_lock = threading.Lock()
        self._jobs = JobQueue(
            Schedule(
                [work for name, work in works.items() if name not in started],
                sorted((works[name] for name in started if name in works), key=lambda work: work.started_at),
                start_pace=self._calls.paces[START_PREVIEW],
                visit_pace=self._calls.paces[GET_PREVIEW],
                visit_time=VisitTime(fleet.first_visit_seconds),
                max_in_flight=self._todo if only_start else fleet.max_in_flight,
            ),
            stop,
        )
        self._only_start = only_start
        self._results: queue.Queue[Result] = queue.Queue(maxsize=fleet.max_workers)
        self._steps = PreviewSteps(
            self._calls,
            self._jobs,
            PreviewReader(
                self._calls,
                enrich=fleet.enrich,
                lookout=fleet.lookout,
                image_lists=fleet.image_lists,
                on_page=self._count_images,
                read_manifests=fleet.read_manifests,
                manifest_cache=fleet.manifest_cache,
                prices=fleet.prices,
                owner_tag=fleet.owner_tag,
            ),
            repository_timeout=fleet.repository_timeout,
            max_restarts=fleet.max_restarts,
            only_start=only_start,
            on_started=None if fleet.on_started is None else self._results.put,
        )

    def results(self) -> Generator[Result]:
        """Yield the outcome of each repository, and a failure for each one left when the time is up."""
        late: list[Result] = []
        with ThreadPoolExecutor(self._fleet.max_workers, "ecr-preview-fleet") as pool:
            threads = [pool.submit(self._work) for _ in range(min(self._fleet.max_workers, self._todo))]
            try:
                yield from self._until_the_end(threads)
            finally:
                self._jobs.stop()
                late = self._late_results(threads)
        if self._fleet.should_stop():
            return
        yield from map(self._finished, late)
        self._tell()
        if (refusal := self._calls.credentials_error) is not None:
            raise AuditStoppedError(
                f"AWS refuses the credentials, so this stops with {self._counts.total()} of {self._todo} repositories "
                f"done; a retry of the task continues there. {refusal}"
            )
        for work in list(self._unfinished.values()):
            yield self._finished(self._steps.failure(work, self._out_of_time(work)))

    def _work_of(self, site: CallSite, target: PreviewTarget, started: StartedPreview | None) -> RepositoryWork:
        work = RepositoryWork(site, target.policy, None if target.policy is None else target.policy.fingerprint)
        if started is not None:
            work.policy_fingerprint = started.policy_fingerprint
            work.attached = started.attached
            work.started_at = time.monotonic() - max(0.0, time.time() - started.started_at)
            work.deadline = time.monotonic() + self._fleet.repository_timeout
        return work

    def _until_the_end(self, threads: list[Future[None]]) -> Iterator[Result]:
        tell_at = self._began_at + self._fleet.progress_interval
        while self._unfinished and not self._fleet.should_stop():
            now = time.monotonic()
            if self._fleet.timeout is not None and now - self._began_at >= self._fleet.timeout:
                return
            if self._calls.credentials_error is not None:
                return
            if now >= tell_at:
                self._tell()
                tell_at = now + self._fleet.progress_interval
            try:
                yield self._finished(self._results.get(timeout=_TICK_SECONDS))
            except queue.Empty:
                _raise_from(threads)

    def _late_results(self, threads: list[Future[None]]) -> list[Result]:
        """Take the last results of the threads, which would otherwise wait for someone to take them and never end."""
        late: list[Result] = []
        while not (all(thread.done() for thread in threads) and self._results.empty()):
            try:
                late.append(self._results.get(timeout=_TICK_SECONDS / 10))
            except queue.Empty:
                continue
        return late

    def _work(self) -> None:
        while (job := self._jobs.take()) is not None:
            try:
                result = self._steps.do(job)
            except StoppedError:
                return
            if result is not None:
                self._jobs.finish()
                self._results.put(result)

    def _finished(self, result: Result) -> Result:
        if isinstance(result, StartedPreview) and self._fleet.on_started is not None:
            self._fleet.on_started(result)
            if not self._only_start:
                return result
        del self._unfinished[result.repository_name]
        self._counts[result.status if isinstance(result, RepositoryOutcome) else "started"] += 1
        return result

    def _count_images(self, number: int) -> None:
        with self._images_lock:
            self._images += number

    def _tell(self) -> None:
        if self._fleet.on_progress is None:
            return
        elapsed = time.monotonic() - self._began_at
        finished = self._counts.total()
        self._fleet.on_progress(
            FleetProgress(
                total=self._total,
                done=self._total - self._todo + finished,
                failed=self._counts["failed"],
                in_flight=self._jobs.in_flight_count,
                images=self._images,
                calls=self._calls.call_count,
                throttled=self._calls.throttled_count,
                elapsed_seconds=elapsed,
                remaining_seconds=remaining_seconds(self._todo, self._todo - self._jobs.new_count, finished, elapsed),
            )
        )

    def _out_of_time(self, work: RepositoryWork) -> RepositoryError:
        # A later attempt has only the rest of the timeout.
        timeout = self._fleet.full_timeout if self._fleet.full_timeout is not None else self._fleet.timeout or 0.0
        return work.site.error(
            PreviewTimeoutError,
            f"the audit timed out{after(timeout)}, before this repository was done. Raise timeout, or audit fewer "
            "repositories in one task.",
        )


def _outcomes(results: Generator[Result]) -> Iterator[RepositoryOutcome]:
    with closing(results):
        for result in results:
            if isinstance(result, RepositoryOutcome):
                yield result


def _unique(targets: Iterable[PreviewTarget]) -> dict[str, PreviewTarget]:
    """Return the targets by name."""
    unique: dict[str, PreviewTarget] = {}
    for target in targets:
        if target.repository_name in unique:
            raise ValueError(f"{target.repository_name} is named twice. A repository has one preview; audit it once.")
        unique[target.repository_name] = target
    return unique


def _raise_from(threads: list[Future[None]]) -> None:
    """Raise the error that ended a thread; it is a bug in this package."""
    for thread in threads:
        if thread.done() and (error := thread.exception()) is not None:
            raise error
