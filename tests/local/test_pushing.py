"""PutImage and push() put images into a repository as ECR does."""

from __future__ import annotations

import gc
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.exceptions import ServiceException  # noqa: TID253  # what push() raises

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.images import IMAGE_MANIFEST, MANIFEST_LIST, digest_of

REPOSITORY = "payments/api"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
NEWEST = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 2},
            "action": {"type": "expire"},
        }
    ]
}
UNTAGGED = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {
                "tagStatus": "untagged",
                "countType": "sinceImagePushed",
                "countUnit": "days",
                "countNumber": 1,
            },
            "action": {"type": "expire"},
        }
    ]
}


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.now = NOW
    local_ecr.create_repository(REPOSITORY)
    return local_ecr


def manifest(number: int) -> str:
    layers = [{"digest": f"sha256:{number:064x}", "size": 10 * number}]
    return json.dumps({"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": {"size": 7}, "layers": layers})


def list_of(*digests: str, number: int = 0) -> str:
    manifests = [{"digest": digest} for digest in digests]
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_LIST, "manifests": manifests, "number": number})


def put(ecr: LocalEcr, text: str, tag: str | None = None, **parameters: Any) -> str:
    if tag is not None:
        parameters["imageTag"] = tag
    answer = ecr.client().put_image(**{"repositoryName": REPOSITORY, "imageManifest": text, **parameters})
    return str(answer["image"]["imageId"]["imageDigest"])


def refused(ecr: LocalEcr, text: str, tag: str | None = None, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        put(ecr, text, tag, **parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


def tags_of(ecr: LocalEcr) -> dict[str, list[str]]:
    details = ecr.client().describe_images(repositoryName=REPOSITORY, filter={"imageStatus": "ANY"})["imageDetails"]
    return {detail["imageDigest"]: detail.get("imageTags", []) for detail in details}


def previewed(ecr: LocalEcr, policy: dict[str, Any]) -> set[str]:
    client = ecr.client()
    client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=json.dumps(policy))
    answer = client.get_lifecycle_policy_preview(repositoryName=REPOSITORY)
    return {result["imageDigest"] for result in answer["previewResults"]}


class TestTags:
    def test_the_image_that_loses_its_tag_stays_untagged_and_a_rule_for_untagged_images_takes_it(
        self, ecr: LocalEcr
    ) -> None:
        first = put(ecr, manifest(1), "latest")
        second = put(ecr, manifest(2), "latest")
        assert tags_of(ecr) == {first: [], second: ["latest"]}
        ecr.advance(days=2)
        assert previewed(ecr, UNTAGGED) == {first}

    def test_the_same_for_manifest_lists_and_their_children(self, ecr: LocalEcr) -> None:
        children = [put(ecr, manifest(number)) for number in (1, 2)]
        first = put(ecr, list_of(*children), "latest")
        others = [put(ecr, manifest(number)) for number in (3, 4)]
        second = put(ecr, list_of(*others), "latest")
        assert tags_of(ecr) == {**{digest: [] for digest in [*children, first, *others]}, second: ["latest"]}
        ecr.advance(days=2)
        assert previewed(ecr, UNTAGGED) == {*children, first}

    def test_an_image_that_is_there_gets_another_tag(self, ecr: LocalEcr) -> None:
        first, second = put(ecr, manifest(1), "v1"), put(ecr, manifest(2), "latest")
        assert put(ecr, manifest(1), "latest") == first
        assert tags_of(ecr) == {first: ["v1", "latest"], second: []}

    @pytest.mark.parametrize("tag", ["v1", None])
    def test_a_push_that_changes_nothing_is_refused(self, ecr: LocalEcr, tag: str | None) -> None:
        put(ecr, manifest(1), "v1")
        assert refused(ecr, manifest(1), tag)[:2] == ("ImageAlreadyExistsException", 400)

    @pytest.mark.parametrize("tag", ["-v1", ".v1", "_v1", "v" * 300])
    def test_a_tag_that_ecr_accepts(self, ecr: LocalEcr, tag: str) -> None:
        digest = put(ecr, manifest(1), tag)
        assert tags_of(ecr) == {digest: [tag]}

    @pytest.mark.parametrize("tag", ["a b", "a/b", "a:b", "ü", "a+b", "v1\n", "v" * 301])
    def test_a_tag_that_ecr_refuses(self, ecr: LocalEcr, tag: str) -> None:
        code, status, message = refused(ecr, manifest(1), tag)
        assert (code, status) == ("InvalidParameterException", 400)
        assert "imageTag" in message
        with pytest.raises(ServiceException, match="imageTag"):
            ecr.push(REPOSITORY, tags=[tag])
        with pytest.raises(ServiceException, match="imageTag"):
            ecr.push_many(REPOSITORY, 1, tags=lambda _: [tag])
        assert tags_of(ecr) == {}


class TestImmutableTags:
    @pytest.mark.parametrize(
        ("mutability", "filters", "immutable", "mutable"),
        [
            ("IMMUTABLE", None, ["v1", "latest"], []),
            ("IMMUTABLE_WITH_EXCLUSION", ["latest", "dev-*"], ["v1", "latest-2", "adev-1"], ["latest", "dev-1"]),
            ("MUTABLE_WITH_EXCLUSION", ["v*", "*-rc*"], ["v1", "a-rc1"], ["latest", "1v"]),
            ("MUTABLE", None, [], ["v1", "latest"]),
        ],
    )
    def test_exclusion_filters(
        self, ecr: LocalEcr, mutability: str, filters: list[str] | None, immutable: list[str], mutable: list[str]
    ) -> None:
        more: dict[str, Any] = {}
        if filters:
            more["imageTagMutabilityExclusionFilters"] = [
                {"filterType": "WILDCARD", "filter": excluded} for excluded in filters
            ]
        ecr.client().put_image_tag_mutability(repositoryName=REPOSITORY, imageTagMutability=mutability, **more)
        for number, tag in enumerate([*immutable, *mutable]):
            put(ecr, manifest(2 * number), tag)
            if tag in mutable:
                put(ecr, manifest(2 * number + 1), tag)
                continue
            assert refused(ecr, manifest(2 * number + 1), tag)[:2] == ("ImageTagAlreadyExistsException", 400)
            with pytest.raises(ServiceException) as caught:
                ecr.push(REPOSITORY, tags=[tag])
            assert caught.value.code == "ImageTagAlreadyExistsException"


class TestRefusals:
    def test_an_unknown_repository(self, ecr: LocalEcr) -> None:
        code, status, message = refused(ecr, manifest(1), repositoryName="payments/none")
        assert (code, status) == ("RepositoryNotFoundException", 400)
        assert "payments/none" in message

    @pytest.mark.parametrize("text", ["{", "[]", '"text"', "null", "[" * 20_000])
    def test_a_manifest_that_is_not_a_json_object(self, ecr: LocalEcr, text: str) -> None:
        # A finalizer that runs while the stack is exhausted fails, and the failure counts as one of the next test.
        gc.collect()
        gc.disable()
        try:
            assert refused(ecr, text)[:2] == ("InvalidParameterException", 400)
        finally:
            gc.enable()

    def test_a_manifest_without_a_media_type(self, ecr: LocalEcr) -> None:
        assert refused(ecr, "{}")[:2] == ("InvalidParameterException", 400)
        assert put(ecr, "{}", imageManifestMediaType=IMAGE_MANIFEST)

    def test_a_digest_that_is_not_that_of_the_manifest(self, ecr: LocalEcr) -> None:
        assert refused(ecr, manifest(1), imageDigest=digest_of("{}"))[:2] == ("ImageDigestDoesNotMatchException", 400)
        assert refused(ecr, manifest(1), imageDigest="nonsense")[:2] == ("InvalidParameterException", 400)
        assert put(ecr, manifest(1), imageDigest=digest_of(manifest(1)))

    def test_a_manifest_list_whose_children_are_missing(self, ecr: LocalEcr) -> None:
        there = put(ecr, manifest(1))
        code, status, message = refused(ecr, list_of(there, digest_of("{}")), "v1")
        assert (code, status) == ("ReferencedImagesNotFoundException", 400)
        assert digest_of("{}") in message
        assert there not in message

    @pytest.mark.parametrize("manifests", ["text", [1], [{}], {"digest": "sha256:1"}])
    def test_a_malformed_manifest_list(self, ecr: LocalEcr, manifests: Any) -> None:
        text = json.dumps({"mediaType": MANIFEST_LIST, "manifests": manifests})
        assert refused(ecr, text)[:2] == ("InvalidParameterException", 400)


class TestTime:
    def test_the_newest_images_are_those_that_arrived_last_also_within_one_moment(self, ecr: LocalEcr) -> None:
        digests = [put(ecr, manifest(number)) for number in range(10)]
        assert previewed(ecr, NEWEST) == {*digests[:8]}

    def test_push_and_put_image_share_the_order_of_arrival(self, ecr: LocalEcr) -> None:
        digests = [put(ecr, manifest(1)), ecr.push(REPOSITORY), put(ecr, manifest(2)), ecr.push(REPOSITORY)]
        assert previewed(ecr, NEWEST) == {*digests[:2]}

    def test_push_times_keep_their_fraction_of_a_second(self, ecr: LocalEcr) -> None:
        ecr.now = NOW + timedelta(milliseconds=250)
        put(ecr, manifest(1))
        (detail,) = ecr.client().describe_images(repositoryName=REPOSITORY)["imageDetails"]
        assert detail["imagePushedAt"] == NOW + timedelta(milliseconds=250)


class TestArchivedImages:
    def test_a_push_restores_an_archived_image(self, ecr: LocalEcr) -> None:
        digest = ecr.push(REPOSITORY, tags=["v1"], manifest=manifest(1), pushed_days_ago=200, archived_days_ago=90)
        assert put(ecr, manifest(1)) == digest
        (detail,) = ecr.client().describe_images(repositoryName=REPOSITORY)["imageDetails"]
        assert (detail["imageStatus"], detail["lastActivatedAt"]) == ("ACTIVE", NOW)

    def test_reading_one_returns_nothing_and_records_no_pull(self, ecr: LocalEcr) -> None:
        archived = ecr.push(REPOSITORY, tags=["v1"], archived_days_ago=90, pushed_days_ago=200)
        active = ecr.push(REPOSITORY, tags=["v2"])
        ids = [{"imageDigest": archived}, {"imageTag": "v1"}, {"imageTag": "v2"}]
        answer = ecr.client().batch_get_image(repositoryName=REPOSITORY, imageIds=ids)
        assert [image["imageId"] for image in answer["images"]] == [{"imageDigest": active, "imageTag": "v2"}]
        assert [failure["imageId"] for failure in answer["failures"]] == ids[:2]
        described = ecr.client().describe_images(repositoryName=REPOSITORY, imageIds=ids[:1])["imageDetails"]
        assert "lastRecordedPullTime" not in described[0]

    def test_one_cannot_be_scanned(self, ecr: LocalEcr) -> None:
        archived = ecr.push(REPOSITORY, tags=["v1"], archived_days_ago=90, pushed_days_ago=200)
        with pytest.raises(ClientError, match="ImageArchivedException"):
            ecr.client().start_image_scan(repositoryName=REPOSITORY, imageId={"imageDigest": archived})

    @pytest.mark.parametrize(
        ("status", "tags"), [(None, ["a"]), ("ACTIVE", ["a"]), ("ARCHIVED", ["b"]), ("ANY", ["a", "b"])]
    )
    def test_a_list_of_images_has_them_on_request_only(
        self, ecr: LocalEcr, status: str | None, tags: list[str]
    ) -> None:
        ecr.push(REPOSITORY, tags=["a"])
        ecr.push(REPOSITORY, tags=["b"], archived_days_ago=1)
        more: dict[str, Any] = {"filter": {"imageStatus": status}} if status else {}
        answer = ecr.client().list_images(repositoryName=REPOSITORY, **more)
        assert [image_id["imageTag"] for image_id in answer["imageIds"]] == tags

    def test_an_archived_list_holds_its_children_neither_from_deletion_nor_from_the_archive(
        self, ecr: LocalEcr
    ) -> None:
        pushed = ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=5)
        client = ecr.client()
        client.update_image_storage_class(
            repositoryName=REPOSITORY, imageId={"imageDigest": pushed.image_digest}, targetStorageClass="ARCHIVE"
        )
        client.update_image_storage_class(
            repositoryName=REPOSITORY, imageId={"imageDigest": pushed.children[0]}, targetStorageClass="ARCHIVE"
        )
        assert previewed(ecr, NEWEST | {"rules": [older_than_a_day()]}) == {pushed.children[1]}
        gone = [{"imageDigest": pushed.children[1]}]
        assert client.batch_delete_image(repositoryName=REPOSITORY, imageIds=gone)["failures"] == []


def older_than_a_day() -> dict[str, Any]:
    return {
        "rulePriority": 1,
        "selection": {"tagStatus": "any", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 1},
        "action": {"type": "transition", "targetStorageClass": "archive"},
    }


def test_a_list_of_images_has_pages_with_an_entry_for_every_tag(ecr: LocalEcr) -> None:
    ecr.push(REPOSITORY, tags=["a", "b", "c"])
    ecr.push(REPOSITORY)
    ecr.push(REPOSITORY, tags=["d"])
    pages = (
        ecr.client().get_paginator("list_images").paginate(repositoryName=REPOSITORY, PaginationConfig={"PageSize": 2})
    )
    assert [[image_id.get("imageTag") for image_id in page["imageIds"]] for page in pages] == [
        ["a", "b"],
        ["c", None],
        ["d"],
    ]


class TestAccounts:
    OTHER = "999999999999"

    def test_the_same_name_in_two_accounts_is_two_repositories(self, ecr: LocalEcr) -> None:
        ecr.create_repository(REPOSITORY, account_id=self.OTHER)
        here = ecr.push(REPOSITORY, tags=["here"])
        there = put(ecr, manifest(1), "there", registryId=self.OTHER)
        client = ecr.client()
        assert tags_of(ecr) == {here: ["here"]}
        (detail,) = client.describe_images(repositoryName=REPOSITORY, registryId=self.OTHER)["imageDetails"]
        assert (detail["imageDigest"], detail["registryId"]) == (there, self.OTHER)
        client.delete_repository(repositoryName=REPOSITORY, registryId=self.OTHER, force=True)
        assert tags_of(ecr) == {here: ["here"]}

    def test_listing_the_registry_of_another_account_lists_that(self, ecr: LocalEcr) -> None:
        ecr.create_repository("team/theirs", account_id=self.OTHER, tags={"team": "a"})
        client = ecr.client()
        (repository,) = client.describe_repositories(registryId=self.OTHER)["repositories"]
        assert repository["repositoryName"] == "team/theirs"
        assert client.list_tags_for_resource(resourceArn=repository["repositoryArn"])["tags"] == [
            {"Key": "team", "Value": "a"}
        ]

    def test_where_the_named_account_has_no_such_repository_that_is_the_error(self, ecr: LocalEcr) -> None:
        code, _, message = refused(ecr, manifest(1), registryId=self.OTHER)
        assert code == "RepositoryNotFoundException"
        assert self.OTHER in message

    def test_a_malformed_registry_id(self, ecr: LocalEcr) -> None:
        assert refused(ecr, manifest(1), registryId="999")[:2] == ("InvalidParameterException", 400)

    @pytest.mark.parametrize("operation", ["create_repository", "describe_images", "get_repository_policy"])
    def test_every_operation_means_the_account_that_it_names(self, ecr: LocalEcr, operation: str) -> None:
        call = getattr(ecr.client(), operation)
        if operation == "create_repository":
            arn = call(repositoryName=REPOSITORY, registryId=self.OTHER)["repository"]["repositoryArn"]
            assert self.OTHER in arn
            return
        with pytest.raises(ClientError, match=self.OTHER):
            call(repositoryName=REPOSITORY, registryId=self.OTHER)


def upload_layer(ecr: LocalEcr, content: bytes) -> str:
    client = ecr.client()
    upload = client.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
    part = {"partFirstByte": 0, "partLastByte": len(content) - 1, "layerPartBlob": content}
    client.upload_layer_part(repositoryName=REPOSITORY, uploadId=upload, **part)
    answer = client.complete_layer_upload(
        repositoryName=REPOSITORY, uploadId=upload, layerDigests=["sha256:" + "0" * 64]
    )
    return str(answer["layerDigest"])


def image_of(config: str, *layers: dict[str, Any]) -> str:
    return json.dumps(
        {"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": {"digest": config}, "layers": list(layers)}
    )


def test_layers_that_were_not_uploaded_are_missing_where_they_are_looked_for(ecr: LocalEcr) -> None:
    config, layer = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    text = image_of(config, {"digest": layer}, {"digest": "sha256:" + "c" * 64, "urls": ["https://example.com/layer"]})
    put(ecr, text, "by-default-nothing-is-looked-for")
    ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=[{"imageDigest": digest_of(text)}])
    ecr.check_layers = True
    code, status, message = refused(ecr, text, "v1")
    assert (code, status) == ("LayersNotFoundException", 400)
    assert f"[{config}, {layer}]" in message
    with pytest.raises(ServiceException, match="do not exist"):
        ecr.push(REPOSITORY, manifest=text)


def test_uploaded_layers_and_those_of_other_images_are_found(ecr: LocalEcr) -> None:
    ecr.check_layers = True
    generated = json.loads(ecr.repository(REPOSITORY).find({"imageDigest": ecr.push(REPOSITORY)}).image_manifest)
    config, layer = upload_layer(ecr, b"config"), upload_layer(ecr, b"layer")
    put(ecr, image_of(config, {"digest": layer}, generated["layers"][0]), "v1")
    children = [ecr.push(REPOSITORY), ecr.push(REPOSITORY)]
    put(ecr, list_of(*children), "v2")
    ecr.reset()
    assert not ecr.check_layers
