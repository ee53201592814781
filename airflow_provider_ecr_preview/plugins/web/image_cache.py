"""Cache recently read lists, so that only the first page of a list waits for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Lock
from typing import ClassVar, Generic, NamedTuple, Protocol, TypeVar

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.bounded_reading import ReadBudget, bounded_objects
from airflow_provider_ecr_preview.core.list_writer import HEAD_BYTES, dag_id_of
from airflow_provider_ecr_preview.plugins.web.image_table import ImageTable
from airflow_provider_ecr_preview.plugins.web.locations import ForeignLocationError, checked_location, open_checked
from airflow_provider_ecr_preview.plugins.web.refused_files import Refusals
from airflow_provider_ecr_preview.plugins.web.row_table import RowTable
from airflow_provider_ecr_preview.plugins.web.stored import BOUNDS
from airflow_provider_ecr_preview.reports.layout import kept_list_uri

MAX_CACHED_BYTES = 512 * 2**20
"""The disk space for the lists of one process."""


MAX_CACHED_BYTES_OF_A_USER = 384 * 2**20
"""The share of that for lists that one user opened first, so that others keep theirs."""


class Place(NamedTuple):
    """A list as it is now.

    :param uri: where it is.
    :param checksum: of what is there.
    :param kept_uri: where the list of what stays is; None if it was not written.
    :param kept_checksum: of what is there.
    """

    uri: str
    checksum: int
    kept_uri: str | None = None
    kept_checksum: int | None = None


class _Table(Protocol):
    @property
    def size_in_bytes(self) -> int: ...


TableT = TypeVar("TableT", bound=_Table)


class StoredTables(Generic[TableT]):
    """Opens lists, each once for as long as it does not change."""

    max_cached_bytes: ClassVar[int]
    """The disk space for the lists of one process."""
    max_cached_bytes_of_a_user: ClassVar[int]
    """The share of that for lists that one user opened first, so that others keep theirs."""

    def __init__(self) -> None:
        self._tables: OrderedDict[Place, tuple[TableT, str]] = OrderedDict()
        self._refusals = Refusals()
        self._reading: dict[Place, Lock] = {}
        self._lock = Lock()

    def find(self, uri: str, folders: Sequence[str]) -> Place | TableT:
        """Return the table of a list if it was read, or else where the list is.

        :param uri: what a result names.
        :param folders: the folders below which files may be opened.
        :raises ForeignLocationError: if it lies below none of them.
        :raises FileNotFoundError: if the list is not there.
        :raises ValueError: if it was refused before.
        """
        place = self._place(uri, folders)
        self._refusals.check(place)
        return self._known(place) or place

    def read(self, place: Place, folders: Sequence[str], user: str) -> TableT:
        """Return the table of a list.

        :param place: where it is.
        :param folders: the folders below which files may be opened.
        :param user: who opens it.
        :raises ValueError: if it is not such a list, or more than is read.
        """
        with self._lock:
            reading = self._reading.setdefault(place, Lock())
        with reading:  # once, however many users want it
            self._refusals.check(place)
            if known := self._known(place):
                return known
            try:
                with self._refusals.remembered(place):
                    table = self._read(place, folders)
                self._keep(place, table, user)
                return table
            finally:
                with self._lock:
                    self._reading.pop(place, None)

    def _place(self, uri: str, folders: Sequence[str]) -> Place:
        return Place(uri, _checksum(uri, folders))

    def _read(self, place: Place, folders: Sequence[str]) -> TableT:
        raise NotImplementedError

    def _known(self, place: Place) -> TableT | None:
        with self._lock:
            if place not in self._tables:
                return None
            self._tables.move_to_end(place)
            return self._tables[place][0]

    def _keep(self, place: Place, table: TableT, user: str) -> None:
        if table.size_in_bytes > self.max_cached_bytes_of_a_user:
            return
        with self._lock:
            self._tables[place] = (table, user)
            own = [kept for kept, (_, owner) in self._tables.items() if owner == user]
            self._forget_until(own, self.max_cached_bytes_of_a_user)
            self._forget_until([*self._tables], self.max_cached_bytes)

    def _forget_until(self, places: list[Place], most: int) -> None:
        """Forget the tables that were not used for the longest time, until the rest of these is no more than that."""
        size = sum(self._tables[place][0].size_in_bytes for place in places)
        for place in places:
            if size <= most:
                return
            size -= self._tables.pop(place)[0].size_in_bytes


class ImageTables(StoredTables[ImageTable]):
    """Opens the image lists of previews, with the list of the images that stay where there is one."""

    max_cached_bytes = MAX_CACHED_BYTES
    max_cached_bytes_of_a_user = MAX_CACHED_BYTES_OF_A_USER

    def _place(self, uri: str, folders: Sequence[str]) -> Place:
        place = super()._place(uri, folders)
        kept_uri = kept_list_uri(uri)
        try:
            return place._replace(kept_uri=kept_uri, kept_checksum=_checksum(kept_uri, folders))
        except (FileNotFoundError, ForeignLocationError, PermissionError):
            return place  # the third is S3's answer where a folder may not be listed

    def _read(self, place: Place, folders: Sequence[str]) -> ImageTable:
        budget = ReadBudget(BOUNDS)
        with ExitStack() as stack:
            affected = stack.enter_context(open_checked(place.uri, folders))
            dag_id = dag_id_of(affected.read(HEAD_BYTES))
            affected.seek(0)
            if place.kept_uri is None:
                return ImageTable(bounded_objects(affected, budget), dag_id=dag_id)
            kept = stack.enter_context(open_checked(place.kept_uri, folders))
            kept_dag_id = dag_id_of(kept.read(HEAD_BYTES))
            kept.seek(0)
            # A list from another DAG does not belong to this one.
            kept_images = bounded_objects(kept, budget) if kept_dag_id == dag_id else None
            return ImageTable(bounded_objects(affected, budget), kept_images, dag_id=dag_id)


class RowTables(StoredTables[RowTable]):
    """Opens the lists that the other results point to."""

    max_cached_bytes = 256 * 2**20
    max_cached_bytes_of_a_user = 192 * 2**20

    def _read(self, place: Place, folders: Sequence[str]) -> RowTable:
        with open_checked(place.uri, folders) as stored:
            dag_id = dag_id_of(stored.read(HEAD_BYTES))
            stored.seek(0)
            return RowTable(bounded_objects(stored, ReadBudget(BOUNDS)), dag_id=dag_id)


def _checksum(uri: str, folders: Sequence[str]) -> int:
    return ObjectStoragePath(checked_location(uri, folders)).checksum()
