"""Every check of the clean-up blocks or leaves images out, passes, and blocks when its source cannot be read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.check_functions import CHECK_FUNCTIONS
from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.local import (
    AccessDenied,
    Altered,
    PreviewFails,
    PreviewReplaced,
    Refused,
    wrong_status,
)
from airflow_provider_ecr_preview.operators.ecr_preview import EcrSummarizeLifecyclePolicyPreviewOperator
from tests.support.contexts import task_context

REPOSITORY = "payments/api"

pytestmark = pytest.mark.changes_registry

Arrange = Callable[[Any], dict[str, Any]]
"""Prepares the registry after the preview; returns the parameters of the clean-up."""


def assert_untouched(bench: Any, result: Any, code: str, verdict: str) -> None:
    assert bench.check(result, code)["verdict"] == verdict, bench.check(result, code)
    assert result["status"] == "blocked"
    assert not bench.ecr.calls.mutating


def nothing(_: Any) -> dict[str, Any]:
    return {}


def other_policy(bench: Any) -> dict[str, Any]:
    bench.ecr.put_policy(REPOSITORY, keep_of(12))
    return {}


def keep_of(count: int) -> dict[str, Any]:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    return {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}


def new_image(bench: Any) -> dict[str, Any]:
    bench.ecr.push(REPOSITORY, tags=["build-3"])
    return {}


def pushed_again(bench: Any) -> dict[str, Any]:
    image = bench.ecr.repository(REPOSITORY).find({"imageDigest": bench.digests()[3]})
    image.image_pushed_at += 86_400
    image.changed()
    return {}


def new_release(bench: Any) -> dict[str, Any]:
    bench.ecr.push(REPOSITORY, tags=["build-new"])
    return {}


def new_release_that_blocks(bench: Any) -> dict[str, Any]:
    return {**new_release(bench), "on_change": "block_any"}


def moved_tag(bench: Any) -> dict[str, Any]:
    bench.tag(bench.digests()[2], "build-19")
    return {}


def finding(code: str) -> Arrange:
    def arrange(bench: Any) -> dict[str, Any]:
        return {"findings": [{"code": code, "severity": "critical", "message": "", "image_digests": ["sha256:1"]}]}

    return arrange


def used(unread: tuple[str, ...] = ()) -> Arrange:
    return lambda bench: {"in_use": bench.in_use({bench.digests()[1]: "ECS service api"}, unread=unread)}


BLOCKS: list[tuple[str, str, Arrange]] = [
    ("policy_unchanged", "another policy was applied since", other_policy),
    ("policy_unchanged", "another candidate is given", lambda _: {"lifecycle_policy_text": keep_of(12)}),
    ("preview_unchanged", "an approved image was pushed again", pushed_again),
    ("preview_unchanged", "any new image has to block", new_release_that_blocks),
    ("tags_unchanged", "a tag moved to an approved image", moved_tag),
    ("tags_unchanged", "a new image took the tag of an approved one", new_image),
    ("preview_age", "the preview is too old", lambda _: {"max_preview_age": timedelta(0)}),
    ("agreeing_previews", "there are too few", lambda _: {"required_agreeing_previews": 3}),
    ("findings", "there is a critical one", finding("something_new")),
    ("images_left", "too few would be left", lambda _: {"minimum_images_left": 11}),
    ("max_images", "there are more", lambda _: {"max_images": 9}),
    ("max_share", "it is more", lambda _: {"max_share": 0.49}),
    ("max_bytes", "they are more", lambda _: {"max_bytes": 10 * 50 * 1024 * 1024 - 1}),
    ("run_max_images", "all together are more", lambda _: {"max_images_per_run": 9}),
    ("run_max_bytes", "all together are more", lambda _: {"max_bytes_per_run": 10 * 50 * 1024 * 1024 - 1}),
]


@pytest.mark.parametrize(("code", "why", "arrange"), BLOCKS, ids=[f"{code}: {why}" for code, why, _ in BLOCKS])
def test_a_check_blocks(bench: Any, in_use: Any, code: str, why: str, arrange: Arrange) -> None:
    bench.in_use = in_use
    summary = bench.preview()
    changed = arrange(bench)
    summary["findings"] = changed.pop("findings", summary["findings"])
    assert_untouched(bench, bench.clean_up(summary, **changed), code, "blocked")


@pytest.mark.parametrize("on_change", [None, "block", "spare"])
def test_a_push_between_approval_and_clean_up_neither_blocks_nor_adds_an_image(
    bench: Any, on_change: str | None
) -> None:
    summary, approved = bench.preview(), set(bench.digests()[:10])
    for number in range(3):
        bench.ecr.push(REPOSITORY, tags=[f"release-{number}"])
    others = set(bench.digests()) - approved
    result = bench.clean_up(summary, on_change=on_change)
    assert (result["status"], result["touched_image_count"]) == ("done", 10)
    assert set(bench.digests()) == others
    check = bench.check(result, "preview_unchanged")
    assert (check["verdict"], len(check["image_digests"])) == ("warned", 3)
    assert "3 new images that were not approved" in check["message"]
    assert "(build-10)" in check["message"]
    assert "Preview again" in check["remedy"]
    assert result["repositories"][0]["not_approved_image_count"] == 3


def protected_tag(bench: Any) -> dict[str, Any]:
    return {"protected_tags": ["build-1"]}


def pulled(bench: Any) -> dict[str, Any]:
    bench.ecr.repository(REPOSITORY).find({"imageDigest": bench.digests()[1]}).pull(
        datetime.now(UTC) - timedelta(days=30, hours=5)
    )
    return {}


LEAVES_OUT: list[tuple[str, str, Arrange, set[int]]] = [
    ("preview_unchanged", "an image that was pushed again", pushed_again, {3}),
    ("tags_unchanged", "images with a new tag", moved_tag, {2}),
    ("in_use", "an image that runs", used(), {1}),
    ("in_use", "an image whose tag is referred to", lambda b: {"in_use": b.in_use(tags={"build-1": "Lambda"})}, {1}),
    ("protected_tags", "an image with such a tag", protected_tag, {1}),
    ("protected_tags", "images with tags of a pattern", lambda _: {"protected_tag_patterns": ["-[34]$"]}, {3, 4}),
    ("image_age", "young images", lambda _: {"min_age_days": 300}, {4, 5, 6, 7, 8, 9}),
    ("recent_pulls", "an image that was pulled, a day of delay included", pulled, {1}),
    ("newest_images", "the newest images", lambda _: {"newest_images_kept": 12}, {8, 9}),
]


@pytest.mark.parametrize(
    ("code", "arrange", "left"),
    [(code, *rest) for code, _, *rest in LEAVES_OUT],
    ids=[what for _, what, *_ in LEAVES_OUT],
)
def test_a_check_leaves_images_out(bench: Any, in_use: Any, code: str, arrange: Arrange, left: set[int]) -> None:
    bench.in_use = in_use
    summary, digests = bench.preview(), bench.digests()
    result = bench.clean_up(summary, **{"on_change": "spare", **arrange(bench)})
    assert result["status"] == "done"
    assert bench.check(result, code)["verdict"] == "spared"
    assert {digests[index] for index in left} <= set(bench.digests())
    assert set(digests[10:]) <= set(bench.digests())
    assert result["touched_image_count"] == 10 - len(left)


def test_every_check_passes_where_there_is_nothing_to_say_against(bench: Any) -> None:
    summary = bench.preview()
    result = bench.clean_up(summary)
    verdicts = {check["code"]: check["verdict"] for check in result["repositories"][0]["checks"]}
    # Without an approval, a list of images or a signature there is nothing to ask.
    without = dict.fromkeys(("approved_unchanged", "manifest_lists", "referrers"), "off")
    assert verdicts == {**dict.fromkeys(CHECK_FUNCTIONS, "passed"), **without}
    assert {check["code"]: check["verdict"] for check in result["checks"]} == {
        "approval_given": "off",
        "run_max_bytes": "passed",
        "run_max_images": "passed",
    }
    assert result["touched_image_count"] == 10


def test_a_check_that_is_switched_off_says_so(bench: Any) -> None:
    result = bench.clean_up(
        bench.preview(),
        check_tags=False,
        max_preview_age=None,
        required_agreeing_previews=0,
        check_in_use=False,
        check_replicas=False,
        in_use=None,
        protected_tags=[],
        min_age_days=0,
        recently_pulled_days=0,
        newest_images_kept=0,
        max_images=None,
        max_share=None,
        max_bytes=None,
        max_images_per_run=None,
        max_bytes_per_run=None,
    )
    passed = {check["code"] for check in result["repositories"][0]["checks"] if check["verdict"] == "passed"}
    assert passed == {"policy_unchanged", "preview_unchanged", "findings", "images_left"}
    assert result["touched_image_count"] == 10


def no_policy(bench: Any) -> dict[str, Any]:
    bench.ecr.repository(REPOSITORY).lifecycle_policy = None
    return {}


def fault(fault: Any, operation: str | None = None) -> Arrange:
    def arrange(bench: Any) -> dict[str, Any]:
        bench.ecr.inject(fault, operation, calls=None)
        return {}

    return arrange


def outage(bench: Any) -> dict[str, Any]:
    bench.ecr.inject(Refused("ServerException"), "DescribeImages", calls=None)
    bench.outage_timeout = 0.1
    return {}


def list_is_gone(bench: Any) -> dict[str, Any]:
    for path in Path(bench.folder).iterdir():
        path.unlink()
    return {}


def list_is_cut(bench: Any) -> dict[str, Any]:
    for path in Path(bench.folder).iterdir():
        path.write_bytes(path.read_bytes()[:-20])
    return {}


def list_is_another(bench: Any) -> dict[str, Any]:
    for path in Path(bench.folder).iterdir():
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        path.write_bytes(gzip.compress(b"".join(lines[:-1])))
    return {}


def earlier_list_is_gone(bench: Any) -> dict[str, Any]:
    earlier = bench.earlier
    Path(earlier["images_uri"].removeprefix("file://")).unlink()
    return {"required_agreeing_previews": 3, "previous_summaries": [earlier]}


def earlier_had_no_list(bench: Any) -> dict[str, Any]:
    earlier = {**bench.earlier, "images_uri": None, "images_fingerprint": "0" * 64, "sample": []}
    return {"required_agreeing_previews": 3, "previous_summaries": [earlier]}


def size_is_missing(bench: Any) -> dict[str, Any]:
    bench.ecr.inject(Altered(lambda answer: answer["imageDetails"][0].pop("imageSizeInBytes")), "DescribeImages")
    return {}


UNREAD: list[tuple[str, str, Arrange]] = [
    ("policy_unchanged", "there is none any more", no_policy),
    ("policy_unchanged", "the preview may not be started", fault(AccessDenied(), "StartLifecyclePolicyPreview")),
    ("preview_unchanged", "the preview fails", fault(PreviewFails())),
    ("preview_unchanged", "the preview expires", fault(wrong_status("EXPIRED"))),
    ("preview_unchanged", "somebody else previews", fault(PreviewReplaced(keep_of(1)))),
    ("preview_unchanged", "the preview cannot be read", fault(AccessDenied(), "GetLifecyclePolicyPreview")),
    ("preview_unchanged", "the list of approved images is gone", list_is_gone),
    ("preview_unchanged", "the list of approved images is cut off", list_is_cut),
    ("preview_unchanged", "the list of approved images is another", list_is_another),
    ("tags_unchanged", "the list of approved images is gone", list_is_gone),
    ("preview_age", "the time is no time", lambda _: {"previewed_at": "yesterday"}),
    ("preview_age", "the time has no zone", lambda _: {"previewed_at": "2026-01-01T00:00:00"}),
    ("preview_age", "the time is to come", lambda _: {"previewed_at": "2999-01-01T00:00:00+00:00"}),
    ("agreeing_previews", "an earlier list is gone", earlier_list_is_gone),
    ("agreeing_previews", "an earlier preview has no list", earlier_had_no_list),
    ("in_use", "in_use is not set", lambda _: {"in_use": None}),
    ("in_use", "a source was not read", used(("lambda in eu-west-1",))),
    ("in_use", "it is no collection", lambda _: {"in_use": {"schema": "something-else"}}),
    ("in_use", "it is a text", lambda _: {"in_use": "None"}),
    *(
        (code, "the images cannot be described", fault(AccessDenied(), "DescribeImages"))
        for code in (
            "preview_unchanged",
            "tags_unchanged",
            "agreeing_previews",
            "protected_tags",
            "image_age",
            "recent_pulls",
            "newest_images",
            "images_left",
            "max_images",
            "max_share",
            "max_bytes",
        )
    ),
    ("images_left", "ECR is at fault", outage),
    ("max_bytes", "a size is missing", size_is_missing),
]


@pytest.mark.parametrize(("code", "why", "arrange"), UNREAD, ids=[f"{code}: {why}" for code, why, _ in UNREAD])
def test_a_check_whose_source_cannot_be_read_blocks(
    bench: Any, in_use: Any, code: str, why: str, arrange: Arrange
) -> None:
    bench.in_use = in_use
    bench.earlier = bench.preview()
    summary = bench.preview()
    changed = arrange(bench)
    summary["previewed_at"] = changed.pop("previewed_at", summary["previewed_at"])
    assert_untouched(bench, bench.clean_up(summary, **changed), code, "unknown")


def test_the_sizes_of_the_whole_run_block_when_one_is_not_known(bench: Any) -> None:
    summary = bench.preview()
    size_is_missing(bench)
    assert_untouched(bench, bench.clean_up(summary, max_bytes=None), "run_max_bytes", "unknown")


def test_an_approval_without_a_list_does_not_know_whether_tags_moved(bench: Any) -> None:
    bench.ecr.push_many(REPOSITORY, 5, newest_days_ago=370, oldest_days_ago=390, tags=lambda _: ())
    result = bench.clean_up(bench.preview(listed=False), max_share=None)
    assert_untouched(bench, result, "tags_unchanged", "unknown")


def test_an_approval_of_few_images_needs_no_list(bench: Any) -> None:
    result = bench.clean_up(bench.preview(listed=False))
    assert (result["status"], result["touched_image_count"]) == ("done", 10)


def test_an_approval_without_a_list_blocks_when_the_images_differ(bench: Any) -> None:
    bench.ecr.push_many(REPOSITORY, 5, newest_days_ago=370, oldest_days_ago=390, tags=lambda _: ())
    summary = bench.preview(listed=False)
    new_image(bench)
    result = bench.clean_up(summary, max_share=None, check_tags=False, on_change="spare")
    assert_untouched(bench, result, "preview_unchanged", "blocked")


def test_without_a_list_the_fingerprint_is_enough_where_tags_do_not_matter(bench: Any) -> None:
    bench.ecr.push_many(REPOSITORY, 5, newest_days_ago=370, oldest_days_ago=390, tags=lambda _: ())
    result = bench.clean_up(bench.preview(listed=False), max_share=None, check_tags=False)
    assert (result["status"], result["touched_image_count"]) == ("done", 15)


def test_a_finding_that_a_check_of_its_own_answers_does_not_block(bench: Any) -> None:
    summary = {**bench.preview(), **finding("newest_image_expires")(bench)}
    assert bench.clean_up(summary, dry_run=True)["status"] == "dry_run"
    assert bench.clean_up(summary, dry_run=True, newest_images_kept=0)["status"] == "blocked"
    ignored = {"newest_images_kept": 0, "ignored_findings": ["newest_image_expires"]}
    assert bench.clean_up(summary, dry_run=True, **ignored)["status"] == "dry_run"


def test_a_summary_whose_findings_were_accepted_still_blocks(bench: Any) -> None:
    summary = {**bench.preview(), **finding("newest_image_expires")(bench)}
    summary["findings"] = [{**found, "acknowledged_until": "9999-12-31"} for found in summary["findings"]]
    result = bench.clean_up(summary, newest_images_kept=0)
    assert_untouched(bench, result, "findings", "blocked")


def test_a_protected_tag_is_answered_by_the_protected_tags_of_the_clean_up(bench: Any) -> None:
    digest = bench.digests()[3]
    bench.tag(digest, "live")
    summary = bench.preview()
    assert "protected_tag_expires" in {finding["code"] for finding in summary["findings"]}
    result = bench.clean_up(summary, dry_run=True)
    assert (result["status"], result["repositories"][0]["spared"]) == ("dry_run", {"protected_tag": 1})


@pytest.mark.parametrize("protected_tags", [["prod*"], []])
def test_a_tag_that_only_the_preview_protects_blocks_unless_it_is_ignored(bench: Any, protected_tags: Any) -> None:
    digest = bench.digests()[3]
    bench.tag(digest, "live")
    summary = bench.preview()
    result = bench.clean_up(summary, protected_tags=protected_tags)
    assert_untouched(bench, result, "findings", "blocked")
    assert "protected_tag_expires" in bench.check(result, "findings")["message"]
    ignored = {"protected_tags": protected_tags, "ignored_findings": ["protected_tag_expires"]}
    assert bench.clean_up(summary, dry_run=True, **ignored)["status"] == "dry_run"


def test_an_image_has_to_be_in_the_required_number_of_previews_in_a_row(bench: Any) -> None:
    digests = bench.digests()
    earliest = hours_before(bench.preview(), 26)
    bench.ecr.push(REPOSITORY, tags=["newer"], pushed_days_ago=35)
    earlier, approved = hours_before(bench.preview(), 13), bench.preview()
    rows = {"previous_summaries": [earliest, earlier]}
    three = bench.clean_up(approved, required_agreeing_previews=3, max_share=0.6, dry_run=True, **rows)
    assert three["touched_image_count"] == 11
    four = bench.clean_up(approved, required_agreeing_previews=4, max_share=0.6, **rows)
    assert bench.check(four, "agreeing_previews")["verdict"] == "spared"
    assert (four["touched_image_count"], digests[10] in bench.digests()) == (10, True)


def hours_before(summary: Any, hours: int) -> Any:
    """Return a summary as if the preview had been read earlier."""
    time = datetime.fromisoformat(summary["previewed_at"]) - timedelta(hours=hours)
    return {**summary, "previewed_at": time.isoformat()}


def test_the_same_preview_given_or_summarised_again_is_not_another_one_in_the_row(bench: Any) -> None:
    first = bench.preview()
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="again", repository_name=REPOSITORY, images_path=f"file://{bench.folder}/again.jsonl.gz"
    )
    again = summarize.execute(task_context())
    assert again["previewed_at"] > first["previewed_at"]
    for previous in ([again, again], [first], [first, again]):
        result = bench.clean_up(again, required_agreeing_previews=3, previous_summaries=previous)
        assert_untouched(bench, result, "agreeing_previews", "blocked")


def test_an_earlier_preview_of_another_policy_begins_the_row_anew(bench: Any) -> None:
    earlier = bench.preview(lifecycle_policy_text=keep_of(5))
    result = bench.clean_up(bench.preview(), required_agreeing_previews=3, previous_summaries=[earlier])
    assert_untouched(bench, result, "agreeing_previews", "blocked")


def test_never_all_images_go_whatever_is_switched_off(bench: Any) -> None:
    policy = json.loads(json.dumps(keep_of(1)).replace("imageCountMoreThan", "sinceImagePushed"))
    policy["rules"][0]["selection"]["countUnit"] = "days"
    summary = bench.preview(lifecycle_policy_text=policy)
    assert summary["expiring_image_count"] == 20
    careless = {
        "lifecycle_policy_text": policy,
        "newest_images_kept": 0,
        "minimum_images_left": 0,
        "max_share": None,
        "ignored_findings": ["newest_image_expires"],
    }
    assert_untouched(bench, bench.clean_up(summary, **careless), "images_left", "blocked")


def test_an_image_that_was_pushed_again_is_a_change(bench: Any) -> None:
    summary, digest = bench.preview(), bench.digests()[3]
    image = bench.ecr.repository(REPOSITORY).find({"imageDigest": digest})
    image.image_pushed_at += 86_400
    image.changed()
    assert_untouched(bench, bench.clean_up(summary), "preview_unchanged", "blocked")
    assert bench.clean_up(summary, on_change="spare")["repositories"][0]["spared"] == {"pushed_again": 1}
    assert digest in bench.digests()


DENIED = [
    ("StartLifecyclePolicyPreview", "policy_unchanged"),
    ("GetLifecyclePolicyPreview", "preview_unchanged"),
    ("DescribeImages", "images_left"),
    ("DescribeRegistry", "replicas"),
]


@pytest.mark.parametrize(("operation", "code"), DENIED, ids=[operation for operation, _ in DENIED])
def test_a_missing_permission_is_named_by_its_iam_action(bench: Any, operation: str, code: str) -> None:
    summary = bench.preview()
    bench.ecr.inject(AccessDenied(), operation, calls=None)
    with pytest.raises(CleanupBlockedError, match=f"Allow ecr:{operation}"):
        bench.operator(summary).execute(task_context())
    check = bench.check(bench.clean_up(summary), code)
    assert (check["verdict"], f"Allow ecr:{operation}" in check["remedy"]) == ("unknown", True)
    assert f"ecr:{operation}" in check["message"]


def test_every_check_that_blocks_or_spares_has_a_remedy(bench: Any) -> None:
    summary = bench.preview()
    bench.ecr.inject(AccessDenied(), calls=None)
    result = bench.clean_up(summary, in_use=None, max_preview_age=timedelta(0))
    assert bench.check(result, "preview_age")["verdict"] == "blocked"
    for check in [*result["checks"], *result["repositories"][0]["checks"]]:
        assert bool(check["remedy"]) == (check["verdict"] not in ("passed", "off")), check
