"""What one run of an audit task works with: its parameters, where it keeps what it did, and its reports."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.acknowledged import AcknowledgedFindings
from airflow_provider_ecr_preview.core.audit.kind import APPLIED
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.outcome_log import OutcomeLog
from airflow_provider_ecr_preview.core.audit.repository_families import family_findings
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.parts import Parts
from airflow_provider_ecr_preview.core.preview.registry_findings import unused_template_notes
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.engine.audit_attempt import AuditAttempt, Recovered
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet
from airflow_provider_ecr_preview.engine.manifests import require_no_recorded_pulls
from airflow_provider_ecr_preview.operators._audit_parameters import AuditParameters
from airflow_provider_ecr_preview.operators._fail_on import no_repositories
from airflow_provider_ecr_preview.reports.audit import AuditReports
from airflow_provider_ecr_preview.reports.manifests import ManifestCache
from airflow_provider_ecr_preview.reports.segments import MemorySegments, PathSegments, StateSegments
from airflow_provider_ecr_preview.reports.storage import require_bucket, slug
from airflow_provider_ecr_preview.triggers.ecr_audit import EcrLifecyclePolicyPreviewsTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.engine.fleet.reader import ImageLists


MAX_CARRIED_CHARACTERS = 256 * 1024
"""How much a deferral may carry if the record of the started previews can be kept nowhere else."""


SAMPLE_SIZE = 8


_SHOWN_DUPLICATES = 10


_FIRST_TASK_BEGAN: dict[tuple[str, str, datetime], datetime] = {}
"""When the first audit of a run began in this process, by DAG, run and its start, of runs whose start is not a time by the clock."""


class AuditRun:
    """One run of an audit task.

    :param task: the operator, rendered.
    :param context: the task's context.
    :param began_at: when the task began, in seconds since the epoch; its attempts after a deferral keep the time.
    :param should_stop: returns whether the task has to end.
    :raises ValueError: if a parameter is not valid.
    """

    def __init__(self, task: Any, context: Context, began_at: float, should_stop: Callable[[], bool]) -> None:
        self.parameters = AuditParameters.of(task, context)
        self.began_at = began_at
        dag_run, ti, dag = context.get("dag_run"), context["ti"], task.get_dag()
        self.is_whole = ti.map_index is None or ti.map_index < 0
        """Whether this task audits everything, and not only one part of a mapped audit."""
        self._part = slug(f"{task.task_id}-{max(ti.map_index or 0, 0)}")
        self._ti = ti
        self._dag_id = dag.dag_id if dag else None
        self._state_store: Any = context.get("task_state_store")
        self._task = task
        self._log = task.log
        self._should_stop = should_stop
        started_at = dag_run.start_date if dag_run else None
        self._run_id = str(getattr(ti, "run_id", ""))
        # Clearing a finished run gives it another start, and clearing a task more tries.
        self._clearing = f"{started_at.isoformat() if started_at else ''} {getattr(ti, 'max_tries', '')}"
        kept = self.kept_segments()
        first = None if kept is None else OutcomeLog(kept).first_attempt()
        self._begun = first if first is not None and first.run_id == self._run_id else None
        # A run may be dated in the future (airflow dags test).
        self.audited_at = (
            _run_began(dag_run, (str(self._dag_id), self._run_id), datetime.fromtimestamp(began_at, UTC))
            if self._begun is None
            else datetime.fromtimestamp(self._begun.audited_at, UTC)
        )
        """When the first attempt at the audit started: the same time for all its parts, and for all attempts of a part."""
        self._acknowledgements = replace(self.parameters.acknowledgements, today=self.audited_at.astimezone(UTC).date())

    def attempt(self, segments: Parts | None) -> AuditAttempt:
        """Return the attempt at the audit that this run makes.

        :param segments: where the attempt keeps what it did; None if there is no such place.
        :raises NoRepositoriesError: if there is no repository, and ``on_no_repositories`` is ``fail``.
        :raises ValueError: if a repository is named more than once.
        """
        given = self.parameters
        if given.reports_path is not None:
            require_bucket(ObjectStoragePath(given.reports_path), "reports_path")
        for finding in given.candidates.warnings:
            self._log.warning("%s", finding)
        if not given.names:
            self._log.warning("%s", no_repositories(given.on_no_repositories, "repository_names is empty"))
        if duplicates := sorted(name for name, count in Counter(given.names).items() if count > 1):
            raise ValueError(
                f"repository_names has {', '.join(duplicates[:_SHOWN_DUPLICATES])} more than once. A repository has only "
                "one preview: name each repository once."
            )
        if given.read_manifests:
            require_no_recorded_pulls(self._task.hook, given.registry_id)
        fleet = PreviewFleet(
            hook=self._task.hook,
            registry_id=given.registry_id,
            max_workers=given.max_workers,
            max_in_flight=given.max_in_flight,
            repository_timeout=given.repository_timeout,
            outage_timeout=given.outage_timeout,
            timeout=None if given.timeout is None else max(self.began_at + given.timeout - time.time(), 0.0),
            full_timeout=given.timeout,
            enrich=given.enrich,
            lookout=given.lookout,
            prices=given.prices,
            owner_tag=given.owner_tag,
            on_progress=lambda progress: self._log.info("%s.", progress),
            progress_interval=given.progress_interval,
            should_stop=self._should_stop,
            image_lists=self._image_lists(),
            read_manifests=given.read_manifests,
            manifest_cache=None if given.reports_path is None else ManifestCache(given.reports_path),
        )
        audit = Audit(given.audit_id, self.audited_at, given.kind, AcknowledgedFindings(self._acknowledgements))
        if given.lookout.registry_facts is not None:
            audit.registry_notes.update(unused_template_notes(given.lookout.registry_facts, given.names))
        return AuditAttempt(
            {name: given.candidates.policy_of(name) for name in given.names},
            fleet,
            audit,
            OutcomeLog(segments) if segments else None,
            self._acknowledgements,
        )

    def recover(self, attempt: AuditAttempt, segments: Parts | None) -> None:
        """Take over what earlier attempts did, and log it.

        :param attempt: the attempt, at its start.
        :param segments: where attempts keep what they did; None if there is no such place.
        """
        if self._ti.try_number > 1 and (reports := self._reports()) is not None:
            reports.remove_unfinished(self.parameters.names, is_whole=self.is_whole)
        recovered = self.recover_silently(attempt)
        if recovered.done_count or recovered.started_count:
            self._log.info(
                "Continuing an earlier attempt: %s done, %s started, as read from %s.",
                counted(recovered.done_count, "repository", "repositories"),
                counted(recovered.started_count, "preview"),
                segments,
            )
        elif self._ti.try_number <= 1:
            return
        elif self.kept_segments() is not None:
            self._log.info("Starting again from the beginning: the earlier attempts left no progress.")
        else:
            self._log.info(
                "Starting again from the beginning: earlier attempts could not keep their progress, because this Airflow "
                "has no task state store and reports_path is not set."
            )

    def recover_silently(self, attempt: AuditAttempt) -> Recovered:
        """Take over what earlier attempts did.

        :param attempt: the attempt, at its start.
        """
        # A log of an earlier version does not name its run; only the start of the run identifies it.
        since = self.audited_at
        if self._begun is not None:
            age = self.parameters.max_preview_age
            since = datetime.min.replace(tzinfo=UTC) if age is None else datetime.now(UTC) - age
        return attempt.recover(since, self._run_id, self._clearing)

    def kept_segments(self) -> Parts | None:
        """Return where the next attempt finds what this one did, or None if there is no such place."""
        if self._state_store is not None:
            return StateSegments(self._state_store)
        given = self.parameters
        if given.reports_path is None:
            return None
        return PathSegments(ObjectStoragePath(given.reports_path) / "outcomes" / slug(given.audit_id) / self._part)

    def deadline(self) -> float:
        """Return until when the previews that are started now may take, in seconds since the epoch."""
        given = self.parameters
        deadline = time.time() + given.repository_timeout
        return deadline if given.timeout is None else min(deadline, self.began_at + given.timeout)

    def trigger(
        self, attempt: AuditAttempt, segments: Parts, deadline: float
    ) -> EcrLifecyclePolicyPreviewsTrigger | None:
        """Return the trigger that waits for the started previews; None if none is started, or it cannot carry the record.

        :param attempt: the attempt, which has started previews.
        :param segments: where the attempt keeps what it did.
        :param deadline: until when to wait, in seconds since the epoch.
        """
        carried = segments.carried() if isinstance(segments, MemorySegments) else None
        if carried is not None and len(carried) > MAX_CARRIED_CHARACTERS:
            self._log.info(
                "Waiting on this worker: the record of the started previews is too large for the triggerer. Set "
                "reports_path, or audit fewer repositories in one task."
            )
            return None
        if not attempt.started:
            return None
        task = self._task
        return EcrLifecyclePolicyPreviewsTrigger(
            repository_names=attempt.started[-SAMPLE_SIZE:],
            deadline=deadline,
            registry_id=self.parameters.registry_id,
            poll_interval=self.parameters.poll_interval,
            outage_timeout=self.parameters.outage_timeout,
            carried={"began_at": self.began_at, "log": carried},
            aws_conn_id=task.aws_conn_id,
            region_name=task.hook.conn_region_name,  # the triggerer may have another default than the worker
            verify=task._hook_parameters["verify"],  # noqa: SLF001 - as the hook of the task has it
            botocore_config=task.botocore_config,
        )

    def result(self, attempt: AuditAttempt) -> AuditXCom:
        """Write the reports, if the task has a place for them, and return the audit.

        :param attempt: the attempt, at its end.
        """
        reports = self._reports()
        if reports is None:
            return audit_xcom(attempt.audit)
        given = self.parameters
        table_uris = reports.write_tables(self._with_family_findings(attempt))
        changes = reports.compare(attempt.outcomes, attempt.audit.registries, given.alarms, whole=self.is_whole)
        report_uri = reports.markdown_uri if self.is_whole else None
        if self.is_whole:
            reports.write_owners(attempt.audit, table_uris)
            whole = attempt.audit.as_dict(changes=changes)
            reports.write_markdown(whole)
            attempt.audit.trend_uri = reports.write_trend(whole, self._dag_id, self._task.task_id)
        if given.retention_days is not None:
            removed = reports.remove_older_than(given.retention_days)
            self._log.info(
                "Removed %s older than %s.", counted(removed, "report file"), counted(given.retention_days, "day")
            )
        self._log.info("Reports: %s", ", ".join([report_uri] if report_uri else table_uris) or "none")
        return audit_xcom(attempt.audit, changes=changes, report_uri=report_uri, table_uris=table_uris)

    def _with_family_findings(self, attempt: AuditAttempt) -> Iterator[RepositoryOutcome]:
        """Yield the outcomes, after adding to the audit where the policy differs from that of the other repositories."""
        is_applied = self.parameters.kind.policies == APPLIED
        found = family_findings(attempt.outcomes()) if is_applied else {}
        for outcome in attempt.outcomes():
            finding = found.get(outcome.repository_name)
            if finding is None:
                yield outcome
                continue
            with_finding = self._acknowledgements.applied_to(
                replace(outcome, findings=[*outcome.findings, finding.as_dict()])
            )
            attempt.audit.add_finding(outcome, with_finding.findings[-1])
            yield with_finding

    def _reports(self) -> AuditReports | None:
        given = self.parameters
        if given.reports_path is None:
            return None
        return AuditReports(
            given.reports_path,
            audit_id=given.audit_id,
            audit_name=given.audit_name,
            audited_at=self.audited_at,
            part=self._part,
            dag_id=self._dag_id,
            kind=given.kind,
            owner_tag=given.owner_tag,
        )

    def _image_lists(self) -> ImageLists | None:
        reports = self._reports()
        if reports is None:
            return None
        if not self.parameters.write_image_lists:
            return reports.no_image_list
        return partial(reports.image_list, with_kept=self.parameters.write_kept_images)


def _run_began(dag_run: Any, run: tuple[str, str], task_began: datetime) -> datetime:
    """Return when a run began, by the clock: the same time for all tasks of the run.

    :param dag_run: the run; None if there is none.
    :param run: the DAG and the id of the run.
    :param task_began: when the task began, for a run whose start is only the date that it was given.
    """
    start: datetime | None = dag_run.start_date if dag_run else None
    # `airflow dags test DATE` dates the start, too. Reports under that date would be removed as old ones. It runs all
    # tasks in this process, so the first one sets the time.
    dates = (getattr(dag_run, "logical_date", None), getattr(dag_run, "run_after", None))
    if start is None:
        return task_began
    return _FIRST_TASK_BEGAN.setdefault((*run, start), task_began) if start in dates else min(start, datetime.now(UTC))
