"""What the local ECR knows about images and repositories that moto does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST, MANIFEST_LIST, digest_of
from airflow_provider_ecr_preview.local.seed_policies import ARCHIVE_UNUSED

REPOSITORY = "platform/base-python"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.now = NOW
    local_ecr.create_repository(REPOSITORY)
    return local_ecr


def details(ecr: LocalEcr, **parameters: Any) -> list[dict[str, Any]]:
    pages = ecr.client().get_paginator("describe_images").paginate(repositoryName=REPOSITORY, **parameters)
    return [detail for page in pages for detail in page["imageDetails"]]


def code_of(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return str(caught.value.response["Error"]["Code"])


class TestDescribeImages:
    def test_it_has_what_was_pushed(self, ecr: LocalEcr) -> None:
        digest = ecr.push(
            REPOSITORY,
            tags=["v1", "latest"],
            pushed_days_ago=10,
            size=123_456_789,
            last_pull_days_ago=2,
            archived_days_ago=5,
            restored_days_ago=4,
            artifact_media_type="application/vnd.cncf.helm.config.v1+json",
        )
        assert details(ecr) == [
            {
                "registryId": "123456789012",
                "repositoryName": REPOSITORY,
                "imageDigest": digest,
                "imageTags": ["v1", "latest"],
                "imageSizeInBytes": 123_456_789,
                "imagePushedAt": NOW - timedelta(days=10),
                "imageManifestMediaType": IMAGE_MANIFEST,
                "artifactMediaType": "application/vnd.cncf.helm.config.v1+json",
                "lastRecordedPullTime": NOW - timedelta(days=2),
                "imageStatus": "ACTIVE",
                "lastArchivedAt": NOW - timedelta(days=5),
                "lastActivatedAt": NOW - timedelta(days=4),
            }
        ]

    def test_the_core_reads_from_it_what_the_rules_saw(self, ecr: LocalEcr) -> None:
        ecr.push(REPOSITORY, tags=["a"], pushed_days_ago=9, last_pull_days_ago=1)
        ecr.push(REPOSITORY, pushed_days_ago=300, archived_days_ago=200)
        ecr.push(REPOSITORY, pushed_days_ago=300, archived_days_ago=200, restored_days_ago=1)
        read = map(RepositoryImage.from_response, details(ecr, filter={"imageStatus": "ANY"}))
        for image, seen in zip(read, ecr.repository(REPOSITORY).as_rules_see_it(), strict=True):
            assert (image.image_digest, image.image_tags) == (seen.image_digest, seen.image_tags)
            assert (image.ordered_at, image.last_used_at) == (seen.ordered_at, seen.last_used_at)
            assert image.storage_class == seen.storage_class

    @pytest.mark.parametrize(("size", "pages"), [(None, [100, 100, 50]), (1_000, [250]), (249, [249, 1])])
    def test_it_has_pages(self, ecr: LocalEcr, size: int | None, pages: list[int]) -> None:
        digests = ecr.push_many(REPOSITORY, 250)
        found = list(
            ecr.client()
            .get_paginator("describe_images")
            .paginate(repositoryName=REPOSITORY, PaginationConfig={"PageSize": size} if size else {})
        )
        assert [len(page["imageDetails"]) for page in found] == pages
        assert [detail["imageDigest"] for page in found for detail in page["imageDetails"]] == digests

    def test_deleting_between_two_pages_skips_and_repeats_nothing(self, ecr: LocalEcr) -> None:
        digests = ecr.push_many(REPOSITORY, 30)
        client = ecr.client()
        first = client.describe_images(repositoryName=REPOSITORY, maxResults=10)
        gone = [{"imageDigest": digest} for digest in digests[5:12]]
        client.batch_delete_image(repositoryName=REPOSITORY, imageIds=gone)
        rest = client.describe_images(repositoryName=REPOSITORY, maxResults=100, nextToken=first["nextToken"])
        assert [detail["imageDigest"] for detail in rest["imageDetails"]] == digests[12:]

    @pytest.mark.parametrize(
        ("status", "tags"),
        [(None, ["a", "r"]), ("ACTIVE", ["a", "r"]), ("ARCHIVED", ["b"]), ("ANY", ["a", "b", "r"])],
    )
    def test_archived_images_show_on_request_only(self, ecr: LocalEcr, status: str | None, tags: list[str]) -> None:
        ecr.push(REPOSITORY, tags=["a"])
        ecr.push(REPOSITORY, tags=["b"], archived_days_ago=1)
        ecr.push(REPOSITORY, tags=["r"], archived_days_ago=5, restored_days_ago=1)
        found = details(ecr, filter={"imageStatus": status}) if status else details(ecr)
        assert [detail["imageTags"][0] for detail in found] == tags

    def test_the_filter_is_by_tag_status(self, ecr: LocalEcr) -> None:
        ecr.push(REPOSITORY, tags=["a"])
        untagged = ecr.push(REPOSITORY)
        (detail,) = details(ecr, filter={"tagStatus": "UNTAGGED"})
        assert detail["imageDigest"] == untagged
        assert "imageTags" not in detail
        assert len(details(ecr, filter={"tagStatus": "TAGGED"})) == 1

    def test_named_images_come_in_the_order_of_their_names(self, ecr: LocalEcr) -> None:
        digests = ecr.push_many(REPOSITORY, 5)
        ids = [{"imageDigest": digests[3]}, {"imageTag": "build-1"}, {"imageDigest": digests[1]}]
        found = ecr.client().describe_images(repositoryName=REPOSITORY, imageIds=ids)["imageDetails"]
        assert [detail["imageDigest"] for detail in found] == [digests[3], digests[1]]

    @pytest.mark.parametrize(
        ("parameters", "code"),
        [
            pytest.param({"maxResults": 1_001}, "InvalidParameterException", id="page too large"),
            pytest.param({"nextToken": "bm8="}, "InvalidParameterException", id="foreign token"),
            pytest.param({"imageIds": [{"imageTag": "no"}]}, "ImageNotFoundException", id="unknown tag"),
            pytest.param({"imageIds": [{"imageTag": "no"}] * 101}, "InvalidParameterException", id="101 ids"),
            pytest.param({"imageIds": [{"imageTag": "a"}], "maxResults": 2}, "InvalidParameterException", id="both"),
            pytest.param({"filter": {"imageStatus": "GONE"}}, "InvalidParameterException", id="unknown status"),
            pytest.param({"repositoryName": "no/such"}, "RepositoryNotFoundException", id="unknown repository"),
        ],
    )
    def test_parameters_that_do_not_go(self, ecr: LocalEcr, parameters: dict[str, Any], code: str) -> None:
        ecr.push(REPOSITORY, tags=["a"])
        assert code_of(ecr.client().describe_images, **{"repositoryName": REPOSITORY, **parameters}) == code


class TestDescribeRepositories:
    def test_it_has_pages(self, local_ecr: LocalEcr) -> None:
        names = [local_ecr.create_repository(f"team/service-{number}") for number in range(230)]
        pages = list(local_ecr.client().get_paginator("describe_repositories").paginate())
        assert [len(page["repositories"]) for page in pages] == [100, 100, 30]
        assert [repository["repositoryName"] for page in pages for repository in page["repositories"]] == names
        assert len(local_ecr.client().describe_repositories(maxResults=1_000)["repositories"]) == 230

    def test_a_region_has_its_own(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("a/b", region_name="eu-west-1", created_days_ago=3)
        assert local_ecr.client().describe_repositories()["repositories"] == []
        (repository,) = local_ecr.client(region_name="eu-west-1").describe_repositories()["repositories"]
        assert repository["repositoryArn"] == "arn:aws:ecr:eu-west-1:123456789012:repository/a/b"
        assert abs(local_ecr.now - timedelta(days=3) - repository["createdAt"]) < timedelta(seconds=10)

    @pytest.mark.parametrize(
        ("parameters", "code"),
        [
            ({"maxResults": 1_001}, "InvalidParameterException"),
            ({"nextToken": "x"}, "InvalidParameterException"),
            ({"repositoryNames": [REPOSITORY], "maxResults": 1}, "InvalidParameterException"),
            ({"repositoryNames": ["no/such"]}, "RepositoryNotFoundException"),
        ],
    )
    def test_parameters_that_do_not_go(self, ecr: LocalEcr, parameters: dict[str, Any], code: str) -> None:
        assert code_of(ecr.client().describe_repositories, **parameters) == code


class TestPush:
    def test_a_tag_moves_to_the_newer_image(self, ecr: LocalEcr) -> None:
        ecr.push(REPOSITORY, tags=["v1", "latest"])
        ecr.push(REPOSITORY, tags=["v2", "latest"])
        assert [detail["imageTags"] for detail in details(ecr)] == [["v1"], ["v2", "latest"]]

    def test_the_digest_is_that_of_the_manifest(self, ecr: LocalEcr) -> None:
        digest = ecr.push(REPOSITORY, tags=["v1"])
        (image,) = ecr.client().batch_get_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": "v1"}])["images"]
        assert digest_of(image["imageManifest"]) == digest == image["imageId"]["imageDigest"]

    def test_many_are_spread_over_time(self, ecr: LocalEcr) -> None:
        ecr.push_many(REPOSITORY, 11, oldest_days_ago=20, newest_days_ago=10, tags=lambda index: [f"t{index}"])
        ages = [(NOW - detail["imagePushedAt"]).days for detail in details(ecr)]
        assert ages == list(range(20, 9, -1))

    def test_an_image_that_docker_pushes_has_the_size_of_its_layers(self, ecr: LocalEcr) -> None:
        layers = [{"digest": f"sha256:{number:064x}", "size": 1_000 * number} for number in (1, 2)]
        manifest = {"mediaType": IMAGE_MANIFEST, "config": {"size": 7}, "layers": layers}
        ecr.client().put_image(repositoryName=REPOSITORY, imageTag="a", imageManifest=json.dumps(manifest))
        (detail,) = details(ecr)
        assert detail["imageSizeInBytes"] == 3_007
        assert detail["imageDigest"] == digest_of(json.dumps(manifest))
        assert detail["imagePushedAt"] == NOW

    def test_a_manifest_without_sizes_has_the_size_that_moto_gives_it(self, ecr: LocalEcr) -> None:
        manifest = {"mediaType": IMAGE_MANIFEST, "config": {"size": 7}, "layers": [{"digest": "sha256:1"}]}
        ecr.client().put_image(repositoryName=REPOSITORY, imageTag="a", imageManifest=json.dumps(manifest))
        (detail,) = details(ecr)
        assert detail["imageSizeInBytes"] == 7

    def test_unknown_repository(self, ecr: LocalEcr) -> None:
        with pytest.raises(LookupError, match=r"no/such.*eu-west-1"):
            ecr.push("no/such", region_name="eu-west-1")


class TestManifestLists:
    def test_the_size_is_that_of_the_largest_child(self, ecr: LocalEcr) -> None:
        pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"], size=5_000)
        sizes = {detail["imageDigest"]: detail["imageSizeInBytes"] for detail in details(ecr)}
        assert sizes == dict.fromkeys([*pushed.children, pushed.image_digest], 5_000)

    def test_a_list_that_docker_pushes_names_its_children(self, ecr: LocalEcr) -> None:
        children = [ecr.push(REPOSITORY, size=size) for size in (1_000, 2_000)]
        manifest = json.dumps({"mediaType": MANIFEST_LIST, "manifests": [{"digest": child} for child in children]})
        ecr.client().put_image(repositoryName=REPOSITORY, imageTag="v1", imageManifest=manifest)
        (detail,) = details(ecr, filter={"tagStatus": "TAGGED"})
        assert (detail["imageSizeInBytes"], detail["imageManifestMediaType"]) == (2_000, MANIFEST_LIST)
        assert detail["imageDigest"] == digest_of(manifest)
        assert ecr.repository(REPOSITORY).index.lists_naming(children[0]) == (digest_of(manifest),)

    def test_a_child_is_not_deleted_before_its_list(self, ecr: LocalEcr) -> None:
        pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"])
        client = ecr.client()
        child = {"imageDigest": pushed.children[0]}
        answer = client.batch_delete_image(repositoryName=REPOSITORY, imageIds=[child])
        (failure,) = answer["failures"]
        assert failure["failureCode"] == "ImageReferencedByManifestList"
        assert failure["imageId"] == child
        assert pushed.image_digest in failure["failureReason"]
        assert len(details(ecr)) == 3

    @pytest.mark.parametrize(("list_first", "left"), [(True, 0), (False, 2)])
    def test_in_one_call_the_list_has_to_come_first(self, ecr: LocalEcr, list_first: bool, left: int) -> None:
        pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"])
        ids = [{"imageDigest": digest} for digest in (pushed.image_digest, *pushed.children)]
        if not list_first:
            ids.reverse()
        answer = ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=ids)
        assert len(answer["failures"]) == left
        assert len(details(ecr)) == left

    def test_a_tag_of_a_child_goes_while_the_child_keeps_another(self, ecr: LocalEcr) -> None:
        child = ecr.push(REPOSITORY, tags=["amd64", "x86"])
        manifest = json.dumps({"mediaType": MANIFEST_LIST, "manifests": [{"digest": child}]})
        ecr.client().put_image(repositoryName=REPOSITORY, imageTag="v1", imageManifest=manifest)
        client = ecr.client()
        answers = [
            client.batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageTag": tag}])
            for tag in ("amd64", "x86")
        ]
        assert [len(answer["failures"]) for answer in answers] == [0, 1]


class TestDelete:
    def test_an_untagged_image_is_among_the_deleted(self, ecr: LocalEcr) -> None:
        digest = ecr.push(REPOSITORY)
        answer = ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest}])
        assert (answer["imageIds"], answer["failures"]) == ([{"imageDigest": digest}], [])

    def test_an_id_that_is_sent_twice_is_found_once(self, ecr: LocalEcr) -> None:
        ids = [{"imageDigest": ecr.push(REPOSITORY, tags=["a"])}] * 2
        answer = ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=ids)
        assert len(answer["imageIds"]) == 1
        assert [failure["failureCode"] for failure in answer["failures"]] == ["ImageNotFound"]

    def test_101_ids_are_too_many_and_delete_nothing(self, ecr: LocalEcr) -> None:
        digests = ecr.push_many(REPOSITORY, 101)
        ids = [{"imageDigest": digest} for digest in digests]
        assert code_of(ecr.client().batch_delete_image, repositoryName=REPOSITORY, imageIds=ids) == (
            "InvalidParameterException"
        )
        assert len(details(ecr)) == 101


class TestStorageClass:
    def test_an_image_is_archived_and_restored(self, ecr: LocalEcr) -> None:
        ecr.restore_seconds = 60
        image_id = {"imageDigest": ecr.push(REPOSITORY, tags=["a"], pushed_days_ago=30)}
        client = ecr.client()

        def move(target: str) -> str:
            answer = client.update_image_storage_class(
                repositoryName=REPOSITORY, imageId=image_id, targetStorageClass=target
            )
            assert answer["imageId"] == image_id
            return str(answer["imageStatus"])

        def status() -> str:
            (detail,) = details(ecr, filter={"imageStatus": "ANY"})
            return str(detail["imageStatus"])

        assert (move("ARCHIVE"), status()) == ("ARCHIVED", "ARCHIVED")
        (seen,) = ecr.repository(REPOSITORY).as_rules_see_it()
        assert (seen.storage_class, seen.last_archived_at) == ("ARCHIVE", NOW)
        assert (move("STANDARD"), status()) == ("ACTIVATING", "ACTIVATING")
        (seen,) = ecr.repository(REPOSITORY).as_rules_see_it()
        assert seen.storage_class == "ARCHIVE"
        ecr.advance(seconds=61)
        assert status() == "ACTIVE"
        (seen,) = ecr.repository(REPOSITORY).as_rules_see_it()
        assert (seen.storage_class, seen.last_activated_at) == ("STANDARD", NOW)

    def test_the_class_that_an_image_has_or_is_restored_to_is_refused(self, ecr: LocalEcr) -> None:
        ecr.restore_seconds = 60
        ecr.push(REPOSITORY, tags=["a"])
        client = ecr.client()
        image: dict[str, Any] = {"repositoryName": REPOSITORY, "imageId": {"imageTag": "a"}}

        def refused(target: str) -> bool:
            code = code_of(client.update_image_storage_class, **image, targetStorageClass=target)
            return code == "ImageStorageClassUpdateNotSupportedException"

        assert refused("STANDARD")
        client.update_image_storage_class(**image, targetStorageClass="ARCHIVE")
        assert refused("ARCHIVE")
        client.update_image_storage_class(**image, targetStorageClass="STANDARD")
        assert refused("STANDARD")
        assert refused("ARCHIVE")

    def test_a_child_is_not_archived_before_its_list(self, ecr: LocalEcr) -> None:
        pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"])
        client = ecr.client()
        child = {
            "repositoryName": REPOSITORY,
            "imageId": {"imageDigest": pushed.children[0]},
            "targetStorageClass": "ARCHIVE",
        }
        assert code_of(client.update_image_storage_class, **child) == "ImageStorageClassUpdateNotSupportedException"
        client.update_image_storage_class(
            repositoryName=REPOSITORY, imageId={"imageTag": "v1"}, targetStorageClass="ARCHIVE"
        )
        assert client.update_image_storage_class(**child)["imageStatus"] == "ARCHIVED"

    @pytest.mark.parametrize(
        ("parameters", "code"),
        [
            ({"imageId": {"imageTag": "no"}, "targetStorageClass": "ARCHIVE"}, "ImageNotFoundException"),
            ({"imageId": {"imageTag": "a"}, "targetStorageClass": "GLACIER"}, "InvalidParameterException"),
        ],
    )
    def test_parameters_that_do_not_go(self, ecr: LocalEcr, parameters: dict[str, Any], code: str) -> None:
        ecr.push(REPOSITORY, tags=["a"])
        call = ecr.client().update_image_storage_class
        assert code_of(call, repositoryName=REPOSITORY, **parameters) == code


def test_reading_the_manifest_records_a_pull(ecr: LocalEcr) -> None:
    ecr.push(REPOSITORY, tags=["a"], pushed_days_ago=9, last_pull_days_ago=8)
    ids = [{"imageTag": "a"}, {"imageTag": "no"}]
    ecr.client().batch_get_image(repositoryName=REPOSITORY, imageIds=ids)
    (detail,) = details(ecr)
    assert detail["lastRecordedPullTime"] == NOW


def test_a_policy_of_the_whole_grammar_can_be_applied_and_read(ecr: LocalEcr) -> None:
    client, text = ecr.client(), json.dumps(ARCHIVE_UNUSED)
    put = client.put_lifecycle_policy(repositoryName=REPOSITORY, lifecyclePolicyText=text)
    assert put["lifecyclePolicyText"] == text
    assert client.get_lifecycle_policy(repositoryName=REPOSITORY)["lifecyclePolicyText"] == text
    client.delete_lifecycle_policy(repositoryName=REPOSITORY)
    assert code_of(client.get_lifecycle_policy, repositoryName=REPOSITORY) == "LifecyclePolicyNotFoundException"
    wrong = text.replace("sinceImagePulled", "sinceImageForgotten")
    assert code_of(client.put_lifecycle_policy, repositoryName=REPOSITORY, lifecyclePolicyText=wrong) == (
        "InvalidParameterException"
    )
