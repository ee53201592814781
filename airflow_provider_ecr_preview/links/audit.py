"""Links to the reports of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

from airflow_provider_ecr_preview.aws.partitions import console_host, partition_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class EcrAuditReportLink(BaseOperatorLink):
    """Link to the report of an audit, if it is on S3 or on a web server."""

    name = "Audit Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the address of the report; an empty text if there is no report, or if a browser cannot open it.

        :param operator: the task.
        :param ti_key: the task instance.
        """
        audit = XCom.get_value(key="return_value", ti_key=ti_key)
        if not isinstance(audit, dict):
            return ""
        regions = [registry["region_name"] for registry in audit.get("registries") or []]
        return report_url(audit.get("report_uri"), partition_of(regions[0]) if regions else "aws")


def report_url(report_uri: str | None, partition: str | None = "aws") -> str:
    """Return the address of a report for a browser, or an empty text.

    :param report_uri: where the report was written.
    :param partition: the AWS partition of the audited repositories, where the bucket is, too.
    """
    uri = urlsplit(report_uri or "")
    if uri.scheme in ("http", "https"):
        return uri.geturl()
    if uri.scheme == "s3" and uri.hostname:
        bucket = uri.netloc.rpartition("@")[2]
        host = "s3.console.aws.amazon.com" if partition == "aws" else console_host(partition)
        path = f"s3/object/{quote(bucket)}?prefix={quote(uri.path.lstrip('/'))}"
        return f"https://{host}/{path}" if host else ""
    return ""
