"""The families of tags in a repository, and the selectors of lifecycle rules that distinguish them.

ECR's patterns have one wildcard, so a family is identified by how its tags begin or end: ``v*``, ``pr-*``, ``*-prod``.
A pattern with the number of a pull request, such as ``pr-103-*``, would match nothing next week and is never proposed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from airflow_provider_ecr_preview.core.policy.rule import compile_pattern
from airflow_provider_ecr_preview.core.repository import RepositoryImage

MAX_SELECTORS = 12
"""The number of selectors in a search; each additional one doubles the time."""

_MAX_FAMILIES = 30
_MIN_SECOND_WORD = 3
_MAX_SECOND_WORDS = 4


class FamilyKind(StrEnum):
    """The meaning of the tags of a family."""

    RELEASE = "release"
    BRANCH = "branch"
    COMMIT = "commit"
    PULL_REQUEST = "pull request"
    ENVIRONMENT = "environment"
    SIGNATURE = "signature"
    OTHER = "other"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    ANY = "any"


@dataclass(frozen=True, slots=True, order=True)
class Selector:
    """The images that a rule selects.

    :param tag_status: ``tagged``, ``untagged`` or ``any``.
    :param pattern: the pattern of tags; empty unless the status is ``tagged``.
    :param kind: the meaning of the tags.
    """

    tag_status: str
    pattern: str
    kind: FamilyKind

    def __str__(self) -> str:
        return self.pattern or self.tag_status

    def matches(self, image_tags: Sequence[str]) -> bool:
        """Return whether a rule with this selector selects an image with these tags."""
        if self.tag_status == "any":
            return True
        if self.tag_status == "untagged":
            return not image_tags
        return any(map(compile_pattern(self.pattern).fullmatch, image_tags))

    def as_selection(self) -> dict[str, Any]:
        """Return the selection of a rule, without its count."""
        if self.tag_status == "tagged":
            return {"tagStatus": "tagged", "tagPatternList": [self.pattern]}
        return {"tagStatus": self.tag_status}


ANY = Selector("any", "", FamilyKind.ANY)
UNTAGGED = Selector("untagged", "", FamilyKind.UNTAGGED)
TAGGED = Selector("tagged", "*", FamilyKind.TAGGED)

_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}.*")
_COMMIT = re.compile(r"(?=[0-9a-f]*\d)[0-9a-f]{7,40}")
_BARE_VERSION = re.compile(r"\d+(\.\d+)+([-_].*)?")
_BEGINNING = re.compile(r"([A-Za-z]+)([-_.]?)(.*)")
_SECOND_WORD = re.compile(r"([A-Za-z]+[-_.])([A-Za-z]+)[-_.].*")
_END = re.compile(r".*([-_.][A-Za-z]{2,})")
_VERSION = re.compile(r"\d+\.\d+.*")

_KINDS = {
    FamilyKind.RELEASE: ("v", "r", "rel", "release", "version"),
    FamilyKind.PULL_REQUEST: ("pr", "pull", "mr", "merge"),
    FamilyKind.COMMIT: ("sha", "commit", "git", "rev", "g", "c"),
    FamilyKind.ENVIRONMENT: (
        *(
            "prod",
            "production",
            "live",
            "stage",
            "staging",
            "stg",
            "dev",
            "development",
            "test",
            "qa",
            "uat",
            "preprod",
        ),
        *("latest", "stable", "edge", "canary", "current"),
    ),
    FamilyKind.BRANCH: (
        *("main", "master", "develop", "trunk", "branch", "feature", "feat", "fix", "bugfix", "hotfix", "chore"),
    ),
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words}


def is_moving(tag: str) -> bool:
    """Return whether a tag moves from image to image, such as ``latest``: it contains neither a number nor a hash."""
    return not any(character.isdigit() for character in tag)


def family_of(tag: str) -> tuple[FamilyKind, str | None]:
    """Return the meaning of a tag, and the pattern of its family; None if no pattern identifies the family.

    :param tag: a tag.
    """
    if _SIGNATURE.fullmatch(tag):
        return FamilyKind.SIGNATURE, "sha256-*"
    if is_moving(tag):
        return _KIND_OF.get(tag.lower(), FamilyKind.BRANCH), tag
    if _COMMIT.fullmatch(tag):
        return FamilyKind.COMMIT, None
    if version := _BARE_VERSION.fullmatch(tag):
        return FamilyKind.RELEASE, "*.*.*" if tag.count(".", 0, version.end()) > 1 else "*.*"
    beginning = _BEGINNING.fullmatch(tag)
    if beginning is None:
        end = _END.fullmatch(tag)
        return (FamilyKind.OTHER, None) if end is None else (_kind(end[1][1:], ""), f"*{end[1]}")
    return _kind(beginning[1], beginning[3]), f"{beginning[1]}{beginning[2]}*"


def _kind(word: str, rest: str) -> FamilyKind:
    if kind := _KIND_OF.get(word.lower()):
        return kind
    if _VERSION.fullmatch(rest):
        return FamilyKind.RELEASE
    return FamilyKind.BRANCH if _COMMIT.search(rest) else FamilyKind.OTHER


def selectors_of(
    images: Sequence[RepositoryImage], kept: Sequence[RepositoryImage], protected_tags: Iterable[str] = ()
) -> list[Selector]:
    """Return the selectors from which rules are made, at most :data:`MAX_SELECTORS`, always in the same order.

    Of selectors for the same images, the first counts. Those that select most come first: half of them by all images,
    half by the images that must be kept, because a rule can guard images as well as free some.

    :param images: the images of one or more repositories.
    :param kept: the images that must be kept.
    :param protected_tags: globs of protected tags, which are selectors of their own where ECR's grammar has them.
    """
    found = sorted({*_frequent(images), *_frequent(kept, with_moving=True), *_guards(protected_tags)}, key=_preference)
    selected = {selector: _selected(selector, images) for selector in found}
    distinct: dict[tuple[int, ...], Selector] = {}
    for selector in found:
        if selected[selector]:
            distinct.setdefault(selected[selector], selector)
    keeps = {selector: len(_selected(selector, kept)) for selector in distinct.values()}
    by_size = sorted(distinct.values(), key=lambda selector: (-len(selected[selector]), selector.pattern))
    by_kept = sorted(
        (selector for selector in by_size if keeps[selector]),
        key=lambda selector: (-keeps[selector] / len(selected[selector]), -keeps[selector], selector.pattern),
    )
    room = MAX_SELECTORS - len((TAGGED, UNTAGGED, ANY))
    chosen = dict.fromkeys(by_size[: room - room // 2])
    chosen |= dict.fromkeys([selector for selector in by_kept if selector not in chosen][: room // 2])
    chosen |= dict.fromkeys([selector for selector in by_size if selector not in chosen][: room - len(chosen)])
    return [*sorted(chosen, key=_preference), TAGGED, UNTAGGED, ANY]


def _frequent(images: Iterable[RepositoryImage], *, with_moving: bool = False) -> Iterator[Selector]:
    """Yield the families with the most tags.

    :param images: the images.
    :param with_moving: whether to include moving tags; each selects one image, so it is useful only as a guard.
    """
    tags = [tag for image in images for tag in image.image_tags]
    families: Counter[Selector] = Counter()
    for tag in tags:
        kind, pattern = family_of(tag)
        if pattern is not None and (with_moving or pattern != tag):
            families[Selector("tagged", pattern, kind)] += 1
    yield from sorted(families, key=lambda selector: (-families[selector], _preference(selector)))[:_MAX_FAMILIES]
    yield from _second_words(tags)


def _second_words(tags: Sequence[str]) -> Iterator[Selector]:
    """Yield ``api-prod-*`` in addition to ``api-*`` if a few second words cover most of a family."""
    words: dict[str, Counter[str]] = {}
    for tag in tags:
        if not _SIGNATURE.fullmatch(tag) and (found := _SECOND_WORD.fullmatch(tag)):
            words.setdefault(found[1], Counter())[found[2]] += 1
    for first, seconds in words.items():
        if len(seconds) <= _MAX_SECOND_WORDS and min(seconds.values()) >= _MIN_SECOND_WORD:
            for second in seconds:
                yield Selector("tagged", f"{first}{second}*", _kind(second, ""))


def _guards(protected_tags: Iterable[str]) -> Iterator[Selector]:
    for glob in protected_tags:
        if not set(glob) & set("?[]") and glob.count("*") <= 4 and glob != "*":  # noqa: PLR2004  # what ECR takes
            yield Selector("tagged", glob, FamilyKind.ENVIRONMENT)


def _preference(selector: Selector) -> tuple[bool, int, str, str]:
    # The pattern of a family outlives its tags, so it comes before a tag.
    return "*" not in selector.pattern, len(selector.pattern), selector.pattern, selector.kind


def _selected(selector: Selector, images: Sequence[RepositoryImage]) -> tuple[int, ...]:
    return tuple(number for number, image in enumerate(images) if selector.matches(image.image_tags))
