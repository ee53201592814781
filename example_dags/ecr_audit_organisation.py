"""Audit the registries of several accounts and Regions, each with its own connection, as one audit."""

from __future__ import annotations

# [START howto_ecr_audit_organisation]
from datetime import timedelta

from airflow.sdk import Param, dag, task, task_group

from airflow_provider_ecr_preview.operators.ecr_audit import (
    EcrAuditLifecyclePoliciesOperator,
    EcrListRepositoriesOperator,
    EcrMergeLifecycleAuditsOperator,
)

SITES = [
    {"aws_conn_id": "aws_default", "region_name": "us-east-1"},
    {"aws_conn_id": "aws_default", "region_name": "eu-west-1"},
]


@dag(
    schedule="@weekly",
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "sites": Param(
            SITES,
            type="array",
            items={"type": "object", "required": ["aws_conn_id", "region_name"]},
            title="Accounts and Regions",
            description_md="An Airflow connection and a Region for each, such as "
            '`{"aws_conn_id": "aws_payments", "region_name": "eu-west-1"}`. Each account has a connection of its own, '
            "usually one that assumes a role there.",
        )
    },
)
def ecr_audit_organisation() -> None:
    """Audit an organisation."""

    @task
    def sites(params: dict) -> list[dict[str, str]]:
        return params["sites"]

    @task_group
    def site(aws_conn_id: str, region_name: str) -> object:
        names = EcrListRepositoriesOperator(task_id="list", aws_conn_id=aws_conn_id, region_name=region_name)
        audit = EcrAuditLifecyclePoliciesOperator(
            task_id="audit",
            repository_names=names.output,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            measure_storage=True,
            owner_tag="team",
            fail_on="all",
            on_no_repositories="warn",  # an account may have none; if all accounts have none, the merge fails
            deferrable=True,
            retries=2,
            retry_delay=timedelta(seconds=10),
            poll_interval=2,
            map_index_template="{{ task.aws_conn_id }} {{ task.region_name }}",
        )
        return audit.output

    EcrMergeLifecycleAuditsOperator(task_id="merge", audits=site.expand_kwargs(sites()), fail_on=0.05)


ecr_audit_organisation()
# [END howto_ecr_audit_organisation]
