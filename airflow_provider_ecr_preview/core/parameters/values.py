"""Read parameter values from templates, forms and DAG files, in the same way for every operator.

A value may come from Python code, from JSON, from an XCom, or as text from a template. Without
``render_template_as_native_obj`` Jinja turns everything into text, so a list arrives as Python's text of a list;
with it, Jinja turns a text such as ``2048`` into a number. Every reader accepts all of these forms and returns one.

Python's ``None`` means the default of the parameter. A template renders an unset value as ``""``, ``"None"`` or
``"null"``; these mean the default too, but are an error if the parameter protects images
(``protects=True``). Every error is a ``ValueError`` that names the parameter.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar, overload

from airflow_provider_ecr_preview.core.parameters.forms import (
    USE_JSON,
    is_integer,
    is_list,
    is_python_text,
    listed,
    number_of,
    refuse,
    shown,
)

UNLIMITED = "unlimited"
"""The value that lifts a limit."""


UNSET_TEXTS = frozenset({"", "None", "null"})
"""The texts that a template renders for an unset value."""


_UNSET_ELSEWHERE = frozenset({"", "nan", "nil", "none", "null", "undefined"})
"""The texts that other tools write for an unset value, in upper or lower case; not a name that protects an image."""


_EMPTY_LISTS = frozenset({"[]", "()"})


_ACCOUNT_ID = re.compile(r"[0-9]{12}")


_MIN_ACCOUNT_DIGITS = 9


T = TypeVar("T")


def given(value: Any, parameter: str, *, protects: bool = False, instead: str = "Set it") -> Any:
    """Return the given value, with surrounding white space stripped from text, or None if there is none.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param protects: whether the parameter protects images, so that an empty text is an error.
    :param instead: the text to write instead, for the message.
    :raises ValueError: if such a text is given.
    """
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    if protects and _is_unset(stripped):
        refuse(value, parameter, f"A template whose value is not set gives this. {instead}, or leave {parameter} out")
    return None if stripped in UNSET_TEXTS else stripped


@overload
def text(value: Any, parameter: str, *, protects: bool = False) -> str | None: ...


@overload
def text(value: Any, parameter: str, default: T, *, protects: bool = False) -> str | T: ...


def text(value: Any, parameter: str, default: Any = None, *, protects: bool = False) -> Any:
    """Return a text; a whole number from native rendering becomes text again.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else.
    """
    value = given(value, parameter, protects=protects)
    if value is None:
        return default
    if isinstance(value, str):
        return value
    return str(value) if is_integer(value) else refuse(value, parameter, "Use a text")


def texts(value: Any, parameter: str, default: Iterable[str] = (), *, protects: bool = False) -> tuple[str, ...]:
    """Return texts from a list, a tuple or a set, the same as JSON or Python text, or text with commas or line breaks.

    Commas within brackets do not separate. ``[]`` deliberately means no texts.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images; if so, empty texts in a list are an error too.
    :raises ValueError: if it is not a list of texts.
    """
    value = given(value, parameter, protects=protects, instead="Use a list of texts, or [] for none")
    if value is None:
        return tuple(default)
    items = [_item(item, parameter) for item in _items(value, parameter)]
    if protects and any(map(_is_unset, items)):
        refuse(value, parameter, "Use a list of texts, none of them empty, or [] for none")
    return tuple(item for item in items if item)


def number(
    value: Any,
    parameter: str,
    default: T,
    *,
    minimum: float = 0,
    maximum: float = math.inf,
    protects: bool = False,
) -> float | T:
    """Return a number.

    :param value: the value of the parameter: a number, or text such as ``0.5``, ``1e3`` or ``10_000``.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param minimum: the lowest value allowed.
    :param maximum: the highest value allowed.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is not a finite number, or out of range. A boolean is not a number.
    """
    value = given(value, parameter, protects=protects)
    if value is None:
        return default
    read = number_of(value)
    if read is None or not minimum <= read <= maximum:
        allowed = f"of {minimum} or more" if maximum == math.inf else f"from {minimum} to {maximum}"
        refuse(value, parameter, f"Use a number {allowed}")
    return read


def integer(
    value: Any,
    parameter: str,
    default: T,
    *,
    minimum: int = 0,
    maximum: float = math.inf,
    protects: bool = False,
) -> int | T:
    """Return a whole number.

    :param value: the value of the parameter: a number, or text such as ``1000`` or ``1e3``.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param minimum: the lowest value allowed.
    :param maximum: the highest value allowed.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is not a whole number, or out of range. A boolean is not a number.
    """
    value = given(value, parameter, protects=protects)
    if value is None:
        return default
    read = number_of(value)
    allowed = f"{minimum} or more" if maximum == math.inf else f"{minimum} to {maximum}"
    if read is None or read != int(read):
        refuse(value, parameter, f"Use a whole number, {allowed}")
    if not minimum <= read <= maximum:
        refuse(value, parameter, f"Use {allowed}")
    return int(read)


def limit(value: Any, parameter: str, default: T, read: Callable[..., T], **bounds: Any) -> T | None:
    """Return a limit that protects images; ``unlimited`` returns None, for no limit.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param read: the function that reads any other value, such as :func:`integer`.
    :param bounds: further arguments of ``read``.
    :raises ValueError: if it is anything else.
    """
    if isinstance(value, str) and value.strip().lower() == UNLIMITED:
        return None
    try:
        return read(value, parameter, default, protects=True, **bounds)
    except ValueError as error:
        raise ValueError(f"{str(error).removesuffix('.')}, or {UNLIMITED!r} for no limit.") from None


def written_limit(value: T | None) -> T | str:
    """Return a limit as an operator keeps it.

    None in a DAG file lifts the limit. None from a template does not: it means the default.

    :param value: the argument of the operator.
    """
    return UNLIMITED if value is None else value


def switch(value: Any, parameter: str, default: T, *, protects: bool = False) -> bool | T:
    """Return whether something is on: a boolean, or the text ``true`` or ``false`` in upper or lower case.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else: ``yes``, ``on`` and ``1`` are not booleans.
    """
    value = given(value, parameter, protects=protects, instead="Use True or False")
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    spelled = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
    return refuse(value, parameter, "Use True or False") if spelled is None else spelled


def choice(value: Any, parameter: str, choices: Sequence[Any], default: T, *, protects: bool = False) -> T:
    """Return one of several texts.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param choices: the values allowed.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else.
    """
    value = given(value, parameter, protects=protects)
    if value is None:
        return default
    if not isinstance(value, str) or value not in choices:
        *others, last = map(repr, choices)
        refuse(value, parameter, f"Use {', '.join(others)} or {last}")
    chosen: T = choices[choices.index(value)]
    return chosen


def account_id(value: Any, parameter: str, default: str | None = None, *, protects: bool = False) -> str | None:
    """Return an AWS account id, restoring the leading zeros of one that became a number.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else.
    """
    value = given(value, parameter, protects=protects)
    if value is None:
        return default
    if is_integer(value) and len(str(value)) >= _MIN_ACCOUNT_DIGITS:
        value = f"{value:012d}"
    if not isinstance(value, str) or not _ACCOUNT_ID.fullmatch(value):
        refuse(value, parameter, "Use an AWS account id, a text of 12 digits")
    return value


def tls_verification(value: Any, parameter: str) -> bool | str | None:
    """Return whether, or with which certificates, TLS is verified; None for the default.

    :param value: the value of the parameter: a boolean, its spelled form, or the path of a file.
    :param parameter: its name, for messages.
    :raises ValueError: if it is anything else.
    """
    value = given(value, parameter)
    if isinstance(value, str) and value.lower() not in ("true", "false"):
        return value
    return switch(value, parameter, None)


def decoded(value: Any, parameter: str, default: Any = None, *, protects: bool = False) -> Any:
    """Return an object; text is read as JSON.

    :param value: the value of the parameter.
    :param parameter: its name, for messages.
    :param default: the value for None.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is text that is not JSON.
    """
    value = given(value, parameter, protects=protects)
    if not isinstance(value, str):
        return default if value is None else value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        if is_python_text(value):
            raise ValueError(
                f"{parameter} is the text of a Python object, not JSON: {shown(value)}. {USE_JSON}."
            ) from None
        raise ValueError(
            f"{parameter} is not JSON ({error}): {shown(value)}. Give the object itself, or use | tojson."
        ) from error


def mapping(value: Any, parameter: str, *, protects: bool = False) -> Mapping[Any, Any]:
    """Return a mapping, empty if none is given.

    :param value: the value of the parameter: a mapping, or the same as JSON.
    :param parameter: its name, for messages.
    :param protects: whether the parameter protects images.
    :raises ValueError: if it is anything else.
    """
    value = decoded(value, parameter, {}, protects=protects)
    if not isinstance(value, Mapping):
        raise ValueError(  # noqa: TRY004 - the type is the user's value, rendered from a template
            f"{parameter} is a {type(value).__name__}, {shown(value)}. Use a mapping, as a dict or as JSON."
        )
    return value


def _is_unset(text: str) -> bool:
    return text.casefold() in _UNSET_ELSEWHERE


def _items(value: Any, parameter: str) -> Iterable[Any]:
    if is_integer(value):
        return [value]
    items: Any = listed(value) if isinstance(value, str) else value
    # Text is an empty list only if written as one: stray quotes or commas were meant to contain something.
    if not is_list(items) or (isinstance(value, str) and not items and "".join(value.split()) not in _EMPTY_LISTS):
        refuse(value, parameter, "Use a list of texts, or [] for none")
    return sorted(items, key=str) if isinstance(items, AbstractSet) else items


def _item(item: Any, parameter: str) -> str:
    if isinstance(item, str):
        return item.strip()
    if is_integer(item):
        return str(item)
    return refuse(
        item,
        f"An item of {parameter}",
        "Use texts. Native rendering turns a text like '1.10' into a number: let one template return the whole list",
    )
