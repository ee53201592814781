"""Links to the reports of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

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
        return report_url(audit.get("report_uri")) if isinstance(audit, dict) else ""


def report_url(report_uri: str | None) -> str:
    """Return the address of a report for a browser, or an empty text.

    :param report_uri: where the report was written.
    """
    uri = urlsplit(report_uri or "")
    if uri.scheme in ("http", "https"):
        return uri.geturl()
    if uri.scheme == "s3" and uri.hostname:
        bucket = uri.netloc.rpartition("@")[2]
        return f"https://s3.console.aws.amazon.com/s3/object/{quote(bucket)}?prefix={quote(uri.path.lstrip('/'))}"
    return ""
