"""The operators apply exactly the policy that was previewed, all or nothing, and give the former one back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.local import (
    AccessDenied,
    ConnectionReset,
    LostReply,
    Meanwhile,
    PreviewFails,
    server_error,
    throttled,
)
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)
from tests.support.contexts import task_context
from tests.support.policies import keep

REPOSITORY = "payments/api"
OTHERS = ["shop/web", "shop/worker"]

changes_registry = pytest.mark.changes_registry


class Change:
    """One run of an operator, whether its task fails or not."""

    def __init__(self, operator: Any) -> None:
        context = task_context()
        self.error: Exception | None = None
        self.pushed = context["ti"].xcom_push.call_args_list
        try:
            self.value = operator.execute(context)
        except (CleanupBlockedError, CleanupIncompleteError) as error:
            self.error = error
            self.value = context["ti"].xcom_push.call_args.kwargs["value"]

    @property
    def statuses(self) -> list[str]:
        return [repository["status"] for repository in self.value["repositories"]]

    def check(self, code: str) -> Any:
        checks = [*self.value["repositories"][0]["checks"], *self.value["checks"]]
        return next(check for check in checks if check["code"] == code)


@pytest.fixture
def candidate() -> dict[str, Any]:
    return dict(keep(12))


@pytest.fixture
def put(bench: Any, candidate: Any, in_use: Any) -> Callable[..., Change]:
    """Return what puts the candidate."""

    def run(summary: Any, **kwargs: Any) -> Change:
        settings = {"lifecycle_policy_text": candidate, "in_use": in_use(), "dry_run": False, "poll_interval": 0.05}
        return Change(EcrPutLifecyclePolicyOperator(task_id="put", summary=summary, **{**settings, **kwargs}))

    return run


@pytest.fixture
def restore() -> Callable[..., Change]:
    """Return what restores the former policies."""

    def run(applied: Any, **kwargs: Any) -> Change:
        return Change(
            EcrRestoreLifecyclePolicyOperator(task_id="restore", applied=applied, **{"dry_run": False, **kwargs})
        )

    return run


@pytest.fixture
def summaries(bench: Any, candidate: Any) -> list[Any]:
    """Return the approved previews of the candidate for three repositories."""
    for name in OTHERS:
        bench.ecr.create_repository(name, policy=keep(15))
        bench.ecr.push_many(name, 20, newest_days_ago=40)
    return [bench.preview(name, lifecycle_policy_text=candidate) for name in (REPOSITORY, *OTHERS)]


def applied(bench: Any, name: str = REPOSITORY) -> Any:
    text = bench.ecr.repository(name).lifecycle_policy
    return None if text is None else json.loads(text)


def test_a_dry_run_is_the_default_and_makes_no_mutating_call(bench: Any, put: Any, candidate: Any) -> None:
    result = put(bench.preview(lifecycle_policy_text=candidate), dry_run=True)
    assert (result.value["status"], result.statuses) == ("dry_run", ["planned"])
    assert applied(bench) == keep(10)
    assert not bench.ecr.calls.mutating
    assert EcrPutLifecyclePolicyOperator(task_id="x", summary={}).dry_run is True  # type: ignore[arg-type,comparison-overlap]
    assert EcrRestoreLifecyclePolicyOperator(task_id="x", applied={}).dry_run is True  # type: ignore[comparison-overlap]


@changes_registry
def test_the_policy_that_was_previewed_is_applied_and_nothing_else_changes(
    bench: Any, put: Any, candidate: Any
) -> None:
    images = bench.digests()
    result = put(bench.preview(lifecycle_policy_text=candidate))
    assert (result.value["status"], result.statuses, result.error) == ("changed", ["changed"], None)
    assert applied(bench) == candidate
    assert bench.digests() == images
    assert [call.operation for call in bench.ecr.calls.mutating] == ["PutLifecyclePolicy"]
    assert json.loads(result.value["repositories"][0]["former_lifecycle_policy_text"]) == keep(10)


@changes_registry
def test_the_former_policies_are_pushed_before_the_first_change(bench: Any, put: Any, candidate: Any) -> None:
    first = put(bench.preview(lifecycle_policy_text=candidate)).pushed[0].kwargs
    assert first["key"] == "return_value"
    assert first["value"]["repositories"][0]["status"] == "planned"
    assert json.loads(first["value"]["repositories"][0]["former_lifecycle_policy_text"]) == keep(10)


@changes_registry
def test_a_repository_that_has_the_policy_already_is_left_alone(bench: Any, put: Any) -> None:
    result = put(bench.preview(), lifecycle_policy_text=keep(10))
    assert (result.value["status"], result.statuses) == ("unchanged", ["unchanged"])
    assert not bench.ecr.calls.mutating


@changes_registry
def test_a_repository_without_a_policy_gets_one_and_loses_it_again(
    bench: Any, put: Any, restore: Any, candidate: Any
) -> None:
    bench.ecr.client().delete_lifecycle_policy(repositoryName=REPOSITORY)
    result = put(bench.preview(lifecycle_policy_text=candidate))
    assert applied(bench) == candidate
    assert restore(result.value).statuses == ["changed"]
    assert applied(bench) is None


@changes_registry
def test_the_former_policy_is_restored(bench: Any, put: Any, restore: Any, candidate: Any) -> None:
    result = put(bench.preview(lifecycle_policy_text=candidate))
    dry = restore(json.dumps(result.value), dry_run="True")
    assert (dry.value["status"], applied(bench)) == ("dry_run", candidate)
    assert restore(json.dumps(result.value)).value["status"] == "changed"
    assert applied(bench) == keep(10)
    assert restore(result.value).value["status"] == "unchanged"


@changes_registry
def test_a_policy_that_somebody_changed_since_is_not_overwritten_by_the_former(
    bench: Any, put: Any, restore: Any, candidate: Any
) -> None:
    result = put(bench.preview(lifecycle_policy_text=candidate))
    bench.ecr.put_policy(REPOSITORY, keep(18))
    bench.ecr.calls.clear()
    restored = restore(result.value)
    assert restored.check("applied_policy")["verdict"] == "blocked"
    assert not bench.ecr.calls.mutating
    assert applied(bench) == keep(18)


@changes_registry
def test_a_policy_other_than_the_previewed_one_is_refused(bench: Any, put: Any, candidate: Any) -> None:
    result = put(bench.preview(lifecycle_policy_text=candidate), lifecycle_policy_text=keep(3))
    assert result.check("policy_unchanged")["verdict"] == "blocked"
    assert not bench.ecr.calls.mutating


@changes_registry
@pytest.mark.parametrize(
    ("code", "arrange", "settings"),
    [
        ("preview_unchanged", lambda b: b.ecr.push(REPOSITORY, tags=["new"]), {}),
        ("preview_age", None, {"max_preview_age": timedelta(0)}),
        ("protected_tags", None, {"protected_tags": ["build-2"]}),
        ("protected_tags", None, {"protected_tag_patterns": ["^build-[12]$"]}),
        ("image_age", None, {"min_age_days": 500}),
        ("recent_pulls", None, {}),
        ("newest_images", None, {"newest_images_kept": 15}),
        ("images_left", None, {"minimum_images_left": 13}),
        ("max_images", None, {"max_images": 7}),
        ("max_share", None, {"max_share": 0.3}),
        ("max_bytes", None, {"max_bytes": 10}),
        ("agreeing_previews", None, {"required_agreeing_previews": 3}),
    ],
)
def test_a_policy_that_would_take_what_a_clean_up_leaves_out_is_refused(
    bench: Any, put: Any, candidate: Any, *, code: str, arrange: Any, settings: Any
) -> None:
    if code == "recent_pulls":
        bench.ecr.push(REPOSITORY, tags=["old-but-pulled"], pushed_days_ago=600, last_pull_days_ago=3)
    summary = bench.preview(lifecycle_policy_text=candidate)
    if arrange:
        arrange(bench)
    result = put(summary, **settings)
    assert result.check(code)["verdict"] == "blocked", result.check(code)
    assert isinstance(result.error, CleanupBlockedError)
    assert REPOSITORY in str(result.error)
    assert not bench.ecr.calls.mutating


@changes_registry
def test_a_policy_that_expires_an_image_in_use_is_blocked_and_the_image_is_named(
    bench: Any, put: Any, candidate: Any, in_use: Any
) -> None:
    used = bench.digests()[3]
    result = put(bench.preview(lifecycle_policy_text=candidate), in_use=in_use(digests={used: "task definition api:7"}))
    assert result.check("in_use")["verdict"] == "blocked"
    assert result.check("in_use")["image_digests"] == [used]
    assert not bench.ecr.calls.mutating


@changes_registry
@pytest.mark.parametrize("settings", [{"in_use": None}, {"in_use": "unread"}, {"unread": True}])
def test_an_unknown_image_in_use_blocks(
    bench: Any, put: Any, candidate: Any, in_use: Any, settings: dict[str, Any]
) -> None:
    given = in_use(unread=["ecs: denied"]) if "unread" in settings else settings["in_use"]
    result = put(bench.preview(lifecycle_policy_text=candidate), in_use=given)
    assert result.check("in_use")["verdict"] == "unknown"
    assert not bench.ecr.calls.mutating


@changes_registry
def test_a_critical_finding_blocks_unless_it_is_ignored(bench: Any, put: Any, candidate: Any) -> None:
    summary = bench.preview(lifecycle_policy_text=candidate)
    summary["findings"] = [{"code": "x", "severity": "critical", "message": "", "image_digests": []}]
    assert put(summary).check("findings")["verdict"] == "blocked"
    assert not bench.ecr.calls.mutating
    assert put(summary, ignored_findings=["x"]).statuses == ["changed"]


@changes_registry
def test_a_policy_that_expires_signatures_of_images_that_stay_is_blocked_unless_check_referrers_is_off(
    bench: Any, put: Any
) -> None:
    kept = bench.digests()[-1]
    for _ in range(2):
        bench.ecr.push(REPOSITORY, subject=kept, pushed_days_ago=60)
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 30}
    policy = {"rules": [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]}
    summary = bench.preview(lifecycle_policy_text=policy)
    assert "referrer_of_kept_image_expires" in {finding["code"] for finding in summary["findings"]}
    blocked = put(summary, lifecycle_policy_text=policy)
    check = blocked.check("referrers")
    assert (check["verdict"], blocked.check("findings")["verdict"]) == ("blocked", "passed")
    assert check["message"].startswith("2 approved images belong to an image that stays")
    assert "check_referrers=False" in check["remedy"]
    assert not bench.ecr.calls.mutating
    assert put(summary, lifecycle_policy_text=policy, check_referrers=False).statuses == ["changed"]


@changes_registry
@pytest.mark.parametrize(
    ("operation", "fault", "code"),
    [
        ("StartLifecyclePolicyPreview", AccessDenied(), "policy_unchanged"),
        ("GetLifecyclePolicyPreview", PreviewFails(), "preview_unchanged"),
        ("DescribeImages", AccessDenied(), "images_left"),
        ("GetLifecyclePolicy", AccessDenied(), "applied_policy"),
    ],
)
def test_a_source_that_cannot_be_read_blocks(
    bench: Any, put: Any, candidate: Any, *, operation: str, fault: Any, code: str
) -> None:
    summary = bench.preview(lifecycle_policy_text=candidate)
    with bench.ecr.inject(fault, operation):
        result = put(summary)
    assert result.check(code)["verdict"] == "unknown", result.check(code)
    assert not bench.ecr.calls.mutating


@changes_registry
def test_all_repositories_are_checked_before_the_first_is_changed(bench: Any, put: Any, summaries: Any) -> None:
    bench.ecr.push(OTHERS[-1], tags=["new"])
    result = put(summaries)
    assert result.statuses == ["planned", "planned", "blocked"]
    assert result.value["status"] == "blocked"
    assert "Nothing was changed" in str(result.error)
    assert not bench.ecr.calls.mutating


@changes_registry
def test_the_first_failure_ends_the_task_and_the_changes_are_reported(
    bench: Any, put: Any, restore: Any, *, summaries: Any, candidate: Any
) -> None:
    with bench.ecr.inject(AccessDenied(), "PutLifecyclePolicy", OTHERS[0]):
        result = put(summaries)
    assert result.statuses == ["changed", "failed", "planned"]
    assert result.value["changed_repository_count"] == 1
    assert isinstance(result.error, CleanupIncompleteError)
    assert "ecr:PutLifecyclePolicy" in str(result.error)
    assert "1 of 3" in str(result.error)
    assert [applied(bench, name) for name in (REPOSITORY, *OTHERS)] == [candidate, keep(15), keep(15)]
    assert restore(result.value).statuses == ["changed", "unchanged", "unchanged"]
    assert applied(bench) == keep(10)


@changes_registry
@pytest.mark.parametrize(
    "fault", [throttled(), server_error(), ConnectionReset(), LostReply()], ids=lambda f: repr(f)[:20]
)
def test_a_call_that_fails_once_is_made_again(bench: Any, put: Any, candidate: Any, fault: Any) -> None:
    with bench.ecr.inject(fault, "PutLifecyclePolicy"):
        assert put(bench.preview(lifecycle_policy_text=candidate)).statuses == ["changed"]
    assert applied(bench) == candidate


@changes_registry
def test_the_policy_that_is_read_back_counts_and_not_the_reply(bench: Any, put: Any, candidate: Any) -> None:
    with bench.ecr.inject(LostReply(), "PutLifecyclePolicy", calls=None):
        result = put(bench.preview(lifecycle_policy_text=candidate))
    assert result.statuses == ["changed"]
    assert applied(bench) == candidate


@changes_registry
def test_a_policy_that_cannot_be_read_back_is_unknown_and_can_be_restored(
    bench: Any, put: Any, restore: Any, candidate: Any
) -> None:
    blind = bench.ecr.inject(AccessDenied(), "GetLifecyclePolicy", skip=2, calls=None)
    result = put(bench.preview(lifecycle_policy_text=candidate))
    blind.remove()
    assert result.statuses == ["unknown"]
    assert isinstance(result.error, CleanupIncompleteError)
    assert restore(result.value).statuses == ["changed"]
    assert applied(bench) == keep(10)


@changes_registry
def test_a_policy_that_is_immediately_replaced_by_another_is_a_failure(bench: Any, put: Any, candidate: Any) -> None:
    with bench.ecr.inject(Meanwhile(lambda: bench.ecr.put_policy(REPOSITORY, keep(19))), "PutLifecyclePolicy"):
        result = put(bench.preview(lifecycle_policy_text=candidate))
    assert result.statuses == ["failed"]
    assert result.value["repositories"][0]["error"] == "LifecyclePolicyChangedError"


@changes_registry
def test_a_policy_that_somebody_changes_after_the_check_is_not_overwritten(
    bench: Any, put: Any, candidate: Any
) -> None:
    with bench.ecr.inject(Meanwhile(lambda: bench.ecr.put_policy(REPOSITORY, keep(19))), "GetLifecyclePolicy"):
        result = put(bench.preview(lifecycle_policy_text=candidate))
    assert result.statuses == ["failed"]
    assert applied(bench) == keep(19)


@changes_registry
def test_former_policies_on_storage_survive_a_retry(
    bench: Any, put: Any, restore: Any, *, summaries: Any, tmp_path: Path
) -> None:
    path = f"file://{tmp_path}/former.jsonl.gz"
    with bench.ecr.inject(AccessDenied(), "PutLifecyclePolicy", OTHERS[0]):
        put(summaries, former_policies_path=path)
    result = put(summaries, former_policies_path=path)
    assert result.statuses == ["changed", "changed", "changed"]
    assert restore(path).statuses == ["changed", "changed", "changed"]
    assert [applied(bench, name) for name in (REPOSITORY, *OTHERS)] == [keep(10), keep(15), keep(15)]


@changes_registry
def test_former_policies_that_fit_nowhere_block(bench: Any, put: Any, in_use: Any, tmp_path: Path) -> None:
    names = [f"team/{number}" for number in range(8)]
    long = {"rules": [{**keep(10)["rules"][0], "rulePriority": n, "description": "x" * 250} for n in range(1, 2)]}
    long["rules"] += [
        {
            "rulePriority": number,
            "description": "x" * 250,
            "selection": {
                "tagStatus": "tagged",
                "tagPatternList": [f"t{number}*"],
                "countType": "imageCountMoreThan",
                "countNumber": 9,
            },
            "action": {"type": "expire"},
        }
        for number in range(2, 22)
    ]
    long["rules"][0]["rulePriority"] = 99
    for name in names:
        bench.ecr.create_repository(name, policy=long)
        bench.ecr.push_many(name, 14, newest_days_ago=40)
    candidate = keep(12)
    summaries = [bench.preview(name, lifecycle_policy_text=candidate) for name in names]
    result = put(summaries, lifecycle_policy_text=candidate)
    assert result.value["checks"][0]["verdict"] == "blocked"
    assert "former_policies_path" in str(result.error)
    assert not bench.ecr.calls.mutating
    path = f"file://{tmp_path}/former.jsonl.gz"
    result = put(summaries, lifecycle_policy_text=candidate, former_policies_path=path)
    assert result.value["changed_repository_count"] == 8
    assert len(json.dumps(result.value)) <= 48 * 1024


@changes_registry
def test_it_stops_between_repositories_when_it_is_killed(
    bench: Any, summaries: Any, candidate: Any, in_use: Any
) -> None:
    operator = EcrPutLifecyclePolicyOperator(
        task_id="put",
        summary=summaries,
        lifecycle_policy_text=candidate,
        in_use=in_use(),
        dry_run=False,
        poll_interval=0.05,
    )
    with bench.ecr.inject(Meanwhile(operator.on_kill), "PutLifecyclePolicy"):
        result = Change(operator)
    assert result.statuses == ["changed", "planned", "planned"]
    assert isinstance(result.error, CleanupIncompleteError)


@changes_registry
def test_a_blocked_change_can_skip_or_just_report(bench: Any, put: Any, candidate: Any) -> None:
    summary = bench.preview(lifecycle_policy_text=candidate)
    assert put(summary, max_images=1, on_blocked="report").value["status"] == "blocked"
    with pytest.raises(AirflowSkipException, match="max_images"):
        put(summary, max_images=1, on_blocked="skip")
    assert not bench.ecr.calls.mutating


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lifecycle_policy_text": None}, "No policy is given for payments/api"),
        ({"lifecycle_policies": {"shop/*": None}, "lifecycle_policy_text": ""}, "No policy is given"),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"on_blocked": "shrug"}, "on_blocked"),
        ({"region_name": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_what_is_not_valid_is_refused_before_any_call(
    bench: Any, put: Any, candidate: Any, settings: dict[str, Any], message: str
) -> None:
    summary = bench.preview(lifecycle_policy_text=candidate)
    bench.ecr.calls.clear()
    with pytest.raises(ValueError, match=message):
        put(summary, **settings)
    assert not len(bench.ecr.calls)


@pytest.mark.parametrize("given", [None, "", 3, {"schema": "x"}, "{}", "file:///nowhere/former.jsonl.gz", '{"schema":'])
def test_a_value_that_holds_no_former_policy_is_refused(restore: Any, given: Any) -> None:
    with pytest.raises(ValueError, match="former policies cannot be read"):
        restore(given)
