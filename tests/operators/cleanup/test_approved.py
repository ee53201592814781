"""A clean-up that is bound to an approval touches what was approved, and nothing once that has changed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from airflow.sdk import DAG, BaseOperator

from airflow_provider_ecr_preview.core.cleanup.approval import ApprovedAction, ApprovedRepository, approval_xcom
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.core.preview.stored import PreviewList
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.reports.lists import listed_images
from tests.support.contexts import task_context
from tests.support.policies import keep

pytestmark = pytest.mark.changes_registry

ANSWER = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": "2026-11-23T13:00:00+00:00",
    "responded_by_user": {"id": "7", "name": "ada"},
}


def approved(*summaries: Any, action: ApprovedAction = "delete", dry_run: bool = False, **fields: Any) -> Any:
    repositories = []
    for summary in summaries:
        preview = listed_images(summary)
        assert isinstance(preview, PreviewList)
        repositories.append(ApprovedRepository.of(summary, preview))
    return {**approval_xcom(action, repositories, dry_run=dry_run), **ANSWER, **fields}


def test_the_approved_images_are_deleted_and_the_result_names_the_approver(bench: Any) -> None:
    summary = bench.preview()
    approval = approved(summary)
    result = bench.clean_up(summary, approved=approval)
    assert (result["status"], result["touched_image_count"]) == ("done", 10)
    assert bench.check(result, "approved_unchanged")["verdict"] == "passed"
    assert result["approval"] == {
        "digest": approval["digest"],
        "responded_by": "ada",
        "responded_at": "2026-11-23T13:00:00+00:00",
    }


def test_the_digest_alone_binds_too(bench: Any) -> None:
    summary = bench.preview()
    assert bench.clean_up(summary, approved=approved(summary)["digest"])["status"] == "done"


def test_without_an_approval_the_result_names_none(bench: Any) -> None:
    result = bench.clean_up(bench.preview(), dry_run=True)
    assert result["approval"] is None
    assert bench.check(result, "approval_given")["verdict"] == "off"
    assert bench.check(result, "approved_unchanged")["verdict"] == "off"


def assert_blocked(bench: Any, result: Any, code: str, verdict: str = "blocked") -> None:
    check = bench.check(result, code)
    assert check["verdict"] == verdict, check
    assert check["remedy"]
    assert result["status"] == "blocked"
    assert not bench.ecr.calls.mutating


def test_an_audit_that_was_run_again_blocks(bench: Any) -> None:
    approval = approved(bench.preview())
    assert_blocked(bench, bench.clean_up(bench.preview(), approved=approval), "approved_unchanged")


def test_a_summary_that_was_changed_blocks(bench: Any) -> None:
    summary = bench.preview()
    changed = {**summary, "expiring_bytes_upper_bound": 1}
    assert_blocked(bench, bench.clean_up(changed, approved=approved(summary)), "approved_unchanged")


def test_a_list_that_was_written_again_with_another_tag_blocks(bench: Any) -> None:
    summary = bench.preview()
    approval = approved(summary)
    path = Path(summary["images_uri"].removeprefix("file://"))
    first, *others = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    image = {**json.loads(first), "image_tags": ["renamed"]}
    path.write_bytes(gzip.compress(b"".join([json.dumps(image).encode(), b"\n", *others])))
    assert_blocked(bench, bench.clean_up(summary, approved=approval), "approved_unchanged")
    # Without an approval nothing would say so: tags are in no other fingerprint.
    assert bench.clean_up(summary, check_tags=False)["status"] == "done"


NOT_APPROVED: dict[str, tuple[dict[str, Any], str]] = {
    "rejected": ({"chosen_options": ["Reject"]}, "blocked"),
    "chosen by a timeout": ({"responded_by_user": None}, "blocked"),
    "for something else": ({"action": "archive"}, "blocked"),
    "changed": ({"digest": "0" * 64}, "unknown"),
}


def test_what_was_not_approved_blocks(bench: Any) -> None:
    summary = bench.preview()
    for fields, verdict in NOT_APPROVED.values():
        result = bench.clean_up(summary, approved=approved(summary, **fields))
        assert_blocked(bench, result, "approval_given", verdict)


def test_an_approved_dry_run_deletes_nothing(bench: Any) -> None:
    summary = bench.preview()
    approval = approved(summary, dry_run=True)
    assert_blocked(bench, bench.clean_up(summary, approved=approval), "approval_given")
    assert bench.clean_up(summary, approved=approval, dry_run=True)["status"] == "dry_run"


def test_an_approval_that_left_nothing_is_no_approval(bench: Any) -> None:
    summary = bench.preview()
    with DAG("marked_by_hand", schedule=None):
        operator = bench.operator(summary, approved=BaseOperator(task_id="approve").output)
    operator.approved = None  # what the template makes of a task that has pushed nothing
    with pytest.raises(ValueError, match="marked as successful by hand"):
        operator.execute({"ti": mock.Mock()})
    assert not bench.ecr.calls.mutating


def test_the_parameter_is_a_template_field_of_both() -> None:
    for operator in (EcrDeletePreviewedImagesOperator, EcrPutLifecyclePolicyOperator):
        assert "approved" in operator.template_fields


def put(summary: Any, in_use: Any, policy: Any, **kwargs: Any) -> Any:
    operator = EcrPutLifecyclePolicyOperator(
        task_id="put",
        summary=summary,
        lifecycle_policy_text=policy,
        in_use=in_use(),
        dry_run=False,
        poll_interval=0.05,
        **kwargs,
    )
    context = task_context()
    try:
        return operator.execute(context)
    except CleanupBlockedError:
        return context["ti"].xcom_push.call_args.kwargs["value"]


def test_a_policy_is_put_as_it_was_approved_only(bench: Any, in_use: Any) -> None:
    policy = keep(11)
    summary = bench.preview(lifecycle_policy_text=policy)
    for wrong in (approved(summary), approved(bench.preview(lifecycle_policy_text=policy), action="put")):
        result = put(summary, in_use, policy, approved=wrong)
        assert result["status"] == "blocked"
        assert not bench.ecr.calls.mutating
    approval = approved(summary, action="put")
    result = put(summary, in_use, policy, approved=approval)
    assert (result["status"], result["approval"]["digest"]) == ("changed", approval["digest"])
