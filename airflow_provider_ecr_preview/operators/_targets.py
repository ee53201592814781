"""What ``check_only`` takes as ``summary``: summaries, or names of repositories that were not previewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.core.parameters.values import decoded, texts
from airflow_provider_ecr_preview.core.preview.stored import earlier_summaries_of
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


def targets_of(value: Any, parameter: str = "summary") -> list[PreviewSummaryXCom | str]:
    """Return the summaries and the names of repositories that a value holds.

    :param value: as for :func:`summaries_of`, or names of repositories, or lists of these.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else, or names a repository twice.
    """
    if isinstance(value, str) and not value.lstrip().startswith(("{", "[{")):
        value = texts(value, parameter, protects=True)
    targets = [*_targets_in(decoded(value, parameter, protects=True), parameter)]
    keys = Counter(target if isinstance(target, str) else str(RepositoryId.of(target)) for target in targets)
    if twice := sorted(key for key, count in keys.items() if count > 1):
        raise ValueError(f"{parameter} names {', '.join(twice)} more than once. Name each repository once.")
    return targets


def _targets_in(value: Any, parameter: str) -> Iterator[PreviewSummaryXCom | str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from earlier_summaries_of(value, parameter)
    elif isinstance(value, Iterable):
        for item in value:
            yield from _targets_in(item, parameter)
    else:
        raise ValueError(  # noqa: TRY004 - the user's value, rendered from a template
            f"{parameter} is {value!r}. Give summaries of previews, or names of repositories."
        )
