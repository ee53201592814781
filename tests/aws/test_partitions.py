from __future__ import annotations

import pytest

from airflow_provider_ecr_preview.aws.partitions import console_host, is_region, partition_of


@pytest.mark.parametrize(
    ("region_name", "partition", "host"),
    [
        ("eu-west-1", "aws", "console.aws.amazon.com"),
        ("eu-west-9", "aws", "console.aws.amazon.com"),
        ("cn-northwest-1", "aws-cn", "console.amazonaws.cn"),
        ("us-gov-east-1", "aws-us-gov", "console.amazonaws-us-gov.com"),
        ("eusc-de-east-1", "aws-eusc", "console.amazonaws-eusc.eu"),
        ("us-iso-east-1", "aws-iso", None),
        ("moon", None, None),
    ],
)
def test_the_console_is_that_of_the_partition_of_the_region(
    region_name: str, partition: str | None, host: str | None
) -> None:
    assert partition_of(region_name) == partition
    assert console_host(partition) == host


@pytest.mark.parametrize(
    "region_name", ["eu-cental-1", "europe", "", "us-east", "EU-WEST-1", "eu-west-1 ", "us-east-1a"]
)
def test_a_misspelt_region_is_none(region_name: str) -> None:
    assert not is_region(region_name)
