from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.marker import marker
from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.values import Leading, cut
from airflow_provider_ecr_preview.core.xcom.audit import MAX_AUDIT_BYTES, AuditXCom, ChangesXCom
from tests.support.builders import NOW, REGION, REGISTRY_ID, archiving, previewed, stored, summary

SEVERITIES: dict[str, Any] = {"would_empty_repository": "critical", "dead_rule": "warning", "costs": "info"}


def audited(
    name: str, *, expiring: int = 1, archived: int = 0, enriched: bool = True, **fields: Any
) -> RepositoryOutcome:
    findings = [Finding(code, SEVERITIES[code], "Look at it.") for code in fields.pop("findings", ())]
    inventory = RepositoryInventory()
    inventory.update(stored(number) for number in range(expiring + archived + 1))
    images = [previewed(number, image_size_in_bytes=10) for number in range(expiring)]
    images += [archiving(expiring + number) for number in range(archived)]
    region = fields.get("region_name", REGION)
    value = summary_xcom(
        summary(*images, repository_name=name, region_name=region),
        inventory=inventory if enriched else None,
        findings=findings,
        images_uri=fields.pop("images_uri", None),
    )
    return RepositoryOutcome(name, fields.pop("registry_id", REGISTRY_ID), region, "previewed", value, preview_calls=2)


def failed(
    name: str, error: str | None = "ThrottledError", message: str | None = "Too many calls."
) -> RepositoryOutcome:
    return RepositoryOutcome(name, REGISTRY_ID, REGION, "failed", error=error, message=message, preview_calls=1)


def without_policy(name: str) -> RepositoryOutcome:
    return RepositoryOutcome(name, REGISTRY_ID, REGION, "without_policy", preview_calls=1)


def audit(*outcomes: RepositoryOutcome, missing: int = 0) -> Audit:
    whole = Audit("weekly 1", NOW)
    whole.update(outcomes)
    whole.missing_parts = missing
    return whole


OUTCOMES = st.lists(
    st.one_of(
        st.builds(
            audited,
            st.integers(0, 10**6).map("team/{}".format),
            expiring=st.integers(0, 5),
            archived=st.integers(0, 2),
            enriched=st.booleans(),
            findings=st.lists(st.sampled_from(sorted(SEVERITIES)), unique=True),
            region_name=st.sampled_from(["eu-west-1", "us-east-1"]),
        ),
        st.integers(0, 10**6).map("broken/{}".format).map(failed),
        st.integers(0, 10**6).map("bare/{}".format).map(without_policy),
    ),
    unique_by=lambda outcome: (outcome.repository_name, outcome.region_name),
    max_size=30,
)


class TestSums:
    @given(OUTCOMES)
    def test_every_repository_is_counted_once(self, outcomes: list[RepositoryOutcome]) -> None:
        value = audit(*outcomes).as_dict()
        assert value["repository_count"] == len(outcomes)
        assert value["previewed_count"] + value["without_policy_count"] + value["failed_count"] == len(outcomes)
        assert value["preview_call_count"] == sum(outcome.preview_calls for outcome in outcomes)
        assert sum(registry["repository_count"] for registry in value["registries"]) == len(outcomes)

    def test_a_sum_with_an_unknown_addend_is_unknown_and_comes_with_the_sum_of_the_known(self) -> None:
        value = audit(audited("a", expiring=2), audited("b", expiring=3, enriched=False)).as_dict()
        assert (value["expiring_bytes_upper_bound"], value["expiring_bytes_upper_bound_known"]) == (None, 20)
        assert value["bytes_unknown_repository_count"] == 1
        assert (value["total_image_count"], value["total_image_count_known"]) == (None, 3)

    def test_a_repository_of_which_nothing_expires_frees_nothing_also_when_sizes_are_unknown(self) -> None:
        assert audit(audited("a", expiring=0, enriched=False)).as_dict()["expiring_bytes_upper_bound"] == 0

    def test_a_previewed_repository_without_a_summary_is_refused(self) -> None:
        with pytest.raises(ValueError, match="outcome of payments/api is"):
            audit(RepositoryOutcome("payments/api", REGISTRY_ID, REGION, "previewed"))

    def test_findings_are_counted_by_code_the_most_severe_first(self) -> None:
        value = audit(
            audited("a", findings=["costs", "would_empty_repository"]), audited("b", findings=["costs"])
        ).as_dict()
        assert [(finding["code"], finding["repository_count"]) for finding in value["findings"]] == [
            ("would_empty_repository", 1),
            ("costs", 2),
        ]
        assert (value["critical_finding_count"], value["info_finding_count"]) == (1, 2)

    def test_failures_are_named_with_their_reason(self) -> None:
        value = audit(failed("b"), failed("a", None, None)).as_dict()
        assert value["errors"] == {"ThrottledError": 1, "unknown": 1}
        assert [failure["repository_name"] for failure in value["failures"]] == ["a", "b"]

    def test_repositories_without_a_policy_are_named(self) -> None:
        assert [
            repository["repository_name"] for repository in audit(without_policy("a")).as_dict()["without_policy"]
        ] == ["a"]


class TestMerge:
    @given(OUTCOMES, st.integers(1, 4), st.randoms(use_true_random=False))
    def test_any_split_of_an_audit_merges_to_the_same(
        self, outcomes: list[RepositoryOutcome], parts: int, random: Any
    ) -> None:
        pieces = [audit(*outcomes[start::parts]) for start in range(parts)]
        random.shuffle(pieces)
        merged = Audit("weekly 1", NOW)
        for piece in pieces:
            merged.merge(Audit.from_xcom(json.loads(json.dumps(piece.as_dict()))))
        assert merged.as_dict() == audit(*outcomes).as_dict()

    def test_missing_parts_add_up(self) -> None:
        whole = audit(missing=1)
        whole.merge(Audit.from_xcom(audit_xcom(audit(missing=2))))
        assert audit_xcom(whole)["missing_part_count"] == 3

    def test_the_summaries_are_left_out_when_they_no_longer_fit(self) -> None:
        many = audit(*(audited(f"team/{number}") for number in range(100)))
        assert many.as_dict()["summaries"] is None
        again = Audit.from_xcom(audit_xcom(many))
        again.merge(audit(audited("other")))
        assert again.as_dict()["summaries"] is None


class TestRoom:
    @given(st.integers(0, 400), st.integers(1, 256), st.booleans())
    def test_an_audit_fits_whatever_it_found(self, count: int, length: int, changed: bool) -> None:
        name = "n" * length
        whole = audit(
            *(
                audited(f"{name}{number}", images_uri="s3://bucket/" + "k" * 500, findings=["dead_rule"])
                for number in range(count // 4)
            ),
            *(failed(f"{name}f{number}", f"Error{number}", "ö" * 2_000) for number in range(count)),
            *(without_policy(f"{name}w{number}") for number in range(count)),
        )
        changes = no_changes(count, name) if changed else None
        value = audit_xcom(whole, changes=changes, table_uris=["s3://bucket/" + "t" * 500] * min(count, 60))
        assert len(json.dumps(value)) <= MAX_AUDIT_BYTES
        assert value["failed_count"] == count

    def test_a_small_audit_is_pushed_whole(self) -> None:
        value = audit_xcom(audit(audited("a"), failed("b")))
        assert [summary["repository_name"] for summary in value["summaries"] or ()] == ["a"]
        assert value == audit(audited("a"), failed("b")).as_dict()


def no_changes(count: int, name: str) -> ChangesXCom:
    value: Any = dict.fromkeys(ChangesXCom.__annotations__, 0)
    lists = ("baselines", "alarms", "top", "appeared", "disappeared", "notes")
    return ChangesXCom(**{**value, **{key: [{"repository_name": name}] * count for key in lists}})


@pytest.mark.parametrize("alarms", [None, 2])
def test_the_marker_has_the_counts_and_the_alarms(alarms: int | None) -> None:
    changes: Any = None if alarms is None else {**no_changes(0, ""), "alarm_count": alarms}
    value: AuditXCom = audit(audited("a")).as_dict(changes=changes)
    counts = marker(value)["counts"]
    assert (counts["repository_count"], counts["alarm_count"]) == (1, alarms)
    assert counts["audited_at"] == NOW.isoformat()


def test_an_audit_comes_back_with_its_name_and_time() -> None:
    again = Audit.from_xcom(audit_xcom(Audit("weekly 2", NOW - timedelta(days=7))))
    assert (again.audit_id, again.audited_at) == ("weekly 2", NOW - timedelta(days=7))


@given(st.lists(st.integers(), unique=True), st.integers(1, 5))
def test_a_leading_list_holds_the_first_in_any_order(values: list[int], limit: int) -> None:
    leading: Leading[int] = Leading(limit)
    for value in values:
        leading.add(value, value)
    assert list(leading) == sorted(values)[:limit]
    assert len(leading) == min(limit, len(values))


@pytest.mark.parametrize(("text", "short"), [(None, None), ("abc", "abc"), ("abcd", "ab…")])
def test_a_text_that_is_cut_says_so(text: str | None, short: str | None) -> None:
    assert cut(text, 3) == short
