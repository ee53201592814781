"""Restrict the files that may be opened to those below the configured folders.

Anyone who writes DAGs can write a result, so the files it names must not be opened with the API server's access.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import IO, NamedTuple

from airflow.sdk import ObjectStoragePath

_DOTS = {"", ".", ".."}


_FILE = "file://"


_REPLACED = " (deleted)"
"""The suffix that Linux adds to the path of an open file that has been replaced."""


class ForeignLocationError(Exception):
    """Raised when a file lies below none of the configured folders."""


class _Location(NamedTuple):
    scheme: str
    authority: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, uri: str) -> _Location | None:
        """Return the parts of a URL; None if another reader could read it as another place than this one does."""
        scheme, separator, rest = uri.partition("://")
        authority, slash, path = rest.partition("/")
        names = tuple(path.split("/"))
        is_plain = separator and slash and uri.isprintable() and not {"\\", "?", "#"} & set(uri) and "::" not in uri
        if not is_plain or _DOTS & set(names) or (scheme == "file" and authority):
            return None
        return cls(scheme, authority, names)

    def holds(self, other: _Location) -> bool:
        return (
            (self.scheme, self.authority) == (other.scheme, other.authority)
            and len(other.names) > len(self.names)
            and other.names[: len(self.names)] == self.names
        )


def checked_location(uri: str, folders: Iterable[str]) -> str:
    """Return the URL to open, with symbolic links of local files resolved.

    :param uri: what a result names.
    :param folders: the configured folders.
    :raises ForeignLocationError: if it lies below none of them.
    :raises FileNotFoundError: if it lies there and is no file any more.
    """
    location = _Location.of(uri)
    for folder in folders:
        allowed = _Location.of(folder.rstrip("/"))
        if location is None or allowed is None or not allowed.holds(location):
            continue
        if location.scheme != "file":
            return uri
        return _resolved(location, allowed)
    raise ForeignLocationError(uri)


def open_checked(uri: str, folders: Iterable[str]) -> IO[bytes]:
    """Open a file, if it may be.

    A file can be replaced by a link between the check and the opening, so a local file is checked once it is open.

    :param uri: what a result names.
    :param folders: the configured folders.
    :raises ForeignLocationError: if it lies below none of them.
    :raises FileNotFoundError: if it lies there and is no file any more.
    """
    checked = checked_location(uri, folders)
    if not checked.startswith(_FILE):
        stored: IO[bytes] = ObjectStoragePath(checked).open("rb")
        return stored
    path = checked.removeprefix(_FILE)
    # Without waiting, because it may have become a pipe.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        _check_open(descriptor, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _check_open(descriptor: int, path: str) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise FileNotFoundError(path)
    link = Path(f"/proc/self/fd/{descriptor}")
    opened = str(link.readlink()).removesuffix(_REPLACED) if link.is_symlink() else os.path.realpath(path)  # not Linux
    if opened != path:
        raise ForeignLocationError(path)


def _resolved(location: _Location, allowed: _Location) -> str:
    path = Path(os.path.realpath("/" + "/".join(location.names)))
    if Path(os.path.realpath("/" + "/".join(allowed.names))) not in path.parents:
        raise ForeignLocationError(path)
    try:
        is_file = path.is_file()  # which a pipe is not, that would be waited for
    except OSError as error:  # of a name that no file system has room for
        raise FileNotFoundError(path) from error
    if not is_file:
        raise FileNotFoundError(path)
    return f"file://{path}"
