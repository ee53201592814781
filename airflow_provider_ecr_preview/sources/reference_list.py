"""Read the images in use from a list that another tool wrote."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse
from airflow_provider_ecr_preview.core.in_use.reference_list import parse_reference_list
from airflow_provider_ecr_preview.sources.found import FoundReference

MAX_BYTES = 64 * 1024 * 1024
"""A longer list is not read."""


_GZIP = b"\x1f\x8b"


_KIND = "reference list"


def _now() -> datetime:
    return datetime.now(UTC)


def reference_list(value: Any, now: Callable[[], datetime] = _now) -> Iterator[FoundReference]:
    """Yield the images of a list that another tool wrote.

    If the list says when it was collected (``collected_at``), it must be no more than a day old.

    :param value: the list, as :func:`~airflow_provider_ecr_preview.core.in_use.reference_list.parse_reference_list` reads
        it, or the ``ObjectStoragePath`` URL of a file that holds it, which may be compressed with gzip.
    :param now: returns the current time (aware).
    :raises ValueError: if there is no such list, it is empty, or it is too old.
    """
    name = "the parameter reference_list"
    if isinstance(value, str) and not value.lstrip().startswith(("[", "{", '"')):
        if "://" not in value:
            raise ValueError(f"reference_list is neither JSON nor a URL: {value[:100]!r}")
        name = value = value.strip()
        value = _read(value)
    listed = parse_reference_list(value)
    if listed.collected_at is not None and (why := ImagesInUse(listed.collected_at).why_unusable(now())) is not None:
        raise ValueError(f"The list says nothing about now: {why}. Write it again.")
    for reference in listed.references:
        yield FoundReference(reference.image, _KIND, reference.name or name, reference.digest)


def _read(uri: str) -> str:
    with ObjectStoragePath(uri).open("rb") as stored:
        data: bytes = stored.read(MAX_BYTES + 1)
    if data.startswith(_GZIP):
        with gzip.open(BytesIO(data)) as unpacked:
            data = unpacked.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"The list at {uri} is longer than {MAX_BYTES} bytes.")
    return data.decode("utf-8-sig")
