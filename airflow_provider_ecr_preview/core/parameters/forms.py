"""Read numbers, lists and durations from the text that a template renders."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from tokenize import COMMENT, NL, STRING, generate_tokens
from typing import Any, NoReturn

_NUMBER = re.compile(r"[+-]?(\d+(_\d+)*(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


_ISO_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)


_PYTHON_TIMEDELTA = re.compile(
    r"(?:(?P<days>-?\d+) days?, )?(?P<hours>\d+):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d+)?)", re.ASCII
)


USE_JSON = "Write {{ ... | tojson }} in the template, or set render_template_as_native_obj=True on the DAG"
"""The advice for a value that is Python's text of an object."""


_OPENING, _CLOSING = "([{", ")]}"


_MAX_DIGITS = 400


_SHOWN_CHARACTERS = 200


def refuse(value: Any, parameter: str, instead: str) -> NoReturn:
    """Raise the error that a value is not valid.

    :param value: the value.
    :param parameter: name of the parameter.
    :param instead: what to write instead.
    :raises ValueError: always.
    """
    raise ValueError(f"{parameter} is {shown(value)}. {instead}.")


def shown(value: Any) -> str:
    """Return a value as a message shows it, cut when it is long.

    :param value: any value.
    """
    representation = repr(value)
    if len(representation) <= _SHOWN_CHARACTERS:
        return representation
    return f"{representation[:_SHOWN_CHARACTERS]}... ({len(representation)} characters)"


def is_integer(value: Any) -> bool:
    """Return whether this is a whole number; a boolean is not.

    :param value: any value.
    """
    return isinstance(value, int) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    """Return whether this is a list of some kind. Text is not, nor is Jinja's undefined value.

    :param value: any value.
    """
    return isinstance(value, Sequence | AbstractSet | ValuesView | Iterator) and not isinstance(
        value, str | bytes | bytearray | memoryview
    )


def number_of(value: Any) -> float | None:
    """Return a number, or None if this is not a finite number.

    :param value: a number, or text with one.
    """
    if isinstance(value, str) and len(value) <= _MAX_DIGITS and _NUMBER.fullmatch(value):
        value = float(value) if set(value) & set(".eE") else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # an integer that no float can hold
        return None


def timedelta_of(value: Any) -> timedelta | None:
    """Return a length of time, or None if this is not one.

    :param value: a timedelta, Python's text of one, or an ISO 8601 duration.
    """
    if not isinstance(value, str):
        return value if isinstance(value, timedelta) else None
    text = value.strip()
    match = _ISO_DURATION.fullmatch(text) or _PYTHON_TIMEDELTA.fullmatch(text)
    if match is None:
        return None
    try:
        return timedelta(**{unit: float(count) for unit, count in match.groupdict().items() if count is not None})
    except OverflowError:
        return None


def literal_of(text: str) -> Any:
    """Decode a text as JSON or as a Python list, tuple, set or dict; return the text itself if it is neither.

    :param text: any text.
    """
    if text[:1] not in ("[", "(", "{", "'", '"'):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _python_literal_of(text)


def _python_literal_of(text: str) -> Any:
    try:
        literal = ast.literal_eval(text)
        return text if _has_adjacent_texts(text) else literal
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _has_adjacent_texts(text: str) -> bool:
    """Return whether two quoted texts follow each other without a comma, as numpy writes a list; Python would join them."""
    kinds = [token.type for token in generate_tokens(StringIO(text).readline) if token.type not in (COMMENT, NL)]
    return any(pair == (STRING, STRING) for pair in pairwise(kinds))


def is_python_text(text: str) -> bool:
    """Return whether a text is a dict or a list as Jinja renders it without native rendering.

    :param text: a text that should be JSON but is not.
    """
    return isinstance(_python_literal_of(text.strip()), Mapping | list)


def split(text: str) -> list[str]:
    """Return the parts of a text between line breaks, and between commas that are not within brackets.

    :param text: any text.
    """
    parts, depth, is_escaped = [""], 0, False
    for character in text:
        if character in "\r\n" or (character == "," and depth == 0):
            parts.append("")
            depth, is_escaped = 0, False
            continue
        if not is_escaped:
            depth = max(depth + (character in _OPENING) - (character in _CLOSING), 0)
        is_escaped = character == "\\" and not is_escaped
        parts[-1] += character
    return [stripped for part in parts if (stripped := part.strip())]


def listed(text: str) -> Collection[Any] | None:
    """Return the items of a list written as text, or None if the text is something else, such as a dict.

    :param text: a list as JSON or as Python writes it, or items with commas or line breaks between.
    """
    literal = literal_of(text)
    if isinstance(literal, str):
        return split(literal)
    return literal if isinstance(literal, list | tuple | set | frozenset) else None
