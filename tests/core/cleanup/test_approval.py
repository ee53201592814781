"""An approval binds policy, images, tags and summary of every repository, and nothing that was not approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.cleanup.approval import (
    Approval,
    ApprovedAction,
    ApprovedRepository,
    approval_digest,
    approval_of,
    approval_xcom,
    tags_fingerprint,
    with_question,
)
from airflow_provider_ecr_preview.core.cleanup.approval_checks import approval_given, compared_with
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_SCHEMA, MAX_APPROVAL_BYTES
from tests.support.builders import NOW, archiving, preview_xcom, previewed, summary
from tests.support.policies import policy, rule

ADA = {"id": "7", "name": "ada"}
ANSWER = {
    "chosen_options": ["Approve"],
    "params_input": {},
    "responded_at": "2026-11-23T13:00:00+00:00",
    "responded_by_user": ADA,
}
UNREAD = Unread("it is gone.", "Write it again.")


def listed(value: Any) -> PreviewList:
    preview = PreviewList.of_summary(value)
    assert isinstance(preview, PreviewList)
    return preview


def approved(*summaries: Any, **fields: Any) -> dict[str, Any]:
    repositories = [ApprovedRepository.of(value, listed(value)) for value in summaries]
    value = approval_xcom("delete", repositories, dry_run=False)
    return {**value, **ANSWER, **fields}


def bound(value: Any, *summaries: Any, action: ApprovedAction = "delete") -> Approval:
    return approval_of(value, nowhere).bound_to(summaries, listed, action)


def nowhere(uri: str) -> Any:
    raise AssertionError(uri)


def test_what_was_approved_passes() -> None:
    summaries = [preview_xcom("a"), preview_xcom("b")]
    approval = bound(approved(*summaries), *summaries)
    given = approval_given(approval, "delete", dry_run=False)
    assert (given.verdict, given.message) == (
        "passed",
        f"ada approved the digest {approval.digest[:12]} at 2026-11-23T13:00:00+00:00.",
    )
    assert [compared_with(approval, value, listed(value)).verdict for value in summaries] == ["passed", "passed"]
    assert approval.as_dict() == {
        "digest": approval.digest,
        "responded_by": "ada",
        "responded_at": "2026-11-23T13:00:00+00:00",
    }


@pytest.mark.parametrize("time", [NOW, 5, {"at": "noon"}, None])
def test_whatever_the_time_of_an_answer_is_the_result_can_show_it(time: Any) -> None:
    summary = preview_xcom()
    shown = bound(approved(summary, responded_at=time), summary).as_dict()
    assert json.loads(json.dumps(shown))["responded_at"] == (None if time is None else str(time))


def test_a_digest_that_is_not_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"incomplete \(TypeError: digest is not a text\)\. Approve again"):
        bound(approved(preview_xcom(), digest=5, repositories=None), preview_xcom())


def test_without_an_approval_the_checks_are_off() -> None:
    value = preview_xcom()
    assert approval_given(None, "delete", dry_run=False).verdict == "off"
    assert compared_with(None, value, listed(value)).verdict == "off"


def test_a_part_of_what_was_approved_may_be_given() -> None:
    summaries = [preview_xcom("a"), preview_xcom("b")]
    approval = bound(approved(*summaries), summaries[1])
    assert compared_with(approval, summaries[1], listed(summaries[1])).verdict == "passed"


def test_a_repository_that_was_not_approved_blocks() -> None:
    value = preview_xcom("other")
    answer = compared_with(bound(approved(preview_xcom("a")), value), value, listed(value))
    assert (answer.verdict, answer.message) == (
        "blocked",
        "The approval has 1 repository, and this one is not among them.",
    )


Change = Callable[[Any], Any]

CHANGES: list[tuple[str, Any, str]] = [
    (
        "the same preview an hour later",
        preview_xcom(previewed_at=(NOW + timedelta(hours=1)).isoformat()),
        "the preview of",
    ),
    (
        "another policy",
        summary_xcom(summary(previewed(1), previewed(2), of=policy(rule(description="new")))),
        "was approved",
    ),
    ("another image", preview_xcom("payments/api", previewed(1), previewed(3)), "it has other images"),
    ("an image less", preview_xcom("payments/api", previewed(1)), "it has other images"),
    ("another action", preview_xcom("payments/api", previewed(1), archiving(2)), "it has other images"),
    ("another tag", preview_xcom("payments/api", previewed(1), previewed(2, image_tags=("prod",))), "other tags"),
    ("another push", preview_xcom("payments/api", previewed(1), previewed(2, image_pushed_at=NOW)), "push times"),
    ("a finding less", {**preview_xcom(), "findings": ["one"]}, "the summary was changed"),
    ("another list", {**preview_xcom(), "images_uri": None, "next_token": "x"}, "the summary was changed"),
]


@pytest.mark.parametrize(("changed", "why"), [change[1:] for change in CHANGES], ids=[name for name, *_ in CHANGES])
def test_whatever_changes_after_the_approval_blocks(changed: Any, why: str) -> None:
    approval = bound(approved(preview_xcom()), changed)
    answer = compared_with(approval, changed, listed(changed))
    assert answer.verdict == "blocked"
    assert answer.message.startswith("The given summary differs from the approved one: ")
    assert why in answer.message
    assert (
        compared_with(bound(approved(changed), preview_xcom()), preview_xcom(), listed(preview_xcom())).verdict
        == "blocked"
    )


def test_a_list_that_was_written_again_with_other_tags_blocks() -> None:
    value = preview_xcom()
    rewritten = PreviewList.of_images(
        value["policy_fingerprint"], [previewed(1), previewed(2, image_tags=("v2", "prod"))]
    )
    assert rewritten.images_fingerprint == value["images_fingerprint"]
    answer = compared_with(bound(approved(value), value), value, rewritten)
    assert (answer.verdict, "other tags or push times" in answer.message) == ("blocked", True)


def test_tags_are_not_bound_where_not_all_images_are_listed() -> None:
    value = {**preview_xcom(), "sample": []}
    answer = compared_with(bound(approved(value), value), value, listed(value))
    assert answer.verdict == "passed"
    assert "The approval does not cover tags" in answer.message


def test_images_that_cannot_be_read_any_more_are_unknown() -> None:
    value = preview_xcom()
    answer = compared_with(bound(approved(value), value), value, UNREAD)
    assert (answer.verdict, answer.remedy) == ("unknown", "Write it again.")


REFUSED: list[tuple[str, dict[str, Any], ApprovedAction, bool, str]] = [
    ("it was rejected", {"chosen_options": ["Reject"]}, "delete", False, "ada answered Reject."),
    ("a timeout chose", {"responded_by_user": None}, "delete", False, "not answered in time"),
    ("nobody has answered", {"chosen_options": None}, "delete", False, "no answer yet"),
    ("it is for something else", {}, "put", False, "The approval is to delete images, not to apply policies."),
    ("it is for something unknown", {"action": "eat"}, "put", False, "The approval is to eat"),
]


@pytest.mark.parametrize(
    ("fields", "action", "dry_run", "why"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_an_answer_that_is_no_approval_blocks(
    fields: dict[str, Any], action: ApprovedAction, *, dry_run: bool, why: str
) -> None:
    value = preview_xcom()
    given = approved(value, **fields)
    given["digest"] = approval_digest(given["action"], [ApprovedRepository.of(value, listed(value))], dry_run=False)
    answer = approval_given(bound(given, value), action, dry_run=dry_run)
    assert answer.verdict == "blocked"
    assert why in answer.message


def test_a_dry_run_that_was_approved_allows_no_more() -> None:
    value = preview_xcom()
    repositories = [ApprovedRepository.of(value, listed(value))]
    given = {**approval_xcom("delete", repositories, dry_run=True), **ANSWER}
    approval = bound(given, value)
    assert approval_given(approval, "delete", dry_run=True).verdict == "passed"
    answer = approval_given(approval, "delete", dry_run=False)
    assert (answer.verdict, answer.message) == ("blocked", "Only a dry run was approved.")


def test_what_one_dry_run_says_another_may_do_with_an_approval_in_earnest() -> None:
    value = preview_xcom()
    assert approval_given(bound(approved(value), value), "delete", dry_run=True).verdict == "passed"


def test_a_responder_without_a_name_is_named_by_id() -> None:
    value = preview_xcom()
    assert bound(approved(value, responded_by_user={"id": "7"}), value).responded_by == "7"
    rejected = approved(value, responded_by_user={"id": "7"}, chosen_options=["Reject", "x"])
    assert bound(rejected, value).refusal == "7 answered Reject, x."


NOT_APPROVALS: list[tuple[str, Any, str]] = [
    ("nothing", None, "marked as successful by hand"),
    ("what a template leaves", "None", "approved is 'None'"),
    ("an empty text", "", "leave approved out"),
    ("no digest", "abc123", "not JSON"),
    ("the answer of another operator", {"chosen_options": ["Approve"]}, "approved is None, not an approval"),
    ("a list", [], "approved is 'list'"),
    ("a digest and nothing else", {"schema": APPROVAL_SCHEMA, "digest": "0" * 64}, "incomplete"),
    ("no responder", {**approved(preview_xcom()), "responded_by_user": "ada"}, "incomplete"),
]


@pytest.mark.parametrize(
    ("value", "why"), [case[1:] for case in NOT_APPROVALS], ids=[case[0] for case in NOT_APPROVALS]
)
def test_what_is_no_approval_is_an_error(value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        approval_of(value, nowhere)


def test_an_approval_may_be_given_as_json() -> None:
    value = preview_xcom()
    assert approval_given(bound(json.dumps(approved(value)), value), "delete", dry_run=False).verdict == "passed"


def test_repositories_that_are_not_those_of_the_digest_are_not_known() -> None:
    value = preview_xcom()
    forged = approved(value)
    forged["repositories"] = approved(preview_xcom("other"))["repositories"]
    approval = bound(forged, value)
    assert approval_given(approval, "delete", dry_run=False).verdict == "unknown"
    assert "in the approval do not match" in compared_with(approval, value, listed(value)).message


def test_repositories_of_another_release_are_not_known() -> None:
    value = preview_xcom()
    other = approved(value, repositories=[{"a_key_to_come": 1}])
    assert "another release" in approval_given(bound(other, value), "delete", dry_run=False).message


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_digest_alone_binds_all_of_it(*, dry_run: bool) -> None:
    summaries = [preview_xcom("b"), preview_xcom("a")]
    repositories = [ApprovedRepository.of(value, listed(value)) for value in summaries]
    digest = approval_digest("archive", repositories, dry_run=dry_run)
    approval = bound(f" {digest}\n", *reversed(summaries), action="archive")
    answer = approval_given(approval, "archive", dry_run=dry_run)
    assert (answer.verdict, answer.message) == ("passed", f"The digest {digest[:12]} was approved.")
    assert approval_given(approval, "archive", dry_run=False).verdict == ("blocked" if dry_run else "passed")
    assert compared_with(approval, summaries[0], listed(summaries[0])).verdict == "passed"


def test_a_digest_of_something_else_is_not_known() -> None:
    value = preview_xcom()
    approval = bound("0" * 64, value)
    assert approval_given(approval, "delete", dry_run=False).verdict == "unknown"
    assert compared_with(approval, value, listed(value)).verdict == "unknown"


def test_a_digest_cannot_be_compared_with_images_that_cannot_be_read() -> None:
    value = preview_xcom()
    approval = approval_of("0" * 64, nowhere).bound_to([value], lambda _: UNREAD, "delete")
    assert approval_given(approval, "delete", dry_run=False).remedy == "Write it again."


def test_an_approval_that_was_never_compared_is_not_known() -> None:
    value = preview_xcom()
    assert compared_with(approval_of("0" * 64, nowhere), value, listed(value)).verdict == "unknown"


MANY = [preview_xcom(f"team/repository-{number:04}") for number in range(400)]


def test_an_approval_of_many_repositories_stays_within_its_bound_and_points_to_the_rest() -> None:
    repositories = [ApprovedRepository.of(value, listed(value)) for value in MANY]
    value = {**approval_xcom("delete", repositories, dry_run=False, repositories_uri="file:///a"), **ANSWER}
    assert len(json.dumps(value)) <= MAX_APPROVAL_BYTES
    assert (value["repositories"], value["repository_count"]) == (None, 400)
    lines = [repository.as_dict() for repository in repositories]
    approval = approval_of(value, lambda uri: {"file:///a": lines}[uri])
    assert compared_with(approval, MANY[7], listed(MANY[7])).verdict == "passed"
    changed = [{**lines[0], "images_fingerprint": "0"}, *lines[1:]]
    answer = approval_given(approval_of(value, lambda _: changed), "delete", dry_run=False)
    assert (answer.verdict, "at file:///a do not match" in answer.message) == ("unknown", True)
    unread = approval_of(value, lambda _: UNREAD)
    assert approval_given(unread, "delete", dry_run=False).remedy == "Write it again."


def test_an_approval_of_many_without_a_pointer_binds_all_of_them_together() -> None:
    repositories = [ApprovedRepository.of(value, listed(value)) for value in MANY]
    value = {**approval_xcom("delete", repositories, dry_run=False), **ANSWER}
    assert approval_given(bound(value, *MANY), "delete", dry_run=False).verdict == "passed"
    assert approval_given(bound(value, *MANY[:399]), "delete", dry_run=False).verdict == "unknown"


@given(st.permutations(range(4)), st.permutations(range(5)))
def test_no_order_changes_a_fingerprint(repositories: list[int], images: list[int]) -> None:
    all_tags = ("a", "b", "c", "d", "e")
    tagged = [previewed(number, image_tags=all_tags[: number + 1]) for number in range(5)]
    shuffled = [replace(tagged[n], image_tags=tuple(reversed(tagged[n].image_tags))) for n in images]
    assert tags_fingerprint(shuffled) == tags_fingerprint(tagged)
    approved = [ApprovedRepository.of(value, listed(value)) for value in MANY[:4]]
    reordered = [approved[number] for number in repositories]
    assert approval_digest("put", reordered, dry_run=False) == approval_digest("put", approved, dry_run=False)


def test_images_without_a_push_time_have_a_fingerprint() -> None:
    assert len(tags_fingerprint([previewed(1, image_pushed_at=None)])) == 64


def test_a_fingerprint_holds_for_the_value_and_not_for_how_it_was_stored() -> None:
    value = preview_xcom()
    stored = cast("Any", json.loads(json.dumps(value, indent=2, sort_keys=True)))
    assert ApprovedRepository.of(stored, listed(stored)) == ApprovedRepository.of(value, listed(value))


def test_an_approval_keeps_its_question_and_cuts_a_body_that_has_no_room() -> None:
    preview = preview_xcom("payments/api")
    value = approval_xcom("delete", [ApprovedRepository.of(preview, listed(preview))], dry_run=False)
    short = with_question(value, "Delete?", "All of them.", "file:///question.md")
    assert (short["subject"], short["body"], short["question_uri"]) == (
        "Delete?",
        "All of them.",
        "file:///question.md",
    )
    long = with_question(value, "Delete?", "\N{SKULL}" * MAX_APPROVAL_BYTES, None)
    assert len(json.dumps({**long, **ANSWER})) <= MAX_APPROVAL_BYTES
    assert str(long["body"]).endswith("…")
