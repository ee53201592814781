"""Whatever belongs together in a repository, no plan breaks what stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.cleanup.check_functions import CHECK_FUNCTIONS
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan, batches_of, plan_cleanup
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.referrers import Fate, can_be_run, is_index, subject_digests
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest
from tests.support.evidence import Used

INDEX = "application/vnd.oci.image.index.v1+json"
SIZE = 10
Drawn = tuple[Evidence, CleanupSettings, CleanupPlan]
numbers = st.integers(0, SIZE)
"""The last of them is in no repository."""


@st.composite
def stored(draw: st.DrawFn, number: int) -> RepositoryImage:
    names = st.sampled_from(["v1", "live", "build-1"])
    tags = st.lists(st.one_of(names, numbers.map(lambda of: f"sha256-{digest(of)[7:]}.sig")), max_size=2, unique=True)
    subject = draw(st.none() | numbers)
    return RepositoryImage(
        image_digest=digest(number),
        image_tags=tuple(draw(tags)),
        image_pushed_at=NOW - timedelta(minutes=draw(st.sampled_from([10, 20, 30, 50, 90, 500, 501]))),
        storage_class=draw(st.sampled_from(["STANDARD", "STANDARD", "STANDARD", "ARCHIVE"])),
        image_manifest_media_type=draw(st.sampled_from([None, None, INDEX])),
        subject_manifest_digest=None if subject is None else digest(subject),
        # A list is pushed after what it names, so that lists never name each other in a circle.
        referenced_by=tuple(digest(of) for of in draw(st.sets(numbers, max_size=1)) if of > number),
    )


@st.composite
def plans(draw: st.DrawFn) -> Drawn:
    inventory = [draw(stored(number)) for number in range(draw(st.integers(1, SIZE)))]
    approved = [
        PreviewedImage(
            image.image_digest,
            draw(st.sampled_from([image.image_tags, image.image_tags, ("live",)])),
            image.image_pushed_at,
            draw(st.sampled_from([EXPIRE, EXPIRE, TRANSITION])),
            1,
        )
        for image in inventory
        if draw(st.sampled_from([True, True, False]))
    ]
    fresh = PreviewList.of_images("policy", approved)
    summary: Any = {"previewed_at": NOW.isoformat(), "policy_fingerprint": "policy", "findings": []}
    used = Used(*(digest(number) for number in draw(st.sets(numbers, max_size=2))))
    evidence = Evidence(
        summary=summary,
        approved=fresh,
        fresh=fresh,
        inventory=inventory,
        in_use=used,
        now=NOW,
    )
    careful = CleanupSettings(
        action=draw(st.sampled_from(["delete", "delete", "archive"])),
        whole_policy=draw(st.booleans()),
        minimum_images_left=draw(st.integers(0, 3)),
        protection=ImageProtection(
            protected_tags=("live",), min_age_days=0, recently_pulled_days=0, newest_images_kept=draw(st.integers(0, 1))
        ),
    )
    return evidence, careful, plan_cleanup(evidence, careful)


class Ending:
    """What becomes of a repository by a plan."""

    def __init__(self, evidence: Evidence, careful: CleanupSettings, plan: CleanupPlan) -> None:
        assert isinstance(evidence.approved, PreviewList)
        assert not isinstance(evidence.inventory, str)
        self.images = {image.image_digest: image for image in evidence.inventory}  # type: ignore[union-attr]
        self.going = {image.image_digest for image in plan.images}
        self._actions = {of: image.action for of, image in (evidence.approved.images or {}).items()}
        self._careful = careful

    def fate(self, of: str) -> Fate:
        if of not in self.images:
            return Fate.GONE
        return self.target(of) if of in self.going else Fate.now(self.images[of])

    def target(self, of: str) -> Fate:
        if self._careful.whole_policy:
            return Fate.GONE if self._actions[of] == EXPIRE else Fate.ARCHIVED
        return Fate.GONE if self._careful.action == "delete" else Fate.ARCHIVED


def what_belongs_to_an_image_that_stays_or_runs_stays(
    drawn: Drawn,
) -> None:
    evidence, _, plan = drawn
    ending = Ending(*drawn)
    assert isinstance(evidence.in_use, Used)
    for image in plan.images:
        assert image.image_digest not in evidence.in_use.names
        for subject in subject_digests(image):
            assert ending.fate(subject) >= ending.fate(image.image_digest)
            assert subject not in evidence.in_use.names or subject in ending.going


def no_list_goes_that_names_an_image_in_use_and_no_image_that_a_list_names_that_stays(
    drawn: Drawn,
) -> None:
    evidence, _, plan = drawn
    ending = Ending(*drawn)
    assert isinstance(evidence.in_use, Used)
    for image in plan.images:
        assert all(ending.fate(of) >= Fate.ARCHIVED for of in image.referenced_by)
    for of in evidence.in_use.names & ending.images.keys():
        if not subject_digests(ending.images[of]):
            assert ending.going.isdisjoint(ending.images[of].referenced_by)


def ecr_deletes_nothing_that_is_protected_or_runs_with_what_goes(
    drawn: Drawn,
) -> None:
    evidence, _, _ = drawn
    ending = Ending(*drawn)
    assert isinstance(evidence.approved, PreviewList)
    assert isinstance(evidence.in_use, Used)
    for image in ending.images.values():
        before = (evidence.approved.images or {}).get(image.image_digest)
        tags = {*image.image_tags, *(before.image_tags if before else ())}
        if "live" in tags or image.image_digest in evidence.in_use.names:
            assert image.subject_manifest_digest not in ending.going


def every_approved_image_goes_or_is_spared_for_a_reason_that_is_true(
    drawn: Drawn,
) -> None:
    evidence, _, plan = drawn
    ending = Ending(*drawn)
    assert isinstance(evidence.approved, PreviewList)
    assert isinstance(evidence.in_use, Used)
    assert ending.going | plan.spared.keys() | plan.gone == set(evidence.approved.images or {})
    assert ending.going.isdisjoint(plan.spared)
    for of in plan.spared_for(Spared.SUBJECT_STAYS):
        subjects = {*subject_digests(ending.images[of])}
        stay = {subject for subject in subjects & ending.images.keys() if subject not in ending.going}
        less = {subject for subject in subjects if ending.fate(subject) < ending.target(of)}
        assert stay | less | (subjects & evidence.in_use.names)
    for of in plan.spared_for(Spared.REFERENCED_BY_MANIFEST_LIST):
        assert any(ending.fate(list_) < Fate.ARCHIVED for list_ in ending.images[of].referenced_by)


def no_plan_that_passes_leaves_a_repository_without_images_that_can_be_run(
    drawn: Drawn,
) -> None:
    evidence, careful, plan = drawn
    ending = Ending(*drawn)
    if CHECK_FUNCTIONS["images_left"](evidence, careful, plan).verdict != "passed" or not any(
        map(can_be_run, plan.images)
    ):
        return
    left = [image for of, image in ending.images.items() if can_be_run(image) and of not in ending.going]
    assert len(left) >= max(careful.minimum_images_left, 1)
    if any(is_index(image) for image in plan.images if can_be_run(image)):
        newest = max(filter(can_be_run, ending.images.values()), key=lambda image: image.image_pushed_at)
        assert any(
            image.image_tags or is_index(image) or image.image_pushed_at == newest.image_pushed_at for image in left
        )


def batches_keep_what_needs_each_other_apart_and_in_order(drawn: Drawn) -> None:
    _, _, plan = drawn
    batches = list(batches_of(plan.images, 2))
    assert [image for batch in batches for image in batch] == list(plan.images)
    position = {image.image_digest: place for place, batch in enumerate(batches) for image in batch}
    for batch in batches:
        assert 0 < len(batch) <= 2
        assert len({is_index(image) for image in batch}) == 1
        for image in batch:
            for of in (*subject_digests(image), *image.referenced_by):
                assert position.get(of, -1) < position[image.image_digest]


RULES = (
    what_belongs_to_an_image_that_stays_or_runs_stays,
    no_list_goes_that_names_an_image_in_use_and_no_image_that_a_list_names_that_stays,
    ecr_deletes_nothing_that_is_protected_or_runs_with_what_goes,
    every_approved_image_goes_or_is_spared_for_a_reason_that_is_true,
    no_plan_that_passes_leaves_a_repository_without_images_that_can_be_run,
    batches_keep_what_needs_each_other_apart_and_in_order,
)


@settings(max_examples=150, deadline=None)
@given(plans())
def test_no_plan_breaks_what_stays(drawn: Drawn) -> None:
    for rule in RULES:
        rule(drawn)


def test_a_plan_is_one_line_of_the_log() -> None:
    image = RepositoryImage(digest(1), (), NOW)
    index = RepositoryImage(digest(2), (), NOW, image_manifest_media_type=INDEX)
    plan = CleanupPlan((image,), {digest(3): Spared.IN_USE, digest(4): Spared.NEWEST, digest(5): Spared.IN_USE})
    assert plan.summary("delete") == "1 image to delete, 3 spared (2 in_use, 1 newest)."
    assert CleanupPlan().summary("archive") == "0 images to archive, 0 spared."
    maybe = CleanupPlan((image, index), lists_that_stay=(index,))
    assert maybe.summary("delete").endswith(
        "Up to 1 of these may be spared, because a manifest list that stays may name them."
    )
