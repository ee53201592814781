"""Find the line numbers of policies and rules in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

_RULES = re.compile(r'"rules"\s*:\s*\[')
_BETWEEN_RULES = re.compile(r"[\s,]*")


def rule_lines(text: str) -> Mapping[int, int]:
    """Return the first line of each rule of a policy by ``rulePriority``, leaving out rules that are not JSON objects.

    :param text: the policy as JSON text.
    """
    lines: dict[int, int] = {}
    found = _RULES.search(text)
    if found is None:
        return lines
    decoder, position = json.JSONDecoder(), found.end()
    while True:
        start = _BETWEEN_RULES.match(text, position).end()  # type: ignore[union-attr]  # it matches the empty text, too
        try:
            rule, position = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return lines
        priority = rule.get("rulePriority") if isinstance(rule, dict) else None
        if isinstance(priority, int):
            lines.setdefault(priority, line_of(text, start))


def key_line(text: str, key: str) -> int:
    """Return the first line that contains a JSON or YAML key; 1 if none does.

    :param text: the file.
    :param key: the key.
    """
    found = re.search(rf"""(?m)^\s*["']?{re.escape(key)}["']?\s*:""", text)
    return line_of(text, found.end() - 1) if found else 1


def line_of(text: str, position: int) -> int:
    """Return the line number, counted from 1, of a position in a text."""
    return text.count("\n", 0, position) + 1
