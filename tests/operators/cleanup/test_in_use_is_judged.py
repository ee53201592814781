"""Whether what was collected says what is in use now, in whatever form it is given."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.cleanup.answers import Answer
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.protection_checks import in_use as asked
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.in_use.scope import required_scope_of
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.reports.in_use import in_use_of
from tests.operators.cleanup.collected import ACCOUNT, REGION, REPOSITORY, collected

PLACE = RepositoryId(ACCOUNT, REGION, REPOSITORY)
SUMMARY: Any = {"registry_id": ACCOUNT, "region_name": REGION, "repository_name": REPOSITORY}
ENOUGH = "Which images were approved"
"""What the check goes on to say when it is known what is in use."""


def judged(value: Any, required_scope: Any = None, *, later: timedelta = timedelta(0)) -> Answer:
    now = datetime.now(UTC) + later
    used = in_use_of(value, required_scope_of(required_scope), lambda: now)(PLACE)
    unread = Unread(ENOUGH)
    evidence = Evidence(SUMMARY, unread, unread, unread, used, now)
    answer = asked(evidence, CleanupSettings(), CleanupPlan())
    assert answer.verdict == "unknown"
    return answer


def forms() -> list[Any]:
    of = collected()
    return [of, of.as_xcom(), json.dumps(of.as_xcom())]


def test_every_form_of_what_was_collected_is_taken() -> None:
    assert [judged(form).message for form in forms()] == [ENOUGH] * 3


@pytest.mark.parametrize(
    ("later", "why"), [(timedelta(hours=25), "it is 25 hours old"), (timedelta(minutes=-6), "in the future")]
)
def test_what_was_collected_at_another_time_blocks_in_every_form(later: timedelta, why: str) -> None:
    for form in forms():
        answer = judged(form, later=later)
        assert why in answer.message
        assert "Run EcrCollectImagesInUseOperator again" in str(answer.remedy)


@pytest.mark.parametrize(
    ("required_scope", "missing"),
    [
        (None, []),
        (ACCOUNT, []),
        ([f"{ACCOUNT}/{REGION}"], []),
        ([], []),
        ([int(ACCOUNT), f"{ACCOUNT}/eu-west-1"], [f"{ACCOUNT}/eu-west-1"]),
        ("['111111111111']", [f"111111111111/{REGION}"]),
    ],
)
def test_what_has_to_be_read_is_declared(required_scope: Any, missing: list[str]) -> None:
    answer = judged(collected(), required_scope)
    if not missing:
        assert answer.message == ENOUGH
        return
    assert answer.message == f"It is not known what runs in {', '.join(missing)}: only {ACCOUNT}/{REGION} was read."
    assert "required_scope" in str(answer.remedy)


def test_many_places_are_cut_in_the_message() -> None:
    scope = [f"{number:012d}" for number in range(1, 10)]
    assert " and 4 more: only " in judged(collected(), scope).message


def test_what_an_earlier_release_collected_blocks_and_says_to_collect_again() -> None:
    value: Any = collected().as_xcom()
    del value["scope"]
    for source in value["sources"]:
        del source["account_id"]
    answer = judged(value)
    assert "no place was recorded as read" in answer.message
    assert "earlier releases" in str(answer.remedy)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{'schema': 'ecr-images-in-use/1'}", "| tojson"),
        ("null", "not the output"),
        ([collected()], "not the output"),
        ({"protects": None}, "must have the schema"),
        (mock.Mock(spec=["protects", "is_complete", "unread"]), "not the output"),
        ({"schema": "ecr-images-in-use/1"}, "incomplete"),
        ({**collected().as_xcom(), "is_complete": False}, "the result says that it could not be read"),
        ({**collected().as_xcom(), "collected_at": "2026-01-01T00:00:00"}, "no time zone"),
        ({**collected().as_xcom(), "collected_at": None}, "incomplete"),
    ],
    ids=range(9),
)
def test_an_incomplete_collection_blocks_and_says_why(value: Any, why: str) -> None:
    answer = judged(value)
    assert why in f"{answer.message} {answer.remedy}"
