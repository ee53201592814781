"""The operator that asks a person for approval, and binds the approval to what the person saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import XComArg

from airflow_provider_ecr_preview.core.cleanup.approval import (
    ApprovedAction,
    ApprovedRepository,
    approval_xcom,
    with_question,
)
from airflow_provider_ecr_preview.core.cleanup.settings import MAX_PREVIEW_AGE
from airflow_provider_ecr_preview.core.exceptions import ApprovalRefusedError
from airflow_provider_ecr_preview.core.parameters.values import choice, decoded, integer, switch, text
from airflow_provider_ecr_preview.core.preview.stored import Unread, preview_time, summaries_of
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_KEY, ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.display.approval_report import (
    MAX_ROWS,
    approval_body,
    approval_subject,
    dry_run_of_same,
    subject_prefix,
)
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._approval_links import question_links
from airflow_provider_ecr_preview.reports.approvals import keep_answer, keep_question
from airflow_provider_ecr_preview.reports.lists import line_list, listed_images
from airflow_provider_ecr_preview.settings import price_per_gb_month
from airflow_provider_ecr_preview.templating.parameters import Rule
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import Summaries, Templated

if TYPE_CHECKING:
    import jinja2
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


# The releases of the standard provider that came with Airflow 3.1 only have the timeout of every task.
_TIMEOUT = (
    "response_timeout" if "response_timeout" in signature(HITLOperator.__init__).parameters else "execution_timeout"
)


_ACTIONS: tuple[ApprovedAction, ...] = ("delete", "archive", "put")


class EcrApproveCleanupOperator(LiteralXComMixin, ApprovalOperator):
    """Ask a person to approve a clean-up or lifecycle policies, and bind the answer to what the person saw.

    The subject says whether it is a DRY RUN or FOR GOOD. The body has the number of images, repositories and bytes, the
    findings, the images that a dry run spares, and a digest of all this. Give the output as ``approved`` to the operator
    that acts: it changes nothing if a policy, an image, a tag or a summary differs from what was approved. This holds even
    if the audit was cleared and run again, because that does not clear this task.

    A rejection skips the tasks downstream, as in Airflow's ``ApprovalOperator``. A timeout never approves: if the timeout
    answers instead of a person, the task fails.

    The binding protects against changes, but not against people who may write XCom values of this DAG: they could write an
    approval.

    Calls no AWS API. Reads the image lists of the summaries, and writes to ``approvals_path`` and ``question_path`` if they
    are set.

    .. code-block:: python

        approve = EcrApproveCleanupOperator(
            task_id="approve",
            summary=audit.output,
            dry_run="{{ params.dry_run }}",
            response_timeout=timedelta(hours=12),
        )
        clean_up = EcrDeletePreviewedImagesOperator(
            task_id="clean_up",
            summary=audit.output,
            approved=approve.output,
            dry_run="{{ params.dry_run }}",
            in_use=in_use.output,
        )

    :param summary: what to approve: the output of the summarize operator, a list of such outputs, or audits that hold
        their summaries. (templated)
    :param action: ``delete`` or ``archive`` for images, or ``put`` for policies. (templated)
    :param dry_run: whether to approve only a dry run; set it as in the operator that acts. (templated)
    :param dry_run_result: the result of a dry run of the operator that acts; the body then shows its numbers, spared images
        and blocks. (templated)
    :param approvals_path: where to write the fingerprints of the repositories if they do not fit into an XCom, an
        ``ObjectStoragePath`` URL of a file, as gzip JSON Lines. Without it, one task has to act on all approved
        repositories together. (templated)
    :param question_path: where to keep the question and the answer as Markdown, an ``ObjectStoragePath`` URL of a file;
        None for XCom only. Airflow may delete its own record, and ``airflow db clean`` deletes XCom values. (templated)
    :param rows: maximum number of repositories in the table. (templated)
    :param subject: text after DRY RUN or FOR GOOD, in place of the numbers. (templated)
    :param body: Markdown that comes before the generated body. (templated)
    :param response_timeout: how long to wait for an answer; None for no limit.
    :param kwargs: ``assigned_users``, ``notifiers``, ``params``, ``defaults``, ``fail_on_reject`` and further arguments of
        ``ApprovalOperator``. ``defaults`` may only be ``Reject``. Answers to ``params`` approve nothing.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.approval.ApprovalXCom`, with Airflow's answer. The same value
        without an answer is pushed under the key ``ecr_lifecycle_approval`` when the person is asked.
    :raises ApprovalRefusedError: if the data changed between the question and the answer, or if no person approved it.
    :raises ValueError: if a parameter is not valid. No person was asked.
    """

    template_fields: Collection[str] = (
        *ApprovalOperator.template_fields,
        "action",
        "approvals_path",
        "dry_run",
        "dry_run_result",
        "question_path",
        "rows",
        "summary",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"body": "md", "dry_run_result": "json", "summary": "json"}
    operator_extra_links = (EcrPreviewTabLink(),)
    ui_color = "#f7e6c0"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        "action": partial(choice, choices=_ACTIONS, protects=True),
        "rows": partial(integer, minimum=1),
    }

    def __init__(
        self,
        *,
        summary: Templated[Summaries],
        action: Templated[ApprovedAction] | None = "delete",
        dry_run: Templated[bool] | None = True,
        dry_run_result: Templated[Mapping[str, Any]] | None = None,
        approvals_path: Templated[str] | None = None,
        question_path: Templated[str] | None = None,
        rows: Templated[int] | None = MAX_ROWS,
        subject: str = "",
        body: str | None = None,
        response_timeout: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        if response_timeout is not None:
            kwargs[_TIMEOUT] = response_timeout
        super().__init__(subject=subject, body=body, **kwargs)
        self.summary = summary
        self.action = action
        self.dry_run = dry_run  # type: ignore[method-assign,assignment]  # Airflow's own logs templates; nothing calls it
        self.dry_run_result = dry_run_result
        self.approvals_path = approvals_path
        self.question_path = question_path
        self.rows = rows
        self._sources: dict[str, list[str]] = {}
        self._check_constants()

    def render_template_fields(self, context: Context, jinja_env: jinja2.Environment | None = None) -> None:
        """Render the templates, and remember which tasks the results come from, because the results do not say.

        :param context: the task's context.
        :param jinja_env: Jinja's environment.
        """
        for name in ("summary", "dry_run_result"):
            references = XComArg.iter_xcom_references(getattr(self, name))
            self._sources[name] = sorted({task.task_id for task, _ in references})
        super().render_template_fields(context, jinja_env)

    def execute(self, context: Context) -> None:
        """Ask for approval, and wait for the answer."""
        self._check_together()
        question_uri = text(self.question_path, "question_path")
        rows = integer(self.rows, "rows", MAX_ROWS, minimum=1)
        summaries, repositories, approval = self._given()
        self._show(context, approval, repositories, summaries, rows=rows, question_uri=question_uri)
        if approval["repositories_uri"]:
            with line_list(approval["repositories_uri"], dag_id=self.dag_id) as lines:
                for repository in repositories:
                    lines.write(repository.as_dict())
        if question_uri:
            keep_question(question_uri, self.subject, self.body or "", self.dag_id)
        answer_by = _answer_by(summaries)
        approval["answer_by"] = answer_by.isoformat() if answer_by else None
        approval = with_question(approval, self.subject, self.body or "", question_uri)
        context["ti"].xcom_push(key=APPROVAL_KEY, value=approval)
        self.log.info("%s\n\n%s", self.subject, self.body)
        super().execute(context)

    def _check_together(self) -> None:
        if self.defaults and self.APPROVE in self.defaults:
            raise ValueError(
                f"defaults is {self.defaults}. A timeout must not approve: leave defaults out, or use 'Reject'."
            )
        if not self.do_xcom_push:
            raise ValueError("do_xcom_push is False, but the approval is kept in XCom. Leave do_xcom_push on.")

    def execute_complete(self, context: Context, event: dict[str, Any]) -> ApprovalXCom:
        """Return the approval, if a person gave it and the data is still what the person saw."""
        ti = context["ti"]
        shown: ApprovalXCom | None = ti.xcom_pull(task_ids=self.task_id, key=APPROVAL_KEY, map_indexes=ti.map_index)
        if event.get("chosen_options", [self.APPROVE]) != [self.APPROVE]:
            # Airflow's operator skips the tasks downstream by an exception, after which nothing is returned.
            ti.xcom_push(key="return_value", value=self._answered(shown, event))
        answer = super().execute_complete(context, event)
        if answer["chosen_options"] == [self.APPROVE]:
            self._require_valid_approval(answer, shown)
        self._warn_of_a_late_answer(answer)
        return self._answered(shown, answer)

    def _answered(self, shown: ApprovalXCom | None, answer: Mapping[str, Any]) -> ApprovalXCom:
        """Return what the person saw with the answer, and keep the answer with the question."""
        responded_at = answer["responded_at"]
        value = shown or self._given()[2]
        if question_uri := value.get("question_uri"):
            keep_answer(question_uri, value, answer, responded_at, self.dag_id)
        if answer["chosen_options"] != [self.APPROVE]:
            # A digest alone would count as an approval, so a rejection has none.
            value = {**value, "digest": "", "repositories": None, "repositories_uri": None}
        return {
            **value,
            "chosen_options": answer["chosen_options"],
            "params_input": answer["params_input"] or {},
            "responded_at": responded_at if isinstance(responded_at, str) else responded_at.isoformat(),
            "responded_by_user": answer["responded_by_user"],
        }

    def _warn_of_a_late_answer(self, answer: Mapping[str, Any]) -> None:
        """Warn if the previews are too old by now for the task that acts."""
        until = _answer_by(summaries_of(self.summary))
        if answer["chosen_options"] == [self.APPROVE] and until is not None and datetime.now(UTC) > until:
            self.log.warning(
                "The answer came after %s, when the previews are older than a day: a clean-up with the default "
                "max_preview_age is blocked. Clear the task that previews and this one to ask again, or raise "
                "max_preview_age of the task that acts.",
                until.isoformat(),
            )

    def _require_valid_approval(self, answer: Mapping[str, Any], shown: ApprovalXCom | None) -> None:
        if answer["responded_by_user"] is None:
            raise ApprovalRefusedError(
                "Nothing was approved: the question timed out before a person answered. Clear this task to ask again."
            )
        given = self._given()[2]
        if shown is None:
            raise ApprovalRefusedError(
                "Nothing was approved: there is no record of what the person saw. Clear this task to ask again."
            )
        if shown["digest"] != given["digest"]:
            raise ApprovalRefusedError(
                f"Nothing was approved: the person saw the digest {shown['digest']}, but it is now "
                f"{given['digest']}. The repositories were previewed again, or a summary changed. Clear this task to ask again."
            )

    def _given(self) -> tuple[list[PreviewSummaryXCom], list[ApprovedRepository], ApprovalXCom]:
        """Return what has to be approved, as it is now."""
        action: ApprovedAction = choice(self.action, "action", _ACTIONS, "delete", protects=True)
        dry_run = switch(self.dry_run, "dry_run", True, protects=True)  # the default
        repositories_uri = text(self.approvals_path, "approvals_path")
        summaries = summaries_of(self.summary)
        if not summaries:
            raise ValueError("summary is empty; there is nothing to approve.")
        repositories = []
        for summary in summaries:
            preview = listed_images(summary)
            if isinstance(preview, Unread):
                raise ValueError(f"{RepositoryId.of(summary)} cannot be approved: {preview.reason} {preview.remedy}")  # noqa: TRY004
            repositories.append(ApprovedRepository.of(summary, preview))
        approval = approval_xcom(action, repositories, dry_run=dry_run, repositories_uri=repositories_uri)
        return summaries, repositories, approval

    def _show(
        self,
        context: Context,
        approval: ApprovalXCom,
        repositories: Sequence[ApprovedRepository],
        summaries: Sequence[PreviewSummaryXCom],
        *,
        rows: int,
        question_uri: str | None,
    ) -> None:
        """Write the subject and the body of the question."""
        action, dry_run = approval["action"], approval["dry_run"]
        given = decoded(self.dry_run_result, "dry_run_result")
        result = None if given is None else dry_run_of_same(given, action, repositories)
        body = approval_body(
            approval,
            repositories,
            summaries,
            dry_run_result=result,
            failed_count=_failed_count(self.summary),
            rows=rows,
            price_per_gb_month=price_per_gb_month() if action == "delete" else None,
            answer_by=_answer_by(summaries),
            links=question_links(
                context["ti"],
                summary=self.summary,
                summary_task_ids=self._sources.get("summary", ()),
                dry_run_task_ids=self._sources.get("dry_run_result", ()),
                question_uri=question_uri,
            ),
        )
        prefix = subject_prefix(action, dry_run=dry_run)
        of_itself = approval_subject(action, summaries, dry_run=dry_run, dry_run_result=result)
        subject, introduction = text(self.subject, "subject"), text(self.body, "body")
        self.subject = f"{prefix}: {subject}" if subject else of_itself
        self.body = f"{introduction}\n\n{body}" if introduction else body


def _answer_by(summaries: Sequence[PreviewSummaryXCom]) -> datetime | None:
    """Return until when a clean-up with its defaults accepts the oldest preview; None if no time is known."""
    known = [time for summary in summaries if isinstance(time := preview_time(summary), datetime)]
    return min(known) + MAX_PREVIEW_AGE if known else None


def _failed_count(value: Any) -> int:
    """Return how many repositories of the audits could not be previewed."""
    value = decoded(value, "summary")
    audits = [value] if isinstance(value, Mapping) else value
    return sum(audit["failed_count"] for audit in audits if audit.get("schema") == AUDIT_SCHEMA)
