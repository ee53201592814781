"""The link from our tasks to their tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from unittest import mock

import pytest

from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrMergeLifecycleAuditsOperator,
)
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import EcrSummarizeLifecyclePolicyPreviewOperator


@dataclass(frozen=True)
class Key:
    dag_id: str = "payments"
    run_id: str = "manual__2026-01-05T06:00:00+00:00"
    task_id: str = "group.preview"
    map_index: int | None = -1


@pytest.mark.parametrize(("map_index", "mapped"), [(-1, ""), (None, ""), (0, "/mapped/0"), (12, "/mapped/12")])
def test_a_task_is_linked_to_its_tab_below_whatever_path_airflow_has(map_index: int | None, mapped: str) -> None:
    assert tab_link(Key(map_index=map_index)) == (
        f"dags/payments/runs/manual__2026-01-05T06%3A00%3A00%2B00%3A00/tasks/group.preview{mapped}/plugin/ecr-preview"
    )


def test_no_part_of_the_link_leads_elsewhere() -> None:
    link = tab_link(Key(run_id="../../x?y#z"))
    assert link == "dags/payments/runs/..%2F..%2Fx%3Fy%23z/tasks/group.preview/plugin/ecr-preview"


def test_there_is_no_link_to_pages_that_are_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__ECR_PREVIEW__TABS", "False")
    assert not tab_link(Key())


@pytest.mark.parametrize(
    "operator",
    [
        EcrSummarizeLifecyclePolicyPreviewOperator,
        EcrAuditLifecyclePoliciesOperator,
        EcrMergeLifecycleAuditsOperator,
        EcrCompareLifecyclePoliciesOperator,
    ],
)
def test_every_task_that_the_tab_shows_leads_to_it(operator: Any) -> None:
    assert EcrPreviewTabLink in map(type, operator.operator_extra_links)


def tab_link(key: Key) -> str:
    return EcrPreviewTabLink().get_link(mock.Mock(), ti_key=cast("Any", key))
