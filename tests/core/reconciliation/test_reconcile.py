from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.reconciliation.execution import (
    ExecutedImage,
    PolicyExecution,
    UnreadExecution,
    parse_execution,
)
from airflow_provider_ecr_preview.core.reconciliation.reconcile import RepositoryReconciliation, reconcile
from airflow_provider_ecr_preview.core.reconciliation.result import reconciliation_xcom
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.xcom.reconciliation import MAX_RECONCILIATION_BYTES
from tests.support.builders import NOW, REGION, REGISTRY_ID, REPOSITORY, archiving, digest, previewed, summary

WHERE = RepositoryId(REGISTRY_ID, REGION, REPOSITORY)
LATER = NOW + timedelta(hours=2)
END = NOW + timedelta(hours=3)
MAX_CHECKED = 30


def executed(number: int, action: str | None = "EXPIRE", failure: str | None = None) -> ExecutedImage:
    return ExecutedImage(digest(number), (), 1, action, failure)


def run(*images: ExecutedImage, fingerprint: str | None = None, repository: RepositoryId = WHERE) -> PolicyExecution:
    told = frozenset([fingerprint]) if fingerprint else frozenset[str]()
    return PolicyExecution(f"event-{len(images)}", LATER, repository, told, images)


def compared(listed: list[Any], *events: Any, until: Any = END) -> RepositoryReconciliation:
    whole = summary_xcom(summary(*listed))
    images = PreviewList.of_images(whole["policy_fingerprint"], listed)
    return reconcile(whole, images, events, since=NOW, until=until)


def categories(reconciliation: RepositoryReconciliation) -> dict[str, str]:
    return {image.image_digest: image.category for image in reconciliation.images}


def codes(reconciliation: RepositoryReconciliation) -> dict[str, str]:
    return {finding.code: finding.severity for finding in reconciliation.findings}


def test_every_image_is_in_one_category_of_what_was_said_and_what_happened() -> None:
    listed = [previewed(1), previewed(2), previewed(3), archiving(4), archiving(6)]
    done = compared(
        listed,
        run(
            executed(1),
            executed(3, failure="X"),
            executed(4, "TRANSITION"),
            executed(5),
            executed(6),
            executed(7, "TRANSITION"),
        ),
    )
    assert categories(done) == {
        digest(1): "expired_as_previewed",
        digest(2): "previewed_but_kept",
        digest(3): "deletion_failed",
        digest(4): "archived_as_previewed",
        digest(5): "expired_without_preview",
        digest(6): "expired_without_preview",
        digest(7): "archived_without_preview",
    }
    assert done.status == "reconciled"
    assert done.failures == {"X": 1}
    assert codes(done)["expired_without_preview"] == "critical"


def test_an_image_that_failed_first_and_went_later_went() -> None:
    assert categories(compared([previewed(1)], run(executed(1, failure="X")), run(executed(1)))) == {
        digest(1): "expired_as_previewed"
    }


def test_of_other_repositories_and_other_times_nothing_counts() -> None:
    elsewhere = run(executed(1), repository=RepositoryId(REGISTRY_ID, REGION, "other"))
    earlier = PolicyExecution("e", NOW - timedelta(hours=1), WHERE, frozenset(), (executed(1),))
    done = compared([previewed(1)], elsewhere, earlier)
    assert (done.status, done.images) == ("not_executed_yet", ())


def test_what_has_not_happened_after_a_day_is_a_finding_and_before_it_is_none() -> None:
    assert codes(compared([previewed(1)])) == {}
    late = compared([previewed(1)], until=NOW + timedelta(days=2))
    assert codes(late) == {"not_executed_in_time": "warning"}


def test_an_event_that_cannot_be_understood_makes_it_unknown_and_no_image_counts_as_kept() -> None:
    done = compared([previewed(1), previewed(2)], run(executed(1)), UnreadExecution("e", None, "KeyError"))
    assert done.status == "unknown"
    assert categories(done)[digest(2)] == "not_known"
    assert {"event_not_understood", "not_reconciled"} <= codes(done).keys()


def test_events_that_cannot_be_read_say_nothing() -> None:
    whole = summary_xcom(summary(previewed(1)))
    images = PreviewList.of_images(whole["policy_fingerprint"], [previewed(1)])
    done = reconcile(whole, images, Unread("denied"), since=NOW, until=END)
    assert (done.status, done.message, done.images) == ("unknown", "denied", ())


def test_a_policy_that_was_not_previewed_is_reported() -> None:
    same = summary_xcom(summary(previewed(1)))["policy_fingerprint"]
    assert compared([previewed(1)], run(executed(1), fingerprint=same)).policy == "same"
    assert compared([previewed(1)], run(executed(1), fingerprint="f" * 64)).policy == "changed"
    assert compared([previewed(1)], run(executed(1))).policy == "unknown"


@given(
    listed=st.sets(st.integers(0, MAX_CHECKED)),
    gone=st.sets(st.integers(0, MAX_CHECKED)),
    failed=st.sets(st.integers(0, MAX_CHECKED)),
)
def test_no_image_is_lost_and_none_that_went_is_called_kept(listed: set[int], gone: set[int], failed: set[int]) -> None:
    images = [executed(number) for number in sorted(gone)]
    images += [executed(number, failure="X") for number in sorted(failed - gone)]
    done = compared([previewed(number) for number in sorted(listed)], run(*images))
    found = categories(done)
    assert found.keys() == {digest(number) for number in listed | gone | failed}
    assert {key for key, category in found.items() if category.startswith("expired")} == {digest(n) for n in gone}
    assert {key for key, category in found.items() if category == "expired_without_preview"} == {
        digest(n) for n in gone - listed
    }
    assert sum(done.counts.values()) == len(found)


def test_the_result_fits_into_an_xcom_whatever_happened_and_keeps_the_most_severe() -> None:
    done = [compared([previewed(number)], run(*map(executed, range(500, 560)))) for number in range(400)]
    value = reconciliation_xcom([compared([previewed(1)], run(executed(1))), *done], until=END)
    assert len(json.dumps(value)) <= MAX_RECONCILIATION_BYTES
    assert value["repository_count"] == 401
    assert value["repositories_left_out"] == 401 - len(value["repositories"]) > 0
    assert value["counts"]["expired_without_preview"] == 400 * 60
    assert all(repository["counts"].get("expired_without_preview") for repository in value["repositories"])


def test_an_event_that_is_no_json_or_names_no_repository_is_unread() -> None:
    for text in ("{", "[]", '{"serviceEventDetails": {}}', '{"serviceEventDetails": {"repositoryName": ""}}'):
        unread = parse_execution({"EventId": "e", "CloudTrailEvent": text})
        assert isinstance(unread, UnreadExecution)
        assert (unread.event_id, unread.repository_name) == ("e", None)


def test_an_image_that_is_gone_does_not_fail_any_more() -> None:
    later = PolicyExecution("later", LATER + timedelta(minutes=1), WHERE, frozenset(), (executed(1, failure="X"),))
    done = compared([previewed(1)], run(executed(1)), later)
    assert categories(done) == {digest(1): "expired_as_previewed"}
    assert done.images[0].as_dict(WHERE)["repository_name"] == REPOSITORY


def test_without_the_images_of_the_preview_nothing_is_reconciled() -> None:
    whole = summary_xcom(summary(previewed(1)))
    for previews in (Unread("access denied"), PreviewList(whole["policy_fingerprint"], "others")):
        done = reconcile(whole, previews, [run(executed(1))], since=NOW, until=END)
        assert done.status == "unknown"
        assert done.message
