"""Account settings, pull-through cache rules, and where an image was replicated to."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.local import LocalEcr

pytestmark = pytest.mark.changes_registry

REPOSITORY = "team/api"
QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    return str(refused.value.response["Error"]["Code"])


def test_an_account_setting_stays_as_it_was_put(local_ecr: LocalEcr) -> None:
    client, elsewhere = local_ecr.client(), local_ecr.client(region_name="eu-west-1")
    assert client.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    client.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert client.get_account_setting(name="BLOB_MOUNTING")["value"] == "ENABLED"
    assert elsewhere.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    local_ecr.reset()
    assert client.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"


def test_a_setting_or_value_that_does_not_exist_is_refused(local_ecr: LocalEcr) -> None:
    client = local_ecr.client()
    assert code_of(client.get_account_setting, name="COLOUR") == "InvalidParameterException"
    assert code_of(client.put_account_setting, name="BLOB_MOUNTING", value="MAYBE") == "InvalidParameterException"


def test_a_pull_through_cache_rule_can_be_created_changed_listed_and_deleted(local_ecr: LocalEcr) -> None:
    client = local_ecr.client()
    assert client.create_pull_through_cache_rule(**QUAY)["upstreamRegistry"] == "quay"
    assert code_of(client.create_pull_through_cache_rule, **QUAY) == "PullThroughCacheRuleAlreadyExistsException"
    role = "arn:aws:iam::123456789012:role/pull"
    assert (
        client.update_pull_through_cache_rule(ecrRepositoryPrefix="quay", customRoleArn=role)["customRoleArn"] == role
    )
    (rule,) = client.describe_pull_through_cache_rules(ecrRepositoryPrefixes=["quay"])["pullThroughCacheRules"]
    assert (rule["upstreamRegistryUrl"], rule["customRoleArn"]) == ("quay.io", role)
    client.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    assert client.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    missing = {"ecrRepositoryPrefix": "quay"}
    assert code_of(client.delete_pull_through_cache_rule, **missing) == "PullThroughCacheRuleNotFoundException"
    assert code_of(client.update_pull_through_cache_rule, **missing) == "PullThroughCacheRuleNotFoundException"
    named = {"ecrRepositoryPrefixes": ["quay"]}
    assert code_of(client.describe_pull_through_cache_rules, **named) == "PullThroughCacheRuleNotFoundException"


def test_cache_rules_come_in_pages(local_ecr: LocalEcr) -> None:
    client = local_ecr.client()
    for number in range(5):
        client.create_pull_through_cache_rule(ecrRepositoryPrefix=f"quay{number}", upstreamRegistryUrl="quay.io")
    pages = client.get_paginator("describe_pull_through_cache_rules").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["pullThroughCacheRules"]) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ecrRepositoryPrefix": "Not A Prefix"}, "InvalidParameterException"),
        ({"upstreamRegistryUrl": "example.com"}, "UnsupportedUpstreamRegistryException"),
        ({"upstreamRegistry": "k8s"}, "UnsupportedUpstreamRegistryException"),
    ],
)
def test_a_cache_rule_that_ecr_refuses(local_ecr: LocalEcr, changed: dict[str, str], code: str) -> None:
    assert code_of(local_ecr.client().create_pull_through_cache_rule, **{**QUAY, **changed}) == code


def test_the_status_of_replication_names_the_copies(local_ecr: LocalEcr) -> None:
    client = local_ecr.client()
    local_ecr.create_repository(REPOSITORY)
    before = local_ecr.push(REPOSITORY)
    local_ecr.replicate(("210987654321", "eu-west-1"))

    def places(digest: str) -> list[tuple[str, str, str]]:
        answer = client.describe_image_replication_status(repositoryName=REPOSITORY, imageId={"imageDigest": digest})
        return [(status["registryId"], status["region"], status["status"]) for status in answer["replicationStatuses"]]

    assert places(before) == []
    copied = local_ecr.push(REPOSITORY)
    assert places(copied) == [("210987654321", "eu-west-1", "COMPLETE")]
    assert places(before) == []
    missing = {"repositoryName": REPOSITORY, "imageId": {"imageTag": "none"}}
    assert code_of(client.describe_image_replication_status, **missing) == "ImageNotFoundException"
