"""The pages of GetLifecyclePolicyPreview, and the check that they are one whole preview of one policy.

ECR gives a preview no id. A repository has one preview, and starting another replaces it while it is being read.
So every page must be COMPLETE and of the expected policy, and together the pages must add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.exceptions import (
    PreviewExpiredError,
    PreviewFailedError,
    PreviewInconsistentError,
    PreviewInProgressError,
    PreviewReplacedError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.xcom.preview import StartedPreviewXCom

IN_PROGRESS = "IN_PROGRESS"


COMPLETE = "COMPLETE"


EXPIRED = "EXPIRED"


FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class PreviewStatus:
    """The state of a preview as a whole, from one response.

    :param registry_id: the registry (account).
    :param repository_name: the repository.
    :param region_name: the Region that was called.
    :param status: ``IN_PROGRESS``, ``COMPLETE``, ``EXPIRED`` or ``FAILED``.
    :param policy: the previewed policy.
    :param expiring_image_total_count: ``summary.expiringImageTotalCount``; None if there is no summary.
    :param transitioning_image_total_counts: ``summary.transitioningImageTotalCounts`` by target storage class; None
        if there is no summary.
    """

    registry_id: str
    repository_name: str
    region_name: str
    status: str
    policy: LifecyclePolicy
    expiring_image_total_count: int | None = None
    transitioning_image_total_counts: Mapping[str, int] | None = None

    @classmethod
    def from_response(cls, response: Mapping[str, Any], region_name: str) -> PreviewStatus:
        """Return the status in a response of Start- or GetLifecyclePolicyPreview.

        :raises KeyError: if the response lacks its status or its policy, as a truncated one does.
        :raises ValueError, TypeError: if it contains anything that ECR never sends.
        """
        summary = response.get("summary")
        text, status = response["lifecyclePolicyText"], response["status"]
        if not isinstance(text, str) or not isinstance(status, str):
            raise TypeError(f"status is {status!r}, lifecyclePolicyText is {text!r}")
        return cls(
            registry_id=response["registryId"],
            repository_name=response["repositoryName"],
            region_name=region_name,
            status=status,
            policy=policy_of(text),
            expiring_image_total_count=None if summary is None else _count(summary.get("expiringImageTotalCount", 0)),
            transitioning_image_total_counts=None
            if summary is None
            else {
                count["targetStorageClass"]: _count(count["imageTotalCount"])
                for count in summary.get("transitioningImageTotalCounts", ())
            },
        )

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return RepositoryId(self.registry_id, self.region_name, self.repository_name)

    def is_complete(self, policy_fingerprint: str | None = None) -> bool:
        """Return whether the preview can be read; False while it is in progress.

        :param policy_fingerprint: the policy that the preview must be of; any policy if None.
        :raises PreviewReplacedError: if it is of another policy.
        :raises PreviewFailedError: if ECR ended it as FAILED.
        :raises PreviewExpiredError: if it has expired.
        """
        if policy_fingerprint is not None and self.policy.fingerprint != policy_fingerprint:
            raise self.error(
                PreviewReplacedError,
                f"ECR's preview ({self.status}) is of another policy ({self.policy.fingerprint[:12]}, not "
                f"{policy_fingerprint[:12]}): something else started one. Start this preview again, and let only one DAG "
                "preview a repository at a time (an Airflow pool of one slot).",
            )
        if self.status == FAILED:
            raise self.error(
                PreviewFailedError,
                "ECR ended the preview as FAILED and gives no reason. Start it again; if it fails again, look at the "
                "DryRunEvent in CloudTrail.",
            )
        if self.status == EXPIRED:
            raise self.error(PreviewExpiredError, "the preview has expired. Start it again and read it sooner.")
        return self.status == COMPLETE

    def require_complete(self, policy_fingerprint: str | None = None) -> None:
        """Raise unless the preview can be read.

        :param policy_fingerprint: the policy that the preview must be of; any policy if None.
        :raises PreviewInProgressError: if it is still running; otherwise as :meth:`is_complete`.
        """
        if not self.is_complete(policy_fingerprint):
            raise self.error(
                PreviewInProgressError,
                f"the preview is {self.status}; its images cannot be read yet. Wait for it "
                "(EcrLifecyclePolicyPreviewSensor).",
            )

    def as_xcom(self) -> StartedPreviewXCom:
        """Return the state of the preview as the start operator and the sensor push it."""
        return StartedPreviewXCom(
            registry_id=self.registry_id,
            region_name=self.region_name,
            repository_name=self.repository_name,
            status=self.status,
            policy_fingerprint=self.policy.fingerprint,
        )

    def error(self, cls: type[RepositoryError], message: str) -> RepositoryError:
        """Return an error of the given class about this repository."""
        return cls(
            message,
            repository_name=self.repository_name,
            registry_id=self.registry_id,
            region_name=self.region_name,
        )


@dataclass(frozen=True, slots=True)
class PreviewPage:
    """One page of a preview.

    :param preview: the state of the preview as a whole, from this page.
    :param images: the affected images on this page.
    :param next_token: the token to resume from, on the last page that ``max_items`` allows; otherwise None.
    """

    preview: PreviewStatus
    images: list[PreviewedImage]
    next_token: str | None = None

    @classmethod
    def from_response(cls, response: Mapping[str, Any], region_name: str) -> PreviewPage:
        """Return the page that a response of GetLifecyclePolicyPreview holds.

        :raises KeyError: if the response lacks a part that every page has.
        :raises ValueError, TypeError: if it contains anything that ECR never sends.
        """
        preview = PreviewStatus.from_response(response, region_name)
        results = response["previewResults"] if preview.status == COMPLETE else response.get("previewResults", ())
        return cls(preview, [PreviewedImage.from_response(result) for result in results])


class PageCheck:
    """Checks, page by page, that all pages belong to one complete preview.

    :param policy_fingerprint: the policy that every page must be of; that of the first page if None.
    :param whole: whether all images are read. With only a part (``max_items``, ``starting_token``, a filter, a list of
        images), the check can find too many images but not too few.
    """

    def __init__(self, policy_fingerprint: str | None = None, *, whole: bool = True) -> None:
        self._policy_fingerprint = policy_fingerprint
        self._whole = whole
        self._read: Counter[str | None] = Counter()
        self._announced: PreviewStatus | None = None

    def add(self, page: PreviewPage) -> None:
        """Check one page.

        :raises PreviewInProgressError: if the preview is still running.
        :raises PreviewReplacedError: if the page is of another policy.
        :raises PreviewFailedError: if ECR ended the preview as FAILED.
        :raises PreviewExpiredError: if the preview has expired.
        :raises PreviewInconsistentError: if the page does not match the earlier ones.
        """
        preview = page.preview
        preview.require_complete(self._policy_fingerprint)
        self._policy_fingerprint = preview.policy.fingerprint
        self._check_summary(preview)
        for image in page.images:
            self._read[image.target_storage_class if image.action != EXPIRE else None] += 1

    def finish(self) -> None:
        """Check, after the last page, that the pages add up.

        :raises PreviewInconsistentError: if they hold more or fewer images than ECR's summary says.
        """
        announced = self._announced
        if announced is None:
            return
        for target, expected in _announced_counts(announced).items():
            read = self._read.pop(target, 0)
            if read > expected or (self._whole and read < expected):
                what = "expiring" if target is None else f"to go to {target}"
                raise announced.error(
                    PreviewInconsistentError,
                    f"the pages hold {read} images {what}, ECR's summary says {expected}. The preview may have been "
                    "started again while it was read: read it again.",
                )
        if self._read.total():
            raise announced.error(
                PreviewInconsistentError,
                f"the pages hold {self._read.total()} images of a kind that ECR's summary does not name. Read the "
                "preview again.",
            )

    def _check_summary(self, preview: PreviewStatus) -> None:
        if preview.expiring_image_total_count is None:
            return
        if self._announced is None:
            self._announced = preview
        elif _announced_counts(self._announced) != _announced_counts(preview):
            raise preview.error(
                PreviewInconsistentError,
                "two pages have different totals: the preview was started again while it was read. Read it again.",
            )


def checked(pages: Iterable[PreviewPage], check: PageCheck) -> Iterator[PreviewPage]:
    """Yield each of ``pages`` once it is checked, and check at the end that they add up."""
    for page in pages:
        check.add(page)
        yield page
    check.finish()


def summarize_pages(
    pages: Iterable[PreviewPage],
    inventory: RepositoryInventory | None = None,
    on_image: Callable[[PreviewedImage], object] | None = None,
) -> PreviewSummary:
    """Return the summary of a preview.

    :param pages: its pages, checked.
    :param inventory: the repository's images, to add sizes and pulls.
    :param on_image: called with every image as it streams by.
    :raises PreviewInconsistentError: if the preview lists an image twice.
    :raises ValueError: if there is no page.
    """
    summary: PreviewSummary | None = None
    previewed_at = datetime.now(UTC)
    for page in pages:
        preview = page.preview
        if summary is None:
            summary = PreviewSummary(
                repository_name=preview.repository_name,
                registry_id=preview.registry_id,
                region_name=preview.region_name,
                policy=preview.policy,
                previewed_at=previewed_at,
                status=preview.status,
            )
        for listed in page.images:
            image = listed if inventory is None else listed.enriched(inventory)
            try:
                summary.add(image)
            except ValueError as error:
                raise preview.error(PreviewInconsistentError, f"{error} Read the preview again.") from error
            if on_image is not None:
                on_image(image)
        summary.next_token = page.next_token
    if summary is None:
        raise ValueError("There is no page to summarise.")
    return summary


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(f"{value!r} is not a number of images")
    return value


def _announced_counts(preview: PreviewStatus) -> dict[str | None, int]:
    counts: dict[str | None, int] = {None: preview.expiring_image_total_count or 0}
    counts.update(preview.transitioning_image_total_counts or {})
    return counts


@lru_cache(maxsize=64)
def policy_of(lifecycle_policy_text: str) -> LifecyclePolicy:
    """Parse the policy that ECR returned. All pages of a preview repeat the same text, so it is parsed once."""
    return LifecyclePolicy.from_service(lifecycle_policy_text)
