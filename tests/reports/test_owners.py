"""The reports of the owners lie in files of safe names, whatever the tags hold, and list what the tables do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.reports import owners as module
from airflow_provider_ecr_preview.reports import read_owners
from airflow_provider_ecr_preview.reports.audit import AuditReports
from airflow_provider_ecr_preview.reports.layout import report_day
from tests.core.money.test_money import GB, audit_of, outcome, storage_of
from tests.support.builders import NOW, stored

HOSTILE = [
    "../../../../etc/passwd",
    "..",
    ".",
    "/",
    "a/b\\c",
    "untagged",
    "not-known",
    "owners.json",
    "CON",
    "Payments",
    "payments",
    "nul\x00byte",
    "line\nbreak",
    "\u202egnihtemos",
    "%2e%2e%2f",
    "*?[a]",
    "{{ var.value.password }}",
    "-rf",
    "x" * 256,
    "é" * 256,
    " ",
]
STORAGE = storage_of(stored(1, image_size_in_bytes=GB))


def reports(root: Path, days: int = 0) -> AuditReports:
    return AuditReports(
        root.as_uri(), audit_id="weekly", audited_at=NOW - timedelta(days=days), audit_name="weekly", owner_tag="team"
    )


def written(root: Path, *names: str | None) -> Audit:
    outcomes = [outcome(f"team/{number}", STORAGE, name) for number, name in enumerate(names)]
    audit = audit_of(outcomes)
    mine = reports(root)
    mine.write_owners(audit, mine.write_tables(outcomes))
    return audit


def test_any_value_of_a_tag_gives_one_report_of_its_own_within_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "reports"
    audit = written(root, *HOSTILE, "", None)
    value = audit.as_dict()
    owners = read_owners(value["owners_uri"])
    assert {owner["owner"] for owner in owners} == {*HOSTILE, "", None}
    paths = {Path(str(owner["report_uri"]).removeprefix("file://")) for owner in owners}
    assert len(paths) == len(HOSTILE) + 2
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    for path in paths:
        relative = path.relative_to(root).as_posix()
        assert path.is_file()
        assert report_day(relative) == NOW.date()
    assert value["owners"] == owners
    assert value["owners_left_out"] == 0


def test_the_owners_are_those_of_all_rows_also_beyond_what_fits_into_the_result(tmp_path: Path) -> None:
    audit = written(tmp_path, *(f"team-{number}" for number in range(75)))
    value = audit.as_dict()
    assert (len(value["owners"]), value["owners_left_out"]) == (50, 25)
    owners = read_owners(value["owners_uri"])
    assert len(owners) == 75
    assert sum(owner["monthly_cost_usd"] for owner in owners) == pytest.approx(value["storage"]["monthly_cost_usd"])


def test_a_second_attempt_leaves_no_report_of_an_owner_that_is_gone(tmp_path: Path) -> None:
    written(tmp_path, "payments", "web")
    written(tmp_path, "payments", "payments")
    assert len([*tmp_path.rglob("owners/**/*.md")]) == 1


def test_an_audit_whose_tables_lack_rows_keeps_its_own_sums(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    outcomes = [outcome("a", STORAGE, "payments"), outcome("b", STORAGE, "web")]
    audit = audit_of(outcomes)
    mine = reports(tmp_path)
    mine.write_owners(audit, mine.write_tables(outcomes[:1]))
    assert "lack 1 repository" in caplog.text
    value = audit.as_dict()
    assert "owners_uri" not in value
    assert {owner["owner"] for owner in value["owners"]} == {"payments", "web"}


def test_without_owners_nothing_is_written(tmp_path: Path) -> None:
    audit = written(tmp_path, None)
    assert "owners_uri" not in audit.as_dict()
    assert not (tmp_path / "owners").exists()


def test_a_tag_that_names_no_owners_writes_a_bounded_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_OWNER_REPORTS", 2)
    audit = written(tmp_path, "a", "b", "c", "d")
    assert "2 owners have no report of their own" in caplog.text
    owners = read_owners(audit.as_dict()["owners_uri"])
    assert [bool(owner.get("report_uri")) for owner in owners] == [True, True, False, False]


def test_old_reports_of_owners_are_removed_with_the_others(tmp_path: Path) -> None:
    written(tmp_path, "payments")
    later = reports(tmp_path, days=-10)
    (tmp_path / "owners" / "notes.md").write_text("mine")
    later.remove_older_than(5)
    assert [path.name for path in (tmp_path / "owners").rglob("*") if path.is_file()] == ["notes.md"]


@pytest.mark.parametrize("content", ["", "[]", "{", json.dumps({"schema": "other"})])
def test_a_file_that_lists_no_owners_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "owners.json").write_text(content)
    with pytest.raises(ValueError, match="does not list owners"):
        read_owners((tmp_path / "owners.json").as_uri())
