"""Airflow assets for audits, so that other DAGs can be scheduled by their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from airflow_provider_ecr_preview.core.audit.marker import marker

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom


SCHEME = "x-ecr-preview"
"""Airflow does not interpret schemes that begin with ``x-``."""


GROUP = "ecr-preview"
"""The group of these assets, by which the plugin finds them; ``ASSET_GROUP`` of the settings is the same."""


def audit_asset(name: str) -> Asset:
    """Return the asset that stands for the audits of a registry.

    Give it to the last task of an audit as an outlet; each of its events has the counts of the audit in ``extra``:

    .. code-block:: python

        EcrMergeLifecycleAuditsOperator(task_id="merge", audits=audit.output, outlets=[audit_asset("platform")])


        @dag(schedule=[audit_asset("platform")])
        def clean_up(): ...  # triggering_asset_events: extra["expiring_image_count"], extra["report_uri"], ...

    :param name: name of the registry, or of the part of it that is audited.
    """
    return Asset(name=f"ecr-preview {name}", uri=f"{SCHEME}://audit/{name}", group=GROUP)


def announce(context: Context, audit: AuditXCom) -> None:
    """Add the counts of an audit to the event of each asset that the task has as an outlet.

    :param context: the task's context.
    :param audit: the audit.
    """
    extra = audit_extra(audit)
    for outlet in getattr(context["ti"].task, "outlets", []):
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)


def audit_extra(audit: AuditXCom) -> dict[str, Any]:
    """Return the ``extra`` of an asset event: the counts of the audit, and where its reports are.

    :param audit: the audit.
    """
    return {**marker(audit)["counts"], "report_uri": audit["report_uri"], "table_uris": audit["table_uris"][:10]}
