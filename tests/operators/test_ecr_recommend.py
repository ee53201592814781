"""The operator that finds policies, against the local ECR."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_ecr_preview.core import exceptions
from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, ImageUser, UnreadSource
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from airflow_provider_ecr_preview.engine import policy_recommender
from airflow_provider_ecr_preview.local import AccessDenied, LocalEcr
from airflow_provider_ecr_preview.local.images import MANIFEST_LIST
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_recommend import EcrRecommendLifecyclePolicyOperator
from tests.support.contexts import audit_context

ACCOUNT, REGION = "123456789012", "us-east-1"
NAMES = ["team/api", "team/web"]


@pytest.fixture(name="digests")
def _digests(local_ecr: LocalEcr) -> dict[str, list[str]]:
    """Return the digests of two repositories with releases, the newest first."""
    digests = {}
    for name in NAMES:
        local_ecr.create_repository(name)
        digests[name] = [
            local_ecr.push(name, tags=[f"v1.{number}.0"], pushed_days_ago=20 * number + 1, size=1_000_000)
            for number in range(20)
        ]
    local_ecr.calls.clear()
    return digests


def recommend(of: Any = None, **kwargs: Any) -> Any:
    task = EcrRecommendLifecyclePolicyOperator(task_id="recommend", **{"repository_names": NAMES, **kwargs})
    return task.execute(of or audit_context())


def in_use(*digests: str, unread: bool = False, region: str = REGION) -> dict[str, Any]:
    found = ImagesInUse(datetime.now(UTC))
    found.sources = [{"source": "ecs", "account_id": ACCOUNT, "region_name": region}]
    for digest in digests:
        found.add(ImageReference(ACCOUNT, REGION, NAMES[0], digest, None), ImageUser("ECS task", "checkout"))
    if unread:
        found.unread = [UnreadSource("lambda", "aws_default", REGION, "denied")]
    return {**found.as_xcom()}


def test_repositories_of_one_shape_share_a_policy_that_lints_clean(
    local_ecr: LocalEcr, digests: dict[str, list[str]]
) -> None:
    value = recommend()
    (policy,) = value["policies"]
    assert policy["repository_names"] == NAMES
    assert lint_policy(policy["lifecycle_policy_text"]) == []
    assert (policy["lost_image_count"], policy["proven_repository_count"]) == (0, None)
    assert policy["expiring_image_count"] == 30
    assert (value["in_use_is_known"], value["failed_count"]) == (False, 0)
    assert json.loads(json.dumps(value)) == value
    assert local_ecr.calls.operations == {"DescribeImages": 2}


@pytest.mark.parametrize(("share", "count"), [("all", 1), ("none", 2)])
def test_it_can_be_chosen_who_shares_a_policy(digests: dict[str, list[str]], share: str, count: int) -> None:
    assert len(recommend(share=share)["policies"]) == count


def test_ecr_proves_a_policy_for_every_repository(local_ecr: LocalEcr, digests: dict[str, list[str]]) -> None:
    (policy,) = recommend(prove=True)["policies"]
    assert policy["proven_repository_count"] == 2
    assert local_ecr.calls.count("StartLifecyclePolicyPreview") == 2
    assert not local_ecr.calls.mutating
    assert policy["proven_expiring_image_count"] == policy["expiring_image_count"] == 30


def test_images_that_a_manifest_list_keeps_are_not_in_the_proven_number(
    local_ecr: LocalEcr, digests: dict[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    local_ecr.create_repository("team/multi")
    local_ecr.push_many("team/multi", 40, tags=lambda index: (), newest_days_ago=40, size=1_000_000)
    children = [local_ecr.push("team/multi", pushed_days_ago=days, size=1_000_000) for days in (300, 310)]
    local_ecr.push(
        "team/multi",
        tags=["stable"],
        pushed_days_ago=5,
        size=1_000_000,
        manifest=json.dumps({"mediaType": MANIFEST_LIST, "manifests": [{"digest": child} for child in children]}),
        manifest_media_type=MANIFEST_LIST,
    )
    (policy,) = recommend(repository_names="team/multi", prove=True)["policies"]
    simulated, proven = policy["expiring_image_count"], policy["proven_expiring_image_count"]
    assert (policy["proven_repository_count"], simulated - proven) == (1, 2)
    assert policy["proven_expiring_bytes_upper_bound"] == proven * 1_000_000
    log = capsys.readouterr().out
    assert f"{proven} of 43 images would expire" in log
    assert f"The simulation expires {simulated} " in log


def test_an_image_in_use_is_kept_and_named_with_what_it_costs(digests: dict[str, list[str]]) -> None:
    used = digests[NAMES[0]][-1]
    value = recommend(in_use=in_use(used), share="none")
    api, web = sorted(value["policies"], key=lambda policy: policy["repository_names"])
    assert value["in_use_is_known"] is True
    # It is the oldest image, so no policy frees anything; in the other repository nothing changes.
    assert (api["lifecycle_policy_text"], api["expiring_image_count"]) == (None, 0)
    assert web["expiring_image_count"] == 15
    assert set(value["lifecycle_policies"]) == {"team/web"}
    used = digests[NAMES[0]][12]
    (costly,) = recommend(repository_names="team/api", in_use=in_use(used))["policies"][0]["costly_images"]
    assert (costly["image_digest"], costly["reason"]) == (used, "in use")


@pytest.mark.parametrize(
    ("collected", "reason"),
    [
        (in_use(unread=True), "lambda"),
        (in_use(region="eu-west-1"), f"{ACCOUNT}/{REGION} was not read"),
        ({"schema": "other"}, "must have the schema"),
    ],
)
def test_nothing_is_recommended_while_it_is_not_known_what_is_in_use(
    digests: dict[str, list[str]], collected: dict[str, Any], reason: str
) -> None:
    of = audit_context()
    with pytest.raises(exceptions.CandidateRefusedError, match=reason):
        recommend(of, in_use=collected)
    (pushed,) = [call.kwargs["value"] for call in of["ti"].xcom_push.call_args_list]
    assert (pushed["policies"], pushed["lifecycle_policies"], pushed["failed_count"]) == ([], {}, 2)
    assert {failure["error"] for failure in pushed["failures"]} == {"ImagesInUseUnknownError"}


def test_a_repository_that_cannot_be_read_does_not_lose_the_others(
    local_ecr: LocalEcr, digests: dict[str, list[str]]
) -> None:
    value = recommend(repository_names=[*NAMES, "team/gone"], fail_on="all")
    assert [failure["error"] for failure in value["failures"]] == ["RepositoryNotFoundError"]
    assert set(value["lifecycle_policies"]) == set(NAMES)
    with pytest.raises(
        exceptions.CandidateRefusedError, match=r"Without a result: 1 of 3 repositories \(fail_on='any'\)"
    ):
        recommend(repository_names=[*NAMES, "team/gone"])


def test_a_policy_that_ecr_could_not_preview_is_not_handed_on(
    local_ecr: LocalEcr, digests: dict[str, list[str]]
) -> None:
    local_ecr.inject(AccessDenied(), "StartLifecyclePolicyPreview", repository="team/web", calls=None)
    value = recommend(prove=True, fail_on="none")
    assert value["policies"][0]["proven_repository_count"] == 1
    assert set(value["lifecycle_policies"]) == {"team/api"}
    assert (value["repository_count"], value["failed_count"]) == (2, 1)


def test_a_policy_of_which_ecr_affects_more_than_the_simulation_is_not_handed_on(
    digests: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = policy_recommender.freed_images
    monkeypatch.setattr(policy_recommender, "freed_images", lambda *arguments: simulated(*arguments)[1:])
    with pytest.raises(
        exceptions.CandidateRefusedError, match=r"affects 1 image that the simulation keeps, such as sha256"
    ):
        recommend(prove=True)


def test_a_policy_that_loses_what_it_has_to_keep_fails_the_task(
    digests: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = policy_recommender.recommended_policy

    def losing(*arguments: Any) -> Any:
        recommendation, value = found(*arguments)
        return recommendation, {**value, "lost_image_count": 1}

    monkeypatch.setattr(policy_recommender, "recommended_policy", losing)
    with pytest.raises(
        exceptions.CandidateRefusedError, match=r"team/api, team/web does not keep 1 image .* Do not apply it"
    ):
        recommend()


def test_the_result_goes_on_to_an_audit_and_a_comparison(local_ecr: LocalEcr, digests: dict[str, list[str]]) -> None:
    value = recommend()
    audit = EcrAuditLifecyclePoliciesOperator(
        task_id="audit",
        repository_names=NAMES,
        audit_id="a",
        lifecycle_policies=json.dumps(value["lifecycle_policies"]),
    ).execute(audit_context())
    assert audit["expiring_image_count"] == value["policies"][0]["expiring_image_count"]
    compared = EcrCompareLifecyclePoliciesOperator(
        task_id="compare",
        repository_names=NAMES,
        lifecycle_policy_text=value["policies"][0]["lifecycle_policy_text"],
        method="simulation",
        fail_on_finding=None,
    ).execute(audit_context())
    assert compared["policies"][1]["expiring_image_count"] == 30


def test_too_many_images_to_look_at_together_are_refused(
    digests: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy_recommender, "MAX_IMAGES", 30)
    with pytest.raises(ValueError, match=r"more than 30 images.*EcrListRepositoriesOperator"):
        recommend()


@pytest.mark.parametrize("share", ["shape", "all", "none"])
def test_no_repository_is_no_policy(local_ecr: LocalEcr, share: str) -> None:
    assert recommend(repository_names=[], share=share, prove=True)["policies"] == []


def test_a_stopped_task_ends(digests: dict[str, list[str]]) -> None:
    task = EcrRecommendLifecyclePolicyOperator(
        task_id="recommend", repository_names=NAMES, prove=True, region_name=REGION
    )
    task.on_kill()
    with pytest.raises(exceptions.AuditStoppedError, match="The task was stopped"):
        task.execute(audit_context())


def test_more_repositories_than_a_mapping_holds_are_logged_as_a_warning(
    digests: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = policy_recommender.recommended_policy

    def many(*arguments: Any) -> Any:
        recommendation, value = found(*arguments)
        return recommendation, {**value, "repository_names": [f"team/{number}" for number in range(500)]}

    monkeypatch.setattr(policy_recommender, "recommended_policy", many)
    assert recommend()["lifecycle_policies"] is None
    assert "lifecycle_policies is null" in capsys.readouterr().out
