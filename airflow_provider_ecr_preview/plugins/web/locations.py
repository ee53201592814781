"""Which files may be opened: those below the folders that the configuration names, and no other.

A result is written by whoever writes DAGs, so what it names is not to be trusted with the API server's access.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_DOTS = {"", ".", ".."}


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


def _resolved(location: _Location, allowed: _Location) -> str:
    path = Path(os.path.realpath("/" + "/".join(location.names)))
    if Path(os.path.realpath("/" + "/".join(allowed.names))) not in path.parents:
        raise ForeignLocationError(path)
    if not path.is_file():  # nor is a pipe, which would be waited for
        raise FileNotFoundError(path)
    return f"file://{path}"
