"""The approved images, and the earlier previews that must agree with them."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.journal import EarlierImage
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.preview.summary import images_fingerprint


def approved_images(evidence: Evidence) -> Mapping[str, PreviewedImage] | None:
    """Return the approved images, or None if they are unknown."""
    approved, fresh = evidence.approved, evidence.fresh
    if isinstance(approved, Unread):
        return None
    if approved.images is not None:
        return approved.images
    # The approved images are known by their fingerprint only; it is also that of the fresh ones, or says nothing.
    if isinstance(fresh, Unread) or fresh.images is None:
        return None
    if approved.images_fingerprint == fresh.images_fingerprint:
        return fresh.images
    # An earlier attempt has already deleted or archived some of them.
    done = {image.image_digest: _as_previewed(image) for image in evidence.earlier.done.values()}
    together = {**done, **fresh.images}
    fingerprint = images_fingerprint((image.image_digest, image.action) for image in together.values())
    return together if done and fingerprint == approved.images_fingerprint else None


def earlier_previews(evidence: Evidence, settings: CleanupSettings) -> list[PreviewList | Unread]:
    """Return the latest earlier previews: as many as are required in addition to the approved and the fresh one."""
    wanted = max(settings.required_agreeing_previews - 2, 0)
    approved_at = evidence.previewed_at
    if isinstance(approved_at, Unread):
        return []
    earlier = sorted((time for time in evidence.previous if time < approved_at), reverse=True)
    return [evidence.previous[time] for time in earlier[:wanted]]


def _as_previewed(image: EarlierImage) -> PreviewedImage:
    return PreviewedImage(image.image_digest, image.image_tags, None, image.action or EXPIRE, 0)
