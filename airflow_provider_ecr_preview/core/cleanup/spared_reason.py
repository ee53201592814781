"""The reasons for which a clean-up spares an approved image."""

from __future__ import annotations

from enum import StrEnum


class Spared(StrEnum):
    """Why an approved image is spared."""

    PROTECTED_TAG = "protected_tag"
    """One of its tags is protected."""
    IN_USE = "in_use"
    """Something runs it, or refers to it."""
    TAGS_CHANGED = "tags_changed"
    """It gained or lost a tag after the approval."""
    PUSHED_AGAIN = "pushed_again"
    """It was pushed again after the approval."""
    NO_LONGER_PREVIEWED = "no_longer_previewed"
    """The fresh preview does not list it."""
    ACTION_CHANGED = "action_changed"
    """The fresh preview would archive it although it was approved to expire, or the other way round."""
    NOT_IN_EARLIER_PREVIEW = "not_in_earlier_preview"
    """An earlier preview does not list it."""
    NEWEST = "newest"
    """It is among the newest images."""
    TOO_YOUNG = "too_young"
    """It was pushed or restored recently."""
    RECENTLY_PULLED = "recently_pulled"
    """It was pulled recently."""
    ONLY_TO_BE_ARCHIVED = "only_to_be_archived"
    """The approval is to archive it, not to delete it."""
    ARCHIVED_ALREADY = "archived_already"
    """It is already archived."""
    SUBJECT_STAYS = "subject_stays"
    """It belongs to an image that stays or is in use: a signature, an SBOM, an attestation."""
    REFERRER_STAYS = "referrer_stays"
    """An image that belongs to it is protected or in use, and ECR would delete that image as well."""
    CHILD_IN_USE = "child_in_use"
    """It is a manifest list, and an image that it names, or most likely names, is in use."""
    REFERENCED_BY_MANIFEST_LIST = "referenced_by_manifest_list"
    """A manifest list that stays names it, so ECR refuses to delete it."""
    CHANGED_MEANWHILE = "changed_meanwhile"
    """It was tagged, pulled, archived or restored while the clean-up ran."""
    MINIMUM_IMAGES_LEFT = "minimum_images_left"
    """It is one of the newest images that can be run, and some of these must always be left."""


CHANGES = frozenset({Spared.NO_LONGER_PREVIEWED, Spared.ACTION_CHANGED, Spared.PUSHED_AGAIN})
"""The reasons that stem from a difference between the fresh preview and the approved one."""
