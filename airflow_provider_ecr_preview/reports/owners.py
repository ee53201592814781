"""The reports of the owners: a page for each of them, and a file that lists all."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.owner_rows import OwnersOfRows
from airflow_provider_ecr_preview.core.xcom.storage import OWNERS_SCHEMA, OwnerCounts, OwnersFile
from airflow_provider_ecr_preview.display.owner_report import owner_markdown
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.layout import OWNERS, site_of
from airflow_provider_ecr_preview.reports.storage import files_under, remove_files, slug, write_whole

MAX_OWNER_REPORTS = 2_000
"""How many owners get a report; a tag that has another value for each repository names no owners."""


INDEX = "owners.json"


_MAX_INDEX_BYTES = 64 * 1024 * 1024


log = logging.getLogger(__name__)


def write_owner_reports(
    root: ObjectStoragePath, audit_id: str, audited_at: datetime, table_uris: Iterable[str]
) -> tuple[str, list[OwnerCounts]]:
    """Write a report for each owner, and the file that lists them; return where it is, and every owner.

    :param root: folder of the reports.
    :param audit_id: the audit.
    :param audited_at: when it started (aware).
    :param table_uris: the tables of all parts of the audit; those that are not CSV are ignored.
    """
    owners = OwnersOfRows()
    for uri in table_uris:
        if uri.endswith(".csv"):
            for row in csv_rows(ObjectStoragePath(uri)):
                owners.add(row, *site_of(uri))
    audited_at = audited_at.astimezone(UTC)
    folder = root / OWNERS / f"audit_date={audited_at.date().isoformat()}" / slug(audit_id)
    counts = owners.counts()
    for number, owner in enumerate(counts):
        if number == MAX_OWNER_REPORTS:
            log.warning(
                "%d owners have no report of their own: more than %d differ. Check that owner_tag names owners.",
                len(counts) - MAX_OWNER_REPORTS,
                MAX_OWNER_REPORTS,
            )
            break
        page = folder / f"{_file_name(owner['owner'])}.md"
        text = owner_markdown(
            owner, [*owners.repositories_of(owner["owner"])], audit_id=audit_id, audited_at=audited_at
        )
        write_whole(page, text.encode())
        owner["report_uri"] = str(page)
    index = folder / INDEX
    listed = OwnersFile(schema=OWNERS_SCHEMA, audit_id=audit_id, audited_at=audited_at.isoformat(), owners=counts)
    write_whole(index, json.dumps(listed).encode())
    _remove_others(folder, {str(index), *(owner["report_uri"] or "" for owner in counts if "report_uri" in owner)})
    return str(index), counts


def read_owners(owners_uri: str) -> list[OwnerCounts]:
    """Return every owner of an audit, those with the highest cost first, each with the address of its report.

    :param owners_uri: ``owners_uri`` of the audit.
    :raises ValueError: if the file is not one that an audit wrote.
    """
    path = ObjectStoragePath(owners_uri)
    with path.open("rb") as file:
        content = file.read(_MAX_INDEX_BYTES)
    try:
        listed = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{owners_uri} does not list owners: {error}") from error
    if not isinstance(listed, dict) or listed.get("schema") != OWNERS_SCHEMA:
        raise ValueError(f"{owners_uri} does not list owners (schema {OWNERS_SCHEMA}). Use owners_uri of an audit.")
    owners: list[OwnerCounts] = listed["owners"]
    return owners


def _file_name(owner: str | None) -> str:
    """Return a name that is safe for any value of a tag; no value of a tag gives the two fixed names."""
    if owner is None:
        return "not-known"
    return slug(owner) if owner else "untagged"


def _remove_others(folder: ObjectStoragePath, written: set[str]) -> None:
    """Remove the reports that an earlier attempt wrote for owners that are gone."""
    remove_files([file for file in files_under(folder) if file.suffix == ".md" and str(file) not in written])
