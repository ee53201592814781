"""Bad input ends in an error that says where, what and what to do, and nothing is started."""

from __future__ import annotations

import json
import runpy
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.faults import Refused
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from tests.support.contexts import RecordedTaskInstance
from tests.support.policies import keep

REPOSITORY = "payments/api"
POLICY = keep(10)
ONE_ATTEMPT = {"retries": {"total_max_attempts": 1}}
IMAGE_IDS = [{"imageDigest": f"sha256:{number:064x}"} for number in range(101)]

# Every mistake that the lint knows, from the test that proves what it says about each.
MISTAKES = runpy.run_path(str(Path(__file__).parents[1] / "core" / "lint" / "test_policy.py"))["MISTAKES"]
ERRORS = [
    pytest.param(case.values[0], case.values[1], id=case.id)
    for case in MISTAKES
    if any(finding.startswith("error ") for finding in case.values[1])
]


@pytest.fixture
def context() -> Any:
    return {"ti": RecordedTaskInstance()}


@pytest.fixture
def previewed(repository: LocalEcr) -> LocalEcr:
    EcrLifecyclePolicyPreviewHook().start_preview(REPOSITORY, POLICY)
    repository.calls.clear()
    return repository


class WebSite(BaseHTTPRequestHandler):
    """A server of something else, which refuses what is posted to it in HTML."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Log nothing."""


@pytest.fixture
def another_service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), WebSite) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def start(**rendered: Any) -> EcrStartLifecyclePolicyPreviewOperator:
    task = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start", repository_name=REPOSITORY, lifecycle_policy_text=POLICY, deferrable=False
    )
    return with_rendered(task, rendered)


def summarize(**rendered: Any) -> EcrSummarizeLifecyclePolicyPreviewOperator:
    return with_rendered(
        EcrSummarizeLifecyclePolicyPreviewOperator(task_id="summarize", repository_name=REPOSITORY), rendered
    )


def with_rendered(task: Any, rendered: Mapping[str, Any]) -> Any:
    """Return a task with values that templates rendered; as constants most of them would be refused earlier."""
    for name, value in rendered.items():
        setattr(task, name, value)
    return task


def nothing_started(ecr: LocalEcr) -> bool:
    return ecr.calls.count("StartLifecyclePolicyPreview", outcome="OK") == 0


class TestNames:
    @pytest.mark.parametrize("operator", [start, summarize])
    @pytest.mark.parametrize(
        "name",
        [
            pytest.param("Payments/API", id="upper_case"),
            pytest.param("payments//api", id="two_slashes"),
            pytest.param("p", id="too_short"),
            pytest.param("x" * 257, id="too_long"),
            pytest.param("", id="empty"),
            pytest.param(None, id="none"),
            pytest.param("123456789012.dkr.ecr.eu-west-1.amazonaws.com/payments/api:v1", id="uri"),
        ],
    )
    def test_an_invalid_repository_name(self, local_ecr: LocalEcr, context: Any, operator: Any, name: Any) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match=r"us-east-1.*not a repository name.*Leave out"):
            operator(repository_name=name).execute(context)
        assert len(local_ecr.calls) == 0

    @pytest.mark.parametrize("operator", [start, summarize])
    @pytest.mark.parametrize("registry_id", ["my-registry", "12345678901", 2048, True])
    def test_an_invalid_registry_id(
        self, local_ecr: LocalEcr, context: Any, operator: Any, registry_id: object
    ) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match=rf"{REPOSITORY} \(.*us-east-1\).*12 digits"):
            operator(registry_id=registry_id).execute(context)
        assert len(local_ecr.calls) == 0

    def test_an_account_id_that_became_a_number_gets_its_zero_back(self, local_ecr: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.RepositoryNotFoundError, match=r"\(012345678901, us-east-1\)"):
            start(registry_id=12345678901).execute(context)

    @pytest.mark.parametrize("registry_id", [None, "", " ", "None", "null"])
    def test_a_registry_that_is_not_set_is_that_of_the_caller(
        self, repository: LocalEcr, context: Any, registry_id: object
    ) -> None:
        assert start(registry_id=registry_id).execute(context)["registry_id"] == "123456789012"

    def test_an_unknown_repository(self, local_ecr: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.RepositoryNotFoundError, match=rf"{REPOSITORY} \(us-east-1\).*Check its name"):
            start().execute(context)
        assert nothing_started(local_ecr)


class TestPolicies:
    @pytest.mark.parametrize(("policy", "findings"), ERRORS)
    def test_every_mistake_that_the_lint_knows(
        self, repository: LocalEcr, context: Any, policy: str, findings: list[str]
    ) -> None:
        with pytest.raises(exceptions.InvalidLifecyclePolicyError) as raised:
            start(lifecycle_policy_text=policy).execute(context)
        message = str(raised.value)
        assert f"{REPOSITORY} (us-east-1)" in message
        errors = [finding.removeprefix("error ") for finding in findings if finding.startswith("error ")]
        assert [error for error in errors if error not in message] == []
        assert len(repository.calls) == 0

    def test_both_tag_lists_in_a_dict(self, repository: LocalEcr, context: Any) -> None:
        policy = json.loads(json.dumps(POLICY))
        policy["rules"][0]["selection"] |= {
            "tagStatus": "tagged",
            "tagPatternList": ["v*"],
            "tagPrefixList": ["release-"],
        }
        with pytest.raises(exceptions.InvalidLifecyclePolicyError, match=r'Keep one: a prefix "v" is the pattern'):
            start(lifecycle_policy_text=policy).execute(context)
        assert len(repository.calls) == 0

    @pytest.mark.parametrize("policy", [5, ["rules"], {"rules": {1, 2}}, {"rules": float("nan")}])
    def test_a_value_that_is_not_a_policy(self, repository: LocalEcr, context: Any, policy: object) -> None:
        with pytest.raises(exceptions.InvalidLifecyclePolicyError):
            start(lifecycle_policy_text=policy).execute(context)
        assert len(repository.calls) == 0

    def test_a_mistake_is_reported_once(
        self, repository: LocalEcr, context: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(exceptions.InvalidLifecyclePolicyError):
            start(lifecycle_policy_text="[]".ljust(100)).execute(context)
        assert "[not_an_object]" not in capsys.readouterr().out

    def test_no_policy_at_all(self, repository: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.LifecyclePolicyNotFoundError, match=rf"{REPOSITORY} \(us-east-1\).*Pass"):
            start(lifecycle_policy_text=None).execute(context)
        assert nothing_started(repository)

    def test_an_unknown_choice_for_a_missing_policy(self, repository: LocalEcr, context: Any) -> None:
        with pytest.raises(ValueError, match=r"'ignore'\. Use 'fail' or 'skip'"):
            start(on_missing_policy="ignore").execute(context)
        assert len(repository.calls) == 0


class TestTimes:
    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.parametrize(
        "arguments", [{"timeout": -1}, {"poll_interval": -1}, {"poll_interval": 0}, {"timeout": float("nan")}]
    )
    def test_a_time_that_cannot_be(
        self, repository: LocalEcr, context: Any, arguments: dict[str, float], deferrable: bool
    ) -> None:
        [name] = arguments
        with pytest.raises(exceptions.InvalidRequestError, match=rf"{REPOSITORY} \(us-east-1\): {name} is .*Use"):
            start(wait_for_completion=True, deferrable=deferrable, **arguments).execute(context)
        assert len(repository.calls) == 0


class TestReading:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"image_ids": IMAGE_IDS, "page_size": 50}, r"image_ids excludes page_size.*100 at a time"),
            ({"image_ids": IMAGE_IDS, "max_items": 50}, r"image_ids excludes max_items"),
            ({"image_ids": IMAGE_IDS, "starting_token": "x"}, r"image_ids excludes starting_token"),
            ({"image_ids": []}, r"image_ids is empty"),
            (
                {"image_ids": "[{'imageTag': 'v1'}]"},
                r"image_ids is the text of a Python object.*render_template_as_native_obj",
            ),
            ({"page_size": 0}, r"page_size is 0\. Use 1 to 100"),
            ({"page_size": 101}, r"page_size is 101\. Use 1 to 100"),
            ({"max_items": 0}, r"max_items is 0\. Use 1 or more"),
            ({"max_items": -5}, r"max_items is -5\. Use 1 or more"),
            ({"tag_status": "tagged"}, r"tag_status is 'tagged'\. Use 'TAGGED', 'UNTAGGED' or 'ANY'"),
            ({"starting_token": ""}, r"starting_token is ''.*no more"),
            # What a template makes of the next_token of a summary that was not cut.
            ({"starting_token": "None"}, r"starting_token is 'None'.*no more"),
        ],
    )
    def test_invalid_arguments_are_refused_before_any_call(
        self, previewed: LocalEcr, context: Any, arguments: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match=rf"{REPOSITORY} \(us-east-1\): {message}"):
            summarize(**arguments).execute(context)
        assert len(previewed.calls) == 0

    def test_s3_without_its_library_is_refused_before_any_call(
        self, previewed: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "s3fs", None)
        # A connection of its own, because Airflow keeps the storage that another test has opened.
        with pytest.raises(ValueError, match=r"s3fs.*install airflow-provider-ecr-preview\[s3\]"):
            summarize(images_path="s3://aws_reports@bucket/images.jsonl.gz").execute(context)
        assert len(previewed.calls) == 0

    def test_an_invalid_image_id(self, previewed: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.InvalidRequestError, match="imageIds"):
            summarize(image_ids=[{"digest": "sha256:1"}], enrich=False).execute(context)
        assert len(previewed.calls) == 0

    @pytest.mark.parametrize(
        ("images_path", "message"),
        [
            ("file:///tmp/reports/", "which is a folder"),
            ("s3://bucket", "which is a folder"),
            ("nope://bucket/images.jsonl.gz", "[Uu]nsupported filesystem|No filesystem"),
        ],
    )
    def test_an_images_path_that_cannot_be_written_is_refused_before_any_call(
        self, previewed: LocalEcr, context: Any, images_path: str, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            summarize(images_path=images_path).execute(context)
        assert len(previewed.calls) == 0

    def test_a_folder_that_is_there_is_no_place_for_the_list(
        self, previewed: LocalEcr, context: Any, tmp_path: Path
    ) -> None:
        with pytest.raises(ValueError, match="which is a folder"):
            summarize(images_path=f"file://{tmp_path}").execute(context)
        assert len(previewed.calls) == 0

    def test_nothing_was_started(self, repository: LocalEcr, context: Any) -> None:
        with pytest.raises(exceptions.PreviewNotFoundError, match=rf"{REPOSITORY} \(us-east-1\).*Start one first"):
            summarize().execute(context)

    def test_the_preview_is_still_running(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start().execute(context)
        with pytest.raises(exceptions.PreviewInProgressError, match="EcrLifecyclePolicyPreviewSensor"):
            summarize().execute(context)
        assert repository.calls.count("DescribeImages") == 0


class TestIam:
    def test_the_start_is_denied(self, repository: LocalEcr, context: Any) -> None:
        repository.deny("ecr:StartLifecyclePolicyPreview")
        with pytest.raises(
            exceptions.AccessDeniedError,
            match=rf"{REPOSITORY} \(us-east-1\): the caller may not ecr:StartLifecyclePolicyPreview: .*Allow it in IAM",
        ):
            start().execute(context)
        assert nothing_started(repository)

    @pytest.mark.parametrize("action", ["ecr:GetLifecyclePolicyPreview", "ecr:DescribeImages"])
    @pytest.mark.parametrize("enrich", [True, False])
    def test_reading_is_denied(self, previewed: LocalEcr, context: Any, action: str, enrich: bool) -> None:
        previewed.deny(action)
        if action == "ecr:DescribeImages" and not enrich:
            assert summarize(enrich=False).execute(context)["expiring_image_count"] == 10
            return
        with pytest.raises(exceptions.AccessDeniedError, match=rf"{REPOSITORY} \(.*us-east-1\): .*{action}"):
            summarize(enrich=enrich).execute(context)

    def test_the_wait_is_denied(self, repository: LocalEcr, context: Any) -> None:
        repository.deny("ecr:GetLifecyclePolicyPreview")
        with pytest.raises(exceptions.AccessDeniedError, match="ecr:GetLifecyclePolicyPreview"):
            start(wait_for_completion=True).execute(context)

    def test_the_applied_policy_is_denied_where_it_has_to_be_compared(self, repository: LocalEcr, context: Any) -> None:
        repository.preview_seconds = 30
        start().execute(context)
        repository.put_policy(REPOSITORY, POLICY)
        repository.deny("ecr:GetLifecyclePolicy")
        with pytest.raises(exceptions.AccessDeniedError, match="ecr:GetLifecyclePolicy:"):
            start(lifecycle_policy_text=None).execute(context)

    @pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
    def test_the_credentials_are_refused(self, repository: LocalEcr, context: Any, code: str) -> None:
        repository.inject(Refused(code), "StartLifecyclePolicyPreview", calls=None)
        with pytest.raises(
            exceptions.AccessDeniedError, match=r"us-east-1\): AWS refuses the credentials.*aws_conn_id"
        ):
            start().execute(context)
        assert nothing_started(repository)


class TestEndpoints:
    def test_no_answer_from_ecr(self, local_ecr: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        self._connect_to(local_ecr, monkeypatch, url)
        with pytest.raises(
            exceptions.EcrUnreachableError,
            match=rf"{REPOSITORY} \(us-east-1\): no connection to {url}.*endpoint_url",
        ):
            start(botocore_config=ONE_ATTEMPT).execute(context)
        assert len(local_ecr.calls) == 0

    def test_another_service_answers(
        self, local_ecr: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch, another_service: str
    ) -> None:
        self._connect_to(local_ecr, monkeypatch, another_service)
        with pytest.raises(exceptions.EcrUnreachableError, match=rf"{REPOSITORY} \(us-east-1\): .*endpoint_url"):
            summarize(botocore_config=ONE_ATTEMPT).execute(context)
        assert nothing_started(local_ecr)

    def test_the_endpoint_is_no_url(self, local_ecr: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self._connect_to(local_ecr, monkeypatch, "localhost:4566")
        with pytest.raises(exceptions.RepositoryError, match=rf"{REPOSITORY} \(us-east-1\): .*endpoint_url"):
            start().execute(context)

    def test_no_region_is_known(self, local_ecr: LocalEcr, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        connection = json.loads(local_ecr.connection)
        del connection["extra"]["region_name"]
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        with pytest.raises(
            exceptions.InvalidRequestError, match=f"{REPOSITORY}: no Region is configured. Set region_name"
        ):
            start().execute(context)
        assert len(local_ecr.calls) == 0

    @staticmethod
    def _connect_to(local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        connection = json.loads(local_ecr.connection)
        connection["extra"]["endpoint_url"] = url
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
