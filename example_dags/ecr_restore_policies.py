"""Restore the lifecycle policies that repositories had before `ecr_put_policy_approved` changed them.

This is a separate DAG, so that policies are only restored if a person triggers it. As the form opens, it reports what the
undoing of the last change of each repository would do, or skips if no policy was changed. Read that, and trigger the DAG
again with `dry_run` set to false.
"""

from __future__ import annotations

# [START howto_ecr_restore_policies]
import logging
from pathlib import Path
from tempfile import gettempdir

from airflow.sdk import ObjectStoragePath, Param, dag, task

from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrRestoreLifecyclePolicyOperator

log = logging.getLogger(__name__)

# As in ecr_put_policy_approved.
REPORTS = Path(gettempdir(), "ecr-policies").as_uri()


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
            examples=["manual__2026-11-28T06:00:00+00:00"],
            title="Run to undo",
            description="Optional. The id of a run of ecr_put_policy_approved, such as manual__2026-11-28T06:00:00+00:00. "
            "Leave it empty to undo the last change of each repository.",
        ),
        "reports_path": Param(
            REPORTS,
            type="string",
            examples=["s3://aws_default@my-reports/ecr"],
            title="Folder for reports",
            description="The folder for reports of ecr_put_policy_approved, which has the former policies.",
        ),
        "dry_run": Param(
            True,
            type="boolean",
            title="Dry run",
            description="Change nothing, and report what would change. Switch it off to restore the policies for good.",
        ),
    },
)
def ecr_restore_policies() -> None:
    """Undo what another DAG has done."""

    @task.short_circuit
    def change_to_undo(params: dict, ti: object) -> dict | str | None:
        """Return the result of the named run, otherwise the file of former policies; skip if there is no such file."""
        if run_id := params["put_run_id"]:
            applied = ti.xcom_pull(dag_id="ecr_put_policy_approved", task_ids="put", run_id=run_id)
            if applied is None:
                raise ValueError(
                    f"ecr_put_policy_approved has no run {run_id} that put a policy. Check the id of the run."
                )
            return applied
        former_policies = f"{params['reports_path']}/former_policies.jsonl.gz"
        if not ObjectStoragePath(former_policies).exists():
            log.info("There is nothing to restore: no policy was changed, or not with reports at %s.", former_policies)
            return None
        return former_policies

    EcrRestoreLifecyclePolicyOperator(task_id="restore", applied=change_to_undo(), dry_run="{{ params.dry_run }}")


ecr_restore_policies()
# [END howto_ecr_restore_policies]
