from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.deletion_order import Holding
from airflow_provider_ecr_preview.core.cleanup.outcome import ImageOutcome
from airflow_provider_ecr_preview.core.referrers import Fate
from tests.support.builders import digest, stored

CODE = "ImageReferencedByManifestList"
INDEX = "application/vnd.oci.image.index.v1+json"


def holding(subjects: dict[int, tuple[int, ...]] | None = None, **outcomes: Any) -> Holding:
    """Return what holds images of a plan in which 1 is an image, and 2 and 3 are lists."""
    planned = {
        digest(1): stored(1),
        digest(2): stored(2, image_manifest_media_type=INDEX),
        digest(3): stored(3, image_manifest_media_type=INDEX),
    }
    told: dict[str, ImageOutcome] = {of: ImageOutcome(of) for of in planned}
    for name, outcome in outcomes.items():
        of = digest(int(name[1:]))
        told[of] = ImageOutcome(of, (), *outcome)
    by_digest = {digest(of): tuple(map(digest, names)) for of, names in (subjects or {}).items()}
    return Holding(planned, by_digest, told, {CODE, "UpstreamUnavailable"})


def refusal(*lists: int, code: str = CODE, own: int = 1) -> ImageOutcome:
    names = ", ".join(map(digest, lists))
    return ImageOutcome(digest(own), (), "failed", code, f"{digest(own)} is referenced by manifest list: [{names}]")


class TestSubject:
    @pytest.mark.parametrize(
        ("outcome", "state"),
        [
            (("deleted",), "gone"),
            (("archived",), "gone"),
            (("gone",), "gone"),
            (("not_attempted",), "going"),
            (("unknown",), "going"),
            (("failed", "UpstreamUnavailable"), "going"),
            (("failed", "KmsError"), "stays"),
            (("spared", "changed_meanwhile"), "stays"),
        ],
    )
    def test_an_image_waits_for_the_subject_that_goes_and_stays_with_one_that_stays(
        self, outcome: tuple[str, ...], state: str
    ) -> None:
        assert holding({3: (1,)}, _1=outcome).subject(digest(3), {}, Fate.GONE) == state

    def test_one_subject_that_stays_is_enough(self) -> None:
        of = holding({3: (1, 2)}, _1=("deleted",), _2=("spared",))
        assert of.subject(digest(3), {}, Fate.GONE) == "stays"

    def test_an_image_that_belongs_to_none_may_go(self) -> None:
        assert holding().subject(digest(1), {}, Fate.GONE) == "gone"

    def test_a_subject_outside_the_plan_is_looked_for(self) -> None:
        of = holding({1: (8, 2), 2: (8,)})
        assert of.unplanned_subjects([digest(1), digest(2), digest(3)]) == [digest(8)]
        assert of.subject(digest(2), {}, Fate.GONE) == "gone"
        assert of.subject(digest(2), {digest(8): Fate.STAYS}, Fate.GONE) == "stays"
        assert of.subject(digest(2), {digest(8): Fate.ARCHIVED}, Fate.ARCHIVED) == "gone"


class TestRefused:
    def test_what_a_list_outside_the_plan_names_is_spared_for_that_list(self) -> None:
        outcome = holding().refused(refusal(2, 7))
        assert (outcome.status, outcome.reason) == ("spared", "referenced_by_manifest_list")
        assert f"names it: {digest(7)}." in (outcome.message or "")

    def test_what_a_spared_list_names_is_spared(self) -> None:
        assert holding(_2=("spared", "in_use")).refused(refusal(2)).status == "spared"

    def test_what_a_list_names_that_goes_is_tried_again(self) -> None:
        assert holding().refused(refusal(2, 3)) == refusal(2, 3)
        assert holding(_2=("deleted",), _3=("deleted",)).refused(refusal(2, 3)) == refusal(2, 3)

    def test_in_the_end_a_list_that_did_not_go_stays(self) -> None:
        outcome = holding(_2=("unknown",)).refused(refusal(2), is_last=True)
        assert (outcome.status, outcome.reason) == ("spared", "referenced_by_manifest_list")

    def test_in_the_end_what_only_deleted_lists_name_has_failed(self) -> None:
        assert holding(_2=("deleted",)).refused(refusal(2), is_last=True).status == "failed"

    def test_the_images_own_digest_in_the_message_is_no_list(self) -> None:
        assert holding().refused(refusal()).status == "failed"

    @pytest.mark.parametrize("code", [CODE, "ImageStorageClassUpdateNotSupported"])
    def test_where_ecr_names_no_list_any_list_of_the_plan_may_be_the_one(self, code: str) -> None:
        outcome = refusal(code=code)
        assert holding().refused(outcome).status == "failed"
        assert holding().refused(outcome, is_last=True).status == "spared"

    def test_an_image_that_cannot_be_archived_for_no_list_of_the_plan_is_spared_in_the_first_round(self) -> None:
        outcome = refusal(code="ImageStorageClassUpdateNotSupported")
        assert holding(_2=("archived",), _3=("spared",)).refused(outcome).status == "spared"

    def test_an_image_that_cannot_be_archived_for_another_reason_is_looked_at_again(self) -> None:
        outcome = ImageOutcome(
            digest(1), (), "failed", "ImageStorageClassUpdateNotSupported", "The image is ACTIVATING"
        )
        assert holding(_2=("archived",), _3=("archived",)).refused(outcome) == outcome
        assert holding(_2=("archived",), _3=("archived",)).refused(outcome, is_last=True).status == "spared"

    def test_any_other_outcome_is_left_as_it_is(self) -> None:
        for outcome in (refusal(7, code="KmsError"), ImageOutcome(digest(1), (), "deleted")):
            assert holding().refused(outcome) == outcome
