"""Acknowledged findings are counted apart until their last day, never hide what blocks a clean-up, and lose nothing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.acknowledged import AcknowledgedFindings
from airflow_provider_ecr_preview.core.audit.acknowledgements import Acknowledgement, Acknowledgements, names_a_file
from airflow_provider_ecr_preview.core.audit.finding_codes import AUDIT_FINDINGS, BLOCKING
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.xcom.acknowledgement import MAX_ACKNOWLEDGEMENTS, MAX_REASON_CHARACTERS
from airflow_provider_ecr_preview.core.xcom.audit import MAX_AUDIT_BYTES
from airflow_provider_ecr_preview.core.xcom.preview import MAX_SUMMARY_BYTES
from tests.support.builders import NOW, REGION, REGISTRY_ID, previewed, summary

TODAY = NOW.date()
ENTRY = {"repositories": "payments/*", "code": "dead_rule", "reason": "Cleaned up in March", "until": "2027-03-31"}


def outcome(name: str, *codes: str, failed: bool = False, of_repository: tuple[str, ...] = ()) -> RepositoryOutcome:
    findings = [Finding(code, AUDIT_FINDINGS[code], "Look at it.") for code in codes]
    value = None if failed else summary_xcom(summary(previewed(1), repository_name=name), findings=findings)
    own = [Finding(code, AUDIT_FINDINGS[code], "Look at it.").as_dict() for code in of_repository]
    return RepositoryOutcome(
        name, REGISTRY_ID, REGION, "failed" if failed else "previewed", value, error="Failed", findings=own
    )


def audit_of(outcomes: list[RepositoryOutcome], entries: Any, today: date = TODAY) -> Audit:
    acknowledgements = Acknowledgements.of(entries, today)
    audit = Audit("weekly", NOW, acknowledged=AcknowledgedFindings(acknowledgements))
    audit.update(map(acknowledgements.applied_to, outcomes))
    return audit


class TestCodes:
    def test_the_codes_are_those_of_the_reference(self) -> None:
        text = (Path(__file__).parents[3] / "docs" / "reference" / "findings.md").read_text()
        for code, severity in AUDIT_FINDINGS.items():
            assert f"| `{code}` | {severity} |" in text
        assert text.count("\n| `") == len(AUDIT_FINDINGS)

    @pytest.mark.parametrize("code", sorted(BLOCKING))
    def test_what_blocks_a_clean_up_cannot_be_acknowledged(self, code: str) -> None:
        with pytest.raises(ValueError, match=rf"acknowledged_findings\[0\]\['code'\] is '{code}'.*blocks a clean-up"):
            Acknowledgements.of([{**ENTRY, "code": code}], TODAY)

    def test_every_critical_finding_blocks(self) -> None:
        assert {code for code, severity in AUDIT_FINDINGS.items() if severity == "critical"} <= BLOCKING


class TestReading:
    @pytest.mark.parametrize("value", [None, "", "[]", [], "None"])
    def test_an_empty_value_acknowledges_no_finding(self, value: Any) -> None:
        assert Acknowledgements.of(value, TODAY).entries == []

    @pytest.mark.parametrize("until", ["2027-03-31", " 2027-03-31 ", date(2027, 3, 31)])
    def test_an_entry_is_read_from_each_form(self, until: Any) -> None:
        expected = [Acknowledgement("payments/*", "dead_rule", "Cleaned up in March", date(2027, 3, 31))]
        assert Acknowledgements.of([{**ENTRY, "until": until}], TODAY).entries == expected
        assert Acknowledgements.of(json.dumps([{**ENTRY, "until": str(until)}]), TODAY).entries == expected

    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"reason": ""}, "has no reason"),
            ({"reason": None, "until": ""}, "has no reason and no until"),
            ({"reason": "  "}, "'reason'"),
            ({"reason": 5}, "'reason'"),
            ({"reason": "x" * (MAX_REASON_CHARACTERS + 1)}, "at most 200"),
            ({"code": "dead_rules"}, "is no finding of an audit"),
            ({"code": ["dead_rule"]}, "is no finding of an audit"),
            ({"until": "March"}, "Use the last day"),
            ({"until": "2027-02-30"}, "Use the last day"),
            ({"until": "20270331"}, "Use the last day"),
            ({"until": 2027}, "Use the last day"),
            ({"until": datetime(2027, 3, 31, tzinfo=UTC)}, "Use the last day"),
            ({"repositories": "Payments"}, "matches no repository name"),
            ({"repositories": " "}, "has no repositories"),
            ({"repositories": ["a", "b"]}, "repositories"),
            ({"untill": "2027-03-31"}, "'untill', which is none of"),
        ],
    )
    def test_an_entry_that_is_not_valid_is_refused_by_its_number(self, change: Any, named: str) -> None:
        with pytest.raises(ValueError, match=r"acknowledged_findings\[1\]|repositories") as caught:
            Acknowledgements.of([ENTRY, {**ENTRY, "code": "shadowed_rule", **change}], TODAY)
        assert named in str(caught.value)

    @pytest.mark.parametrize("value", [5, ENTRY, "[5]", ["dead_rule"], "payments", {}])
    def test_what_is_no_list_of_entries_is_refused(self, value: Any) -> None:
        with pytest.raises(ValueError, match="acknowledged_findings"):
            Acknowledgements.of(value, TODAY)

    def test_two_entries_for_the_same_finding_of_the_same_repositories_are_refused(self) -> None:
        with pytest.raises(ValueError, match="two entries for dead_rule in 'payments/\\*'"):
            Acknowledgements.of([ENTRY, {**ENTRY, "until": "2028-01-01"}], TODAY)


class TestCounting:
    OUTCOMES = (
        outcome("payments/api", "dead_rule", "would_empty_repository"),
        outcome("payments/worker", "shadowed_rule", of_repository=("policy_differs_in_family",)),
        outcome("web/shop", "dead_rule"),
    )

    def test_it_counts_apart_and_is_marked_in_the_summary(self) -> None:
        value = audit_of([*self.OUTCOMES], [ENTRY]).as_dict()
        assert (value["critical_finding_count"], value["warning_finding_count"]) == (1, 2)
        assert value["acknowledged_finding_count"] == 1
        assert {found["code"]: found["repository_count"] for found in value["findings"]}["dead_rule"] == 1
        [entry] = value["acknowledgements"]
        assert (entry["finding_count"], entry["repository_names"]) == (1, ["payments/api"])
        api = next(repository for repository in value["top"] if repository["repository_name"] == "payments/api")
        assert (api["findings"], api["acknowledged_findings"]) == (["would_empty_repository"], ["dead_rule"])
        marks = {
            (summary["repository_name"], found["code"]): found.get("acknowledged_until")
            for summary in value["summaries"] or ()
            for found in summary["findings"]
        }
        assert marks["payments/api", "dead_rule"] == "2027-03-31"
        assert marks["web/shop", "dead_rule"] is None

    def test_it_counts_on_its_last_day_and_is_back_the_day_after(self) -> None:
        last = date(2027, 3, 31)
        assert audit_of([*self.OUTCOMES], [ENTRY], last).as_dict()["acknowledged_finding_count"] == 1
        value = audit_of([*self.OUTCOMES], [ENTRY], last + timedelta(days=1)).as_dict()
        assert value["acknowledged_finding_count"] == 0
        assert value["warning_finding_count"] == 3
        [entry] = value["acknowledgements"]
        assert (entry["has_ended"], entry["finding_count"]) == (True, 1)

    def test_where_several_cover_a_finding_the_one_that_ends_last_counts(self) -> None:
        entries = [ENTRY, {**ENTRY, "repositories": "*", "until": "2027-12-31"}]
        marked = Acknowledgements.of(entries, TODAY).applied_to(self.OUTCOMES[0])
        assert marked.summary is not None
        assert [found.get("acknowledged_until") for found in marked.summary["findings"]] == ["2027-12-31", None]

    def test_a_finding_of_the_repository_itself_is_covered_too(self) -> None:
        entries = [{**ENTRY, "code": "policy_differs_in_family"}]
        acknowledgements = Acknowledgements.of(entries, TODAY)
        marked = acknowledgements.applied_to(self.OUTCOMES[1])
        assert marked.acknowledged_codes == ["policy_differs_in_family"]
        audit = audit_of([self.OUTCOMES[0]], entries)
        late = acknowledgements.applied_to(outcome("payments/api", of_repository=("policy_differs_in_family",)))
        audit.add_finding(late, late.findings[-1])
        value = audit.as_dict()
        assert (value["acknowledged_finding_count"], value["acknowledgements"][0]["finding_count"]) == (1, 1)
        assert "policy_differs_in_family" not in {found["code"] for found in value["findings"]}

    def test_a_finding_that_is_found_late_and_not_accepted_counts_as_any_other(self) -> None:
        made = outcome("web/shop")
        audit = audit_of([made], [ENTRY])
        audit.add_finding(made, Finding("policy_differs_in_family", "info", "Look at it.").as_dict())
        value = audit.as_dict()
        assert [(found["code"], found["repository_count"]) for found in value["findings"]] == [
            ("policy_differs_in_family", 1)
        ]

    def test_a_severe_finding_under_a_code_that_is_acknowledged_still_counts(self) -> None:
        made = outcome("payments/api", "dead_rule")
        assert made.summary is not None
        made.summary["findings"][0]["severity"] = "critical"
        value = audit_of([made], [ENTRY]).as_dict()
        assert (value["critical_finding_count"], value["acknowledged_finding_count"]) == (1, 0)

    def test_an_entry_that_matches_nothing_is_listed_first_with_the_repositories_that_are_unknown(self) -> None:
        entries = [ENTRY, {**ENTRY, "code": "shadowed_rule", "repositories": "web/*", "until": "2027-12-31"}]
        value = audit_of([self.OUTCOMES[0], outcome("web/broken", failed=True)], entries).as_dict()
        first, second = value["acknowledgements"]
        assert (first["code"], first["finding_count"], first["failed_repository_count"]) == ("shadowed_rule", 0, 1)
        assert second["code"] == "dead_rule"

    def test_an_audit_without_entries_has_no_such_key(self) -> None:
        assert "acknowledgements" not in audit_of([*self.OUTCOMES], None).as_dict()


CODES = sorted(AUDIT_FINDINGS)
NAMES = st.sampled_from(["payments/api", "payments/worker", "web/shop", "web/old", "base"])
OUTCOMES = st.lists(
    st.builds(
        lambda name, codes, failed, own: outcome(name, *codes, failed=failed, of_repository=tuple(own)),
        NAMES,
        st.lists(st.sampled_from(CODES), unique=True, max_size=4),
        st.booleans(),
        st.lists(st.just("policy_differs_in_family"), max_size=1),
    ),
    unique_by=lambda made: made.repository_name,
    max_size=5,
)
ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "repositories": st.sampled_from(["*", "payments/*", "web/shop", "none/*"]),
            "code": st.sampled_from(sorted(set(AUDIT_FINDINGS) - BLOCKING)),
            "reason": st.just("Known"),
            "until": st.sampled_from([-1, 0, 1, 400]).map(lambda days: (TODAY + timedelta(days=days)).isoformat()),
        }
    ),
    unique_by=lambda entry: (entry["repositories"], entry["code"]),
    max_size=6,
)


class TestLaws:
    @settings(max_examples=60)
    @given(OUTCOMES, ENTRIES)
    def test_no_finding_is_lost_and_none_that_blocks_is_moved(
        self, outcomes: list[RepositoryOutcome], entries: list[Any]
    ) -> None:
        without, value = audit_of(outcomes, None).as_dict(), audit_of(outcomes, entries).as_dict()
        assert value["critical_finding_count"] == without["critical_finding_count"]

        def count(of: Any) -> int:
            return sum(of[f"{severity}_finding_count"] for severity in ("critical", "warning", "info"))

        assert count(value) + value["acknowledged_finding_count"] == count(without)
        before = {found["code"]: found["repository_count"] for found in without["findings"]}
        after = {found["code"]: found["repository_count"] for found in value["findings"]}
        assert {code: before.get(code) for code in BLOCKING} == {code: after.get(code) for code in BLOCKING}
        active = [entry for entry in entries if entry["until"] >= TODAY.isoformat()]
        expected = sum(
            any(Acknowledgements.of([entry], TODAY).applied_to(made).acknowledged_codes == [code] for entry in active)
            for made in outcomes
            for code in [found["code"] for found in made.all_findings]
            if any(entry["code"] == code for entry in active)
        )
        assert value["acknowledged_finding_count"] == expected

    @settings(max_examples=40)
    @given(OUTCOMES, ENTRIES)
    def test_marking_twice_is_marking_once(self, outcomes: list[RepositoryOutcome], entries: list[Any]) -> None:
        acknowledgements = Acknowledgements.of(entries, TODAY)
        for made in map(acknowledgements.applied_to, outcomes):
            assert acknowledgements.applied_to(made) == made

    @settings(max_examples=40)
    @given(OUTCOMES, ENTRIES, st.integers(0, 5))
    def test_parts_merge_into_the_whole(
        self, outcomes: list[RepositoryOutcome], entries: list[Any], position: int
    ) -> None:
        whole = audit_of(outcomes, entries).as_dict()
        directly, through_xcom = audit_of([], None), audit_of([], None)
        for part in (outcomes[:position], outcomes[position:]):
            directly.merge(audit_of(part, entries))
            through_xcom.merge(Audit.from_xcom(json.loads(json.dumps(audit_xcom(audit_of(part, entries))))))
        for merged in (directly.as_dict(), through_xcom.as_dict()):
            assert merged.get("acknowledgements") == whole.get("acknowledgements")
            assert merged["acknowledged_finding_count"] == whole["acknowledged_finding_count"]


@pytest.mark.parametrize(
    ("value", "is_file"),
    [
        ("accepted.yaml", True),
        ("s3://aws_default@bucket/accepted.json", True),
        ("[]", False),
        ("{}", False),
        ([ENTRY], False),
    ],
)
def test_a_text_names_a_file_unless_it_is_json(value: Any, is_file: bool) -> None:
    assert names_a_file(value) is is_file


def test_many_long_entries_fit_and_those_without_room_are_counted() -> None:
    entries = [
        {**ENTRY, "repositories": f"{'team/' * 40}{number}", "reason": "x" * MAX_REASON_CHARACTERS}
        for number in range(MAX_ACKNOWLEDGEMENTS + 20)
    ]
    value = audit_xcom(audit_of([outcome("payments/api", "dead_rule")], entries))
    assert json_size(value) <= MAX_AUDIT_BYTES
    assert len(value["acknowledgements"]) + value["acknowledgements_left_out"] == MAX_ACKNOWLEDGEMENTS + 20
    again = Audit.from_xcom(value).as_dict()
    assert again["acknowledgements_left_out"] == value["acknowledgements_left_out"]


def test_entries_are_cut_where_the_audit_has_no_room_for_all() -> None:
    repositories = [outcome(f"payments/{'x' * 200}{number}", "dead_rule") for number in range(200)]
    entries = [
        {**ENTRY, "repositories": f"{'team/' * 40}{number}", "reason": "x" * MAX_REASON_CHARACTERS}
        for number in range(60)
    ]
    value = audit_xcom(audit_of(repositories, entries))
    assert json_size(value) <= MAX_AUDIT_BYTES
    assert 0 < len(value["acknowledgements"]) < MAX_ACKNOWLEDGEMENTS
    assert len(value["acknowledgements"]) + value["acknowledgements_left_out"] == 60


def test_marks_do_not_push_a_summary_over_its_bound() -> None:
    findings = [Finding(code, severity, "x" * 400) for code, severity in AUDIT_FINDINGS.items()]
    whole = summary_xcom(summary(previewed(1)), findings=findings)
    made = RepositoryOutcome("payments/api", REGISTRY_ID, REGION, "previewed", whole)
    entries = [{**ENTRY, "code": code} for code in set(AUDIT_FINDINGS) - BLOCKING]
    marked = Acknowledgements.of(entries, TODAY).applied_to(made)
    assert json_size(marked.summary) <= MAX_SUMMARY_BYTES
    assert len(marked.acknowledged_codes) == len(entries)
