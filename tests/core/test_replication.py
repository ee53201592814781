"""Which replication rules delete in other registries what is deleted in a repository."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.replication import RegistryReplication, destinations_named
from airflow_provider_ecr_preview.core.repository import RepositoryId

ACCOUNT = "123456789012"
REPOSITORY = RepositoryId(ACCOUNT, "us-east-1", "payments/api")
WEST = {"registryId": ACCOUNT, "region": "eu-west-1"}
OTHERS = {"registryId": "999999999999", "region": "us-east-1"}


def replicas(*rules: Any) -> list[tuple[str, str]]:
    """Return where the images of the repository are deleted, too."""
    response = {"registryId": ACCOUNT, "replicationConfiguration": {"rules": [*rules]}}
    found = RegistryReplication.from_response(response, "us-east-1").replicas_of(REPOSITORY)
    assert all(replica.repository_name == REPOSITORY.repository_name for replica in found)
    return [(replica.registry_id, replica.region_name) for replica in found]


def rule(*destinations: dict[str, str], deletions: Any = None, prefixes: Any = None) -> dict[str, Any]:
    value: dict[str, Any] = {"destinations": [*destinations]}
    if deletions is not None:
        value["deleteReplication"] = deletions
    if prefixes is not None:
        value["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in prefixes]
    return value


ON = {"enabled": True}


@pytest.mark.parametrize(
    ("setting", "is_on"),
    [
        (None, False),
        ({"enabled": False}, False),
        (ON, True),
        ({"enabled": None}, True),
        ({"enabled": "false"}, True),
        ({"enabled": 0}, True),
        ({"mode": "SOFT"}, True),
        ({}, True),
        (True, True),
        (False, True),
        ("DISABLED", True),
        ([], True),
    ],
)
def test_a_setting_that_is_not_known_counts_as_deletions_that_are_replicated(setting: Any, is_on: bool) -> None:
    assert replicas(rule(WEST, deletions=setting)) == ([(ACCOUNT, "eu-west-1")] if is_on else [])
    assert replicas({"destinations": [WEST], "deleteReplication": setting}) == replicas(rule(WEST, deletions=setting))


@pytest.mark.parametrize(
    ("prefixes", "is_covered"),
    [
        (None, True),
        ([], True),
        (["payments/"], True),
        (["payments/api"], True),
        (["shop/", "pay"], True),
        (["shop/"], False),
        (["payments/api/v2"], False),
        (["Payments"], False),
        (["api"], False),
    ],
)
def test_a_rule_covers_the_repositories_whose_names_begin_with_a_prefix(prefixes: Any, is_covered: bool) -> None:
    assert bool(replicas(rule(WEST, deletions=ON, prefixes=prefixes))) is is_covered


@pytest.mark.parametrize(
    "filters",
    [
        [{"filter": "*", "filterType": "WILDCARD"}],
        [{"filter": "shop/", "filterType": "PREFIX_MATCH"}, {"filter": "x", "filterType": "SUFFIX_MATCH"}],
        [{"filter": None, "filterType": "PREFIX_MATCH"}],
        ["shop/"],
    ],
)
def test_a_filter_that_is_not_known_may_be_for_any_repository(filters: Any) -> None:
    assert replicas({"destinations": [WEST], "deleteReplication": ON, "repositoryFilters": filters})


def test_the_destinations_of_all_rules_with_deletions_count_once_each() -> None:
    rules = [
        rule(WEST, OTHERS, deletions=ON),
        rule(WEST, deletions=ON, prefixes=["payments/"]),
        rule({**WEST, "region": "eu-north-1"}),
        rule({**WEST, "region": "ap-south-1"}, deletions=ON, prefixes=["shop/"]),
    ]
    assert replicas(*rules) == [(ACCOUNT, "eu-west-1"), ("999999999999", "us-east-1")]


@pytest.mark.parametrize("configuration", [{}, {"replicationConfiguration": None}])
def test_a_registry_without_replication_replicates_nothing(configuration: Any) -> None:
    found = RegistryReplication.from_response({"registryId": ACCOUNT, **configuration}, "us-east-1")
    assert found == RegistryReplication(ACCOUNT, "us-east-1")
    assert found.replicas_of(REPOSITORY) == []


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"registryId": None},
        {"registryId": ACCOUNT, "replicationConfiguration": {}},
        {"registryId": ACCOUNT, "replicationConfiguration": {"rules": None}},
        {"registryId": ACCOUNT, "replicationConfiguration": {"rules": {"a": 1}}},
        {"registryId": ACCOUNT, "replicationConfiguration": {"rules": ["x"]}},
        {"registryId": ACCOUNT, "replicationConfiguration": {"rules": [{"deleteReplication": ON}]}},
        {"registryId": ACCOUNT, "replicationConfiguration": {"rules": [rule({"registryId": ACCOUNT}, deletions=ON)]}},
        {"registryId": ACCOUNT, "replicationConfiguration": {"rules": [rule({**WEST, "region": 3}, deletions=ON)]}},
        {
            "registryId": ACCOUNT,
            "replicationConfiguration": {"rules": [{**rule(WEST, deletions=ON), "repositoryFilters": "x"}]},
        },
    ],
)
def test_an_answer_of_another_shape_is_no_answer(response: Any) -> None:
    with pytest.raises((KeyError, TypeError)):
        RegistryReplication.from_response(response, "us-east-1")


def test_a_message_names_the_first_destinations() -> None:
    found = [RepositoryId(ACCOUNT, f"eu-west-{number}", "a/b") for number in range(7)]
    assert destinations_named(found[:2]) == f"{ACCOUNT}/eu-west-0, {ACCOUNT}/eu-west-1"
    assert destinations_named(found).endswith(" and 2 more")


names = st.text("abc/", min_size=2, max_size=6)
settings = st.sampled_from([None, {"enabled": False}, ON])


@given(
    st.lists(
        st.tuples(st.lists(names, max_size=3), settings, st.sets(st.sampled_from("wxyz"), max_size=3)), max_size=5
    ),
    names,
)
def test_a_replica_is_where_any_rule_says_so(rules: Any, name: str) -> None:
    response = {
        "registryId": ACCOUNT,
        "replicationConfiguration": {
            "rules": [
                rule(*({**WEST, "region": region} for region in regions), deletions=setting, prefixes=prefixes)
                for prefixes, setting, regions in rules
            ]
        },
    }
    found = RegistryReplication.from_response(response, "us-east-1").replicas_of(RepositoryId(ACCOUNT, "r", name))
    expected = {
        region
        for prefixes, setting, regions in rules
        if setting == ON and (not prefixes or any(name[: len(prefix)] == prefix for prefix in prefixes))
        for region in regions
    }
    assert [replica.region_name for replica in found] == sorted(expected)
