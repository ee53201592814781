"""A readiness report checks what can be checked of any number of repositories, and starts and changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.readiness import MAX_READINESS_BYTES, READINESS_SCHEMA
from airflow_provider_ecr_preview.core.exceptions import CleanupIncompleteError
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.local import AccessDenied
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrPutLifecyclePolicyOperator
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.operators.cleanup.collected import collected
from tests.support.contexts import task_context
from tests.support.policies import keep

REPOSITORY = "payments/api"
TRIED = {"GetLifecyclePolicy", "GetLifecyclePolicyPreview", "DescribeImages", "DescribeRegistry"}
READS = {*TRIED, "GetRepositoryPolicy", "GetRegistryPolicy"}


def check_only(bench: Any, summary: Any, **kwargs: Any) -> Any:
    bench.ecr.calls.clear()
    value = bench.operator(summary, check_only=True, **kwargs).execute(task_context())
    assert value["schema"] == READINESS_SCHEMA
    assert_nothing_started(bench)
    return value


def assert_nothing_started(bench: Any) -> None:
    assert {call.operation for call in bench.ecr.calls if call.service == "ecr"} <= READS
    assert not bench.ecr.calls.mutating


def row(value: Any, code: str) -> Any:
    return next(row for row in value["rows"] if row["code"] == code)


def test_a_preview_that_may_be_approved_is_checked_without_a_fresh_one(bench: Any) -> None:
    value = check_only(bench, bench.preview())
    assert (value["repository_count"], value["ready_repository_count"], value["rows_left_out"]) == (1, 1, 0)
    verdicts = {row["code"]: row["verdict"] for row in value["rows"]}
    assert verdicts["preview_unchanged"] == verdicts["change_permissions"] == "not_checked"
    assert set(verdicts.values()) == {"passed", "off", "not_checked"}
    assert {verdicts[code] for code in ("policy_unchanged", "tags_unchanged", "in_use", "images_left")} == {"passed"}
    assert "ecr:BatchDeleteImage" in row(value, "change_permissions")["message"]
    assert "ecr:StartLifecyclePolicyPreview" in row(value, "change_permissions")["message"]
    assert row(value, "read_permissions")["verdict"] == "passed"


def test_a_repository_without_a_preview_is_checked_with_its_policy_evaluated(bench: Any) -> None:
    value = check_only(bench, REPOSITORY, max_images=3)
    assert value["ready_repository_count"] == 0
    assert row(value, "max_images")["message"] == "The number of images is 10; max_images is 3."
    assert row(value, "max_images")["remedy"].endswith("raise max_images.")
    assert row(value, "tags_unchanged")["verdict"] == "not_checked"


Arrange = Callable[[Any], dict[str, Any]]


def other_policy(bench: Any) -> dict[str, Any]:
    bench.ecr.put_policy(REPOSITORY, keep(12))
    return {}


def no_policy(bench: Any) -> dict[str, Any]:
    bench.ecr.repository(REPOSITORY).lifecycle_policy = None
    return {}


def no_list(bench: Any) -> dict[str, Any]:
    for path in Path(bench.folder).iterdir():
        path.unlink()
    return {}


BLOCKS: list[tuple[str, str, Arrange, str]] = [
    ("another policy is applied", "policy_unchanged", other_policy, "Preview again"),
    ("another candidate is given", "policy_unchanged", lambda _: {"lifecycle_policy_text": keep(12)}, "Preview again"),
    ("there is no policy any more", "policy_unchanged", no_policy, "Apply a lifecycle policy"),
    ("the list is gone", "preview_unchanged", no_list, "Give the worker access"),
    ("nothing was collected", "in_use", lambda _: {"in_use": None}, "EcrCollectImagesInUseOperator"),
]


@pytest.mark.parametrize(("code", "arrange", "remedy"), [case[1:] for case in BLOCKS], ids=[case[0] for case in BLOCKS])
def test_every_block_has_a_remedy(bench: Any, code: str, arrange: Arrange, remedy: str) -> None:
    summary = bench.preview()
    value = check_only(bench, summary, **arrange(bench))
    assert row(value, code)["verdict"] in ("blocked", "unknown")
    assert remedy in row(value, code)["remedy"]
    assert value["ready_repository_count"] == 0


def test_all_missing_permissions_are_named_together(bench: Any) -> None:
    for operation in TRIED:
        bench.ecr.inject(AccessDenied(), operation, calls=None)
    value = check_only(bench, REPOSITORY)
    assert value["ready_repository_count"] == 0
    assert all(f"Allow ecr:{operation}" in row(value, "read_permissions")["remedy"] for operation in TRIED)


def test_a_summary_without_a_list_does_not_block_what_only_a_fresh_preview_can_check(bench: Any) -> None:
    summary = {**bench.preview(listed=False), "sample": []}
    ready = check_only(bench, summary, check_tags=False)
    assert ready["ready_repository_count"] == 1, ready["rows"][:3]
    bench.ecr.push(REPOSITORY, tags=["build-99"])
    other = check_only(bench, summary, check_tags=False)
    assert other["ready_repository_count"] == 1, other["rows"][:3]
    assert row(other, "protected_tags")["verdict"] == "not_checked"


def test_the_whole_run_is_checked(bench: Any) -> None:
    value = check_only(bench, bench.preview(), max_images_per_run=9)
    blocked = row(value, "run_max_images")
    assert (blocked["verdict"], blocked["repository_name"]) == ("blocked", None)


def test_a_policy_that_would_be_put_is_checked(bench: Any) -> None:
    summary = bench.preview(lifecycle_policy_text=keep(11))
    bench.ecr.calls.clear()
    operator = EcrPutLifecyclePolicyOperator(
        task_id="put",
        summary=summary,
        lifecycle_policy_text=keep(11),
        in_use=collected(),
        check_only=True,
        dry_run=False,
    )
    value: Any = operator.execute(task_context())
    assert (value["action"], value["ready_repository_count"]) == ("put", 1)
    assert "ecr:PutLifecyclePolicy" in row(value, "change_permissions")["message"]
    assert row(value, "former_policies_kept")["verdict"] == "not_checked"
    assert_nothing_started(bench)


def test_a_missing_repository_is_reported(bench: Any) -> None:
    value = check_only(bench, [REPOSITORY, "payments/missing", "x" * 300])
    unreadable = [row for row in value["rows"] if row["code"] == "read_permissions" and row["verdict"] == "unknown"]
    assert {row["repository_name"] for row in unreadable} == {"payments/missing", "x" * 300}
    assert value["ready_repository_count"] == 1


def test_nothing_to_check_is_an_empty_report(bench: Any) -> None:
    value = check_only(bench, [])
    assert (value["repository_count"], {row["repository_name"] for row in value["rows"]}) == (0, {None})


def test_a_stopped_task_ends(bench: Any) -> None:
    operator = bench.operator(REPOSITORY, check_only=True)
    operator.on_kill()
    with pytest.raises(CleanupIncompleteError, match="had checked 0 of 1 repositories"):
        operator.execute(task_context())


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        (None, "Give summaries of previews"),
        (7, "names of repositories"),
        (["a", ["a"]], "names a more than once"),
        ("", "summary is ''"),
    ],
)
def test_what_cannot_be_checked_is_an_error(bench: Any, summary: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        bench.operator(summary, check_only=True).execute(task_context())
    with pytest.raises(ValueError, match="check_only is 'None'"):
        bench.operator(REPOSITORY, check_only="None").execute(task_context())


@pytest.mark.parametrize("count", [15, pytest.param(300, marks=pytest.mark.nightly)])
def test_hundreds_of_repositories_are_checked_in_one_table(bench: Any, tmp_path: Path, count: int) -> None:
    names = [f"team/service-{number:03}" for number in range(count)]
    for number, name in enumerate(names):
        bench.ecr.create_repository(name, policy=keep(2) if number % 5 else None)
        bench.ecr.push_many(name, 4, newest_days_ago=40)
    bench.ecr.inject(AccessDenied(), "DescribeImages", repository=names[1], calls=None)
    path = f"file://{tmp_path}/readiness.jsonl.gz"
    value = check_only(bench, [names[: count // 2], names[count // 2 :]], results_path=path)
    assert json_size(value) <= MAX_READINESS_BYTES
    assert (value["repository_count"], value["ready_repository_count"]) == (count, count - count // 5 - 1)
    rows = [*read_lines(path)]
    assert Counter(row["repository_name"] for row in rows if row["code"] == "read_permissions") == dict.fromkeys(
        names, 1
    )
    assert len(rows) == len(value["rows"]) + value["rows_left_out"]
    assert all(row["remedy"] for row in rows if row["verdict"] in ("blocked", "unknown"))
    # Every repository costs four calls, and the registry two.
    assert len([call for call in bench.ecr.calls if call.service == "ecr"]) == 4 * count + 2
