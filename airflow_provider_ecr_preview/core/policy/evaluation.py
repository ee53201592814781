"""Decide for every image of a repository which rule of a lifecycle policy takes it, or what keeps it.

The semantics are those of the ECR user guide: all rules are evaluated at the same time over all images of their
storage class, and the lowest ``rulePriority`` whose tag requirements an image meets decides alone about that image.
It follows that an image is taken by at most one rule, that a rule which keeps an image shields it from all rules
below, and that an image taken by one rule still counts for the rules below.

Where ECR documents nothing, this module chooses: the digest breaks the tie between equal push times; a restore
moves an image in the order of ``imageCountMoreThan``, not in the age of ``sinceImagePushed``; and a referrer (a
signature, an SBOM) is judged as an image of its own, though ECR deletes it when its subject goes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, STANDARD
from airflow_provider_ecr_preview.core.parameters.forms import is_integer
from airflow_provider_ecr_preview.core.policy.rule import compile_pattern
from airflow_provider_ecr_preview.core.repository import RepositoryImage

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.policy.rule import Rule


_BEGINNING_OF_TIME = datetime.min.replace(tzinfo=UTC)


_AFTER_EVERY_TAG_CHARACTER = "\U0010ffff"


class Reason(StrEnum):
    """Why an image is taken or kept."""

    BEYOND_COUNT = "beyond_count"
    """Taken: there are more than ``countNumber`` newer ones."""
    OLDER_THAN_DAYS = "older_than_days"
    """Taken: older, by the clock of the rule, than ``countNumber`` days."""
    WITHIN_COUNT = "within_count"
    """Kept: among the newest ``countNumber``."""
    WITHIN_DAYS = "within_days"
    """Kept: not older than ``countNumber`` days."""
    NO_RULE = "no_rule"
    """Kept: no rule of its storage class selects it."""
    REFERENCED_BY_MANIFEST_LIST = "referenced_by_manifest_list"
    """Kept: a rule would take it, but a manifest list that stays in standard storage names it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of a policy on one image.

    :param image: the image.
    :param action: ``EXPIRE`` or ``TRANSITION`` for an image that is taken, None for one that is kept.
    :param rule: the rule that takes or keeps the image; None if no rule selects it.
    :param reason: why.
    :param shielded_from: priorities of the lower rules that also select the image, but lose it to the deciding rule.
    """

    image: RepositoryImage
    action: str | None
    rule: Rule | None
    reason: Reason
    shielded_from: tuple[int, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether the policy expires or archives the image."""
        return self.action is not None

    def explain(self) -> str:
        """Return the verdict as one sentence for a person."""
        if self.rule is None:
            return "Kept: no rule selects it."
        name = f"rule {self.rule.priority} ({self.rule.selector})"
        taken = f"{'Expires' if self.action == EXPIRE else 'Archived'} under {name}"
        newest = f"among the newest {self.rule.count_number}"
        older = f"older than {_days(self.rule.count_number)} ({self.rule.count_type})"
        text = {
            Reason.BEYOND_COUNT: f"{taken}: not {newest}.",
            Reason.OLDER_THAN_DAYS: f"{taken}: {older}.",
            Reason.WITHIN_COUNT: f"Kept by {name}: {newest}.",
            Reason.WITHIN_DAYS: f"Kept by {name}: not {older}.",
            Reason.REFERENCED_BY_MANIFEST_LIST: f"Kept, although {name} selects it: a manifest list that stays names it.",
        }[self.reason]
        if not self.shielded_from:
            return text
        return f"{text} Shielded from rule {', '.join(map(str, self.shielded_from))}."


def evaluate(rules: Sequence[Rule], images: Iterable[RepositoryImage], now: datetime) -> list[Verdict]:
    """Return a verdict for every image, in the order of ``images``.

    :param rules: the rules, in any order.
    :param images: every image of one repository, archived ones included, in any order.
    :param now: the time at which the policy acts (aware).
    :raises ValueError: if two images have one digest, ``now`` has no time zone, or a rule has a ``countType``
        or a ``countNumber`` that is not known here.
    """
    if now.tzinfo is None:
        raise ValueError(f"now is {now.isoformat()}, without a time zone; write datetime.now(UTC).")
    given = list(images)
    newest_first = sorted(given, key=lambda image: (_utc(image.ordered_at), image.image_digest), reverse=True)
    position_of = {image.image_digest: position for position, image in enumerate(newest_first)}
    if len(position_of) != len(given):
        raise ValueError("Two of the images have the same digest; a repository has every digest once.")

    deciding: list[Rule | None] = [None] * len(given)
    identified: dict[int, list[Rule]] = {}
    by_class = {
        storage_class: _Candidates(newest_first, storage_class)
        for storage_class in {image.storage_class for image in given}
    }
    for rule in sorted(rules, key=lambda rule: rule.priority):
        if rule.storage_class not in by_class:
            continue
        selected = by_class[rule.storage_class].selected_by(rule)
        for position in selected:
            if deciding[position] is None:
                deciding[position] = rule
        for position in _beyond(rule, selected, newest_first, _utc(now)):
            identified.setdefault(position, []).append(rule)

    taken = {position for position, by in identified.items() if by[0] is deciding[position]}
    held = _held_by_manifest_lists(taken, newest_first, position_of)
    return [_verdict(image, position_of[image.image_digest], deciding, identified, held) for image in given]


def _beyond(rule: Rule, selected: Sequence[int], images: Sequence[RepositoryImage], now: datetime) -> Sequence[int]:
    """Return the members of ``selected`` past the rule's count or age, whether or not the rule may take them."""
    if not is_integer(rule.count_number) or rule.count_number < 0:
        raise ValueError(
            f"Rule {rule.priority} has the countNumber {rule.count_number!r}, which cannot be evaluated here."
        )
    if rule.count_type == "imageCountMoreThan":
        return selected[rule.count_number :]
    try:
        cutoff = now - timedelta(days=rule.count_number)
    except OverflowError:  # before the year 1: nothing is as old as that
        cutoff = _BEGINNING_OF_TIME
    if rule.count_type == "sinceImagePushed":
        return [position for position in selected if images[position].image_pushed_at < cutoff]
    if rule.count_type == "sinceImagePulled":
        return [position for position in selected if images[position].last_used_at < cutoff]
    if rule.count_type == "sinceImageTransitioned":
        return [
            position
            for position in selected
            if (archived_at := images[position].last_archived_at) is not None and archived_at < cutoff
        ]
    raise ValueError(f"Rule {rule.priority} has the countType {rule.count_type!r}, which cannot be evaluated here.")


def _held_by_manifest_lists(
    taken: set[int], images: Sequence[RepositoryImage], position_of: Mapping[str, int]
) -> set[int]:
    """Return the members of ``taken`` that stay because a manifest list stays; a list in a held list is held in turn.

    A list that is archived already holds nothing: its images can go once it is deleted or archived.
    """
    lists_of = {
        position: [
            position_of[digest]
            for digest in images[position].referenced_by
            if digest in position_of and images[position_of[digest]].storage_class == STANDARD
        ]
        for position in taken
        if images[position].referenced_by
    }
    held: set[int] = set()
    while True:
        newly = {
            position
            for position, lists in lists_of.items()
            if position not in held and any(of not in taken or of in held for of in lists)
        }
        if not newly:
            return held
        held |= newly


def _verdict(
    image: RepositoryImage,
    position: int,
    deciding: Sequence[Rule | None],
    identified: Mapping[int, list[Rule]],
    held: set[int],
) -> Verdict:
    rule = deciding[position]
    if rule is None:
        return Verdict(image, None, None, Reason.NO_RULE)
    by = identified.get(position, [])
    by_count = rule.count_type == "imageCountMoreThan"
    if not by or by[0] is not rule:
        reason = Reason.WITHIN_COUNT if by_count else Reason.WITHIN_DAYS
        return Verdict(image, None, rule, reason, tuple(other.priority for other in by))
    if position in held:
        return Verdict(image, None, rule, Reason.REFERENCED_BY_MANIFEST_LIST)
    return Verdict(image, rule.action, rule, Reason.BEYOND_COUNT if by_count else Reason.OLDER_THAN_DAYS)


class _Candidates:
    """The images of one storage class, newest first, with their tags sorted once for all rules."""

    def __init__(self, images: Sequence[RepositoryImage], storage_class: str) -> None:
        self._images = images
        self._positions = [p for p, image in enumerate(images) if image.storage_class == storage_class]

    def selected_by(self, rule: Rule) -> Sequence[int]:
        """Return the positions of the images that meet the rule's tag requirements, newest first."""
        if rule.tag_status == "any":
            return self._positions
        if rule.tag_status == "untagged":
            return self._untagged
        return sorted(set.intersection(*map(self._tagged_like, rule.tag_patterns)))

    @cached_property
    def _untagged(self) -> list[int]:
        return [position for position in self._positions if not self._images[position].image_tags]

    @cached_property
    def _tags(self) -> tuple[list[str], list[int]]:
        pairs = sorted((tag, position) for position in self._positions for tag in self._images[position].image_tags)
        return [tag for tag, _ in pairs], [position for _, position in pairs]

    def _tagged_like(self, pattern: str) -> set[int]:
        tags, positions = self._tags
        prefix, wildcard, rest = pattern.partition("*")
        first = bisect_left(tags, prefix)
        if not wildcard:
            return set(positions[first : bisect_left(tags, prefix + "\0")])
        last = bisect_left(tags, prefix + _AFTER_EVERY_TAG_CHARACTER)
        if not rest:
            return set(positions[first:last])
        matches = compile_pattern(pattern).fullmatch
        # Look for the longest literal first: for most tags this avoids the slower regular expression.
        literal = max(pattern.split("*"), key=len)
        return {
            position
            for tag, position in zip(tags[first:last], positions[first:last], strict=True)
            if literal in tag and matches(tag)
        }


def _utc(time: datetime) -> datetime:
    # Python compares two times in one zone by wall clock, which goes back an hour in autumn.
    return time.astimezone(UTC)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
