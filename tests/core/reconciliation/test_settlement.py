"""Of an image whose call got no reply, an event says who did it; without one, only the repository can tell."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.reconciliation.execution import ExecutedImage, PolicyExecution
from airflow_provider_ecr_preview.core.reconciliation.image_calls import ImageCall
from airflow_provider_ecr_preview.core.reconciliation.settlement import (
    MAX_SETTLED_IMAGES,
    LostReply,
    SettledImage,
    settle,
    settlement_xcom,
)
from airflow_provider_ecr_preview.core.repository import RepositoryId
from tests.support.builders import NOW, REGION, REGISTRY_ID, REPOSITORY, digest

WHERE = RepositoryId(REGISTRY_ID, REGION, REPOSITORY)
LOST = LostReply(WHERE, digest(1))
ROLE = "arn:aws:sts::123456789012:assumed-role/cleaner"
OURS, THEIRS = f"{ROLE}/airflow", "arn:aws:sts::123456789012:assumed-role/person/ada"
MINUTE = timedelta(minutes=1)


def call(caller: str = OURS, *, event_id: str = "call", **fields: Any) -> ImageCall:
    values = {"called_at": NOW - MINUTE, "repository": WHERE, "image_digests": frozenset({digest(1)}), **fields}
    return ImageCall(event_id, caller=caller, **values)


def execution(failure: str | None = None, **fields: Any) -> PolicyExecution:
    values = {"executed_at": NOW - MINUTE, "repository": WHERE, **fields}
    image = ExecutedImage(digest(1), ("v1",), 1, "EXPIRE", failure)
    return PolicyExecution("policy", policy_fingerprints=frozenset(), images=(image,), **values)


def settled(
    *events: ImageCall | PolicyExecution, untouched: Collection[LostReply] = (), caller: str = OURS
) -> SettledImage:
    """Return the outcome of image 1, whose clean-up ended now."""
    calls = [event for event in events if isinstance(event, ImageCall)]
    executions = [event for event in events if isinstance(event, PolicyExecution)]
    (image,) = settle([LOST], calls, executions, untouched, caller=caller, until=NOW)
    return image


def test_a_line_of_the_results_names_the_image() -> None:
    line = {**WHERE.as_dict(), "image_digest": digest(1), "status": "deleted"}
    assert LostReply.of_line(line) == LOST


@pytest.mark.parametrize(
    ("called_by", "cleaned_by", "category"),
    [
        (OURS, OURS, "confirmed"),
        (f"{ROLE}/another-session", OURS, "confirmed"),
        (THEIRS, OURS, "done_by_other"),
        ("arn:aws:iam::123456789012:user/team/ada", "arn:aws:iam::123456789012:user/team/ada", "confirmed"),
        ("arn:aws:iam::123456789012:user/team/bob", "arn:aws:iam::123456789012:user/team/ada", "done_by_other"),
    ],
)
def test_a_call_is_ours_if_the_role_or_the_user_is_whatever_the_session(
    called_by: str, cleaned_by: str, category: str
) -> None:
    image = settled(call(called_by), caller=cleaned_by)
    assert image == SettledImage(LOST, category, "call", NOW - MINUTE, called_by)  # type: ignore[arg-type]  # a Literal


def test_of_several_calls_the_last_before_the_clean_up_ended_counts_in_whatever_order_they_are_read() -> None:
    calls = [
        call(event_id="last", called_at=NOW),
        call(THEIRS, event_id="later", called_at=NOW + MINUTE),
        call(THEIRS, event_id="first", called_at=NOW - MINUTE),
    ]
    assert settled(*calls).event_id == settled(*reversed(calls)).event_id == "last"


@pytest.mark.parametrize(
    "fields",
    [
        {"called_at": NOW + MINUTE},
        {"image_digests": frozenset({digest(2)})},
        {"repository": RepositoryId(REGISTRY_ID, REGION, "other")},
    ],
)
def test_a_later_call_and_one_about_another_image_say_nothing(fields: dict[str, Any]) -> None:
    assert settled(call(**fields)) == SettledImage(LOST, "not_known")


def test_without_a_call_a_policy_that_took_the_image_did_it() -> None:
    assert settled(execution()) == SettledImage(LOST, "done_by_policy", "policy", NOW - MINUTE)
    assert settled(execution(), call()).category == "confirmed"


@pytest.mark.parametrize("of", [execution("ImageReferencedByManifestList"), execution(executed_at=NOW + MINUTE)])
def test_a_policy_that_failed_or_ran_later_did_not_do_it(of: PolicyExecution) -> None:
    assert settled(of).category == "not_known"


def test_without_an_event_an_image_is_still_there_only_if_it_was_seen() -> None:
    assert settled(untouched={LOST}) == SettledImage(LOST, "still_there")
    assert settled(untouched={LostReply(WHERE, digest(2))}).category == "not_known"


def test_the_result_counts_all_images_and_names_first_those_that_are_not_confirmed() -> None:
    confirmed = [SettledImage(LOST, "confirmed", "call", NOW, OURS)] * MAX_SETTLED_IMAGES
    value = settlement_xcom([*confirmed, SettledImage(LOST, "not_known")], unread="CloudTrail: AccessDenied")
    assert value["image_count"] == MAX_SETTLED_IMAGES + 1
    assert value["counts"] == {"confirmed": MAX_SETTLED_IMAGES, "not_known": 1}
    assert value["unread"] == "CloudTrail: AccessDenied"
    assert len(value["images"]) == MAX_SETTLED_IMAGES
    image = {**WHERE.as_dict(), "image_digest": digest(1)}
    assert value["images"][:2] == [
        {**image, "category": "not_known", "event_id": None, "happened_at": None, "caller": None},
        {**image, "category": "confirmed", "event_id": "call", "happened_at": NOW.isoformat(), "caller": OURS},
    ]
