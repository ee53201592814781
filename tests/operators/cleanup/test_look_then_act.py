"""Between a look and a call nothing waits; what has to stay is looked at, too; what is about to go is written down first."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.local import AccessDenied, Call, Fault, LostReply, Meanwhile, Registry, throttled
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.policies import keep

REPOSITORY = "payments/api"

pytestmark = pytest.mark.changes_registry


@dataclass
class Stop:
    """The event that stops a task; somebody else acts while the task waits for it."""

    while_waiting: Callable[[], object] = lambda: None
    waits: list[float] = field(default_factory=list)
    is_stopped: bool = False

    def set(self) -> None:
        self.is_stopped = True

    def is_set(self) -> bool:
        return self.is_stopped

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.while_waiting()
        return self.is_stopped


@dataclass
class AfterDeletion(Fault):
    """Somebody else acts after a deletion."""

    act: Callable[[], object]
    operation = "BatchDeleteImage"

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        self.act()
        return reply


@dataclass
class BeforeDeletion(Fault):
    """Somebody else acts after the last look before a deletion."""

    act: Callable[[], object]
    operation = "BatchDeleteImage"

    def before(self, call: Call, registry: Registry) -> None:
        self.act()


def run(operator: Any, stop: Stop | None = None, **context: Any) -> Any:
    """Run an operator and return its result, whether the task fails or not."""
    if stop is not None:
        operator.__dict__["_stop"] = stop
    full: Any = {"ti": mock.Mock(spec=["xcom_push", "try_number"], try_number=1), **context}
    try:
        return operator.execute(full)
    except (CleanupBlockedError, CleanupIncompleteError):
        return full["ti"].xcom_push.call_args.kwargs["value"]


def remove(bench: Any, *digests: str) -> None:
    """Delete images as somebody else does."""
    repository = bench.ecr.repository(REPOSITORY)
    repository.images = [image for image in repository.local_images if image.get_image_digest() not in digests]


class TestThrottled:
    def test_an_image_that_is_tagged_while_the_call_is_throttled_stays(self, bench: Any) -> None:
        digests = bench.digests()
        stop = Stop(lambda: bench.tag(digests[4], "prod"))
        bench.ecr.inject(throttled("ThrottleException"), "BatchDeleteImage", calls=2)
        result = run(bench.operator(bench.preview()), stop)
        assert digests[4] in bench.digests()
        assert result["repositories"][0]["spared"] == {"changed_meanwhile": 1}
        assert (result["status"], result["touched_image_count"], len(stop.waits)) == ("done", 9, 2)

    def test_each_archived_image_has_a_look_of_its_own(self, bench: Any) -> None:
        digests = bench.digests()
        # Somebody else tags the last one as soon as the first one is archived.
        bench.ecr.inject(Meanwhile(lambda: bench.tag(digests[9], "prod")), "UpdateImageStorageClass")
        result = run(bench.operator(bench.preview(), action="archive"))
        stays = bench.ecr.repository(REPOSITORY).find({"imageDigest": digests[9]})
        assert (stays.status, result["touched_image_count"]) == ("ACTIVE", 9)

    def test_an_image_that_stays_throttled_has_failed_with_the_code(self, bench: Any) -> None:
        bench.ecr.inject(throttled("ThrottleException"), "BatchDeleteImage", calls=None)
        stop = Stop()
        result = run(bench.operator(bench.preview()), stop)
        repository = result["repositories"][0]
        assert (result["status"], repository["failures"]) == ("incomplete", {"ThrottleException": 10})
        assert (repository["error"], len(bench.digests())) == ("ThrottledError", 20)
        assert len(stop.waits) == 20
        assert sum(stop.waits) <= 120

    def test_a_stopped_task_does_not_wait_any_longer(self, bench: Any) -> None:
        bench.ecr.inject(throttled(), "BatchDeleteImage", calls=None)
        stop = Stop()
        stop.while_waiting = stop.set
        result = run(bench.operator(bench.preview()), stop)
        assert (result["status"], result["repositories"][0]["failures"]) == ("stopped", {"ThrottlingException": 10})
        assert bench.ecr.calls.count("BatchDeleteImage") == len(stop.waits) == 1

    def test_a_look_that_is_throttled_is_waited_out_and_nothing_was_sent(self, bench: Any) -> None:
        summary = bench.preview()
        bench.ecr.calls.clear()
        bench.ecr.inject(throttled(), "DescribeImages", skip=2, calls=None)
        result = run(bench.operator(summary), Stop())
        assert result["repositories"][0]["not_attempted_image_count"] == 10
        assert result["repositories"][0]["error"] == "ThrottledError"
        assert not bench.ecr.calls.mutating


class TestLostReplies:
    def test_an_image_that_is_missing_after_a_lost_reply_counts_as_deleted_by_this_task(self, bench: Any) -> None:
        bench.ecr.inject(LostReply(), "BatchDeleteImage")
        result = run(bench.operator(bench.preview()), Stop())
        assert (result["touched_image_count"], result["reply_lost_image_count"]) == (10, 10)
        assert result["repositories"][0]["gone_image_count"] == 0

    def test_what_cannot_be_looked_up_after_a_lost_reply_is_unknown_and_the_next_attempt_looks_it_up(
        self, bench: Any, tmp_path: Path
    ) -> None:
        summary, path = bench.preview(), f"file://{tmp_path}/results.jsonl.gz"
        bench.ecr.inject(LostReply(), "BatchDeleteImage")
        blind = bench.ecr.inject(AccessDenied(), "DescribeImages", calls=None)
        blind.removed = True
        stop = Stop(lambda: setattr(blind, "removed", False))
        first = run(bench.operator(summary, results_path=path), stop)
        assert first["repositories"][0]["unknown_image_count"] == 10
        blind.removed = True
        second = run(bench.operator(summary, results_path=path))
        assert (second["status"], second["touched_image_count"]) == ("done", 10)
        assert (second["reply_lost_image_count"], second["earlier_attempt_image_count"]) == (10, 10)

    def test_an_image_that_somebody_else_deletes_before_the_call_counts_as_already_gone(self, bench: Any) -> None:
        digests = bench.digests()
        summary = bench.preview()
        bench.ecr.calls.clear()
        bench.ecr.inject(Meanwhile(lambda: remove(bench, digests[0])), "DescribeImages", skip=2, calls=1)
        result = run(bench.operator(summary))
        assert (result["status"], result["touched_image_count"], result["reply_lost_image_count"]) == ("done", 9, 0)
        assert result["repositories"][0]["gone_image_count"] == 1


class TestTheFloor:
    def test_what_was_to_stay_and_is_removed_before_the_first_batch_blocks(self, bench: Any) -> None:
        bench.ecr.put_policy(REPOSITORY, keep(1))
        digests = bench.digests()
        summary = bench.preview()
        # The inventory is one call; somebody else removes the one image that was to stay right after it.
        bench.ecr.calls.clear()
        bench.ecr.inject(Meanwhile(lambda: remove(bench, digests[-1])), "DescribeImages", calls=1)
        result = run(bench.operator(summary, max_share=None, newest_images_kept=0))
        assert (result["status"], len(bench.digests())) == ("blocked", 19)
        assert bench.check(result, "images_left")["verdict"] == "blocked"
        assert not bench.ecr.calls.mutating

    @pytest.mark.parametrize("act", ["remove", "archive"])
    def test_what_was_to_stay_and_goes_between_two_batches_ends_the_clean_up(
        self, bench: Any, act: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ecr_preview.engine.image_removal.MAX_BATCH", 5)
        bench.ecr.put_policy(REPOSITORY, keep(1))
        newest = bench.digests()[-1]
        image = bench.ecr.repository(REPOSITORY).find({"imageDigest": newest})
        acts = {"remove": lambda: remove(bench, newest), "archive": lambda: image.archive(datetime.now(UTC))}
        bench.ecr.inject(AfterDeletion(acts[act]), skip=1)
        result = run(bench.operator(bench.preview(), max_share=None, newest_images_kept=0))
        repository = result["repositories"][0]
        assert (result["status"], repository["touched_image_count"]) == ("blocked", 8)
        assert bench.check(result, "images_left")["verdict"] == "blocked"
        assert (repository["not_attempted_image_count"], repository["spared"]) == (10, {"minimum_images_left": 1})
        assert len(bench.digests()) == 20 - 8 - (act == "remove")

    def test_an_image_that_becomes_the_newest_while_the_clean_up_runs_stays(
        self, bench: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ecr_preview.engine.image_removal.MAX_BATCH", 5)
        digests = bench.digests()
        bench.ecr.inject(AfterDeletion(lambda: remove(bench, *digests[10:])), skip=0)
        result = run(bench.operator(bench.preview(), minimum_images_left=1, newest_images_kept=1))
        assert digests[9] in bench.digests()
        assert (result["status"], result["repositories"][0]["spared"]) == ("blocked", {"newest": 1})

    def test_two_clean_ups_at_the_same_time_never_empty_a_repository_together(self, bench: Any) -> None:
        # One may take everything older, the other the newest: each leaves enough by itself.
        digests = bench.digests()
        for number, digest in enumerate(digests):
            bench.tag(digest, f"build-{number}")
        of_newest = {"tagStatus": "tagged", "tagPatternList": ["build-19"], "countType": "sinceImagePushed"}
        new = {"rules": [{**keep(1)["rules"][0], "selection": {**of_newest, "countUnit": "days", "countNumber": 1}}]}
        first = bench.preview(lifecycle_policy_text=keep(1))
        second = bench.preview(lifecycle_policy_text=new)
        settings: dict[str, Any] = {"max_share": None, "newest_images_kept": 0, "minimum_images_left": 0}
        settings["ignored_findings"] = ["newest_image_expires", "would_empty_repository"]
        other = bench.operator(first, lifecycle_policy_text=keep(1), **settings)
        # The other one runs to its end between the last look of this one and its call.
        bench.ecr.inject(BeforeDeletion(lambda: run(other)), calls=1)
        spared = run(bench.operator(second, lifecycle_policy_text=new, **settings))
        assert spared["repositories"][0]["spared"] == {"minimum_images_left": 1}
        assert digests[-1] in bench.digests()
        bench.ecr._injections.clear()
        run(bench.operator(first, lifecycle_policy_text=keep(1), **settings))
        assert bench.digests() == digests[-1:]


class TestWrittenDown:
    def test_with_neither_a_store_nor_a_path_an_act_in_earnest_warns(
        self, bench: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        def is_warned_of() -> bool:
            return "results_path is not set" in caplog.text

        summary = bench.preview()
        with caplog.at_level(logging.WARNING):
            run(bench.operator(summary, dry_run=True))
            run(bench.operator(summary, results_path=f"file://{tmp_path}/results.jsonl.gz"))
            assert not is_warned_of()
            run(bench.operator(bench.preview(), max_images=1))
        assert is_warned_of()

    def test_what_cannot_be_written_down_is_not_deleted(self, bench: Any) -> None:
        store = mock.Mock(spec=["get", "set"], get=mock.Mock(return_value=None))
        store.set.side_effect = OSError("the disk is full")
        result = run(bench.operator(bench.preview()), task_state_store=store)
        repository = result["repositories"][0]
        assert (result["status"], repository["error"]) == ("incomplete", "JournalUnwritableError")
        assert "the disk is full" in repository["message"]
        assert not bench.ecr.calls.mutating

    def test_what_was_deleted_is_in_the_result_where_it_cannot_be_written_down_afterwards(self, bench: Any) -> None:
        store = mock.Mock(spec=["get", "set"], get=mock.Mock(return_value=None))
        store.set.side_effect = [None, OSError("the disk is full"), OSError("still")]
        result = run(bench.operator(bench.preview()), task_state_store=store)
        assert (result["status"], result["touched_image_count"]) == ("done", 10)

    def test_what_earlier_attempts_did_and_cannot_be_read_blocks(self, bench: Any) -> None:
        store = mock.Mock(spec=["get", "set"], get=mock.Mock(side_effect=OSError("no route")))
        with pytest.raises(CleanupBlockedError, match="no route"):
            bench.operator(bench.preview()).execute({"ti": mock.Mock(try_number=2), "task_state_store": store})
        assert not bench.ecr.calls.mutating

    def test_a_file_of_something_else_at_the_results_path_is_written_over(self, bench: Any, tmp_path: Path) -> None:
        (tmp_path / "results.jsonl.gz").write_text("something else")
        path = f"file://{tmp_path}/results.jsonl.gz"
        assert run(bench.operator(bench.preview(), results_path=path))["status"] == "done"
        assert len([*read_lines(path)]) == 10

    def test_a_task_that_is_cleared_after_its_success_reports_what_it_had_deleted(
        self, bench: Any, tmp_path: Path
    ) -> None:
        summary, path = bench.preview(), f"file://{tmp_path}/results.jsonl.gz"
        run(bench.operator(summary, results_path=path))
        again = run(bench.operator(summary, results_path=path), ti=mock.Mock(try_number=2))
        assert (again["status"], again["touched_image_count"], again["earlier_attempt_image_count"]) == ("done", 10, 10)
        assert {line["attempt"] for line in read_lines(path)} == {1}
        # Another preview is another approval: what is gone is gone.
        fresh = run(bench.operator(bench.preview(), results_path=path))
        assert (fresh["status"], fresh["touched_image_count"]) == ("nothing_to_do", 0)

    @pytest.mark.parametrize("action", ["delete", "archive"])
    def test_a_retry_completes_where_only_the_fingerprint_of_the_approved_images_is_known(
        self, bench: Any, tmp_path: Path, action: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ecr_preview.engine.image_removal.MAX_BATCH", 11)
        bench.ecr.push_many(REPOSITORY, 20, newest_days_ago=370, oldest_days_ago=600, tags=lambda _: ())
        summary = bench.preview(listed=False)
        assert len(summary["sample"]) < summary["expiring_image_count"] == 30
        settings = {"action": action, "check_tags": False, "max_share": None}
        settings["results_path"] = f"file://{tmp_path}/results.jsonl.gz"
        operation = "BatchDeleteImage" if action == "delete" else "UpdateImageStorageClass"
        with bench.ecr.inject(AccessDenied(), operation, skip=1, calls=None):
            first = run(bench.operator(summary, **settings))
        assert 0 < first["touched_image_count"] < 30
        second = run(bench.operator(summary, **settings), ti=mock.Mock(try_number=2))
        assert (second["status"], second["touched_image_count"]) == ("done", 30)
        assert second["earlier_attempt_image_count"] == first["touched_image_count"]

    def test_limits_count_what_earlier_attempts_did(
        self, bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_ecr_preview.engine.image_removal.MAX_BATCH", 5)
        summary, path = bench.preview(), f"file://{tmp_path}/results.jsonl.gz"
        digests = bench.digests()
        with bench.ecr.inject(AccessDenied(), "BatchDeleteImage", skip=1, calls=None):
            assert run(bench.operator(summary, results_path=path))["touched_image_count"] == 4
        result = run(bench.operator(summary, results_path=path, max_images=9), ti=mock.Mock(try_number=2))
        assert bench.check(result, "max_images")["message"] == "The number of images is 10; max_images is 9."
        assert (result["status"], result["touched_image_count"]) == ("blocked", 4)
        assert bench.digests() == digests[4:]
        # A share is one of what was there before the first attempt: 10 of 20.
        done = run(bench.operator(summary, results_path=path, max_share=0.5), ti=mock.Mock(try_number=3))
        assert (done["status"], done["touched_image_count"]) == ("done", 10)

    def test_the_parts_are_next_to_the_list_and_name_the_images(self, bench: Any, tmp_path: Path) -> None:
        named: list[str] = []

        def read() -> None:
            (part,) = tmp_path.rglob("results.jsonl.gz.parts/*/001/*.jsonl")
            (entry,) = map(json.loads, part.read_text().splitlines())
            named.extend(image["image_digest"] for image in entry["about_to_send"]["images"])

        bench.ecr.inject(Meanwhile(read), "BatchDeleteImage")
        digests = bench.digests()
        run(bench.operator(bench.preview(), results_path=f"file://{tmp_path}/results.jsonl.gz"))
        assert named == digests[:10]
        assert not list(tmp_path.rglob("*.parts"))
