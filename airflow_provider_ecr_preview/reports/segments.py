"""Storage for the log of an audit: report files, Airflow's task state store, or memory."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.parts import MemoryParts
from airflow_provider_ecr_preview.reports.storage import files_under, remove_files, write_whole

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath
    from airflow.sdk.execution_time.context import TaskStateStoreAccessor


RETENTION = timedelta(days=7)
"""How long Airflow keeps the state of a task that never succeeds."""


class PathSegments:
    """Segments as files in a folder of object storage.

    :param path: the folder.
    """

    def __init__(self, path: ObjectStoragePath) -> None:
        self.path = path

    def __str__(self) -> str:
        return f"the report files ({self.path})"

    def write(self, number: int, text: str) -> None:
        """Keep a text, wholly or not at all."""
        write_whole(self._file(number), text.encode())

    def read(self, number: int) -> str | None:
        """Return a text; None if this number was never written."""
        try:
            return self._file(number).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Forget all texts."""
        # The last one first, so that no gap hides any if this is cut short.
        remove_files(files_under(self.path)[::-1], within=self.path.parent.parent)

    def _file(self, number: int) -> ObjectStoragePath:
        return self.path / f"{number:05}.jsonl"


class StateSegments:
    """Segments in Airflow's task state store, which the attempts of a task instance share (Airflow 3.3 and later).

    :param store: ``context["task_state_store"]``.
    :param prefix: what the keys begin with.
    """

    def __init__(self, store: TaskStateStoreAccessor, prefix: str = "ecr_lifecycle_audit") -> None:
        self._store = store
        self._prefix = prefix

    def __str__(self) -> str:
        return "Airflow's task state store"

    def write(self, number: int, text: str) -> None:
        """Keep a text, wholly or not at all."""
        self._store.set(self._key(number), packed(text), retention=RETENTION)

    def read(self, number: int) -> str | None:
        """Return a text; None if this number was never written."""
        value = self._store.get(self._key(number))
        return unpacked(value) if isinstance(value, str) else None

    def clear(self) -> None:
        """Forget all texts, the last one first, so that no gap hides any if this is cut short."""
        count = 0
        while self._store.get(self._key(count)) is not None:
            count += 1
        for number in reversed(range(count)):
            self._store.delete(self._key(number))

    def _key(self, number: int) -> str:
        return f"{self._prefix}_{number:05}"


class MemorySegments(MemoryParts):
    """Segments in memory, to be carried from one process to the next as a text.

    :param carried: what :meth:`carried` gave.
    """

    def __init__(self, carried: str | None = None) -> None:
        super().__init__(json.loads(unpacked(carried)) if carried else ())

    def __str__(self) -> str:
        return "memory"

    def carried(self) -> str:
        """Return all texts as one."""
        return packed(json.dumps(self.texts))


def packed(text: str) -> str:
    """Return a text compressed, in characters that any database takes."""
    return base64.b85encode(zlib.compress(text.encode())).decode()


def unpacked(text: str) -> str:
    """Return the text that :func:`packed` made smaller."""
    return zlib.decompress(base64.b85decode(text)).decode()
