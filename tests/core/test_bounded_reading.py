"""A file is read no further than it may be, whatever whoever wrote it has thought of."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.bounded_reading import (
    ReadBounds,
    ReadBudget,
    TooMuchError,
    TooSlowError,
    bounded_lines,
    bounded_objects,
)

packed = partial(gzip.compress, mtime=0)
"""Packs the same content into the same bytes at any time, since the name of a test may hold them."""

MIB = 2**20
BOUNDS = ReadBounds(stored_bytes=4 * MIB, unpacked_bytes=20 * MIB, lines=1_000, line_bytes=MIB, seconds=10, ratio=100)


LONG = b'{"a":"%s"}\n' % (b"1" * 100_000)


class Stored(io.BytesIO):
    """A file that counts what is read of it."""

    count = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


def objects(content: bytes, **bounds: Any) -> list[dict[str, Any]]:
    return [*bounded_objects(io.BytesIO(content), budget(**bounds))]


def budget(**bounds: Any) -> ReadBudget:
    """Return a budget in whose time nothing is slow."""
    return ReadBudget(replace(BOUNDS, **bounds), lambda: 0.0)


def bomb(line: bytes, mebibytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = line * (MIB // len(line))
    return b"".join([*(packer.compress(block) for _ in range(mebibytes)), packer.flush()])


def test_the_objects_of_a_list_are_read_in_order_with_or_without_a_line_break_at_the_end() -> None:
    written = [{"n": number, "text": "\u2028é"} for number in range(900)]
    lines = "\n".join(json.dumps(value, ensure_ascii=False) for value in written).encode()
    for content in (lines, lines + b"\n"):
        assert objects(packed(content)) == written
        assert objects(packed(content[:50]) + packed(content[50:])) == written
    assert objects(packed(b"")) == []


def test_lines_are_read_of_a_file_that_is_not_packed_too() -> None:
    assert [*bounded_lines(io.BytesIO(b"a\n\nb"), budget(), is_packed=False)] == [b"a", b"", b"b"]


@pytest.mark.parametrize("line", [LONG, b"\n", b"[", b"x"], ids=["lines", "blank", "nested", "one line"])
def test_a_file_that_unpacks_to_much_is_not_read_to_its_end(line: bytes) -> None:
    stored = Stored(bomb(line, 60))
    with pytest.raises(ValueError, match=r"it unpacks|it has|Expecting"):
        [*bounded_objects(stored, budget())]
    assert stored.count < len(stored.getvalue()) / 2


@pytest.mark.parametrize(
    ("content", "bounds", "message"),
    [
        (packed(b"{}\n" * 11), {"lines": 10}, "it has more than 10 lines"),
        (packed(b'{"a":"' + b"x" * 2 * MIB + b'"}'), {"unpacked_bytes": MIB}, "it unpacks to more than 1 MiB"),
        (packed(b'{"a":"' + b"x" * 2 * MIB + b'"}\n'), {}, "it has a line of more than 1 MiB"),
        (packed(b'{"a":"' + b"x" * 99 + b'"}\n'), {"line_bytes": 99}, "it has a line of more than 99 bytes"),
        (packed(b'{"a":"' + b"x" * 99 + b'"}'), {"line_bytes": 99}, "it has a line of more than 99 bytes"),
        (packed(b"") * 60_000, {"stored_bytes": MIB}, "it is larger than 1 MiB"),
        (bomb(b"x\n" * 1000, 20), {"lines": 10**9}, "Expecting value"),
    ],
    ids=["lines", "unpacked", "line", "short line", "last line", "stored", "no objects"],
)
def test_every_bound_is_kept_and_named(content: bytes, bounds: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        objects(content, **bounds)


def test_a_list_may_not_unpack_to_a_hundred_times_what_is_stored() -> None:
    with pytest.raises(TooMuchError, match="to more than 100 times what is stored"):
        objects(bomb(LONG, 19))
    assert len(objects(bomb(LONG, 19), ratio=None)) == 19 * (MIB // len(LONG))
    assert len(objects(bomb(LONG, 2))) == 2 * (MIB // len(LONG))


def test_the_time_is_kept_also_where_nothing_is_unpacked() -> None:
    now = iter(range(10**6))
    with pytest.raises(TooSlowError, match="it cannot be read within 10 seconds"):
        [*bounded_objects(io.BytesIO(packed(b"") * 60_000), ReadBudget(BOUNDS, lambda: float(next(now))))]


def test_several_files_have_one_budget() -> None:
    shared = budget(lines=15)
    content = packed(b"{}\n" * 10)
    assert len([*bounded_objects(io.BytesIO(content), shared)]) == 10
    with pytest.raises(TooMuchError, match="15 lines"):
        [*bounded_objects(io.BytesIO(content), shared)]


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        packed(b"{}\n" * 1000)[:-9],
        packed(b"{}")[:-4] + b"\0\0\0\0",
        packed(b"{}") + b"rest",
        packed(b"[]\n"),
        packed(b"\n"),
        packed(b"{}}\n"),
        packed(b'{"a": NaN}\n'),
        packed(b'{"a": -Infinity}\n'),
        packed(b'{"a": ' + b"9" * 5000 + b"}\n"),
        packed(b'{"a":' * 200_000 + b"\n"),
        packed(b"[" * 200_000 + b"\n"),
        packed(b'{"a": "\xff"}\n'),
        packed('{"a": 1}'.encode("utf-16")),
    ],
    ids=[
        "plain",
        "cut",
        "wrong length",
        "with a rest",
        "list",
        "blank",
        "two values",
        "NaN",
        "infinity",
        "long number",
        "deep object",
        "deep list",
        "no UTF-8",
        "UTF-16",
    ],
)
def test_what_is_no_list_is_an_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"it is|a line|Expecting|Extra|NaN|Infinity|digit|decode"):
        objects(content)
