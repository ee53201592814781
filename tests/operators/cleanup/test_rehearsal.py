"""What could lose the result of a clean-up fails before the first image is deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.operators import _cleanup_result, _removal_journal
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.contexts import task_context
from tests.support.policies import keep

WHERE = r"payments/api \(.*us-east-1"


def refuse_to_delete(bench: Any, message: str, **settings: Any) -> None:
    before = bench.digests()
    summary = bench.preview()
    with pytest.raises(CleanupBlockedError, match=message) as caught:
        bench.operator(summary, **settings).execute(task_context())
    assert "Nothing was changed." in str(caught.value)
    assert bench.digests() == before
    assert not bench.ecr.calls.mutating


@pytest.mark.parametrize("builder", ["cleanup_xcom", "change_marker", "cleanup_table", "render"])
@pytest.mark.parametrize("action", ["delete", "archive"])
def test_a_result_that_cannot_be_built_is_noticed_before_the_first_change(
    bench: Any, monkeypatch: pytest.MonkeyPatch, builder: str, action: str
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise TypeError("not a text")

    monkeypatch.setattr(_cleanup_result, builder, fail)
    refuse_to_delete(bench, rf"{WHERE}.* cannot be built \(TypeError: not a text\)", action=action)


@pytest.mark.parametrize("bad", [float("nan"), {1}, "\ud800"])
def test_a_result_that_is_not_json_is_noticed_before_the_first_change(
    bench: Any, monkeypatch: pytest.MonkeyPatch, bad: object
) -> None:
    build = _cleanup_result.cleanup_xcom
    monkeypatch.setattr(_cleanup_result, "cleanup_xcom", lambda *a, **k: {**build(*a, **k), "cost": bad})
    refuse_to_delete(bench, f"{WHERE}.* cannot be built")


def test_a_list_that_cannot_be_written_is_noticed_before_the_first_change(
    bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise PermissionError("read-only")

    monkeypatch.setattr(_removal_journal, "line_list", fail)
    path = f"file://{tmp_path}/results.jsonl.gz"
    refuse_to_delete(bench, rf"results.jsonl.gz \(PermissionError: read-only\).*{WHERE}", results_path=path)


def test_only_the_repositories_whose_result_cannot_be_built_are_named(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.ecr.create_repository("payments/web", policy=keep(10))
    bench.ecr.push_many("payments/web", 20, newest_days_ago=40)
    build = _cleanup_result.cleanup_xcom

    def fail_for_one(cleanups: Any, **kwargs: Any) -> Any:
        if any(cleanup.repository.repository_name == "payments/web" for cleanup in cleanups):
            raise KeyError("priority")
        return build(cleanups, **kwargs)

    monkeypatch.setattr(_cleanup_result, "cleanup_xcom", fail_for_one)
    summaries = [bench.preview(), bench.preview("payments/web")]
    with pytest.raises(CleanupBlockedError, match=r"clean-up of payments/web \(") as caught:
        bench.operator(summaries).execute(task_context())
    assert "payments/api" not in str(caught.value)
    assert not bench.ecr.calls.mutating


@pytest.mark.changes_registry
def test_a_clean_up_with_nothing_to_do_is_not_rehearsed(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.clean_up(bench.preview())
    monkeypatch.setattr(_cleanup_result.CleanupResult, "_error_of", lambda *_: ValueError("not needed"))
    assert bench.clean_up(bench.preview())["status"] == "nothing_to_do"


def test_a_clean_up_that_dies_after_its_first_call_leaves_a_list_of_what_it_planned(
    bench: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, planned = f"file://{tmp_path}/results.jsonl.gz", bench.digests()[:10]

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("airflow_provider_ecr_preview.engine.image_removal.ImageRemoval.run", die)
    with pytest.raises(SystemExit):
        bench.operator(bench.preview(), results_path=path).execute(task_context())
    assert sorted(line["image_digest"] for line in read_lines(path)) == sorted(planned)
    assert {line["status"] for line in read_lines(path)} == {"not_attempted"}


@pytest.mark.changes_registry
def test_mapped_clean_ups_with_one_path_keep_both_lists(bench: Any, tmp_path: Path) -> None:
    bench.ecr.create_repository("payments/web", policy=keep(10))
    bench.ecr.push_many("payments/web", 20, newest_days_ago=40)
    path, kept = f"file://{tmp_path}/results.jsonl.gz", {}
    for index, name in enumerate(["payments/api", "payments/web"]):
        context = task_context(ti=mock.Mock(map_index=index, try_number=1))
        operator = bench.operator(bench.preview(name), results_path=path)
        operator.pre_execute(context)
        kept[name] = operator.execute(context)["results_uri"]
    for name, uri in kept.items():
        assert [line["repository_name"] for line in read_lines(uri)] == [name] * 10
