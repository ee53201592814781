from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.local import LocalEcr, Refused, TruncatedBody
from airflow_provider_ecr_preview.operators.ecr_repositories import EcrListRepositoriesOperator
from tests.support.policies import keep

POLICY = keep(10)


@pytest.fixture
def registry(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository("web/search", tags={"team": "web"}, policy=POLICY)
    local_ecr.create_repository("payments/worker", tags={"team": "payments", "env": "prod"})
    local_ecr.create_repository("payments/api", tags={"team": "payments"}, policy=POLICY)
    local_ecr.create_repository("payments/sepa", region_name="eu-west-1")
    local_ecr.calls.clear()
    return local_ecr


def listed(**kwargs: Any) -> Any:
    return EcrListRepositoriesOperator(task_id="list", **kwargs).execute({})


def test_every_repository_is_listed_by_name_with_one_call(registry: LocalEcr) -> None:
    assert listed() == ["payments/api", "payments/worker", "web/search"]
    assert registry.calls.operations == {"DescribeRepositories": 1}


def test_a_registry_of_several_pages_is_listed_whole(registry: LocalEcr) -> None:
    names = [f"batch/{number:04}" for number in range(1_200)]
    for name in names:
        registry.create_repository(name)
    registry.calls.clear()
    assert listed(include="batch/*") == names
    assert registry.calls.operations == {"DescribeRepositories": 2}


def test_globs_choose_by_name(registry: LocalEcr) -> None:
    assert listed(include=["payments/*"], exclude="*/worker") == ["payments/api"]


def test_tags_select_and_are_read_only_if_the_name_matches(registry: LocalEcr) -> None:
    assert listed(include="payments/*", tags={"team": "payments", "env": None}) == ["payments/worker"]
    assert registry.calls.operations == {"DescribeRepositories": 1, "ListTagsForResource": 2}


@pytest.mark.parametrize(
    ("with_policy", "names"), [(True, ["payments/api", "web/search"]), (False, ["payments/worker"])]
)
def test_repositories_with_or_without_a_policy_are_chosen(
    registry: LocalEcr, with_policy: bool, names: list[str]
) -> None:
    assert listed(with_policy=with_policy) == names
    assert registry.calls.operations == {"DescribeRepositories": 1, "GetLifecyclePolicy": 3}


def test_batches_keep_the_order(registry: LocalEcr) -> None:
    assert listed(batch_size=2) == [["payments/api", "payments/worker"], ["web/search"]]


def test_regions_are_listed_into_arguments_of_mapped_audits(registry: LocalEcr) -> None:
    assert listed(region_names="us-east-1, eu-west-1, us-west-2") == [
        {"region_name": "us-east-1", "repository_names": ["payments/api", "payments/worker", "web/search"]},
        {"region_name": "eu-west-1", "repository_names": ["payments/sepa"]},
    ]
    assert len(listed(region_names=["us-east-1", "eu-west-1"], batch_size=2)) == 3


def test_a_batch_size_that_a_form_leaves_empty_makes_batches_all_the_same(registry: LocalEcr) -> None:
    assert listed(batch_size="") == [["payments/api", "payments/worker", "web/search"]]
    assert listed(batch_size="2") == [["payments/api", "payments/worker"], ["web/search"]]


@pytest.mark.parametrize("region_names", ["", " ", "None", "null"])
def test_regions_that_a_form_leaves_empty_are_that_of_the_connection_in_the_same_shape(
    registry: LocalEcr, region_names: str
) -> None:
    [batch] = listed(region_names=region_names)
    assert batch == {"region_name": "us-east-1", "repository_names": ["payments/api", "payments/worker", "web/search"]}


def test_more_batches_than_airflow_maps_over_are_refused_with_the_batch_size_that_fits(
    registry: LocalEcr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "2")
    with pytest.raises(
        ValueError, match=r"3 batches of .*, but Airflow maps over at most 2 .* batch_size to 2 or more"
    ):
        listed(batch_size=1)
    with pytest.raises(ValueError, match="batch_size to 3 or more"):
        listed(batch_size=1, region_names="us-east-1,eu-west-1")
    assert len(listed(batch_size=2)) == 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": "many"}, "batch_size is 'many'"),
        ({"region_names": []}, "region_names is empty"),
        ({"registry_id": "my-registry"}, "registry_id is 'my-registry'"),
        ({"with_policy": "yes"}, "with_policy is 'yes'"),
        ({"include": ["None"]}, "include holds 'None'"),
    ],
)
def test_an_invalid_parameter_is_an_error_before_any_call(
    registry: LocalEcr, arguments: dict[str, Any], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        listed(**arguments)
    assert not len(registry.calls)


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        ("DescribeRepositories", {}),
        ("ListTagsForResource", {"tags": {"team": None}}),
        ("GetLifecyclePolicy", {"with_policy": True}),
    ],
)
def test_an_answer_that_is_denied_is_an_error_that_names_the_action(
    registry: LocalEcr, action: str, arguments: dict[str, Any]
) -> None:
    registry.deny(f"ecr:{action}")
    with pytest.raises(exceptions.AccessDeniedError, match=f"may not ecr:{action}.*Allow it in IAM"):
        listed(**arguments)


def test_one_denied_repository_is_not_dropped_silently(registry: LocalEcr) -> None:
    registry.deny("ecr:GetLifecyclePolicy", "payments/worker")
    with pytest.raises(exceptions.AccessDeniedError, match="payments/worker"):
        listed(with_policy=False)


def test_a_repository_that_is_deleted_meanwhile_is_left_out(registry: LocalEcr) -> None:
    registry.inject(Refused("RepositoryNotFoundException"), "GetLifecyclePolicy", "payments/worker")
    assert listed(with_policy=False) == []


@pytest.mark.parametrize("operation", ["DescribeRepositories", "ListTagsForResource"])
def test_a_truncated_response_is_read_again(registry: LocalEcr, operation: str) -> None:
    registry.inject(TruncatedBody(), operation)
    assert listed(tags={"team": "web"}) == ["web/search"]


def test_answers_that_stay_cut_off_are_an_error(registry: LocalEcr) -> None:
    registry.inject(TruncatedBody(), "DescribeRepositories", calls=None)
    with pytest.raises(exceptions.EcrUnreachableError, match="cut off"):
        listed()


def test_a_throttled_answer_is_waited_for(registry: LocalEcr) -> None:
    registry.inject(Refused("ThrottleException", "Rate exceeded", 400), "GetLifecyclePolicy", calls=1)
    with mock.patch("airflow_provider_ecr_preview.aws.retries._delay", return_value=0.01):
        assert listed(with_policy=False) == ["payments/worker"]


def test_every_template_field_is_an_attribute() -> None:
    operator = EcrListRepositoriesOperator(task_id="list")
    assert all(hasattr(operator, field) for field in operator.template_fields)


@pytest.mark.parametrize("more", [{}, {"batch_size": 5}, {"region_names": ["us-east-1", "eu-west-1"]}])
def test_a_selection_of_no_repository_is_a_warning_or_an_error(
    registry: LocalEcr, capsys: pytest.CaptureFixture[str], more: dict[str, Any]
) -> None:
    assert listed(include="none/*", **more) == []
    assert "no repository to audit" in capsys.readouterr().out
    with pytest.raises(exceptions.NoRepositoriesError, match="Check the globs"):
        listed(include="none/*", on_no_repositories="fail", **more)


def test_a_region_without_repositories_is_not_an_error_if_another_has_some(registry: LocalEcr) -> None:
    regions = ["us-east-1", "eu-west-1", "us-west-2"]
    assert listed(include="payments/sepa", region_names=regions, on_no_repositories="fail") == [
        {"region_name": "eu-west-1", "repository_names": ["payments/sepa"]}
    ]
