"""Audit a registry every week, and send each owner what their repositories cost and what they have to look at.

The owner of a repository is the value of a tag. An owner gets a message if the form, or the code below, has an address for
them. The message has their own report and a link to it in the Airflow UI. Nothing is changed.
"""

from __future__ import annotations

# [START howto_ecr_notify_owners]
from datetime import timedelta
from html import escape
from urllib.parse import quote

from airflow.sdk import ObjectStoragePath, Param, dag, get_current_context, task

from airflow_provider_ecr_preview.reports import read_owners
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit

MERGE = "lifecycle_audit.merge"
NO_OWNER = {"": "(untagged)", None: "(not known)"}  # in the address of the page


def send(to: str, subject: str, text: str) -> None:
    """Send a message by a notifier of Airflow; put the one of Slack, Teams or PagerDuty here."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier  # noqa: PLC0415  # only a message needs it

    notifier = SmtpNotifier(to=to, subject=subject, html_content=f"<pre>{escape(text)}</pre>")
    # Not on_success_callback: that would render what the tags hold as templates.
    notifier.notify(get_current_context())


@dag(
    schedule="@weekly",
    catchup=False,
    max_active_runs=1,
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "owner_tag": Param(
            "team",
            type="string",
            examples=["team", "owner", "cost-centre"],
            title="Owner tag",
            description="The key of the repository tag that names the owner.",
        ),
        "addresses": Param(
            None,
            type=["object", "null"],
            title="Addresses",
            description_md='Optional. The address of each owner, such as `{"payments": "payments@example.com", "*": '
            '"platform@example.com"}`; `*` is for all others, and for repositories without the tag.',
        ),
        "reports_path": Param(
            None,
            type=["string", "null"],
            title="Folder for reports",
            examples=["s3://aws_default@my-reports/ecr", "file:///opt/airflow/reports"],
            description_md="Where to write the report of each owner: `s3://aws_default@my-reports/ecr` or `file:///opt/airflow/reports`. "
            "No messages are sent without it.",
        ),
    },
)
def ecr_notify_owners() -> None:
    """Notify owners."""
    audit = lifecycle_audit(
        measure_storage=True,
        owner_tag="{{ params.owner_tag }}",
        reports_path="{{ params.reports_path or '' }}",
        fail_on=0.05,
        deferrable=True,
        retries=2,
        retry_delay=timedelta(seconds=10),
        poll_interval=2,
    )

    @task
    def messages(audit: dict, params: dict) -> list[dict[str, str]]:
        """Return a message for each owner that has an address and something to look at."""
        from airflow.configuration import conf  # noqa: PLC0415  # only a run needs it

        addresses = params["addresses"] or {}
        owners = read_owners(audit["owners_uri"]) if "owners_uri" in audit else []
        run_id = get_current_context()["run_id"]
        airflow = conf.get("api", "base_url", fallback="").rstrip("/")
        page = f"{airflow}/dags/ecr_notify_owners/runs/{quote(run_id)}/tasks/{MERGE}"
        return [
            {
                "to": address,
                "subject": f"ECR: ${owner['monthly_cost_usd']:,.2f} a month, {owner['critical_finding_count']} critical",
                "report": owner["report_uri"],
                "link": f"{page}/plugin/ecr-preview?owner={quote(owner['owner'] or NO_OWNER[owner['owner']], safe='')}",
            }
            for owner in owners
            if owner.get("report_uri") and (address := addresses.get(owner["owner"]) or addresses.get("*"))
        ]

    @task(retries=2)
    def notify(message: dict) -> None:
        """Send one message."""
        report = ObjectStoragePath(message["report"]).read_text(encoding="utf-8")
        send(message["to"], message["subject"], f"{message['link']}\n\n{report}")

    notify.expand(message=messages(audit.output))


ecr_notify_owners()
# [END howto_ecr_notify_owners]
