"""Every operator has a link, to the console of the AWS partition of the Region, and none where there is nothing to see."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from airflow.sdk import BaseOperator

from airflow_provider_ecr_preview.links.audit import EcrAuditReportLink
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink, EcrRepositoryLink
from tests.support.operators import registered_operators

HOSTS = {
    "eu-west-1": "console.aws.amazon.com",
    "cn-north-1": "console.amazonaws.cn",
    "us-gov-west-1": "console.amazonaws-us-gov.com",
    "eusc-de-east-1": "console.amazonaws-eusc.eu",
}
PARTITIONS = {"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc"}


class XComs(dict[str, Any]):
    """The XComs of the task, under the name that links read."""

    def get_value(self, *, key: str, ti_key: object) -> Any:
        del ti_key
        return self.get(key)


@pytest.fixture
def xcoms(monkeypatch: pytest.MonkeyPatch) -> XComs:
    pushed = XComs()
    for module in (
        "airflow_provider_ecr_preview.links.ecr",
        "airflow_provider_ecr_preview.links.audit",
        "airflow.providers.amazon.aws.links.base_aws",
    ):
        monkeypatch.setattr(f"{module}.XCom", pushed)
    return pushed


def link(of: Any) -> Any:
    return of.get_link(mock.Mock(), ti_key=mock.Mock())


@pytest.mark.parametrize("operator", sorted(set(registered_operators()), key=lambda operator: operator.__name__))
def test_every_operator_has_a_link(operator: type[BaseOperator]) -> None:
    assert operator.operator_extra_links


@pytest.mark.parametrize(("region_name", "host"), HOSTS.items())
def test_the_repository_opens_in_the_console_of_its_partition(xcoms: XComs, region_name: str, host: str) -> None:
    ti = mock.Mock(spec=["xcom_push"])
    EcrRepositoryLink.persist(
        context={"ti": ti},  # type: ignore[typeddict-item]  # all that is used
        operator=mock.Mock(do_xcom_push=True),
        region_name=region_name,
        aws_partition=PARTITIONS[region_name],
        registry_id="123456789012",
        repository_name="payments/api",
    )
    [call] = ti.xcom_push.call_args_list
    xcoms[call.kwargs["key"]] = call.kwargs["value"]
    assert call.kwargs["key"] == "ecr_repository"
    assert set(call.kwargs["value"]) == {"aws_domain", "region_name", "registry_id", "repository_name"}
    assert link(EcrRepositoryLink()) == (
        f"https://{host}/ecr/repositories/private/123456789012/payments/api?region={region_name}"
    )


@pytest.mark.parametrize(("region_name", "host"), HOSTS.items())
@pytest.mark.parametrize(
    "result",
    [
        {"registries": [{"region_name": "REGION"}], "top": []},
        {"repositories": [{"region_name": "REGION"}, {"region_name": "REGION"}]},
        {"region_name": "REGION"},
        [{"region_name": "REGION", "repository_names": ["a"]}],
    ],
    ids=["audit", "change", "summary", "batches"],
)
def test_the_registry_opens_in_the_console_of_its_partition(
    xcoms: XComs, region_name: str, host: str, result: Any
) -> None:
    xcoms["return_value"] = _in_region(result, region_name)
    assert link(EcrRegistryLink()) == f"https://{host}/ecr/private-registry/repositories?region={region_name}"


def _in_region(value: Any, region_name: str) -> Any:
    if isinstance(value, dict):
        return {key: _in_region(item, region_name) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_region(item, region_name) for item in value]
    return region_name if value == "REGION" else value


@pytest.mark.parametrize(
    "result",
    [
        None,
        ["payments/api"],
        {"repositories": []},
        {"repositories": [{"region_name": "eu-west-1"}, {"region_name": "us-east-1"}]},
        {"region_name": "us-iso-east-1"},
        {"region_name": "moon"},
    ],
    ids=["no result", "names", "no repositories", "two Regions", "no public console", "no Region"],
)
def test_there_is_no_link_where_there_is_nothing_to_open(xcoms: XComs, result: Any) -> None:
    xcoms["return_value"] = result
    assert not link(EcrRegistryLink())


def test_a_repository_without_a_public_console_has_no_link(xcoms: XComs) -> None:
    xcoms["ecr_repository"] = {
        "aws_domain": None,
        "region_name": "us-iso-east-1",
        "registry_id": "1",
        "repository_name": "a",
    }
    assert not link(EcrRepositoryLink())


@pytest.mark.parametrize(
    ("region_name", "url"),
    [
        ("eu-west-1", "https://s3.console.aws.amazon.com/s3/object/reports?prefix=ecr/a.md"),
        ("cn-north-1", "https://console.amazonaws.cn/s3/object/reports?prefix=ecr/a.md"),
        ("us-gov-west-1", "https://console.amazonaws-us-gov.com/s3/object/reports?prefix=ecr/a.md"),
        ("us-iso-east-1", ""),
    ],
)
def test_the_report_on_s3_opens_in_the_console_of_the_partition(xcoms: XComs, region_name: str, url: str) -> None:
    xcoms["return_value"] = {
        "report_uri": "s3://aws_default@reports/ecr/a.md",
        "registries": [{"registry_id": "123456789012", "region_name": region_name}],
    }
    assert link(EcrAuditReportLink()) == url
