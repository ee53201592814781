from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    with pytest.raises(TypeError, match=r"no argument 'lifecycle_polices'. Did you mean lifecycle_policies\?"):
        built(lifecycle_polices={})
    with pytest.raises(TypeError, match=r"no argument 'inclde'. Did you mean include\?"):
        built(inclde="a/*")


OF_EVERY_OPERATOR: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(minutes=2),
    "pool": "ecr",
    "pool_slots": 2,
    "queue": "ecr",
    "executor": "ecr",
    "executor_config": {"a": 1},
    "owner": "platform",
    "priority_weight": 7,
    "execution_timeout": timedelta(hours=1),
    "on_failure_callback": print,
    "on_success_callback": print,
    "on_retry_callback": print,
    "depends_on_past": True,
    "doc_md": "What it audits.",
    "params": {"a": 1},
}


def value_of(task: Any, name: str) -> Any:
    value = task.partial_kwargs[name] if hasattr(task, "partial_kwargs") and name != "params" else getattr(task, name)
    value = value[0] if isinstance(value, list) else value  # of a callback
    return dict(value) if name == "params" else value


@pytest.mark.parametrize("name", OF_EVERY_OPERATOR)
def test_an_argument_of_every_operator_reaches_all_tasks_and_can_be_set_for_each(name: str) -> None:
    value = OF_EVERY_OPERATOR[name]
    dag, _ = built(**{name: value})
    assert [value_of(dag.get_task(f"lifecycle_audit.{task}"), name) for task in ("list", "audit", "merge")] == [
        value
    ] * 3


def test_an_argument_of_one_task_wins() -> None:
    dag, merge = built(
        retries=3,
        list_kwargs={"retries": 1, "max_workers": 2},
        merge_kwargs={"retries": 0},
        audit_kwargs={"max_workers": 4},
    )
    names: Any = dag.get_task("lifecycle_audit.list")
    audit: Any = dag.get_task("lifecycle_audit.audit")
    assert (names.retries, audit.partial_kwargs["retries"], merge.retries) == (1, 3, 0)
    assert (names.max_workers, audit.partial_kwargs["max_workers"]) == (2, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trigger_rule": "all_done"}, "Set trigger_rule for one task: in list_kwargs"),
        ({"task_id": "a"}, "sets 'task_id' itself"),
        ({"do_xcom_push": False}, "sets 'do_xcom_push' itself"),
        ({"merge_kwargs": {"task_id": "a"}}, "sets 'task_id' itself"),
        ({"merge_kwargs": {"audits": []}}, "merge_kwargs cannot set 'audits', which links the tasks"),
        ({"merge_kwargs": {"retires": 1}}, "retires"),
        ({"audit_kwargs": {"retires": 1}}, "retires"),
        ({"list_kwargs": {"retires": 1}}, "retires"),
    ],
)
def test_an_argument_that_would_break_the_group_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        built(**arguments)


def test_a_batch_size_of_none_is_the_default_and_not_a_task_for_every_repository() -> None:
    dag, _ = built(batch_size=None)
    names: Any = dag.get_task("lifecycle_audit.list")
    assert names.batch_size == 500
