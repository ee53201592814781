"""The operator that compares previews with what ECR did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.core.exceptions import LifecycleEventsUnreadError, UnpreviewedExpiryError
from airflow_provider_ecr_preview.core.parameters.times import moment
from airflow_provider_ecr_preview.core.parameters.values import choice, decoded, text
from airflow_provider_ecr_preview.core.preview.stored import Unread, preview_time, summaries_of
from airflow_provider_ecr_preview.core.reconciliation.execution import PolicyExecution, UnreadExecution
from airflow_provider_ecr_preview.core.reconciliation.reconcile import RepositoryReconciliation, reconcile
from airflow_provider_ecr_preview.core.reconciliation.result import reconciliation_xcom
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.xcom.reconciliation import ReconciliationXCom, SettlementXCom
from airflow_provider_ecr_preview.display.reconciliation import reconciliation_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.cleanup_settlement import CleanupSettler, CleanupToSettle
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.hooks.lifecycle_events import EcrLifecycleEventsHook
from airflow_provider_ecr_preview.iam import IAM_ACTIONS
from airflow_provider_ecr_preview.operators._publish import push_before_failure
from airflow_provider_ecr_preview.reports.lists import line_list, listed_images
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


ReconcileFailOn = Literal["never", "unpreviewed"]


HISTORY = timedelta(days=90)
"""What CloudTrail's event history holds."""


_SHOWN = 5


_Events = list[PolicyExecution | UnreadExecution]


class EcrReconcileLifecycleOperator(LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecycleEventsHook]):
    """Compare previews with what ECR then did by itself, as CloudTrail tells it (``PolicyExecutionEvent``).

    For every previewed repository: the images that expired, or were archived, as previewed; those that were previewed
    and no event names; those that went without having been previewed, which is a critical finding; and those that
    failed, by code. Where ECR has not acted since, which it does within a day, the preview is ``not_executed_yet``. A
    policy that was changed since the preview is told, as far as the event tells the policy.

    Run it a day after the preview, in the same account. An event that cannot be understood, and a preview whose images
    are not all known, are reported as such and are never taken for well: write ``images_path`` when you preview. Calls
    LookupEvents in every Region of the previews (``cloudtrail:LookupEvents``); changes nothing.

    .. code-block:: python

        EcrReconcileLifecycleOperator(task_id="reconcile", summary=summarize.output)

    :param summary: the summary of a preview, several, or an audit that holds its summaries. (templated)
    :param start_time: events from this time on count, as ISO 8601; that of each preview if None. (templated)
    :param end_time: events until this time count, as ISO 8601; now if None. (templated)
    :param fail_on: ``unpreviewed`` fails the task when images went that no preview listed, or it cannot be told;
        ``never`` only reports. The result is pushed before. (templated)
    :param results_path: where to write what became of every image, an ``ObjectStoragePath`` URL of a file. (templated)
    :param clean_up: the result of ``EcrDeletePreviewedImagesOperator``, with its ``results_path``: the images whose deletion or
        archiving had no reply (``reply_lost``) are settled by the calls that CloudTrail recorded, by the runs of lifecycle
        policies, and by what is in the repositories now. Use credentials of the same role as the clean-up. Needs
        ``ecr:DescribeImages``, too. (templated)
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; each preview's own if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.reconciliation.ReconciliationXCom`.
    :raises ValueError: if a summary or a time is none, or is older than CloudTrail's 90 days; nothing is asked.
    :raises LifecycleEventsUnreadError: if CloudTrail cannot be asked; the rest is pushed before.
    :raises UnpreviewedExpiryError: as ``fail_on`` says.
    """

    aws_hook_class = EcrLifecycleEventsHook
    iam_actions: ClassVar[tuple[str, ...]] = IAM_ACTIONS["EcrReconcileLifecycleOperator"]
    template_fields: Sequence[str] = aws_template_fields(
        "clean_up", "end_time", "fail_on", "results_path", "start_time", "summary"
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"clean_up": "json", "summary": "json"}
    ui_color = "#dfe6f5"

    def __init__(
        self,
        *,
        summary: Mapping[str, Any] | Sequence[Mapping[str, Any]] | str,
        start_time: datetime | str | None = None,
        end_time: datetime | str | None = None,
        fail_on: ReconcileFailOn | str | None = "unpreviewed",
        results_path: str | None = None,
        clean_up: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.summary = summary
        self.clean_up = clean_up
        self.start_time = start_time
        self.end_time = end_time
        self.fail_on = fail_on
        self.results_path = results_path

    def execute(self, context: Context) -> ReconciliationXCom:
        """Ask CloudTrail, and compare."""
        fail_on: ReconcileFailOn = choice(self.fail_on, "fail_on", ("unpreviewed", "never"), "unpreviewed")
        self.results_path = text(self.results_path, "results_path")
        until = moment(self.end_time, "end_time", datetime.now(UTC))
        given = decoded(self.clean_up, "clean_up")
        cleanup = None if given is None else CleanupToSettle.of(given)
        previews = [(summary, self._since(summary, until)) for summary in summaries_of(self.summary)]
        reconciliations, unread = self._reconcile(previews, until)
        value = reconciliation_xcom(reconciliations, until=until, results_uri=self._write(reconciliations))
        if cleanup is not None:
            value["clean_up"] = self._settled(cleanup)
        self.log.info("The reconciliation:\n%s", render(reconciliation_table(value), width=140))
        if unread:
            push_before_failure(context, self, value)
            raise LifecycleEventsUnreadError(" ".join(unread))
        if fail_on == "unpreviewed" and (reasons := _reasons(reconciliations)):
            push_before_failure(context, self, value)
            raise UnpreviewedExpiryError("The previews do not tell what happened: " + " ".join(reasons))
        return value

    def _since(self, summary: PreviewSummaryXCom, until: datetime) -> datetime:
        """Return the time from which on events count for a preview, if it is of the Region that was named."""
        region_name = text(self.region_name, "region_name")
        if region_name not in (None, summary["region_name"]):
            raise ValueError(
                f"{RepositoryId.of(summary)}: region_name is {region_name}. Leave it out to use that of the summary."
            )
        since = moment(self.start_time, "start_time", None) or preview_time(summary)
        if isinstance(since, Unread):
            raise ValueError(f"{RepositoryId.of(summary)}: {since.reason}")  # noqa: TRY004 - a value of XCom
        if since > until:
            raise ValueError(f"{RepositoryId.of(summary)}: {since} is after the end, {until}.")
        if since < datetime.now(UTC) - HISTORY:
            raise ValueError(
                f"{RepositoryId.of(summary)}: CloudTrail has the events of 90 days, and nothing of {since}. Preview "
                "again, or set start_time."
            )
        # The events have whole seconds.
        return since.replace(microsecond=0)

    def _reconcile(
        self, previews: Sequence[tuple[PreviewSummaryXCom, datetime]], until: datetime
    ) -> tuple[list[RepositoryReconciliation], list[str]]:
        """Return what became of every preview, and why a Region could not be asked."""
        done, unread = [], []
        for region_name in sorted({summary["region_name"] for summary, _ in previews}):
            here = [(summary, since) for summary, since in previews if summary["region_name"] == region_name]
            names = {summary["repository_name"] for summary, _ in here}
            try:
                hook = self.aws_hook_class(**{**self._hook_parameters, "region_name": region_name})
                account = hook.caller_account()
                events: _Events | Unread = [
                    event
                    for event in hook.iter_executions(min(since for _, since in here), until)
                    if isinstance(event, UnreadExecution) or event.repository.repository_name in names
                ]
            except LifecycleEventsUnreadError as error:
                account, events = None, Unread(str(error))
                unread.append(str(error))
            for summary, since in here:
                told = events
                if account not in (None, summary["registry_id"]):
                    told = Unread(
                        f"the events of {summary['registry_id']} are not those of {account}. Give the aws_conn_id of "
                        "the account of the preview."
                    )
                done.append(reconcile(summary, listed_images(summary), told, since=since, until=until))
        return done, unread

    def _settled(self, cleanup: CleanupToSettle) -> SettlementXCom:
        def events_of(region_name: str) -> EcrLifecycleEventsHook:
            return self.aws_hook_class(**{**self._hook_parameters, "region_name": region_name})

        def registry_of(region_name: str) -> EcrLifecyclePolicyPreviewHook:
            return EcrLifecyclePolicyPreviewHook(**{**self._hook_parameters, "region_name": region_name})

        settlement = CleanupSettler(events_of, registry_of).settle(cleanup)
        counts = ", ".join(f"{count} {category}" for category, count in sorted(settlement["counts"].items()))
        self.log.info("Images of the clean-up whose call had no reply: %s.", counts or "none")
        if settlement["unread"]:
            self.log.warning("Not all of them can be settled: %s", settlement["unread"])
        return settlement

    def _write(self, reconciliations: Sequence[RepositoryReconciliation]) -> str | None:
        """Write what became of every image; what happened is told even where that fails."""
        if not self.results_path:
            return None
        try:
            with line_list(self.results_path) as lines:
                for reconciliation in reconciliations:
                    for image in reconciliation.images:
                        lines.write(image.as_dict(reconciliation.repository))
        except Exception:  # whatever goes wrong on whatever storage
            self.log.exception("The list of results cannot be written to %s.", self.results_path)
            return None
        return self.results_path


def _reasons(reconciliations: Sequence[RepositoryReconciliation]) -> list[str]:
    """Return what happened without a preview, and what cannot be told, for the first of the repositories."""
    reasons = []
    for each in reconciliations:
        gone = each.counts["expired_without_preview"] + each.counts["archived_without_preview"]
        if gone:
            reasons.append(f"{each.repository}: {gone} images went that the preview did not list.")
        if each.status == "unknown":
            reasons.append(f"{each.repository}: {each.message}")
    more = len(reasons) - _SHOWN
    return reasons[:_SHOWN] + ([f"And {more} more."] if more > 0 else [])
