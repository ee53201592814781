from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ecr_preview.assets import audit_asset
from airflow_provider_ecr_preview.operators.ecr_audit import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit


def built(**arguments: Any) -> tuple[DAG, Any]:
    with DAG("weekly", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        merge = lifecycle_audit(**arguments)
    return dag, merge


def test_the_group_lists_audits_and_merges() -> None:
    dag, merge = built()
    assert set(dag.task_ids) == {"lifecycle_audit.list", "lifecycle_audit.audit", "lifecycle_audit.merge"}
    assert merge.upstream_task_ids == {"lifecycle_audit.audit"}
    assert dag.get_task("lifecycle_audit.audit").upstream_task_ids == {"lifecycle_audit.list"}
    assert merge.task_group.group_id == "lifecycle_audit"


def test_what_the_connection_needs_reaches_the_list_and_the_audits() -> None:
    aws = {"aws_conn_id": "other", "region_name": "eu-west-1", "verify": False, "botocore_config": {"read_timeout": 7}}
    dag, _ = built(registry_id="123456789012", include="a/*", exclude="a/b", tags={"team": "a"}, **aws)
    names: Any = dag.get_task("lifecycle_audit.list")
    audit: Any = dag.get_task("lifecycle_audit.audit")
    assert isinstance(names, EcrListRepositoriesOperator)
    assert {name: getattr(names, name) for name in aws} == aws
    assert {name: audit.partial_kwargs[name] for name in aws} == aws
    assert (names.include, names.exclude, names.tags) == ("a/*", "a/b", {"team": "a"})
    assert names.registry_id == audit.partial_kwargs["registry_id"] == "123456789012"


def test_each_batch_has_its_own_region_where_several_are_audited() -> None:
    dag, _ = built(region_names=["eu-west-1", "us-east-1"], region_name="us-west-2")
    assert "region_name" not in dag.get_task("lifecycle_audit.audit").partial_kwargs


def test_the_parameters_of_the_whole_audit_reach_the_merge_and_the_others_the_audits() -> None:
    asset = audit_asset("platform")
    dag, merge = built(
        fail_on=0.1, on_missing="warn", fail_on_alarm=True, outlets=[asset], deferrable=True, retries=3, audit_id="x"
    )
    partial = dag.get_task("lifecycle_audit.audit").partial_kwargs
    assert (merge.fail_on, merge.on_missing, merge.fail_on_alarm) == (0.1, "warn", True)
    assert list(merge.outlets) == [asset]
    assert (partial["deferrable"], partial["retries"], partial["fail_on"]) == (True, 3, "all")
    assert partial["audit_id"] == merge.audit_id == "x"


def test_two_groups_of_one_dag_are_two_audits() -> None:
    with DAG("weekly", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
        audits = {lifecycle_audit(group_id).audit_id for group_id in ("payments", "web")}
    assert len(audits) == 2


def test_an_argument_that_no_task_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="lifecycle_polices"):
        built(lifecycle_polices={})
