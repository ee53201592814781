"""Resolve the package with each of its extras for each Python, and print how long that takes: ``make installs``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
EXTRAS = ("", "s3", "parquet", "eks", "local")
SHOWN = ("apache-airflow", "boto3")

_SECONDS = 60


def main() -> None:
    """Print a row for each, and end with an error if one cannot be resolved in time."""
    failed = 0
    for python in PYTHONS:
        for extra in EXTRAS:
            seconds, text = _resolved(python, extra)
            versions = ", ".join(
                found[0] for name in SHOWN if (found := re.search(rf"^{name}==\S+", text, re.MULTILINE))
            )
            failed += not versions
            result = versions or f"not resolved: {text[-500:]}"
            sys.stdout.write(f"{python}  {f'[{extra}]' if extra else 'no extra':10} {seconds:5.1f} s  {result}\n")
            sys.stdout.flush()
    if failed:
        sys.exit(f"{failed} of {len(PYTHONS) * len(EXTRAS)} were not resolved within {_SECONDS} s.")


def _resolved(python: str, extra: str) -> tuple[float, str]:
    """Return how long a resolution took, and what it printed."""
    command = [UV, "pip", "compile", "--quiet", "--python-version", python, "--no-annotate", "--no-header"]
    command += [*(["--extra", extra] if extra else []), ROOT / "pyproject.toml"]
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match"} | os.environ
    started = time.monotonic()
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_SECONDS, env=environment)
    except subprocess.TimeoutExpired:
        return time.monotonic() - started, "it takes too long"
    return time.monotonic() - started, done.stdout or done.stderr


if __name__ == "__main__":
    main()
