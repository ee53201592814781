"""Choose repositories by their names and tags, and cut them into batches."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeVar

from airflow_provider_ecr_preview.core.parameters.forms import shown
from airflow_provider_ecr_preview.core.parameters.values import mapping, texts

T = TypeVar("T")


_NAME_GLOB = re.compile(r"(?:[a-z0-9._/*?-]|\[!?\]?[^\]]*\])+")


Names = str | Iterable[str]
"""Names, or globs of names: a list, the same as JSON, or text with commas or line breaks, as in a form."""


TagFilter = Mapping[str, str | Sequence[str] | None] | str
"""Tags by key, each with the value, the values or the globs that it may have (None for any), or the same as JSON."""


@dataclass(frozen=True, slots=True)
class RepositorySelection:
    """A selection of repositories by name and tags.

    In a glob ``*`` stands for any characters, also ``/``; ``?`` for one and ``[...]`` for one of several.

    :param include: at least one of these globs must match the name.
    :param exclude: none of these globs may match the name.
    :param tags: all of these tags are required.
    """

    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, include: Names | None = None, exclude: Names | None = None, tags: TagFilter | None = None
    ) -> RepositorySelection:
        """Return the selection that a user describes; nothing to include means every repository."""
        return cls(
            include=name_globs(include, "include") or ("*",),
            exclude=name_globs(exclude, "exclude"),
            tags={
                # An empty text would mean any value, and so select more repositories than intended.
                key: texts(value, f"tags[{key!r}]", ("*",), protects=True)
                for key, value in mapping(tags, "tags").items()
            },
        )

    def has_name(self, repository_name: str) -> bool:
        """Return whether a name is chosen."""
        return _matches(repository_name, self.include) and not _matches(repository_name, self.exclude)

    def has_tags(self, tags: Mapping[str, str]) -> bool:
        """Return whether a repository with these tags is chosen."""
        return all(key in tags and _matches(tags[key], globs) for key, globs in self.tags.items())


def name_globs(value: Names | None, parameter: str) -> tuple[str, ...]:
    """Return names of repositories, or globs of names; none if none are given.

    :param value: the value of the parameter, any form of a list.
    :param parameter: its name, for messages.
    :raises ValueError: if it is not a list, or no name of a repository can match one of them.
    """
    globs = texts(value, parameter)
    for glob in globs:
        if not _NAME_GLOB.fullmatch(glob):
            raise ValueError(
                f"{parameter} holds {shown(glob)}, which matches no repository name. Names are of lower-case letters, "
                "digits and . _ - /; in a glob, * ? and [...] stand for others."
            )
    return globs


def batches_of(items: Sequence[T], batch_size: int) -> list[list[T]]:
    """Return the items in their order, at most ``batch_size`` in a batch."""
    return [list(items[start : start + batch_size]) for start in range(0, len(items), batch_size)]


def fitting_batch_size(lengths: Sequence[int], max_batches: int) -> int:
    """Return the smallest size with which lists of these lengths make at most ``max_batches`` batches.

    :param lengths: how long each list is; no batch holds items of two lists.
    :param max_batches: the bound; at least the number of lists.
    """
    return (
        bisect_left(
            range(1, max(lengths) + 1), -max_batches, key=lambda size: -sum(-(-length // size) for length in lengths)
        )
        + 1
    )


def _matches(text: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)
