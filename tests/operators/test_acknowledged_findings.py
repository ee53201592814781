"""Acknowledged findings of an audit against the local ECR: from a list, JSON and files, in XCom, tables and report."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from tests.operators.test_ecr_audit import audit
from tests.support.contexts import audit_context
from tests.support.policies import keep, tagged

ENTRY = {"repositories": "payments/*", "code": "dead_rule", "reason": "Removed in March", "until": "2026-03-31"}
FIRST = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
AFTER = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    dead = {"rules": [tagged(1, "gone-*")]}
    for name in ("payments/api", "web/shop"):
        local_ecr.create_repository(name, policy=dead)
        local_ecr.push_many(name, 3)
    return local_ecr


def run(acknowledged: Any, at: datetime = FIRST, **kwargs: Any) -> Any:
    task = audit(
        repository_names=["payments/api", "web/shop"],
        acknowledged_findings=acknowledged,
        check_replicas=False,
        **kwargs,
    )
    return task.execute(audit_context(at))


def test_an_accepted_finding_is_counted_apart_and_is_back_when_its_last_day_has_passed(
    registry: LocalEcr, tmp_path: Path
) -> None:
    value = run([ENTRY], reports_path=tmp_path.as_uri())
    assert (value["warning_finding_count"], value["acknowledged_finding_count"]) == (1, 1)
    rows = {
        row["repository_name"]: row
        for uri in value["table_uris"]
        if uri.endswith(".csv")
        for row in csv.DictReader(Path(uri.removeprefix("file://")).read_text().splitlines())
    }
    assert rows["payments/api"]["finding_codes"] == ""
    assert rows["payments/api"]["acknowledged_finding_codes"] == "dead_rule"
    assert rows["web/shop"]["finding_codes"] == "dead_rule"
    assert "Removed in March" in Path(value["report_uri"].removeprefix("file://")).read_text()
    value = run([ENTRY], AFTER)
    assert (value["warning_finding_count"], value["acknowledged_finding_count"]) == (2, 0)
    assert value["acknowledgements"][0]["has_ended"]


@pytest.mark.parametrize("name", ["accepted.json", "accepted.yaml"])
def test_the_entries_can_be_in_a_file(registry: LocalEcr, tmp_path: Path, name: str) -> None:
    lines = "\n".join(f"  {key}: {value!r}" for key, value in ENTRY.items() if key != "until")
    text = json.dumps([ENTRY]) if name.endswith("json") else f"-\n{lines}\n  until: 2026-03-31\n"
    (tmp_path / name).write_text(text)
    for place in (str(tmp_path / name), (tmp_path / name).as_uri()):
        assert run(place)["acknowledged_finding_count"] == 1


def test_an_empty_file_acknowledges_nothing(registry: LocalEcr, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# none yet\n")
    assert run(str(tmp_path / "a.yaml"))["acknowledged_finding_count"] == 0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "cannot be read"),
        ("- [", "cannot be read"),
        ("a: 1", "Use a list of entries"),
        ('[{"code": "dead_rule"}]', "has no repositories and no reason and no until"),
        ("#" * (1024 * 1024 + 1), "more than 1 MiB"),
    ],
)
def test_a_file_that_is_no_list_of_entries_fails_before_any_call(
    registry: LocalEcr, tmp_path: Path, text: str | None, named: str
) -> None:
    registry.calls.clear()
    if text is not None:
        (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ValueError, match=named) as caught:
        run(str(tmp_path / "a.yaml"))
    assert "a.yaml" in str(caught.value)
    assert not registry.calls.operations


def test_the_finding_of_a_family_can_be_accepted(local_ecr: LocalEcr, tmp_path: Path) -> None:
    names = [f"team/{name}" for name in "abcd"]
    for name in names:
        local_ecr.create_repository(name, policy=keep(6) if name == "team/d" else keep(5))
        local_ecr.push_many(name, 2)
    entry = {**ENTRY, "repositories": "team/d", "code": "policy_differs_in_family"}
    task = audit(repository_names=names, acknowledged_findings=[entry], reports_path=tmp_path.as_uri())
    value = task.execute(audit_context(FIRST))
    assert (value["info_finding_count"], value["acknowledged_finding_count"]) == (0, 1)
    assert value["acknowledgements"][0]["repository_names"] == ["team/d"]
