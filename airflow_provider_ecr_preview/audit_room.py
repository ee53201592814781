"""Fit an audit into XCom: what illustrates goes first, the top repositories last, and the sums always stay."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from airflow_provider_ecr_preview.bounded import cut
from airflow_provider_ecr_preview.xcom import (
    MAX_AUDIT_BYTES,
    MAX_EXAMPLES,
    MAX_LISTED,
    MAX_TOP_REPOSITORIES,
    AuditXCom,
    ChangesXCom,
)

MAX_MESSAGE_CHARACTERS = 300


class _Room(NamedTuple):
    """How much of each list is pushed."""

    top: int
    listed: int
    examples: int
    characters: int
    uris: bool


_ROOMS = (
    _Room(MAX_TOP_REPOSITORIES, MAX_LISTED, MAX_EXAMPLES, MAX_MESSAGE_CHARACTERS, uris=True),
    _Room(MAX_TOP_REPOSITORIES, MAX_LISTED, 1, 120, uris=True),
    _Room(MAX_TOP_REPOSITORIES, 20, 0, 120, uris=True),
    _Room(MAX_TOP_REPOSITORIES, 20, 0, 120, uris=False),
    _Room(MAX_TOP_REPOSITORIES, 5, 0, 80, uris=False),
    _Room(20, 5, 0, 80, uris=False),
    _Room(5, 1, 0, 40, uris=False),
    _Room(0, 0, 0, 0, uris=False),
)


def fitted(value: AuditXCom) -> AuditXCom:
    """Return an audit as it is if it fits, else without summaries and with lists that are cut until it does."""
    if json_size(value) <= MAX_AUDIT_BYTES:
        return value
    shorter = (_cut_to(room, value) for room in _ROOMS)
    return next((each for each in shorter if json_size(each) <= MAX_AUDIT_BYTES), _cut_to(_ROOMS[-1], value))


def json_size(value: Any) -> int:
    """Return the length of a value as the JSON that Airflow stores."""
    return len(json.dumps(value))


def _cut_to(room: _Room, value: AuditXCom) -> AuditXCom:
    changes = value["changes"]
    return {
        **value,
        "registries": value["registries"][: room.listed],
        "registries_left_out": value["registries_left_out"] + len(value["registries"][room.listed :]),
        "findings": [
            {**finding, "repositories": finding["repositories"][: room.examples]}
            for finding in value["findings"][: room.listed]
        ],
        "errors": dict(list(value["errors"].items())[: room.listed]),
        "failures": [
            {**failure, "message": cut(failure["message"], room.characters)}
            for failure in value["failures"][: room.listed]
        ],
        "without_policy": value["without_policy"][: room.listed],
        "top": [
            repository if room.uris else {**repository, "images_uri": None} for repository in value["top"][: room.top]
        ],
        "summaries": None,
        "changes": None if changes is None else _changes_cut_to(room, changes),
        "table_uris": value["table_uris"][: room.listed],
    }


def _changes_cut_to(room: _Room, changes: ChangesXCom) -> ChangesXCom:
    return {
        **changes,
        "baselines": changes["baselines"][: room.listed],
        "alarms": changes["alarms"][: room.listed],
        "top": changes["top"][: room.listed],
        "disappeared": changes["disappeared"][: room.listed],
        "notes": changes["notes"][: room.listed],
    }
