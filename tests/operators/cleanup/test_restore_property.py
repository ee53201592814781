"""Whatever runs, retries, kills and others do: a restore applies the policy that a run replaced, or nothing."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.core.exceptions import (
    CleanupBlockedError,
    CleanupIncompleteError,
    LifecyclePolicyNotFoundError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.rollout.former import FormerPolicy
from airflow_provider_ecr_preview.engine.planned_changes import planned_change
from airflow_provider_ecr_preview.operators._policy_change import PolicyChangeOperator
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrRestoreLifecyclePolicyOperator
from airflow_provider_ecr_preview.reports.former_policies import kept_former_policies
from airflow_provider_ecr_preview.reports.lists import line_list
from tests.support.contexts import TaskStateStore

NAMES = ("a/one", "b/two")


def keep(count: int | None) -> LifecyclePolicy | None:
    if count is None:
        return None
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": count}
    rule = {"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}
    return LifecyclePolicy.from_service(json.dumps({"rules": [rule]}))


def kept_by(policy: LifecyclePolicy | None) -> int | None:
    return None if policy is None else json.loads(policy.text)["rules"][0]["selection"]["countNumber"]


class Killed(BaseException):
    """What ends a process."""


class Registry:
    """The policies of two repositories, behind the methods of the hook."""

    throttle_timeout = 0.0

    def __init__(self) -> None:
        self.policies: dict[str, int | None] = dict.fromkeys(NAMES, 0)
        self.about_to_put: Callable[[str], None] = lambda name: None
        self.has_put: Callable[[str], None] = lambda name: None

    def get_lifecycle_policy(self, name: str, **_: Any) -> LifecyclePolicy:
        policy = keep(self.policies[name])
        if policy is None:
            raise LifecyclePolicyNotFoundError("none", repository_name=name)
        return policy

    def look_at_lifecycle_policy(self, name: str, **_: Any) -> LifecyclePolicy | None:
        return keep(self.policies[name])

    def put_lifecycle_policy(self, name: str, policy: LifecyclePolicy, **_: Any) -> None:
        self._set(name, kept_by(policy))

    def delete_lifecycle_policy(self, name: str, **_: Any) -> None:
        self._set(name, None)

    def _set(self, name: str, count: int | None) -> None:
        self.about_to_put(name)
        self.policies[name] = count
        self.has_put(name)


class Put(PolicyChangeOperator):
    """Puts one policy to both repositories, without the checks of the images."""

    def __init__(self, *, wanted: int, registry: Registry, **kwargs: Any) -> None:
        super().__init__(task_id="put", dry_run=False, **kwargs)
        self.wanted = wanted
        self.registry = registry

    def _hook_of(self, region_name: str) -> Any:
        return self.registry

    def _plan(self, changer: Any, earlier: Any) -> Any:
        ids = [RepositoryId("1", "r", name) for name in NAMES]
        return [
            planned_change(changer, repository, keep(self.wanted), earlier=earlier.get(repository))
            for repository in ids
        ]


@dataclass
class Run:
    """One run of the task, and the truth about it."""

    name: str
    wanted: int
    path: str | None
    store: TaskStateStore | None
    tries: int = 0
    xcom: Any = None
    before: dict[str, set[int | None]] = field(default_factory=dict)
    """What was applied right before its put, by repository; two where one call may or may not have had its effect."""
    has_ended: bool = False
    trusts_file: bool = False
    """Whether it was run again where nothing but the file says what it did before."""


class World:
    """Two runs that share a file, and everybody else."""

    def __init__(self, folder: Path, *, with_path: bool, with_store: bool, wanted: tuple[int, int]) -> None:
        self.registry = Registry()
        self.path = f"file://{folder}/former.jsonl.gz"
        self.is_tampered_with = False
        self.runs = {
            name: Run(name, count, self.path if with_path else None, TaskStateStore() if with_store else None)
            for name, count in zip("AB", wanted, strict=True)
        }

    def attempt(self, name: str, kill: tuple[str, int] | None) -> None:
        """Let a run try, once more if it has tried before, and perhaps be killed around one of its calls."""
        run = self.runs[name]
        run.trusts_file |= run.tries > 0 and run.store is None
        run.tries, run.xcom, run.has_ended = run.tries + 1, None, False
        ti = mock.Mock(spec=["xcom_push", "try_number", "map_index", "run_id"])
        ti.try_number, ti.map_index, ti.run_id = run.tries, -1, run.name
        ti.xcom_push = lambda *, key, value: setattr(run, "xcom", json.loads(json.dumps(value)))
        context: dict[str, Any] = {"ti": ti} | ({} if run.store is None else {"task_state_store": run.store})
        calls = itertools.count()
        number = [-1]

        def about_to_put(repository: str) -> None:
            number[0] = next(calls)
            here = self.registry.policies[repository]
            if kill == ("before", number[0]):
                run.before[repository] = run.before.get(repository, set()) | {here}
                raise Killed
            run.before[repository] = {here}

        def has_put(repository: str) -> None:
            if kill == ("after", number[0]):
                raise Killed

        self.registry.about_to_put, self.registry.has_put = about_to_put, has_put
        operator = Put(wanted=run.wanted, registry=self.registry, former_policies_path=run.path)
        try:
            run.xcom = json.loads(json.dumps(operator.execute(context)))  # type: ignore[arg-type]
            run.has_ended = True
        except (Killed, CleanupIncompleteError, CleanupBlockedError, ValueError):
            pass
        finally:
            self.registry.about_to_put = self.registry.has_put = lambda name: None

    def tamper(self, name: str, count: int | None) -> None:
        """Write the file again, with another policy for a repository."""
        try:
            stored = kept_former_policies(self.path)
        except ValueError:
            stored = []
        self.is_tampered_with = True
        with line_list(self.path) as lines:
            for former in stored:
                if former.repository.repository_name == name:
                    former = FormerPolicy(  # noqa: PLW2901
                        former.repository, keep(count), former.replaced_by, former.change_id, former.kept_at
                    )
                lines.write(former.as_dict())

    def restore(self, name: str, *, without_texts: bool, left_out: int) -> None:
        """Restore what a run replaced, by its result as it is or as it is cut to its bound."""
        run = self.runs[name]
        if run.xcom is None or (run.trusts_file and self.is_tampered_with):
            return
        value = json.loads(json.dumps(run.xcom))
        if run.path is not None:
            if without_texts:
                for row in value["repositories"]:
                    row["former_lifecycle_policy_text"] = None
            value["repositories_left_out"] = len(value["repositories"][len(NAMES) - left_out :])
            value["repositories"] = value["repositories"][: len(NAMES) - left_out]
        before = dict(self.registry.policies)
        operator = EcrRestoreLifecyclePolicyOperator(
            task_id="restore", applied=value, dry_run=False, preview_restored=False
        )
        ti = mock.Mock(spec=["xcom_push"])
        with mock.patch.object(EcrRestoreLifecyclePolicyOperator, "_hook_of", return_value=self.registry):
            try:
                operator.execute({"ti": ti})  # type: ignore[arg-type]
            except (CleanupBlockedError, CleanupIncompleteError, ValueError):
                assert self.registry.policies == before, "a restore that was refused changed something"
                assert not self._must_succeed(run, before), "a restore that had to work was refused"
                return
        for repository in NAMES:
            after = self.registry.policies[repository]
            assert after == before[repository] or after in run.before.get(repository, set()), (
                f"{repository} got {after}, which the run did not replace"
            )
            if self._must_succeed(run, before) and repository in run.before:
                assert {after} == run.before[repository], f"{repository} did not get back what the run replaced"

    def _must_succeed(self, run: Run, before: dict[str, int | None]) -> bool:
        """Return whether everything is known, and no other party has changed a policy since."""
        is_known = run.has_ended and not self.is_tampered_with
        is_known = is_known and bool(run.path or run.store or run.tries == 1)
        is_plain = all(len(former) == 1 for former in run.before.values())
        return bool(is_known and is_plain and run.before) and all(before[name] == run.wanted for name in NAMES)


counts = st.sampled_from([None, 1, 2, 3])
kills = st.one_of(st.none(), st.tuples(st.sampled_from(["before", "after"]), st.integers(0, 1)))
steps = st.one_of(
    st.tuples(st.just("attempt"), st.sampled_from("AB"), kills),
    st.tuples(st.just("others"), st.sampled_from(NAMES), counts),
    st.tuples(st.just("tamper"), st.sampled_from(NAMES), counts),
    st.tuples(st.just("restore"), st.sampled_from("AB"), st.booleans(), st.integers(0, 2)),
)


def play(folder: Path, script: list[Any], **world: Any) -> None:
    known = World(folder, **world)
    for step, *arguments in script:
        if step == "attempt":
            known.attempt(*arguments)
        elif step == "others":
            known.registry.policies[arguments[0]] = arguments[1]
        elif step == "tamper" and known.runs["A"].path is not None:
            known.tamper(*arguments)
        elif step == "restore":
            known.restore(arguments[0], without_texts=arguments[1], left_out=arguments[2])
    for name in "BA":
        known.restore(name, without_texts=False, left_out=0)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(steps, max_size=8),
    st.booleans(),
    st.booleans(),
    st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2])),
)
def test_a_restore_applies_what_the_run_replaced_or_nothing(
    script: list[Any], with_path: bool, with_store: bool, wanted: tuple[int, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder), script, with_path=with_path, with_store=with_store, wanted=wanted)


@pytest.mark.nightly
@settings(max_examples=3000, deadline=None)
@given(
    st.lists(steps, max_size=12),
    st.booleans(),
    st.booleans(),
    st.tuples(st.sampled_from([1, 2]), st.sampled_from([1, 2])),
)
def test_a_restore_applies_what_the_run_replaced_or_nothing_in_long_histories(
    script: list[Any], with_path: bool, with_store: bool, wanted: tuple[int, int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        play(Path(folder), script, with_path=with_path, with_store=with_store, wanted=wanted)


KILLS = [None, ("before", 0), ("after", 0), ("before", 1), ("after", 1)]


@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize(("with_path", "with_store"), [(True, False), (False, True), (True, True)])
def test_a_put_that_is_killed_around_any_call_and_tried_again_can_be_taken_back(
    tmp_path: Path, kill: Any, *, with_path: bool, with_store: bool
) -> None:
    world = World(tmp_path, with_path=with_path, with_store=with_store, wanted=(1, 1))
    world.attempt("A", kill)
    world.attempt("A", None)
    assert dict(world.registry.policies) == dict.fromkeys(NAMES, 1)
    world.restore("A", without_texts=False, left_out=0)
    assert dict(world.registry.policies) == dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize("kill", KILLS[1:])
def test_the_file_of_a_killed_put_restores_what_it_changed(tmp_path: Path, kill: Any) -> None:
    world = World(tmp_path, with_path=True, with_store=False, wanted=(1, 1))
    world.attempt("A", kill)
    world.restore("A", without_texts=False, left_out=0)
    assert dict(world.registry.policies) == dict.fromkeys(NAMES, 0)


def test_a_repository_that_a_killed_put_did_not_reach_is_not_taken_back_from_others(tmp_path: Path) -> None:
    world = World(tmp_path, with_path=True, with_store=False, wanted=(1, 1))
    world.attempt("A", ("before", 0))
    world.attempt("B", None)
    world.attempt("A", None)
    world.restore("A", without_texts=False, left_out=0)
    assert world.registry.policies[NAMES[1]] == 1
