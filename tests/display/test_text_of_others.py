"""Whatever stands in a result, its table has no control character and no line of its own making, and hides secrets."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from airflow_provider_ecr_preview.core.exceptions import (
    AccessDeniedError,
    CleanupBlockedError,
    EcrPreviewError,
    InvalidLifecyclePolicyError,
)
from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.repository import RepositoryId, repository_label
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import ImageCleanupXCom
from airflow_provider_ecr_preview.core.xcom.comparison import ComparisonXCom
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.core.xcom.reconciliation import ReconciliationXCom
from airflow_provider_ecr_preview.core.xcom.rollout import PolicyChangeXCom
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.cleanup import cleanup_table
from airflow_provider_ecr_preview.display.comparison import comparison_table
from airflow_provider_ecr_preview.display.preview import summary_table
from airflow_provider_ecr_preview.display.reconciliation import reconciliation_table
from airflow_provider_ecr_preview.display.rollout import policy_change_table
from airflow_provider_ecr_preview.display.text import render

HOSTILE = "x\nFORGED\r\x1b[31m\u202e\u200b\u2028FORGED https://user:secret@host/ [bold]y"


def of_type(kind: Any) -> Any:
    """Return a value of the type in which every text is hostile, every list has an entry, and nothing is left out."""
    origin, arguments = get_origin(kind), get_args(kind)
    if is_typeddict(kind):
        return {name: of_type(hint) for name, hint in get_type_hints(kind).items()}
    if origin in (Union, UnionType):
        return of_type(next(argument for argument in arguments if argument is not NoneType))
    if origin is list:
        return [of_type(arguments[0]), of_type(arguments[0])]
    if origin is dict:
        return {of_type(arguments[0]): of_type(arguments[1])}
    if origin is Literal:
        return arguments[0]
    return {str: HOSTILE, int: 7, float: 7.5, bool: False, Any: HOSTILE}[kind]


RESULTS: list[tuple[Callable[[Any], Any], Any, dict[str, Any]]] = [
    (summary_table, PreviewSummaryXCom, {}),
    (audit_table, AuditXCom, {"audited_at": "2026-01-01T00:00:00+00:00"}),
    (comparison_table, ComparisonXCom, {}),
    (cleanup_table, ImageCleanupXCom, {"action": "delete"}),
    (policy_change_table, PolicyChangeXCom, {}),
    (reconciliation_table, ReconciliationXCom, {}),
]


@pytest.mark.parametrize(("table", "kind", "fields"), RESULTS, ids=[table.__name__ for table, *_ in RESULTS])
def test_a_table_shows_others_text_as_text(table: Callable[[Any], Any], kind: Any, fields: dict[str, Any]) -> None:
    text = render(table({**of_type(kind), **fields}), width=100_000)
    for line in text.split("\n"):
        assert line.isprintable(), line
        assert not line.lstrip().startswith("FORGED")
    assert "FORGED" in text
    assert "secret" not in text
    assert "[bold]" in text


ERRORS: list[EcrPreviewError] = [
    CleanupBlockedError(HOSTILE),
    AccessDeniedError(HOSTILE, repository_name=HOSTILE, registry_id=HOSTILE, region_name=HOSTILE),
    InvalidLifecyclePolicyError([PolicyFinding.error("code", 1, HOSTILE, HOSTILE)] * 2, HOSTILE),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_shows_others_text_as_text(error: EcrPreviewError) -> None:
    lines = str(error).split("\n")
    assert all(line.isprintable() for line in lines)
    assert all(line.startswith("  - ") for line in lines[1:])
    assert "secret" not in str(error)
    assert "user:***@host" in str(error)


def test_a_place_is_on_one_line() -> None:
    for place in (repository_label(HOSTILE, HOSTILE, HOSTILE), str(RepositoryId(HOSTILE, HOSTILE, HOSTILE))):
        assert place.isprintable()
