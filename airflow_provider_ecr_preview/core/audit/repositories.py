"""The names of the repositories in an audit, so that a merge can reject a repository that two parts counted."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator

from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, RepositoryRef

Key = tuple[str, str, str]
"""Registry, Region and name; an empty text for a registry or Region that never became known."""


MAX_PACKED_CHARACTERS = 16 * 1024
"""A third of the XCom of an audit; it holds the names of thousands of repositories."""


_MAX_UNPACKED_BYTES = 1024 * 1024


class AuditedRepositories:
    """The repositories of an audit, by registry and Region."""

    def __init__(self) -> None:
        self._keys: set[Key] = set()
        self._unnamed = 0

    def add(self, ref: RepositoryRef) -> None:
        """Add a repository."""
        self._keys.add(_key(ref))

    def update(self, other: AuditedRepositories) -> None:
        """Add the repositories of another audit."""
        self._keys |= other._keys
        self._unnamed += other._unnamed

    @property
    def unnamed_count(self) -> int:
        """Number of repositories whose names did not fit into an XCom that was read."""
        return self._unnamed

    def identified(self) -> Iterator[Key]:
        """Yield the repositories whose registry and Region are known, in order.

        A repository that failed before its registry was known may be one of any account.
        """
        return (key for key in sorted(self._keys) if key[0] and key[1])

    def packed(self) -> str | None:
        """Return the names as compressed text; None if some are not known, or there are too many."""
        if self._unnamed:
            return None
        names: dict[str, dict[str, list[str]]] = {}
        for registry_id, region_name, name in sorted(self._keys):
            names.setdefault(registry_id, {}).setdefault(region_name, []).append(name)
        text = json.dumps(names, separators=(",", ":")).encode()
        if len(text) > _MAX_UNPACKED_BYTES:
            return None
        packed = base64.b85encode(zlib.compress(text, 9)).decode()
        return packed if len(packed) <= MAX_PACKED_CHARACTERS else None

    @classmethod
    def of_xcom(cls, value: AuditXCom) -> AuditedRepositories:
        """Return the repositories that an audit names: all of them, unless its lists had to be shortened.

        :param value: the XCom of the audit.
        :raises ValueError: if its packed names are damaged.
        """
        repositories = cls()
        if (packed := value.get("packed_repositories")) is not None:
            repositories._keys.update(_unpacked(packed))
        for listed in (value["summaries"] or (), value["failures"], value["without_policy"], value["top"]):
            repositories._keys.update(map(_key, listed))  # type: ignore[arg-type]  # each has the three keys
        repositories._unnamed = max(value["repository_count"] - len(repositories._keys), 0)
        return repositories


def lists_all(value: AuditXCom) -> bool:
    """Return whether the lists of an audit name all of its repositories.

    :param value: the XCom of the audit.
    """
    return (
        value["summaries"] is not None
        and len(value["failures"]) == value["failed_count"]
        and len(value["without_policy"]) == value["without_policy_count"]
    )


def _key(ref: RepositoryRef) -> Key:
    return ref["registry_id"] or "", ref["region_name"] or "", ref["repository_name"]


def _unpacked(packed: str) -> Iterator[Key]:
    try:
        unzip = zlib.decompressobj()
        text = unzip.decompress(base64.b85decode(packed), _MAX_UNPACKED_BYTES)
        if not unzip.eof:
            raise ValueError("the text is cut off or too long")  # noqa: TRY301 - as zlib's own errors
        names: dict[str, dict[str, list[str]]] = json.loads(text)
        keys = [
            (registry_id, region_name, name)
            for registry_id, regions in names.items()
            for region_name, of_region in regions.items()
            for name in of_region
        ]
    except (ValueError, AttributeError, TypeError, zlib.error) as error:
        raise ValueError(
            f"packed_repositories of an audit is damaged ({error}). Clear the task of that audit."
        ) from error
    return iter(keys)
