from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.referrers import (
    Fate,
    can_be_run,
    left_to_run,
    newest_to_run,
    removal_levels,
    subject_digests,
    subjects_above,
)
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from tests.support.builders import NOW, digest

INDEX = "application/vnd.oci.image.index.v1+json"


def image(number: int, *tags: str, subject: int | None = None, **fields: Any) -> RepositoryImage:
    of = None if subject is None else digest(subject)
    return RepositoryImage(digest(number), tags, NOW - timedelta(hours=number), subject_manifest_digest=of, **fields)


def referrer_tag(number: int, ending: str = ".sig") -> str:
    return f"{digest(number).replace(':', '-')}{ending}"


def levels_of(images: list[RepositoryImage], going: dict[int, Fate], **kwargs: Any) -> dict[str, int]:
    there = {image.image_digest: image for image in images}
    targets = {digest(number): fate for number, fate in going.items()}
    return removal_levels(
        [image for image in images if image.image_digest in targets],
        targets.get,
        lambda of: Fate.now(there[of]) if of in there else Fate.GONE,
        **kwargs,
    )


class TestSubjects:
    def test_a_manifest_names_the_subject(self) -> None:
        assert subject_digests(image(1, subject=2)) == (digest(2),)

    @pytest.mark.parametrize("ending", ["", ".sig", ".att", ".sbom", ".something.new"])
    def test_a_tag_of_cosign_names_the_subject(self, ending: str) -> None:
        assert subject_digests(image(1, referrer_tag(2, ending))) == (digest(2),)

    @pytest.mark.parametrize("ending", [".sig", ".att", ".sbom"])
    def test_cosign_can_put_a_prefix_before_its_tags(self, ending: str) -> None:
        assert subject_digests(image(1, f"release-{referrer_tag(2, ending)}")) == (digest(2),)

    @pytest.mark.parametrize(
        "tag",
        [
            "v1",
            "sha256-abc.sig",
            f"sha256-{'A' * 64}.sig",
            f"{referrer_tag(2, '')}0",
            f"{referrer_tag(2, '')}-amd64",
            f"build-{referrer_tag(2, '')}",
            f"build-{referrer_tag(2, '.1')}",
        ],
    )
    def test_any_other_tag_names_no_subject(self, tag: str) -> None:
        assert subject_digests(image(1, tag)) == ()

    def test_a_tag_of_the_images_own_digest_names_no_subject(self) -> None:
        assert subject_digests(image(1, referrer_tag(1, ""))) == ()

    def test_an_sbom_can_belong_to_several_images(self) -> None:
        sbom = image(1, referrer_tag(3, ".sbom"), referrer_tag(2, ".sbom"), subject=2)
        assert subject_digests(sbom) == (digest(2), digest(3))

    def test_ecr_deletes_an_image_with_each_subject_above_it(self) -> None:
        images = [image(1), image(2, subject=1), image(3, subject=2), image(4, referrer_tag(1))]
        by_digest = {image.image_digest: image for image in images}
        assert subjects_above(images[2], by_digest) == {digest(1), digest(2)}
        assert subjects_above(images[3], by_digest) == set()
        assert subjects_above(image(5, subject=9), by_digest) == {digest(9)}

    def test_subjects_that_name_each_other_are_each_found_once(self) -> None:
        images = {image.image_digest: image for image in (image(1, subject=2), image(2, subject=1))}
        assert subjects_above(images[digest(1)], images) == {digest(1), digest(2)}


class TestCanBeRun:
    @pytest.mark.parametrize(
        ("stored", "expected"),
        [
            (image(1, "v1"), True),
            (image(1), True),
            (image(1, image_manifest_media_type=INDEX), True),
            (image(1, "1.0.0", artifact_media_type="application/vnd.cncf.helm.config.v1+json"), True),
            (image(1, referrer_tag(1, "")), True),
            (image(1, subject=2), False),
            (image(1, "v1", subject=2), False),
            (image(1, referrer_tag(2)), False),
            (image(1, referrer_tag(2), "v1"), False),
            (image(1, referrer_tag(2, ""), image_manifest_media_type=INDEX), False),
            (image(1, "v1", storage_class="ARCHIVE"), False),
        ],
    )
    def test_what_is_archived_or_belongs_to_another_image_cannot_be_run(
        self, stored: RepositoryImage, expected: bool
    ) -> None:
        assert can_be_run(stored) is expected

    @pytest.mark.parametrize("status", ["ARCHIVED", "ACTIVATING"])
    def test_an_image_that_is_not_active_cannot_be_run(self, status: str) -> None:
        detail = {"imageDigest": digest(1), "imagePushedAt": NOW, "imageStatus": status}
        assert not can_be_run(RepositoryImage.from_response(detail))

    def test_describe_images_names_the_subject(self) -> None:
        detail = {"imageDigest": digest(1), "imagePushedAt": NOW, "subjectManifestDigest": digest(2)}
        assert RepositoryImage.from_response(detail).subject_manifest_digest == digest(2)

    def test_the_newest_is_the_newest_that_can_be_run(self) -> None:
        assert newest_to_run([image(1, subject=3), image(2, "v2"), image(3)]) == digest(2)
        assert newest_to_run([image(1, subject=3)]) is None

    def test_a_restored_image_is_as_new_as_its_restore(self) -> None:
        restored = image(5, "v1", last_activated_at=NOW)
        assert newest_to_run([image(1), restored]) == digest(5)


class TestLeftToRun:
    def test_what_goes_and_what_cannot_be_run_does_not_count(self) -> None:
        images = [image(1, "v1"), image(2), image(3, subject=1), image(4, storage_class="ARCHIVE")]
        assert left_to_run(images, {digest(1)}.__contains__) == [images[1]]

    def test_untagged_images_do_not_count_where_a_list_goes_that_they_may_be_a_part_of(self) -> None:
        parts = [image(3), image(4)]
        whole = image(2, "v1", image_manifest_media_type=INDEX)
        newer = image(1, "v2")
        assert left_to_run([newer, whole, *parts], {digest(2)}.__contains__) == [newer]
        assert left_to_run([newer, whole, *parts], {digest(1)}.__contains__) == [whole, *parts]
        assert left_to_run([whole, *parts], {digest(2)}.__contains__) == []

    def test_the_newest_image_counts_whatever_goes(self) -> None:
        images = [image(1), image(2, image_manifest_media_type=INDEX), image(3)]
        assert left_to_run(images, {digest(2)}.__contains__) == [images[0]]


class TestRemovalLevels:
    def test_a_referrer_goes_after_its_subject(self) -> None:
        images = [image(4, subject=3), image(3, referrer_tag(2)), image(2, subject=1), image(1, "v1")]
        going = dict.fromkeys((1, 2, 3, 4), Fate.GONE)
        assert levels_of(images, going) == {digest(1): 0, digest(2): 1, digest(3): 2, digest(4): 3}

    def test_a_chain_stays_with_the_image_that_it_belongs_to(self) -> None:
        images = [image(1, "v1"), image(2, subject=1), image(3, subject=2), image(4)]
        assert levels_of(images, dict.fromkeys((2, 3, 4), Fate.GONE)) == {digest(4): 0}

    def test_an_sbom_stays_with_the_last_image_that_it_belongs_to(self) -> None:
        images = [image(1), image(2), image(3, referrer_tag(1, ".sbom"), referrer_tag(2, ".sbom"))]
        assert digest(3) not in levels_of(images, dict.fromkeys((1, 3), Fate.GONE))
        assert levels_of(images, dict.fromkeys((1, 2, 3), Fate.GONE))[digest(3)] == 1

    def test_what_belongs_to_an_image_that_is_not_there_may_go(self) -> None:
        assert levels_of([image(2, subject=1)], {2: Fate.GONE}) == {digest(2): 0}

    def test_a_referrer_goes_no_further_than_its_subject(self) -> None:
        images = [image(1), image(2, subject=1)]
        assert digest(2) not in levels_of(images, {1: Fate.ARCHIVED, 2: Fate.GONE})
        assert digest(2) in levels_of(images, {1: Fate.ARCHIVED, 2: Fate.ARCHIVED})
        assert digest(2) in levels_of(images, {1: Fate.GONE, 2: Fate.ARCHIVED})

    def test_the_signature_of_an_archived_image_may_be_archived_and_not_deleted(self) -> None:
        images = [image(1, storage_class="ARCHIVE"), image(2, subject=1)]
        assert digest(2) not in levels_of(images, {2: Fate.GONE})
        assert digest(2) in levels_of(images, {2: Fate.ARCHIVED})

    def test_images_that_refer_to_each_other_stay(self) -> None:
        images = [image(1, referrer_tag(2)), image(2, referrer_tag(1)), image(3, subject=1)]
        assert levels_of(images, dict.fromkeys((1, 2, 3), Fate.GONE)) == {}

    def test_without_subjects_only_known_lists_hold(self) -> None:
        images = [image(1), image(2, subject=1), image(3, referenced_by=(digest(1),))]
        assert set(levels_of(images, dict.fromkeys((2, 3), Fate.GONE), with_subjects=False)) == {digest(2)}

    def test_an_image_that_a_list_is_known_to_name_goes_after_the_list(self) -> None:
        images = [image(1, referenced_by=(digest(2),)), image(2, referenced_by=(digest(3),)), image(3)]
        assert levels_of(images, dict.fromkeys((1, 2, 3), Fate.GONE)) == {digest(3): 0, digest(2): 1, digest(1): 2}
        assert levels_of(images, dict.fromkeys((1, 2), Fate.GONE)) == {}

    def test_an_archived_list_holds_nothing(self) -> None:
        images = [image(1, referenced_by=(digest(2),)), image(2, storage_class="ARCHIVE")]
        assert levels_of(images, {1: Fate.GONE}) == {digest(1): 0}

    def test_an_image_that_is_not_to_go_is_passed_over(self) -> None:
        assert removal_levels([image(1)], {}.get, lambda _: Fate.STAYS) == {}

    @given(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans(), st.booleans()), max_size=13),
        st.sets(st.integers(0, 12)),
    )
    def test_nothing_goes_that_belongs_to_what_stays_and_everything_else_does(
        self, drawn: list[tuple[int, int, bool, bool]], going: set[int]
    ) -> None:
        images = [
            image(number, referrer_tag(by_tag), subject=subject if has_subject else None)
            if has_tag
            else image(number, subject=subject if has_subject and subject != number else None)
            for number, (subject, by_tag, has_subject, has_tag) in enumerate(drawn)
        ]
        there = {image.image_digest: image for image in images}
        levels = levels_of(images, {number: Fate.GONE for number in going if number < len(images)})
        for candidate in images:
            held = [of for of in subject_digests(candidate) if of in there and of not in levels]
            if candidate.image_digest in levels:
                assert not held
                assert all(
                    levels[of] < levels[candidate.image_digest] for of in subject_digests(candidate) if of in there
                )
            elif candidate.image_digest in {digest(number) for number in going}:
                assert held
