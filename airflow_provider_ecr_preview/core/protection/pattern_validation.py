"""Check globs and regular expressions for image tags: one that matches no tag, or takes too long, protects nothing."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from fnmatch import translate
from typing import Any

from airflow_provider_ecr_preview.core.parameters.forms import shown
from airflow_provider_ecr_preview.core.parameters.values import texts
from airflow_provider_ecr_preview.core.protection.pattern_automaton import (
    FIRST_TAG_CHARACTERS,
    MAX_TAG_LENGTH,
    TAG_CHARACTERS,
    PatternAutomaton,
    UnfitPatternError,
)
from airflow_provider_ecr_preview.core.protection.pattern_cost import MAX_STEPS, max_steps

_TAGS = "A tag has up to 128 letters, digits, '_', '.' and '-', and does not begin with '.' or '-'"


_GLOB_PART = re.compile(r"\*+|\[!?\]?[^\]]*\]|.", re.DOTALL)


def tag_globs(value: Any, parameter: str, default: Iterable[str]) -> tuple[str, ...]:
    """Return globs of tags that protect images.

    :param value: the value of the parameter, any form of a list.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises ValueError: if it is not a list, or one of its globs matches no tag.
    """
    globs = texts(value, parameter, default, protects=True)
    for glob in globs:
        check_tag_glob(glob, parameter)
    return globs


def tag_patterns(value: Any, parameter: str, default: Iterable[str] = ()) -> tuple[str, ...]:
    """Return regular expressions of tags that protect images.

    :param value: the value of the parameter, any form of a list.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :raises ValueError: if it is not a list, or one of its expressions is invalid, matches no tag, or may take too long.
    """
    patterns = texts(value, parameter, default, protects=True)
    for pattern in patterns:
        check_tag_pattern(pattern, parameter)
    return patterns


def check_tag_glob(glob: str, parameter: str) -> None:
    """Check a glob of tags.

    :param glob: the glob; ``*`` stands for any characters, ``?`` for one and ``[...]`` for one of several.
    :param parameter: name of the parameter, for messages.
    :raises ValueError: if no tag can match it.
    """
    parts = _GLOB_PART.findall(glob)
    characters = [part for part in parts if not part.startswith("*")]
    if len(parts) == 1 and len(glob) > 1 and glob.startswith("["):
        raise ValueError(
            f"{parameter} holds {shown(glob)}, which matches only one character. Write a list as "
            '["latest", "prod*"], or as latest, prod* without brackets.'
        )
    is_possible = (
        len(parts) > 0
        and len(characters) <= MAX_TAG_LENGTH
        and all(_stands_for_one_of(part, TAG_CHARACTERS) for part in characters)
        and (parts[0].startswith("*") or _stands_for_one_of(parts[0], FIRST_TAG_CHARACTERS))
    )
    if not is_possible:
        raise ValueError(f"{parameter} holds {shown(glob)}, a glob that matches no tag. {_TAGS}.")


def check_tag_pattern(pattern: str, parameter: str) -> None:
    """Check a regular expression of tags.

    :param pattern: the expression, as it is searched for in a tag.
    :param parameter: name of the parameter, for messages.
    :raises ValueError: if it is invalid, no tag can match it, or it can take too many steps on a tag.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
            automaton = PatternAutomaton.of(pattern)
    except UnfitPatternError as error:
        raise _unfit(pattern, parameter, str(error)) from None
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"{parameter}: {shown(pattern)} is not a regular expression ({error}).") from error
    if re.fullmatch(r"\[[^\]]*\]", pattern):
        raise ValueError(
            f"{parameter} holds {shown(pattern)}, which matches only one character. Write a list as "
            '["^v1", "-prod$"], or without brackets.'
        )
    if not pattern.strip() or not _matches_a_tag(automaton):
        raise ValueError(f"{parameter} holds {shown(pattern)}, an expression that matches no tag. {_TAGS}.")
    if max_steps(automaton) > MAX_STEPS:
        raise _unfit(pattern, parameter, "can read a tag in too many ways, because repeats in it overlap")


def _matches_a_tag(automaton: PatternAutomaton) -> bool:
    """Return whether some tag matches; True also where only a lookaround forbids it."""
    if not automaton.is_possible:
        return False
    allowed = FIRST_TAG_CHARACTERS if automaton.is_anchored else TAG_CHARACTERS
    reached = {position for position in automaton.whole.first if not automaton.characters[position].isdisjoint(allowed)}
    seen = set(reached)
    for _ in range(MAX_TAG_LENGTH):
        if not reached.isdisjoint(automaton.whole.last):
            return True
        reached = {
            follower
            for position in reached
            for follower in automaton.follow[position]
            if automaton.characters[follower] and follower not in seen
        }
        seen |= reached
    return bool(automaton.whole.empty) and not (automaton.is_anchored and automaton.is_anchored_at_end)


def _stands_for_one_of(part: str, characters: str) -> bool:
    matches = re.compile(translate(part)).match
    return any(matches(character) for character in characters)


def _unfit(pattern: str, parameter: str, why: str) -> ValueError:
    return ValueError(
        f"{parameter} holds {shown(pattern)}, which {why}: on some tags, matching it could take hours. Begin it with ^; "
        "let what is repeated end with a character that it cannot begin with, as in ^v(\\d+\\.)+\\d+$; write several "
        "expressions in place of one; or write a glob as protected_tags."
    )
