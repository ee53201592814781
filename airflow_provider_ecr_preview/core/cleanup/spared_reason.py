"""Why a clean-up leaves an approved image out."""

from __future__ import annotations

from enum import StrEnum


class Spared(StrEnum):
    """Why an approved image is left out."""

    PROTECTED_TAG = "protected_tag"
    """A tag of it is protected."""
    IN_USE = "in_use"
    """Something runs it, or refers to it."""
    TAGS_CHANGED = "tags_changed"
    """It got or lost a tag since it was approved."""
    PUSHED_AGAIN = "pushed_again"
    """It was pushed again since it was approved."""
    NO_LONGER_PREVIEWED = "no_longer_previewed"
    """The fresh preview does not list it."""
    ACTION_CHANGED = "action_changed"
    """The fresh preview would archive what was approved to expire, or the other way round."""
    NOT_IN_EARLIER_PREVIEW = "not_in_earlier_preview"
    """Too few previews in a row have listed it."""
    NEWEST = "newest"
    """It is among the newest images."""
    TOO_YOUNG = "too_young"
    """It was pushed or restored lately."""
    RECENTLY_PULLED = "recently_pulled"
    """It was pulled lately."""
    ONLY_TO_BE_ARCHIVED = "only_to_be_archived"
    """It was approved to be archived, not to be deleted."""
    ARCHIVED_ALREADY = "archived_already"
    """It is to be archived, and is."""
    SUBJECT_STAYS = "subject_stays"
    """It belongs to an image that stays or is in use: a signature, an SBOM, an attestation."""
    REFERRER_STAYS = "referrer_stays"
    """An image that belongs to it is protected or in use, and ECR would delete that one with it."""
    CHILD_IN_USE = "child_in_use"
    """It is a manifest list, and an image that it names, or most likely names, is in use."""
    REFERENCED_BY_MANIFEST_LIST = "referenced_by_manifest_list"
    """A manifest list that stays names it, so that ECR does not delete it."""
    CHANGED_MEANWHILE = "changed_meanwhile"
    """It was tagged, pulled, archived or restored while the clean-up ran."""
    MINIMUM_IMAGES_LEFT = "minimum_images_left"
    """It is one of the newest images that can be run, of which some always have to be left."""


CHANGES = frozenset({Spared.NO_LONGER_PREVIEWED, Spared.ACTION_CHANGED, Spared.PUSHED_AGAIN})
"""The reasons for which the fresh preview does not agree with the approved one."""
