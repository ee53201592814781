"""A second evaluator of lifecycle policies, written from the sentences of ECR's user guide alone.

Its author had not read the evaluator of the package, and it imports nothing of it: where both agree, they agree because
the guide says so. It is simple and slow on purpose. Every rule names the section of the guide that it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_PER_DAY = 24 * 60 * 60 * 1_000_000


@dataclass(frozen=True)
class StoredImage:
    """One image as a repository holds it. `children` are what a manifest list names.

    `subject` is what a referrer names; the guide gives it no part in a rule.
    """

    digest: str
    pushed_at: datetime
    tags: tuple[str, ...] = ()
    status: str = "ACTIVE"  # or ARCHIVED, or ACTIVATING
    last_pulled_at: datetime | None = None
    last_archived_at: datetime | None = None
    last_activated_at: datetime | None = None
    children: tuple[str, ...] = ()
    subject: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a policy does to one image: the action in the words of the policy, and the priority of the rule that takes it."""

    action: str
    priority: int


def evaluate(policy: Mapping[str, Any], images: Sequence[StoredImage], now: datetime) -> dict[str, Outcome]:
    """Return what the policy does, by digest. Images that it keeps are not in the answer.

    The images come in the order in which they were pushed: of two with one push time, the later one is the younger.
    """
    rules = sorted(policy["rules"], key=lambda rule: rule["rulePriority"])

    # "How lifecycle policies work", evaluation rules: "All rules are evaluated at the same time, regardless of rule
    # priority". So each rule looks at the whole repository, also at what a rule above it takes: an image that is marked by
    # a higher rule is not marked again, but it is still identified, and it counts toward the number.
    identified = {rule["rulePriority"]: _images_identified(rule, images) for rule in rules}
    affected = {rule["rulePriority"]: _images_past_the_limit(rule, images, now) for rule in rules}

    # Same place: "After all rules are evaluated, they are then applied based on rule priority"; an image is expired or
    # archived by exactly one rule or by none; and an image that matches the tagging requirements of a rule cannot be
    # expired or archived by a rule of lower priority. So the first rule that identifies an image decides, also to keep it.
    marked: dict[str, Outcome] = {}
    for image in images:
        for rule in rules:
            priority = rule["rulePriority"]
            if image.digest not in identified[priority]:
                continue
            if image.digest in affected[priority]:
                marked[image.digest] = Outcome(rule["action"]["type"], priority)
            break

    # Same place: "Images referenced by a manifest list cannot be expired or archived without the manifest list being
    # deleted or archived first."
    return {
        digest: outcome for digest, outcome in marked.items() if not _is_held(digest, images, marked, seen=frozenset())
    }


def _images_identified(rule: Mapping[str, Any], images: Sequence[StoredImage]) -> set[str]:
    """Return the digests of the images that are in the rule's storage class and match its tagging requirements."""
    selection = rule["selection"]
    return {
        image.digest
        for image in images
        if _storage_class(image) == selection.get("storageClass", "standard") and _tags_match(selection, image.tags)
    }


def _storage_class(image: StoredImage) -> str:
    # "Lifecycle policy parameters", storageClass: `standard` (the default) or `archive`. The guide's example of both has an
    # `any` rule for each, which makes sense only where a rule shields and selects nothing outside its own class. The guide
    # does not say where an image is while it is being restored; the project counts it as archived until that is complete.
    return "standard" if image.status == "ACTIVE" else "archive"


def _tags_match(selection: Mapping[str, Any], tags: Sequence[str]) -> bool:
    # "Lifecycle policy parameters", tagStatus.
    status = selection["tagStatus"]
    if status == "any":
        return True
    if status == "untagged":
        return not tags

    # tagPatternList and tagPrefixList: with several in one rule, an image must have a tag for every one of them; one tag
    # may serve several.
    patterns = selection.get("tagPatternList") or []
    prefixes = selection.get("tagPrefixList") or []
    matches_patterns = all(any(_matches_pattern(pattern, tag) for tag in tags) for pattern in patterns)
    matches_prefixes = all(any(tag.startswith(prefix) for tag in tags) for prefix in prefixes)
    return bool(tags) and matches_patterns and matches_prefixes


def _matches_pattern(pattern: str, tag: str) -> bool:
    """Match the whole tag; `*` stands for any number of characters, also none, and is the only wildcard there is."""
    if not pattern:
        return not tag
    if pattern[0] == "*":
        return any(_matches_pattern(pattern[1:], tag[start:]) for start in range(len(tag) + 1))
    return tag[:1] == pattern[0] and _matches_pattern(pattern[1:], tag[1:])


def _images_past_the_limit(rule: Mapping[str, Any], images: Sequence[StoredImage], now: datetime) -> set[str]:
    """Return the digests that the rule would take if it were the only one."""
    digests = _images_identified(rule, images)
    candidates = [(index, image) for index, image in enumerate(images) if image.digest in digests]
    selection = rule["selection"]
    number = selection["countNumber"]

    # "Lifecycle policy parameters", countType.
    match selection["countType"]:
        case "imageCountMoreThan":
            # Youngest to oldest by push time; all past the number go.
            youngest_first = sorted(candidates, key=lambda pair: (_age_order(pair[1]), pair[0]), reverse=True)
            return {image.digest for _, image in youngest_first[number:]}
        case "sinceImagePushed":
            # Pushed more than N days ago. The guide lets the time of the restore stand in for the push in the order of
            # expiry only; that it moves the cut-off is not written.
            return {image.digest for _, image in candidates if _is_older(image.pushed_at, number, now)}
        case "sinceImagePulled":
            return {image.digest for _, image in candidates if _is_older(_last_use(image), number, now)}
        case "sinceImageTransitioned":
            return {
                image.digest
                for _, image in candidates
                if image.last_archived_at is not None and _is_older(image.last_archived_at, number, now)
            }
    message = f"no such countType: {selection['countType']}"
    raise ValueError(message)


def _age_order(image: StoredImage) -> datetime:
    # Evaluation rules: the oldest go first, by push time; for an image that was archived and restored, its
    # last_activated_at is used in place of the push time.
    return image.last_activated_at or image.pushed_at


def _last_use(image: StoredImage) -> datetime:
    # "Lifecycle policy parameters", sinceImagePulled: the last recorded pull; the push of an image that was never pulled;
    # the last_activated_at of one that was archived and restored and has not been pulled since.
    restored, pulled = image.last_activated_at, image.last_pulled_at
    if restored is not None and (pulled is None or pulled < restored):
        return restored
    return pulled or image.pushed_at


def _is_older(moment: datetime, days: int, now: datetime) -> bool:
    """Strictly more than so many days ago, in whole microseconds: no timedelta holds every number of days a policy may."""
    return (now - moment) // _MICROSECOND > days * _MICROSECONDS_PER_DAY


def _is_held(digest: str, images: Sequence[StoredImage], marked: Mapping[str, Outcome], seen: frozenset[str]) -> bool:
    """Whether a manifest list that stays in the standard class names the image.

    A list that is archived, or is still being restored, holds nothing. One that the same run expires or archives goes first, unless a list
    above it holds it in turn.
    """
    for parent in images:
        if digest not in parent.children or parent.digest in seen or _storage_class(parent) == "archive":
            continue
        if parent.digest not in marked or _is_held(parent.digest, images, marked, seen | {digest}):
            return True
    return False
