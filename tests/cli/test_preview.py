"""``ecr-preview preview``, against the local ECR."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.cli import preview
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.ecr import ACCESS_KEY, SECRET_KEY
from tests.cli.conftest import Run, Write, planned, terraform
from tests.support.policies import keep

REGION = ("--region", "us-east-1")


@pytest.fixture(name="endpoint")
def _endpoint(local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")  # restored after the test
    local_ecr.create_repository("team/api")
    local_ecr.push_many("team/api", 6, newest_days_ago=90)
    local_ecr.calls.clear()
    return "--endpoint-url", str(local_ecr.endpoint_url)


def test_ecr_previews_a_policy(run: Run, write: Write, local_ecr: LocalEcr, endpoint: tuple[str, str]) -> None:
    arguments = ("--repository", "team/api", *REGION, *endpoint, "--fail-on", "never")
    done = run("preview", write("policy.json", keep(4)), *arguments, "--format", "json")
    (found,) = done.json["previews"]
    assert (done.code, done.json["schema"]) == (0, "ecr-preview-preview/1")
    assert found["summary"]["expiring_image_count"] == len(found["images"]) == 2
    assert all(image["image_size_in_bytes"] for image in found["images"])
    assert local_ecr.calls.count("StartLifecyclePolicyPreview") == 1


def test_the_policies_of_a_plan_are_previewed(run: Run, write: Write, endpoint: tuple[str, str]) -> None:
    plan = terraform(planned("p.api", "team/api", None, keep(4)), planned("p.old", "team/old", keep(1), None))
    done = run("preview", write("plan.json", plan), *REGION, *endpoint, "--fail-on", "never")
    assert "2 of 6 images would expire" in " ".join(done.out.split())
    assert "SKIPPED plan.json (p.old): There is no policy." in done.out
    assert "Amazon ECR's own preview." in done.out


def test_a_repository_that_is_not_there_is_an_error_of_aws(run: Run, write: Write, endpoint: tuple[str, str]) -> None:
    done = run("preview", write("policy.json", keep(4)), "--repository", "team/none", *REGION, *endpoint)
    assert (done.code, done.out, "there is no such repository" in done.err) == (4, "", True)


def test_no_call_is_sent_where_nothing_can_be_previewed(
    run: Run, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "_hook", lambda _: pytest.fail("the hook is loaded"))
    done = run("preview", write("policy.json", keep(4)))
    assert (done.code, "does not name the repository. Name it with --repository." in done.err) == (3, True)


def test_without_airflow_it_says_what_it_needs(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "airflow_provider_ecr_preview.hooks.ecr_preview", None)
    done: Any = run("preview", write("policy.json", keep(4)), "--repository", "team/api", *REGION)
    assert (done.code, "preview needs Airflow and its Amazon provider" in done.err) == (4, True)
