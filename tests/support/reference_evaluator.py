"""A second evaluator of lifecycle policies, written from the sentences of AWS's documentation.

It imports nothing of the product, and is as slow and as plain as its sentences. Where AWS documents nothing, it states
what it assumes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class ReferenceImage:
    """An image of a repository.

    :param name: a name that no other image has.
    :param tags: its tags.
    :param pushed: when it was pushed.
    :param pulled: when it was pulled last; None for never.
    :param archived: when it was archived last; None for never.
    :param restored: when it was restored last from the archive; None for never.
    :param lists: the names of the manifest lists that name it.
    """

    name: str
    tags: tuple[str, ...]
    pushed: datetime
    pulled: datetime | None = None
    archived: datetime | None = None
    restored: datetime | None = None
    lists: tuple[str, ...] = ()

    @property
    def storage_class(self) -> str:
        """The storage class that it is in."""
        if self.archived is None or (self.restored is not None and self.restored >= self.archived):
            return "standard"
        return "archive"


def what_goes(policy: Mapping[str, Any], images: Sequence[ReferenceImage], now: datetime) -> dict[str, tuple[int, str]]:
    """Return the priority and the action for every image that the policy expires or archives.

    :param policy: a valid policy.
    :param images: every image of the repository, in the order in which they arrived.
    :param now: when the policy is evaluated.
    """
    marked = {}
    for image in images:
        rule = _rule_in_charge(policy, image)
        if rule is not None and _identifies(rule["selection"], image, images, now):
            marked[image.name] = (rule["rulePriority"], rule["action"]["type"])
    there = {image.name: image for image in images}
    return {name: what for name, what in marked.items() if _may_go(there[name], marked, there)}


def _rule_in_charge(policy: Mapping[str, Any], image: ReferenceImage) -> Mapping[str, Any] | None:
    """Return the only rule that can expire or archive an image.

    "An image that matches the tagging requirements of a rule cannot be expired or archived by a rule with a lower
    priority": so the first rule whose requirements it matches is the only one that can.
    """
    for rule in sorted(policy["rules"], key=lambda rule: int(rule["rulePriority"])):
        if _concerns(rule["selection"], image):
            return dict(rule)
    return None


def _concerns(selection: Mapping[str, Any], image: ReferenceImage) -> bool:
    if selection.get("storageClass", "standard") != image.storage_class:
        return False
    if selection["tagStatus"] == "any":
        return True
    if selection["tagStatus"] == "untagged":
        return not image.tags
    # Several patterns or prefixes in one rule mean AND, so each of them must match some tag of the image.
    if "tagPrefixList" in selection:
        return all(any(tag.startswith(prefix) for tag in image.tags) for prefix in selection["tagPrefixList"])
    return all(any(matches(pattern, tag) for tag in image.tags) for pattern in selection["tagPatternList"])


def matches(pattern: str, tag: str) -> bool:
    """Return whether a tag is like a pattern, whose only wildcard is ``*``."""
    if not pattern:
        return not tag
    if pattern[0] == "*":
        return matches(pattern[1:], tag) or (bool(tag) and matches(pattern, tag[1:]))
    return bool(tag) and tag[0] == pattern[0] and matches(pattern[1:], tag[1:])


def _identifies(
    selection: Mapping[str, Any], image: ReferenceImage, images: Sequence[ReferenceImage], now: datetime
) -> bool:
    """Return whether a rule identifies an image, as if there were no other rule."""
    number = int(selection["countNumber"])
    if selection["countType"] == "imageCountMoreThan":
        # "Youngest to oldest by push time, everything past N"; images that another rule marks count as well.
        rivals = [other for other in images if _concerns(selection, other)]
        # AWS does not document the order of equal times; the one that arrived later counts as the younger one.
        rivals.sort(key=_age_of_order)
        return rivals.index(image) < len(rivals) - number
    oldest_kept = now - timedelta(days=number)
    if selection["countType"] == "sinceImagePushed":
        # AWS does not document that a restore changes this.
        return image.pushed < oldest_kept
    if selection["countType"] == "sinceImagePulled":
        return _used(image) < oldest_kept
    return image.archived is not None and image.archived < oldest_kept


def _age_of_order(image: ReferenceImage) -> datetime:
    """Return what "oldest first" goes by: the push, and for an image archived and restored the restore instead."""
    return image.pushed if image.restored is None else image.restored


def _used(image: ReferenceImage) -> datetime:
    """Return the last pull; of an image never pulled the push; of one restored and not pulled since, the restore."""
    if image.restored is not None and (image.pulled is None or image.pulled < image.restored):
        return image.restored
    return image.pushed if image.pulled is None else image.pulled


def _may_go(image: ReferenceImage, marked: Mapping[str, tuple[int, str]], there: Mapping[str, ReferenceImage]) -> bool:
    """Return whether no manifest list keeps a marked image.

    "An image referenced by a manifest list cannot be expired or archived before the list is": a list that is archived
    keeps nothing, and neither does one that goes in the same run.
    """
    return all(
        there[of].storage_class == "archive" or (of in marked and _may_go(there[of], marked, there))
        for of in image.lists
        if of in there
    )
