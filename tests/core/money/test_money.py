"""What stored images cost and whose they are: prices, a bill by hand, and sums that agree wherever they are shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.audit.result import audit_xcom
from airflow_provider_ecr_preview.core.audit.summary import Audit
from airflow_provider_ecr_preview.core.ecr_values import ARCHIVE, STANDARD
from airflow_provider_ecr_preview.core.money.prices import Prices
from airflow_provider_ecr_preview.core.money.storage import Storage
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.measured import measured
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.core.preview.rule_costs import with_costs
from airflow_provider_ecr_preview.core.repository import RepositoryImage, digest_key
from airflow_provider_ecr_preview.core.xcom.audit import MAX_AUDIT_BYTES
from airflow_provider_ecr_preview.core.xcom.preview import RuleSummary
from airflow_provider_ecr_preview.core.xcom.storage import MAX_OWNERS
from airflow_provider_ecr_preview.reports.columns import audit_row
from tests.support.builders import NOW, REGION, REGISTRY_ID, digest, previewed, stored, summary
from tests.support.policies import ARCHIVE as TO_THE_ARCHIVE
from tests.support.policies import policy, rule

GB = 1_000_000_000
PULLED = {"last_recorded_pull_time": NOW}
SUMS = [name for name in Storage().as_dict() if not name.endswith("measured_repository_count")]


def storage_of(
    *images: RepositoryImage, expiring: tuple[int, ...] = (), is_applied: bool = True, prices: Prices | None = None
) -> Storage:
    inventory = RepositoryInventory()
    inventory.update(images)
    actions = {digest_key(digest(number)): "EXPIRE" for number in expiring}
    return measured(inventory, actions, prices=prices or Prices(), region_name=REGION, is_applied=is_applied)


def outcome(
    name: str,
    storage: Storage | None,
    owner: str | None = None,
    *,
    status: Any = "without_policy",
    findings: tuple[str, ...] = (),
    region_name: str = REGION,
) -> RepositoryOutcome:
    value = None
    if status == "previewed":
        found = [Finding(code, "warning", "Look at it.") for code in findings]
        value = summary_xcom(summary(previewed(1), repository_name=name, region_name=region_name), findings=found)
    return RepositoryOutcome(
        name,
        REGISTRY_ID,
        region_name,
        status,
        value,
        storage=None if storage is None else storage.as_dict(),
        owner=owner,
    )


def audit_of(outcomes: list[RepositoryOutcome]) -> Audit:
    audit = Audit("weekly", NOW)
    audit.update(outcomes)
    return audit


class TestPrices:
    def test_a_price_is_for_a_gigabyte_of_a_storage_class_in_a_region(self) -> None:
        prices = Prices.of('{"archive": 0.05, "regions": {"us-east-1": {"standard": 0.2}}}', 0.12)
        assert prices.micros(GB, STANDARD, REGION) == 120_000
        assert prices.micros(GB, ARCHIVE, REGION) == 50_000
        assert prices.micros(GB, STANDARD, "us-east-1") == 200_000
        assert prices.micros(GB, ARCHIVE, "us-east-1") == 50_000
        assert prices.micros(GB, STANDARD, None) == 120_000

    @pytest.mark.parametrize("nothing", [None, "", {}])
    def test_what_is_not_set_has_the_default(self, nothing: Any) -> None:
        assert Prices.of(nothing) == Prices()

    @pytest.mark.parametrize(
        ("value", "named"),
        [
            ({"glacier": 1}, "glacier"),
            ({"standard": -1}, "standard"),
            ({"standard": True}, "standard"),
            ({"standard": "0.10"}, "standard"),
            ({"standard": float("nan")}, "standard"),
            ({"regions": {"eu-west-1": {"archive": None}}}, "eu-west-1"),
            ({"regions": ["eu-west-1"]}, "regions"),
        ],
    )
    def test_a_malformed_price_is_refused_by_name(self, value: Any, named: str) -> None:
        with pytest.raises(ValueError, match=named):
            Prices.of(value)


class TestTheBillOfOneRepository:
    """5 GB in use, 3 GB that expire, 2 GB never pulled, 1 GB in the archive, and a signature of 10 MB."""

    IMAGES = (
        stored(1, image_size_in_bytes=5 * GB, **PULLED),
        stored(2, image_size_in_bytes=3 * GB),
        stored(3, image_size_in_bytes=2 * GB),
        stored(4, image_size_in_bytes=GB, storage_class=ARCHIVE, **PULLED),
        stored(5, image_size_in_bytes=10_000_000, subject_manifest_digest=digest(1)),
        stored(6, **PULLED),
    )
    PRICES = Prices.of({"standard": 0.10, "archive": 0.05})

    def test_it_equals_the_bill_by_hand(self) -> None:
        value = storage_of(*self.IMAGES, expiring=(2,), prices=self.PRICES).as_dict()
        assert value == {
            "measured_repository_count": 1,
            "unmeasured_repository_count": 0,
            "stored_image_count": 6,
            "unknown_size_image_count": 1,
            "stored_bytes_upper_bound": 11_010_000_000,
            "archived_bytes_upper_bound": GB,
            "monthly_cost_usd": 1.051,  # 10.01 GB at 0.10, and 1 GB at 0.05
            "leaving_bytes_upper_bound": 3 * GB,
            "leaving_monthly_cost_usd": 0.3,
            "saved_bytes_upper_bound": 0,
            "saved_monthly_cost_usd": 0.0,
            "never_pulled_image_count": 1,
            "never_pulled_bytes_upper_bound": 2 * GB,
            "never_pulled_monthly_cost_usd": 0.2,
        }

    def test_what_only_a_candidate_deletes_is_saved_by_applying_it(self) -> None:
        storage = storage_of(*self.IMAGES, expiring=(2,), prices=self.PRICES, is_applied=False)
        assert (storage.leaving_cost, storage.saved_cost, storage.wasted_cost) == (0, 300_000, 500_000)

    def test_an_image_that_is_archived_is_no_saving(self) -> None:
        inventory = RepositoryInventory(keep_images=True)
        inventory.update(self.IMAGES)
        actions = {digest_key(digest(2)): "TRANSITION"}
        storage = measured(inventory, actions, prices=self.PRICES, region_name=REGION, is_applied=False)
        assert (storage.saved_bytes, storage.never_pulled_bytes) == (0, 5 * GB)


class TestTheCostOfARule:
    PRICES = Prices.of({"standard": 0.10, "archive": 0.05})
    POLICY = policy(
        rule(1, tagStatus="untagged"),
        rule(2, countType="sinceImageTransitioned", countUnit="days", countNumber=90, storageClass="archive"),
        rule(3, TO_THE_ARCHIVE, tagStatus="tagged", tagPatternList=["v*"]),
    )

    def costs(self, *rules: tuple[int, str, int | None]) -> list[float | None]:
        made: list[RuleSummary] = [
            {"priority": priority, "action": action, "description": None, "image_count": 1, "bytes_upper_bound": size}
            for priority, action, size in rules
        ]
        priced = with_costs(made, self.POLICY.rules, self.PRICES, REGION)
        return [rule.get("monthly_cost_usd") for rule in priced]

    def test_it_is_by_the_storage_class_that_the_rule_selects(self) -> None:
        assert self.costs((1, "expire", 2 * GB), (2, "expire", 2 * GB)) == [0.2, 0.1]

    def test_archiving_costs_nothing_to_be_saved_and_what_is_not_known_stays_unknown(self) -> None:
        assert self.costs((3, "transition", GB), (1, "expire", None), (9, "expire", GB)) == [0.0, None, None]


STORAGES = st.builds(
    storage_of,
    st.builds(stored, st.just(1), image_size_in_bytes=st.none() | st.integers(0, 10**12)),
    st.builds(
        stored,
        st.just(2),
        image_size_in_bytes=st.integers(0, 10**12),
        storage_class=st.sampled_from([STANDARD, ARCHIVE]),
        last_recorded_pull_time=st.sampled_from([None, NOW]),
    ),
    expiring=st.sampled_from([(), (1,), (2,), (1, 2)]),
    is_applied=st.booleans(),
)
OUTCOMES = st.lists(
    st.builds(
        outcome,
        st.integers(0, 10**6).map("team/{}".format),
        st.none() | STORAGES,
        st.sampled_from([None, "", "payments", "web"]),
        status=st.sampled_from(["without_policy", "failed", "previewed"]),
        findings=st.sampled_from([(), ("dead_rule",), ("dead_rule", "other")]),
        region_name=st.sampled_from(["eu-west-1", "us-east-1"]),
    ),
    unique_by=lambda made: (made.repository_name, made.region_name),
    max_size=8,
)


def rows_of(outcomes: list[RepositoryOutcome]) -> list[dict[str, Any]]:
    return [audit_row(made, audit_id="weekly", audit_name="weekly", audited_at=NOW) for made in outcomes]


def sums(values: list[Any]) -> dict[str, float]:
    return {name: round(sum(value[name] or 0 for value in values), 6) for name in SUMS}


class TestSumsAgree:
    @settings(max_examples=40)
    @given(OUTCOMES)
    def test_between_xcom_registries_owners_and_table(self, outcomes: list[RepositoryOutcome]) -> None:
        value, rows = audit_of(outcomes).as_dict(), rows_of(outcomes)
        if "storage" not in value:
            assert all(made.storage is None for made in outcomes)
            return
        assert sums([value["storage"]]) == sums(rows)
        assert sums([registry["storage"] for registry in value["registries"] if "storage" in registry]) == sums(rows)
        assert value["storage"]["measured_repository_count"] == sum(made.storage is not None for made in outcomes)
        assert value["storage"]["unmeasured_repository_count"] == sum(made.storage is None for made in outcomes)
        for owner in value.get("owners", []):
            own = [row for row in rows if row["owner"] == owner["owner"]]
            assert sums([owner]) == sums(own)
            assert owner["repository_count"] == len(own)
        for finding in value["findings"]:
            found = [row for row in rows if finding["code"] in (row["finding_codes"] or "").split()]
            assert finding["monthly_cost_usd"] == pytest.approx(sums(found)["monthly_cost_usd"])

    @settings(max_examples=40)
    @given(OUTCOMES, OUTCOMES)
    def test_between_the_whole_and_its_parts_whichever_way_they_are_merged(
        self, first: list[RepositoryOutcome], second: list[RepositoryOutcome]
    ) -> None:
        whole = audit_of([*first, *second]).as_dict()
        directly, through_xcom = audit_of(first), audit_of([])
        directly.merge(audit_of(second))
        for part in (first, second):
            through_xcom.merge(Audit.from_xcom(json.loads(json.dumps(audit_xcom(audit_of(part))))))
        for merged in (directly.as_dict(), through_xcom.as_dict()):
            assert merged.get("storage") == whole.get("storage")
            assert merged.get("owners") == whole.get("owners")
            assert merged.get("wasteful") == whole.get("wasteful")


def test_the_most_wasteful_repository_comes_first_and_not_the_largest() -> None:
    large = storage_of(stored(1, image_size_in_bytes=9 * GB, **PULLED))
    unused = storage_of(stored(1, image_size_in_bytes=2 * GB))
    value = audit_of([outcome("large", large), outcome("unused", unused), outcome("unknown", None)]).as_dict()
    assert [repository["repository_name"] for repository in value["wasteful"]] == ["unused", "large"]


def test_owners_beyond_the_first_are_counted_and_the_result_still_fits() -> None:
    storage = storage_of(stored(1, image_size_in_bytes=GB))
    outcomes = [outcome(f"team-{number}/api", storage, f"team-{number}") for number in range(MAX_OWNERS + 25)]
    value = audit_xcom(audit_of(outcomes))
    assert len(json.dumps(value)) <= MAX_AUDIT_BYTES
    assert len(value["owners"]) + value["owners_left_out"] == MAX_OWNERS + 25
    again = Audit.from_xcom(value).as_dict()
    assert again["owners_left_out"] == value["owners_left_out"]


def test_a_crowded_result_keeps_the_owners_before_the_examples() -> None:
    storage = storage_of(stored(1, image_size_in_bytes=GB))
    outcomes = [
        outcome(f"{'long-name/' * 20}{number}", storage, f"{'owner ' * 10}{number}", region_name=f"region-{number}")
        for number in range(200)
    ]
    value = audit_xcom(audit_of(outcomes))
    assert len(json.dumps(value)) <= MAX_AUDIT_BYTES
    assert value["owners"]


def test_the_result_of_an_audit_without_money_has_no_such_keys() -> None:
    assert not {"storage", "owners", "wasteful"} & set(audit_of([outcome("a", None)]).as_dict())
