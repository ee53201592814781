"""The operator that asks a person, and binds what may be changed to what that person saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from airflow_provider_ecr_preview.core.cleanup.approval import ApprovedAction, ApprovedRepository, approval_xcom
from airflow_provider_ecr_preview.core.exceptions import ApprovalRefusedError
from airflow_provider_ecr_preview.core.parameters.values import choice, decoded, integer, switch, text
from airflow_provider_ecr_preview.core.preview.stored import Unread, summaries_of
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.display.approval_report import (
    MAX_ROWS,
    approval_body,
    approval_subject,
    dry_run_of_same,
    subject_prefix,
)
from airflow_provider_ecr_preview.reports.lists import line_list, listed_images
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


APPROVAL_KEY = "ecr_lifecycle_approval"
"""XCom key of what is shown to the person who is asked, from before there is an answer."""


# Releases of the standard provider that Airflow 3.1 came with have no other timeout than that of every task.
_TIMEOUT = (
    "response_timeout" if "response_timeout" in signature(HITLOperator.__init__).parameters else "execution_timeout"
)


_ACTIONS: tuple[ApprovedAction, ...] = ("delete", "archive", "put")


class EcrApproveCleanupOperator(LiteralXComMixin, ApprovalOperator):
    """Ask a person to approve a clean-up or lifecycle policies, and bind the answer to what the person was shown.

    The subject says whether it is a DRY RUN or FOR GOOD. The body has the number of images, repositories and bytes, the
    findings, what a dry run would spare, and the digest that the answer holds for. Give the output as ``approved`` to the
    operator that acts: it changes nothing if a policy, an image, a tag or a summary is another one by then. That is so
    after the audit was cleared and run again, too, which does not clear this task.

    A rejection skips the tasks downstream, as that of Airflow's ``ApprovalOperator`` does. Silence is no approval: the
    task fails if a timeout has chosen for the person.

    The binding guards against what changes, not against who may write XCom values of this DAG: they could write an
    approval.

    Calls nothing of AWS; reads the image lists of the summaries, and writes one where ``approvals_path`` says so.

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

    :param summary: what is to be approved: the output of the summarise operator, several of them, or an audit or several
        that hold their summaries. (templated)
    :param action: what is to be done: ``delete`` or ``archive`` the images, or ``put`` the policies. (templated)
    :param dry_run: whether only a dry run is approved, as the operator that acts has it. (templated)
    :param dry_run_result: the result of a dry run of the operator that is to act, whose numbers, spared images and blocks
        are shown. (templated)
    :param approvals_path: where to write the fingerprints of the repositories if they do not fit into an XCom, an
        ``ObjectStoragePath`` URL of a file, as gzip JSON Lines. Without, the operator that acts has to be given all
        repositories that were approved at once. (templated)
    :param rows: how many repositories the table names at most.
    :param subject: follows DRY RUN or FOR GOOD in place of the numbers. (templated)
    :param body: comes before what is shown anyway, as Markdown. (templated)
    :param response_timeout: how long to wait for an answer; None to wait as long as it takes.
    :param kwargs: ``assigned_users``, ``notifiers``, ``params``, ``defaults``, ``fail_on_reject`` and
        what else ``ApprovalOperator`` takes. ``defaults`` may be ``Reject`` only. Answers to ``params`` approve nothing.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.approval.ApprovalXCom`, with Airflow's answer. The same
        without an answer is pushed under the key ``ecr_lifecycle_approval`` when the person is asked.
    :raises ApprovalRefusedError: if what was shown is another one when the answer comes, or no person has approved it.
    :raises ValueError: if a parameter is not valid; no person was asked.
    """

    template_fields: Collection[str] = (
        *ApprovalOperator.template_fields,
        "action",
        "approvals_path",
        "dry_run",
        "dry_run_result",
        "summary",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"body": "md", "dry_run_result": "json", "summary": "json"}
    ui_color = "#f7e6c0"

    def __init__(
        self,
        *,
        summary: PreviewSummaryXCom | Sequence[Any] | Mapping[str, Any] | str,
        action: str = "delete",
        dry_run: bool | str = True,
        dry_run_result: Mapping[str, Any] | str | None = None,
        approvals_path: str | None = None,
        rows: int = MAX_ROWS,
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
        self.rows = rows

    def execute(self, context: Context) -> None:
        """Show what is to be approved, and wait for the answer."""
        if self.defaults and self.APPROVE in self.defaults:
            raise ValueError(f"defaults is {self.defaults}. Silence is no approval: leave it out, or use 'Reject'.")
        if not self.do_xcom_push:
            raise ValueError("do_xcom_push is False. The approval is bound by XCom: leave it on.")
        summaries, repositories, approval = self._given()
        self._show(approval, repositories, summaries)
        if approval["repositories_uri"]:
            with line_list(approval["repositories_uri"]) as lines:
                for repository in repositories:
                    lines.write(repository.as_dict())
        context["ti"].xcom_push(key=APPROVAL_KEY, value=approval)
        self.log.info("%s\n\n%s", self.subject, self.body)
        super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> ApprovalXCom:
        """Return what was approved, if it is still what was shown and a person has answered."""
        answer = super().execute_complete(context, event)
        ti = context["ti"]
        shown: ApprovalXCom | None = ti.xcom_pull(task_ids=self.task_id, key=APPROVAL_KEY, map_indexes=ti.map_index)
        if answer["chosen_options"] == [self.APPROVE]:
            self._refuse_what_binds_nothing(answer, shown)
        responded_at = answer["responded_at"]
        value = shown or self._given()[2]
        if answer["chosen_options"] != [self.APPROVE]:
            # The digest alone may be given as approved, so a rejection hands on none.
            value = {**value, "digest": "", "repositories": None, "repositories_uri": None}
        return {
            **value,
            "chosen_options": answer["chosen_options"],
            "params_input": answer["params_input"],
            "responded_at": responded_at if isinstance(responded_at, str) else responded_at.isoformat(),
            "responded_by_user": answer["responded_by_user"],
        }

    def _refuse_what_binds_nothing(self, answer: Mapping[str, Any], shown: ApprovalXCom | None) -> None:
        if answer["responded_by_user"] is None:
            raise ApprovalRefusedError(
                "Nothing was approved: a timeout has chosen, not a person. Clear this task to ask again."
            )
        given = self._given()[2]
        if shown is None or shown["digest"] != given["digest"]:
            raise ApprovalRefusedError(
                f"Nothing was approved: the person was shown the digest {None if shown is None else shown['digest']}, and "
                f"there is {given['digest']} now. It was previewed again, or changed, in the meantime. Clear this task to "
                "ask again."
            )

    def _given(self) -> tuple[list[PreviewSummaryXCom], list[ApprovedRepository], ApprovalXCom]:
        """Return what is to be approved, as it is now."""
        action: ApprovedAction = choice(self.action, "action", _ACTIONS, "delete", protects=True)
        dry_run = switch(self.dry_run, "dry_run", True, protects=True)  # the default
        repositories_uri = text(self.approvals_path, "approvals_path")
        summaries = summaries_of(self.summary)
        if not summaries:
            raise ValueError("summary is empty: there is nothing to approve.")
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
        approval: ApprovalXCom,
        repositories: Sequence[ApprovedRepository],
        summaries: Sequence[PreviewSummaryXCom],
    ) -> None:
        """Put what is to be approved into the subject and the body."""
        action, dry_run = approval["action"], approval["dry_run"]
        result = decoded(self.dry_run_result, "dry_run_result")
        body = approval_body(
            approval,
            repositories,
            summaries,
            dry_run_result=None if result is None else dry_run_of_same(result, action, repositories),
            failed_count=_failed_count(self.summary),
            rows=integer(self.rows, "rows", MAX_ROWS, minimum=1),
        )
        prefix = subject_prefix(action, dry_run=dry_run)
        subject, introduction = text(self.subject, "subject"), text(self.body, "body")
        self.subject = f"{prefix}: {subject}" if subject else approval_subject(action, summaries, dry_run=dry_run)
        self.body = f"{introduction}\n\n{body}" if introduction else body


def _failed_count(value: Any) -> int:
    """Return how many repositories of audits could not be previewed."""
    value = decoded(value, "summary")
    audits = [value] if isinstance(value, Mapping) else value
    return sum(audit["failed_count"] for audit in audits if audit.get("schema") == AUDIT_SCHEMA)
