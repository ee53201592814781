"""Where the pages that the front end was built into are."""

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
    # By content, because every wheel has its files of the same time, and servers beside each other have to agree.
    return f"{__version__}-{hashlib.sha256(content).hexdigest()[:12]}"
