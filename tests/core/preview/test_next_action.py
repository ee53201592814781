"""The day on which a policy takes an image that it keeps today, against the evaluator, which is called day by day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import ceil
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.lint.rule import MIN_DAYS_SINCE_TRANSITION
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.kept import kept_images
from airflow_provider_ecr_preview.core.preview.next_action import NextAction, next_actions
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest, stored
from tests.support.policies import policy, rule, tagged
from tests.support.random_registries import RandomImage, random_images, random_policy

UNTIL = MIN_DAYS_SINCE_TRANSITION
"""Days. After as many, an image that is archived today could expire, and its referrers with it."""


def older(count_type: str = "sinceImagePushed", days: int = 10) -> dict[str, object]:
    return {"countType": count_type, "countUnit": "days", "countNumber": days}


def next_of(
    of: LifecyclePolicy, images: Sequence[RepositoryImage], preview: dict[str, str] | None = None
) -> dict[str, NextAction]:
    """Return the next actions after a preview; without one, after the one that the evaluator expects."""
    verdicts = of.evaluate(images, NOW)
    if preview is None:
        preview = {verdict.image.image_digest: verdict.action for verdict in verdicts if verdict.action is not None}
    return next_actions(verdicts, preview.get, NOW)


def as_stored(images: Sequence[RandomImage]) -> list[RepositoryImage]:
    """Return random images as DescribeImages lists them: without the lists that name them."""

    def ago(days: float | None) -> object:
        # Never to the minute at which the policy runs, so that a time of day says which run takes an image.
        return None if days is None else NOW - timedelta(days=days, minutes=7)

    return [
        RepositoryImage(
            digest(number),
            image.tags,
            ago(image.pushed),  # type: ignore[arg-type]
            last_recorded_pull_time=ago(image.pulled),  # type: ignore[arg-type]
            storage_class="STANDARD" if image.archived is None or image.restored is not None else ARCHIVE,
            last_archived_at=ago(image.archived),  # type: ignore[arg-type]
            last_activated_at=ago(image.restored),  # type: ignore[arg-type]
            subject_manifest_digest=None if image.subject is None else digest(image.subject),
        )
        for number, image in enumerate(images)
    ]


def lived_through(of: LifecyclePolicy, images: Sequence[RepositoryImage]) -> dict[str, tuple[int, str]]:
    """Return the day of the first action on each image, with the policy run once a day on what is still there."""
    there, gone_on, first = {image.image_digest: image for image in images}, {}, {}
    for day in range(UNTIL):
        now = NOW + timedelta(days=day)
        for verdict in of.evaluate(there.values(), now):
            image = verdict.image
            if verdict.action == EXPIRE:
                gone_on[image.image_digest] = day
            elif verdict.action == TRANSITION:
                there[image.image_digest] = replace(image, storage_class=ARCHIVE, last_archived_at=now)
            if verdict.action is not None:
                first.setdefault(image.image_digest, (day, verdict.action))
        for image in [*there.values()]:
            if gone_on.get(image.subject_manifest_digest or "", day) < day:
                gone_on.setdefault(image.image_digest, day)
                first.setdefault(image.image_digest, (day, EXPIRE))
        for image_digest in gone_on:
            there.pop(image_digest, None)
    return first


@given(seed=st.integers(0, 2**32))
def test_the_next_actions_are_those_of_a_policy_that_runs_every_day(seed: int) -> None:
    random = Random(seed)
    images = as_stored(random_images(random))
    of = LifecyclePolicy.from_service(json.dumps(random_policy(random)))
    preview = {
        verdict.image.image_digest: verdict.action for verdict in of.evaluate(images, NOW) if verdict.action is not None
    }
    wanted = lived_through(of, images)
    # Day 0 is the preview.
    assert {image: action for image, (day, action) in wanted.items() if day == 0} == preview
    found = {
        image: (ceil((action.at - NOW) / timedelta(days=1)), action.action)
        for image, action in next_of(of, images, preview).items()
    }
    soon = {image: entry for image, entry in found.items() if entry[0] < UNTIL}
    assert soon == {image: entry for image, entry in wanted.items() if image not in preview}


@pytest.mark.parametrize("count_type", ["sinceImagePushed", "sinceImagePulled"])
def test_the_time_is_the_last_at_which_the_evaluator_keeps_the_image(count_type: str) -> None:
    images, of = [stored(5)], policy(rule(1, **older(count_type)))
    at = next_of(of, images)[digest(5)].at
    assert not of.evaluate(images, at)[0].is_taken
    assert of.evaluate(images, at + timedelta.resolution)[0].is_taken


def test_a_rule_by_age_takes_an_image_when_it_is_older_and_says_what_it_does() -> None:
    images = [stored(1, "a"), stored(2, "b")]
    archives = {"type": "transition", "targetStorageClass": "archive"}
    of = policy(tagged(1, "a", **older()), tagged(2, "b", **older("sinceImagePulled", 3)) | {"action": archives})
    assert next_of(of, images) == {
        digest(1): NextAction(EXPIRE, NOW - timedelta(hours=1) + timedelta(days=10)),
        digest(2): NextAction(TRANSITION, NOW - timedelta(hours=2) + timedelta(days=3)),
    }


def test_a_rule_by_count_never_takes_what_it_keeps_and_no_rule_takes_nothing() -> None:
    assert next_of(policy(tagged(1, "a*")), [stored(1, "a1"), stored(2, "a2"), stored(3, "b")]) == {}


def test_an_image_that_ecr_keeps_though_a_rule_takes_it_has_no_next_action() -> None:
    of = policy(rule(1, **older(days=1)))
    assert next_of(of, [stored(48)], preview={}) == {}


def test_a_referrer_goes_within_a_day_of_its_subject_and_its_own_referrers_after_it() -> None:
    images = [
        stored(1, "a"),
        stored(2, "x", subject_manifest_digest=digest(1)),
        stored(3, "y", subject_manifest_digest=digest(2)),
        stored(4, "z", subject_manifest_digest=digest(9)),
    ]
    of = policy(tagged(1, "a", **older()))
    at = NOW - timedelta(hours=1) + timedelta(days=10)
    assert {image: action.at for image, action in next_of(of, images).items()} == {
        digest(1): at,
        digest(2): at + timedelta(days=1),
        digest(3): at + timedelta(days=2),
    }
    after_preview = next_of(of, images, preview={digest(1): EXPIRE})
    assert after_preview[digest(2)] == NextAction(EXPIRE, NOW + timedelta(days=1))
    assert next_of(of, images, preview={digest(1): TRANSITION}) == {}


def test_two_that_name_each_other_as_their_subject_end_nothing() -> None:
    images = [stored(1, "a", subject_manifest_digest=digest(2)), stored(2, "a", subject_manifest_digest=digest(1))]
    assert len(next_of(policy(tagged(1, "a", **older())), images)) == 2


def test_a_number_of_days_beyond_all_calendars_is_never() -> None:
    assert next_of(policy(rule(1, **older(days=10**9))), [stored(1)]) == {}
    of = policy(tagged(1, "a", **older(days=(datetime.max.replace(tzinfo=UTC) - NOW).days)))
    images = [stored(0, "a"), stored(2, "b", subject_manifest_digest=digest(0))]
    [last] = next_of(of, images).values()
    assert last.at.year == 9999


def test_the_list_of_kept_images_says_when_each_goes() -> None:
    of = policy(tagged(1, "a", **older()))
    [image] = kept_images(of, [stored(1, "a")], lambda _: False, NOW)
    assert (image.as_dict()["next_action"], image.as_dict()["next_action_at"]) == (
        "EXPIRE",
        (NOW - timedelta(hours=1) + timedelta(days=10)).isoformat(),
    )
