"""Fit an audit into XCom: drop examples first and the top repositories last, and always keep the sums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from airflow_provider_ecr_preview.core.audit.repositories import lists_all
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.values import cut, fitted, json_size
from airflow_provider_ecr_preview.core.xcom.audit import (
    MAX_AUDIT_BYTES,
    MAX_EXAMPLES,
    MAX_LISTED,
    MAX_MESSAGE_CHARACTERS,
    MAX_TOP_REPOSITORIES,
    AuditXCom,
    ChangesXCom,
)
from airflow_provider_ecr_preview.core.xcom.storage import MAX_OWNERS


class _Limits(NamedTuple):
    """The maximum length of each list."""

    top: int
    listed: int
    examples: int
    characters: int
    uris: bool
    names: bool = False
    owners: int = MAX_OWNERS


_LIMITS = (
    _Limits(MAX_TOP_REPOSITORIES, MAX_LISTED, MAX_EXAMPLES, MAX_MESSAGE_CHARACTERS, uris=True, names=True),
    _Limits(MAX_TOP_REPOSITORIES, MAX_LISTED, 1, 120, uris=True, names=True),
    _Limits(MAX_TOP_REPOSITORIES, 20, 0, 120, uris=True, names=True),
    _Limits(MAX_TOP_REPOSITORIES, 20, 0, 120, uris=True),
    _Limits(MAX_TOP_REPOSITORIES, 20, 0, 120, uris=False),
    _Limits(MAX_TOP_REPOSITORIES, 5, 0, 80, uris=False),
    _Limits(20, 5, 0, 80, uris=False),
    _Limits(20, 5, 0, 80, uris=False, owners=20),
    _Limits(5, 1, 0, 40, uris=False, owners=20),
    _Limits(0, 0, 0, 0, uris=False, owners=0),
)


def audit_xcom(
    audit: Audit,
    *,
    changes: ChangesXCom | None = None,
    report_uri: str | None = None,
    table_uris: Iterable[str] = (),
) -> AuditXCom:
    """Return an audit under the XCom contract, in at most 48 KiB.

    :param audit: the audit.
    :param changes: the changes since the last audit.
    :param report_uri: the file with the readable report.
    :param table_uris: the files with a row for every repository.
    """
    value = audit.as_dict(changes=changes, report_uri=report_uri, table_uris=table_uris)
    if json_size(value) <= MAX_AUDIT_BYTES and lists_all(value):
        return value
    if (packed := audit.repositories.packed()) is not None:
        value["packed_repositories"] = packed
    return fitted_audit(value)


def fitted_audit(value: AuditXCom) -> AuditXCom:
    """Return an audit unchanged if it fits, otherwise without summaries and with its lists cut to fit."""
    if json_size(value) <= MAX_AUDIT_BYTES:
        return value
    return fitted(value, MAX_AUDIT_BYTES, _LIMITS, _cut_to)


def _cut_to(value: AuditXCom, limits: _Limits) -> AuditXCom:
    changes = value["changes"]
    cut_value: AuditXCom = {
        **value,
        "registries": value["registries"][: limits.listed],
        "registries_left_out": value["registries_left_out"] + len(value["registries"][limits.listed :]),
        "findings": [
            {**finding, "repositories": finding["repositories"][: limits.examples]}
            for finding in value["findings"][: limits.listed]
        ],
        "errors": dict(list(value["errors"].items())[: limits.listed]),
        "failures": [
            {**failure, "message": cut(failure["message"], limits.characters)}
            for failure in value["failures"][: limits.listed]
        ],
        "without_policy": value["without_policy"][: limits.listed],
        "top": [
            repository if limits.uris else {**repository, "images_uri": None}
            for repository in value["top"][: limits.top]
        ],
        "summaries": None,
        "changes": None if changes is None else _changes_cut_to(changes, limits),
        "table_uris": value["table_uris"][: limits.listed],
    }
    if not limits.names:
        cut_value.pop("packed_repositories", None)
    if "registry_notes" in value:
        cut_value["registry_notes"] = value["registry_notes"][: limits.listed]
    if "wasteful" in value:
        cut_value["wasteful"] = value["wasteful"][: limits.top]
    if "owners" in value:
        left_out = len(value["owners"][limits.owners :])
        cut_value["owners"] = [
            counts if limits.uris else {**counts, "report_uri": None} for counts in value["owners"][: limits.owners]
        ]
        cut_value["owners_left_out"] = value.get("owners_left_out", 0) + left_out
    if "acknowledgements" in value:
        entries = value["acknowledgements"]
        cut_value["acknowledgements"] = [
            {**entry, "repository_names": entry["repository_names"][: limits.examples]}
            for entry in entries[: limits.listed]
        ]
        left_out = value.get("acknowledgements_left_out", 0) + len(entries[limits.listed :])
        cut_value["acknowledgements_left_out"] = left_out
    if "policies" in value and not limits.uris:
        cut_value["policies"] = {**value["policies"], "lifecycle_policy_text": None}
    return cut_value


def _changes_cut_to(changes: ChangesXCom, limits: _Limits) -> ChangesXCom:
    return {
        **changes,
        "baselines": changes["baselines"][: limits.listed],
        "alarms": changes["alarms"][: limits.listed],
        "top": changes["top"][: limits.listed],
        "appeared": changes.get("appeared", [])[: limits.listed],
        "disappeared": changes["disappeared"][: limits.listed],
        "notes": changes["notes"][: limits.listed],
    }
