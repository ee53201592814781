"""The operator that compares previews with what ECR did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.core.exceptions import LifecycleEventsUnreadError, UnpreviewedExpiryError
from airflow_provider_ecr_preview.core.parameters.times import moment
from airflow_provider_ecr_preview.core.parameters.values import choice, decoded, text
from airflow_provider_ecr_preview.core.preview.stored import Unread, preview_time, summaries_of
from airflow_provider_ecr_preview.core.progress import Progress
from airflow_provider_ecr_preview.core.reconciliation.execution import PolicyExecution, UnreadExecution
from airflow_provider_ecr_preview.core.reconciliation.reconcile import RepositoryReconciliation, reconcile
from airflow_provider_ecr_preview.core.reconciliation.result import reconciliation_xcom
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.reconciliation import ReconciliationXCom, SettlementXCom
from airflow_provider_ecr_preview.display.reconciliation import reconciliation_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.cleanup_settlement import CleanupSettler, CleanupToSettle
from airflow_provider_ecr_preview.engine.recorded_events import RecordedEvents
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.hooks.lifecycle_events import EcrLifecycleEventsHook
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._progress import reading_progress
from airflow_provider_ecr_preview.operators._publish import mark_change, push_before_failure
from airflow_provider_ecr_preview.reports.lists import line_list, listed_images
from airflow_provider_ecr_preview.templating.parameters import Rule
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import Summaries, Templated

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


ReconcileFailOn = Literal["never", "unpreviewed"]


HISTORY = timedelta(days=90)
"""How long CloudTrail keeps events in its event history."""


_SHOWN = 5


_Events = list[PolicyExecution | UnreadExecution]


class EcrReconcileLifecycleOperator(LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecycleEventsHook]):
    """Compare previews with what ECR then did by itself, as CloudTrail records it (``PolicyExecutionEvent``).

    For each previewed repository, the result has the images that expired or were archived as previewed, those that were
    previewed but are in no event, those that expired without being in the preview, which is a critical finding, and those
    that failed, by failure code. If ECR has not acted yet, which it does within a day, the preview is
    ``not_executed_yet``. If the policy was changed since the preview, the result says so, as far as the event has the
    policy.

    Run it a day after the preview, in the same account. An event that cannot be read, or a preview whose images are not all
    known, is reported as unknown and never counts as success: set ``images_path`` when you preview. Calls LookupEvents in
    every Region of the previews (``cloudtrail:LookupEvents``); changes nothing.

    .. code-block:: python

        EcrReconcileLifecycleOperator(task_id="reconcile", summary=summarize.output)

    :param summary: the summary of a preview, a list of them, or an audit that holds its summaries. (templated)
    :param start_time: ignore events before this time, in ISO 8601; None for the time of each preview. (templated)
    :param end_time: ignore events after this time, in ISO 8601; None for now. (templated)
    :param fail_on: ``unpreviewed`` fails the task if images expired that the preview did not list, or if that is unknown;
        ``never`` only reports. The result is pushed before the task fails. (templated)
    :param results_path: where to write what happened to each image, an ``ObjectStoragePath`` URL of a file. A retry within
        an hour continues where the attempt before was killed; without Airflow's task state store (3.3 and later), only with
        this parameter. (templated)
    :param clean_up: the result of ``EcrDeletePreviewedImagesOperator``, which needs a ``results_path``. Says who deleted or
        archived the images whose call had no reply (``reply_lost``), by CloudTrail's record of the calls and of the runs of
        lifecycle policies, and by the images in the repositories now. Use credentials of the same role as the clean-up;
        they need ``ecr:DescribeImages``, too. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of each preview. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.reconciliation.ReconciliationXCom`.
    :raises ValueError: if a parameter is not valid, or a preview is older than CloudTrail's 90 days. Nothing is called.
    :raises LifecycleEventsUnreadError: if CloudTrail cannot be read. The result is pushed before.
    :raises UnpreviewedExpiryError: if images expired that the preview did not list, unless ``fail_on`` is ``never``.
    """

    aws_hook_class = EcrLifecycleEventsHook
    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrReconcileLifecycleOperator"]
    template_fields: Sequence[str] = aws_template_fields(
        "clean_up", "end_time", "fail_on", "results_path", "start_time", "summary"
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"clean_up": "json", "summary": "json"}
    operator_extra_links = (EcrPreviewTabLink(), EcrRegistryLink())
    ui_color = "#dfe6f5"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {"fail_on": partial(choice, choices=get_args(ReconcileFailOn))}

    def __init__(
        self,
        *,
        summary: Templated[Summaries],
        start_time: Templated[datetime] | None = None,
        end_time: Templated[datetime] | None = None,
        fail_on: Templated[ReconcileFailOn] | None = "unpreviewed",
        results_path: Templated[str] | None = None,
        clean_up: Templated[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.summary = summary
        self.start_time = start_time
        self.end_time = end_time
        self.fail_on = fail_on
        self.results_path = results_path
        self.clean_up = clean_up
        self._check_constants()

    def execute(self, context: Context) -> ReconciliationXCom:
        """Read the events of CloudTrail and compare them with the previews."""
        fail_on: ReconcileFailOn = choice(self.fail_on, "fail_on", ("unpreviewed", "never"), "unpreviewed")
        results_path = text(self.results_path, "results_path")
        start_time = moment(self.start_time, "start_time", None)
        end_time = moment(self.end_time, "end_time", None)
        given = decoded(self.clean_up, "clean_up")
        cleanup = None if given is None else CleanupToSettle.of(given)
        summaries = summaries_of(self.summary)
        self._progress = reading_progress(context, self, results_path, summaries)
        if self._progress.is_continued:
            self.log.info("Continuing an earlier attempt, which read events from %s on.", _time(self._progress))
        until = end_time or _time(self._progress)
        previews = [(summary, self._since(summary, start_time, until)) for summary in summaries]
        reconciliations, unread = self._reconcile(previews, until)
        value = reconciliation_xcom(
            reconciliations, until=until, results_uri=self._write(reconciliations, results_path)
        )
        if cleanup is not None:
            value["clean_up"] = self._settled(cleanup)
        self.log.info("The reconciliation:\n%s", render(reconciliation_table(value), width=140))
        mark_change(context, self, value)
        if unread:
            push_before_failure(context, self, value)
            raise LifecycleEventsUnreadError(" ".join(unread))
        self._progress.clear()
        if fail_on == "unpreviewed" and (reasons := _reasons(reconciliations)):
            push_before_failure(context, self, value)
            raise UnpreviewedExpiryError("ECR did something else than the previews listed. " + " ".join(reasons))
        return value

    def _since(self, summary: PreviewSummaryXCom, start_time: datetime | None, until: datetime) -> datetime:
        """Return the time from which events count for a preview."""
        region_name = text(self.region_name, "region_name")
        if region_name not in (None, summary["region_name"]):
            raise ValueError(
                f"{RepositoryId.of(summary)}: region_name is {region_name}. Leave it out to use the Region of the summary."
            )
        since = start_time or preview_time(summary)
        if isinstance(since, Unread):
            raise ValueError(f"{RepositoryId.of(summary)}: {since.reason}")  # noqa: TRY004 - a value of XCom
        if since > until:
            raise ValueError(f"{RepositoryId.of(summary)}: the start, {since}, is after the end, {until}.")
        if since < datetime.now(UTC) - HISTORY:
            raise ValueError(
                f"{RepositoryId.of(summary)}: CloudTrail keeps events for 90 days, and {since} is longer ago. Preview the "
                "repository again, or set start_time."
            )
        # The times of events are whole seconds.
        return since.replace(microsecond=0)

    def _reconcile(
        self, previews: Sequence[tuple[PreviewSummaryXCom, datetime]], until: datetime
    ) -> tuple[list[RepositoryReconciliation], list[str]]:
        """Return the reconciliation of each preview, and why the events of a Region could not be read."""
        done, unread = [], []
        for region_name in sorted({summary["region_name"] for summary, _ in previews}):
            here = [(summary, since) for summary, since in previews if summary["region_name"] == region_name]
            names = {summary["repository_name"] for summary, _ in here}
            try:
                recorded = self._events_of(region_name)
                account = recorded.caller_account()
                events: _Events | Unread = [
                    event
                    for event in recorded.iter_executions(min(since for _, since in here), until)
                    if isinstance(event, UnreadExecution) or event.repository.repository_name in names
                ]
            except LifecycleEventsUnreadError as error:
                account, events = None, Unread(str(error))
                unread.append(str(error))
            for summary, since in here:
                events_of_preview = events
                if account not in (None, summary["registry_id"]):
                    events_of_preview = Unread(
                        f"the preview is of account {summary['registry_id']}, and aws_conn_id reads the events of account "
                        f"{account}. Use a connection to the account of the preview."
                    )
                done.append(reconcile(summary, listed_images(summary), events_of_preview, since=since, until=until))
        return done, unread

    def _events_of(self, region_name: str) -> RecordedEvents:
        hook = self.aws_hook_class(**{**self._hook_parameters, "region_name": region_name})
        return RecordedEvents(hook, region_name, self._progress)

    def _settled(self, cleanup: CleanupToSettle) -> SettlementXCom:
        def registry_of(region_name: str) -> EcrLifecyclePolicyPreviewHook:
            return EcrLifecyclePolicyPreviewHook(**{**self._hook_parameters, "region_name": region_name})

        settlement = CleanupSettler(self._events_of, registry_of).settle(cleanup)
        counts = ", ".join(f"{count} {category}" for category, count in sorted(settlement["counts"].items()))
        self.log.info("Images of the clean-up whose call had no reply: %s.", counts or "none")
        if settlement["unread"]:
            self.log.warning("Some of these images are not settled: %s", settlement["unread"])
        return settlement

    def _write(self, reconciliations: Sequence[RepositoryReconciliation], results_path: str | None) -> str | None:
        """Write what happened to each image, and return where; the result is pushed even if this fails."""
        if not results_path:
            return None
        try:
            with line_list(results_path, dag_id=self.dag_id) as lines:
                for reconciliation in reconciliations:
                    for image in reconciliation.images:
                        lines.write(image.as_dict(reconciliation.repository))
        except Exception:  # storage fails in many ways
            self.log.exception("The list of results cannot be written to %s.", results_path)
            return None
        return results_path


def _time(progress: Progress) -> datetime:
    return datetime.fromtimestamp(progress.began_at, UTC)


def _reasons(reconciliations: Sequence[RepositoryReconciliation]) -> list[str]:
    """Return what happened without a preview, and what is unknown, for the first repositories."""
    reasons = []
    for reconciliation in reconciliations:
        counts = reconciliation.counts
        unlisted = counts["expired_without_preview"] + counts["archived_without_preview"]
        if unlisted:
            reasons.append(
                f"{reconciliation.repository}: expired or archived without being in the preview: "
                f"{counted(unlisted, 'image')}."
            )
        if reconciliation.status == "unknown":
            reasons.append(f"{reconciliation.repository}: {reconciliation.message}")
    more = len(reasons) - _SHOWN
    return reasons[:_SHOWN] + ([f"The result lists {more} more."] if more > 0 else [])
