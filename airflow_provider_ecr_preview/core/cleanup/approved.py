"""The approved images, and the earlier previews that must agree with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

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


MIN_TIME_BETWEEN = timedelta(hours=12)
"""ECR gives a preview no id and no time, and it can be read again and again. Two summaries that list the same images count as
two previews only if they were read at least this long apart."""


def earlier_previews(evidence: Evidence, settings: CleanupSettings) -> list[PreviewList | Unread]:
    """Return the latest earlier previews: as many as are required in addition to the approved and the fresh one."""
    wanted = max(settings.required_agreeing_previews - 2, 0)
    return _told_apart(evidence)[:wanted] if wanted else []


def uncounted_summary_count(evidence: Evidence) -> int:
    """Return the number of earlier summaries that may be of the same preview as a later one."""
    return len(_before_the_approved(evidence)) - len(_told_apart(evidence))


def _told_apart(evidence: Evidence) -> list[PreviewList | Unread]:
    """Return the earlier previews, the latest first, without those that may be the same as a later one."""
    approved, counted_at = evidence.summary, evidence.previewed_at
    if isinstance(counted_at, Unread) or not evidence.previous:
        return []
    counted = (approved["policy_fingerprint"], approved["images_fingerprint"])
    found: list[PreviewList | Unread] = []
    for time in _before_the_approved(evidence):
        preview = evidence.previous[time]
        if isinstance(preview, Unread):
            found.append(preview)  # it blocks, whatever comes before it
            continue
        listed = (preview.policy_fingerprint, preview.images_fingerprint)
        # ECR keeps one preview of a repository: what differs from a later preview was read before that one started.
        if listed != counted or counted_at - time >= MIN_TIME_BETWEEN:
            found.append(preview)
            counted_at, counted = time, listed
    return found


def _before_the_approved(evidence: Evidence) -> list[datetime]:
    """Return the times of the earlier summaries, the latest first."""
    approved_at = evidence.previewed_at
    if isinstance(approved_at, Unread):
        return []
    return sorted((time for time in evidence.previous if time < approved_at), reverse=True)


def _as_previewed(image: EarlierImage) -> PreviewedImage:
    return PreviewedImage(image.image_digest, image.image_tags, None, image.action or EXPIRE, 0)
