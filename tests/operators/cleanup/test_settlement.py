"""A reconciliation says who did what a clean-up had no reply to."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LostReply, throttled
from airflow_provider_ecr_preview.operators.ecr_reconcile import EcrReconcileLifecycleOperator
from tests.operators.cleanup.collected import REPOSITORY
from tests.support.contexts import task_context

pytestmark = pytest.mark.changes_registry


def settled(clean_up: Any) -> Any:
    operator = EcrReconcileLifecycleOperator(task_id="reconcile", summary=[], clean_up=clean_up)
    value = operator.execute(task_context())
    assert json.loads(json.dumps(value)) == value
    return value["clean_up"]


def cleaned_up(bench: Any, tmp_path: Path, action: str = "delete") -> Any:
    """Clean up, with no reply to the only deletion, or to the first archiving."""
    operation = "BatchDeleteImage" if action == "delete" else "UpdateImageStorageClass"
    with bench.ecr.inject(LostReply(), operation):
        results = f"file://{tmp_path}/results.jsonl.gz"
        return bench.clean_up(bench.preview(), action=action, results_path=results)


@pytest.mark.parametrize(("action", "count"), [("delete", 10), ("archive", 1)])
def test_what_the_clean_up_did_is_confirmed_by_its_own_call(
    bench: Any, tmp_path: Path, action: str, count: int
) -> None:
    clean_up = cleaned_up(bench, tmp_path, action)
    assert clean_up["reply_lost_image_count"] == count
    value = settled(clean_up)
    assert (value["image_count"], value["counts"], value["unread"]) == (count, {"confirmed": count}, None)
    assert value["images"][0]["caller"].startswith("arn:aws:sts::123456789012:")
    assert settled(json.dumps(clean_up)) == value


def altered(bench: Any, **identity: str) -> None:
    """Let somebody else have sent the calls."""
    events = list(bench.ecr.events)
    bench.ecr.events.clear()
    for event in events:
        bench.ecr.events.record(dataclasses.replace(event, record={**event.record, "userIdentity": identity}))


def test_a_change_by_somebody_else_is_reported_with_who_made_it(bench: Any, tmp_path: Path) -> None:
    clean_up = cleaned_up(bench, tmp_path)
    altered(bench, arn="arn:aws:sts::123456789012:assumed-role/janitor/cron")
    value = settled(clean_up)
    assert value["counts"] == {"done_by_other": 10}
    assert value["images"][0]["caller"] == "arn:aws:sts::123456789012:assumed-role/janitor/cron"


def test_without_an_event_what_is_there_differs_from_what_is_not_known(bench: Any, tmp_path: Path) -> None:
    images = [*bench.ecr.repository(REPOSITORY).local_images]
    clean_up = cleaned_up(bench, tmp_path)
    bench.ecr.events.clear()
    assert settled(clean_up)["counts"] == {"not_known": 10}
    bench.ecr.repository(REPOSITORY).images = images
    assert settled(clean_up)["counts"] == {"still_there": 10}


@pytest.mark.parametrize("damage", ["not JSON", {}, {"requestParameters": None}])
def test_an_event_that_cannot_be_understood_is_named_and_confirms_nothing(
    bench: Any, tmp_path: Path, damage: Any
) -> None:
    clean_up = cleaned_up(bench, tmp_path)
    (event,) = (event for event in bench.ecr.events if event.record["eventName"] == "BatchDeleteImage")
    bench.ecr.events.clear()
    record = (
        damage if isinstance(damage, str) else {"eventName": "BatchDeleteImage", "eventSource": "ecr.amazonaws.com"}
    )
    bench.ecr.events.record(dataclasses.replace(event, record=record))
    value = settled(clean_up)
    assert value["counts"] == {"not_known": 10}
    assert "cannot be understood" in value["unread"]


def test_a_call_after_the_clean_up_confirms_nothing(bench: Any, tmp_path: Path) -> None:
    clean_up = cleaned_up(bench, tmp_path)
    (event,) = (event for event in bench.ecr.events if event.record["eventName"] == "BatchDeleteImage")
    bench.ecr.events.clear()
    later = event.happened_at + timedelta(hours=1)
    record = {**event.record, "eventTime": f"{later:%Y-%m-%dT%H:%M:%SZ}"}
    bench.ecr.events.record(dataclasses.replace(event, record=record))
    assert settled(clean_up)["counts"] == {"not_known": 10}


def test_an_event_history_that_cannot_be_read_is_named(bench: Any, tmp_path: Path) -> None:
    clean_up = cleaned_up(bench, tmp_path)
    bench.ecr.inject(throttled("AccessDeniedException"), "LookupEvents", calls=None)
    value = settled(clean_up)
    assert value["counts"] == {"not_known": 10}
    assert "cloudtrail:LookupEvents" in value["unread"]


def test_what_is_no_result_of_a_clean_up_or_has_no_list_is_an_error(bench: Any, tmp_path: Path) -> None:
    clean_up = cleaned_up(bench, tmp_path)
    for wrong in (5, {"schema": "x"}, [], {**clean_up, "results_uri": None}, {**clean_up, "reply_lost_image_count": 3}):
        with pytest.raises(ValueError, match=r"clean_up|list of results"):
            settled(wrong)
    nothing_lost = {**clean_up, "reply_lost_image_count": 0, "results_uri": None}
    assert settled(nothing_lost)["counts"] == {}
