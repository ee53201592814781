"""Where the pages that the front end was built into are."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_ecr_preview import __version__

BUNDLE = Path(__file__).parent / "static" / "main.js"


def bundle_version() -> str | None:
    """Return what tells this build from any other, for a URL that may be cached for ever; None if nothing is built."""
    try:
        status = BUNDLE.stat()
    except FileNotFoundError:
        return None
    return f"{__version__}-{status.st_mtime_ns // 1_000_000:x}-{status.st_size:x}"
