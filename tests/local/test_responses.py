"""Every operation that is served answers in the shape that botocore's model has for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.coverage import OF_MOTO
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST, MANIFEST_LIST
from airflow_provider_ecr_preview.local.operations import OPERATIONS
from airflow_provider_ecr_preview.local.seed_policies import ARCHIVE_UNUSED, UNTAGGED
from tests.support.response_shapes import wrong_reply

pytestmark = pytest.mark.changes_registry

TEAM = {"repositoryName": "team/api"}
ARN = {"resourceArn": "arn:aws:ecr:us-east-1:123456789012:repository/team/api"}
ROLE = {"principalArn": "arn:aws:iam::123456789012:role/scanner"}
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": {"size": 7}, "layers": []})
PRINCIPAL = {"Sid": "all", "Effect": "Allow", "Principal": "*"}
REPOSITORY_POLICY = {"Version": "2012-10-17", "Statement": [{**PRINCIPAL, "Action": ["ecr:BatchGetImage"]}]}
REGISTRY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            **PRINCIPAL,
            "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
            "Action": ["ecr:ReplicateImage"],
            "Resource": "*",
        }
    ],
}


def call_everything(ecr: LocalEcr) -> None:
    """Call every operation that is served, most of them on repositories that have something to show."""
    client = ecr.client()
    client.create_repository(**TEAM, tags=[{"Key": "a", "Value": "b"}], imageScanningConfiguration={"scanOnPush": True})
    upload = client.initiate_layer_upload(**TEAM)["uploadId"]
    client.upload_layer_part(**TEAM, uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"layer")
    layer = client.complete_layer_upload(**TEAM, uploadId=upload, layerDigests=["sha256:" + "0" * 64])["layerDigest"]
    client.batch_check_layer_availability(**TEAM, layerDigests=[layer, "sha256:" + "1" * 64])
    child = client.put_image(**TEAM, imageManifest=MANIFEST)["image"]["imageId"]
    listed = json.dumps({"mediaType": MANIFEST_LIST, "manifests": [{"digest": child["imageDigest"]}]})
    client.put_image(**TEAM, imageManifest=listed, imageTag="v1")
    ecr.push("team/api", subject=child["imageDigest"], artifact_media_type="type/sbom")
    ecr.push("team/api", tags=["old"], pushed_days_ago=500, archived_days_ago=400, restored_days_ago=300)
    archived = ecr.push("team/api", pushed_days_ago=500, archived_days_ago=400)
    client.batch_get_image(**TEAM, imageIds=[child, {"imageTag": "none"}, {"imageDigest": archived}])
    client.list_images(**TEAM, maxResults=1)
    client.list_image_referrers(**TEAM, subjectId=child)
    client.describe_images(**TEAM, filter={"imageStatus": "ANY"})
    client.describe_repositories(maxResults=1)
    call_policies(ecr)
    newest = {"imageDigest": ecr.push("team/api", tags=["v2"])}
    client.start_image_scan(**TEAM, imageId=newest)
    client.describe_image_scan_findings(**TEAM, imageId=newest)
    client.update_image_storage_class(**TEAM, imageId=newest, targetStorageClass="ARCHIVE")
    client.batch_delete_image(**TEAM, imageIds=[newest, child, {"imageTag": "none"}])
    call_settings(ecr)
    client.delete_repository(**TEAM, force=True)


def call_policies(ecr: LocalEcr) -> None:
    client = ecr.client()
    client.put_lifecycle_policy(**TEAM, lifecyclePolicyText=json.dumps(ARCHIVE_UNUSED))
    client.start_lifecycle_policy_preview(**TEAM)
    client.get_lifecycle_policy_preview(**TEAM)
    ecr.run_lifecycle_policies()
    client.get_lifecycle_policy(**TEAM)
    client.delete_lifecycle_policy(**TEAM)
    client.set_repository_policy(**TEAM, policyText=json.dumps(REPOSITORY_POLICY))
    client.get_repository_policy(**TEAM)
    client.delete_repository_policy(**TEAM)
    client.put_registry_policy(policyText=json.dumps(REGISTRY_POLICY))
    client.get_registry_policy()
    client.delete_registry_policy()


def call_settings(ecr: LocalEcr) -> None:
    client = ecr.client()
    client.put_image_tag_mutability(**TEAM, imageTagMutability="IMMUTABLE")
    client.put_image_scanning_configuration(**TEAM, imageScanningConfiguration={"scanOnPush": True})
    client.put_registry_scanning_configuration(scanType="BASIC", rules=[])
    client.get_registry_scanning_configuration()
    client.batch_get_repository_scanning_configuration(repositoryNames=["team/api", "team/none"])
    client.list_tags_for_resource(**ARN)
    client.tag_resource(**ARN, tags=[{"Key": "c", "Value": "d"}])
    client.untag_resource(**ARN, tagKeys=["a"])
    client.get_authorization_token()
    destination = {"region": "eu-west-1", "registryId": "123456789012"}
    client.put_replication_configuration(replicationConfiguration={"rules": [{"destinations": [destination]}]})
    client.describe_registry()
    replicated = {"imageDigest": ecr.push("team/api")}
    client.describe_image_replication_status(**TEAM, imageId=replicated)
    client.get_account_setting(name="BLOB_MOUNTING")
    client.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    client.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    client.update_pull_through_cache_rule(ecrRepositoryPrefix="quay", customRoleArn="arn:aws:iam::123456789012:role/r")
    client.describe_pull_through_cache_rules()
    client.delete_pull_through_cache_rule(ecrRepositoryPrefix="quay")
    client.create_repository_creation_template(
        prefix="team",
        appliedFor=["REPLICATION", "CREATE_ON_PUSH"],
        description="All",
        lifecyclePolicy=json.dumps(UNTAGGED),
        resourceTags=[{"Key": "a", "Value": "b"}],
        encryptionConfiguration={"encryptionType": "AES256"},
    )
    client.update_repository_creation_template(prefix="team", description="Some")
    client.describe_repository_creation_templates()
    client.delete_repository_creation_template(prefix="team")
    client.register_pull_time_update_exclusion(**ROLE)
    client.list_pull_time_update_exclusions()
    client.deregister_pull_time_update_exclusion(**ROLE)


def test_every_operation_that_is_served_answers_as_the_model_says(
    local_ecr: LocalEcr, replies: list[tuple[str, str]]
) -> None:
    call_everything(local_ecr)
    assert {operation for operation, outcome in replies if outcome == "OK"} == {*OPERATIONS, *OF_MOTO}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"imageIds": "none"}, "not of type list"),
        ({"imageIds": [{"imageDigest": 1}]}, "not of type string"),
        ({"images": []}, "not in the model"),
        ([], "not of type structure"),
    ],
)
def test_a_reply_that_breaks_the_model_is_noticed(body: Any, complaint: str) -> None:
    (wrong,) = wrong_reply("ListImages", 200, json.dumps(body).encode(), "OK")
    assert complaint in wrong


def test_an_error_that_an_operation_does_not_have_is_noticed() -> None:
    assert wrong_reply("ListImages", 400, b"{}", "RepositoryNotFoundException") == []
    assert len(wrong_reply("ListImages", 400, b"{}", "LayersNotFoundException")) == 1
    assert len(wrong_reply("ListImages", 500, b"{}", "RepositoryNotFoundException")) == 1
