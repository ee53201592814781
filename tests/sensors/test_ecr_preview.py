from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import PreviewExpires, PreviewFails
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.triggers import ecr_preview
from tests.support.contexts import RecordedTaskInstance
from tests.support.policies import keep

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 3.1
    from airflow.exceptions import AirflowRescheduleException

pytestmark = pytest.mark.usefixtures("fresh_trigger_hooks")

REPOSITORY = "payments/api"
POLICY = keep(10)
SETTINGS: dict[str, Any] = {
    "aws_conn_id": "aws_default",
    "region_name": "us-east-1",
    "verify": False,
    "botocore_config": {"read_timeout": 7},
}


@pytest.fixture
def context() -> Any:
    return {"ti": RecordedTaskInstance()}


def start(**kwargs: Any) -> dict[str, Any]:
    return dict(EcrLifecyclePolicyPreviewHook().start_preview(REPOSITORY, POLICY, **kwargs).as_xcom())


def sensor(**kwargs: Any) -> EcrLifecyclePolicyPreviewSensor:
    return EcrLifecyclePolicyPreviewSensor(
        **{"task_id": "wait", "repository_name": REPOSITORY, "poke_interval": 0.05, "deferrable": False, **kwargs}
    )


def deferred_by(task: EcrLifecyclePolicyPreviewSensor, context: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        task.execute(context)
    return raised.value


async def resumed(task: EcrLifecyclePolicyPreviewSensor, deferred: TaskDeferred, context: Any) -> Any:
    """Return what the task ends with, once the trigger has fired; resumed as Airflow does, without the task's past."""
    event = (await anext(aiter(deferred.trigger.run()))).payload
    return task.resume_execution(deferred.method_name, {"event": json.loads(json.dumps(event))}, context)


class TestPoke:
    @pytest.mark.parametrize("seconds", [0.0, 0.2])
    def test_it_waits_until_the_preview_is_complete(self, repository: LocalEcr, context: Any, seconds: float) -> None:
        repository.preview_seconds = seconds
        started = start()
        waited = sensor(policy_fingerprint=started["policy_fingerprint"]).execute(context)
        assert waited == {**started, "status": "COMPLETE"}

    def test_it_ends_at_its_timeout(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start()
        with pytest.raises(AirflowSensorTimeout):
            sensor(timeout=0.1).execute(context)

    def test_it_pushes_the_link_also_while_it_waits(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start()
        assert not sensor().poke(context)
        assert context["ti"].pushed["ecr_repository"]["repository_name"] == REPOSITORY

    def test_it_pushes_nothing_when_it_must_not(self, repository: LocalEcr, context: Any) -> None:
        start()
        sensor(do_xcom_push=False).execute(context)
        assert context["ti"].pushed == {}

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            pytest.param(PreviewFails(), exceptions.PreviewFailedError, id="failed"),
            pytest.param(PreviewExpires(), exceptions.PreviewExpiredError, id="expired"),
        ],
    )
    def test_a_preview_that_ends_without_being_complete_is_an_error(
        self, repository: LocalEcr, context: Any, fault: Any, error: type[Exception]
    ) -> None:
        repository.inject(fault)
        start()
        with pytest.raises(error, match=REPOSITORY):
            sensor().execute(context)

    def test_a_preview_that_was_not_started_is_an_error(self, repository: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.PreviewNotFoundError):
            sensor().execute(context)

    def test_a_preview_of_another_policy_is_an_error(self, repository: LocalEcr, context: Any) -> None:
        start()
        with pytest.raises(exceptions.PreviewReplacedError):
            sensor(policy_fingerprint="0" * 64).execute(context)

    def test_it_looks_at_the_registry_and_the_region_that_it_is_given(self, local_ecr: LocalEcr, context: Any) -> None:
        where = {"region_name": "eu-west-1", "account_id": "210987654321"}
        local_ecr.create_repository(REPOSITORY, **where)
        EcrLifecyclePolicyPreviewHook(region_name="eu-west-1").start_preview(
            REPOSITORY, POLICY, registry_id="210987654321"
        )
        local_ecr.calls.clear()
        waited = sensor(region_name="eu-west-1", registry_id="210987654321").execute(context)
        assert (waited["registry_id"], waited["region_name"]) == ("210987654321", "eu-west-1")
        [call] = local_ecr.calls
        assert (call.region, call.parameters["registryId"]) == ("eu-west-1", "210987654321")


class TestReschedule:
    def test_it_frees_the_worker_until_the_next_look(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start()
        with pytest.raises(AirflowRescheduleException) as raised:
            sensor(mode="reschedule", poke_interval=60).execute(context)
        assert timedelta(seconds=50) < raised.value.reschedule_date - datetime.now(UTC) <= timedelta(seconds=60)

    def test_its_timeout_counts_from_the_first_look(self, repository: LocalEcr) -> None:
        repository.preview_seconds = 30
        start()
        context: Any = {"ti": RecordedTaskInstance(first_reschedule_date=datetime.now(UTC) - timedelta(seconds=100))}
        with pytest.raises(AirflowRescheduleException):
            sensor(mode="reschedule", timeout=200).execute(context)
        with pytest.raises(AirflowSensorTimeout):
            sensor(mode="reschedule", timeout=90).execute(context)

    def test_it_ends_with_the_preview(self, repository: LocalEcr, context: Any) -> None:
        start()
        assert sensor(mode="reschedule").execute(context)["status"] == "COMPLETE"


class TestDeferrable:
    def test_a_preview_that_is_complete_needs_no_trigger(self, repository: LocalEcr, context: Any) -> None:
        started = start()
        waited = sensor(deferrable=True).execute(context)
        assert waited == {**started, "status": "COMPLETE"}

    def test_the_trigger_gets_every_setting(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        started = start()
        arguments = {
            "registry_id": started["registry_id"],
            "policy_fingerprint": started["policy_fingerprint"],
            **SETTINGS,
        }
        task = sensor(deferrable=True, timeout=600, poke_interval=7, **arguments)
        before = time.time()
        given = deferred_by(task, context).trigger.serialize()[1]
        assert {name: given[name] for name in arguments} == arguments
        assert (given["repository_name"], given["poll_interval"], given["until_complete"]) == (REPOSITORY, 7, True)
        assert before + 600 <= given["deadline"] <= time.time() + 600

    def test_the_trigger_looks_in_the_region_of_the_worker_where_its_own_has_another_default(
        self, repository: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = json.loads(repository.connection)
        del connection["extra"]["region_name"]
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        repository.preview_seconds = 30
        start()
        deferred = deferred_by(sensor(deferrable=True), context)
        assert deferred.trigger.serialize()[1]["region_name"] == "us-east-1"

    def test_airflow_ends_the_wait_where_no_triggerer_does(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start()
        task = sensor(deferrable=True, timeout=600)
        timeout = deferred_by(task, context).timeout
        assert timedelta(seconds=600) < timeout <= timedelta(seconds=600) + ecr_preview.GRACE
        with pytest.raises(AirflowSensorTimeout):
            task.resume_execution("__fail__", {"error": "Trigger timeout"}, context)

    @pytest.mark.asyncio
    async def test_another_instance_of_the_task_ends_with_the_preview(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        started = start()
        arguments = {"deferrable": True, "policy_fingerprint": started["policy_fingerprint"]}
        deferred = deferred_by(sensor(**arguments), context)
        repository.advance(seconds=30)
        assert await resumed(sensor(**arguments), deferred, context) == {**started, "status": "COMPLETE"}

    @pytest.mark.asyncio
    async def test_it_ends_at_its_timeout_as_every_sensor(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start()
        task = sensor(deferrable=True, timeout=0.2)
        deferred = deferred_by(task, context)
        with pytest.raises(AirflowSensorTimeout, match=rf"{REPOSITORY} \(us-east-1\): .*longer timeout"):
            await resumed(task, deferred, context)

    @pytest.mark.asyncio
    async def test_an_error_in_the_triggerer_is_the_error_of_the_task(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        repository.inject(PreviewFails())
        start()
        task = sensor(deferrable=True)
        deferred = deferred_by(task, context)
        repository.advance(seconds=30)
        with pytest.raises(exceptions.PreviewFailedError, match=rf"{REPOSITORY} \(.*us-east-1\)"):
            await resumed(task, deferred, context)


class TestSkipping:
    """What a task skips is what Airflow's base class skips, whether it pokes or defers."""

    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.parametrize("skip", ["soft_fail", "never_fail"])
    @pytest.mark.asyncio
    async def test_both_skip_at_the_timeout(
        self, repository: LocalEcr, context: Any, skip: str, deferrable: bool
    ) -> None:
        repository.preview_seconds = 30
        start()
        task = sensor(timeout=0.1, deferrable=deferrable, **{skip: True})
        # What Airflow's base class does with never_fail while it pokes is to fail at the timeout all the same.
        expected = AirflowSensorTimeout if skip == "never_fail" and not deferrable else AirflowSkipException
        with pytest.raises(expected):
            await self._run(task, context)

    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.parametrize("skip", ["soft_fail", "never_fail"])
    @pytest.mark.parametrize("seconds", [0.0, 30.0])
    @pytest.mark.asyncio
    async def test_an_error_of_the_preview_is_skipped_by_never_fail_only(
        self, repository: LocalEcr, context: Any, skip: str, deferrable: bool, seconds: float
    ) -> None:
        repository.preview_seconds = seconds
        repository.inject(PreviewFails())
        start()
        task = sensor(deferrable=deferrable, **{skip: True})
        threading.Timer(0.2, repository.advance, kwargs={"seconds": seconds}).start()
        with pytest.raises(AirflowSkipException if skip == "never_fail" else exceptions.PreviewFailedError):
            await self._run(task, context)

    @pytest.mark.parametrize("skip", ["soft_fail", "never_fail"])
    def test_both_skip_when_airflow_ended_the_wait(self, context: Any, skip: str) -> None:
        task = sensor(deferrable=True, **{skip: True})
        with pytest.raises(AirflowSkipException):
            task.resume_execution("__fail__", {"error": "Trigger timeout"}, context)

    @staticmethod
    async def _run(task: EcrLifecyclePolicyPreviewSensor, context: Any) -> Any:
        try:
            return task.execute(context)
        except TaskDeferred as deferred:
            return await resumed(task, deferred, context)


class TestArguments:
    @pytest.mark.parametrize("name", ["timeout", "poke_interval"])
    def test_a_negative_time_is_refused(self, name: str) -> None:
        # Airflow 3.1 raises an exception of its own.
        with pytest.raises((ValueError, AirflowException), match=f"`{name}` must be"):
            sensor(**{name: -1})

    def test_times_may_be_timedeltas(self) -> None:
        task = sensor(timeout=timedelta(minutes=2), poke_interval=timedelta(seconds=3))
        assert (task.timeout, task.poke_interval) == (120, 3)

    def test_the_templated_fields_are_rendered(self) -> None:
        task = sensor(
            repository_name="{{ team }}/api",
            policy_fingerprint="{{ started['policy_fingerprint'] }}",
            registry_id="{{ account }}",
            region_name="{{ region }}",
            aws_conn_id="aws_{{ team }}",
            verify="/etc/{{ team }}.pem",
        )
        task.render_template_fields(
            {  # type: ignore[arg-type]  # a context of ours, with what the templates name
                "team": "payments",
                "started": {"policy_fingerprint": "f" * 64},
                "account": "210987654321",
                "region": "eu-west-1",
            }
        )
        assert [getattr(task, field) for field in sorted(task.template_fields)] == [
            "aws_payments",
            600.0,
            "f" * 64,
            "eu-west-1",
            "210987654321",
            "payments/api",
            "/etc/payments.pem",
        ]

    @pytest.mark.parametrize("name", ["Payments/API", "payments/", "payments api", ""])
    def test_an_invalid_repository_name_calls_nothing(self, local_ecr: LocalEcr, context: Any, name: str) -> None:
        task = sensor()
        task.repository_name = name  # as a template renders it
        with pytest.raises(exceptions.InvalidRequestError, match=r"us-east-1.*not a repository name"):
            task.execute(context)
        assert len(local_ecr.calls) == 0


DEFAULTS = """
from airflow_provider_ecr_preview.operators.ecr_preview import EcrStartLifecyclePolicyPreviewOperator as Start
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor as Sensor
print("DEFERRABLE", *(Class(task_id="x", repository_name="a/b").deferrable for Class in (Start, Sensor)))
"""


@pytest.mark.parametrize("default", [True, False])
def test_airflows_default_deferrable_decides_unless_the_task_does(default: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEFAULTS],
        env={
            **os.environ,
            "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": str(default),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert f"DEFERRABLE {default} {default}" in done.stdout, done.stderr
