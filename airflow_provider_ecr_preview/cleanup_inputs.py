"""What is given to the operators of a clean-up, checked: a template may leave anything, and nothing may be guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_ecr_preview.cleanup_evidence import check_summary
from airflow_provider_ecr_preview.core.parameters import decoded, texts
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.xcom import AUDIT_SCHEMA, PreviewSummaryXCom


def summaries_of(value: Any, parameter: str = "summary") -> list[PreviewSummaryXCom]:
    """Return the summaries that were given, one for each repository.

    :param value: one summary or several, an audit or several that hold their summaries, or any of these as JSON.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else, or names a repository twice.
    """
    summaries = earlier_summaries_of(value, parameter)
    repositories = [RepositoryId.of(summary) for summary in summaries]
    twice = sorted({str(repository) for repository in repositories if repositories.count(repository) > 1})
    if twice:
        raise ValueError(f"{parameter} has several summaries of {', '.join(twice)}. Give the one that was approved.")
    return summaries


def earlier_summaries_of(value: Any, parameter: str = "previous_summaries") -> list[PreviewSummaryXCom]:
    """Return the summaries that were given, of which several may be about the same repository.

    :param value: as for :func:`summaries_of`.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else.
    """
    value = decoded(value, parameter, protects=True)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ValueError(f"{parameter} is {value!r}, not a summary.")  # noqa: TRY004 - rendered from a template
    try:
        return [check_summary(summary) for item in value for summary in _summaries_in(item)]
    except ValueError as error:
        raise ValueError(f"{parameter}: {error}") from error


def targets_of(value: Any, parameter: str = "summary") -> list[PreviewSummaryXCom | str]:
    """Return the summaries and the names of repositories that were given, to be checked only.

    :param value: as for :func:`summaries_of`, or names of repositories, or lists of these.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else, or names a repository twice.
    """
    if isinstance(value, str) and not value.lstrip().startswith(("{", "[{")):
        value = texts(value, parameter, protects=True)
    targets = [*_targets_in(decoded(value, parameter, protects=True), parameter)]
    keys = Counter(target if isinstance(target, str) else str(RepositoryId.of(target)) for target in targets)
    if twice := sorted(key for key, count in keys.items() if count > 1):
        raise ValueError(f"{parameter} names {', '.join(twice)} twice.")
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
        raise ValueError(f"{parameter} is {value!r}. Give summaries, or the names of repositories.")  # noqa: TRY004


def _summaries_in(value: Any) -> Iterable[Any]:
    """Return the summaries that an audit holds, or what is none by itself."""
    if not isinstance(value, Mapping) or value.get("schema") != AUDIT_SCHEMA:
        return [value]
    summaries: Iterable[Any] | None = value.get("summaries")
    if summaries is None:
        raise ValueError(
            "the audit is of too many repositories to hold their summaries. Audit fewer in a task, and map the clean-up "
            "over these audits, or give the summaries themselves."
        )
    return summaries
