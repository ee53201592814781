"""A task that is killed, throttled or without a reply at any of its calls loses nothing, and its result says what happened.

An undisturbed run counts the calls that change something. Then it runs anew for each of these calls and each fault, with
the fault at that call, and is followed by a second attempt where it did not end well.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from airflow_provider_ecr_preview.core.exceptions import CleanupBlockedError, CleanupIncompleteError
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.engine import image_removal
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.local import (
    Call,
    ConnectionReset,
    Fault,
    LocalEcr,
    LostReply,
    Registry,
    TruncatedBody,
    server_error,
    throttled,
)
from airflow_provider_ecr_preview.local.pytest_plugin import OTHER_SETTINGS
from airflow_provider_ecr_preview.operators.ecr_cleanup import (
    EcrDeletePreviewedImagesOperator,
    EcrPutLifecyclePolicyOperator,
    EcrRestoreLifecyclePolicyOperator,
)
from airflow_provider_ecr_preview.reports.lists import image_list, read_image_list, read_lines
from airflow_provider_ecr_preview.reports.segments import unpacked
from tests.support.contexts import TaskStateStore
from tests.support.policies import keep

pytestmark = pytest.mark.changes_registry

REGION = "us-east-1"
REPOSITORIES = {"payments/api": 4, "shop/web": 2}
KEPT = 1
CHANGED = ("payments/api", "shop/web", "shop/worker")


class Killed(BaseException):
    """Ends a process immediately: no code that handles errors sees it."""


class KilledBefore(Fault):
    """The process is killed as it is about to send the call."""

    def before(self, call: Call, registry: Registry) -> Any:
        raise Killed


class KilledAfter(Fault):
    """The process is killed while it waits for the reply; the call has its effect."""

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        raise Killed


@dataclass(frozen=True)
class Answered(Fault):
    """ECR does what it is to do, and answers an error all the same."""

    status: int

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        return type(reply).error("ServerException", "Injected", self.status)


@dataclass
class AtMutatingCall(Fault):
    """A fault at one of the calls that change something, and at further ones.

    :param fault: the fault.
    :param skip: how many such calls pass before.
    :param calls: how many it hits; None for all further ones.
    """

    fault: Fault
    skip: int
    calls: int | None
    _seen: int = 0
    _hits: bool = False

    def before(self, call: Call, registry: Registry) -> Any:
        self._hits = False
        if not call.is_mutating:
            return None
        self._hits = self._seen >= self.skip and (self.calls is None or self._seen < self.skip + self.calls)
        self._seen += 1
        return self.fault.before(call, registry) if self._hits else None

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        return self.fault.after(call, registry, reply) if self._hits else reply


@contextmanager
def killed_with_reply(hook: EcrImageCleanupHook, skip: int) -> Iterator[None]:
    """Kill the process when it has the reply of a call, and has written nothing down yet."""
    seen = 0

    def kill(model: Any, **_: object) -> None:
        nonlocal seen
        if model.name.startswith(("Describe", "Get")):
            return
        seen += 1
        if seen > skip:
            raise Killed

    events = hook._acting.meta.events
    events.register_last("after-call.ecr", kill)
    yield
    events.unregister("after-call.ecr", kill)


@dataclass(frozen=True)
class Trouble:
    """A fault at one of the calls that change something.

    :param fault: what happens.
    :param calls: at how many calls in a row; None for all further ones.
    :param has_effect: whether the call has its effect; None where there is no fault.
    :param is_answered: whether the caller learns what became of the call, in time to write it down.
    """

    name: str
    fault: Callable[[], Fault] | None
    has_effect: bool
    is_answered: bool = False
    calls: int | None = 1


TROUBLES = (
    Trouble("killed before it is sent", KilledBefore, has_effect=False),
    Trouble("killed before the reply", KilledAfter, has_effect=True),
    Trouble("killed with the reply", None, has_effect=True),
    Trouble("throttled once", throttled, has_effect=False, is_answered=True),
    Trouble(
        "throttled for good", lambda: throttled("ThrottleException"), has_effect=False, is_answered=True, calls=None
    ),
    Trouble("reply lost", LostReply, has_effect=True),
    Trouble("connection reset", ConnectionReset, has_effect=False),
    Trouble("connection reset for good", ConnectionReset, has_effect=False, calls=None),
    Trouble("reply cut off", TruncatedBody, has_effect=True),
    Trouble("500 before", server_error, has_effect=False),
    Trouble("500 after", lambda: Answered(500), has_effect=True),
    Trouble("503 after", lambda: Answered(503), has_effect=True),
    Trouble(
        "denied for good", lambda: throttled("AccessDeniedException"), has_effect=False, is_answered=True, calls=None
    ),
)


@dataclass
class World:
    """A registry, a task that changes it, and what the task leaves to its next attempt."""

    ecr: LocalEcr
    hook: EcrImageCleanupHook
    folder: Path
    store: TaskStateStore | None
    waits: list[int] = field(default_factory=list)
    """After how many calls each wait was."""

    @property
    def results_path(self) -> str:
        return f"file://{self.folder}/results.jsonl.gz"

    def states(self) -> dict[str, str]:
        """Return the status of every image that is there, by digest."""
        return {
            image.get_image_digest(): image.status
            for name in REPOSITORIES
            for image in self.ecr.repository(name).local_images
        }

    def parts(self) -> list[dict[str, Any]]:
        """Return what the attempts have written down so far."""
        if self.store is not None:
            texts = [unpacked(text) for text in self.store.values.values()]
        else:
            texts = [path.read_text() for path in sorted(self.folder.rglob("*.jsonl"))]
        return [json.loads(line) for text in texts for line in text.splitlines()]

    def run(self, operator: Any, attempt: int) -> Any:
        """Run one attempt and return its result; None if it was killed."""
        operator.__dict__["_hooks"] = {REGION: self.hook}
        operator.__dict__["_stop"] = stop = mock.Mock(spec=["set", "is_set", "wait"])
        stop.is_set.return_value = False
        stop.wait.side_effect = lambda _: self.waits.append(len(self.ecr.calls))
        context: Any = {"ti": mock.Mock(spec=["xcom_push", "try_number"], try_number=attempt)}
        if self.store is not None:
            context["task_state_store"] = self.store
        try:
            return operator.execute(context)
        except (CleanupBlockedError, CleanupIncompleteError):
            return context["ti"].xcom_push.call_args.kwargs["value"]
        except Killed:
            return None


@pytest.fixture(scope="module")
def ecr(local_ecr_server: LocalEcr) -> Iterator[LocalEcr]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", *OTHER_SETTINGS):
            patch.delenv(name, raising=False)
        patch.setattr(image_removal, "MAX_BATCH", 3)
        # Only one can be there.
        local_ecr_server.stop()
        with LocalEcr(port=None) as ecr:
            yield ecr
        local_ecr_server.start()


@pytest.fixture(scope="module")
def hook(ecr: LocalEcr) -> EcrImageCleanupHook:
    return EcrImageCleanupHook(aws_conn_id=None, region_name=REGION, throttle_timeout=30.0, outage_timeout=1.0)


def previewed(world: World, repositories: Iterable[str] = REPOSITORIES, policy: Any = None) -> list[Any]:
    """Return the approved previews of all repositories."""
    summaries = []
    for name in repositories:
        world.hook.start_preview(name, policy)
        uri = f"file://{world.folder}/{name.replace('/', '-')}.jsonl.gz"
        with image_list(uri) as images:
            summaries.append(summary_xcom(world.hook.summarize_preview(name, on_image=images.write), images_uri=uri))
    return summaries


def clean_up(world: World, summaries: Any, action: Any, attempt: int) -> Any:
    operator = EcrDeletePreviewedImagesOperator(
        task_id="clean_up",
        summary=summaries,
        action=action,
        dry_run=False,
        check_in_use=False,
        max_share=None,
        results_path=world.results_path,
        poll_interval=0.001,
    )
    return world.run(operator, attempt)


@dataclass
class Begun:
    """A clean-up that was approved."""

    world: World
    action: str
    summaries: list[Any]
    before: dict[str, str]
    approved: set[str]

    def is_touched(self, digest: str) -> bool:
        """Return whether an image is deleted, or archived."""
        return self.world.states().get(digest) == (None if self.action == "delete" else "ARCHIVED")

    def attempt(self, number: int) -> Any:
        return clean_up(self.world, self.summaries, self.action, number)

    def calls(self) -> list[Call]:
        return self.world.ecr.calls.mutating

    def check(self, result: Any) -> dict[str, dict[str, Any]]:
        """Check that a result and its list are true and whole, and return the list by digest."""
        lines = {line["image_digest"]: line for line in read_lines(self.world.results_path)}
        assert set(lines) == self.approved
        for digest, line in lines.items():
            assert line["status"] in ("deleted", "archived", "failed", "not_attempted"), line
            assert (line["status"] in ("deleted", "archived")) == self.is_touched(digest), line
        touched = [line for line in lines.values() if self.is_touched(line["image_digest"])]
        assert result["touched_image_count"] == len(touched)
        assert result["reply_lost_image_count"] == sum(line["reason"] == "reply_lost" for line in touched)
        assert set(self.before) - set(self.world.states()) <= self.approved
        return lines

    def check_looks(self) -> None:
        """Check that each call comes right after a look at all of its images, with no wait between."""
        calls = list(self.world.ecr.calls)
        for index, call in enumerate(calls):
            if not call.is_mutating:
                continue
            look = calls[index - 1]
            assert look.operation == "DescribeImages"
            assert digests_of(call) <= {image_id["imageDigest"] for image_id in look.parameters["imageIds"]}
            assert index not in self.world.waits


def digests_of(call: Call) -> set[str]:
    image_ids = call.parameters.get("imageIds") or [call.parameters["imageId"]]
    return {image_id["imageDigest"] for image_id in image_ids}


@pytest.fixture
def begin(ecr: LocalEcr, hook: EcrImageCleanupHook, tmp_path: Path) -> Callable[..., Begun]:
    def begin(action: str, *, with_store: bool = True) -> Begun:
        ecr.reset()
        for name, count in REPOSITORIES.items():
            ecr.create_repository(name, policy=keep(KEPT))
            ecr.push_many(name, count, newest_days_ago=40)
        begun.append(len(begun))
        folder = tmp_path / str(len(begun))
        folder.mkdir()
        world = World(ecr, hook, folder, TaskStateStore() if with_store else None)
        summaries = previewed(world)
        approved = {image.image_digest for summary in summaries for image in read_image_list(summary["images_uri"])}
        ecr.calls.clear()
        return Begun(world, action, summaries, world.states(), approved)

    begun: list[int] = []
    return begin


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name.replace(" ", "-"))
@pytest.mark.parametrize(("action", "call_count"), [("delete", 3), ("archive", 4)])
def test_all_approved_images_are_deleted_and_the_result_is_right_whatever_happens_to_a_call(
    begin: Callable[..., Begun], trouble: Trouble, action: str, call_count: int
) -> None:
    for index in range(call_count):
        begun = begin(action, with_store=index % 2 == 0)
        with injected(begun.world, trouble, index):
            first = begun.attempt(1)
        hit = digests_of(begun.calls()[index])
        begun.check_looks()
        if first is None:
            named = {digest for entry in begun.world.parts() for digest in digests_in(entry)}
            assert {digest for digest in begun.approved if begun.is_touched(digest)} <= named
        elif trouble.calls is None:
            lines = begun.check(first)
            assert first["status"] == "incomplete"
            assert {lines[digest]["status"] for digest in hit} == {"failed"}
            assert not any(map(begun.is_touched, hit))
        last = first if first is not None and first["status"] == "done" else begun.attempt(2)
        lines = begun.check(last)
        begun.check_looks()
        assert (last["status"], last["touched_image_count"]) == ("done", len(begun.approved))
        lost = {digest for digest, line in lines.items() if line["reason"] == "reply_lost"}
        if not trouble.has_effect or trouble.is_answered:
            hit = set()
        # What was archived and not written down before a kill is found archived, too.
        assert lost == hit or (action == "archive" and first is None and hit <= lost)
        assert not list(begun.world.folder.glob("*.parts/**/*.jsonl"))


@dataclass
class Change:
    """A change of policies that was approved."""

    world: World
    attempt: Callable[[int], Any]
    wanted: dict[str, Any]
    former: dict[str, Any]

    def policies(self) -> dict[str, Any]:
        return {name: policy_of(self.world.ecr, name) for name in self.wanted}

    def check(self, result: Any) -> dict[str, dict[str, Any]]:
        """Check that a result is true, and return its repositories by name."""
        rows = {row["repository_name"]: row for row in result["repositories"]}
        there = self.policies()
        assert set(rows) == set(self.wanted)
        for name, row in rows.items():
            assert row["status"] in ("changed", "failed", "planned"), row
            assert (row["status"] == "changed") == (there[name] == self.wanted[name]), row
            former = self.former[name]
            assert json.loads(row["former_lifecycle_policy_text"] or "null") == former, row
        return rows

    def check_looks(self) -> None:
        """Check that each call comes right after a look at the policy, with no wait between."""
        calls = list(self.world.ecr.calls)
        for index, call in enumerate(calls):
            if call.is_mutating:
                assert (calls[index - 1].operation, calls[index - 1].repository) == (
                    "GetLifecyclePolicy",
                    call.repository,
                )
                assert index not in self.world.waits


def policy_of(ecr: LocalEcr, name: str) -> Any:
    return json.loads(ecr.repository(name).lifecycle_policy or "null")


@pytest.fixture
def begin_change(ecr: LocalEcr, hook: EcrImageCleanupHook, tmp_path: Path) -> Callable[..., Change]:
    def begin(action: str, *, with_store: bool = True) -> Change:
        ecr.reset()
        formers = dict(zip(CHANGED, (keep(9), None, keep(8)), strict=True))
        for name, policy in formers.items():
            ecr.create_repository(name, policy=policy)
            ecr.push_many(name, 4, newest_days_ago=40)
        begun.append(len(begun))
        folder = tmp_path / str(len(begun))
        folder.mkdir()
        world = World(ecr, hook, folder, TaskStateStore() if with_store else None)
        # Where there is neither, the next attempt cannot know.
        path = None if with_store else f"file://{folder}/former.jsonl.gz"
        wanted = keep(3)
        put = partial(
            EcrPutLifecyclePolicyOperator,
            task_id="put",
            summary=previewed(world, CHANGED, wanted),
            lifecycle_policy_text=wanted,
            check_in_use=False,
            dry_run=False,
            poll_interval=0.001,
            former_policies_path=path,
        )
        wanteds = dict.fromkeys(CHANGED, wanted)
        if action == "put":
            ecr.calls.clear()
            return Change(world, lambda attempt: world.run(put(), attempt), wanteds, formers)
        applied = World(ecr, hook, folder, TaskStateStore()).run(put(former_policies_path=None), 1)
        restore = partial(
            EcrRestoreLifecyclePolicyOperator,
            task_id="restore",
            applied=applied,
            dry_run=False,
            preview_restored=False,
            former_policies_path=path,
        )
        ecr.calls.clear()
        return Change(world, lambda attempt: world.run(restore(), attempt), formers, wanteds)

    begun: list[int] = []
    return begin


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name.replace(" ", "-"))
@pytest.mark.parametrize("action", ["put", "restore"])
def test_whatever_happens_to_a_call_all_policies_are_changed_and_the_result_has_the_former_ones(
    begin_change: Callable[..., Change], trouble: Trouble, action: str
) -> None:
    for index, name in enumerate(CHANGED):
        change = begin_change(action, with_store=index % 2 == 0)
        with injected(change.world, trouble, index):
            first = change.attempt(1)
        change.check_looks()
        if first is None:
            named = {value["repository_name"] for entry in change.world.parts() for value in entry.values()}
            assert named == set(CHANGED[: index + 1])
        elif trouble.calls is None:
            rows = change.check(first)
            assert [row["status"] for row in rows.values()] == ["changed"] * index + ["failed"] + ["planned"] * (
                2 - index
            )
        last = first if first is not None and first["status"] == "changed" else change.attempt(2)
        rows = change.check(last)
        change.check_looks()
        assert (last["status"], last["changed_repository_count"]) == ("changed", 3)
        lost = {repository for repository, row in rows.items() if row["reason"] == "reply_lost"}
        # That the policy was put is said by the status of a reply, whatever is cut off after it.
        is_lost = trouble.has_effect and not trouble.is_answered and trouble.fault is not TruncatedBody
        assert lost == ({name} if is_lost else set())
        assert last["reply_lost_repository_count"] == len(lost)
        assert not list(change.world.folder.glob("*.parts/**/*.jsonl"))


def digests_in(entry: dict[str, Any]) -> set[str]:
    """Return the images that an entry of the parts names."""
    if "outcome" in entry:
        return {entry["outcome"]["image_digest"]}
    return {image["image_digest"] for image in entry["about_to_send"]["images"]}


@contextmanager
def injected(world: World, trouble: Trouble, index: int) -> Iterator[None]:
    """Provoke a trouble at one of the calls that change something."""
    if trouble.fault is None:
        with killed_with_reply(world.hook, index):
            yield
        return
    with world.ecr.inject(AtMutatingCall(trouble.fault(), index, trouble.calls), calls=None):
        yield
