"""The result of a policy change says how it went, always fits, and keeps what a restore needs as long as it can."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.exceptions import RepositoryError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.change import PolicyChange, PolicyChangeStatus, former_policies_of
from airflow_provider_ecr_preview.core.rollout.former import former_policies_fingerprint
from airflow_provider_ecr_preview.core.rollout.result import former_policies_kept, policy_change_xcom
from airflow_provider_ecr_preview.core.values import json_size
from airflow_provider_ecr_preview.core.xcom.rollout import MAX_POLICY_CHANGE_BYTES, PolicyChangeXCom
from tests.support.builders import NOW, REGION, REGISTRY_ID
from tests.support.policies import policy, rule

WANTED, FORMER = policy(rule(countNumber=2)), policy()
PASSED = CheckResult("summary_current", "passed", "p" * 500)
WARNED = CheckResult("findings", "warned", "w")
BLOCKED = CheckResult("policies", "blocked", "b")
URI = "file:///former.jsonl.gz"


def change(
    name: str = "a",
    status: PolicyChangeStatus = "changed",
    *,
    former: LifecyclePolicy | None = FORMER,
    wanted: LifecyclePolicy | None = WANTED,
    **fields: Any,
) -> PolicyChange:
    return PolicyChange(RepositoryId(REGISTRY_ID, REGION, name), wanted, former, status=status, **fields)


def result(*changes: PolicyChange, dry_run: bool = False, checks: Any = (), **fields: Any) -> PolicyChangeXCom:
    value = policy_change_xcom(
        changes, dry_run=dry_run, run_checks=checks, started_at=NOW, finished_at=NOW, change_id="run", **fields
    )
    assert json_size(value) <= MAX_POLICY_CHANGE_BYTES
    return value


def long(characters: int) -> LifecyclePolicy:
    return policy(rule(description="d" * characters))


class TestStatus:
    @pytest.mark.parametrize(
        ("statuses", "dry_run", "whole"),
        [
            (("changed", "failed", "blocked"), False, "incomplete"),
            (("changed", "unknown"), False, "incomplete"),
            (("blocked", "planned"), False, "blocked"),
            (("planned", "unchanged"), True, "dry_run"),
            (("changed", "planned"), False, "incomplete"),
            (("changed", "unchanged"), False, "changed"),
            (("unchanged",), False, "unchanged"),
            ((), False, "unchanged"),
        ],
    )
    def test_the_worst_outcome_of_a_repository_is_that_of_the_change(
        self, statuses: tuple[PolicyChangeStatus, ...], dry_run: bool, whole: str
    ) -> None:
        assert result(*(change(status=status) for status in statuses), dry_run=dry_run)["status"] == whole

    def test_a_check_of_the_whole_run_that_blocks_blocks_the_change(self) -> None:
        value = result(change(status="planned"), checks=[PASSED, BLOCKED], dry_run=True)
        assert value["status"] == "blocked"
        assert [check["verdict"] for check in value["checks"]] == ["passed", "blocked"]


class TestContents:
    def test_what_was_put_is_counted_apart_from_what_changed(self) -> None:
        changes = [
            change("a", is_put=True, reason="reply_lost"),
            change("b", "unknown", is_put=True),
            change("c", "blocked"),
        ]
        value = result(*changes)
        assert value["statuses"] == {"changed": 1, "unknown": 1, "blocked": 1}
        assert value["repository_count"] == 3
        assert (value["changed_repository_count"], value["put_repository_count"]) == (1, 2)
        assert value["reply_lost_repository_count"] == 1
        replaced = former_policies_of(changes[:2], "run", NOW)
        assert value["former_policies_fingerprint"] == former_policies_fingerprint(replaced)

    def test_a_repository_has_both_policies_by_fingerprint_and_the_former_in_full(self) -> None:
        (repository,) = result(change())["repositories"]
        assert repository["policy_fingerprint"] == WANTED.fingerprint
        assert repository["former_policy_fingerprint"] == FORMER.fingerprint
        assert repository["former_lifecycle_policy_text"] == FORMER.text

    def test_a_removed_and_a_missing_policy_are_none(self) -> None:
        value = result(change("a", wanted=None), change("b", former=None))
        removed, added = value["repositories"]
        assert removed["policy_fingerprint"] is None
        assert added["former_policy_fingerprint"] is added["former_lifecycle_policy_text"] is None
        assert value["lifecycle_policies"] == {WANTED.fingerprint: WANTED.text}

    def test_an_error_is_told_instead_of_a_note_and_cut_where_it_is_long(self) -> None:
        error = RepositoryError("e" * 1_000, repository_name="a")
        failed, noted = result(change("a", "failed", error=error, note="n"), change("b", note="n"))["repositories"]
        assert failed["error"] == "RepositoryError"
        assert str(failed["message"]).startswith("a: e")
        assert len(str(failed["message"])) == 500
        assert (noted["error"], noted["message"]) == (None, "n")

    def test_who_approved_is_told(self) -> None:
        approval = Approval("f" * 64, responded_by="ada")
        assert result(change(), approval=approval)["approval"] == approval.as_dict()
        assert result(change())["approval"] is None


class TestFitting:
    def test_the_wanted_policies_are_dropped_first(self) -> None:
        whole = MAX_POLICY_CHANGE_BYTES // 2
        value = result(change(former=long(whole), wanted=long(whole), checks=(PASSED,)), former_policies_uri=URI)
        (repository,) = value["repositories"]
        assert value["lifecycle_policies"] == {}
        assert repository["former_lifecycle_policy_text"] == long(whole).text
        assert len(repository["checks"]) == 1

    def test_checks_that_passed_are_dropped_before_former_policies(self) -> None:
        value = result(change(checks=(*[PASSED] * 100, WARNED, BLOCKED)), former_policies_uri=URI)
        (repository,) = value["repositories"]
        assert [check["verdict"] for check in repository["checks"]] == ["warned", "blocked"]
        assert repository["former_lifecycle_policy_text"] == FORMER.text

    def test_former_policies_are_dropped_only_if_a_file_has_them(self) -> None:
        former = long(MAX_POLICY_CHANGE_BYTES // 2)
        changes = [change(name, former=former) for name in "ab"]
        filed = result(*changes, former_policies_uri=URI)
        assert filed["repositories_left_out"] == 0
        assert [repository["former_lifecycle_policy_text"] for repository in filed["repositories"]] == [None, None]
        unfiled = result(*changes)
        assert unfiled["repositories_left_out"] == 1
        assert unfiled["repositories"][0]["former_lifecycle_policy_text"] == former.text

    def test_of_too_many_repositories_those_that_went_wrong_are_told_and_the_others_counted(self) -> None:
        good = [change(f"good-{number}") for number in range(300)]
        bad = [change(status, status) for status in ("blocked", "failed", "unknown")]  # type: ignore[arg-type]  # a Literal
        value = result(*good, *bad)
        told = [repository["repository_name"] for repository in value["repositories"]]
        assert told[:4] == ["blocked", "failed", "unknown", "good-0"]
        assert value["repositories_left_out"] == value["repository_count"] - len(told) == 303 - len(told)


class TestFormerPoliciesKept:
    def test_a_file_keeps_any_number_of_them(self) -> None:
        check = former_policies_kept([change(former=long(MAX_POLICY_CHANGE_BYTES))], URI)
        assert check.verdict == "passed"
        assert URI in check.message

    def test_more_than_the_result_can_hold_block_without_a_file(self) -> None:
        check = former_policies_kept([change(former=long(MAX_POLICY_CHANGE_BYTES))], None)
        assert check.verdict == "blocked"
        assert "more than fit into an XCom" in check.message

    def test_whatever_is_said_to_fit_is_in_the_result_even_if_a_repository_fails(self) -> None:
        error = RepositoryError("e" * 1_000, repository_name="a")
        verdicts = set()
        for characters in range(40_000, 48_000, 200):
            planned = [change("a", "planned", checks=(PASSED, WARNED)), change("b", "planned", former=long(characters))]
            check = former_policies_kept(planned, None)
            verdicts.add(check.verdict)
            if check.verdict == "passed":
                failed = change("a", "failed", error=error, is_put=True, checks=(PASSED, WARNED))
                value = result(failed, *planned[1:], checks=[check])
                texts = [repository["former_lifecycle_policy_text"] for repository in value["repositories"]]
                assert texts == [FORMER.text, long(characters).text]
        assert verdicts == {"passed", "blocked"}

    @pytest.mark.parametrize("size", range(36_000, 48_000, 500))
    def test_no_former_policy_is_lost_that_the_check_found_room_for(self, size: int) -> None:
        def changes(**of_first: Any) -> list[PolicyChange]:
            former = [long(5_000) for _ in range(size // 5_000)] + [long(size % 5_000)]
            planned = [change(f"r{number}", "planned", former=text) for number, text in enumerate(former)]
            return [change("r0", former=former[0], **of_first), *planned[1:]]

        if former_policies_kept(changes(status="planned"), None).blocks:
            return
        error = RepositoryError("é" * 1_000, repository_name="r0")
        value = result(
            *changes(status="failed", error=error, checks=[CheckResult("findings", "warned", "é" * 500)]),
            checks=[CheckResult("policies", "warned", "é" * 500, remedy="é" * 500)],
            approval=Approval("f" * 64, responded_by="é" * 100),
            message="é" * 2_000,
        )
        assert value["repositories_left_out"] == 0
        assert all(repository["former_lifecycle_policy_text"] for repository in value["repositories"])

    def test_there_is_room_for_the_former_policies_of_many_repositories(self) -> None:
        planned = [change(f"r{number}", "planned", former=long(1_000)) for number in range(20)]
        assert former_policies_kept(planned, None).verdict == "passed"
