"""The operator deletes what was previewed and approved, and nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview.core.cleanup.check_catalog import CHECKS
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine import image_removal
from airflow_provider_ecr_preview.local import (
    AccessDenied,
    ConnectionReset,
    ImagesRefused,
    LostReply,
    Meanwhile,
    TruncatedBody,
    server_error,
    throttled,
)
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.reports.lists import read_lines
from tests.support.contexts import task_context
from tests.support.policies import keep

REPOSITORY = "payments/api"

changes_registry = pytest.mark.changes_registry


def test_a_dry_run_is_the_default_and_makes_no_mutating_call(bench: Any) -> None:
    result = bench.clean_up(bench.preview(), dry_run=True)
    assert (result["status"], result["dry_run"], result["touched_image_count"]) == ("dry_run", True, 10)
    assert len(bench.digests()) == 20
    assert not bench.ecr.calls.mutating
    assert EcrDeletePreviewedImagesOperator(task_id="x", summary={}).dry_run is True  # type: ignore[arg-type,comparison-overlap]


@changes_registry
def test_exactly_the_approved_images_are_deleted_by_digest(bench: Any) -> None:
    before = bench.digests()
    result = bench.clean_up(bench.preview())
    assert (result["status"], result["touched_image_count"]) == ("done", 10)
    assert bench.digests() == before[10:]
    (call,) = bench.ecr.calls.of("BatchDeleteImage")
    assert {image_id["imageDigest"] for image_id in call.parameters["imageIds"]} == set(before[:10])
    assert not any("imageTag" in image_id for image_id in call.parameters["imageIds"])


@changes_registry
def test_a_candidate_policy_that_is_not_applied_cleans_up_as_well(bench: Any) -> None:
    summary = bench.preview(lifecycle_policy_text=keep(15))
    result = bench.clean_up(summary, lifecycle_policy_text=keep(15))
    assert result["touched_image_count"] == 5
    assert json.loads(bench.ecr.repository(REPOSITORY).lifecycle_policy) == keep(10)


@changes_registry
def test_images_go_a_hundred_at_a_time_looked_at_right_before_with_the_one_that_has_to_stay(bench: Any) -> None:
    bench.ecr.push_many(REPOSITORY, 230, newest_days_ago=370, oldest_days_ago=600, tags=lambda _: ())
    summary = bench.preview()
    bench.ecr.calls.clear()
    result = bench.clean_up(summary, max_share=None)
    assert result["touched_image_count"] == 240
    assert [len(call.parameters["imageIds"]) for call in bench.ecr.calls.of("BatchDeleteImage")] == [99, 99, 42]
    named = [call for call in bench.ecr.calls.of("DescribeImages") if "imageIds" in call.parameters]
    assert [len(call.parameters["imageIds"]) for call in named] == [100, 100, 43]


@changes_registry
def test_manifest_lists_go_before_the_images_that_they_name(bench: Any) -> None:
    pushed = [
        bench.ecr.push_manifest_list(REPOSITORY, tags=[f"multi-{age}"], pushed_days_ago=age) for age in (400, 410)
    ]
    lists = {image.image_digest for image in pushed}
    children = {child for image in pushed for child in image.children}
    result = bench.clean_up(bench.preview(), max_share=None)
    assert result["failed_image_count"] == 0
    assert not (lists | children) & set(bench.digests())
    batches = [
        {image_id["imageDigest"] for image_id in call.parameters["imageIds"]}
        for call in bench.ecr.calls.of("BatchDeleteImage")
    ]
    assert batches[0] == lists
    assert children <= batches[1]


@changes_registry
def test_an_image_that_a_list_still_names_is_tried_again_after_the_list_has_gone(bench: Any) -> None:
    digests = bench.digests()
    code = "ImageReferencedByManifestList"
    bench.ecr.inject(ImagesRefused(code, {digests[3]}), calls=2)
    result = bench.clean_up(bench.preview())
    assert (result["status"], result["touched_image_count"]) == ("done", 10)
    assert [len(call.parameters["imageIds"]) for call in bench.ecr.calls.of("BatchDeleteImage")] == [10, 1, 1]


@changes_registry
def test_an_image_that_a_list_names_which_stays_is_not_tried_again(bench: Any) -> None:
    child = bench.ecr.push(REPOSITORY, pushed_days_ago=500)
    summary = bench.preview()
    bench.ecr.push(
        REPOSITORY,
        tags=["multi"],
        manifest=json.dumps({"schemaVersion": 2, "manifests": [{"digest": child, "size": 1}]}),
        manifest_media_type="application/vnd.oci.image.index.v1+json",
    )
    # A preview would not list the child any more; ECR refuses it all the same, should the preview be wrong.
    result = bench.clean_up(summary, on_change="spare", max_share=None)
    assert child in bench.digests()
    assert result["repositories"][0]["spared"] == {"no_longer_previewed": 1}


@changes_registry
def test_every_failure_is_reported_by_its_code_and_fails_the_task(bench: Any) -> None:
    digests = bench.digests()
    bench.ecr.inject(ImagesRefused("KmsError", {digests[2], digests[4]}), calls=None)
    bench.ecr.inject(ImagesRefused("UpstreamUnavailable", {digests[5]}), calls=1)
    summary = bench.preview()
    context = task_context()
    with pytest.raises(CleanupIncompleteError, match="Deleted 8 images"):
        bench.operator(summary).execute(context)
    result = context["ti"].xcom_push.call_args.kwargs["value"]
    assert result["repositories"][0]["failures"] == {"KmsError": 2}
    assert {failed["image_digest"] for failed in result["repositories"][0]["failed_images"]} == {digests[2], digests[4]}
    assert set(bench.digests()) == {digests[2], digests[4], *digests[10:]}


@changes_registry
def test_an_image_that_somebody_else_deleted_is_not_a_failure(bench: Any) -> None:
    summary, digests = bench.preview(), bench.digests()
    bench.ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digests[0]}])
    result = bench.clean_up(summary)
    assert (result["status"], result["touched_image_count"]) == ("done", 9)
    assert result["repositories"][0]["gone_image_count"] == 1


@changes_registry
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda bench, digest: bench.tag(digest, "prod"), id="tagged"),
        pytest.param(
            lambda bench, digest: (
                bench.ecr.repository(REPOSITORY).find({"imageDigest": digest}).pull(datetime.now(UTC))
            ),
            id="pulled",
        ),
        pytest.param(
            lambda bench, digest: (
                bench.ecr.repository(REPOSITORY).find({"imageDigest": digest}).archive(datetime.now(UTC))
            ),
            id="archived",
        ),
    ],
)
def test_an_image_that_is_touched_after_it_was_judged_stays(bench: Any, act: Any) -> None:
    summary, digests = bench.preview(), bench.digests()
    bench.ecr.calls.clear()
    # The inventory is one call; what happens right after it is seen by the look before the batch.
    bench.ecr.inject(Meanwhile(lambda: act(bench, digests[4])), "DescribeImages", calls=1)
    result = bench.clean_up(summary)
    assert digests[4] in bench.digests()
    assert result["repositories"][0]["spared"] == {"changed_meanwhile": 1}
    assert result["touched_image_count"] == 9


@changes_registry
def test_a_new_image_under_an_expiring_tag_is_never_touched(bench: Any) -> None:
    summary = bench.preview()
    new: list[str] = []
    bench.ecr.inject(
        Meanwhile(lambda: new.append(bench.ecr.push(REPOSITORY, tags=["build-3"]))), "DescribeImages", calls=1
    )
    bench.clean_up(summary, on_change="spare")
    assert new
    assert new[0] in bench.digests()


@changes_registry
@pytest.mark.parametrize(
    "fault", [ConnectionReset(), LostReply(), server_error(), throttled()], ids=["reset", "lost", "500", "throttled"]
)
def test_a_passing_fault_of_the_deletion_is_waited_out(bench: Any, fault: Any) -> None:
    before = bench.digests()
    bench.ecr.inject(fault, "BatchDeleteImage")
    result = bench.clean_up(bench.preview())
    assert result["status"] == "done"
    assert bench.digests() == before[10:]


@changes_registry
def test_an_answer_that_was_cut_off_is_looked_up(bench: Any) -> None:
    bench.ecr.inject(TruncatedBody(), "BatchDeleteImage")
    result = bench.clean_up(bench.preview())
    assert (result["status"], result["touched_image_count"]) == ("done", 10)


@changes_registry
def test_a_caller_who_may_not_delete_fails_and_says_what_was_not_attempted(bench: Any) -> None:
    bench.ecr.inject(AccessDenied(), "BatchDeleteImage", calls=None)
    result = bench.clean_up(bench.preview())
    repository = result["repositories"][0]
    assert (result["status"], repository["error"]) == ("incomplete", "AccessDeniedError")
    assert "ecr:BatchDeleteImage" in repository["message"]
    assert len(bench.digests()) == 20


@changes_registry
def test_without_the_look_before_a_batch_nothing_of_it_is_deleted(bench: Any) -> None:
    summary = bench.preview()
    bench.ecr.calls.clear()
    bench.ecr.inject(AccessDenied(), "DescribeImages", skip=1, calls=None)
    result = bench.clean_up(summary)
    assert (result["status"], result["repositories"][0]["not_attempted_image_count"]) == ("incomplete", 10)
    assert not bench.ecr.calls.mutating
    assert len(bench.digests()) == 20


@changes_registry
def test_on_kill_ends_it_after_the_batch_that_is_under_way(bench: Any) -> None:
    bench.ecr.push_many(REPOSITORY, 230, newest_days_ago=370, oldest_days_ago=600, tags=lambda _: ())
    operator = bench.operator(bench.preview(), max_share=None)
    bench.ecr.inject(Meanwhile(operator.on_kill), "BatchDeleteImage")
    context = task_context()
    with pytest.raises(CleanupIncompleteError):
        operator.execute(context)
    result = context["ti"].xcom_push.call_args.kwargs["value"]
    assert (result["status"], result["touched_image_count"]) == ("stopped", 99)
    assert result["repositories"][0]["not_attempted_image_count"] == 141
    assert len(bench.digests()) == 151


@changes_registry
@pytest.mark.parametrize(
    ("action", "operation"), [("archive", "UpdateImageStorageClass"), ("delete", "BatchDeleteImage")]
)
def test_what_has_to_stay_since_others_deleted_is_spared_in_all_that_follows(
    bench: Any, monkeypatch: pytest.MonkeyPatch, action: str, operation: str
) -> None:
    monkeypatch.setattr(image_removal, "batches_of", lambda images, _: [[image] for image in images])
    summary, digests = bench.preview(), bench.digests()
    repository = bench.ecr.repository(REPOSITORY)

    def delete_all_that_was_to_stay() -> None:
        repository.images = [image for image in repository.local_images if image.get_image_digest() in digests[:10]]

    bench.ecr.inject(Meanwhile(delete_all_that_was_to_stay), operation, skip=3, calls=1)
    result = bench.clean_up(summary, action=action, max_share=None, newest_images_kept=3)
    left = [image.get_image_digest() for image in repository.local_images if image.status == "ACTIVE"]
    assert left == digests[7:10]
    assert (result["touched_image_count"], sum(result["repositories"][0]["spared"].values())) == (7, 3)


@changes_registry
def test_a_retry_after_a_part_was_deleted_does_the_rest(bench: Any) -> None:
    summary, digests = bench.preview(), bench.digests()
    with bench.ecr.inject(ImagesRefused("KmsError", {digests[2]}), calls=None):
        assert bench.clean_up(summary)["status"] == "incomplete"
    result = bench.clean_up(summary)
    assert (result["status"], result["touched_image_count"]) == ("done", 1)
    assert bench.digests() == digests[10:]


@changes_registry
def test_archive_archives_instead_of_deleting_and_reports_the_cost(bench: Any) -> None:
    digests = bench.digests()
    result = bench.clean_up(bench.preview(), action="archive", archive_price_per_gb_month=0.1)
    statuses = [image.status for image in bench.ecr.repository(REPOSITORY).local_images]
    assert statuses == ["ARCHIVED"] * 10 + ["ACTIVE"] * 10
    assert bench.digests() == digests
    assert "90 days" in result["cost"]
    assert "at most 0.16" in result["cost"]
    assert bench.ecr.calls.operations["UpdateImageStorageClass"] == 10
    assert not bench.ecr.calls.of("BatchDeleteImage")


@changes_registry
def test_what_was_approved_to_be_archived_is_not_deleted(bench: Any) -> None:
    policy = {
        "rules": [
            {
                "rulePriority": 1,
                "selection": {
                    "tagStatus": "any",
                    "countType": "sinceImagePulled",
                    "countUnit": "days",
                    "countNumber": 200,
                },
                "action": {"type": "transition", "targetStorageClass": "archive"},
            }
        ]
    }
    summary = bench.preview(lifecycle_policy_text=policy)
    assert summary["archiving_image_count"] == 10
    result = bench.clean_up(summary, lifecycle_policy_text=policy)
    assert (result["status"], result["repositories"][0]["spared"]) == ("nothing_to_do", {"only_to_be_archived": 10})
    assert len(bench.digests()) == 20


@changes_registry
def test_one_blocked_repository_does_not_keep_the_others_from_being_cleaned_up(bench: Any) -> None:
    bench.ecr.create_repository("payments/worker", policy=keep(2))
    bench.ecr.push_many("payments/worker", 20, newest_days_ago=40)
    summaries = [bench.preview("payments/worker"), bench.preview()]
    context = task_context()
    with pytest.raises(CleanupBlockedError, match=r"1 of 2 .* payments/worker: max_share"):
        bench.operator(summaries).execute(context)
    result = context["ti"].xcom_push.call_args.kwargs["value"]
    assert result["statuses"] == {"blocked": 1, "done": 1}
    assert (len(bench.digests("payments/worker")), len(bench.digests())) == (20, 10)


@changes_registry
def test_every_image_of_the_run_is_in_the_list_of_results(bench: Any, in_use: Any) -> None:
    digests = bench.digests()
    path = f"file://{bench.folder}/results.jsonl.gz"
    result = bench.clean_up(bench.preview(), results_path=path, in_use=in_use({digests[1]: "ECS"}))
    lines = list(read_lines(result["results_uri"]))
    assert {line["image_digest"]: (line["status"], line["reason"]) for line in lines} == {
        digests[0]: ("deleted", None),
        digests[1]: ("spared", "in_use"),
        **dict.fromkeys(digests[2:10], ("deleted", None)),
    }


def test_blocked_may_skip_or_only_report(bench: Any) -> None:
    summary = bench.preview()
    with pytest.raises(AirflowSkipException, match="10; max_images is 3"):
        bench.clean_up(summary, max_images=3, on_blocked="skip")
    assert bench.clean_up(summary, max_images=3, on_blocked="report")["status"] == "blocked"


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"summary": {"schema": "something-else"}}, "not the summary"),
        ({"summary": "{'schema': 'a python dict'}"}, "tojson"),
        ({"summary": None}, "not a summary"),
        ({"dry_run": ""}, "Use True or False"),
        ({"dry_run": "no"}, "Use True or False"),
        ({"action": "expire"}, "'delete' or 'archive'"),
        ({"protected_tag_patterns": ["v(["]}, "not a regular expression"),
        ({"protected_tags": ["v*", ""]}, "none of them empty"),
        ({"max_share": 50}, "from 0 to 1"),
        ({"on_change": "ignore"}, "'block', 'spare' or 'block_any'"),
        ({"on_blocked": "ignore"}, "'fail', 'skip' or 'report'"),
        ({"region_name": "eu-west-1"}, "is from us-east-1, but region_name is eu-west-1"),
        ({"minimum_images_left": -1}, "0 or more"),
        ({"min_age_days": -1}, "0 to switch it off"),
    ],
)
def test_what_is_not_valid_is_refused_before_any_call(bench: Any, kwargs: Any, message: str) -> None:
    summary = bench.preview()
    bench.ecr.calls.clear()
    with pytest.raises(ValueError, match=message):
        bench.clean_up(**{"summary": summary, **kwargs})
    assert not bench.ecr.calls.operations


@pytest.mark.parametrize("value", ["True", " true ", True, None])
def test_a_template_may_leave_dry_run_as_a_text(bench: Any, value: Any) -> None:
    assert bench.clean_up(bench.preview(), dry_run=value)["status"] == "dry_run"


def test_two_summaries_of_one_repository_are_refused(bench: Any) -> None:
    with pytest.raises(ValueError, match="more than one summary of payments/api"):
        bench.clean_up([bench.preview(), bench.preview()])


def test_every_template_field_is_an_attribute(bench: Any) -> None:
    operator = bench.operator({})
    assert all(hasattr(operator, name) for name in operator.template_fields)


def test_a_task_can_be_copied_as_airflow_does(bench: Any) -> None:
    import copy  # noqa: PLC0415

    assert copy.deepcopy(bench.operator({})).task_id == "clean_up"


def test_every_spared_image_says_which_check_spares_it_what_it_saw_and_what_lets_it_go(
    bench: Any, in_use: Any, tmp_path: Path
) -> None:
    summary, digests = bench.preview(), bench.digests()
    results = f"file://{tmp_path}/results.jsonl.gz"
    used = in_use({digests[3]: "api"})
    result = bench.clean_up(summary, in_use=used, protected_tags=["build-1"], results_path=results, dry_run=True)
    spared = {image["image_digest"]: image for image in result["repositories"][0]["spared_images"]}
    assert spared == {
        digests[1]: {
            "image_digest": digests[1],
            "reason": "protected_tag",
            "check": "protected_tags",
            "message": "Its tag build-1 is protected by build-1.",
            "remedy": CHECKS["protected_tags"].remedy,
        },
        digests[3]: {
            "image_digest": digests[3],
            "reason": "in_use",
            "check": "in_use",
            "message": "It is used by ECS service api.",
            "remedy": CHECKS["in_use"].remedy,
        },
    }
    lines = {line["image_digest"]: line for line in read_lines(results)}
    told = ("reason", "check", "message", "remedy")
    assert [{key: lines[digest][key] for key in told} for digest in spared] == [
        {key: image[key] for key in told} for image in spared.values()
    ]
    assert {line["remedy"] for line in lines.values() if line["status"] != "spared"} == {None}
    table = " ".join(render(cleanup_table(result)).split())
    assert f"in_use, for example {digests[3][:19]}: It is used by ECS service api." in table
    assert f"-> {CHECKS['in_use'].remedy}" in table


@pytest.mark.parametrize(
    "edit", [{"expiring_image_count": "10"}, {"region_name": ""}, {"registry_id": 123456789012}, {"findings": "none"}]
)
def test_a_summary_that_was_edited_is_refused_before_anything_is_deleted(bench: Any, edit: dict[str, Any]) -> None:
    summary = {**bench.preview(), **edit}
    with pytest.raises(ValueError, match=f"not a valid value: {next(iter(edit))}"):
        bench.clean_up(summary, check_in_use=False)
    assert not bench.ecr.calls.mutating
