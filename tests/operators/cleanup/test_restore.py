"""A restore says what it cannot check, what it has nothing for, and what the policies that it restores would take."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import (
    CleanupBlockedError,
    CleanupIncompleteError,
    InvalidLifecyclePolicyError,
    PreviewFailedError,
    PreviewTimeoutError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange
from airflow_provider_ecr_preview.engine.restored_previews import RestoredPreviews
from airflow_provider_ecr_preview.local import AccessDenied, PreviewFails
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.reports.lists import line_list, read_lines
from tests.support.policies import keep

REPOSITORY = "payments/api"

pytestmark = pytest.mark.changes_registry


def run(operator: Any, run_id: str = "run 1", try_number: int = 1) -> Any:
    """Run an operator, and return its result whether the task fails or not."""
    ti = mock.Mock(spec=["xcom_push", "run_id", "try_number", "map_index"])
    ti.run_id, ti.try_number, ti.map_index = run_id, try_number, -1
    try:
        return operator.execute({"ti": ti})
    except (CleanupBlockedError, CleanupIncompleteError):
        return ti.xcom_push.call_args.kwargs["value"]


def restore(applied: Any, **kwargs: Any) -> Any:
    settings = {"dry_run": False, "poll_interval": 0.05}
    return run(EcrRestoreLifecyclePolicyOperator(task_id="restore", applied=applied, **{**settings, **kwargs}))


@pytest.fixture
def put(bench: Any, in_use: Any) -> Any:
    """Return a function that puts a policy that keeps the given number of images."""

    def put(count: int = 12, run_id: str = "run 1", try_number: int = 1, **kwargs: Any) -> Any:
        operator = EcrPutLifecyclePolicyOperator(
            task_id="put",
            summary=bench.preview(lifecycle_policy_text=keep(count)),
            lifecycle_policy_text=keep(count),
            in_use=in_use(),
            **{"dry_run": False, "poll_interval": 0.05, **kwargs},
        )
        return run(operator, run_id, try_number)

    return put


@pytest.fixture
def path(tmp_path: Path) -> str:
    return f"file://{tmp_path}/former.jsonl.gz"


def applied(bench: Any) -> Any:
    return json.loads(bench.ecr.repository(REPOSITORY).lifecycle_policy or "null")


class TestRightPolicy:
    def test_two_runs_that_share_a_file_each_restore_what_they_replaced(self, bench: Any, put: Any, path: str) -> None:
        first = put(12, "run 1", former_policies_path=path)
        bench.ecr.put_policy(REPOSITORY, keep(15))
        second = put(12, "run 2", former_policies_path=path)
        assert restore(second)["status"] == "changed"
        assert applied(bench) == keep(15)
        bench.ecr.put_policy(REPOSITORY, keep(12))
        assert restore(path)["status"] == "changed"
        assert applied(bench) == keep(15)
        bench.ecr.put_policy(REPOSITORY, keep(12))
        assert restore(first)["status"] == "changed"
        assert applied(bench) == keep(10)

    def test_a_file_that_was_written_again_is_refused(self, bench: Any, put: Any, path: str) -> None:
        result = put(former_policies_path=path)
        (line,) = read_lines(path)
        other = LifecyclePolicy.parse(keep(3))
        with line_list(path) as lines:
            lines.write(
                {
                    **line,
                    "former_lifecycle_policy_text": other.text,
                    "former_policy_fingerprint": other.fingerprint,
                }
            )
        result["repositories"][0]["former_lifecycle_policy_text"] = None
        bench.ecr.calls.clear()
        with pytest.raises(ValueError, match="the file was written again since"):
            restore(result)
        assert not bench.ecr.calls.mutating

    def test_restoring_from_the_file_alone_warns_that_nothing_was_checked(self, put: Any, path: str) -> None:
        put(former_policies_path=path)
        restored = restore(path)
        assert (restored["status"], restored["changed_repository_count"]) == ("changed", 1)
        assert "unchecked" in restored["message"]

    def test_a_put_that_is_tried_again_keeps_what_was_there_before_it(self, bench: Any, put: Any, path: str) -> None:
        put(former_policies_path=path)
        again = put(former_policies_path=path, try_number=2)
        assert again["put_repository_count"] == 1
        assert restore(again)["status"] == "changed"
        assert applied(bench) == keep(10)

    def test_a_restore_can_be_taken_back(self, bench: Any, put: Any) -> None:
        restored = restore(put())
        assert applied(bench) == keep(10)
        assert restore(restored)["status"] == "changed"
        assert applied(bench) == keep(12)


class TestNothingToRestore:
    def test_a_retried_put_without_a_path_warns_and_so_does_the_restore(self, bench: Any, put: Any) -> None:
        put()
        again = put(try_number=2)
        assert "only the log of that attempt" in again["repositories"][0]["message"]
        restored = restore(again)
        (row,) = restored["repositories"]
        assert (restored["status"], row["status"]) == ("unchanged", "unchanged")
        assert "nothing to restore" in restored["message"]
        assert "the log of that attempt has the former policy" in row["message"]
        assert row["policy_fingerprint"] == row["former_policy_fingerprint"] is not None
        assert applied(bench) == keep(12)

    def test_a_dry_run_and_a_blocked_put_have_nothing(self, put: Any) -> None:
        assert "dry run" in restore(put(dry_run=True))["message"]
        blocked = put(max_images=1)
        restored = restore(blocked)
        assert (restored["status"], "blocked" in restored["repositories"][0]["message"]) == ("unchanged", True)

    def test_it_warns_even_if_the_applied_policy_cannot_be_read(self, bench: Any, put: Any) -> None:
        result = put(max_images=1)
        bench.ecr.inject(AccessDenied(), "GetLifecyclePolicy", calls=None)
        assert restore(result)["repositories"][0]["policy_fingerprint"] is None


class TestPreview:
    def test_the_images_that_a_restored_policy_would_affect_are_reported_before_it_is_put(
        self, bench: Any, put: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        result = put()
        bench.ecr.calls.clear()
        restored = restore(result)
        assert restored["repositories"][0]["restored_preview"] == {
            "expiring_image_count": 10,
            "archiving_image_count": 0,
        }
        assert "ECR will delete 10 and archive 0 of the images" in caplog.text
        operations = [call.operation for call in bench.ecr.calls]
        assert operations.index("GetLifecyclePolicyPreview") < operations.index("PutLifecyclePolicy")

    def test_a_dry_run_reports_them_too_and_a_policy_that_is_removed_is_not_previewed(
        self, bench: Any, put: Any
    ) -> None:
        assert restore(put(), dry_run=True)["repositories"][0]["restored_preview"]["expiring_image_count"] == 10
        bench.ecr.client().delete_lifecycle_policy(repositoryName=REPOSITORY)
        result = put()
        bench.ecr.calls.clear()
        assert restore(result)["repositories"][0]["restored_preview"] is None
        assert not bench.ecr.calls.count("StartLifecyclePolicyPreview")

    @pytest.mark.parametrize(
        ("fault", "operation"),
        [(AccessDenied(), "StartLifecyclePolicyPreview"), (PreviewFails(), None)],
    )
    def test_a_preview_that_fails_is_reported_and_does_not_block(
        self, bench: Any, put: Any, fault: Any, operation: str | None
    ) -> None:
        result = put()
        bench.ecr.inject(fault, operation, calls=None)
        restored = restore(result)
        (row,) = restored["repositories"]
        assert (row["status"], row["restored_preview"]) == ("changed", None)
        assert row["message"].startswith("It is unknown how many images the restored policy affects: ")
        assert applied(bench) == keep(10)

    def test_it_can_be_switched_off(self, bench: Any, put: Any) -> None:
        result = put()
        bench.ecr.calls.clear()
        assert restore(result, preview_restored=False)["status"] == "changed"
        assert not bench.ecr.calls.count("StartLifecyclePolicyPreview")


class TestPreviews:
    """Without an ECR, where the clock is turned by hand."""

    POLICY = LifecyclePolicy.from_service(
        json.dumps(
            {
                "rules": [
                    {
                        "rulePriority": 1,
                        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
                        "action": {"type": "expire"},
                    }
                ]
            }
        )
    )

    def changes(self, count: int) -> list[PolicyChange]:
        return [PolicyChange(RepositoryId("1", "r", f"a/{number}"), self.POLICY, None) for number in range(count)]

    def status(self, name: str, expiring: int | None = 3) -> PreviewStatus:
        return PreviewStatus("1", name, "r", "COMPLETE", self.POLICY, expiring, {"ARCHIVE": 2})

    def test_all_previews_together_have_one_time(self) -> None:
        clock, hook = mock.Mock(return_value=0.0), mock.Mock()

        def wait(name: str, **kwargs: Any) -> PreviewStatus:
            assert kwargs["timeout"] == max(300.0 - clock.return_value, 0.0)
            clock.return_value += 20.0
            return self.status(name)

        hook.start_preview.side_effect = lambda name, *_, **__: self.status(name, None)
        hook.wait_for_preview.side_effect = wait
        previewed = RestoredPreviews(lambda _: hook, clock=clock).of(self.changes(45))
        assert [change.restored_preview is None for change in previewed] == [False] * 20 + [True] * 25
        assert "not complete after 300 s" in str(previewed[-1].note)
        assert previewed[0].restored_preview == {"expiring_image_count": 3, "archiving_image_count": 2}

    @pytest.mark.parametrize(
        "error", [InvalidLifecyclePolicyError([]), PreviewFailedError("x", repository_name="a"), RuntimeError("odd")]
    )
    @pytest.mark.parametrize("method", ["start_preview", "wait_for_preview"])
    def test_every_failure_is_reported(self, error: Exception, method: str) -> None:
        hook = mock.Mock()
        hook.start_preview.side_effect = lambda name, *_, **__: self.status(name)
        getattr(hook, method).side_effect = error
        (change,) = RestoredPreviews(lambda _: hook).of(self.changes(1))
        assert (change.restored_preview, str(error) in str(change.note)) == (None, True)

    def test_a_timeout_is_reported_with_the_time_of_all_previews_and_not_with_the_rest_of_it(self) -> None:
        hook = mock.Mock()
        hook.start_preview.side_effect = lambda name, *_, **__: self.status(name)
        hook.wait_for_preview.side_effect = PreviewTimeoutError("still IN_PROGRESS after 0.7 s", repository_name="a")
        (change,) = RestoredPreviews(lambda _: hook, timeout=90.0).of(self.changes(1))
        assert "not complete after 90 s" in str(change.note)

    def test_a_preview_without_counts_does_not_count_as_none(self) -> None:
        hook = mock.Mock()
        hook.start_preview.side_effect = lambda name, *_, **__: self.status(name)
        hook.wait_for_preview.side_effect = lambda name, **_: self.status(name, None)
        (change,) = RestoredPreviews(lambda _: hook).of(self.changes(1))
        assert (change.restored_preview, "no counts" in str(change.note)) == (None, True)
