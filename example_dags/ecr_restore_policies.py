"""Restore the lifecycle policies that repositories had before a run of `ecr_put_policy_approved` changed them.

This is a separate DAG, so that policies are only restored if a person triggers it: enter the id of the run, read the
result of the dry run, and trigger the DAG again with `dry_run` set to false.
"""

from __future__ import annotations

# [START howto_ecr_restore_policies]
from airflow.sdk import Param, dag

from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrRestoreLifecyclePolicyOperator


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    render_template_as_native_obj=True,
    params={
        "put_run_id": Param(
            None,
            type=["string", "null"],
            title="Run to undo",
            description="The id of the run, such as manual__2026-11-28T06:00:00+00:00.",
        ),
        "dry_run": Param(
            True, type="boolean", title="Dry run", description="Change nothing, and report what would change."
        ),
    },
)
def ecr_restore_policies() -> None:
    """Undo what one run of another DAG has done."""
    EcrRestoreLifecyclePolicyOperator(
        task_id="restore",
        applied="{{ ti.xcom_pull(dag_id='ecr_put_policy_approved', task_ids='put', run_id=params.put_run_id) }}",
        dry_run="{{ params.dry_run }}",
    )


ecr_restore_policies()
# [END howto_ecr_restore_policies]
