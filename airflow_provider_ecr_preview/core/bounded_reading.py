"""Read a file line by line, and stop as soon as it is more than it may be: whoever wrote it may mean harm.

A megabyte of gzip unpacks to a gigabyte, a line may never end, and a storage may be slow. What is read is counted as it is read,
stored and unpacked, and nothing is held in memory but a block of it.
"""

from __future__ import annotations

import gzip
import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NoReturn

_BLOCK_BYTES = 256 * 1024


_RATIO_COUNTS_FROM = 16 * 1024 * 1024
"""A short list of much the same may well be packed better than a long one."""


class TooMuchError(ValueError):
    """Raised when a file is more than is read; its text says by what."""


class TooSlowError(TooMuchError):
    """Raised when a file is not read within its time; it may be, another time."""


@dataclass(frozen=True, slots=True)
class ReadBounds:
    """How much is read at most.

    :param stored_bytes: of the file as it is stored.
    :param unpacked_bytes: of what it holds.
    :param lines: lines of it.
    :param line_bytes: bytes of a line.
    :param seconds: time that it takes.
    :param ratio: how many times more than is stored it may unpack to; None for any.
    """

    stored_bytes: int
    unpacked_bytes: int
    lines: int
    line_bytes: int
    seconds: float
    ratio: int | None = None


class ReadBudget:
    """What is left of the bounds, for one file or for several together.

    :param bounds: how much is read at most.
    :param clock: returns the time in seconds.
    """

    def __init__(self, bounds: ReadBounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self._clock = clock
        self._deadline = clock() + bounds.seconds
        self._stored = self._unpacked = self._lines = 0

    def take_stored(self, count: int) -> None:
        """Count bytes as they are stored.

        :param count: how many.
        :raises TooMuchError: if they are too many, or the time is over.
        """
        if self._clock() > self._deadline:
            raise TooSlowError(f"it cannot be read within {self.bounds.seconds:g} seconds")
        self._stored += count
        if self._stored > self.bounds.stored_bytes:
            raise TooMuchError(f"it is larger than {_mebibytes(self.bounds.stored_bytes)}")

    def take_unpacked(self, count: int) -> None:
        """Count bytes as they are unpacked.

        :param count: how many.
        :raises TooMuchError: if they are too many, also for what was stored.
        """
        self._unpacked += count
        ratio = self.bounds.ratio
        if self._unpacked > self.bounds.unpacked_bytes:
            raise TooMuchError(f"it unpacks to more than {_mebibytes(self.bounds.unpacked_bytes)}")
        if ratio is not None and self._unpacked > max(ratio * self._stored, _RATIO_COUNTS_FROM):
            raise TooMuchError(f"it unpacks to more than {ratio} times what is stored")

    def take_lines(self, lines: list[bytes], rest: bytes) -> None:
        """Count lines.

        :param lines: the lines.
        :param rest: what is there of the next one.
        :raises TooMuchError: if they are too many, or one is too long.
        """
        self._lines += len(lines)
        if self._lines > self.bounds.lines:
            raise TooMuchError(f"it has more than {self.bounds.lines:,} lines")
        if len(max(lines, key=len, default=rest)) > self.bounds.line_bytes or len(rest) > self.bounds.line_bytes:
            raise TooMuchError(f"it has a line of more than {_mebibytes(self.bounds.line_bytes)}")


def bounded_lines(stored: IO[bytes], budget: ReadBudget, *, is_packed: bool) -> Iterator[bytes]:
    """Yield the lines of a file, without their line breaks.

    :param stored: the open file.
    :param budget: what may be read of it.
    :param is_packed: whether it is gzip.
    :raises TooMuchError: if it is more than may be read.
    :raises ValueError: if it is no whole gzip.
    """
    counted: Any = _Counted(stored, budget)
    try:
        file = gzip.GzipFile(fileobj=counted, mode="rb") if is_packed else counted
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            budget.take_unpacked(len(block))
            *lines, rest = (rest + block).split(b"\n")
            budget.take_lines(lines, rest)
            yield from lines
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"it is not a complete gzip file: {error}") from error
    if rest:
        budget.take_lines([rest], b"")
        yield rest


def bounded_objects(stored: IO[bytes], budget: ReadBudget) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list: gzip JSON Lines.

    :param stored: the open file.
    :param budget: what may be read of it.
    :raises TooMuchError: if it is more than may be read.
    :raises ValueError: if it is no such list.
    """
    for line in bounded_lines(stored, budget, is_packed=True):
        try:
            value = _DECODER.decode(line.decode())
        except RecursionError as error:
            raise ValueError("a line is nested too deeply") from error
        if not isinstance(value, dict):
            raise ValueError("a line is not a JSON object")  # noqa: TRY004 - of a file
        yield value


class _Counted:
    """The file, of which every read is counted. A gzip without any content is read in one go otherwise."""

    def __init__(self, stored: IO[bytes], budget: ReadBudget) -> None:
        self._stored = stored
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        data = self._stored.read(size)
        self._budget.take_stored(len(data))
        return data


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _mebibytes(count: int) -> str:
    mebibytes = count / 2**20
    return f"{mebibytes:g} MiB" if mebibytes >= 1 else f"{count} bytes"
