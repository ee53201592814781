"""A regular expression as an automaton over the characters of image tags.

It is built from Python's own parse of the expression, so it follows the same paths as Python's engine. Paths that
match the same text count separately. Anchors and lookarounds are ignored: they can only make an expression match less,
and add no paths.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from re import IGNORECASE, _constants, _parser  # type: ignore[attr-defined]
from typing import Any

MAX_TAG_LENGTH = 128


TAG_CHARACTERS = string.ascii_letters + string.digits + "_.-"


FIRST_TAG_CHARACTERS = string.ascii_letters + string.digits + "_"


MAX_POSITIONS = 1_000


MAX_EDGES = 5_000


_BEGINNINGS = (_constants.AT_BEGINNING, _constants.AT_BEGINNING_STRING)


_ENDS = (_constants.AT_END, _constants.AT_END_STRING)


_CATEGORIES = {
    _constants.CATEGORY_DIGIT: string.digits,
    _constants.CATEGORY_NOT_DIGIT: string.ascii_letters + "_.-",
    _constants.CATEGORY_SPACE: "",
    _constants.CATEGORY_NOT_SPACE: TAG_CHARACTERS,
    _constants.CATEGORY_WORD: string.ascii_letters + string.digits + "_",
    _constants.CATEGORY_NOT_WORD: ".-",
}


class UnfitPatternError(ValueError):
    """Raised when an expression is of an unsupported kind; the message completes "it ..."."""


@dataclass
class Part:
    """A part of the expression.

    :param empty: number of ways in which it matches nothing.
    :param first: positions that it can begin with, each with the number of ways.
    :param last: positions that it can end with, each with the number of ways.
    """

    empty: int = 1
    first: Counter[int] = field(default_factory=Counter)
    last: Counter[int] = field(default_factory=Counter)


class PatternAutomaton:
    """The positions of an expression, each matching one character, and how they follow each other.

    :param parsed: the expression as Python's parser has it.
    :param flags: the flags of the whole expression.
    :raises UnfitPatternError: if it is of an unsupported kind.
    """

    def __init__(self, parsed: Iterable[tuple[Any, Any]], flags: int) -> None:
        self.characters: list[frozenset[str]] = []
        """The characters that each position matches."""
        self.follow: list[Counter[int]] = []
        """The positions that follow each position, with the number of ways."""
        self.lookarounds: list[PatternAutomaton] = []
        """The lookaheads and lookbehinds, which Python matches separately."""
        self.is_possible = True
        """Whether the anchors allow any tag to match."""
        self._edges = 0
        items = list(parsed)
        self.is_anchored = _begins_with_anchor(items)
        self.is_anchored_at_end = bool(items) and items[-1][0] is _constants.AT and items[-1][1] in _ENDS
        self.whole = self._sequence(items, flags)

    @classmethod
    def of(cls, pattern: str) -> PatternAutomaton:
        """Return the automaton of an expression.

        :param pattern: the expression, which compiles.
        :raises UnfitPatternError: if it is of an unsupported kind.
        """
        parsed = _parser.parse(pattern)
        automaton = cls(parsed, parsed.state.flags)
        automaton.is_possible = not _has_anchor_inside(parsed)
        return automaton

    def _sequence(self, items: Iterable[tuple[Any, Any]], flags: int) -> Part:
        part = Part()
        for operation, argument in items:
            part = self._joined(part, self._part(operation, argument, flags))
        return part

    def _part(self, operation: Any, argument: Any, flags: int) -> Part:
        if operation is _constants.SUBPATTERN:
            _, added, removed, argument = argument
            flags = (flags | added) & ~removed
        match operation:
            case _constants.SUBPATTERN | _constants.ATOMIC_GROUP:
                part = self._sequence(argument, flags)
            case _constants.BRANCH:
                part = _any_of([self._sequence(items, flags) for items in argument[1]])
            case _constants.MAX_REPEAT | _constants.MIN_REPEAT | _constants.POSSESSIVE_REPEAT:
                least, most, items = argument
                part = self._repeat(least, most, items, flags)
            case _constants.ASSERT | _constants.ASSERT_NOT:
                self.lookarounds.append(PatternAutomaton(argument[1], flags))
                self.lookarounds[-1].is_anchored = True
                part = Part()
            case _constants.AT:
                part = Part()
            case _constants.GROUPREF | _constants.GROUPREF_EXISTS:
                raise UnfitPatternError("refers back to a group")
            case _:
                part = self._position(_characters(operation, argument, flags))
        return part

    def _position(self, characters: frozenset[str]) -> Part:
        if len(self.characters) == MAX_POSITIONS:
            raise UnfitPatternError("is too large, with its repeats written out")
        self.characters.append(characters)
        self.follow.append(Counter())
        position = len(self.characters) - 1
        return Part(0, Counter([position]), Counter([position]))

    def _joined(self, left: Part, right: Part) -> Part:
        self._connect(left.last, right.first)
        return Part(
            left.empty * right.empty,
            left.first + _times(right.first, left.empty),
            right.last + _times(left.last, right.empty),
        )

    def _connect(self, last: Counter[int], first: Counter[int]) -> None:
        self._edges += len(last) * len(first)
        if self._edges > MAX_EDGES:
            raise UnfitPatternError("is too large, with its repeats written out")
        for position, ways in last.items():
            self.follow[position] += _times(first, ways)

    def _repeat(self, least: int, most: int, items: Iterable[tuple[Any, Any]], flags: int) -> Part:
        is_endless = most is _constants.MAXREPEAT
        part = self._endless(items, flags) if is_endless else Part()
        # A tag has no room for more.
        least, most = min(least, MAX_TAG_LENGTH + 1), min(int(most), MAX_TAG_LENGTH + 1)
        for _ in range(0 if is_endless else most - least):
            part = self._joined(self._sequence(items, flags), part)
            part.empty += 1
        for _ in range(least):
            part = self._joined(self._sequence(items, flags), part)
        return part

    def _endless(self, items: Iterable[tuple[Any, Any]], flags: int) -> Part:
        part = self._sequence(items, flags)
        if part.empty:
            raise UnfitPatternError("repeats something that may be empty")
        self._connect(part.last, part.first)
        part.empty = 1
        return part


def _has_anchor_inside(items: Any) -> bool:
    """Return whether an expression requires characters after the end of a tag, or before its beginning.

    :param items: the expression as Python's parser has it.
    """
    for index, (operation, argument) in enumerate(items):
        if operation is _constants.AT:
            if argument in _ENDS and items[index + 1 :].getwidth()[0]:
                return True
            if argument in _BEGINNINGS and items[:index].getwidth()[0]:
                return True
        elif operation is _constants.SUBPATTERN:
            if _has_anchor_inside(argument[3]):
                return True
        elif operation is _constants.BRANCH and all(map(_has_anchor_inside, argument[1])):
            return True
    return False


def _any_of(parts: list[Part]) -> Part:
    return Part(
        sum(part.empty for part in parts),
        sum((part.first for part in parts), Counter()),
        sum((part.last for part in parts), Counter()),
    )


def _times(counts: Counter[int], ways: int) -> Counter[int]:
    return Counter({position: count * ways for position, count in counts.items()}) if ways else Counter()


def _begins_with_anchor(items: Iterable[tuple[Any, Any]]) -> bool:
    nothing: tuple[Any, Any] = (None, None)
    operation, argument = next(iter(items), nothing)
    if operation is _constants.SUBPATTERN:
        return _begins_with_anchor(argument[3])
    if operation is _constants.BRANCH:
        return all(map(_begins_with_anchor, argument[1]))
    return operation is _constants.AT and argument in _BEGINNINGS


def _characters(operation: Any, argument: Any, flags: int) -> frozenset[str]:
    """Return the tag characters that one element of the expression can match, or a superset of them."""
    if operation is _constants.ANY:
        return frozenset(TAG_CHARACTERS)
    if operation is _constants.NOT_LITERAL:
        return frozenset(TAG_CHARACTERS) - {chr(argument)}
    items = argument if operation is _constants.IN else [(operation, argument)]
    characters: set[str] = set()
    for item, value in items:
        if item is _constants.LITERAL:
            characters.add(chr(value))
        elif item is _constants.RANGE:
            characters.update(character for character in TAG_CHARACTERS if value[0] <= ord(character) <= value[1])
        elif item is _constants.CATEGORY:
            characters.update(_CATEGORIES[value])
    if items[0][0] is _constants.NEGATE:
        return frozenset(TAG_CHARACTERS) - characters
    if flags & IGNORECASE:
        # A letter outside ASCII may be another case of one inside: the Kelvin sign matches k.
        if not all(map(str.isascii, characters)):
            return frozenset(TAG_CHARACTERS)
        characters |= {character.swapcase() for character in characters}
    return frozenset(characters) & frozenset(TAG_CHARACTERS)
