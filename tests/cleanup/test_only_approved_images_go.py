"""Whatever happens around a clean-up, no image outside the approved, unprotected, unused set is ever deleted.

Random registries, policies, protections and in-use sets; others who push, tag, pull, delete and change policies, before
and during the clean-up; and faults of the network and of ECR. The oracle looks at every deletion as it arrives.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ecr_preview.candidate_policies import CandidatePolicies
from airflow_provider_ecr_preview.cleanup_checks import check_run, decide
from airflow_provider_ecr_preview.cleanup_evidence import Unread
from airflow_provider_ecr_preview.cleanup_in_use import in_use_of
from airflow_provider_ecr_preview.cleanup_settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.hooks.ecr_cleanup_evidence import EvidenceCollector
from airflow_provider_ecr_preview.hooks.ecr_cleanup_removal import ImageRemoval
from airflow_provider_ecr_preview.in_use import ImagesInUse
from airflow_provider_ecr_preview.local import (
    Call,
    ConnectionReset,
    Fault,
    ImagesRefused,
    LocalEcr,
    LostReply,
    Registry,
    TruncatedBody,
    server_error,
    throttled,
)
from airflow_provider_ecr_preview.local.pytest_plugin import OTHER_SETTINGS
from airflow_provider_ecr_preview.preview import PreviewedImage
from airflow_provider_ecr_preview.protection import ImageProtection
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom
from tests.cleanup.collected import collected

pytestmark = pytest.mark.changes_registry

REPOSITORY = "payments/api"
TAGS = ("latest", "prod", "v1", "v2", "build-1", "build-2", "build-3", "pr-1", "pr-2")
UNPROTECTED = {
    "is_listed": True,
    "used_digests": set(),
    "used_tags": set(),
    "unread": False,
    "protected_tags": [],
    "min_age_days": 0,
    "recently_pulled_days": 0,
    "newest_images_kept": 0,
    "max_images": None,
    "max_share": None,
    "minimum_images_left": 0,
    "action": "delete",
}
FAULTS = ("throttle", "500", "reset", "lost", "cut", "refused", "referenced", "denied")


def rule(priority: int, selection: Mapping[str, Any], action: str = "expire") -> dict[str, Any]:
    target = {"targetStorageClass": "archive"} if action == "transition" else {}
    return {"rulePriority": priority, "selection": selection, "action": {"type": action, **target}}


def since(days: int, **selection: Any) -> dict[str, Any]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days, **selection}


def beyond(count: int, **selection: Any) -> dict[str, Any]:
    return {"countType": "imageCountMoreThan", "countNumber": count, **selection}


POLICIES: tuple[dict[str, Any], ...] = tuple(
    {"rules": rules}
    for rules in (
        [rule(1, beyond(1, tagStatus="any"))],
        [rule(1, beyond(3, tagStatus="any"))],
        [rule(1, since(30, tagStatus="any"))],
        [rule(1, since(1, tagStatus="untagged")), rule(2, beyond(2, tagStatus="tagged", tagPatternList=["build-*"]))],
        [rule(1, beyond(999, tagStatus="tagged", tagPatternList=["v*"])), rule(2, beyond(1, tagStatus="any"))],
        [rule(1, since(60, tagStatus="any"), "transition")],
        [rule(1, since(20, tagStatus="untagged")), rule(2, since(60, tagStatus="any"), "transition")],
    )
)


@dataclass
class PushedImage:
    tags: list[str]
    pushed_days_ago: float
    last_pull_days_ago: float | None
    is_list: bool


@dataclass
class Act:
    """What somebody else does: ``what`` with the image at ``index`` and the ``tag``."""

    what: str
    index: int
    tag: str
    policy: int

    @property
    def may_protect(self) -> bool:
        """Whether it may make an image one that has to stay; ECR offers no deletion that depends on that."""
        return self.what in ("tag", "pull")


@dataclass
class Trouble:
    """A fault, or what somebody else does, at a call of the clean-up."""

    what: str
    operation: str
    skip: int
    calls: int
    index: int
    act: Act


@dataclass
class Case:
    """One random clean-up."""

    images: list[PushedImage]
    policy: int
    is_candidate: bool
    is_listed: bool
    used_digests: set[int]
    used_tags: set[str]
    unread: bool
    protected_tags: list[str]
    min_age_days: int
    recently_pulled_days: int
    newest_images_kept: int
    max_images: int | None
    max_share: float | None
    minimum_images_left: int
    on_change: Any
    check_tags: bool
    action: Any
    before: list[Act]
    troubles: list[Trouble]


images = st.builds(
    PushedImage,
    tags=st.lists(st.sampled_from(TAGS), max_size=2, unique=True),
    pushed_days_ago=st.sampled_from([0.1, 2, 8, 25, 31, 45, 70, 100, 200, 400]),
    last_pull_days_ago=st.sampled_from([None, None, None, 0.5, 5, 29, 40]),
    is_list=st.sampled_from([False, False, False, False, True]),
)
acts = st.builds(
    Act,
    what=st.sampled_from(["push", "push", "tag", "pull", "policy", "delete", "preview"]),
    index=st.integers(0, 30),
    tag=st.sampled_from(TAGS),
    policy=st.integers(0, len(POLICIES) - 1),
)
troubles = st.builds(
    Trouble,
    what=st.just("act"),
    operation=st.sampled_from(
        [
            "StartLifecyclePolicyPreview",
            "GetLifecyclePolicyPreview",
            "DescribeImages",
            "BatchDeleteImage",
            "BatchDeleteImage",
            "UpdateImageStorageClass",
        ]
    ),
    skip=st.integers(0, 2),
    calls=st.integers(1, 2),
    index=st.integers(0, 30),
    act=acts,
)
cases = st.builds(
    Case,
    images=st.lists(images, min_size=2, max_size=14),
    policy=st.integers(0, len(POLICIES) - 1),
    is_candidate=st.booleans(),
    is_listed=st.sampled_from([True, True, False]),
    used_digests=st.sets(st.integers(0, 30), max_size=2),
    used_tags=st.sets(st.sampled_from(TAGS), max_size=1),
    unread=st.sampled_from([False] * 9 + [True]),
    protected_tags=st.lists(st.sampled_from(["latest", "prod*", "v?", "pr-[1]"]), max_size=2, unique=True),
    min_age_days=st.sampled_from([0, 0, 7, 30]),
    recently_pulled_days=st.sampled_from([0, 0, 7, 30]),
    newest_images_kept=st.sampled_from([0, 1, 1, 2]),
    max_images=st.sampled_from([None, None, 1, 4]),
    max_share=st.sampled_from([None, None, 0.5]),
    minimum_images_left=st.sampled_from([0, 1, 1, 3]),
    on_change=st.sampled_from(["block", "spare"]),
    check_tags=st.booleans(),
    action=st.sampled_from(["delete", "delete", "delete", "archive"]),
    before=st.just([]),
    troubles=st.just([]),
)


@dataclass
class InUse:
    digests: set[str]
    tags: set[str]
    unread: Sequence[str]

    def collected(self) -> ImagesInUse:
        """Return what a task would have collected."""
        return collected(dict.fromkeys(self.digests, "digest"), dict.fromkeys(self.tags, "tag"), self.unread)


@dataclass
class Witness(Fault):
    """Sees every deletion before it has an effect, and judges it without the code that is tested."""

    case: Case
    in_use: InUse
    approved: dict[str, PreviewedImage]
    policy_changed: bool = False
    deleted: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def before(self, call: Call, registry: Registry) -> None:
        parameters = call.parameters
        if call.operation == "BatchDeleteImage":
            digests = [image_id["imageDigest"] for image_id in parameters["imageIds"]]
        elif call.operation == "UpdateImageStorageClass":
            digests = [parameters["imageId"]["imageDigest"]]
        else:
            return
        repository = registry.repository(REPOSITORY)
        there = {image.get_image_digest(): image for image in repository.local_images}
        now = registry.now
        for digest in digests:
            self.deleted.add(digest)
            if digest not in there:
                continue
            self.complaints += [f"{digest[7:15]} {what}" for what in self._against(digest, there, now)]

    def _against(self, digest: str, there: Mapping[str, Any], now: datetime) -> Iterator[str]:
        image, approved = there[digest], self.approved.get(digest)
        if approved is None:
            yield "was not approved"
            return
        if self.case.action == "delete" and approved.action != "EXPIRE":
            yield "was approved to be archived"
        if self.policy_changed:
            yield "the policy had changed before the fresh preview"
        yield from self._uses(digest, {*image.image_tags, *approved.image_tags})
        yield from self._too_fresh(image, there, now)

    def _uses(self, digest: str, tags: set[str]) -> Iterator[str]:
        if self.in_use.unread:
            yield "what is in use was not known"
        if digest in self.in_use.digests or tags & self.in_use.tags:
            yield "is in use"
        if any(fnmatchcase(tag, glob) for tag in tags for glob in self.case.protected_tags):
            yield "has a protected tag"

    def _too_fresh(self, image: Any, there: Mapping[str, Any], now: datetime) -> Iterator[str]:
        case, pulled_at = self.case, image.last_recorded_pull_time or 0
        if image.image_pushed_at > (now - timedelta(days=case.min_age_days)).timestamp():
            yield "is too young"
        if case.recently_pulled_days and pulled_at > (now - timedelta(days=case.recently_pulled_days)).timestamp():
            yield "was pulled recently"
        newest = max(other.image_pushed_at for other in there.values() if other.status == "ACTIVE" or other is image)
        if case.newest_images_kept and image.status == "ACTIVE" and image.image_pushed_at == newest:
            yield "is the newest"


@dataclass
class During(Fault):
    """Somebody else acts at a call of the clean-up."""

    world: World
    act: Act

    def after(self, call: Call, registry: Registry, reply: Any) -> Any:
        is_last_look = call.operation == "DescribeImages" and "imageIds" in call.parameters
        if not (is_last_look and self.act.may_protect):
            with registry.lock:
                self.world.do(self.act)
        return reply


class World:
    """The registry with all who work in it."""

    def __init__(self, ecr: LocalEcr, case: Case) -> None:
        self.ecr = ecr
        self.case = case
        self.deleted_by_others: set[str] = set()
        self.applied = case.policy
        ecr.reset()
        ecr.create_repository(REPOSITORY, policy=None if case.is_candidate else POLICIES[case.policy])
        for image in case.images:
            push = ecr.push_manifest_list if image.is_list else ecr.push
            push(
                REPOSITORY,
                tags=image.tags,
                pushed_days_ago=image.pushed_days_ago,
                last_pull_days_ago=image.last_pull_days_ago,
            )

    @property
    def digests(self) -> list[str]:
        return [image.get_image_digest() for image in self.ecr.repository(REPOSITORY).local_images]

    def do(self, act: Act) -> None:
        repository = self.ecr.repository(REPOSITORY)
        if act.what == "push":
            self.ecr.push(REPOSITORY, tags=[act.tag], pushed_days_ago=act.index % 3 * 50)
        elif act.what == "policy":
            self.applied = act.policy
            self.ecr.put_policy(REPOSITORY, POLICIES[act.policy])
        elif act.what == "preview":
            self.ecr.start_preview(REPOSITORY, POLICIES[act.policy])
        elif repository.local_images:
            image = repository.local_images[act.index % len(repository.local_images)]
            if act.what == "tag":
                for other in repository.local_images:
                    if act.tag in other.image_tags:
                        other.remove_tag(act.tag)
                image.update_tag(act.tag)
            elif act.what == "pull":
                image.pull(self.ecr.now)
            elif not image.image_tags and not repository.index.lists_naming(image.get_image_digest()):
                self.deleted_by_others.add(image.get_image_digest())
                repository.images = [other for other in repository.local_images if other is not image]

    def fault(self, trouble: Trouble) -> Fault:
        digests = self.digests
        chosen = {digests[trouble.index % len(digests)]} if digests else set()
        faults: dict[str, Callable[[], Fault]] = {
            "act": lambda: During(self, trouble.act),
            "throttle": throttled,
            "500": server_error,
            "reset": ConnectionReset,
            "lost": LostReply,
            "cut": TruncatedBody,
            "refused": lambda: ImagesRefused("KmsError", chosen),
            "referenced": lambda: ImagesRefused("ImageReferencedByManifestList", chosen),
            "denied": lambda: throttled("AccessDeniedException"),
        }
        return faults[trouble.what]()


def approve(hook: EcrImageCleanupHook, case: Case, folder: Any) -> tuple[Any, dict[str, PreviewedImage]]:
    """Preview and summarise, as the operators before an approval do."""
    from airflow_provider_ecr_preview.reports import image_list  # noqa: PLC0415

    approved: dict[str, PreviewedImage] = {}
    hook.start_preview(REPOSITORY, POLICIES[case.policy] if case.is_candidate else None)
    uri = f"file://{folder}/images.jsonl.gz" if case.is_listed else None
    summary = hook.summarize_preview(REPOSITORY, on_image=lambda image: approved.update({image.image_digest: image}))
    if uri:
        with image_list(uri) as lines:
            for image in approved.values():
                lines.write(image)
    return summary_xcom(summary, images_uri=uri), approved


def clean_up(hook: EcrImageCleanupHook, case: Case, summary: PreviewSummaryXCom, in_use: InUse) -> Any:
    """Do what the operator does, without making one."""
    careful = CleanupSettings(
        action=case.action,
        protection=ImageProtection(
            protected_tags=case.protected_tags,
            min_age_days=case.min_age_days,
            recently_pulled_days=case.recently_pulled_days,
            newest_images_kept=case.newest_images_kept,
        ),
        max_images=case.max_images,
        max_share=case.max_share,
        minimum_images_left=case.minimum_images_left,
        on_change=case.on_change,
        check_tags=case.check_tags,
    )
    collector = EvidenceCollector(
        hook_of=lambda _: hook,
        policies=CandidatePolicies(POLICIES[case.policy] if case.is_candidate else None),
        in_use_of=in_use_of(in_use.collected()),
        poll_interval=0.001,
        timeout=5.0,
    )
    (decision,) = [decide(evidence, careful) for evidence in collector.collect([summary])]
    assert not any(check.blocks for check in check_run([decision]))
    if decision.blocking:
        return decision, None
    return decision, ImageRemoval(hook, case.action, threading.Event(), retry_delay=0.0).run(decision)


def check_case(ecr: LocalEcr, hook: EcrImageCleanupHook, case: Case, folder: Any) -> str:
    """Run one case and return how it ended."""
    world = World(ecr, case)
    digests = world.digests
    in_use = InUse(
        {digests[index % len(digests)] for index in case.used_digests},
        case.used_tags,
        ["eks"] if case.unread else [],
    )
    summary, approved = approve(hook, case, folder)
    for act in case.before:
        world.do(act)
    changed = not case.is_candidate and POLICIES[world.applied] != POLICIES[case.policy]
    there_before = set(world.digests)
    witness = Witness(case, in_use, approved, policy_changed=changed)
    ecr.inject(witness, calls=None)
    for trouble in case.troubles:
        fault = world.fault(trouble)
        operation = "BatchDeleteImage" if isinstance(fault, ImagesRefused) else trouble.operation
        ecr.inject(fault, operation, skip=trouble.skip, calls=trouble.calls)
    ecr.calls.clear()
    decision, cleanup = clean_up(hook, case, summary, in_use)

    assert not witness.complaints
    vanished = there_before - set(world.digests) - world.deleted_by_others
    assert vanished <= witness.deleted
    if case.max_images is not None:
        assert len(witness.deleted) <= case.max_images
    if case.max_share is not None and not isinstance(decision.evidence.inventory, Unread):
        assert len(witness.deleted) <= case.max_share * len(decision.evidence.inventory)
    assert not witness.deleted or world.digests
    assert {call.operation for call in ecr.calls.mutating} <= {"BatchDeleteImage", "UpdateImageStorageClass"}
    if cleanup is None:
        assert not ecr.calls.mutating
        return "blocked"
    reported = {outcome.image_digest for outcome in cleanup.of_status("deleted", "unknown", "failed", "gone")}
    assert vanished <= reported
    return str(cleanup.status)


def cases_of(acting: bool, faulty: bool) -> st.SearchStrategy[Case]:
    """Return clean-ups around which others work, or things go wrong, or both, or nothing."""
    whats = ["act"] * 3 * acting + [what for what in FAULTS for _ in range(faulty)]
    return st.builds(
        replace,
        cases,
        before=st.lists(acts, max_size=2 * acting),
        troubles=st.lists(
            st.builds(replace, troubles, what=st.sampled_from(whats or ["act"])), max_size=3 if whats else 0
        ),
    )


RunCase = Callable[[Case], str]

by_chance = {"derandomize": True, "deadline": None, "suppress_health_check": list(HealthCheck)}
thorough = settings(max_examples=600, **by_chance)
brief = settings(max_examples=40, **by_chance)


@pytest.fixture(scope="class")
def ecr(local_ecr_server: LocalEcr) -> Iterator[LocalEcr]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", *OTHER_SETTINGS):
            patch.delenv(name, raising=False)
        # The SDK sleeps before it tries again; what it does then is what matters here.
        patch.setattr(time, "sleep", lambda _: None)
        # Only one can be there.
        local_ecr_server.stop()
        with LocalEcr(port=None) as ecr:
            yield ecr
        local_ecr_server.start()


@pytest.fixture(scope="class")
def run_case(ecr: LocalEcr, tmp_path_factory: pytest.TempPathFactory) -> RunCase:
    hook = EcrImageCleanupHook(aws_conn_id=None, region_name="us-east-1", throttle_timeout=0.05)
    folder = tmp_path_factory.mktemp("lists")
    return lambda case: check_case(ecr, hook, case, folder)


class TestInThisProcess:
    """Thousands, answered without a server."""

    @thorough
    @given(case=cases_of(acting=False, faulty=False))
    def test_in_peace_no_other_image_is_touched(self, run_case: RunCase, case: Case) -> None:
        run_case(case)

    @thorough
    @given(case=cases_of(acting=True, faulty=False))
    def test_while_others_push_tag_pull_delete_and_change_policies(self, run_case: RunCase, case: Case) -> None:
        run_case(case)

    @thorough
    @given(case=cases_of(acting=False, faulty=True))
    def test_while_calls_fail_in_every_way(self, run_case: RunCase, case: Case) -> None:
        run_case(case)

    @thorough
    @given(case=cases_of(acting=True, faulty=True))
    def test_while_all_of_that_happens(self, run_case: RunCase, case: Case) -> None:
        run_case(case)

    @settings(max_examples=150, **by_chance)
    @given(case=cases_of(acting=False, faulty=False))
    def test_in_peace_and_unprotected_all_approved_images_go(
        self, ecr: LocalEcr, run_case: RunCase, case: Case
    ) -> None:
        status = run_case(replace(case, **UNPROTECTED))
        repository = ecr.repository(REPOSITORY)
        assert repository.preview is not None
        there = repository.as_rules_see_it()
        verdicts = repository.preview.policy.evaluate(there, ecr.now)
        # The newest has to be left; and ECR keeps what a list names that stays.
        active = [image for image in there if image.storage_class == "standard"] or there
        newest = max(active, key=lambda image: (image.image_pushed_at, image.image_digest), default=None)
        expire = [verdict.image for verdict in verdicts if verdict.action == "expire"]
        left = [image for image in expire if image != newest and not image.referenced_by]
        assert not left or (status == "blocked" and len(expire) == len(there))


class TestOverHttp:
    """The same through a server, with the SDK's own retries."""

    @brief
    @given(case=cases_of(acting=True, faulty=True))
    def test_while_all_of_that_happens(
        self, local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, case: Case
    ) -> None:
        monkeypatch.setattr(time, "sleep", lambda _: None)
        check_case(local_ecr, EcrImageCleanupHook(throttle_timeout=0.05), case, tmp_path)
