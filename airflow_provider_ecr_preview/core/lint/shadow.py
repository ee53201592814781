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


def _covers(wide: str, narrow: str) -> bool:
    # A character that is in no pattern represents the text that a narrow wildcard matches; only a wildcard of the
    # wide one matches it.
    expression = ".*".join(map(re.escape, wide.split("*")))
    return re.fullmatch(expression, narrow.replace("*", _NO_TAG_CHARACTER), re.DOTALL) is not None
