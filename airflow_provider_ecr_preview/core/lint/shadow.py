"""Find rules that can select nothing, because a rule with a lower number decides about all of their images."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NO_TAG_CHARACTER = "\x01"


def covers(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Return whether every image whose tags match all patterns of ``narrow`` also matches all of ``wide``.

    :param wide: tag patterns of a rule, where a prefix ``v`` is the pattern ``v*``.
    :param narrow: tag patterns of another rule.
    """
    return all(any(_covers(pattern, of) for of in narrow) for pattern in wide)


def covers_every_tag(patterns: Sequence[str]) -> bool:
    """Return whether every tagged image matches all patterns.

    With a rule for untagged images, such a rule leaves nothing for a rule for any image. No other rules cover another
    only together: an image with one tag for each pattern of a rule, and nothing else, matches that rule, and every rule
    above it that it also matches covers the rule alone.

    :param patterns: tag patterns of a rule, where a prefix ``v`` is the pattern ``v*``.
    """
    return bool(patterns) and all(pattern and not pattern.strip("*") for pattern in patterns)


def _covers(wide: str, narrow: str) -> bool:
    # A character that is in no pattern represents the text that a narrow wildcard matches; only a wildcard of the
    # wide one matches it.
    expression = ".*".join(map(re.escape, wide.split("*")))
    return re.fullmatch(expression, narrow.replace("*", _NO_TAG_CHARACTER), re.DOTALL) is not None
