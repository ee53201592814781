"""The name of the file of one mapped task instance, where all of them are given the same path."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?P<folder>.*/)?(?P<stem>\.*[^/.]+)(?P<suffix>[^/]*)", re.DOTALL)


_BY_INDEX = re.compile(r"\{[{%](?:(?![%}]\}).)*\bmap_index\b", re.DOTALL)


def has_map_index(written: str) -> bool:
    """Return whether a path of a DAG file differs for every mapped task instance, because its template has ``map_index``.

    :param written: the path before it is rendered.
    """
    return _BY_INDEX.search(written) is not None


def mapped_path(path: str, map_index: int) -> str:
    """Return the file of one mapped task instance: ``results-mapped-3.jsonl.gz`` for ``results.jsonl.gz``.

    A path that ends with a slash or is only a bucket, and one that has this name already, stay as they are.

    :param path: the path that all instances are given.
    :param map_index: which of them this is.
    """
    found = _NAME.fullmatch(path)
    mark = f"-mapped-{map_index}"
    if found is None or found["stem"].endswith(mark):
        return path
    folder = found["folder"] or ""
    if folder.endswith("://"):
        return path
    return f"{folder}{found['stem']}{mark}{found['suffix']}"


def is_mapped_name(name: str, of: str) -> bool:
    """Return whether a file is the one of a mapped task instance.

    :param name: name of the file.
    :param of: name of the file that all instances are given.
    """
    found = re.search(r"-mapped-([0-9]+)", name)
    return found is not None and mapped_path(of, int(found[1])) == name
