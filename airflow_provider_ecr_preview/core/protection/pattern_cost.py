"""An upper bound on how often a regular expression compares characters of any image tag.

Python backtracks wherever an expression can match a text in several ways, so ``^(a+)+$`` takes hours on thirty
characters. A tag has at most 128, so all ways of matching one can be counted.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from airflow_provider_ecr_preview.core.protection.pattern_automaton import (
    MAX_TAG_LENGTH,
    TAG_CHARACTERS,
    PatternAutomaton,
)

MAX_STEPS: Final = 5_000_000
"""The maximum number of comparisons on one tag: less than a tenth of a second."""


_MAX_TERMS = 5_000


_TOO_MANY = MAX_STEPS + 1


_Ways = list[tuple[str, tuple[tuple[int, int], ...]]]
"""The positions that follow a position, by character, each with the number of ways."""


def max_steps(automaton: PatternAutomaton) -> int:
    """Return the maximum number of character comparisons when an expression is searched for in a tag.

    :param automaton: the expression.
    :return: the bound; where it is above ``MAX_STEPS``, just some number above.
    """
    followings = [*automaton.follow, automaton.whole.first]
    ways = [_ways(automaton.characters, following) for following in followings]
    compared = [1 + sum(following.values()) for following in followings]
    total = _steps_apart(ways, compared, is_anchored=automaton.is_anchored)
    if total > MAX_STEPS:
        total = _steps_together(ways, compared, is_anchored=automaton.is_anchored)
    return min(total * (1 + sum(map(max_steps, automaton.lookarounds))), _TOO_MANY)


def _ways(characters: list[frozenset[str]], following: Counter[int]) -> _Ways:
    by_character = {
        character: tuple(item for item in following.items() if character in characters[item[0]])
        for character in TAG_CHARACTERS
    }
    return [(character, group) for character, group in by_character.items() if group]


def _steps_apart(ways: list[_Ways], compared: list[int], *, is_anchored: bool) -> int:
    """Return the bound as if each way of matching saw its own worst characters."""
    groups = [list({group for _, group in following}) for following in ways]
    steps = [0] * len(ways)
    from_the_beginning = []
    for _ in range(MAX_TAG_LENGTH + 1):
        steps = [
            min(
                compared[position]
                + max(
                    (sum(steps[follower] * count for follower, count in group) for group in groups[position]), default=0
                ),
                _TOO_MANY,
            )
            for position in range(len(ways))
        ]
        from_the_beginning.append(steps[-1])
    return from_the_beginning[-1] if is_anchored else sum(from_the_beginning)


def _steps_together(ways: list[_Ways], compared: list[int], *, is_anchored: bool) -> int:
    """Return the bound if all ways of matching see the same characters: tighter, but more work.

    Positions that are reached by the same characters make a state. For every state, the ways to be at each of its
    positions are counted, as the worst tag of each length has them.
    """
    states = _states(ways)
    if states is None:
        return _TOO_MANY
    beginning = frozenset({len(ways) - 1})
    counts = {beginning: {len(ways) - 1: 1}}
    steps = 0
    up_to: list[int] = []
    for _ in range(MAX_TAG_LENGTH + 1):
        steps += max(
            (sum(count * compared[position] for position, count in at.items()) for at in counts.values()), default=0
        )
        if steps > MAX_STEPS:
            return _TOO_MANY
        up_to.append(steps)
        following: dict[frozenset[int], dict[int, int]] = {}
        for state, at in counts.items():
            for moves in states[state]:
                reached = following.setdefault(frozenset(moves), {})
                for position, sources in moves.items():
                    count = sum(at[source] * ways_there for source, ways_there in sources)
                    reached[position] = max(reached.get(position, 0), count)
        counts = following
    return up_to[-1] if is_anchored else sum(up_to)


_Moves = dict[int, list[tuple[int, int]]]
"""For every position that a character leads to, the positions that it comes from, each with the number of ways."""


def _states(ways: list[_Ways]) -> dict[frozenset[int], list[_Moves]] | None:
    """Return the states that can be reached, each with where it leads; None if that is too much to look at."""
    states: dict[frozenset[int], list[_Moves]] = {}
    waiting = [frozenset({len(ways) - 1})]
    terms = 0
    while waiting:
        state = waiting.pop()
        if state in states:
            continue
        by_character: dict[str, _Moves] = {}
        for position in state:
            for character, group in ways[position]:
                moves = by_character.setdefault(character, {})
                for follower, count in group:
                    moves.setdefault(follower, []).append((position, count))
        states[state] = list({str(moves): moves for moves in by_character.values()}.values())
        terms += sum(len(sources) for moves in states[state] for sources in moves.values())
        if terms > _MAX_TERMS:
            return None
        waiting += map(frozenset, states[state])
    return states
