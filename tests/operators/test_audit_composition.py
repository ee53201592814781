"""What an audit publishes: assets, metrics, OpenLineage facets, a link."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
from airflow.providers.common.compat.sdk import XCom
from airflow.sdk import Asset
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_ecr_preview.assets import announce, audit_asset
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.links.audit import EcrAuditReportLink, report_url
from airflow_provider_ecr_preview.operators.ecr_audit import EcrMergeLifecycleAuditsOperator
from airflow_provider_ecr_preview.telemetry import FACET, emit_counts, emit_duration, lineage_of


@pytest.fixture
def audit() -> AuditXCom:
    whole = Audit("weekly", datetime(2026, 1, 1, tzinfo=UTC))
    for region in ("us-east-1", "eu-west-1"):
        whole.add(RepositoryOutcome("a/one", "123456789012", region, "without_policy"))
    whole.add(RepositoryOutcome("a/two", "123456789012", "us-east-1", "failed", error="ThrottledError"))
    return audit_xcom(whole, report_uri="s3://aws_default@reports/ecr/audits/weekly.md")


def test_every_asset_of_the_task_gets_the_counts_in_addition_to_its_own_extra(audit: AuditXCom) -> None:
    ti = mock.Mock(spec=["task"])
    ti.task.outlets = [audit_asset("platform"), Asset("other"), "no asset"]
    events = OutletEventAccessors()
    events[audit_asset("platform")].extra["mine"] = 1
    announce({"ti": ti, "outlet_events": events}, audit)  # type: ignore[typeddict-item]  # the part of it that is used
    assert [events[asset].extra["repository_count"] for asset in ti.task.outlets[:2]] == [3, 3]
    assert len(events) == 2
    assert events[audit_asset("platform")].extra["mine"] == 1
    assert events[audit_asset("platform")].extra["report_uri"] == audit["report_uri"]


def test_the_same_name_is_the_same_asset() -> None:
    assert audit_asset("platform") == audit_asset("platform")
    assert audit_asset("platform").uri == "x-ecr-preview://audit/platform"


def test_metrics_have_a_tag_for_the_registry_and_the_region_and_none_for_a_repository(audit: AuditXCom) -> None:
    with mock.patch("airflow_provider_ecr_preview.telemetry.Stats", spec=["gauge", "timing"]) as stats:
        emit_counts(audit, "weekly")
        emit_duration(12.5, "weekly", "us-east-1")
    gauges = {(call.args[0], call.kwargs["tags"].get("region_name")): call.args[1] for call in stats.gauge.mock_calls}
    assert gauges["ecr_preview.repositories_failed", "us-east-1"] == 1
    assert gauges["ecr_preview.repositories_without_policy", "eu-west-1"] == 1
    assert gauges["ecr_preview.missing_parts", None] == 0
    assert {tag for call in stats.gauge.mock_calls for tag in call.kwargs["tags"]} == {
        "registry_id",
        "region_name",
        "dag_id",
    }
    assert stats.timing.mock_calls[0].args[1].total_seconds() == 12.5


def test_openlineage_learns_what_was_audited_and_what_was_found(audit: AuditXCom) -> None:
    lineage = lineage_of(audit)
    assert {registry["regionName"] for registry in lineage.job_facets[FACET].registries} == {"us-east-1", "eu-west-1"}
    assert lineage.run_facets[FACET].counts["failed_count"] == 1
    assert lineage.inputs == lineage.outputs == []


def test_openlineage_can_send_it(audit: AuditXCom) -> None:
    from openlineage.client.serde import Serde

    assert '"failed_count": 1' in Serde.to_json(lineage_of(audit).run_facets[FACET])


def test_a_task_that_ended_without_an_audit_has_no_facets() -> None:
    task = EcrMergeLifecycleAuditsOperator(task_id="merge", audits=[])
    assert task.get_openlineage_facets_on_complete(None).run_facets == {}


def test_openlineage_is_imported_only_when_facets_are_read() -> None:
    code = (
        "import airflow_provider_ecr_preview.operators.ecr_audit, sys;"
        "sys.exit('openlineage.client' in sys.modules or 'moto' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=300).returncode == 0


@pytest.mark.parametrize(
    ("uri", "url"),
    [
        (
            "s3://aws_default@reports/ecr/a b.md",
            "https://s3.console.aws.amazon.com/s3/object/reports?prefix=ecr/a%20b.md",
        ),
        ("s3://reports/x.md", "https://s3.console.aws.amazon.com/s3/object/reports?prefix=x.md"),
        ("https://reports.example/x.md", "https://reports.example/x.md"),
        ("file:///tmp/x.md", ""),
        ("javascript:alert(1)", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_report_is_linked_where_a_browser_can_read_it(uri: str | None, url: str) -> None:
    assert report_url(uri) == url


@pytest.mark.parametrize("value", [None, {"report_uri": None}, "text"])
def test_a_task_without_a_report_has_no_link(monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
    monkeypatch.setattr(XCom, "get_value", lambda **_: value)
    assert not EcrAuditReportLink().get_link(mock.Mock(), ti_key=mock.Mock())
