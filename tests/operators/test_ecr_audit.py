from __future__ import annotations

import json
import logging
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk.bases.operator import TRIGGER_FAIL_REPR, TriggerFailureReason

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.xcom.audit import MAX_AUDIT_BYTES
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_KEY
from airflow_provider_ecr_preview.engine.fleet.run import PreviewFleet
from airflow_provider_ecr_preview.local import LocalEcr, PreviewFails, Refused
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.reports.storage import _part_prefix
from airflow_provider_ecr_preview.triggers.ecr_audit import EcrLifecyclePolicyPreviewsTrigger
from airflow_provider_ecr_preview.triggers.ecr_preview import GRACE
from tests.support.contexts import TaskStateStore, audit_context, pushed_by
from tests.support.policies import keep

NAMES = [f"team/service-{number:02}" for number in range(12)]


SETTINGS: dict[str, Any] = {
    "aws_conn_id": "aws_default",
    "region_name": "us-east-1",
    "verify": False,
    "botocore_config": {"read_timeout": 7},
}


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    for number, name in enumerate(NAMES):
        local_ecr.create_repository(name, policy=keep(10) if number else None)
        local_ecr.push_many(name, 11 + number)
    local_ecr.calls.clear()
    return local_ecr


def audit(**kwargs: Any) -> EcrAuditLifecyclePoliciesOperator:
    return EcrAuditLifecyclePoliciesOperator(
        **{"task_id": "audit", "repository_names": NAMES, "audit_id": "weekly", **kwargs}
    )


async def event_of(deferred: pytest.ExceptionInfo[TaskDeferred]) -> dict[str, Any]:
    class_path, kwargs = deferred.value.trigger.serialize()
    assert class_path == "airflow_provider_ecr_preview.triggers.ecr_audit.EcrLifecyclePolicyPreviewsTrigger"
    again = EcrLifecyclePolicyPreviewsTrigger(**json.loads(json.dumps(kwargs)))
    return json.loads(json.dumps((await anext(aiter(again.run()))).payload))


def test_the_applied_policies_are_audited_with_two_preview_calls_each(registry: LocalEcr) -> None:
    value = audit().execute(audit_context())
    assert json.loads(json.dumps(value)) == value
    assert len(json.dumps(value)) <= MAX_AUDIT_BYTES
    assert (value["repository_count"], value["previewed_count"], value["without_policy_count"]) == (12, 11, 1)
    assert value["expiring_image_count"] == sum(range(2, 13))
    assert value["without_policy"][0]["repository_name"] == NAMES[0]
    assert value["top"][0]["repository_name"] == NAMES[-1]
    assert (value["audit_id"], value["audited_at"]) == ("weekly", "2026-01-01T00:00:00+00:00")
    assert registry.calls.operations["StartLifecyclePolicyPreview"] == 12
    assert registry.calls.operations["GetLifecyclePolicyPreview"] == 11


def test_one_candidate_and_candidates_by_glob_are_previewed(registry: LocalEcr) -> None:
    value = audit(
        repository_names="team/service-00, team/service-01,team/service-02",
        lifecycle_policy_text=keep(5),
        lifecycle_policies={"*-00": keep(1), "*-01": None},
    ).execute(audit_context())
    summaries = {summary["repository_name"]: summary["expiring_image_count"] for summary in value["summaries"] or []}
    assert summaries == {NAMES[0]: 10, NAMES[1]: 2, NAMES[2]: 8}


def test_a_policy_that_ecr_would_refuse_is_an_error_before_anything_is_started(registry: LocalEcr) -> None:
    with pytest.raises(exceptions.InvalidLifecyclePolicyError, match=r"rule 1: the policy of 'web/\*'"):
        audit(lifecycle_policies={"web/*": keep(0)}).execute(audit_context())
    assert not len(registry.calls)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"fail_on": "some"}, "fail_on is 'some'"),
        ({"fail_on": 2}, "fail_on is 2"),
        ({"fail_on": True}, "fail_on is True"),
        ({"repository_names": "a/b,a/b"}, "has a/b more than once"),
        ({"lifecycle_policies": "[]"}, "lifecycle_policies is a list"),
    ],
)
def test_an_invalid_parameter_is_an_error_before_any_call(
    registry: LocalEcr, arguments: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        audit(**arguments).execute(audit_context())
    assert not len(registry.calls)


def test_no_repository_is_an_empty_audit_and_a_warning_if_that_is_allowed(
    registry: LocalEcr, capsys: pytest.CaptureFixture[str]
) -> None:
    value = audit(repository_names=[], on_no_repositories="warn").execute(audit_context())
    assert value["repository_count"] == 0
    assert "no repository to audit" in capsys.readouterr().out


def test_no_repository_is_an_error_before_any_call(registry: LocalEcr) -> None:
    of = audit_context()
    with pytest.raises(exceptions.NoRepositoriesError, match="no repository to audit"):
        audit(repository_names=[]).execute(of)
    with pytest.raises(exceptions.NoRepositoriesError, match="set on_no_repositories='warn'"):
        audit(repository_names=[], on_no_repositories=None).execute(of)
    with pytest.raises(ValueError, match="on_no_repositories"):
        audit(on_no_repositories="skip").execute(of)
    assert not len(registry.calls)


def test_the_marker_has_the_headline_counts(registry: LocalEcr) -> None:
    of = audit_context()
    value = audit().execute(of)
    marker = pushed_by(of)[MARKER_KEY]
    assert marker["kind"] == "audit"
    assert marker["counts"]["expiring_image_count"] == value["expiring_image_count"]


def test_a_failed_repository_is_recorded_and_does_not_stop_the_others(registry: LocalEcr) -> None:
    registry.deny("ecr:StartLifecyclePolicyPreview", NAMES[3])
    value = audit(fail_on="none").execute(audit_context())
    assert (value["failed_count"], value["previewed_count"]) == (1, 10)
    assert value["errors"] == {"AccessDeniedError": 1}
    assert "may not ecr:StartLifecyclePolicyPreview" in (value["failures"][0]["message"] or "")


@pytest.mark.parametrize(
    ("failing", "fail_on", "fails"),
    [
        (1, "any", True),
        (1, "all", False),
        (12, "all", True),
        (12, "none", False),
        (1, 0.05, True),
        (1, 0.5, False),
        (0, 0.0, False),
        (0, "any", False),
    ],
)
def test_fail_on_decides_about_the_end_of_the_task_and_the_audit_is_pushed_all_the_same(
    registry: LocalEcr, failing: int, fail_on: Any, fails: bool
) -> None:
    for name in NAMES[:failing]:
        registry.inject(Refused("RepositoryNotFoundException"), "StartLifecyclePolicyPreview", name)
    of = audit_context()
    task = audit(fail_on=fail_on)
    if not fails:
        assert task.execute(of)["failed_count"] == failing
        return
    with pytest.raises(exceptions.AuditFailedError, match=f"{failing} of 12 repositories.*RepositoryNotFoundError"):
        task.execute(of)
    assert pushed_by(of)["return_value"]["failed_count"] == failing


def test_progress_is_logged_at_a_steady_interval(registry: LocalEcr, capsys: pytest.CaptureFixture[str]) -> None:
    registry.preview_seconds = 1.0
    audit(progress_interval=0.2).execute(audit_context())
    assert capsys.readouterr().out.count("of 12 repositories done") >= 3


def test_the_log_has_the_table_of_the_audit(registry: LocalEcr, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        audit().execute(audit_context())
    assert "Without a lifecycle policy: team/service-00" in caplog.text


def kill_once_read(task: EcrAuditLifecyclePoliciesOperator, registry: LocalEcr, count: int) -> None:
    """Kill a task once all previews are started and this number of them is being read."""

    def kill() -> None:
        while registry.calls.count("DescribeImages") < count or registry.calls.count(
            "StartLifecyclePolicyPreview"
        ) < len(NAMES):
            time.sleep(0.02)
        task.on_kill()

    threading.Thread(target=kill, daemon=True).start()


def test_a_task_that_is_killed_ends_soon_and_keeps_what_is_done(registry: LocalEcr) -> None:
    # Were the last preview waited for, the test would take an hour.
    registry.preview_seconds = lambda name: 3600.0 if name == NAMES[-1] else 0.0
    store = TaskStateStore()
    task = audit()
    kill_once_read(task, registry, 10)
    with pytest.raises(exceptions.AuditStoppedError, match=r"after \d+ of 12"):
        task.execute(audit_context(store=store))
    assert store.values


def test_a_retry_continues_where_an_attempt_stopped(registry: LocalEcr, capsys: pytest.CaptureFixture[str]) -> None:
    registry.preview_seconds = lambda name: 0.0 if name < NAMES[6] else 60.0
    store, task = TaskStateStore(), audit()
    kill_once_read(task, registry, 5)
    with pytest.raises(exceptions.AuditStoppedError):
        task.execute(audit_context(store=store))
    registry.clock.advance(timedelta(seconds=60))
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12
    value = audit().execute(audit_context(store=store, try_number=2))
    taken_up = re.search(
        r"Continuing an earlier attempt: (\d+) \w+ done, (\d+) previews? started, as read from Airflow's task state store.",
        capsys.readouterr().out,
    )
    assert taken_up is not None
    assert int(taken_up[1]) >= 1
    assert int(taken_up[1]) + int(taken_up[2]) == 12
    assert (value["repository_count"], value["expiring_image_count"]) == (12, sum(range(2, 13)))
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12
    assert not store.values


def test_a_retry_previews_only_what_failed(registry: LocalEcr) -> None:
    registry.inject(PreviewFails(), repository=NAMES[4])
    store = TaskStateStore()
    with pytest.raises(exceptions.AuditFailedError):
        audit().execute(audit_context(store=store))
    registry.calls.clear()
    value = audit().execute(audit_context(store=store, try_number=2))
    assert (value["repository_count"], value["failed_count"]) == (12, 0)
    assert {call.repository for call in registry.calls if call.operation != "DescribeRegistry"} == {NAMES[4]}


def test_a_retry_with_another_policy_begins_anew(registry: LocalEcr) -> None:
    store = TaskStateStore()
    registry.deny("ecr:StartLifecyclePolicyPreview", NAMES[4])
    with pytest.raises(exceptions.AuditFailedError):
        audit(lifecycle_policy_text=keep(3)).execute(audit_context(store=store))
    value = audit(lifecycle_policy_text=keep(9), fail_on="none").execute(audit_context(store=store, try_number=2))
    assert value["expiring_image_count"] == sum(range(2, 14)) - 6


def test_the_progress_of_an_earlier_run_is_not_used(registry: LocalEcr) -> None:
    store = TaskStateStore()
    registry.deny("ecr:StartLifecyclePolicyPreview", NAMES[4])
    with pytest.raises(exceptions.AuditFailedError):
        audit().execute(audit_context(store=store))
    later = audit_context(store=store, run_id="later")
    later["dag_run"].start_date = datetime.now(UTC)
    registry.calls.clear()
    audit(fail_on="none").execute(later)
    assert registry.calls.count("GetLifecyclePolicyPreview") == 10


@pytest.mark.parametrize("cleared", ["run", "task"])
def test_after_a_clear_successes_are_used_again_and_everything_else_is_audited(
    registry: LocalEcr, cleared: str
) -> None:
    store = TaskStateStore()
    denial = registry.deny("ecr:StartLifecyclePolicyPreview", NAMES[4])
    with pytest.raises(exceptions.AuditFailedError):
        audit().execute(audit_context(store=store))
    denial.remove()
    registry.client().put_lifecycle_policy(repositoryName=NAMES[0], lifecyclePolicyText=json.dumps(keep(10)))
    again = audit_context(store=store, try_number=2, max_tries=5 if cleared == "task" else 2)
    if cleared == "run":
        again["dag_run"].start_date = datetime.now(UTC)
    registry.calls.clear()
    value = audit().execute(again)
    assert (value["failed_count"], value["without_policy_count"]) == (0, 0)
    assert {call.repository for call in registry.calls if call.repository} == {NAMES[0], NAMES[4]}
    assert value["audited_at"].startswith("2026-01-01"), "the time of the first attempt"


def test_the_next_attempt_removes_what_a_killed_one_left_half_written(registry: LocalEcr, tmp_path: Path) -> None:
    path = f"file://{tmp_path}"
    registry.deny("ecr:StartLifecyclePolicyPreview", NAMES[4])
    with pytest.raises(exceptions.AuditFailedError):
        audit(reports_path=path, audit_id="weekly").execute(audit_context())
    [folder, *_] = [file.parent for file in tmp_path.rglob("images.jsonl.gz")]
    [kept, *_] = [file.parent for file in tmp_path.rglob("outcomes/**/*.jsonl")]
    of_another = folder.parent / "repository_name=another"
    of_another.mkdir()
    for place in (folder, kept, of_another):
        (place / f".{'0' * 32}.part").write_bytes(b"half")
    audit(reports_path=path, audit_id="weekly", fail_on="none").execute(audit_context(try_number=2))
    assert [file.parent for file in tmp_path.rglob("*.part")] == [of_another]
    assert not list((tmp_path / "outcomes").iterdir())


def test_the_next_attempt_removes_half_written_tables_and_reports_of_its_own_part(
    registry: LocalEcr, tmp_path: Path
) -> None:
    path = f"file://{tmp_path}"
    audit(reports_path=path, audit_id="weekly").execute(audit_context())
    files = [*tmp_path.rglob("*.csv"), *tmp_path.rglob("*.md")]
    assert {file.suffix for file in files} == {".csv", ".md"}
    for file in files:
        (file.parent / f".{_part_prefix(file.name)}0123456789abcdef.part").write_bytes(b"half")
        (file.parent / f".{_part_prefix('another')}0123456789abcdef.part").write_bytes(b"half")
    audit(reports_path=path, audit_id="weekly").execute(audit_context(try_number=2))
    left = [file.name for file in tmp_path.rglob("*.part")]
    assert left == [f".{_part_prefix('another')}0123456789abcdef.part"] * len(files)


@pytest.mark.parametrize(("age", "started"), [(timedelta(0), len(NAMES)), ("unlimited", 2)])
def test_max_preview_age_bounds_what_is_used_again_after_a_clear(registry: LocalEcr, age: Any, started: int) -> None:
    store = TaskStateStore()
    denial = registry.deny("ecr:StartLifecyclePolicyPreview", NAMES[4])
    with pytest.raises(exceptions.AuditFailedError):
        audit().execute(audit_context(store=store))
    denial.remove()
    registry.calls.clear()
    audit(max_preview_age=age).execute(audit_context(store=store, try_number=2, max_tries=5))
    assert registry.calls.count("StartLifecyclePolicyPreview") == started


def test_clearing_an_audit_that_succeeded_starts_over(registry: LocalEcr) -> None:
    store = TaskStateStore()
    audit().execute(audit_context(store=store))
    registry.calls.clear()
    audit().execute(audit_context(store=store, try_number=2, max_tries=5))
    assert registry.calls.count("StartLifecyclePolicyPreview") == len(NAMES)


def test_all_parts_of_a_run_that_is_dated_have_the_time_at_which_the_first_began(registry: LocalEcr) -> None:
    dated = datetime(2027, 1, 1, tzinfo=UTC)
    times = set()
    for map_index in (0, 1):
        of = audit_context(map_index=map_index, run_id="dated")
        of["dag_run"] = mock.Mock(spec=["start_date", "logical_date"], start_date=dated, logical_date=dated)
        times.add(audit(repository_names=[NAMES[map_index]]).execute(of)["audited_at"])
    assert len(times) == 1


def test_an_audit_of_a_run_that_is_dated_in_the_future_has_the_time_at_which_it_ran(registry: LocalEcr) -> None:
    future = audit_context()
    future["dag_run"].start_date = datetime.now(UTC) + timedelta(days=400)
    assert datetime.fromisoformat(audit().execute(future)["audited_at"]) <= datetime.now(UTC)


@pytest.mark.parametrize(("given", "seconds"), [({}, 600.0), ({"outage_timeout": "30"}, 30.0)])
def test_the_fleet_waits_for_the_end_of_an_outage_as_long_as_the_audit_says(
    registry: LocalEcr, given: dict[str, Any], seconds: float
) -> None:
    with mock.patch(
        "airflow_provider_ecr_preview.operators._audit_run.PreviewFleet", side_effect=PreviewFleet
    ) as fleet:
        audit(**given).execute(audit_context())
    assert fleet.call_args.kwargs["outage_timeout"] == seconds


@pytest.mark.parametrize("date", ["logical_date", "run_after"])
@pytest.mark.parametrize("days", [-400, 400])
def test_an_audit_of_a_test_run_has_the_time_at_which_it_ran(registry: LocalEcr, date: str, days: int) -> None:
    began, dated = datetime.now(UTC), datetime.now(UTC) + timedelta(days=days)
    of = audit_context()
    of["dag_run"] = mock.Mock(spec=["start_date", date], start_date=dated, **{date: dated})
    assert began <= datetime.fromisoformat(audit().execute(of)["audited_at"]) <= datetime.now(UTC)


def test_a_retry_of_a_run_without_a_start_continues(registry: LocalEcr) -> None:
    registry.inject(PreviewFails(), repository=NAMES[4])
    first, second = audit_context(store=(store := TaskStateStore())), audit_context(store=store, try_number=2)
    first["dag_run"].start_date = second["dag_run"].start_date = None
    with pytest.raises(exceptions.AuditFailedError):
        audit().execute(first)
    registry.calls.clear()
    audit().execute(second)
    assert {call.repository for call in registry.calls if call.operation != "DescribeRegistry"} == {NAMES[4]}


def test_a_retry_without_kept_progress_logs_why(registry: LocalEcr, capsys: pytest.CaptureFixture[str]) -> None:
    audit().execute(audit_context(try_number=2))
    assert (
        "Starting again from the beginning: earlier attempts could not keep their progress" in capsys.readouterr().out
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("with_store", [True, False])
async def test_a_deferred_audit_keeps_its_settings_and_starts_every_preview_once(
    registry: LocalEcr, with_store: bool
) -> None:
    registry.preview_seconds = 0.6
    store = TaskStateStore() if with_store else None
    arguments = {"deferrable": True, "poll_interval": 0.2, "repository_timeout": 60.0, **SETTINGS}
    with pytest.raises(TaskDeferred) as deferred:
        audit(**arguments).execute(audit_context(store=store))
    kwargs = deferred.value.trigger.serialize()[1]
    assert {name: kwargs[name] for name in SETTINGS} == SETTINGS
    assert time.time() < kwargs["deadline"] <= time.time() + 60
    event = await event_of(deferred)
    value = getattr(audit(**arguments), deferred.value.method_name)(audit_context(store=store), event)
    assert (value["repository_count"], value["expiring_image_count"]) == (12, sum(range(2, 13)))
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12


@pytest.mark.asyncio
async def test_more_than_may_be_in_flight_is_deferred_wave_after_wave(registry: LocalEcr) -> None:
    store = TaskStateStore()
    arguments = {"deferrable": True, "poll_interval": 0.1, "max_in_flight": 5}
    with pytest.raises(TaskDeferred) as deferred:
        audit(**arguments).execute(audit_context(store=store))
    waves = 1
    while True:
        event = await event_of(deferred)
        try:
            value = audit(**arguments).execute_complete(audit_context(store=store), event)  # type: ignore[arg-type]  # the event as JSON
            break
        except TaskDeferred as again:
            waves += 1
            deferred = mock.Mock(value=again)
    assert waves == 3
    assert (value["repository_count"], value["failed_count"]) == (12, 0)
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12


def test_the_triggerer_calls_the_region_that_the_worker_resolved(
    registry: LocalEcr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(TaskDeferred) as deferred:
        audit(deferrable=True, aws_conn_id=None).execute(audit_context())
    assert deferred.value.trigger.serialize()[1]["region_name"] == "us-east-1"


@pytest.mark.asyncio
@pytest.mark.parametrize("with_store", [True, False])
async def test_a_deferred_audit_of_a_run_without_a_start_ends_as_well(registry: LocalEcr, with_store: bool) -> None:
    of = audit_context(store=TaskStateStore() if with_store else None)
    of["dag_run"].start_date = None
    with pytest.raises(TaskDeferred) as deferred:
        audit(deferrable=True).execute(of)
    value = audit(deferrable=True).execute_complete(of, await event_of(deferred))
    assert (value["repository_count"], value["failed_count"]) == (12, 0)
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12


def test_airflow_ends_the_wait_when_no_triggerer_does(registry: LocalEcr) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        audit(deferrable=True, timeout=100.0).execute(audit_context())
    assert deferred.value.timeout is not None
    assert timedelta(seconds=90) < deferred.value.timeout - GRACE <= timedelta(seconds=100)


def resumed(task: EcrAuditLifecyclePoliciesOperator, of: Any) -> Any:
    """Resume a task as Airflow does when the time of its wait is over."""
    of["ti"].start_date = datetime.now(UTC) - timedelta(hours=1)
    return task.resume_execution(TRIGGER_FAIL_REPR, {"error": TriggerFailureReason.TRIGGER_TIMEOUT}, of)


def test_what_was_started_is_read_on_the_worker_after_a_wait_that_no_triggerer_ended(
    registry: LocalEcr, capsys: pytest.CaptureFixture[str]
) -> None:
    store = TaskStateStore()
    with pytest.raises(TaskDeferred):
        audit(deferrable=True).execute(audit_context(store=store))
    value = resumed(audit(deferrable=True), audit_context(store=store))
    assert (value["repository_count"], value["failed_count"]) == (12, 0)
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12
    assert "No triggerer ended the deferral" in capsys.readouterr().out


def test_an_audit_whose_time_is_over_when_no_triggerer_ended_the_wait_says_what_is_missing(registry: LocalEcr) -> None:
    registry.preview_seconds = 3600
    store, of = TaskStateStore(), audit_context()
    with pytest.raises(TaskDeferred):
        audit(deferrable=True, timeout=60.0).execute(audit_context(store=store))
    of["task_state_store"] = store
    with pytest.raises(exceptions.AuditFailedError, match="11 of 12"):
        resumed(audit(deferrable=True, timeout=60.0), of)
    assert pushed_by(of)["return_value"]["failed_count"] == 11


def test_a_deferral_that_no_triggerer_ended_fails_if_the_progress_was_not_kept(
    registry: LocalEcr, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TaskDeferred):
        audit(deferrable=True).execute(audit_context())
    with pytest.raises(Exception, match=r"(?i)timeout"):
        resumed(audit(deferrable=True), audit_context())
    assert "Check that a triggerer is running" in capsys.readouterr().out


def test_the_worker_waits_if_the_record_is_too_large_for_the_triggerer(registry: LocalEcr) -> None:
    with mock.patch("airflow_provider_ecr_preview.operators._audit_run.MAX_CARRIED_CHARACTERS", 10):
        assert audit(deferrable=True).execute(audit_context())["repository_count"] == 12
    assert registry.calls.count("StartLifecyclePolicyPreview") == 12


@pytest.mark.asyncio
async def test_the_trigger_ends_at_its_deadline_and_with_previews_that_cannot_be_seen(registry: LocalEcr) -> None:
    registry.preview_seconds = 3600
    with pytest.raises(TaskDeferred) as deferred:
        audit(deferrable=True, poll_interval=0.1, timeout=600, fail_on="none").execute(audit_context())
    deferred.value.trigger.deadline = time.time() + 0.5
    event = await event_of(deferred)
    value = audit(timeout=0.0, fail_on="none").execute_complete(audit_context(), event)  # type: ignore[arg-type]  # as above
    assert value["errors"] == {"PreviewTimeoutError": 11}
    gone = EcrLifecyclePolicyPreviewsTrigger(
        repository_names=["team/gone"], deadline=time.time() + 60, poll_interval=0.05
    )
    assert (await anext(aiter(gone.run()))).payload["seconds_waited"] < 60


def test_every_template_field_is_an_attribute() -> None:
    task = audit()
    assert all(hasattr(task, field) for field in task.template_fields)
