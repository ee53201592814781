"""Find the files that a result points to. Any task may have pushed the result, so nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.core.xcom.approval import APPROVAL_SCHEMA
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.core.xcom.preview import SUMMARY_SCHEMA
from airflow_provider_ecr_preview.reports.layout import image_list_path
from airflow_provider_ecr_preview.reports.storage import slug

MAX_TABLES = 1_000
"""More than the result of an audit has room for."""


_OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


SUBJECT_COLUMNS = ("audit_id", "registry_id", "region_name", "repository_name")


class NoListError(LookupError):
    """Raised when a result points to no such file; its text says what to do."""


class DamagedResultError(ValueError):
    """Raised when a result names a schema of this package, but does not match it."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The result of this task is damaged: {field} is not what this package writes. Run the task again."
        )


class Repository(NamedTuple):
    """A repository of an audit; fields that are None do not matter.

    :param repository_name: its name.
    :param registry_id: the registry (account) it is in.
    :param region_name: the Region.
    """

    repository_name: str | None = None
    registry_id: str | None = None
    region_name: str | None = None

    def is_named_by(self, entry: Mapping[str, Any]) -> bool:
        """Return whether an entry of an audit is of this repository."""
        return all(wanted is None or entry.get(name) == wanted for name, wanted in self._asdict().items())


def images_uri_of(result: Any, repository: Repository) -> str:
    """Return where the image list is.

    :param result: ``return_value`` of a task.
    :param repository: which one, when that is an audit.
    :raises NoListError: if it is no result of ours, or has no such list.
    :raises DamagedResultError: if it is one by its schema alone.
    """
    schema = result.get("schema") if isinstance(result, Mapping) else None
    if schema == SUMMARY_SCHEMA:
        uris = {_text(result, "images_uri")}
    elif schema == AUDIT_SCHEMA:
        uris = set(_of_audit(result, repository))
    else:
        raise NoListError("The result of this task is neither a preview nor an audit.")
    found = [uri for uri in uris if uri is not None]
    if not found:
        raise NoListError(
            "There is no image list. Give the task a path to write it to: images_path, or reports_path of an audit."
        )
    if len(found) > 1:
        raise NoListError("Say which repository, with repository_name, registry_id and region_name.")
    return found[0]


def images_subject(result: Mapping[str, Any], repository: Repository) -> dict[str, str]:
    """Return what a list of images is of, by the names of CSV columns; empty text for what is not known.

    :param result: ``return_value`` of a task.
    :param repository: which one, when that is an audit.
    """
    named = {**result, **{name: value for name, value in repository._asdict().items() if value}}
    return {name: value if isinstance(value := named.get(name), str) else "" for name in SUBJECT_COLUMNS}


def listed_at(result: Mapping[str, Any], repository: Repository) -> datetime | None:
    """Return when the images of a list were listed (aware); None if the result does not say.

    :param result: ``return_value`` of a task.
    :param repository: which one, when that is an audit.
    """
    named = [entry for entry in _entries(result, "summaries") if repository.is_named_by(entry)]
    entry = named[0] if len(named) == 1 else result
    try:
        return _time_of(entry, "previewed_at" if "previewed_at" in entry else "audited_at")
    except DamagedResultError:
        return None


def table_uris_of(result: Any) -> list[str]:
    """Return where the tables of all repositories of an audit are, each once.

    :param result: ``return_value`` of a task.
    :raises NoListError: if it is no audit, or has no table.
    :raises DamagedResultError: if it is one by its schema alone.
    """
    if not isinstance(result, Mapping) or result.get("schema") != AUDIT_SCHEMA:
        raise NoListError("The result of this task is not an audit.")
    uris = result.get("table_uris") or []
    if not isinstance(uris, list) or len(uris) > MAX_TABLES or not all(isinstance(uri, str) for uri in uris):
        raise DamagedResultError("table_uris")
    if not (tables := [uri for uri in dict.fromkeys(uris) if uri.endswith(".csv")]):
        raise NoListError("There is no table of all repositories. Give the audit a reports_path to write it to.")
    return tables


def report_uri_of(result: Any) -> str:
    """Return where the readable report of an audit is, or the question of an approval.

    :param result: the result of a task, or the question of one that waits for an answer.
    :raises NoListError: if it is neither, or has no such file.
    :raises DamagedResultError: if it is one by its schema alone.
    """
    schema = result.get("schema") if isinstance(result, Mapping) else None
    if schema not in (AUDIT_SCHEMA, APPROVAL_SCHEMA):
        raise NoListError("The result of this task is neither an audit nor an approval.")
    uri = _text(result, "report_uri" if schema == AUDIT_SCHEMA else "question_uri")
    if uri:
        return uri
    if schema == AUDIT_SCHEMA:
        raise NoListError("There is no report. Give the audit a reports_path to write it to.")
    raise NoListError("The question is in no file. Give the approval a question_path to write it to.")


def _of_audit(audit: Mapping[str, Any], repository: Repository) -> Iterator[str | None]:
    entries = [*_entries(audit, "summaries"), *_entries(audit, "top")]
    named = [entry for entry in entries if repository.is_named_by(entry)]
    for entry in named:
        yield _text(entry, "images_uri")
    name, registry_id, region_name = repository
    report_uri = _text(audit, "report_uri")
    if not named and name and registry_id and region_name and report_uri:
        # An audit of many names but the first of them; its reports lie where the layout says.
        root = report_uri.rsplit("/", 3)[0]
        audit_id = _text(audit, "audit_id") or ""
        yield f"{root}/{image_list_path(registry_id, region_name, _day_of(audit), slug(audit_id), name)}"


def _entries(audit: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    entries = audit.get(field) or []
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        raise DamagedResultError(field)
    return entries


def _text(value: Mapping[str, Any], field: str) -> str | None:
    text = value.get(field)
    if text is not None and not isinstance(text, str):
        raise DamagedResultError(field)
    return text


def _day_of(audit: Mapping[str, Any]) -> date:
    return _time_of(audit, "audited_at").date()


def _time_of(entry: Mapping[str, Any], field: str) -> datetime:
    try:
        time = datetime.fromisoformat(entry[field]).astimezone(UTC)
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise DamagedResultError(field) from error
    if time < _OLDEST:
        raise DamagedResultError(field)
    return time
