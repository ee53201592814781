"""Where ECR replicates deletions, what is in the destinations protects the source, and what is not known there blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError
from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, ImageUser
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference
from airflow_provider_ecr_preview.local import AccessDenied, LocalEcr, server_error
from airflow_provider_ecr_preview.operators.ecr_audit import EcrAuditLifecyclePoliciesOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrPutLifecyclePolicyOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from tests.operators.cleanup.collected import ACCOUNT, REGION, REPOSITORY, collected
from tests.support.contexts import task_context
from tests.support.policies import keep

OTHER_ACCOUNT = "999999999999"
WEST, OTHERS = (ACCOUNT, "eu-west-1"), (OTHER_ACCOUNT, REGION)

changes_registry = pytest.mark.changes_registry


def in_use(*places: tuple[str, str], digests: Any = (), tags: Any = ()) -> ImagesInUse:
    """Return what was collected at home and in these places; the digests and tags run in the last of them."""
    found = collected()
    for account, region in places:
        found.sources.append(
            {"source": "ecs", "aws_conn_id": "x", "account_id": account, "region_name": region, "reference_count": 0}
        )
    for digest in digests:
        found.add(ImageReference(*places[-1], REPOSITORY, digest, None), ImageUser("ECS task", "there"))
    for tag in tags:
        found.add(ImageReference(*places[-1], REPOSITORY, None, tag), ImageUser("ECS task", "there"))
    return found


def copies(ecr: LocalEcr, place: tuple[str, str] = WEST) -> dict[str, Any]:
    found = ecr.repository(REPOSITORY, region_name=place[1], account_id=place[0])
    return {image.get_image_digest(): image for image in found.local_images}


@pytest.fixture
def replicated(local_ecr: LocalEcr, request: pytest.FixtureRequest) -> Any:
    """Return the bench, whose registry replicates all to another Region and another account, deletions included."""
    local_ecr.replicate(WEST, OTHERS, deletions=True)
    return request.getfixturevalue("bench")


@pytest.fixture
def read() -> ImagesInUse:
    return in_use(WEST, OTHERS)


@changes_registry
def test_a_deletion_is_replicated_where_all_is_known_and_nothing_runs(replicated: Any, read: ImagesInUse) -> None:
    summary = replicated.preview()
    result = replicated.clean_up(summary, in_use=read)
    assert (result["status"], result["touched_image_count"]) == ("done", 10)
    check = replicated.check(result, "replicas")
    assert check["verdict"] == "passed"
    assert f"{ACCOUNT}/eu-west-1, {OTHER_ACCOUNT}/us-east-1" in check["message"]
    assert {*copies(replicated.ecr)} == {*copies(replicated.ecr, OTHERS)} == {*replicated.digests()}
    assert len(replicated.digests()) == 10


@changes_registry
@pytest.mark.parametrize("place", [WEST, OTHERS])
def test_what_runs_in_a_destination_is_spared_everywhere(replicated: Any, place: Any) -> None:
    used, tagged = replicated.digests()[3], replicated.digests()[4]
    running = in_use(*{WEST, OTHERS} - {place}, place, digests=[used], tags=["build-4"])
    result = replicated.clean_up(replicated.preview(), in_use=running)
    assert (result["status"], result["touched_image_count"]) == ("done", 8)
    assert replicated.check(result, "in_use")["image_digests"] == sorted([used, tagged])
    assert {used, tagged} <= {*copies(replicated.ecr)} & {*copies(replicated.ecr, OTHERS)} & {*replicated.digests()}


@changes_registry
def test_a_tag_that_only_a_destination_has_protects_the_image_that_it_points_to_there(replicated: Any) -> None:
    used = replicated.digests()[3]
    copies(replicated.ecr)[used].update_tag("canary")
    result = replicated.clean_up(replicated.preview(), in_use=in_use(OTHERS, WEST, tags=["canary"]))
    assert replicated.check(result, "in_use")["image_digests"] == [used]
    assert used in replicated.digests()


@changes_registry
def test_a_tag_that_is_protected_in_a_destination_protects(replicated: Any, read: ImagesInUse) -> None:
    promoted = replicated.digests()[5]
    copies(replicated.ecr, OTHERS)[promoted].update_tag("prod-7")
    result = replicated.clean_up(replicated.preview(), in_use=read)
    assert replicated.check(result, "protected_tags")["image_digests"] == [promoted]
    assert promoted in {*copies(replicated.ecr, OTHERS)} & {*replicated.digests()}


@changes_registry
def test_an_image_that_was_pulled_in_a_destination_is_pulled_recently(replicated: Any, read: ImagesInUse) -> None:
    pulled = replicated.digests()[6]
    copies(replicated.ecr)[pulled].pull(replicated.ecr.now)
    result = replicated.clean_up(replicated.preview(), in_use=read)
    assert replicated.check(result, "recent_pulls")["image_digests"] == [pulled]
    assert pulled in {*copies(replicated.ecr)} & {*replicated.digests()}


@changes_registry
def test_a_destination_that_was_not_read_blocks_and_says_what_to_collect(replicated: Any) -> None:
    summary = replicated.preview()
    result = replicated.clean_up(summary, in_use=in_use(OTHERS))
    check = replicated.check(result, "replicas")
    assert (result["status"], check["verdict"]) == ("blocked", "unknown")
    assert f"It is not known what runs in {ACCOUNT}/eu-west-1" in check["message"]
    assert f"account {ACCOUNT}, Region eu-west-1" in check["remedy"]
    assert "check_replicas=False" in check["remedy"]
    assert not replicated.ecr.calls.mutating
    assert replicated.clean_up(summary, in_use=in_use(OTHERS), check_replicas=False)["status"] == "done"


@changes_registry
def test_without_such_a_rule_destinations_do_not_matter(bench: Any) -> None:
    bench.ecr.replicate(WEST)
    bench.ecr.replicate(OTHERS, prefixes=["shop/"], deletions=True)
    result = bench.clean_up(bench.preview())
    assert result["status"] == "done"
    assert "does not replicate" in bench.check(result, "replicas")["message"]
    assert [call.region for call in bench.ecr.calls if call.operation == "DescribeImages"].count("eu-west-1") == 0


@changes_registry
def test_archiving_is_not_replicated(replicated: Any) -> None:
    result = replicated.clean_up(replicated.preview(), action="archive")
    assert (result["status"], replicated.check(result, "replicas")["verdict"]) == ("done", "passed")
    assert len(copies(replicated.ecr)) == 20


@changes_registry
def test_a_destination_without_the_repository_has_nothing_to_lose(bench: Any, read: ImagesInUse) -> None:
    bench.ecr.replicate(WEST, OTHERS, deletions=True)
    assert bench.clean_up(bench.preview(), in_use=read)["status"] == "done"


@changes_registry
@pytest.mark.parametrize(
    ("operation", "region", "where"),
    [("DescribeRegistry", None, "ecr:DescribeRegistry"), ("DescribeImages", "eu-west-1", "ecr:DescribeImages")],
)
def test_what_may_not_be_read_blocks_and_names_the_permission(
    replicated: Any, read: ImagesInUse, *, operation: str, region: str | None, where: str
) -> None:
    summary = replicated.preview()
    with replicated.ecr.inject(AccessDenied(), operation, region=region, calls=None):
        result = replicated.clean_up(summary, in_use=read)
        check = replicated.check(result, "replicas")
        assert (result["status"], check["verdict"]) == ("blocked", "unknown")
        assert f"Allow {where}" in check["remedy"]
        assert "check_replicas=False" in check["remedy"]
        assert not replicated.ecr.calls.mutating
        assert replicated.clean_up(summary, in_use=read, check_replicas=False)["status"] == "done"


@changes_registry
def test_a_registry_of_another_account_cannot_be_read_and_blocks(bench: Any, tmp_path: Path) -> None:
    bench.ecr.create_repository("theirs/api", account_id=OTHER_ACCOUNT)
    bench.ecr.push_many("theirs/api", 20, newest_days_ago=40, account_id=OTHER_ACCOUNT)
    bench.ecr.put_policy("theirs/api", keep(10), account_id=OTHER_ACCOUNT)
    names = {"repository_name": "theirs/api", "registry_id": OTHER_ACCOUNT}
    EcrStartLifecyclePolicyPreviewOperator(task_id="start", **names).execute(task_context())
    summary = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize", images_path=f"file://{tmp_path}/images.jsonl.gz", **names
    ).execute(task_context())
    assert "replicated_deletion_unknown" in [finding["code"] for finding in summary["findings"]]
    result = bench.clean_up(summary, in_use=in_use(OTHERS))
    check = bench.check(result, "replicas")
    assert (check["verdict"], result["status"]) == ("unknown", "blocked")
    assert f"connection of account {OTHER_ACCOUNT}" in check["remedy"]


@changes_registry
def test_an_answer_that_is_late_is_waited_for(replicated: Any, read: ImagesInUse) -> None:
    summary = replicated.preview()
    replicated.ecr.inject(server_error(), "DescribeRegistry")
    assert replicated.clean_up(summary, in_use=read)["status"] == "done"


@changes_registry
def test_the_registry_is_read_once_for_all_repositories(replicated: Any, read: ImagesInUse) -> None:
    for name in ("a/b", "a/c"):
        replicated.ecr.create_repository(name, policy=keep(12))
        replicated.ecr.push_many(name, 20, newest_days_ago=40)
    summaries = [replicated.preview(name) for name in (REPOSITORY, "a/b", "a/c")]
    replicated.ecr.calls.clear()
    assert replicated.clean_up(summaries, in_use=read)["statuses"] == {"done": 3}
    assert replicated.ecr.calls.count("DescribeRegistry") == 1


class TestPolicies:
    """ECR replicates what a policy expires as well."""

    def put(self, bench: Any, used: ImagesInUse, **settings: Any) -> Any:
        summary = bench.preview(lifecycle_policy_text=keep(12))
        context = task_context()
        operator = EcrPutLifecyclePolicyOperator(
            task_id="put",
            summary=summary,
            lifecycle_policy_text=keep(12),
            in_use=used,
            dry_run=False,
            poll_interval=0.05,
            **settings,
        )
        try:
            return operator.execute(context)
        except CleanupBlockedError:
            return context["ti"].xcom_push.call_args.kwargs["value"]

    @changes_registry
    def test_a_policy_goes_where_all_is_known(self, replicated: Any, read: ImagesInUse) -> None:
        assert self.put(replicated, read)["status"] == "changed"
        replicated.ecr.run_lifecycle_policies(REPOSITORY)
        assert {*copies(replicated.ecr)} == {*replicated.digests()}

    @changes_registry
    def test_a_policy_that_expires_an_image_in_use_in_a_destination_is_blocked(self, replicated: Any) -> None:
        used = replicated.digests()[0]
        result = self.put(replicated, in_use(OTHERS, WEST, digests=[used]))
        assert replicated.check(result, "in_use")["image_digests"] == [used]
        assert result["status"] == "blocked"
        assert not replicated.ecr.calls.mutating

    @changes_registry
    def test_a_destination_that_was_not_read_blocks(self, replicated: Any) -> None:
        result = self.put(replicated, in_use(WEST))
        assert replicated.check(result, "replicas")["verdict"] == "unknown"
        assert not replicated.ecr.calls.mutating
        assert self.put(replicated, in_use(WEST), check_replicas="False")["status"] == "changed"


class TestFindings:
    def test_a_summary_names_the_destinations(self, replicated: Any) -> None:
        findings = {finding["code"]: finding for finding in replicated.preview()["findings"]}
        assert findings["replicated_deletion"]["severity"] == "warning"
        assert f"{ACCOUNT}/eu-west-1" in findings["replicated_deletion"]["message"]

    def test_a_refusal_is_only_good_to_know(self, bench: Any) -> None:
        with bench.ecr.inject(AccessDenied(), "DescribeRegistry", calls=None):
            findings = {finding["code"]: finding for finding in bench.preview()["findings"]}
        assert findings["replicated_deletion_unknown"]["severity"] == "info"
        assert "ecr:DescribeRegistry" in findings["replicated_deletion_unknown"]["message"]

    def audit(self, **settings: Any) -> Any:
        ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "task"], try_number=1, map_index=-1)
        ti.task.outlets = []
        operator = EcrAuditLifecyclePoliciesOperator(task_id="audit", audit_id="a", **settings)
        return operator.execute({"ti": ti})  # type: ignore[arg-type]

    def test_an_audit_reads_the_registry_once_and_makes_two_preview_calls_for_each_repository(
        self, replicated: Any
    ) -> None:
        names = [f"team/{number}" for number in range(6)]
        for name in names:
            replicated.ecr.create_repository(name, policy=keep(2))
            replicated.ecr.push_many(name, 4, newest_days_ago=40)
        replicated.ecr.calls.clear()
        value = self.audit(repository_names=names, in_use=in_use(WEST))
        codes = [finding["code"] for summary in value["summaries"] for finding in summary["findings"]]
        assert codes.count("replicated_deletion") == 6
        assert codes.count("in_use_unknown") == 6
        calls = replicated.ecr.calls
        assert calls.count("DescribeRegistry") == 1
        assert calls.count("StartLifecyclePolicyPreview") + calls.count("GetLifecyclePolicyPreview") == 12

    def test_it_can_be_switched_off(self, replicated: Any) -> None:
        replicated.ecr.calls.clear()
        value = self.audit(repository_names=[REPOSITORY], check_replicas=False)
        assert "replicated_deletion" not in [finding["code"] for finding in value["summaries"][0]["findings"]]
        assert not replicated.ecr.calls.count("DescribeRegistry")
