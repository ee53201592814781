"""Audit a registry every week: which images its lifecycle policies, or a candidate policy, would delete.

Trigger it manually to choose repositories, Regions and a candidate policy in a form.
"""

from __future__ import annotations

# [START howto_ecr_audit_registry]
import logging
from datetime import timedelta

from airflow.sdk import Param, dag, task

from airflow_provider_ecr_preview.assets import audit_asset
from airflow_provider_ecr_preview.notifications.ecr_result import EcrResultNotifier, Message
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit

REGIONS = ["us-east-1", "eu-west-1"]


def send(message: Message) -> None:
    """Write the message to the log of the task; to send it, use a notifier of Airflow in place of this function."""
    logging.getLogger(__name__).info("%s\n%s", message.subject, message.plain)


notify = EcrResultNotifier(send)  # such as EcrResultNotifier(SlackNotifier(channel="#ecr"))


@dag(
    schedule="@weekly",
    catchup=False,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "include": Param(
            "*",
            type="string",
            examples=["*", "payments/*"],
            title="Repositories",
            description="Name globs, separated by commas, such as payments/*, web/*.",
        ),
        "exclude": Param(
            None,
            type=["null", "string"],
            examples=["*/sandbox", "tools/*"],
            title="Exclude",
            description="Optional. Name globs of repositories to leave out, separated by commas.",
        ),
        "region_names": Param(
            REGIONS,
            type="array",
            items={"type": "string"},
            title="Regions",
            description="AWS Regions whose repositories are audited, one a line.",
        ),
        "lifecycle_policy": Param(
            None,
            type=["object", "null"],
            title="Candidate policy",
            description_md="Optional. The lifecycle policy to preview for all repositories, as JSON. Leave it empty to preview "
            "the applied policies.",
        ),
        "reports_path": Param(
            None,
            type=["string", "null"],
            title="Folder for reports",
            examples=["s3://aws_default@my-reports/ecr"],
            description_md="Optional. Where to write reports and image lists: `s3://aws_default@my-reports/ecr` or "
            "`file:///opt/airflow/reports`.",
        ),
    },
)
def ecr_audit_registry() -> None:
    """Audit a registry."""
    audit = lifecycle_audit(
        include="{{ params.include }}",
        exclude="{{ params.exclude or '' }}",
        region_names="{{ params.region_names | join(',') }}",
        lifecycle_policy_text="{{ params.lifecycle_policy | tojson if params.lifecycle_policy else '' }}",
        reports_path="{{ params.reports_path or '' }}",
        measure_storage=True,
        owner_tag="team",
        # The findings that your team accepts until a day, as a Variable.
        acknowledged_findings="{{ var.value.get('ecr_accepted_findings', '[]') }}",
        fail_on=0.05,
        deferrable=True,
        poll_interval=2,
        retries=2,
        retry_delay=timedelta(seconds=10),
        outlets=[audit_asset("registry")],
        merge_kwargs={"on_success_callback": notify, "on_failure_callback": notify},
    )

    @task
    def look_at(audit: dict) -> list[str]:
        """Return the repositories that have findings, for a person to look at."""
        return [repository["repository_name"] for repository in audit["top"] if repository["findings"]]

    look_at(audit.output)


ecr_audit_registry()
# [END howto_ecr_audit_registry]
