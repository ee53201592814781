"""Creation templates, pull-time exclusions, referrers, and operations that are not served."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST
from airflow_provider_ecr_preview.local.seed_policies import UNTAGGED

pytestmark = pytest.mark.changes_registry

OTHER = "999999999999"
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": {"size": 7}, "layers": []})


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


class TestCreationTemplates:
    def test_replication_creates_with_the_template_of_the_longest_prefix(self, local_ecr: LocalEcr) -> None:
        there = local_ecr.client(region_name="eu-west-1")
        for prefix, policy in [("ROOT", None), ("team", None), ("team/api", UNTAGGED)]:
            more = {"lifecyclePolicy": json.dumps(policy)} if policy else {}
            there.create_repository_creation_template(
                prefix=prefix,
                appliedFor=["REPLICATION"],
                imageTagMutability="IMMUTABLE",
                resourceTags=[{"Key": "by", "Value": prefix}],
                **more,
            )
        local_ecr.replicate(("123456789012", "eu-west-1"))
        for name in ("team/api/web", "team/apix", "other"):
            local_ecr.create_repository(name)
            local_ecr.push(name, tags=["v1"])
        found = {
            repository["repositoryName"]: (
                there.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"][0]["Value"],
                repository["imageTagMutability"],
                local_ecr.repository(repository["repositoryName"], region_name="eu-west-1").lifecycle_policy is None,
            )
            for repository in there.describe_repositories()["repositories"]
        }
        assert found == {
            "team/api/web": ("team/api", "IMMUTABLE", False),
            "team/apix": ("team", "IMMUTABLE", True),
            "other": ("ROOT", "IMMUTABLE", True),
        }

    def test_a_push_creates_a_repository_where_a_template_says_so(self, local_ecr: LocalEcr) -> None:
        client = local_ecr.client()
        put = {"imageManifest": MANIFEST, "imageTag": "v1"}
        client.create_repository_creation_template(
            prefix="team", appliedFor=["CREATE_ON_PUSH"], lifecyclePolicy=json.dumps(UNTAGGED)
        )
        assert code_of(client.put_image, repositoryName="other/api", **put) == "RepositoryNotFoundException"
        client.put_image(repositoryName="team/api", **put)
        assert client.get_lifecycle_policy(repositoryName="team/api")["lifecyclePolicyText"] == json.dumps(UNTAGGED)
        assert client.initiate_layer_upload(repositoryName="team/web")["uploadId"]
        assert code_of(client.put_image, repositoryName="teams/api", **put) == "RepositoryNotFoundException"

    def test_create_describe_update_and_delete(self, local_ecr: LocalEcr) -> None:
        client = local_ecr.client()
        client.create_repository_creation_template(prefix="a", appliedFor=["REPLICATION"], description="first")
        client.create_repository_creation_template(prefix="b", appliedFor=["CREATE_ON_PUSH"])
        again = {"prefix": "a", "appliedFor": ["REPLICATION"]}
        assert code_of(client.create_repository_creation_template, **again) == "TemplateAlreadyExistsException"
        updated = client.update_repository_creation_template(prefix="a", description="second")
        assert updated["repositoryCreationTemplate"]["description"] == "second"
        pages = client.get_paginator("describe_repository_creation_templates").paginate(
            PaginationConfig={"PageSize": 1}
        )
        assert [template["prefix"] for page in pages for template in page["repositoryCreationTemplates"]] == ["a", "b"]
        (only,) = client.describe_repository_creation_templates(prefixes=["b"])["repositoryCreationTemplates"]
        assert only["appliedFor"] == ["CREATE_ON_PUSH"]
        client.delete_repository_creation_template(prefix="a")
        assert code_of(client.delete_repository_creation_template, prefix="a") == "TemplateNotFoundException"
        assert code_of(client.update_repository_creation_template, prefix="a") == "TemplateNotFoundException"
        wrong = {"prefix": "c", "appliedFor": ["REPLICATION"], "lifecyclePolicy": '{"rules": []}'}
        assert code_of(client.create_repository_creation_template, **wrong) == "InvalidParameterException"
        local_ecr.reset()
        assert client.describe_repository_creation_templates()["repositoryCreationTemplates"] == []


class TestPullTimeExclusions:
    def role_client(self, ecr: LocalEcr, name: str) -> Any:
        arn = ecr.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        keys = ecr.client("sts").assume_role(RoleArn=arn, RoleSessionName="scan")["Credentials"]
        return arn, boto3.client(
            "ecr",
            region_name="us-east-1",
            endpoint_url=ecr.endpoint_url,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def test_a_role_that_is_excluded_reads_without_recording_a_pull(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("team/api")
        ids = [{"imageDigest": local_ecr.push("team/api", tags=["v1"])}]
        client = local_ecr.client()
        arn, scanner = self.role_client(local_ecr, "scanner")
        _, other = self.role_client(local_ecr, "other")

        def is_recorded() -> bool:
            (detail,) = client.describe_images(repositoryName="team/api")["imageDetails"]
            return "lastRecordedPullTime" in detail

        client.register_pull_time_update_exclusion(principalArn=arn)
        assert client.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"] == [arn]
        assert scanner.batch_get_image(repositoryName="team/api", imageIds=ids)["images"]
        assert not is_recorded()
        assert other.batch_get_image(repositoryName="team/api", imageIds=ids)["images"]
        assert is_recorded()

    def test_an_exclusion_is_registered_once_and_deregistered_once(self, local_ecr: LocalEcr) -> None:
        client, arn = local_ecr.client(), "arn:aws:iam::123456789012:role/scanner"
        client.register_pull_time_update_exclusion(principalArn=arn)
        assert code_of(client.register_pull_time_update_exclusion, principalArn=arn) == (
            "ExclusionAlreadyExistsException"
        )
        client.deregister_pull_time_update_exclusion(principalArn=arn)
        assert code_of(client.deregister_pull_time_update_exclusion, principalArn=arn) == "ExclusionNotFoundException"
        assert code_of(client.register_pull_time_update_exclusion, principalArn="me") == "InvalidParameterException"


class TestReferrers:
    @pytest.fixture
    def subject(self, local_ecr: LocalEcr) -> str:
        local_ecr.create_repository("team/api")
        return local_ecr.push("team/api", tags=["v1"])

    def referrers(self, ecr: LocalEcr, subject: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = ecr.client().list_image_referrers(
            repositoryName="team/api", subjectId={"imageDigest": subject}, **parameters
        )
        return list(answer["referrers"])

    def test_a_pushed_artifact_names_its_subject(self, local_ecr: LocalEcr, subject: str) -> None:
        manifest = {
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": {"mediaType": "application/vnd.example.sbom", "size": 2, "digest": "sha256:" + "0" * 64},
            "layers": [{"size": 40}],
            "subject": {"digest": subject, "size": 1, "mediaType": IMAGE_MANIFEST},
            "annotations": {"made": "today"},
        }
        put = local_ecr.client().put_image(repositoryName="team/api", imageManifest=json.dumps(manifest))
        digest = put["image"]["imageId"]["imageDigest"]
        assert self.referrers(local_ecr, subject) == [
            {
                "digest": digest,
                "mediaType": IMAGE_MANIFEST,
                "artifactType": "application/vnd.example.sbom",
                "size": 42,
                "annotations": {"made": "today"},
                "artifactStatus": "ACTIVE",
            }
        ]

    def test_pages_types_and_statuses(self, local_ecr: LocalEcr, subject: str) -> None:
        pushed = [
            local_ecr.push("team/api", subject=subject, artifact_media_type=f"type/{number % 2}")
            for number in range(25)
        ]
        archived = local_ecr.push("team/api", subject=subject, archived_days_ago=1)
        client = local_ecr.client()
        where = {"repositoryName": "team/api", "subjectId": {"imageDigest": subject}}
        first = client.list_image_referrers(**where)
        assert len(first["referrers"]) == 20
        rest = client.list_image_referrers(**where, maxResults=50, nextToken=first["nextToken"])
        assert [referrer["digest"] for referrer in first["referrers"] + rest["referrers"]] == pushed
        odd = self.referrers(local_ecr, subject, filter={"artifactTypes": ["type/1"]})
        assert [referrer["digest"] for referrer in odd] == pushed[1::2]
        (old,) = self.referrers(local_ecr, subject, filter={"artifactStatus": "ARCHIVED"})
        assert (old["digest"], old["artifactStatus"]) == (archived, "ARCHIVED")
        assert self.referrers(local_ecr, "sha256:" + "0" * 64) == []
        assert code_of(client.list_image_referrers, **where, maxResults=51) == "InvalidParameterException"
