"""What is in the repositories that deletions are replicated to protects an image, or blocks where it is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, decide
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence, Replica
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_images import SparedImages
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from tests.support.builders import NOW, REGISTRY_ID, REPOSITORY, archiving, digest, previewed, stored, summary
from tests.support.evidence import Used

INDEX = "application/vnd.oci.image.index.v1+json"
THERE = RepositoryId(REGISTRY_ID, "eu-north-1", REPOSITORY)
PLACE = f"{REGISTRY_ID}/eu-north-1"
YOUNG_IS_FINE = ImageProtection(min_age_days=0, newest_images_kept=0)


def replica(*images: RepositoryImage, in_use: Any = None, **fields: Any) -> Replica:
    values: dict[str, Any] = {"images": {image.image_digest: image for image in images}, "in_use": in_use or Used()}
    return Replica(THERE, **{**values, **fields})


def evidence(*replicas: Replica, images: Any = None, **fields: Any) -> Evidence:
    affected = [previewed(1)] if images is None else images
    whole = summary(*affected, previewed_at=NOW)
    listed = PreviewList.of_images(whole.policy.fingerprint, affected)
    values: dict[str, Any] = {
        "summary": summary_xcom(whole),
        "approved": listed,
        "fresh": listed,
        "inventory": [stored(0), stored(1), stored(2), stored(3)],
        "in_use": Used(),
        "now": NOW,
        "replicas": replicas,
    }
    return Evidence(**{**values, **fields})


def decided(known: Evidence, **settings: Any) -> tuple[CheckResult, dict[str, Spared]]:
    """Return what the check says, and which images are spared."""
    decision = decide(known, CleanupSettings(**{"protection": YOUNG_IS_FINE, **settings}))
    (check,) = [check for check in decision.checks if check.code == "replicas"]
    return check, dict(decision.plan.spared)


def saw(known: Evidence, reason: Spared, **settings: Any) -> str:
    return SparedImages(known, CleanupSettings(**{"protection": YOUNG_IS_FINE, **settings})).saw(digest(1), reason)


def test_the_check_names_the_destinations() -> None:
    check, spared = decided(evidence(replica(stored(1))))
    assert (check.verdict, spared) == ("passed", {})
    assert check.message == f"ECR also deletes these images in {PLACE}: 1 of them is there now."
    assert len(check.image_digests) == 1


def test_without_destinations_it_passes() -> None:
    assert decided(evidence())[0].message == "ECR does not replicate deletions of this repository."


def test_it_can_be_switched_off() -> None:
    for known in (evidence(replica(in_use=Used(digest(1)))), evidence(replicas=Unread("denied"))):
        check, spared = decided(known, check_replicas=False)
        assert (check.verdict, spared) == ("off", {})


def test_archiving_is_not_replicated() -> None:
    known = evidence(replica(stored(1, "prod-1"), in_use=Used(digest(1), missing=[PLACE])), images=[archiving(1)])
    check, spared = decided(known, action="archive")
    assert (check.verdict, spared) == ("passed", {})
    assert decided(known, whole_policy=True)[1] == {}
    assert decided(known, whole_policy=True)[0].verdict == "unknown"


@pytest.mark.parametrize(
    ("known", "message", "remedy"),
    [
        (
            evidence(replicas=Unread("denied.", "Allow it.")),
            "It is not known where deletions are replicated to: denied.",
            "Allow it.",
        ),
        (
            evidence(replica(images=Unread("denied.", "Allow it."))),
            f"ECR also deletes these images in {PLACE}. The images in {PLACE} cannot be read: denied.",
            "Allow it.",
        ),
        (
            evidence(replica(), replica(in_use=Used(missing=[PLACE]))),
            f"It is not known what runs in {PLACE}.",
            f"Run EcrCollectImagesInUseOperator for account {REGISTRY_ID}, Region eu-north-1",
        ),
    ],
)
def test_what_is_not_known_blocks_and_says_what_lifts_it(known: Evidence, message: str, remedy: str) -> None:
    check, _ = decided(known)
    assert check.verdict == "unknown"
    assert message in check.message
    assert (check.remedy or "").startswith(remedy)


@pytest.mark.parametrize("in_use", [Unread("gone"), Used(missing=["x/y"])])
def test_what_was_not_collected_at_all_is_said_once_and_by_another_check(in_use: Any) -> None:
    known = evidence(replica(in_use=in_use), in_use=in_use)
    assert decided(known, check_in_use=False)[0].verdict == "passed"
    if isinstance(in_use, Unread):
        assert decided(known)[0].verdict == "passed"
    assert decided(replace(known, replicas=(replace(replica(), in_use=None),)))[0].verdict == "passed"


def test_what_runs_there_is_spared() -> None:
    known = evidence(replica(stored(1), in_use=Used(digest(1))))
    assert decided(known)[1] == {digest(1): Spared.IN_USE}
    assert saw(known, Spared.IN_USE) == f"It is used by ECS {digest(1)} ({PLACE})."
    assert decided(known, check_in_use=False)[1] == {}


def test_a_tag_that_only_the_replica_has_counts() -> None:
    known = evidence(replica(stored(1, "canary"), in_use=Used("canary")))
    assert decided(known)[1] == {digest(1): Spared.IN_USE}
    assert saw(known, Spared.IN_USE) == f"It is used by ECS canary ({PLACE})."


def test_a_tag_that_is_protected_there_protects() -> None:
    known = evidence(replica(stored(2)), replica(stored(1, "prod-7")))
    assert decided(known)[1] == {digest(1): Spared.PROTECTED_TAG}
    assert saw(known, Spared.PROTECTED_TAG) == f"Its tag prod-7 in {PLACE} is protected by prod*."
    assert saw(evidence(replica(stored(1))), Spared.PROTECTED_TAG) == "A tag of the image is protected."


def test_an_image_that_was_pulled_there_counts_as_pulled() -> None:
    known = evidence(replica(stored(1, last_recorded_pull_time=NOW - timedelta(days=2))))
    assert decided(known)[1] == {digest(1): Spared.RECENTLY_PULLED}
    assert f"2026-11-21 12:00 UTC in {PLACE}" in saw(known, Spared.RECENTLY_PULLED)
    here = evidence(replica(stored(1)), inventory=[stored(1, last_recorded_pull_time=NOW)])
    assert "2026-11-23 12:00 UTC; " in saw(here, Spared.RECENTLY_PULLED)
    assert saw(evidence(replica(stored(1))), Spared.RECENTLY_PULLED) == "The image was pulled recently."


def test_a_list_is_spared_when_one_of_its_images_runs_there() -> None:
    inventory = [
        stored(1, image_manifest_media_type=INDEX),
        RepositoryImage(digest(2), (), NOW, referenced_by=(digest(1),)),
        stored(3),
    ]
    known = evidence(
        replica(stored(2), in_use=Used(digest(2))), images=[previewed(1), previewed(2)], inventory=inventory
    )
    assert decided(known, check_tags=False)[1].keys() >= {digest(2)}
    assert digest(1) not in {image.image_digest for image in decide(known, CleanupSettings()).plan.images}


def test_what_cannot_be_read_protects_nothing_by_itself() -> None:
    known = evidence(replicas=Unread("denied"))
    assert decided(known)[1] == {}
    assert saw(known, Spared.IN_USE) == "Something runs the image, or refers to it."
