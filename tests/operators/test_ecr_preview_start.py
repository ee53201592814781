from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, TaskDeferred
from airflow.sdk import DAG

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.xcom.preview import StartedPreviewXCom
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import LostReply, PreviewExpires, PreviewFails
from airflow_provider_ecr_preview.operators.ecr_preview import EcrStartLifecyclePolicyPreviewOperator
from airflow_provider_ecr_preview.triggers import ecr_preview
from tests.support.contexts import RecordedTaskInstance
from tests.support.policies import keep

pytestmark = pytest.mark.usefixtures("fresh_trigger_hooks")

REPOSITORY = "payments/api"
SETTINGS: dict[str, Any] = {
    "aws_conn_id": "aws_default",
    "region_name": "us-east-1",
    "verify": False,
    "botocore_config": {"read_timeout": 7},
}


@pytest.fixture
def context() -> Any:
    return {"ti": RecordedTaskInstance()}


def start(**kwargs: Any) -> EcrStartLifecyclePolicyPreviewOperator:
    return EcrStartLifecyclePolicyPreviewOperator(
        **{
            "task_id": "start",
            "repository_name": REPOSITORY,
            "lifecycle_policy_text": keep(10),
            "poll_interval": 0.05,
            "deferrable": False,
            **kwargs,
        }
    )


def deferred_by(task: EcrStartLifecyclePolicyPreviewOperator, context: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as raised:
        task.execute(context)
    return raised.value


async def resumed(task: EcrStartLifecyclePolicyPreviewOperator, deferred: TaskDeferred, context: Any) -> Any:
    """Return what the task ends with once the trigger has fired, as Airflow resumes it."""
    event = (await anext(aiter(deferred.trigger.run()))).payload
    return task.resume_execution(deferred.method_name, {"event": json.loads(json.dumps(event))}, context)


class TestStart:
    def test_it_returns_what_the_tasks_downstream_check(self, repository: LocalEcr, context: Any) -> None:
        started = start().execute(context)
        assert set(started) == set(StartedPreviewXCom.__annotations__)
        assert all(type(value) is str for value in started.values())
        assert (started["registry_id"], started["region_name"], started["repository_name"], started["status"]) == (
            "123456789012",
            "us-east-1",
            REPOSITORY,
            "IN_PROGRESS",
        )
        assert len(started["policy_fingerprint"]) == 64

    def test_it_costs_one_call(self, repository: LocalEcr, context: Any) -> None:
        start().execute(context)
        assert repository.calls.operations == {"StartLifecyclePolicyPreview": 1}

    def test_a_retry_uses_the_running_preview_of_the_same_policy(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        assert start().execute(context) == start(timeout=0).execute(context)

    def test_a_start_whose_reply_was_lost_is_ours(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        repository.inject(LostReply(), "StartLifecyclePolicyPreview")
        assert start(timeout=0).execute(context)["status"] == "IN_PROGRESS"

    def test_it_calls_the_given_registry_in_the_given_region(self, local_ecr: LocalEcr, context: Any) -> None:
        local_ecr.create_repository(REPOSITORY, region_name="eu-west-1", account_id="210987654321")
        started = start(registry_id="210987654321", region_name="eu-west-1").execute(context)
        assert (started["registry_id"], started["region_name"]) == ("210987654321", "eu-west-1")
        [call] = local_ecr.calls
        assert (call.region, call.parameters["registryId"]) == ("eu-west-1", "210987654321")

    def test_the_region_may_be_the_one_of_another_connection(
        self, local_ecr: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = json.loads(local_ecr.connection)
        connection["extra"]["region_name"] = "ap-south-1"
        monkeypatch.setenv("AIRFLOW_CONN_AWS_MUMBAI", json.dumps(connection))
        local_ecr.create_repository(REPOSITORY, region_name="ap-south-1")
        assert start(aws_conn_id="aws_mumbai").execute(context)["region_name"] == "ap-south-1"
        assert [call.region for call in local_ecr.calls] == ["ap-south-1"]

    def test_an_account_that_a_native_template_made_a_number_is_still_an_account(
        self, local_ecr: LocalEcr, context: Any
    ) -> None:
        local_ecr.create_repository(REPOSITORY, account_id="210987654321")
        assert start(registry_id=210987654321).execute(context)["registry_id"] == "210987654321"

    @pytest.mark.parametrize(
        ("region_name", "domain"),
        [
            ("eu-west-1", "aws.amazon.com"),
            ("cn-north-1", "amazonaws.cn"),
            ("us-gov-west-1", "amazonaws-us-gov.com"),
        ],
    )
    def test_it_pushes_the_link_to_the_console_of_the_partition(
        self, local_ecr: LocalEcr, context: Any, region_name: str, domain: str
    ) -> None:
        local_ecr.create_repository(REPOSITORY, region_name=region_name)
        start(region_name=region_name).execute(context)
        assert context["ti"].pushed == {
            "ecr_repository": {
                "region_name": region_name,
                "aws_domain": domain,
                "registry_id": "123456789012",
                "repository_name": REPOSITORY,
            }
        }

    def test_it_pushes_nothing_when_it_must_not(self, repository: LocalEcr, context: Any) -> None:
        start(do_xcom_push=False).execute(context)
        assert context["ti"].pushed == {}

    def test_a_suspicious_policy_is_started_with_a_warning_in_the_log(
        self, repository: LocalEcr, context: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        policy = keep(10)
        policy["rules"][0]["selection"] |= {"tagStatus": "tagged", "tagPatternList": ["v*", "release-*"]}
        start(lifecycle_policy_text=policy).execute(context)
        assert "[and_patterns]" in capsys.readouterr().out
        assert repository.calls.count("StartLifecyclePolicyPreview", outcome="OK") == 1


class TestPolicy:
    @pytest.mark.parametrize("indent", [None, 4])
    def test_json_text_and_a_dict_are_the_same_policy(
        self, repository: LocalEcr, context: Any, indent: int | None
    ) -> None:
        of_dict = start().execute(context)
        of_text = start(lifecycle_policy_text=json.dumps(keep(10), indent=indent)).execute(context)
        assert of_dict == of_text

    def test_without_a_policy_it_is_the_applied_one(self, repository: LocalEcr, context: Any) -> None:
        repository.put_policy(REPOSITORY, keep(7))
        applied = start(lifecycle_policy_text=None).execute(context)
        assert applied == start(lifecycle_policy_text=keep(7)).execute(context)

    @pytest.mark.parametrize(
        "policy",
        [
            pytest.param(json.dumps(keep(10)).replace("10", "{{ params.keep }}"), id="text"),
            pytest.param("{{ params.policy | tojson }}", id="whole_text"),
            pytest.param({"rules": "{{ params.policy.rules }}"}, id="dict"),
        ],
    )
    def test_a_policy_may_be_templated(self, repository: LocalEcr, context: Any, policy: object) -> None:
        # As dicts and lists in templates stay what they are.
        with DAG("templates", schedule=None, render_template_as_native_obj=isinstance(policy, dict)):
            task = start(lifecycle_policy_text=policy)
        task.render_template_fields({"params": {"keep": 10, "policy": keep(10)}})  # type: ignore[arg-type]  # ours
        assert task.execute(context) == start().execute(context)

    def test_without_any_policy_it_fails_or_skips_as_on_missing_policy_says(
        self, repository: LocalEcr, context: Any
    ) -> None:
        with pytest.raises(exceptions.LifecyclePolicyNotFoundError, match=r"us-east-1.*Pass lifecycle_policy_text"):
            start(lifecycle_policy_text=None).execute(context)
        with pytest.raises(AirflowSkipException, match="no lifecycle policy"):
            start(lifecycle_policy_text=None, on_missing_policy="skip").execute(context)
        assert repository.calls.count("StartLifecyclePolicyPreview", outcome="OK") == 0

    def test_only_a_missing_policy_is_skipped(self, local_ecr: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.RepositoryNotFoundError):
            start(lifecycle_policy_text=None, on_missing_policy="skip").execute(context)


class TestWaitInTheWorker:
    def test_it_returns_the_complete_preview(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 0.2
        assert start(wait_for_completion=True).execute(context)["status"] == "COMPLETE"

    @pytest.mark.parametrize(
        ("fault", "error"),
        [(PreviewFails(), exceptions.PreviewFailedError), (PreviewExpires(), exceptions.PreviewExpiredError)],
    )
    def test_another_end_than_complete_is_an_error(
        self, repository: LocalEcr, context: Any, fault: Any, error: type[Exception]
    ) -> None:
        repository.inject(fault)
        with pytest.raises(error, match=REPOSITORY):
            start(wait_for_completion=True).execute(context)

    def test_it_ends_at_its_timeout(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        with pytest.raises(exceptions.PreviewTimeoutError, match="longer timeout"):
            start(wait_for_completion=True, timeout=0.2).execute(context)

    def test_another_policys_preview_and_its_own_share_the_timeout(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 0.3
        start(lifecycle_policy_text=keep(5)).execute(context)
        repository.preview_seconds = 30
        # Each of the two alone is given more time than the 30 seconds that the second preview takes.
        with pytest.raises(exceptions.PreviewTimeoutError, match=r"after 0\.6 s"):
            start(wait_for_completion=True, timeout=0.6).execute(context)
        assert repository.calls.count("StartLifecyclePolicyPreview", outcome="OK") == 2

    def test_another_policys_preview_that_does_not_end_is_an_error(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start(lifecycle_policy_text=keep(5)).execute(context)
        with pytest.raises(exceptions.PreviewInProgressError, match="another policy"):
            start(timeout=0.2).execute(context)


class TestDeferrable:
    def test_the_trigger_gets_every_setting(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        task = start(wait_for_completion=True, deferrable=True, timeout=600, registry_id="123456789012", **SETTINGS)
        before = time.time()
        deferred = deferred_by(task, context)
        given = deferred.trigger.serialize()[1]
        assert {name: given[name] for name in SETTINGS} == SETTINGS
        assert (given["repository_name"], given["registry_id"]) == (REPOSITORY, "123456789012")
        assert len(given["policy_fingerprint"]) == 64
        assert before + 600 <= given["deadline"] <= time.time() + 600
        assert timedelta(seconds=600) < deferred.timeout <= timedelta(seconds=600) + ecr_preview.GRACE

    def test_the_trigger_looks_in_the_region_of_the_worker(
        self, repository: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = json.loads(repository.connection)
        del connection["extra"]["region_name"]
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        repository.preview_seconds = 30
        deferred = deferred_by(start(wait_for_completion=True, deferrable=True), context)
        assert deferred.trigger.serialize()[1]["region_name"] == "us-east-1"

    def test_the_link_is_there_while_it_waits(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        deferred_by(start(wait_for_completion=True, deferrable=True), context)
        assert context["ti"].pushed["ecr_repository"]["repository_name"] == REPOSITORY

    def test_without_waiting_there_is_nothing_to_defer(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        assert start(deferrable=True).execute(context)["status"] == "IN_PROGRESS"

    @pytest.mark.asyncio
    async def test_it_ends_with_the_preview(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        deferred = deferred_by(start(wait_for_completion=True, deferrable=True), context)
        repository.advance(seconds=30)
        ended = await resumed(start(wait_for_completion=True, deferrable=True), deferred, context)
        assert ended == {**start().execute(context), "status": "COMPLETE"}

    @pytest.mark.asyncio
    async def test_it_starts_when_another_policys_preview_has_ended_and_then_waits_for_its_own(
        self, repository: LocalEcr, context: Any
    ) -> None:
        repository.preview_seconds = 30
        start(lifecycle_policy_text=keep(5)).execute(context)
        task = start(wait_for_completion=True, deferrable=True, timeout=600)
        first = deferred_by(task, context)
        repository.advance(seconds=30)
        with pytest.raises(TaskDeferred) as raised:
            await resumed(task, first, context)
        second = raised.value
        assert second.trigger.serialize()[1]["deadline"] == first.trigger.serialize()[1]["deadline"]
        repository.advance(seconds=30)
        ended = await resumed(task, second, context)
        assert ended == {**start().execute(context), "status": "COMPLETE"}

    @pytest.mark.parametrize("fault", [PreviewFails(), PreviewExpires()])
    @pytest.mark.asyncio
    async def test_how_another_policys_preview_ended_is_not_its_concern(
        self, repository: LocalEcr, context: Any, fault: Any
    ) -> None:
        repository.preview_seconds = 30
        repository.inject(fault)
        start(lifecycle_policy_text=keep(5)).execute(context)
        task = start(deferrable=True)
        deferred = deferred_by(task, context)
        repository.advance(seconds=30)
        started = await resumed(task, deferred, context)
        assert started == start(timeout=0).execute(context)

    @pytest.mark.asyncio
    async def test_another_policys_preview_that_does_not_end_is_an_error_at_the_timeout(
        self, repository: LocalEcr, context: Any
    ) -> None:
        repository.preview_seconds = 30
        start(lifecycle_policy_text=keep(5)).execute(context)
        task = start(deferrable=True)
        deferred = deferred_by(task, context)
        deferred.trigger.deadline = time.time()
        with pytest.raises(exceptions.PreviewTimeoutError, match=rf"{REPOSITORY} \(.*us-east-1\).*of another policy"):
            await resumed(task, deferred, context)

    @pytest.mark.asyncio
    async def test_a_preview_that_was_replaced_meanwhile_is_an_error(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        task = start(wait_for_completion=True, deferrable=True)
        deferred = deferred_by(task, context)
        repository.advance(seconds=30)
        start(lifecycle_policy_text=keep(5)).execute(context)
        with pytest.raises(exceptions.PreviewReplacedError, match=rf"{REPOSITORY} \(.*us-east-1\)"):
            await resumed(task, deferred, context)


def test_the_templated_fields_are_rendered() -> None:
    task = start(
        repository_name="{{ team }}/api",
        lifecycle_policy_text="{{ policy }}",
        registry_id="{{ account }}",
        region_name="{{ region }}",
        aws_conn_id="aws_{{ team }}",
        verify="/etc/{{ team }}.pem",
    )
    task.render_template_fields(
        {"team": "payments", "policy": "{}", "account": "210987654321", "region": "eu-west-1"}  # type: ignore[arg-type]  # ours
    )
    assert {field: getattr(task, field) for field in task.template_fields} == {
        "aws_conn_id": "aws_payments",
        "lifecycle_policy_text": "{}",
        "on_missing_policy": "fail",
        "outage_timeout": 600.0,
        "poll_interval": task.poll_interval,
        "region_name": "eu-west-1",
        "registry_id": "210987654321",
        "repository_name": "payments/api",
        "timeout": task.timeout,
        "verify": "/etc/payments.pem",
        "wait_for_completion": False,
    }
