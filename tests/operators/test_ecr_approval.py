"""The approval operator shows what has to be approved, and refuses answers that approve something else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.cleanup.approval import approval_of
from airflow_provider_ecr_preview.core.exceptions import ApprovalRefusedError
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_KEY, MAX_APPROVAL_BYTES
from airflow_provider_ecr_preview.engine.cleanup_evidence import approved_lines
from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.reports.lists import image_list
from tests.support.builders import NOW, preview_xcom, previewed

ADA = {"id": "7", "name": "ada"}


class WaitingError(Exception):
    """Stands for what Airflow raises while a task waits for its answer."""


@pytest.fixture
def asked() -> Iterator[mock.Mock]:
    """Return what is called to show a question; the task waits after it."""
    with mock.patch("airflow.providers.standard.operators.hitl.upsert_hitl_detail") as asked:
        asked.side_effect = WaitingError
        yield asked


class Task:
    """An approval from its question to its answer."""

    def __init__(self, **kwargs: Any) -> None:
        self.operator = EcrApproveCleanupOperator(task_id="approve", **kwargs)
        self.pushed: dict[str, Any] = {}
        self.ti = mock.Mock(map_index=-1, xcom_push=self._push, xcom_pull=self._pull)

    def _push(self, key: str, value: Any) -> None:
        self.pushed[key] = json.loads(json.dumps(value))

    def _pull(self, task_ids: str, key: str, map_indexes: int) -> Any:
        assert (task_ids, map_indexes) == ("approve", -1)
        return self.pushed.get(key)

    def ask(self) -> Any:
        with pytest.raises(WaitingError):
            self.operator.execute(self.context)
        return self.pushed[APPROVAL_KEY]

    def answer(self, option: str = "Approve", user: Any = ADA) -> Any:
        event = {"chosen_options": [option], "params_input": {}, "responded_at": NOW, "responded_by_user": user}
        return self.operator.execute_complete(self.context, event)

    @property
    def context(self) -> Any:
        return {"ti": self.ti, "task_instance": self.ti, "task": self.operator}


@pytest.mark.usefixtures("asked")
def test_the_answer_is_returned_with_the_approval() -> None:
    task = Task(summary=preview_xcom())
    shown = task.ask()
    answered = task.answer()
    assert answered == {
        **shown,
        "chosen_options": ["Approve"],
        "params_input": {},
        "responded_at": NOW.isoformat(),
        "responded_by_user": ADA,
    }
    approval = approval_of(json.loads(json.dumps(answered)), approved_lines)
    assert (approval.refusal, approval.responded_by) == (None, "ada")


@pytest.mark.usefixtures("asked")
def test_the_question_and_the_answer_are_kept_as_they_were_given(tmp_path: Path) -> None:
    file = tmp_path / "approvals" / "run.md"
    task = Task(summary=preview_xcom(), dry_run=False, question_path=f"file://{file}")
    shown = task.ask()
    asked = file.read_text()
    assert asked.startswith("# FOR GOOD: delete 2 images of 1 repository?")
    whole = f"# {shown['subject']}\n\n{shown['body']}\n<!-- dag_id=adhoc_airflow -->\n"
    assert (shown["question_uri"], asked) == (f"file://{file}", whole)
    answered = task.answer("Reject")
    assert (answered["digest"], answered["body"]) == ("", shown["body"])
    assert "Reject, by ada at 2026" in file.read_text()
    assert file.read_text().startswith(asked.partition("\n<!-- ")[0])
    assert file.read_text().count("## The answer") == file.read_text().count("<!-- dag_id=") == 1


@pytest.mark.usefixtures("asked")
def test_the_answer_counts_where_its_file_is_gone_or_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "run.md"
    task = Task(summary=preview_xcom(), question_path=f"file://{file}")
    shown = task.ask()
    file.unlink()
    assert task.answer()["digest"] == shown["digest"]
    assert shown["subject"] in file.read_text()
    file.unlink()
    file.mkdir()
    assert task.answer()["digest"] == shown["digest"]


@pytest.mark.usefixtures("asked")
def test_the_question_is_cut_to_the_room_that_the_repositories_leave() -> None:
    many = [preview_xcom(f"team/{number:03}") for number in range(60)]
    shown = Task(summary=many, rows=60, body="\u4e16" * 20_000).ask()
    assert shown["repositories"] is not None
    assert shown["body"].endswith("…")
    assert len(json.dumps(shown)) <= MAX_APPROVAL_BYTES - 1024


@pytest.mark.parametrize("dry_run", [True, False, "True", "false"])
def test_the_person_sees_what_it_is_about(asked: mock.Mock, *, dry_run: bool | str) -> None:
    task = Task(summary=preview_xcom(), dry_run=dry_run)
    shown = task.ask()
    said = asked.call_args.kwargs
    assert shown["dry_run"] == (str(dry_run).lower() == "true")
    assert said["subject"].startswith("DRY RUN" if shown["dry_run"] else "FOR GOOD: delete 2 images of 1 repository")
    assert shown["digest"] in said["body"]


def test_the_subject_and_body_of_the_dag_are_shown_too(asked: mock.Mock) -> None:
    Task(summary=preview_xcom(), dry_run=False, subject="Weekly clean-up", body="See the runbook.").ask()
    said = asked.call_args.kwargs
    assert said["subject"] == "FOR GOOD: Weekly clean-up"
    assert said["body"].startswith("See the runbook.\n\n**FOR GOOD.**")


def test_repositories_that_could_not_be_previewed_are_named(asked: mock.Mock) -> None:
    audit = {"schema": "ecr-lifecycle-audit/1", "summaries": [preview_xcom()], "failed_count": 3}
    Task(summary=[audit, {**audit, "summaries": [preview_xcom("b")]}]).ask()
    assert "**6 repositories could not be previewed**" in asked.call_args.kwargs["body"]


@pytest.mark.usefixtures("asked")
def test_a_preview_that_is_made_again_before_the_answer_is_not_approved() -> None:
    task = Task(summary=preview_xcom())
    task.ask()
    task.operator.summary = preview_xcom(previewed_at=(NOW + timedelta(hours=1)).isoformat())
    with pytest.raises(ApprovalRefusedError, match="previewed again, or a summary changed"):
        task.answer()


@pytest.mark.usefixtures("asked")
def test_a_list_that_is_written_again_before_the_answer_is_not_approved(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/images.jsonl.gz"

    def write(tag: str) -> None:
        with image_list(uri) as images:
            images.write(previewed(1))
            images.write(previewed(2, image_tags=(tag,)))

    write("v2")
    task = Task(summary=preview_xcom(images_uri=uri))
    task.ask()
    write("prod")
    with pytest.raises(ApprovalRefusedError, match="a summary changed"):
        task.answer()


@pytest.mark.usefixtures("asked")
def test_a_timeout_approves_nothing() -> None:
    task = Task(summary=preview_xcom())
    task.ask()
    with pytest.raises(ApprovalRefusedError, match="the question timed out before a person answered"):
        task.answer(user=None)


@pytest.mark.usefixtures("asked")
def test_an_answer_without_a_record_of_what_was_shown_approves_nothing() -> None:
    with pytest.raises(ApprovalRefusedError, match="there is no record of what the person saw"):
        Task(summary=preview_xcom()).answer()


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("user", [ADA, None])
def test_a_rejection_is_passed_on_and_allows_nothing(user: Any) -> None:
    task = Task(summary=preview_xcom(), defaults="Reject")
    task.ask()
    answered = task.answer("Reject", user)
    assert approval_of(answered, approved_lines).refusal
    with pytest.raises(ValueError, match="approved"):
        approval_of(answered["digest"], approved_lines)


@pytest.mark.usefixtures("asked")
def test_a_rejection_skips_what_comes_after() -> None:
    with DAG("approved", schedule=None):
        task = Task(summary=preview_xcom())
        task.operator >> BaseOperator(task_id="clean_up")
    task.ask()
    with mock.patch.object(EcrApproveCleanupOperator, "skip") as skip:
        task.answer("Reject")
    assert [task.task_id for task in skip.call_args.kwargs["tasks"]] == ["clean_up"]


@pytest.mark.usefixtures("asked")
def test_many_repositories_are_written_down(tmp_path: Path) -> None:
    uri = f"file://{tmp_path}/approved.jsonl.gz"
    task = Task(summary=[preview_xcom(f"team/{number}") for number in range(200)], approvals_path=uri)
    assert len(json.dumps(task.ask())) <= MAX_APPROVAL_BYTES
    answered = task.answer()
    assert (answered["repositories"], answered["repositories_uri"]) == (None, uri)
    assert len(approval_of(answered, approved_lines).repositories or ()) == 200
    next(tmp_path.iterdir()).unlink()
    repositories: Any = approval_of(answered, approved_lines).repositories
    assert "cannot be read at" in repositories.reason


@pytest.mark.parametrize(
    ("kwargs", "why"),
    [
        ({"summary": []}, "nothing to approve"),
        ({"summary": None}, "summary is None"),
        ({"action": "eat"}, "action is 'eat'"),
        ({"dry_run": "None"}, "dry_run is 'None'"),
        ({"dry_run": "no"}, "Use True or False"),
        ({"defaults": "Approve"}, "A timeout must not approve"),
        ({"do_xcom_push": False}, "is kept in XCom"),
        ({"rows": 0}, "rows is 0"),
        ({"dry_run_result": {"schema": "x"}}, "not the result of a dry run"),
        (
            {"summary": preview_xcom(images_uri="file:///nowhere/images.jsonl.gz")},
            "cannot be approved: the image list at",
        ),
    ],
)
def test_bad_input_is_an_error_before_the_approval_starts(asked: mock.Mock, kwargs: dict[str, Any], why: str) -> None:
    pushed: dict[str, Any] = {}
    with pytest.raises(ValueError, match=why):
        _ask_with(kwargs, pushed)
    assert not asked.called
    assert not pushed


def _ask_with(kwargs: dict[str, Any], pushed: dict[str, Any]) -> None:
    """Make the task and run it: constants are refused when it is made, and values of XCom when it runs."""
    task = Task(**{"summary": preview_xcom(), **kwargs})
    task.pushed = pushed
    task.operator.execute(task.context)


def test_what_others_wrote_is_never_rendered(asked: mock.Mock) -> None:
    finding = {"code": "x", "severity": "critical", "message": "{{ var.value.secret }}", "image_digests": []}
    task = Task(summary=preview_xcom(findings=[finding]))
    task.operator.render_template_fields({**task.context, "ds": "2026-11-23"})
    task.ask()
    assert "var.value.secret" in asked.call_args.kwargs["body"].replace("\\", "")


def test_the_time_of_an_answer_may_be_text(asked: mock.Mock) -> None:
    task = Task(summary=preview_xcom())
    task.ask()
    event = {"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": ADA}
    responded_at = datetime(2026, 11, 23, tzinfo=UTC)
    assert task.operator.execute_complete(task.context, {**event, "responded_at": responded_at})["responded_at"]


def test_the_response_timeout_reaches_every_release_of_the_standard_provider() -> None:
    operator: Any = Task(summary=preview_xcom(), response_timeout=timedelta(hours=12)).operator
    assert timedelta(hours=12) in (getattr(operator, "response_timeout", None), operator.execution_timeout)


@pytest.mark.usefixtures("asked")
def test_a_rejection_is_kept_although_airflow_ends_the_task_by_an_exception() -> None:
    task = Task(summary=preview_xcom(), fail_on_reject=True)
    shown = task.ask()
    with pytest.raises(Exception, match="Reject"):
        task.answer("Reject")
    kept = task.pushed["return_value"]
    assert (kept["chosen_options"], kept["digest"], kept["responded_by_user"]) == (["Reject"], "", ADA)
    assert kept["subject"] == shown["subject"]


@pytest.mark.usefixtures("asked")
def test_an_approval_says_until_when_its_previews_are_accepted() -> None:
    summary = preview_xcom()
    task = Task(summary=summary)
    task.ask()
    answered = task.answer()
    assert datetime.fromisoformat(answered["answer_by"] or "") == datetime.fromisoformat(
        summary["previewed_at"]
    ) + timedelta(days=1)


class TestLinks:
    """Whoever answers gets from the question to the files and pages that it is about."""

    def ask(
        self, asked: mock.Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: Path, map_index: int = -1
    ) -> str:
        monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__REPORTS_PATH", folder.as_uri())
        audit = Audit("weekly", NOW)
        audit.update([RepositoryOutcome("payments/api", "123456789012", "eu-west-1", "previewed", preview_xcom())])
        value = audit_xcom(audit, report_uri=f"file://{tmp_path}/audits/a.md")
        task = Task(summary=value, question_path=f"file://{tmp_path}/q.md")
        task.operator._sources = {"summary": ["group.audit"], "dry_run_result": ["plan"]}
        task.ti.map_index = map_index
        task.ti.dag_id, task.ti.run_id, task.ti.task_id = "clean", "manual__2026-01-05T06:00:00+00:00", "approve"
        task.ask()
        body: str = asked.call_args.kwargs["body"]
        return body

    def test_files_below_the_folder_that_the_api_server_opens_are_linked(
        self, asked: mock.Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = self.ask(asked, tmp_path, monkeypatch, tmp_path)
        run = "dags/clean/runs/manual__2026-01-05T06%3A00%3A00%2B00%3A00"
        assert f"](/{run}/plugin/ecr-preview-run)" in body
        assert f"[What the dry run found](/{run}/tasks/plan/plugin/ecr-preview)" in body
        assert f"[The report of the audit](/ecr-preview/{run}/tasks/group.audit/report)" in body
        assert f"[This question, as it is kept](/ecr-preview/{run}/tasks/approve/report)" in body

    def test_a_mapped_approval_links_no_task_that_may_be_mapped_or_not(
        self, asked: mock.Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = self.ask(asked, tmp_path, monkeypatch, tmp_path, map_index=2)
        assert body.count("/report") == body.count("/tasks/approve/report?map_index=2)") == 1
        assert "What the dry run found" not in body

    def test_other_files_and_turned_off_pages_are_not_linked(
        self, asked: mock.Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        body = self.ask(asked, tmp_path, monkeypatch, tmp_path / "elsewhere")
        assert "/report" not in body
        assert "/plugin/ecr-preview-run" in body
        monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__TABS", "False")
        assert "](/" not in self.ask(asked, tmp_path, monkeypatch, tmp_path)


def test_the_tasks_that_the_results_come_from_are_known_after_rendering() -> None:
    with DAG("d", schedule=None):
        audit, plan = BaseOperator(task_id="audit"), BaseOperator(task_id="plan")
        approve = EcrApproveCleanupOperator(task_id="approve", summary=audit.output, dry_run_result=plan.output)
    with mock.patch.object(ApprovalOperator, "render_template_fields"):
        approve.render_template_fields({})  # type: ignore[typeddict-item]
    assert approve._sources == {"summary": ["audit"], "dry_run_result": ["plan"]}
