"""Full lists on object storage: gzip JSON Lines, one image a line, written as they stream."""

from __future__ import annotations

import gzip
import json
import logging
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import TextIOWrapper
from itertools import islice
from typing import Any, TextIO

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.bounded_reading import ReadBounds, ReadBudget, bounded_objects
from airflow_provider_ecr_preview.core.list_writer import name_within
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.kept import KeptImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.reports.layout import kept_list_uri, reports_folder_of
from airflow_provider_ecr_preview.reports.storage import remove_if_there, write_whole

log = logging.getLogger(__name__)


_BOUNDS = ReadBounds(
    stored_bytes=2 * 2**30, unpacked_bytes=8 * 2**30, lines=10_000_000, line_bytes=16 * 2**20, seconds=3600
)
"""Far more than any list that this package writes."""


class LineWriter:
    """Writes objects into an open list, one a line.

    :param lines: the open list.
    """

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines

    def write(self, value: Mapping[str, Any]) -> None:
        """Append one object of plain JSON types."""
        self._lines.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
        self._lines.write("\n")


class ImageListWriter:
    """Writes images into an open list, one a line.

    :param lines: the open list.
    :param images_uri: where the list can be read when it is whole.
    :param with_kept: whether the images that stay are wanted, too.
    :param dag_id: the DAG that writes it.
    """

    def __init__(
        self, lines: LineWriter, images_uri: str, *, with_kept: bool = False, dag_id: str | None = None
    ) -> None:
        self.images_uri = images_uri
        self.write_kept: Callable[[Iterable[KeptImage]], object] | None = self._write_kept if with_kept else None
        """Writes all images that stay into their own list; None if they are not wanted."""
        self.has_kept = False
        """Whether that list was written."""
        self._lines = lines
        self._dag_id = dag_id

    def write(self, image: PreviewedImage) -> None:
        """Append one image."""
        self._lines.write(image.as_dict())

    def _write_kept(self, images: Iterable[KeptImage]) -> None:
        with line_list(kept_list_uri(self.images_uri), dag_id=self._dag_id) as lines:
            for image in images:
                lines.write(image.as_dict())
        self.has_kept = True


@contextmanager
def line_list(path: str, *, dag_id: str | None = None) -> Iterator[LineWriter]:
    """Open a new list that appears at ``path`` when the block ends without error, and not before.

    The list grows in a temporary file of the worker, because an object on S3 is either complete or absent, and a
    local file should behave the same.

    :param path: an ``ObjectStoragePath`` URL, ``file:///...`` or ``s3://aws_conn_id@bucket/...`` (which needs the
        ``s3`` extra). What is there already is replaced.
    :param dag_id: the DAG that writes it, which the list says then: the pages show it to those who may read the results of
        that DAG.
    """
    with tempfile.TemporaryFile() as spool:
        with (
            gzip.GzipFile(filename=name_within(dag_id), mode="wb", fileobj=spool) as packed,
            TextIOWrapper(packed, encoding="utf-8") as lines,
        ):
            yield LineWriter(lines)
        spool.seek(0)
        write_whole(ObjectStoragePath(path), spool)


def read_lines(uri: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list that a task wrote.

    :param uri: where it was written.
    :raises ValueError: if it is not such a list, or far more than any that this package writes.
    """
    with ObjectStoragePath(uri).open("rb") as stored:
        yield from bounded_objects(stored, ReadBudget(_BOUNDS))


@contextmanager
def image_list(images_path: str, *, with_kept: bool = False, dag_id: str | None = None) -> Iterator[ImageListWriter]:
    """Open a new image list that appears at ``images_path`` when the block ends without error, and not before.

    :param images_path: as for :func:`line_list`.
    :param with_kept: whether to write the images that stay, too, to a list of their own.
    :param dag_id: as for :func:`line_list`.
    """
    with line_list(images_path, dag_id=dag_id) as lines:
        writer = ImageListWriter(lines, images_path, with_kept=with_kept, dag_id=dag_id)
        yield writer
        if not writer.has_kept:
            # An existing list belongs to an earlier preview.
            folder = reports_folder_of(images_path)
            remove_if_there(
                ObjectStoragePath(kept_list_uri(images_path)), within=ObjectStoragePath(folder) if folder else None
            )


def read_image_list(images_uri: str) -> Iterator[PreviewedImage]:
    """Yield the images of a list that a task wrote.

    :param images_uri: ``images_uri`` of a summary.
    :raises ValueError: if it is not such a list, or far more than any that this package writes.
    """
    return map(PreviewedImage.from_dict, read_lines(images_uri))


def listed_images(summary: PreviewSummaryXCom) -> PreviewList | Unread:
    """Return the images of a preview, from its full list if it has one.

    :param summary: the summary of the preview.
    """
    uri = summary.get("images_uri")
    if not uri:
        return PreviewList.of_summary(summary)
    try:
        # One image too many is enough to know that the list is another one.
        count = summary["expiring_image_count"] + summary["archiving_image_count"]
        return PreviewList.of_summary(summary, [*islice(read_image_list(uri), count + 1)])
    except Exception as error:  # whatever goes wrong on any storage, the list is unknown
        log.warning("The image list at %s cannot be read.", visible(uri), exc_info=True)
        return Unread(
            f"the image list at {uri} cannot be read ({type(error).__name__}: {error}).",
            "Give the worker access to the list; or preview again, and have that preview approved.",
        )
