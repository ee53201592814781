"""Write to object storage so that a reader sees a whole file, or none."""

from __future__ import annotations

import re
import shutil
from io import BytesIO
from typing import IO

from airflow.sdk import ObjectStoragePath


def write_whole(target: ObjectStoragePath, data: bytes | IO[bytes]) -> None:
    """Store data under a path. What is there already is replaced when the new data is there to its end.

    :param target: the file.
    :param data: what to write; from a file, from its position on.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # An object on S3 is whole or absent; a local file should be no worse.
    part = target.parent / f".{target.name}.part" if target.protocol == "file" else target
    with part.open("wb") as stored:
        shutil.copyfileobj(BytesIO(data) if isinstance(data, bytes) else data, stored)
    if part is not target:
        part.replace(target)


def slug(text: str) -> str:
    """Return a text as part of a path that every storage takes: letters, digits and ``._-``.

    :param text: for example the id of a run, with its colons and blanks.
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-") or "unnamed"
