"""How long a task waits for the end of an outage is a parameter of every operator that needs ECR to answer."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_recommend import EcrRecommendLifecyclePolicyOperator
from airflow_provider_ecr_preview.operators.ecr_repositories import EcrListRepositoriesOperator
from tests.support.policies import keep

OPERATORS: dict[Any, dict[str, Any]] = {
    EcrListRepositoriesOperator: {},
    EcrRecommendLifecyclePolicyOperator: {"repository_names": ["a"]},
    EcrCompareLifecyclePoliciesOperator: {"repository_names": ["a"], "lifecycle_policy_text": keep(1)},
    EcrDeletePreviewedImagesOperator: {"summary": []},
    EcrPutLifecyclePolicyOperator: {"summary": []},
    EcrRestoreLifecyclePolicyOperator: {"applied": {}},
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(("given", "seconds"), [({}, 600.0), ({"outage_timeout": "PT30S"}, 30.0)])
def test_every_hook_of_an_operator_gets_it(operator: Any, given: dict[str, Any], seconds: float) -> None:
    task = operator(task_id="task", aws_conn_id=None, region_name="us-east-1", **OPERATORS[operator], **given)
    assert "outage_timeout" in task.template_fields
    assert task.hook.outage_timeout == seconds
    if hasattr(task, "_hook_of"):
        assert task._hook_of("eu-west-1").outage_timeout == seconds
