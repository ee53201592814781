"""Read a file line by line, and stop as soon as it exceeds its bounds, because the file may be malicious.

A megabyte of gzip can unpack to a gigabyte, a line may never end, and a storage may be slow. Stored and unpacked bytes
are counted while they are read, and only one block is held in memory.
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
"""The ratio is not checked below this size: a short, repetitive list may be packed better than a long one."""


class TooMuchError(ValueError):
    """Raised when a file exceeds a bound; the message says which."""


class TooSlowError(TooMuchError):
    """Raised when reading a file takes too long; another try may succeed."""


@dataclass(frozen=True, slots=True)
class ReadBounds:
    """The maximum amount to read.

    :param stored_bytes: bytes of the file as stored.
    :param unpacked_bytes: bytes of the unpacked content.
    :param lines: number of lines.
    :param line_bytes: bytes of a line.
    :param seconds: time to read it.
    :param ratio: the maximum ratio of unpacked to stored bytes; None for any.
    """

    stored_bytes: int
    unpacked_bytes: int
    lines: int
    line_bytes: int
    seconds: float
    ratio: int | None = None


class ReadBudget:
    """The rest of the bounds, for one file or for several together.

    :param bounds: the maximum amount to read.
    :param clock: returns the time in seconds.
    """

    def __init__(self, bounds: ReadBounds, clock: Callable[[], float] = time.monotonic) -> None:
        self.bounds = bounds
        self._clock = clock
        self._deadline = clock() + bounds.seconds
        self._stored = self._unpacked = self._lines = 0

    def take_stored(self, count: int) -> None:
        """Count stored bytes.

        :param count: how many.
        :raises TooMuchError: if there are too many, or time is up.
        """
        if self._clock() > self._deadline:
            raise TooSlowError(f"it cannot be read within {self.bounds.seconds:g} seconds")
        self._stored += count
        if self._stored > self.bounds.stored_bytes:
            raise TooMuchError(f"it is larger than {_mebibytes(self.bounds.stored_bytes)}")

    def take_unpacked(self, count: int) -> None:
        """Count unpacked bytes.

        :param count: how many.
        :raises TooMuchError: if there are too many, in total or in proportion to the stored bytes.
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
        :param rest: the start of the next line, as far as it was read.
        :raises TooMuchError: if there are too many, or one is too long.
        """
        self._lines += len(lines)
        if self._lines > self.bounds.lines:
            raise TooMuchError(f"it has more than {self.bounds.lines:,} lines")
        if len(max(lines, key=len, default=rest)) > self.bounds.line_bytes or len(rest) > self.bounds.line_bytes:
            raise TooMuchError(f"it has a line of more than {_mebibytes(self.bounds.line_bytes)}")


def bounded_lines(stored: IO[bytes], budget: ReadBudget, *, is_packed: bool) -> Iterator[bytes]:
    """Yield the lines of a file, without their line breaks.

    :param stored: the open file.
    :param budget: how much of it may be read.
    :param is_packed: whether it is gzip.
    :raises TooMuchError: if it exceeds the budget.
    :raises ValueError: if it is not a complete gzip file.
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
    :param budget: how much of it may be read.
    :raises TooMuchError: if it exceeds the budget.
    :raises ValueError: if it is not such a list.
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
    """Counts every read of a file. Otherwise, a gzip file without content would be read in one go."""

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
