"""Links to what an audit has written."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class EcrAuditReportLink(BaseOperatorLink):
    """Link to the report of an audit, when it is on S3 or on the web."""

    name = "Audit Report"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002 - Airflow's signature
        """Return where a browser finds the report; an empty text if none was written or a browser cannot read it.

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
