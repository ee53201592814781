"""What Start- and GetLifecyclePolicyPreview answer over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.core.policy.document import canonical_policy
from airflow_provider_ecr_preview.local import LocalEcr

REPOSITORY = "payments/api"


def rule(
    priority: int,
    tag_status: str = "any",
    *,
    count: int | None = None,
    days: int | None = None,
    action: str = "expire",
    count_type: str = "sinceImagePushed",
    **selection: Any,
) -> dict[str, Any]:
    counted = {"countType": "imageCountMoreThan", "countNumber": count}
    aged = {"countType": count_type, "countUnit": "days", "countNumber": days}
    document: dict[str, Any] = {
        "rulePriority": priority,
        "selection": {"tagStatus": tag_status, **selection, **(aged if count is None else counted)},
        "action": {"type": action},
    }
    if action == "transition":
        document["action"]["targetStorageClass"] = "archive"
    return document


def policy(*rules: Mapping[str, Any]) -> str:
    return json.dumps({"rules": rules}, indent=1)


KEEP_TEN = policy(rule(1, count=10))


def preview(ecr: LocalEcr, *rules: Mapping[str, Any], **parameters: Any) -> dict[str, Any]:
    client = ecr.client()
    client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=policy(*rules))
    answer: dict[str, Any] = client.get_lifecycle_policy_preview(repositoryName=REPOSITORY, **parameters)
    return answer


def taken(answer: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, int]:
    by_digest = {digest: name for name, digest in names.items()}
    return {by_digest[result["imageDigest"]]: result["appliedRulePriority"] for result in answer["previewResults"]}


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY)
    return local_ecr


def push(ecr: LocalEcr, images: Mapping[str, tuple[Sequence[str], float]]) -> dict[str, str]:
    return {
        name: ecr.push(REPOSITORY, tags=tags, pushed_days_ago=days_ago) for name, (tags, days_ago) in images.items()
    }


@pytest.mark.parametrize("key", ["tagPatternList", "tagPrefixList"])
class TestWorkedExamplesOfTheGuide:
    IMAGES: ClassVar = {"A": (["beta-1", "prod-1"], 10), "B": (["beta-2", "prod-2"], 9), "C": (["beta-3"], 8)}

    @staticmethod
    def tagged(priority: int, key: str, prefixes: Sequence[str], count: int = 1) -> dict[str, Any]:
        tags = [f"{prefix}*" if key == "tagPatternList" else prefix for prefix in prefixes]
        return rule(priority, "tagged", count=count, **{key: tags})

    def test_a_higher_rule_shields_the_images_that_it_keeps(self, ecr: LocalEcr, key: str) -> None:
        names = push(ecr, self.IMAGES)
        rules = [self.tagged(1, key, ["prod"]), self.tagged(2, key, ["beta"])]
        assert taken(preview(ecr, *rules), names) == {"A": 1}

    def test_the_same_rules_swapped_take_more(self, ecr: LocalEcr, key: str) -> None:
        names = push(ecr, self.IMAGES)
        rules = [self.tagged(1, key, ["beta"]), self.tagged(2, key, ["prod"])]
        assert taken(preview(ecr, *rules), names) == {"A": 1, "B": 1}

    def test_all_images(self, ecr: LocalEcr, key: str) -> None:
        del key
        names = push(ecr, {"A": (["alpha-1"], 4), "B": (["beta-1"], 3), "C": ([], 2), "D": (["alpha-2"], 1)})
        assert taken(preview(ecr, rule(1, count=1)), names) == {"A": 1, "B": 1, "C": 1}

    def test_several_entries_mean_all_of_them(self, ecr: LocalEcr, key: str) -> None:
        names = push(ecr, {"A": (["alpha-1", "beta-1"], 3), "B": (["alpha-2"], 2), "C": (["alpha-3", "beta-2"], 1)})
        assert taken(preview(ecr, self.tagged(1, key, ["alpha", "beta"])), names) == {"A": 1}

    def test_an_image_that_a_higher_rule_takes_still_counts_for_the_lower_one(self, ecr: LocalEcr, key: str) -> None:
        names = push(ecr, {"A": (["prod-1"], 3), "B": (["test-1", "prod-2"], 2), "C": (["test-2"], 1)})
        rules = [self.tagged(1, key, ["test"]), self.tagged(2, key, ["prod"])]
        assert taken(preview(ecr, *rules), names) == {"A": 2, "B": 1}


class TestWhatIsTaken:
    def test_untagged_images_by_age_and_the_rest_by_count(self, ecr: LocalEcr) -> None:
        names = push(ecr, {"old": ([], 20), "young": ([], 2), "v1": (["v1"], 30), "v2": (["v2"], 1)})
        rules = [rule(1, "untagged", days=14), rule(2, count=1)]
        # "young" meets the first rule's tag requirements and is kept by it; v1 is older than the newest one.
        assert taken(preview(ecr, *rules), names) == {"old": 1, "v1": 2}

    def test_the_age_is_strict(self, ecr: LocalEcr) -> None:
        ecr.now = ecr.now
        names = push(ecr, {"exactly": (["a"], 14), "older": (["b"], 14.001)})
        assert taken(preview(ecr, rule(1, days=14)), names) == {"older": 1}

    def test_archive_images_without_pulls(self, ecr: LocalEcr) -> None:
        pulled = ecr.push(REPOSITORY, tags=["pulled"], pushed_days_ago=300, last_pull_days_ago=5)
        unpulled = ecr.push(REPOSITORY, tags=["unpulled"], pushed_days_ago=300)
        stale = ecr.push(REPOSITORY, tags=["stale"], pushed_days_ago=300, last_pull_days_ago=200)
        restored = ecr.push(REPOSITORY, pushed_days_ago=300, archived_days_ago=100, restored_days_ago=3)
        names = {"pulled": pulled, "unpulled": unpulled, "stale": stale, "restored": restored}
        answer = preview(ecr, rule(1, days=90, action="transition", count_type="sinceImagePulled"))
        assert taken(answer, names) == {"unpulled": 1, "stale": 1}
        assert answer["summary"] == {
            "expiringImageTotalCount": 0,
            "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 2}],
        }
        assert answer["previewResults"][0]["action"] == {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
        assert answer["previewResults"][0]["storageClass"] == "STANDARD"

    def test_expire_what_was_archived_long_ago(self, ecr: LocalEcr) -> None:
        old = ecr.push(REPOSITORY, tags=["old"], pushed_days_ago=600, archived_days_ago=400)
        ecr.push(REPOSITORY, tags=["new"], pushed_days_ago=600, archived_days_ago=30)
        ecr.push(REPOSITORY, tags=["standard"], pushed_days_ago=600)
        archived = rule(1, days=365, count_type="sinceImageTransitioned", storageClass="archive")
        (result,) = preview(ecr, archived)["previewResults"]
        assert (result["imageDigest"], result["storageClass"]) == (old, "ARCHIVE")
        assert result["action"] == {"type": "EXPIRE"}

    def test_the_images_of_a_manifest_list_stay_while_the_list_stays(self, ecr: LocalEcr) -> None:
        kept = ecr.push_manifest_list(REPOSITORY, tags=["v1"], pushed_days_ago=60)
        gone = ecr.push_manifest_list(REPOSITORY, pushed_days_ago=60)
        answer = preview(ecr, rule(1, "untagged", days=30))
        digests = {result["imageDigest"] for result in answer["previewResults"]}
        assert digests == {gone.image_digest, *gone.children}
        assert not digests & {kept.image_digest, *kept.children}

    def test_a_preview_shows_the_images_of_the_time_of_its_start(self, ecr: LocalEcr) -> None:
        ecr.preview_seconds = 60
        ecr.push_many(REPOSITORY, 12)
        client = ecr.client()
        client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=KEEP_TEN)
        ecr.push_many(REPOSITORY, 5, tags=lambda index: [f"later-{index}"])
        ecr.advance(minutes=1)
        answer = client.get_lifecycle_policy_preview(repositoryName=REPOSITORY)
        assert answer["summary"]["expiringImageTotalCount"] == 2

    def test_without_text_the_applied_policy_is_used(self, ecr: LocalEcr) -> None:
        ecr.push_many(REPOSITORY, 12)
        ecr.put_policy(REPOSITORY, KEEP_TEN)
        client = ecr.client()
        client.start_lifecycle_policy_preview(repositoryName=REPOSITORY)
        answer = client.get_lifecycle_policy_preview(repositoryName=REPOSITORY)
        assert answer["summary"]["expiringImageTotalCount"] == 2
        assert canonical_policy(answer["lifecyclePolicyText"]) == canonical_policy(KEEP_TEN)

    def test_nothing_is_deleted(self, ecr: LocalEcr) -> None:
        ecr.push_many(REPOSITORY, 12)
        preview(ecr, rule(1, count=1))
        assert len(ecr.client().describe_images(repositoryName=REPOSITORY)["imageDetails"]) == 12
        assert not ecr.calls.mutating


class TestTheAnswer:
    def test_the_rules_come_back_by_priority(self, ecr: LocalEcr) -> None:
        rules = [rule(7, count=9), rule(2, "untagged", days=1)]
        started = ecr.client().start_lifecycle_policy_preview(
            repositoryName=REPOSITORY, lifecyclePolicyText=policy(*rules)
        )
        text = started["lifecyclePolicyText"]
        assert [rule["rulePriority"] for rule in json.loads(text)["rules"]] == [2, 7]
        assert text != policy(*rules)
        assert started["status"] == "IN_PROGRESS"
        assert started["registryId"] == "123456789012"

    def test_it_has_every_documented_field_of_an_image(self, ecr: LocalEcr) -> None:
        digest = ecr.push(REPOSITORY, tags=["a", "b"], pushed_days_ago=3)
        (result,) = preview(ecr, rule(1, days=1))["previewResults"]
        assert abs((ecr.now - result.pop("imagePushedAt")).total_seconds() - 3 * 86_400) < 60
        assert result == {
            "imageDigest": digest,
            "imageTags": ["a", "b"],
            "action": {"type": "EXPIRE"},
            "appliedRulePriority": 1,
            "storageClass": "STANDARD",
        }

    def test_it_has_no_archiving_count_where_nothing_is_archived(self, ecr: LocalEcr) -> None:
        assert preview(ecr, rule(1, days=1))["summary"] == {"expiringImageTotalCount": 0}

    def test_its_order_is_the_same_at_every_read(self, ecr: LocalEcr) -> None:
        ecr.push_many(REPOSITORY, 30, oldest_days_ago=40, newest_days_ago=40)
        answers = [preview(ecr, rule(1, days=1)) for _ in range(2)]
        assert answers[0]["previewResults"] == answers[1]["previewResults"]


class TestStates:
    def test_in_progress_shows_nothing_and_then_all(self, ecr: LocalEcr) -> None:
        ecr.preview_seconds = 60
        ecr.push_many(REPOSITORY, 12)
        answer = preview(ecr, rule(1, count=10))
        assert (answer["status"], answer["previewResults"], answer["summary"]) == ("IN_PROGRESS", [], {})
        ecr.advance(seconds=61)
        answer = ecr.client().get_lifecycle_policy_preview(repositoryName=REPOSITORY)
        assert (answer["status"], len(answer["previewResults"])) == ("COMPLETE", 2)

    def test_the_time_it_takes_may_depend_on_the_repository(self, ecr: LocalEcr) -> None:
        ecr.create_repository("payments/slow")
        ecr.preview_seconds = lambda repository: 60.0 if repository == "payments/slow" else 0.0
        client = ecr.client()
        statuses = []
        for name in (REPOSITORY, "payments/slow"):
            client.start_lifecycle_policy_preview(repositoryName=name, lifecyclePolicyText=KEEP_TEN)
            statuses.append(client.get_lifecycle_policy_preview(repositoryName=name)["status"])
        assert statuses == ["COMPLETE", "IN_PROGRESS"]

    def test_a_second_start_waits_for_the_end_of_the_first(self, ecr: LocalEcr) -> None:
        ecr.preview_seconds = 60
        client = ecr.client()
        client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=KEEP_TEN)
        with pytest.raises(client.exceptions.LifecyclePolicyPreviewInProgressException):
            client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=KEEP_TEN)
        ecr.advance(minutes=2)
        client.start_lifecycle_policy_preview(repositoryName=REPOSITORY, lifecyclePolicyText=KEEP_TEN)

    def test_the_last_start_wins(self, ecr: LocalEcr) -> None:
        preview(ecr, rule(1, count=10))
        answer = preview(ecr, rule(1, count=3))
        assert json.loads(answer["lifecyclePolicyText"])["rules"][0]["selection"]["countNumber"] == 3

    def test_it_expires_after_its_life(self, ecr: LocalEcr) -> None:
        ecr.preview_life_seconds = 3_600
        ecr.push_many(REPOSITORY, 12)
        assert preview(ecr, rule(1, count=10))["status"] == "COMPLETE"
        ecr.advance(hours=1)
        answer = ecr.client().get_lifecycle_policy_preview(repositoryName=REPOSITORY)
        assert (answer["status"], answer["previewResults"], answer["summary"]) == ("EXPIRED", [], {})

    def test_it_goes_with_its_repository(self, ecr: LocalEcr) -> None:
        preview(ecr, rule(1, count=10))
        client = ecr.client()
        client.delete_repository(repositoryName=REPOSITORY)
        client.create_repository(repositoryName=REPOSITORY)
        with pytest.raises(client.exceptions.LifecyclePolicyPreviewNotFoundException):
            client.get_lifecycle_policy_preview(repositoryName=REPOSITORY)


class TestPages:
    @pytest.fixture
    def full(self, ecr: LocalEcr) -> LocalEcr:
        ecr.push_many(REPOSITORY, 260, tags=lambda index: [f"t{index}"] if index % 2 else [])
        ecr.start_preview(REPOSITORY, KEEP_TEN)
        return ecr

    def test_a_page_has_100_images_by_default(self, full: LocalEcr) -> None:
        client = full.client()
        sizes, token = [], {}
        while True:
            page = client.get_lifecycle_policy_preview(repositoryName=REPOSITORY, **token)
            sizes.append(len(page["previewResults"]))
            assert page["status"] == "COMPLETE"
            assert page["summary"] == {"expiringImageTotalCount": 250}
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert sizes == [100, 100, 50]

    @pytest.mark.parametrize("size", [1, 7, 99, 100])
    def test_pages_of_any_size_add_up_to_the_same(self, full: LocalEcr, size: int) -> None:
        pages = full.client().get_paginator("get_lifecycle_policy_preview")
        images = pages.paginate(repositoryName=REPOSITORY, PaginationConfig={"PageSize": size, "MaxItems": 120})
        digests = [image["imageDigest"] for page in images for image in page["previewResults"]]
        whole = pages.paginate(repositoryName=REPOSITORY).build_full_result()["previewResults"]
        assert len({image["imageDigest"] for image in whole}) == 250
        assert digests == [image["imageDigest"] for image in whole][:120]

    def test_the_last_page_may_be_exactly_full(self, full: LocalEcr) -> None:
        page = full.client().get_lifecycle_policy_preview(repositoryName=REPOSITORY, maxResults=50)
        for _ in range(4):
            page = full.client().get_lifecycle_policy_preview(
                repositoryName=REPOSITORY, maxResults=50, nextToken=page["nextToken"]
            )
        assert len(page["previewResults"]) == 50
        assert "nextToken" not in page

    @pytest.mark.parametrize(("tag_status", "number"), [("TAGGED", 125), ("UNTAGGED", 125), ("ANY", 250)])
    def test_the_filter_is_by_tag_status(self, full: LocalEcr, tag_status: str, number: int) -> None:
        pages = full.client().get_paginator("get_lifecycle_policy_preview")
        result = pages.paginate(repositoryName=REPOSITORY, filter={"tagStatus": tag_status}).build_full_result()
        assert len(result["previewResults"]) == number
        assert result["summary"] == {"expiringImageTotalCount": 250}

    def test_image_ids_choose_by_digest_tag_or_both(self, full: LocalEcr) -> None:
        first, second, third = full.repository(REPOSITORY).images[1:4]
        ids = [
            {"imageDigest": first.image_digest},
            {"imageTag": third.image_tags[0]},
            {"imageDigest": second.image_digest, "imageTag": "of-another"},
        ]
        answer = full.client().get_lifecycle_policy_preview(repositoryName=REPOSITORY, imageIds=ids)
        digests = [result["imageDigest"] for result in answer["previewResults"]]
        assert digests == [first.image_digest, third.image_digest]
        assert "nextToken" not in answer


def error(call: Any, **parameters: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Message"]


class TestErrors:
    def test_start_without_text_and_without_an_applied_policy(self, ecr: LocalEcr) -> None:
        code, status, message = error(ecr.client().start_lifecycle_policy_preview, repositoryName=REPOSITORY)
        assert (code, status) == ("LifecyclePolicyNotFoundException", 400)
        assert REPOSITORY in message

    def test_start_with_a_policy_that_breaks_the_grammar_names_every_mistake(self, ecr: LocalEcr) -> None:
        text = policy(rule(1, count=0), rule(1, "tagged", days=3))
        code, status, message = error(
            ecr.client().start_lifecycle_policy_preview, repositoryName=REPOSITORY, lifecyclePolicyText=text
        )
        assert (code, status) == ("InvalidParameterException", 400)
        for name in ("count_number_invalid", "priority_duplicate", "tag_list_missing"):
            assert name in message

    def test_start_with_a_text_that_is_not_json(self, ecr: LocalEcr) -> None:
        code, _, message = error(
            ecr.client().start_lifecycle_policy_preview, repositoryName=REPOSITORY, lifecyclePolicyText="{" * 120
        )
        assert code == "InvalidParameterException"
        assert "not JSON" in message

    def test_get_where_nothing_was_started(self, ecr: LocalEcr) -> None:
        code, status, _ = error(ecr.client().get_lifecycle_policy_preview, repositoryName=REPOSITORY)
        assert (code, status) == ("LifecyclePolicyPreviewNotFoundException", 400)

    @pytest.mark.parametrize("operation", ["start_lifecycle_policy_preview", "get_lifecycle_policy_preview"])
    def test_unknown_repository_and_region_and_registry(self, ecr: LocalEcr, operation: str) -> None:
        here, elsewhere = ecr.client(), ecr.client(region_name="eu-west-1")
        assert error(getattr(here, operation), repositoryName="payments/none")[0] == "RepositoryNotFoundException"
        assert error(getattr(elsewhere, operation), repositoryName=REPOSITORY)[0] == "RepositoryNotFoundException"
        code, _, message = error(getattr(here, operation), repositoryName=REPOSITORY, registryId="999999999999")
        assert code == "RepositoryNotFoundException"
        assert "999999999999" in message

    @pytest.mark.parametrize("operation", ["start_lifecycle_policy_preview", "get_lifecycle_policy_preview"])
    def test_a_name_that_no_repository_can_have(self, ecr: LocalEcr, operation: str) -> None:
        code, _, message = error(getattr(ecr.client(), operation), repositoryName="Payments API")
        assert code == "InvalidParameterException"
        assert "repositoryName" in message

    @pytest.mark.parametrize(
        "parameters",
        [
            pytest.param({"maxResults": 101}, id="page too large"),
            pytest.param({"imageIds": [{"imageTag": f"t{index}"} for index in range(101)]}, id="101 image ids"),
            pytest.param({"imageIds": [{"imageTag": "a"}], "maxResults": 5}, id="image ids and page size"),
            pytest.param({"imageIds": [{"imageTag": "a"}], "nextToken": "x"}, id="image ids and token"),
            pytest.param({"nextToken": "not one of ours"}, id="foreign token"),
            pytest.param({"filter": {"tagStatus": "SOME"}}, id="unknown tag status"),
        ],
    )
    def test_get_with_parameters_that_do_not_go(self, ecr: LocalEcr, parameters: Mapping[str, Any]) -> None:
        ecr.start_preview(REPOSITORY, KEEP_TEN)
        code, status, _ = error(ecr.client().get_lifecycle_policy_preview, repositoryName=REPOSITORY, **parameters)
        assert (code, status) == ("InvalidParameterException", 400)

    def token(self, ecr: LocalEcr) -> str:
        ecr.push_many(REPOSITORY, 30)
        ecr.start_preview(REPOSITORY, KEEP_TEN)
        answer = ecr.client().get_lifecycle_policy_preview(repositoryName=REPOSITORY, maxResults=5)
        return str(answer["nextToken"])

    def test_a_token_of_a_replaced_preview(self, ecr: LocalEcr) -> None:
        token = self.token(ecr)
        ecr.start_preview(REPOSITORY, KEEP_TEN)
        code, _, message = error(ecr.client().get_lifecycle_policy_preview, repositoryName=REPOSITORY, nextToken=token)
        assert code == "InvalidParameterException"
        assert "replaced" in message

    def test_a_token_of_a_request_with_another_filter(self, ecr: LocalEcr) -> None:
        token = self.token(ecr)
        code, _, message = error(
            ecr.client().get_lifecycle_policy_preview,
            repositoryName=REPOSITORY,
            nextToken=token,
            filter={"tagStatus": "TAGGED"},
        )
        assert code == "InvalidParameterException"
        assert "filter" in message

    def test_a_token_that_has_aged(self, ecr: LocalEcr) -> None:
        ecr.token_life_seconds = 60
        token = self.token(ecr)
        client = ecr.client()
        client.get_lifecycle_policy_preview(repositoryName=REPOSITORY, nextToken=token)
        ecr.advance(seconds=61)
        code, _, message = error(client.get_lifecycle_policy_preview, repositoryName=REPOSITORY, nextToken=token)
        assert code == "InvalidParameterException"
        assert "expired" in message


class TestOtherAccounts:
    def test_a_repository_of_the_registry_that_is_named_is_found(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("shared/base", account_id="222222222222", policy=KEEP_TEN)
        client = local_ecr.client()
        for operation in (
            client.start_lifecycle_policy_preview,
            client.get_lifecycle_policy_preview,
            client.get_lifecycle_policy,
            client.describe_images,
        ):
            operation(repositoryName="shared/base", registryId="222222222222")
        assert set(local_ecr.calls.outcomes) == {"OK"}
        assert local_ecr.repository("shared/base", account_id="222222222222").preview is not None

    def test_an_assumed_role_sees_its_own_account(self, local_ecr: LocalEcr) -> None:
        local_ecr.create_repository("shared/base", account_id="222222222222")
        role = local_ecr.client("sts").assume_role(
            RoleArn="arn:aws:iam::222222222222:role/audit", RoleSessionName="test"
        )["Credentials"]
        other = local_ecr.client(
            aws_access_key_id=role["AccessKeyId"],
            aws_secret_access_key=role["SecretAccessKey"],
            aws_session_token=role["SessionToken"],
        )
        (repository,) = other.describe_repositories()["repositories"]
        assert repository["registryId"] == "222222222222"
        assert local_ecr.client().describe_repositories()["repositories"] == []
