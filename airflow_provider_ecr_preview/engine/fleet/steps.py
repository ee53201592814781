"""Audit one repository step by step: start its preview, visit it, read it, and handle failures."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from airflow_provider_ecr_preview.core.audit.outcome import OutcomeStatus, RepositoryOutcome, StartedPreview
from airflow_provider_ecr_preview.core.exceptions import (
    EcrPreviewError,
    LifecyclePolicyNotFoundError,
    ListTokenExpiredError,
    PreviewExpiredError,
    PreviewInconsistentError,
    PreviewInProgressError,
    PreviewNotFoundError,
    PreviewReplacedError,
    PreviewTimeoutError,
    PreviewTokenExpiredError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.pages import IN_PROGRESS, PreviewPage, PreviewStatus
from airflow_provider_ecr_preview.core.text.counted import after
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.engine.fleet.calls import (
    GET_POLICY,
    GET_PREVIEW,
    MAX_FAULTS,
    START_PREVIEW,
    CallAgainError,
    CallInterruptedError,
    CredentialsGoneError,
    PacedCalls,
    StoppedError,
    backoff,
)
from airflow_provider_ecr_preview.engine.fleet.jobs import JobQueue
from airflow_provider_ecr_preview.engine.fleet.reader import PREVIEW_PAGE_SIZE, PreviewReader
from airflow_provider_ecr_preview.engine.fleet.schedule import Job, RepositoryWork, revisit_after

log = logging.getLogger(__name__)


# The preview is no longer there, or not ours: only a new start helps.
_LOST = (PreviewExpiredError, PreviewNotFoundError, PreviewReplacedError)


# The preview is there, but its pages do not fit together: read it again from the first page.
_TORN = (PreviewInconsistentError, PreviewTokenExpiredError, ListTokenExpiredError)


class PreviewSteps:
    """Does one step for one repository, in the calling thread.

    :param calls: makes the calls.
    :param jobs: receives the steps that follow.
    :param reader: reads complete previews.
    :param repository_timeout: time limit for one repository, from its first step, in seconds.
    :param max_restarts: how often to restart a lost preview, and to read an inconsistent one again.
    :param only_start: whether a repository is finished once its preview has started.
    :param on_started: called with every started preview, before the next step.
    :param clock: returns monotonic seconds.
    """

    def __init__(
        self,
        calls: PacedCalls,
        jobs: JobQueue,
        reader: PreviewReader,
        *,
        repository_timeout: float,
        max_restarts: int,
        only_start: bool = False,
        on_started: Callable[[StartedPreview], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._jobs = jobs
        self._reader = reader
        self._repository_timeout = repository_timeout
        self._max_restarts = max_restarts
        self._only_start = only_start
        self._on_started = on_started
        self._clock = clock

    def do(self, job: Job) -> RepositoryOutcome | StartedPreview | None:
        """Do a step, and return the outcome of the repository; None if more steps follow.

        :param job: the step.
        :raises StoppedError: if the thread must stop.
        """
        try:
            return self._do(job)
        except StoppedError:
            raise
        except LifecyclePolicyNotFoundError:
            return self._without_policy(job.work)
        except EcrPreviewError as error:
            if self._calls.credentials_error is not None:
                # This says nothing about the repository, so the next attempt takes it up.
                raise StoppedError from error
            return self.failure(job.work, error)
        except Exception as error:  # no failure of one repository may lose the others
            log.exception("%s: not audited.", job.work.site.repository_name)
            return self.failure(job.work, job.work.site.error(RepositoryError, f"{error}. See the log."), error)

    def outcome(
        self,
        work: RepositoryWork,
        status: OutcomeStatus,
        summary: PreviewSummaryXCom | None = None,
        storage: Storage | None = None,
    ) -> RepositoryOutcome:
        """Return the outcome of a repository that did not fail.

        :param work: the repository.
        :param status: ``previewed`` or ``without_policy``.
        :param summary: the summary, if it was previewed.
        :param storage: its stored images and their cost, if they were measured.
        """
        return RepositoryOutcome(
            repository_name=work.site.repository_name,
            registry_id=work.site.registry_id or self._calls.registry_id,
            region_name=work.site.region_name,
            status=status,
            summary=summary,
            preview_calls=work.preview_calls,
            storage=None if storage is None else storage.as_dict(),
            owner=self._reader.owner(work),
        )

    def _without_policy(self, work: RepositoryWork) -> RepositoryOutcome:
        findings = self._reader.found_without_policy(work.site.repository_name)
        outcome = self.outcome(work, "without_policy", storage=self._reader.stored(work))
        return replace(outcome, findings=[finding.as_dict() for finding in findings])

    def failure(
        self, work: RepositoryWork, error: EcrPreviewError, cause: Exception | None = None
    ) -> RepositoryOutcome:
        """Return the outcome of a repository that failed.

        :param work: the repository.
        :param error: says what happened and what to do.
        :param cause: the exception that names the failure, if not ``error``.
        """
        return RepositoryOutcome(
            repository_name=work.site.repository_name,
            registry_id=work.site.registry_id or self._calls.registry_id,
            region_name=work.site.region_name,
            status="failed",
            error=type(cause or error).__name__,
            message=str(error),
            preview_calls=work.preview_calls,
        )

    def _do(self, job: Job) -> RepositoryOutcome | StartedPreview | None:
        work = job.work
        try:
            return self._start(work) if job.step == "start" else self._visit(work)
        except CallAgainError as again:
            self._call_again(job, again)
        except _LOST as error:
            self._once_more(Job("start", work), error)
        except _TORN as error:
            self._once_more(Job("visit", work), error)
        except PreviewTimeoutError:
            raise
        except PreviewInProgressError as error:
            # Another caller restarted the preview of the same policy while we read its pages.
            self._once_more(Job("visit", work), error, revisit_after(self._clock() - work.started_at))
        return None

    def _start(self, work: RepositoryWork) -> StartedPreview | None:
        work.deadline = min(work.deadline, self._clock() + self._repository_timeout)
        text = work.policy.text if work.policy else None
        try:
            response = self._calls.attempt(work, START_PREVIEW, lifecyclePolicyText=text)
        except PreviewInProgressError:
            # It is ours if the reply to an earlier attempt was lost; the first visit checks its policy.
            work.attached = True
            work.policy_fingerprint = work.policy_fingerprint or self._applied_policy(work).fingerprint
        else:
            work.attached = False
            work.policy_fingerprint = self._started(work, response)
        work.faults = work.visits = 0
        work.started_at = self._clock()
        started = StartedPreview(work.site.repository_name, work.policy_fingerprint, time.time(), work.attached)
        if self._only_start:
            return started
        if self._on_started is not None:
            self._on_started(started)
        self._jobs.put_started(work)
        return None

    def _started(self, work: RepositoryWork, response: dict[str, object]) -> str:
        started = work.site.parsed(PreviewStatus.from_response, response)
        if work.policy is not None and started.policy.fingerprint != work.policy.fingerprint:
            raise started.error(
                PreviewReplacedError,
                f"ECR started a preview of another policy than the one that was sent: {started.policy.canonical}",
            )
        return started.policy.fingerprint

    def _visit(self, work: RepositoryWork) -> RepositoryOutcome | None:
        response = self._calls.attempt(work, GET_PREVIEW, maxResults=PREVIEW_PAGE_SIZE)
        page = work.site.parsed(PreviewPage.from_response, response)
        work.faults = 0
        preview = page.preview
        if work.attached and preview.policy.fingerprint != work.policy_fingerprint:
            self._wait_for_other(work, preview)
            return None
        is_complete = preview.is_complete(work.policy_fingerprint)
        work.visits += 1
        if work.visits == 1 and not work.attached:
            self._jobs.learn(self._clock() - work.started_at, is_complete=is_complete)
        if not is_complete:
            self._visit_later(
                work,
                preview.error(
                    PreviewTimeoutError,
                    f"the preview is still {preview.status}{after(self._repository_timeout)}. Audit the "
                    "repository again with more time.",
                ),
            )
            return None
        return self.outcome(work, "previewed", *self._reader.read(work, page, response.get("nextToken")))

    def _wait_for_other(self, work: RepositoryWork, preview: PreviewStatus) -> None:
        """Wait until the preview of another policy has ended, then replace it."""
        error = preview.error(
            PreviewInProgressError,
            f"previews of another policy ({preview.policy.fingerprint[:12]}) are still in progress"
            f"{after(self._repository_timeout)}, and a repository has only one. Let only one DAG preview it at a time.",
        )
        if preview.status == IN_PROGRESS:
            self._visit_later(work, error)
        else:
            self._put_again(Job("start", work), self._clock(), error)

    def _visit_later(self, work: RepositoryWork, error: RepositoryError) -> None:
        now = self._clock()
        self._put_again(Job("visit", work), min(now + revisit_after(now - work.started_at), work.deadline), error)

    def _call_again(self, job: Job, again: CallAgainError) -> None:
        if isinstance(again, CallInterruptedError):
            job.work.faults += again.is_own
            if job.work.faults > MAX_FAULTS or self._calls.is_hopeless:
                raise again.error from again
        if isinstance(again, CredentialsGoneError):
            job.work.faults += 1
            if job.work.faults > MAX_FAULTS or self._calls.is_hopeless:
                raise again.error from again
        self._put_again(job, self._clock() + backoff(job.work.faults), again.error)

    def _once_more(self, job: Job, error: RepositoryError, delay: float = 0.0) -> None:
        if job.work.restarts >= self._max_restarts:
            raise error
        job.work.restarts += 1
        log.info("%s Trying again.", error)
        self._put_again(job, self._clock() + delay, error)

    def _put_again(self, job: Job, due: float, error: RepositoryError) -> None:
        if self._clock() >= job.work.deadline:
            raise error
        self._jobs.put_again(job, due)

    def _applied_policy(self, work: RepositoryWork) -> LifecyclePolicy:
        response = self._calls.call(work, GET_POLICY)
        return work.site.parsed(lambda policy, _: LifecyclePolicy.from_service(policy["lifecyclePolicyText"]), response)
