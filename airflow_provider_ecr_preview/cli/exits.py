"""The exit codes of every command, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of ``ecr-preview`` means."""

    OK = 0
    """The command did its work, and nothing reached the limit of ``--fail-on`` or ``--max-newly-affected``."""
    FINDINGS = 1
    """A finding, or the number of affected images, reached a limit."""
    USAGE = 2
    """The arguments are wrong; nothing was read."""
    UNREADABLE = 3
    """A file cannot be read, or does not hold what the command needs."""
    AWS = 4
    """AWS refused a call, could not be reached, or its preview failed."""


class CommandError(Exception):
    """Raised when a command cannot do its work.

    :param message: what happened and what to do, as a sentence.
    :param code: the exit code.
    """

    def __init__(self, message: str, code: ExitCode = ExitCode.UNREADABLE) -> None:
        super().__init__(message)
        self.code = code
