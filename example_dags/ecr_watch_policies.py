"""Audit a repository minutes after somebody changed its lifecycle policy, and offer to restore the former policy.

EventBridge sends the changes to an SQS queue. The report names who changed the policy and fails if a finding is critical.
If Git or the last audit has the former policy, a person is asked whether to restore it. Nothing is changed without an
approval, and `dry_run` has to be false in the form, or below.
"""

from __future__ import annotations

# [START howto_ecr_watch_policies]
from datetime import timedelta

from airflow.sdk import Asset, AssetWatcher, Param, dag, task

from airflow_provider_ecr_preview.operators.ecr_approval import EcrApproveCleanupOperator
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrPutLifecyclePolicyOperator
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from airflow_provider_ecr_preview.operators.ecr_watch import EcrReadPolicyEventsOperator, EcrReportPolicyEventsOperator
from airflow_provider_ecr_preview.triggers.policy_events import EcrLifecyclePolicyEventTrigger

REGION = "us-east-1"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/ecr-policy-changes"

policy_changes = Asset(
    "ecr_lifecycle_policy_changes",
    watchers=[
        AssetWatcher(name="sqs", trigger=EcrLifecyclePolicyEventTrigger(queue_url=QUEUE_URL, region_name=REGION))
    ],
)


@dag(
    schedule=[policy_changes],
    catchup=False,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    render_template_as_native_obj=True,
    params={
        "expected_policies": Param(
            None,
            type=["string", "null"],
            examples=["/opt/airflow/dags/policies", "/opt/airflow/dags/policies/payments.json"],
            title="Policies in Git",
            description="A folder or a file on the worker; none if empty.",
        ),
        "reports_path": Param(
            None,
            type=["string", "null"],
            examples=["s3://aws_default@my-reports/ecr", "file:///opt/airflow/reports"],
            title="Folder of reports",
            description_md="Where the weekly audit writes: `s3://aws_default@my-reports/ecr`; none if empty.",
        ),
        "dry_run": Param(True, type="boolean", title="Dry run", description="Restore nothing, even when approved."),
    },
)
def ecr_watch_policies() -> None:
    """Audit what changed."""
    changes = EcrReadPolicyEventsOperator(
        task_id="changes",
        region_name=REGION,
        expected_policies="{{ params.expected_policies }}",
        reports_path="{{ params.reports_path }}",
    )
    in_use = EcrCollectImagesInUseOperator(task_id="in_use", sources=["ecs", "lambda"], region_names=[REGION])
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names="{{ ti.xcom_pull(task_ids='changes')['repository_names'] }}",
        region_name=REGION,
        in_use=in_use.output,
        fail_on="none",  # a repository that cannot be previewed is an alarm of the report
        on_no_repositories="warn",  # there may be no change to look at
    )
    changes >> audit
    # A critical finding fails this task: notify someone with on_failure_callback.
    EcrReportPolicyEventsOperator(
        task_id="report", changes=changes.output, audit=audit.output, alarm_severity="critical", fail_on_alarm=True
    )

    @task.short_circuit
    def is_former_policy_known(events: dict) -> bool:
        """Skip the tasks below if neither Git nor an audit has a former policy."""
        return bool(events["former_policies"])

    former_policies = "{{ ti.xcom_pull(task_ids='changes')['former_policies'] }}"
    preview_former = EcrAuditLifecyclePoliciesOperator(
        task_id="preview_former",
        repository_names="{{ ti.xcom_pull(task_ids='changes')['former_policies'] | list }}",
        lifecycle_policies=former_policies,
        region_name=REGION,
        in_use=in_use.output,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
    )
    plan = EcrPutLifecyclePolicyOperator(
        task_id="plan",
        summary=preview_former.output,
        lifecycle_policies=former_policies,
        in_use=in_use.output,
        dry_run=True,
    )
    approve = EcrApproveCleanupOperator(
        task_id="approve",
        summary=preview_former.output,
        action="put",
        dry_run_result=plan.output,
        dry_run="{{ params.dry_run }}",
        response_timeout=timedelta(hours=12),
    )
    in_use_now = EcrCollectImagesInUseOperator(task_id="in_use_now", sources=["ecs", "lambda"], region_names=[REGION])
    restore = EcrPutLifecyclePolicyOperator(
        task_id="restore",
        summary=preview_former.output,
        lifecycle_policies=former_policies,
        approved=approve.output,
        in_use=in_use_now.output,
        dry_run="{{ params.dry_run }}",
    )
    is_former_policy_known(changes.output) >> preview_former
    approve >> in_use_now >> restore


ecr_watch_policies()
# [END howto_ecr_watch_policies]
