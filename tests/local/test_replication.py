"""A registry that replicates copies what is pushed, and deletes in its destinations where a rule says so."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.local import LocalEcr
from tests.support.policies import keep

REPOSITORY = "payments/api"
ACCOUNT = "123456789012"
OTHER_ACCOUNT = "999999999999"
KEEP_3 = keep(3)
WEST, OTHERS_WEST = (ACCOUNT, "eu-west-1"), (OTHER_ACCOUNT, "eu-west-1")


def images(ecr: LocalEcr, place: tuple[str, str] = WEST, repository: str = REPOSITORY) -> dict[str, list[str]]:
    if repository not in ecr.backend(place[1], place[0]).repositories:
        return {}
    found = ecr.repository(repository, region_name=place[1], account_id=place[0])
    return {image.get_image_digest(): sorted(image.image_tags) for image in found.local_images}


def delete(ecr: LocalEcr, *image_ids: dict[str, str]) -> Any:
    return ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=image_ids)


@pytest.fixture
def replicated(local_ecr: LocalEcr) -> dict[str, Any]:
    local_ecr.replicate(WEST, OTHERS_WEST, prefixes=["payments/"], deletions=True)
    local_ecr.create_repository(REPOSITORY)
    old = local_ecr.push(REPOSITORY, tags=["v1", "old"], pushed_days_ago=90, last_pull_days_ago=3)
    return {"old": old, "list": local_ecr.push_manifest_list(REPOSITORY, tags=["v2"])}


def test_pushed_images_are_copied_to_repositories_of_the_same_name(local_ecr: LocalEcr, replicated: Any) -> None:
    assert images(local_ecr) == images(local_ecr, OTHERS_WEST) == images(local_ecr, (ACCOUNT, "us-east-1"))
    (copy,) = [
        image
        for image in local_ecr.repository(REPOSITORY, region_name="eu-west-1").local_images
        if image.get_image_digest() == replicated["old"]
    ]
    assert (copy.registry_id, copy.last_recorded_pull_time) == (ACCOUNT, None)
    assert copy.image_pushed_at > local_ecr.now.timestamp() - 60


def test_images_that_a_client_pushes_are_copied_too(local_ecr: LocalEcr, replicated: Any) -> None:
    manifest = (
        local_ecr.repository(REPOSITORY)
        .find({"imageTag": "v1"})
        .image_manifest.replace('"schemaVersion":', '"schemaVersion": ')
    )
    pushed = local_ecr.client().put_image(repositoryName=REPOSITORY, imageManifest=manifest, imageTag="v3")["image"]
    assert images(local_ecr)[pushed["imageId"]["imageDigest"]] == ["v3"]


def test_a_tag_that_moves_moves_in_the_destination_too(local_ecr: LocalEcr, replicated: Any) -> None:
    new = local_ecr.push(REPOSITORY, tags=["v1"])
    assert (images(local_ecr)[replicated["old"]], images(local_ecr)[new]) == (["old"], ["v1"])


def test_a_rule_covers_the_repositories_whose_names_begin_with_a_prefix(local_ecr: LocalEcr) -> None:
    local_ecr.replicate(WEST, prefixes=["shop/"])
    for name in (REPOSITORY, "shop/web"):
        local_ecr.create_repository(name)
        local_ecr.push(name)
    assert (images(local_ecr), len(images(local_ecr, WEST, "shop/web"))) == ({}, 1)


def test_a_deletion_by_digest_deletes_the_image_and_all_its_tags_everywhere(
    local_ecr: LocalEcr, replicated: Any
) -> None:
    local_ecr.repository(REPOSITORY, region_name="eu-west-1").find({"imageTag": "old"}).update_tag("only-here")
    delete(local_ecr, {"imageDigest": replicated["old"]})
    assert replicated["old"] not in images(local_ecr) | images(local_ecr, OTHERS_WEST)


def test_a_tag_that_is_removed_is_removed_everywhere(local_ecr: LocalEcr, replicated: Any) -> None:
    delete(local_ecr, {"imageTag": "old"})
    assert images(local_ecr)[replicated["old"]] == ["v1"]
    delete(local_ecr, {"imageTag": "v1"})
    assert replicated["old"] not in images(local_ecr)


def test_a_manifest_list_goes_with_its_images(local_ecr: LocalEcr, replicated: Any) -> None:
    pushed = replicated["list"]
    delete(local_ecr, *({"imageDigest": digest} for digest in (pushed.image_digest, *pushed.children)))
    assert list(images(local_ecr)) == [replicated["old"]]


def test_images_that_a_policy_expires_are_deleted_everywhere(local_ecr: LocalEcr, replicated: Any) -> None:
    local_ecr.put_policy(REPOSITORY, KEEP_3)
    local_ecr.run_lifecycle_policies(REPOSITORY)
    assert images(local_ecr) == images(local_ecr, OTHERS_WEST) == images(local_ecr, (ACCOUNT, "us-east-1"))
    assert replicated["old"] not in images(local_ecr)


def test_an_image_that_cannot_be_deleted_stays_everywhere(local_ecr: LocalEcr, replicated: Any) -> None:
    (child, _) = replicated["list"].children
    assert delete(local_ecr, {"imageDigest": child})["failures"]
    assert child in images(local_ecr)


def test_without_deletions_the_destination_keeps_everything(local_ecr: LocalEcr) -> None:
    local_ecr.replicate(WEST)
    local_ecr.create_repository(REPOSITORY)
    digest = local_ecr.push(REPOSITORY)
    delete(local_ecr, {"imageDigest": digest})
    assert list(images(local_ecr)) == [digest]


def test_neither_a_replica_nor_its_deletion_is_replicated_any_further(local_ecr: LocalEcr) -> None:
    local_ecr.replicate(WEST, deletions=True)
    local_ecr.replicate((ACCOUNT, "eu-north-1"), deletions=True, region_name="eu-west-1")
    local_ecr.create_repository(REPOSITORY)
    digest = local_ecr.push(REPOSITORY)
    assert images(local_ecr, (ACCOUNT, "eu-north-1")) == {}
    local_ecr.create_repository(REPOSITORY, region_name="eu-north-1")
    assert local_ecr.push(REPOSITORY, region_name="eu-north-1")
    delete(local_ecr, {"imageDigest": digest})
    assert (images(local_ecr), len(images(local_ecr, (ACCOUNT, "eu-north-1")))) == ({}, 1)


def test_the_rules_come_back_as_they_were_put_whatever_botocore_knows(local_ecr: LocalEcr) -> None:
    rule = {
        "destinations": [{"registryId": OTHER_ACCOUNT, "region": "eu-west-1"}],
        "repositoryFilters": [{"filter": "a", "filterType": "PREFIX_MATCH"}],
        "deleteReplication": {"enabled": True},
    }
    other = {"destinations": [{"registryId": OTHER_ACCOUNT, "region": "eu-north-1"}]}
    answer = call(local_ecr, "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [rule, other]}})
    assert answer == {"replicationConfiguration": {"rules": [rule, other]}}
    assert call(local_ecr, "DescribeRegistry", {})["replicationConfiguration"] == {"rules": [rule, other]}
    assert len(local_ecr.client().describe_registry()["replicationConfiguration"]["rules"]) == 2


@pytest.mark.parametrize(
    "rules",
    [
        [{"destinations": [{"registryId": ACCOUNT, "region": "us-east-1"}]}],
        [{"destinations": [{"registryId": ACCOUNT, "region": "eu-west-1"}]}] * 26,
    ],
)
def test_rules_that_ecr_refuses_are_refused(local_ecr: LocalEcr, rules: Any) -> None:
    with pytest.raises(ClientError) as refused:
        local_ecr.client().put_replication_configuration(replicationConfiguration={"rules": rules})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def call(ecr: LocalEcr, operation: str, parameters: dict[str, Any]) -> Any:
    """Call an operation past botocore, whose model may lack a field."""
    request = urllib.request.Request(
        ecr.endpoint_url,
        json.dumps(parameters).encode(),
        {
            "X-Amz-Target": f"AmazonEC2ContainerRegistry_V20150921.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIALOCALECRTESTONLY/20260101/us-east-1/ecr/aws4_request",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)


@pytest.mark.parametrize("setting", [True, "yes", [], {}, {"enabled": None}, {"enabled": 1}, {"enabled": "yes"}])
def test_a_delete_replication_of_another_shape_is_refused(local_ecr: LocalEcr, setting: object) -> None:
    destination = {"region": "eu-west-1", "registryId": ACCOUNT}
    rule = {"destinations": [destination], "deleteReplication": setting}
    with pytest.raises(HTTPError, match="400"):
        call(local_ecr, "PutReplicationConfiguration", {"replicationConfiguration": {"rules": [rule]}})
