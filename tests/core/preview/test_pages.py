from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.pages import (
    PageCheck,
    PreviewPage,
    PreviewStatus,
    checked,
    summarize_pages,
)
from tests.support.builders import REGION, REGISTRY_ID, REPOSITORY, archiving, digest, page, previewed, status, stored
from tests.support.policies import policy, rule


def response(**fields: Any) -> dict[str, Any]:
    return {
        "registryId": REGISTRY_ID,
        "repositoryName": REPOSITORY,
        "status": "COMPLETE",
        "lifecyclePolicyText": json.dumps({"rules": [rule()]}),
        **fields,
    }


def read(*pages: PreviewPage, fingerprint: str | None = None, whole: bool = True) -> list[PreviewPage]:
    return list(checked(pages, PageCheck(fingerprint, whole=whole)))


class TestStatus:
    def test_a_response_without_a_summary_announces_nothing(self) -> None:
        preview = PreviewStatus.from_response(response(), REGION)
        assert (preview.expiring_image_total_count, preview.transitioning_image_total_counts) == (None, None)

    def test_a_summary_announces_totals(self) -> None:
        counts = [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 3}]
        preview = PreviewStatus.from_response(
            response(summary={"expiringImageTotalCount": 2, "transitioningImageTotalCounts": counts}), REGION
        )
        assert preview.expiring_image_total_count == 2
        assert preview.transitioning_image_total_counts == {"ARCHIVE": 3}

    @pytest.mark.parametrize("missing", ["registryId", "repositoryName", "status", "lifecyclePolicyText"])
    def test_a_response_that_was_cut_off_is_refused(self, missing: str) -> None:
        whole = response()
        del whole[missing]
        with pytest.raises(KeyError, match=missing):
            PreviewStatus.from_response(whole, REGION)

    @pytest.mark.parametrize(
        ("state", "error"),
        [
            ("IN_PROGRESS", exceptions.PreviewInProgressError),
            ("FAILED", exceptions.PreviewFailedError),
            ("EXPIRED", exceptions.PreviewExpiredError),
        ],
    )
    def test_only_a_complete_preview_can_be_read(self, state: str, error: type[Exception]) -> None:
        with pytest.raises(error, match=rf"{REPOSITORY} \({REGISTRY_ID}, {REGION}\)"):
            status(state).require_complete()

    def test_a_preview_in_progress_is_not_complete_and_no_error(self) -> None:
        assert not status("IN_PROGRESS").is_complete()
        assert status().is_complete(policy().fingerprint)

    @pytest.mark.parametrize("state", ["IN_PROGRESS", "COMPLETE", "FAILED", "EXPIRED"])
    def test_a_preview_of_another_policy_was_replaced_whatever_its_status(self, state: str) -> None:
        with pytest.raises(exceptions.PreviewReplacedError, match="another policy"):
            status(state).is_complete(policy(rule(2)).fingerprint)

    def test_the_status_is_pushed_in_plain_json(self) -> None:
        value = status().as_xcom()
        assert json.loads(json.dumps(value)) == value
        assert (value["repository_name"], value["status"]) == (REPOSITORY, "COMPLETE")


class TestPages:
    def test_a_page_has_the_images_of_the_response(self) -> None:
        result = {"imageDigest": digest(1), "action": {"type": "EXPIRE"}, "appliedRulePriority": 1}
        listed = PreviewPage.from_response(response(previewResults=[result]), REGION)
        assert [image.image_digest for image in listed.images] == [digest(1)]
        assert PreviewPage.from_response(response(previewResults=[]), REGION).images == []

    @given(st.lists(st.booleans(), max_size=30), st.integers(1, 7))
    def test_pages_that_add_up_pass_however_they_are_cut(self, expires: list[bool], size: int) -> None:
        images = [previewed(n) if expire else archiving(n) for n, expire in enumerate(expires)]
        preview = status(expiring=sum(expires), archived=len(expires) - sum(expires))
        pages = [page(*images[start : start + size], of=preview) for start in range(0, len(images) or 1, size)]
        assert [image for page in read(*pages) for image in page.images] == images

    def test_pages_without_a_summary_pass(self) -> None:
        assert len(read(page(previewed(1)), page(archiving(2)))) == 2

    def test_a_page_of_another_policy_is_a_replaced_preview(self) -> None:
        with pytest.raises(exceptions.PreviewReplacedError):
            read(page(previewed(1)), page(previewed(2), of=status(policy=policy(rule(2)))))

    def test_the_first_page_has_to_be_of_the_expected_policy(self) -> None:
        with pytest.raises(exceptions.PreviewReplacedError):
            read(page(previewed(1)), fingerprint=policy(rule(2)).fingerprint)

    def test_pages_with_different_totals_are_of_two_previews(self) -> None:
        with pytest.raises(exceptions.PreviewInconsistentError, match="different totals"):
            read(page(previewed(1), of=status(expiring=2)), page(previewed(2), of=status(expiring=3)))

    @pytest.mark.parametrize(
        ("images", "what"),
        [
            pytest.param([previewed(1), archiving(3)], "1 images expiring", id="too few expire"),
            pytest.param([previewed(1), previewed(2), previewed(4), archiving(3)], "3 images expiring", id="too many"),
            pytest.param([previewed(1), previewed(2)], "0 images to go to ARCHIVE", id="too few are archived"),
        ],
    )
    def test_a_whole_preview_has_what_its_summary_says(self, images: list[PreviewedImage], what: str) -> None:
        with pytest.raises(exceptions.PreviewInconsistentError, match=what):
            read(page(*images, of=status(expiring=2, archived=1)))

    def test_a_kind_that_the_summary_does_not_name_is_refused(self) -> None:
        with pytest.raises(exceptions.PreviewInconsistentError, match="a kind that ECR's summary does not name"):
            read(page(archiving(1), of=status(expiring=0)))

    def test_a_part_of_a_preview_may_have_fewer_images_but_not_more(self) -> None:
        announced = status(expiring=2, archived=1)
        assert len(read(page(previewed(1), of=announced), whole=False)) == 1
        with pytest.raises(exceptions.PreviewInconsistentError):
            read(page(previewed(1), previewed(2), previewed(3), of=announced), whole=False)


class TestSummary:
    def test_a_summary_is_of_all_pages_and_says_where_to_go_on(self) -> None:
        whole = summarize_pages([page(previewed(1)), page(archiving(2), next_token="more")])
        assert (whole.expiring_image_count, whole.archiving_image_count, whole.next_token) == (1, 1, "more")

    def test_every_image_is_handed_on_with_its_size(self) -> None:
        inventory = RepositoryInventory()
        inventory.add(stored(1, image_size_in_bytes=5))
        images: list[PreviewedImage] = []
        summarize_pages([page(previewed(1), previewed(2))], inventory, images.append)
        assert [image.image_size_in_bytes for image in images] == [5, None]

    def test_an_image_on_two_pages_names_the_repository(self) -> None:
        with pytest.raises(exceptions.PreviewInconsistentError, match=f"{REPOSITORY} .*{digest(1)} twice"):
            summarize_pages([page(previewed(1)), page(previewed(1))])

    def test_no_page_is_no_preview(self) -> None:
        with pytest.raises(ValueError, match="no page"):
            summarize_pages([])
