"""Write the output of a command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow_provider_ecr_preview.cli.exits import CommandError

STANDARD = "-"


def write(text: str, output: str | None) -> None:
    """Write a text and a line break to a file or to standard output.

    :param text: the text.
    :param output: the file; None or ``-`` for standard output.
    :raises CommandError: if the file cannot be written.
    """
    if output is None or output == STANDARD:
        encoding = sys.stdout.encoding or "utf-8"
        # A terminal of Windows cannot show every character of a table.
        sys.stdout.write(f"{text}\n".encode(encoding, "backslashreplace").decode(encoding))
        return
    try:
        Path(output).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{output}: the output cannot be written ({error.strerror}).") from error


def as_json(value: Any) -> str:
    """Return a value as JSON, in ASCII: what others wrote may hold what no terminal and no file can."""
    return json.dumps(value, indent=2)
