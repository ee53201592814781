"""The limits and protections of a clean-up. Every one is on unless switched off here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, get_args

from airflow_provider_ecr_preview.core.protection.rules import ImageProtection

CleanupAction = Literal["delete", "archive"]


OnChange = Literal["block", "spare", "block_any"]


MAX_IMAGES = 1_000


MAX_SHARE = 0.5


MAX_BYTES = 1_000_000_000_000


MINIMUM_IMAGES_LEFT = 1


MAX_PREVIEW_AGE = timedelta(days=1)


REQUIRED_AGREEING_PREVIEWS = 2
"""The approved preview and the one that is made right before the deletion."""


@dataclass(frozen=True, kw_only=True)
class CleanupSettings:
    """The limits and protections of a clean-up of one repository.

    :param action: ``delete`` deletes images that were approved to expire; ``archive`` archives them, and those that
        were approved to be archived.
    :param protection: which images are never touched.
    :param max_images: more images block the clean-up; None for no limit.
    :param max_share: a larger share of the repository's images, from 0 to 1, blocks it; None for no limit.
    :param max_bytes: more bytes, counted as an upper bound, block it; None for no limit.
    :param minimum_images_left: fewer images left in the standard storage class block it. At least one must stay.
    :param max_preview_age: an older preview blocks it; None for no limit.
    :param required_agreeing_previews: the number of consecutive previews that must list an image. The approved and the
        fresh one make two. 0 requires no earlier ones either.
    :param on_change: whether an approved image that changed since the approval blocks the clean-up or is left out of it.
        ``block_any`` blocks also if the fresh preview lists images that were not approved; they are never touched.
    :param check_tags: whether an image whose tags changed since the approval counts as changed.
    :param check_in_use: whether images in use must be known and are left out.
    :param check_referrers: whether a signature, an SBOM or an attestation of an image that stays is left out.
    :param check_replicas: whether images are also protected by uses and tags in the replicas, which must then be known.
    :param ignored_findings: codes of critical findings that do not block.
    :param whole_policy: whether ECR itself will act on the policy. ECR leaves nothing out, so anything a clean-up would
        leave out blocks; and ECR both expires and archives.
    :raises ValueError: if a number is out of range.
    """

    action: CleanupAction = "delete"
    protection: ImageProtection = field(default_factory=ImageProtection)
    max_images: int | None = MAX_IMAGES
    max_share: float | None = MAX_SHARE
    max_bytes: int | None = MAX_BYTES
    minimum_images_left: int = MINIMUM_IMAGES_LEFT
    max_preview_age: timedelta | None = MAX_PREVIEW_AGE
    required_agreeing_previews: int = REQUIRED_AGREEING_PREVIEWS
    on_change: OnChange = "block"
    check_tags: bool = True
    check_in_use: bool = True
    check_referrers: bool = True
    check_replicas: bool = True
    ignored_findings: Collection[str] = ()
    whole_policy: bool = False

    def __post_init__(self) -> None:
        if self.action not in ("delete", "archive"):
            raise ValueError(f"action is {self.action!r}. Use 'delete' or 'archive'.")
        if self.on_change not in get_args(OnChange):
            raise ValueError(f"on_change is {self.on_change!r}. Use 'block', 'spare' or 'block_any'.")
        if self.max_share is not None and not 0 <= self.max_share <= 1:
            raise ValueError(f"max_share is {self.max_share}. Use a share from 0 to 1, or None for no limit.")
        for name in ("max_images", "max_bytes", "minimum_images_left", "required_agreeing_previews"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} is {value}. Use 0 or more.")

    @property
    def answered_findings(self) -> frozenset[str]:
        """Codes of findings that do not block, because they are ignored or a check of the clean-up covers them."""
        # check_referrers covers the last one even when it is off: switching it off gives up the referrers.
        answered = {"would_empty_repository", "referrer_of_kept_image_expires", *self.ignored_findings}
        if self.protection.newest_images_kept:
            answered.add("newest_image_expires")
        if self.protection.recently_pulled_days:
            answered.add("recently_pulled_image_expires")
        if self.check_in_use:
            answered.add("in_use_image_expires")
        if self.protection.protected_tags or self.protection.protected_tag_patterns:
            answered.add("protected_tag_expires")
        return frozenset(answered)
