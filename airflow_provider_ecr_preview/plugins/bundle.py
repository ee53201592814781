"""The location of the built front end."""

from __future__ import annotations

import hashlib
from pathlib import Path

from airflow_provider_ecr_preview import __version__

BUNDLE = Path(__file__).parent / "static" / "main.js"


def bundle_version() -> str | None:
    """Return the version of this build, for a URL that may be cached for ever; None if nothing is built."""
    try:
        content = BUNDLE.read_bytes()
    except FileNotFoundError:
        return None
    # Hash the content, because all files in a wheel have the same time, and parallel servers must agree.
    return f"{__version__}-{hashlib.sha256(content).hexdigest()[:12]}"
