"""What was done and how long it took, and a sign of life while something takes long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

_SILENT_SECONDS = 10


class Progress:
    """A line for every step on the terminal.

    :param console: where to print.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._step: str | None = None
        self._started = self._said = time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Say that a step is done when it is.

        :param title: what the step is about.
        """
        self._step = title
        self._started = self._said = time.monotonic()
        with self._console.status(title):
            yield
        self._step = None
        self.done(title, time.monotonic() - self._started)

    def done(self, title: str, seconds: float | None = None) -> None:
        """Say that something is done.

        :param title: what.
        :param seconds: how long it took.
        """
        took = "" if seconds is None else f" [dim]({seconds:.0f} s)[/]"
        self._console.print(f"[green]✓[/] {title}{took}", highlight=False)
        self._said = time.monotonic()

    def sign_of_life(self) -> None:
        """Say that a step goes on, where no spinner says so and nothing else was said for a while."""
        now = time.monotonic()
        if self._step and not self._console.is_terminal and now - self._said > _SILENT_SECONDS:
            self._console.print(f"  {self._step}: {now - self._started:.0f} s so far", highlight=False)
            self._said = now
