"""The image lists that were read lately, so that only the first page of one waits for it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from threading import Lock
from typing import Any

from airflow.sdk import ObjectStoragePath
from cachetools import LRUCache

from airflow_provider_ecr_preview.plugins.web.image_table import ImageTable

MAX_CACHED_BYTES = 512 * 1024 * 1024
"""How much of the disk the lists of one process take; each is smaller than that."""

MAX_LINE_BYTES = 1024 * 1024
"""An image with a thousand tags, which is the most, takes a fifth of it."""


_Key = tuple[str, int, int | None]
"""Where a list is, and the checksums of it and of the list of what stays."""


class ImageTables:
    """Opens image lists, each once for as long as it does not change."""

    def __init__(self) -> None:
        self._tables: LRUCache[_Key, ImageTable] = LRUCache(
            MAX_CACHED_BYTES, getsizeof=lambda table: table.size_in_bytes
        )
        self._lock = Lock()
        # One list at a time: two of a size would take twice the memory, and mostly they are the same.
        self._reading = Lock()

    def open(self, uri: str, kept_uri: str | None = None) -> ImageTable:
        """Return the images of a list.

        :param uri: where the list is; its caller has checked that it may be opened.
        :param kept_uri: where the images that stay are, if they were written; checked as well.
        :raises FileNotFoundError: if the list is not there.
        :raises ValueError: if it is no list of images.
        """
        path = ObjectStoragePath(uri)
        kept_path = ObjectStoragePath(kept_uri) if kept_uri else None
        kept_checksum = _checksum(kept_path) if kept_path else None
        key = (uri, path.checksum(), kept_checksum)
        if known := self._known(key):
            return known
        with self._reading:
            if known := self._known(key):  # to whoever had the lock before
                return known
            table = ImageTable(_lines(path), _lines(kept_path) if kept_path and kept_checksum is not None else None)
            if table.size_in_bytes <= MAX_CACHED_BYTES:
                with self._lock:
                    self._tables[key] = table
            return table

    def _known(self, key: _Key) -> ImageTable | None:
        with self._lock:
            return self._tables.get(key)


def _checksum(path: ObjectStoragePath) -> int | None:
    try:
        return path.checksum()
    except (FileNotFoundError, PermissionError):  # the second is S3's answer where a folder may not be listed
        return None


def _lines(path: ObjectStoragePath) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as stored, gzip.open(stored, "rb") as lines:
            while line := lines.readline(MAX_LINE_BYTES):
                yield json.loads(line)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"This is no list of images: {error}") from error
