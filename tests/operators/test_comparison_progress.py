"""A comparison that ended early continues where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.engine import comparison_progress, policy_comparer
from airflow_provider_ecr_preview.local import AccessDenied, LocalEcr
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.contexts import TaskStateStore
from tests.support.policies import keep

NAMES = [f"team/{number:02}" for number in range(6)]


@pytest.fixture
def registry(local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> LocalEcr:
    monkeypatch.setattr(policy_comparer, "BATCH_SIZE", 3)
    for name in NAMES:
        local_ecr.create_repository(name, policy=keep(8))
        local_ecr.push_many(name, 10)
    local_ecr.calls.clear()
    return local_ecr


def compare(store: TaskStateStore | None, try_number: int = 1, **kwargs: Any) -> Any:
    arguments = {
        "repository_names": NAMES,
        "lifecycle_policy_text": keep(4),
        "fail_on_finding": None,
        "max_workers": 1,
        **kwargs,
    }
    ti = mock.Mock(spec=["xcom_push", "try_number", "run_id", "map_index"])
    ti.try_number, ti.run_id, ti.map_index = try_number, "run", -1
    context: Any = {"ti": ti, **({} if store is None else {"task_state_store": store})}
    return EcrCompareLifecyclePoliciesOperator(task_id="compare", **arguments).execute(context)


def essence(value: Any) -> Any:
    return {key: value[key] for key in value if key not in ("compared_at", "results_uri")}


@pytest.mark.parametrize("place", ["store", "files"])
@pytest.mark.parametrize("method", ["preview", "simulation", "both"])
def test_a_retry_repeats_no_repository_that_was_read(
    registry: LocalEcr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, method: str
) -> None:
    whole = compare(None, method=method, results_path=f"file://{tmp_path}/whole.jsonl.gz")
    store = TaskStateStore() if place == "store" else None
    path = f"file://{tmp_path}/results.jsonl.gz"
    compared = policy_comparer.compare_effects
    calls = 0

    def compare_four(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise KeyboardInterrupt
        return compared(*args)

    monkeypatch.setattr(policy_comparer, "compare_effects", compare_four)
    with pytest.raises(KeyboardInterrupt):
        compare(store, method=method, results_path=path)
    monkeypatch.setattr(policy_comparer, "compare_effects", compared)
    registry.calls.clear()
    value = compare(store, 2, method=method, results_path=path)
    assert not registry.calls.operations, "everything was read before the first attempt ended"
    assert essence(value) == essence(whole)
    assert [*read_lines(path)] == [*read_lines(f"file://{tmp_path}/whole.jsonl.gz")]
    assert not (store.values if store else [*tmp_path.rglob("*.parts/**/*.jsonl")])


def test_a_preview_that_was_started_is_not_started_again(registry: LocalEcr, monkeypatch: pytest.MonkeyPatch) -> None:
    store = TaskStateStore()
    read = policy_comparer.EffectsInMemory.open
    monkeypatch.setattr(policy_comparer.EffectsInMemory, "open", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        compare(store)
    monkeypatch.setattr(policy_comparer.EffectsInMemory, "open", read)
    compare(store, 2)
    starts = [call.repository for call in registry.calls if call.operation == "StartLifecyclePolicyPreview"]
    assert len(starts) == 2 * len(NAMES)


def test_a_repository_that_failed_is_compared_again(registry: LocalEcr) -> None:
    store = TaskStateStore()
    with (
        registry.inject(AccessDenied(), "DescribeImages", NAMES[1], calls=None),
        pytest.raises(exceptions.CandidateRefusedError),
    ):
        compare(store)
    registry.calls.clear()
    assert compare(store, 2)["failed_count"] == 0
    assert {call.repository for call in registry.calls} == {NAMES[1]}
    assert not store.values


@pytest.mark.parametrize("change", ["policy", "age"])
def test_what_another_comparison_left_is_not_used(
    registry: LocalEcr, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    store = TaskStateStore()
    compared = policy_comparer.compare_effects
    monkeypatch.setattr(policy_comparer, "compare_effects", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        compare(store)
    monkeypatch.setattr(policy_comparer, "compare_effects", compared)
    if change == "age":
        monkeypatch.setattr(comparison_progress, "MAX_EFFECT_AGE", -1.0)
    registry.calls.clear()
    arguments = {"lifecycle_policy_text": keep(3)} if change == "policy" else {}
    value = compare(store, 2, **arguments)
    assert registry.calls.count("StartLifecyclePolicyPreview") == 2 * len(NAMES)
    assert value["policies"][1]["expiring_image_count"] == (42 if change == "policy" else 36)
