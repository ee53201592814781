from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr


@pytest.mark.parametrize(
    ("dag_id", "expected"),
    [
        (
            "ecr_preview_single",
            {
                "start[-1]": "success",
                "wait[-1]": "success",
                "summarize[-1]": "success",
                "anything_to_look_at[-1]": "success",
                "list_digests[-1]": "success",
                "nothing_to_do[-1]": "skipped",
            },
        ),
        (
            "ecr_preview_deferrable",
            {"start[-1]": "success", "wait[-1]": "success", "summarize[-1]": "success"},
        ),
        (
            "ecr_preview_mapped",
            {
                "repositories[-1]": "success",
                "preview.start[0]": "success",
                "preview.start[1]": "success",
                "preview.start[2]": "success",
                "preview.summarize[0]": "success",
                "preview.summarize[1]": "success",
                "preview.summarize[2]": "success",
                "total[-1]": "success",
            },
        ),
    ],
)
def test_the_example_runs_with_its_form_untouched_in_airflow_against_the_registry_of_make_ui(
    team_ecr: LocalEcr,
    run_dag: Callable[..., dict[str, Any]],
    untouched_form: Callable[[str], dict[str, Any]],
    dag_id: str,
    expected: dict[str, str],
) -> None:
    result = run_dag(dag_id, untouched_form(dag_id))
    assert (result["state"], result["tasks"]) == ("success", expected), result["log"][-3000:]
