from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, ChangesXCom
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.display.audit import audit_table
from airflow_provider_ecr_preview.display.text import render


def previewed(name: str, region_name: str = "us-east-1", **summary: Any) -> RepositoryOutcome:
    values = {
        "repository_name": name,
        "registry_id": "123456789012",
        "region_name": region_name,
        "expiring_image_count": 3,
        "archiving_image_count": 0,
        "tagged_image_count": 3,
        "untagged_image_count": 0,
        "total_image_count": 10,
        "expiring_bytes_upper_bound": 3_000_000,
        "findings": [{"code": "dead_rule", "severity": "warning", "message": "", "image_digests": []}],
        "images_uri": None,
    }
    return RepositoryOutcome(
        name, "123456789012", region_name, "previewed", summary=cast("PreviewSummaryXCom", values | summary)
    )


def audited(*outcomes: RepositoryOutcome, missing_parts: int = 0, **arguments: Any) -> AuditXCom:
    audit = Audit("weekly", datetime(2026, 1, 1, 6, 30, tzinfo=UTC))
    audit.update(outcomes)
    audit.missing_parts = missing_parts
    return audit_xcom(audit, **arguments)


def shown(audit: AuditXCom, *, width: int = 110, rows: int = 15) -> str:
    return render(audit_table(audit, rows=rows), width=width)


def test_the_headline_says_what_would_expire_and_that_bytes_are_an_upper_bound() -> None:
    text = " ".join(shown(audited(previewed("a/one"))).split())
    assert "Audit weekly of 2026-01-01 06:30 UTC. 1 repository: 1 previewed" in text
    assert "3 of 10 images would expire" in text
    assert "at most 3.0 MB would be freed (layers are shared)" in text


def test_a_region_is_named_only_where_there_are_several() -> None:
    assert "us-east-1" not in shown(audited(previewed("a/one")))
    text = shown(audited(previewed("a/one"), previewed("a/one", "eu-west-1")))
    assert "us-east-1" in text
    assert "a/one (eu-west-1)" in text


def test_bytes_that_are_not_known_are_said_not_to_be() -> None:
    text = shown(audited(previewed("a/one"), previewed("a/two", expiring_bytes_upper_bound=None)))
    assert "3.0 MB plus the unknown sizes of 1 repository" in " ".join(text.split())


@pytest.mark.parametrize("name", ["[bold]x[/bold]", ":smile:", "a/[red]"])
def test_names_are_shown_as_they_are(name: str) -> None:
    assert name in shown(audited(previewed(name)))


def test_a_name_is_never_cut_off_in_a_narrow_terminal() -> None:
    name = "platform/a-service-with-a-long-name"
    lines = shown(audited(previewed(name)), width=50).splitlines()
    assert name in "".join(line.split(" ")[1] for line in lines if line.startswith(" "))


def test_longer_lists_say_how_many_more_there_are() -> None:
    outcomes = [previewed(f"a/{number:02}") for number in range(9)]
    outcomes += [RepositoryOutcome(f"b/{number}", "1", "us-east-1", "without_policy") for number in range(4)]
    outcomes += [
        RepositoryOutcome(
            f"c/{number}", "1", "us-east-1", "failed", error="ThrottledError", message=f"c/{number}: slow"
        )
        for number in range(5)
    ]
    text = shown(audited(*outcomes), rows=3)
    assert "and 6 more repositories" in text
    assert "b/2 (us-east-1) and 1 more" in text
    assert "Failed to preview 5 repositories (ThrottledError 5)" in text
    assert "c/2: slow\n  and 2 more" in text


def test_the_message_names_missing_parts_and_the_report() -> None:
    text = shown(audited(previewed("a/one"), missing_parts=2, report_uri="s3://reports/weekly.md"))
    assert "INCOMPLETE: 2 parts are missing from the audit" in text
    assert "Report: s3://reports/weekly.md" in text


def test_the_text_names_changes_and_alarms() -> None:
    changes = {
        "newly_affected_image_count": 40,
        "no_longer_affected_image_count": 1,
        "policy_changed_count": 2,
        "appeared_count": 3,
        "alarm_count": 1,
        "alarms": [{"repository_name": "a/one", "region_name": "us-east-1", "alarm": "40 more images"}],
        "notes": ["No earlier audit of eu-west-1."],
        "baselines": [{"audit_id": "last"}],
    }
    text = shown(audited(previewed("a/one")) | {"changes": cast("ChangesXCom", changes)})  # type: ignore[arg-type]  # a TypedDict with one key replaced
    assert "40 images newly affected, 1 no longer affected; 2 policies changed; 3 new repositories" in text
    assert "ALARM a/one: 40 more images" in text
    assert "No earlier audit of eu-west-1." in text


def test_an_audit_without_findings_has_no_table_of_them() -> None:
    assert "Severity" not in shown(audited(previewed("a/one", findings=[])))


def test_registries_that_are_left_out_are_counted() -> None:
    value = audited(previewed("a/one"), previewed("a/one", "eu-west-1"))
    assert "and 7 more registries and Regions" in shown({**value, "registries_left_out": 7})


def test_failures_that_are_all_named_have_no_more() -> None:
    failed = RepositoryOutcome("a/two", "123456789012", "us-east-1", "failed", error="ThrottledError", message=None)
    text = shown(audited(previewed("a/one"), failed))
    assert "Failed to preview 1 repository (ThrottledError 1)" in text
    assert "a/two" in text
    assert "more" not in text.split("Failed to preview", 1)[1]
