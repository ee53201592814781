"""Keep lines in numbered parts, because an object of S3 cannot be appended to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol


class Parts(Protocol):
    """The storage of lines: texts numbered from 0 without gaps."""

    def write(self, number: int, text: str) -> None:
        """Keep a text, wholly or not at all; it is kept when this returns."""
        ...

    def read(self, number: int) -> str | None:
        """Return a text; None if this number was never written."""
        ...

    def clear(self) -> None:
        """Forget all texts."""
        ...


class MemoryParts:
    """Parts that end with the process.

    :param texts: the texts to begin with.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts = [*texts]

    def write(self, number: int, text: str) -> None:
        """Keep a text."""
        self.texts[number:] = [text]

    def read(self, number: int) -> str | None:
        """Return a text; None if this number was never written."""
        return self.texts[number] if number < len(self.texts) else None

    def clear(self) -> None:
        """Forget all texts."""
        self.texts = []


class PartedLines:
    """Lines that are written to parts, a part at a time, after those that are there already.

    :param parts: the storage.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._next: int | None = None

    def write(self, lines: Sequence[str]) -> None:
        """Write lines as one part; they are kept when this returns.

        :param lines: at least one line, none with a line break.
        """
        if self._next is None:
            self._next = sum(1 for _ in self._texts())
        self._parts.write(self._next, "\n".join(lines))
        self._next += 1

    def __iter__(self) -> Iterator[str]:
        """Yield all lines, with one part in memory at a time."""
        for text in self._texts():
            yield from text.splitlines()

    def clear(self) -> None:
        """Forget all lines."""
        self._next = None
        self._parts.clear()

    def _texts(self) -> Iterator[str]:
        number = 0
        while (text := self._parts.read(number)) is not None:
            yield text
            number += 1
