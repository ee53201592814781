"""Write to object storage so that a reader sees a whole file, or none; list and remove what is there."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.files.mapped import is_mapped_name

PART_SUFFIX = ".part"
"""The suffix of a local file while it is being written; a file left behind is not a report."""


ABANDONED = timedelta(hours=1)
"""A half-written file that nothing has changed for so long is left over from a killed attempt."""


_MAX_SLUG_CHARACTERS = 120


_WITH_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss"})


_GLOB_CHARACTERS = frozenset("*?[")


def is_local(path: ObjectStoragePath) -> bool:
    """Return whether a path is on a local file system, also if it is written without a scheme.

    :param path: the path.
    """
    return path.protocol in ("", "file", "local")


def write_whole(target: ObjectStoragePath, data: bytes | IO[bytes]) -> None:
    """Store data under a path. Existing data is replaced once the new data is complete.

    :param target: the file.
    :param data: what to write; from a file, from its position on.
    """
    if is_local(target):
        # Object stores have no folders, and there this would create the bucket of a typo.
        target.parent.mkdir(parents=True, exist_ok=True)
    source = BytesIO(data) if isinstance(data, bytes) else data
    if not is_local(target):
        # An object store shows an object only once it is completely written.
        with target.open("wb") as stored:
            shutil.copyfileobj(source, stored)
        return
    # A unique name, because an attempt believed dead may still be writing; short, because names are bounded.
    part = target.parent / f".{_part_prefix(target.name)}{uuid4().hex[:16]}{PART_SUFFIX}"
    try:
        with part.open("wb") as stored:
            shutil.copyfileobj(source, stored)
        # Not by the path's own method, which would put the file into a folder of that name.
        Path(part.path).replace(target.path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    # Others may be writing the same file now, but not for so long.
    remove_parts_of(Path(target.path), older_than=ABANDONED)


def remove_parts_of(target: Path, *, older_than: timedelta = timedelta(0)) -> int:
    """Remove what killed attempts left of a local file that they were writing, and return the number of files.

    :param target: the file, whether or not it exists.
    :param older_than: leave files that were changed within this time.
    """
    removed, latest = 0, time.time() - older_than.total_seconds()
    for part in target.parent.glob(f".{_part_prefix(target.name)}*{PART_SUFFIX}"):
        with suppress(FileNotFoundError):  # another attempt removes them, too
            if part.stat().st_mtime <= latest:
                part.unlink()
                removed += 1
    return removed


def _part_prefix(name: str) -> str:
    return f"{hashlib.sha256(name.encode()).hexdigest()[:12]}-"


def require_bucket(path: ObjectStoragePath, parameter: str) -> None:
    """Check that a bucket exists, before doing work whose result could not be stored.

    :param path: a path on object storage; local paths need no check.
    :param parameter: the parameter that gives the path, for the message.
    :raises ValueError: if the bucket does not exist. If that cannot be found out, nothing is raised.
    """
    if path.protocol not in _WITH_BUCKETS:
        return
    bucket = path.path.lstrip("/").partition("/")[0]
    try:
        exists = path.fs.exists(bucket)
    except Exception:  # noqa: BLE001  # listing a bucket needs permissions that writing to it does not need
        return
    if not exists:
        raise ValueError(
            f"{parameter} is {path}, and there is no bucket {bucket!r}. Create it, or correct {parameter}; the worker "
            "also needs permission to list it."
        )


def files_under(folder: ObjectStoragePath) -> list[ObjectStoragePath]:
    """Return all files below a folder, sorted; none if it is not there.

    :param folder: the folder.
    """
    folder.fs.invalidate_cache(folder.path)
    return [folder / name for name in _relative(folder, folder.fs.find(folder.path))]


def own_files_in(root: ObjectStoragePath, folder: str) -> dict[str, ObjectStoragePath]:
    """Return the files below one folder of a root, by their path relative to the root; nothing behind a symbolic link.

    :param root: where the folder is; it may itself be a link.
    :param folder: name of the folder.
    """
    if not is_local(root):
        files = files_under(root / folder)
        return dict(zip(_relative(root, (file.path for file in files)), files, strict=True))
    top = Path(root.path) / folder
    walk = () if top.is_symlink() else os.walk(top)
    paths = [Path(parent) / name for parent, _, names in walk for name in names]
    names = [path.relative_to(root.path).as_posix() for path in paths if not path.is_symlink()]
    return {name: root / name for name in sorted(names)}


def folders_in(folder: ObjectStoragePath) -> list[ObjectStoragePath]:
    """Return the folders in a folder, sorted; none if it is not there.

    :param folder: the folder.
    """
    folders = (entry["name"] for entry in _entries(folder) if entry["type"] == "directory")
    return [folder / name for name in _relative(folder, folders)]


def mapped_files_of(file: ObjectStoragePath) -> list[ObjectStoragePath]:
    """Return the files that mapped task instances wrote which were all given the path of this one, sorted.

    :param file: the file, whether or not it exists.
    """
    folder = file.parent
    names = _relative(folder, (entry["name"] for entry in _entries(folder)))
    return [folder / name for name in names if is_mapped_name(name, file.name)]


def remove_files(files: Collection[ObjectStoragePath], *, within: ObjectStoragePath | None = None) -> None:
    """Remove files, and the local folders that are empty then. A file that another task has removed is no error.

    :param files: the files.
    :param within: the folder above which nothing is removed, and which itself stays; if None, no folder is removed.
    """
    local = [Path(file.path) for file in files if is_local(file)]
    for path in local:
        path.unlink(missing_ok=True)
    if within is not None:
        emptied = {path.parent for path in local}
        while emptied:
            emptied = {
                folder.parent for folder in emptied if Path(within.path) in folder.parents and _remove_if_empty(folder)
            }
    stored = [file for file in files if not is_local(file)]
    # When given many paths, a storage treats one with such a character as a pattern.
    at_once = [file.path for file in stored if _GLOB_CHARACTERS.isdisjoint(file.path)]
    if at_once:
        stored[0].fs.rm(at_once)
    for file in stored:
        if not _GLOB_CHARACTERS.isdisjoint(file.path):
            file.fs.rm_file(file.path)


def remove_if_there(file: ObjectStoragePath, *, within: ObjectStoragePath | None = None) -> None:
    """Remove a file, which may not be there.

    :param file: the file.
    :param within: as for :func:`remove_files`.
    """
    file.fs.invalidate_cache(file.parent.path)
    if file.exists():
        remove_files([file], within=within)


def slug(text: str) -> str:
    """Return a text as part of a path that every storage takes: letters, digits and ``._-``.

    Its suffix distinguishes texts that are otherwise equal in these characters.

    :param text: for example the id of a run, with its colons and blanks.
    """
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", text)[:_MAX_SLUG_CHARACTERS].strip(".-") or "unnamed"
    return f"{readable}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _entries(folder: ObjectStoragePath) -> list[dict[str, Any]]:
    """Return what is in a folder now; nothing if it is not there."""
    folder.fs.invalidate_cache(folder.path)
    try:
        entries: list[dict[str, Any]] = folder.fs.ls(folder.path, detail=True)
    except FileNotFoundError:
        return []
    return entries


def _relative(folder: ObjectStoragePath, paths: Iterable[str]) -> list[str]:
    return sorted(path.rstrip("/")[len(folder.path.rstrip("/")) + 1 :] for path in paths)


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:  # not empty, gone already, or not ours to remove
        return False
    return True
