"""Which image list a result points to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.report_layout import image_list_path
from airflow_provider_ecr_preview.storage import slug
from airflow_provider_ecr_preview.xcom import AUDIT_SCHEMA, SUMMARY_SCHEMA


class NoImageListError(LookupError):
    """Raised when a result points to no image list; its text says what to do."""


class Repository(NamedTuple):
    """Which repository of an audit; what is None does not matter.

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
    :raises NoImageListError: if it is no result of ours, or has no such list.
    """
    schema = result.get("schema") if isinstance(result, Mapping) else None
    if schema == SUMMARY_SCHEMA:
        found = {result.get("images_uri")}
    elif schema == AUDIT_SCHEMA:
        found = set(_of_audit(result, repository))
    else:
        raise NoImageListError("The result of this task is neither a preview nor an audit.")
    uris = {uri for uri in found if isinstance(uri, str)}
    if not uris:
        raise NoImageListError(
            "There is no image list. Give the task a path to write it to: images_path, or reports_path of an audit."
        )
    if len(uris) > 1:
        raise NoImageListError("Say which repository, with repository_name, registry_id and region_name.")
    return uris.pop()


def _of_audit(audit: Mapping[str, Any], repository: Repository) -> Iterator[Any]:
    entries = [*(audit.get("summaries") or ()), *(audit.get("top") or ())]
    named = [entry for entry in entries if repository.is_named_by(entry)]
    for entry in named:
        yield entry.get("images_uri")
    name, registry_id, region_name = repository
    if not named and name and registry_id and region_name and audit.get("report_uri"):
        # An audit of many names but the first of them; its reports lie where the layout says.
        root = audit["report_uri"].rsplit("/", 3)[0]
        day = datetime.fromisoformat(audit["audited_at"]).astimezone(UTC).date()
        yield f"{root}/{image_list_path(registry_id, region_name, day, slug(audit['audit_id']), name)}"
