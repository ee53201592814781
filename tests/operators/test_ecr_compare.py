from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.local import LocalEcr, Refused
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.contexts import task_context
from tests.support.policies import keep

NAMES = ["team/a", "team/b", "team/c"]


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    for number, name in enumerate(NAMES):
        local_ecr.create_repository(name, policy=keep(8) if number else None)
        local_ecr.push_many(name, 10)
    local_ecr.calls.clear()
    return local_ecr


def compare(**kwargs: Any) -> EcrCompareLifecyclePoliciesOperator:
    arguments = {"repository_names": NAMES, "lifecycle_policy_text": keep(4), "fail_on_finding": None}
    return EcrCompareLifecyclePoliciesOperator(**{"task_id": "compare", **arguments, **kwargs})


@pytest.mark.parametrize("method", ["preview", "simulation", "both"])
def test_a_candidate_is_compared_with_the_applied_policies(registry: LocalEcr, method: str) -> None:
    value = compare(method=method).execute(task_context())
    applied, candidate = value["policies"]
    assert (applied["policy"], candidate["policy"], value["method"]) == ("applied", "candidate", method)
    assert (applied["expiring_image_count"], candidate["expiring_image_count"]) == (4, 18)
    assert candidate["newly_affected_image_count"] == 14
    assert candidate["newly_affected_bytes_upper_bound"]
    assert "simulation_disagrees" not in candidate["findings"]
    assert json.loads(json.dumps(value)) == value


def test_a_simulation_starts_no_preview_and_reads_each_repository_once(registry: LocalEcr) -> None:
    compare(method="simulation").execute(task_context())
    assert registry.calls.operations == {"DescribeImages": 3, "GetLifecyclePolicy": 3}


def test_several_candidates_are_compared_with_the_first_of_them(registry: LocalEcr) -> None:
    value = compare(
        lifecycle_policy_text=None,
        candidates=json.dumps({"keep nine": keep(9), "keep five": keep(5), "keep one": keep(1)}),
        with_applied=False,
        method="simulation",
    ).execute(task_context())
    assert [(compared["policy"], compared["newly_affected_image_count"]) for compared in value["policies"]] == [
        ("keep nine", 0),
        ("keep five", 12),
        ("keep one", 24),
    ]


def test_where_preview_and_simulation_disagree_it_is_a_finding(registry: LocalEcr) -> None:
    # A list that stays keeps its images, and DescribeImages does not tell which they are.
    pushed = registry.push_manifest_list("team/a", tags=["multi"])
    value = compare(repository_names="team/a", lifecycle_policy_text=keep(1), method="both").execute(task_context())
    (repository,) = value["repositories"]
    (found,) = [
        finding for finding in repository["policies"][1]["findings"] if finding["code"] == "simulation_disagrees"
    ]
    assert set(found["image_digests"]) == set(pushed.children)


def test_a_candidate_that_affects_too_many_images_fails_the_task_after_the_comparison_is_pushed(
    registry: LocalEcr,
) -> None:
    of = task_context()
    with pytest.raises(
        exceptions.CandidateRefusedError, match=r"candidate affects 14 images .* max_newly_affected is 13"
    ):
        compare(method="simulation", max_newly_affected="13").execute(of)
    pushed = {call.kwargs["key"]: call.kwargs["value"] for call in of["ti"].xcom_push.call_args_list}
    assert pushed["return_value"]["policies"][1]["newly_affected_image_count"] == 14
    assert pushed["ecr_lifecycle_comparison"]["counts"]["newly_affected_image_counts"] == [14]
    assert compare(method="simulation", max_newly_affected=14).execute(task_context())


def test_a_finding_that_only_the_candidate_raises_fails_the_task(registry: LocalEcr) -> None:
    empties = {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "any",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 1,
                },
                "action": {"type": "expire"},
            }
        ]
    }
    registry.create_repository("team/idle", policy=keep(1))
    registry.push_many("team/idle", 3, newest_days_ago=30)
    for method in ("preview", "simulation"):
        with pytest.raises(exceptions.CandidateRefusedError, match="candidate raises would_empty_repository"):
            compare(
                repository_names="team/idle", lifecycle_policy_text=empties, method=method, fail_on_finding="critical"
            ).execute(task_context())


@pytest.mark.parametrize("method", ["preview", "simulation", "both"])
@pytest.mark.parametrize("operation", ["StartLifecyclePolicyPreview", "DescribeImages"])
def test_a_repository_that_fails_is_named_and_does_not_stop_the_others(
    registry: LocalEcr, method: str, operation: str
) -> None:
    registry.inject(Refused("RepositoryNotFoundException"), operation, "team/b", calls=None)
    if (method, operation) == ("simulation", "StartLifecyclePolicyPreview"):
        assert compare(method=method).execute(task_context())["failed_count"] == 0
        return
    value = compare(method=method, fail_on="none").execute(task_context())
    assert (value["repository_count"], value["failed_count"]) == (3, 1)
    assert value["failures"][0]["repository_name"] == "team/b"
    assert "no such repository" in (value["failures"][0]["message"] or "")
    with pytest.raises(exceptions.CandidateRefusedError, match="Not compared: 1 of 3 repositories"):
        compare(method=method).execute(task_context())


def test_an_applied_policy_that_cannot_be_simulated_says_what_to_do(registry: LocalEcr) -> None:
    text = json.dumps(keep(8)).replace("imageCountMoreThan", "sinceImageAdmired")
    with mock.patch.object(registry.repository("team/b"), "lifecycle_policy", text):
        value = compare(method="simulation", fail_on="none").execute(task_context())
    assert "cannot be simulated" in (value["failures"][0]["message"] or "")
    assert "method='preview'" in (value["failures"][0]["message"] or "")


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"method": "guess"}, "method is 'guess'"),
        ({"fail_on": "some"}, "fail_on is 'some'"),
        ({"fail_on_finding": "grave"}, "fail_on_finding is 'grave'"),
        ({"lifecycle_policy_text": None}, "There is 1 policy to compare"),
        ({"lifecycle_policy_text": "None"}, "There is 1 policy to compare"),
        ({"candidates": {"applied": keep(3)}}, "A candidate has the name 'applied'"),
        ({"candidates": {"other": ""}}, "no policy under other"),
        ({"candidates": "[]"}, "candidates is a list"),
        ({"candidates": "{"}, "candidates is not JSON"),
        ({"candidates": {str(number): keep(3) for number in range(10)}}, "2 to 10 are allowed"),
        ({"lifecycle_policy_text": keep(0)}, "countNumber"),
    ],
)
def test_an_invalid_parameter_is_an_error_before_any_call(
    registry: LocalEcr, arguments: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        compare(**arguments).execute(task_context())
    assert not len(registry.calls)


def test_no_repository_is_an_empty_comparison(registry: LocalEcr) -> None:
    assert compare(repository_names="").execute(task_context())["repository_count"] == 0


def test_a_task_that_is_stopped_says_how_far_it_got(registry: LocalEcr) -> None:
    task = compare()
    task.on_kill()
    with pytest.raises(exceptions.AuditStoppedError, match="0 of 3"):
        task.execute(task_context())


def test_every_template_field_is_an_attribute() -> None:
    task = compare()
    assert all(hasattr(task, field) for field in task.template_fields)


@pytest.mark.parametrize("method", ["preview", "simulation", "both"])
def test_every_image_that_the_policies_treat_differently_is_listed(
    registry: LocalEcr, tmp_path: Path, method: str
) -> None:
    path = f"file://{tmp_path}/images.jsonl.gz"
    value = compare(method=method, results_path=path).execute(task_context())
    assert value["results_uri"] == path
    lines = list(read_lines(path))
    assert len(lines) == value["policies"][1]["newly_affected_image_count"] == 14
    details = registry.client().describe_images(repositoryName="team/a")["imageDetails"]
    by_digest = {image["imageDigest"]: image for image in details}
    line = next(line for line in lines if line["repository_name"] == "team/a")
    image = by_digest[line["image_digest"]]
    assert (line["change"], line["policy"], line["action"], line["first_action"]) == (
        "newly_affected",
        "candidate",
        "EXPIRE",
        None,
    )
    assert line["image_tags"] == image.get("imageTags", [])
    assert line["image_size_in_bytes"] == image["imageSizeInBytes"]
    assert datetime.fromisoformat(line["image_pushed_at"]) == image["imagePushedAt"]


def test_a_list_that_cannot_be_written_does_not_lose_the_comparison(registry: LocalEcr, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    value = compare(method="simulation", results_path=f"file://{tmp_path}/file/images.gz").execute(task_context())
    assert (value["results_uri"], value["repository_count"]) == (None, 3)


def test_a_refused_candidate_has_its_list_too(registry: LocalEcr, tmp_path: Path) -> None:
    path = f"file://{tmp_path}/images.jsonl.gz"
    with pytest.raises(exceptions.CandidateRefusedError):
        compare(method="simulation", max_newly_affected=1, results_path=path).execute(task_context())
    assert len(list(read_lines(path))) == 14
