"""Whatever happens around a clean-up, it touches nothing that it must not, and its result says what it did.

Random registries with manifest lists, lists of lists, signatures and archived images; random settings, approvals and
sources of what is in use; others who push, tag, sign, pull, delete and change policies between any two calls; faults at any
call; clean-ups that run side by side, die and are tried again. The oracle judges every call that changes something by the
state right before it, without the code under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.pytest_plugin import OTHER_SETTINGS
from tests.operators.cleanup.worlds.play import Played, order_of, play
from tests.operators.cleanup.worlds.random_worlds import FINDINGS, random_world
from tests.operators.cleanup.worlds.shrink import PLAIN_SETTINGS, shrunk
from tests.operators.cleanup.worlds.spec import (
    US,
    ActSpec,
    ImageSpec,
    InUseSpec,
    RepositorySpec,
    RunSpec,
    TroubleSpec,
    WorldSpec,
    story,
)
from tests.operators.cleanup.worlds.transport import Waits, cheap_clients

pytestmark = pytest.mark.changes_registry

BRIEF = 160
THOROUGH = 10_000
PART = 250
FIRST_OF_THOROUGH = 1_000_000

PlayWorld = Callable[[WorldSpec], Played]
Count = Callable[[str, Mapping[str, int]], None]


@pytest.fixture
def play_world(local_ecr_server: LocalEcr, tmp_path: Path) -> Iterator[PlayWorld]:
    """Return what plays a world in this process, without a server."""
    waits = Waits()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", *OTHER_SETTINGS):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # Only one can be there.
        local_ecr_server.stop()
        try:
            with LocalEcr(port=None) as ecr, cheap_clients(ecr, waits):
                yield lambda world: play(ecr, world, tmp_path / "world", waits)
        finally:
            local_ecr_server.start()


def smallest(play_world: PlayWorld, world: WorldSpec, played: Played) -> str:
    """Return the story of the smallest world that goes wrong in the same way."""
    small = shrunk(world, lambda smaller: play_world(smaller).kind == played.kind)
    return "\n".join([*(f"  - {complaint}" for complaint in play_world(small).complaints), story(small)])


def check(play_world: PlayWorld, counted: Count, first: int, number: int) -> None:
    """Play worlds; of the first that goes wrong, show the smallest one that goes wrong in the same way."""
    counts: Counter[str] = Counter()
    try:
        for seed in range(first, first + number):
            world = random_world(seed)
            played = play_world(world)
            counts.update(played.counts)
            if played.complaints:
                story_of_it = smallest(play_world, world, played)
                pytest.fail(f"random_world({seed}) goes wrong, and so does this one:\n{story_of_it}")
    finally:
        counted("Random worlds", {what: counts[what] for what in sorted(counts, key=order_of)})


@pytest.mark.parametrize("part", range(4))
def test_nothing_but_what_may_go_is_touched_and_every_result_is_true(
    play_world: PlayWorld, counted: Count, part: int
) -> None:
    check(play_world, counted, part * BRIEF // 4, BRIEF // 4)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(THOROUGH // PART))
def test_nothing_but_what_may_go_is_touched_in_ten_thousand_worlds(
    play_world: PlayWorld, counted: Count, part: int
) -> None:
    check(play_world, counted, FIRST_OF_THOROUGH + part * PART, PART)


def test_a_world_is_determined_by_its_seed(play_world: PlayWorld) -> None:
    assert random_world(7) == random_world(7)
    once, again = play_world(random_world(7)), play_world(random_world(7))
    assert once.counts == again.counts


def looks_elsewhere(work: Any, pending: Mapping[str, Any]) -> Mapping[str, Any]:
    """Stand in for the last look at images."""
    repository = work._cleanup.repository
    work._looks.hook.get_preview_status(repository.repository_name, registry_id=repository.registry_id)
    return pending


class TestTheOracle:
    """It sees what goes wrong: each of these worlds is fine, until a part of the clean-up is taken out."""

    IMAGES = (
        ImageSpec(0, tags=("prod",), age_days=400),
        ImageSpec(1, tags=("build-1",), age_days=200),
        ImageSpec(2, age_days=100),
        ImageSpec(3, tags=("v1",), age_days=1),
        ImageSpec(4, kind="referrer", age_days=100, of=(3,)),
    )
    SETTINGS: Mapping[str, Any] = {**PLAIN_SETTINGS, "protected_tags": ["prod*"], "ignored_findings": list(FINDINGS)}

    def world(self, *troubles: TroubleSpec, **more: Any) -> WorldSpec:
        repository = RepositorySpec("payments/api", US, self.IMAGES)
        used = InUseSpec(used=((0, 1, "digest"),))
        world = WorldSpec(seed=1, repositories=(repository,), settings=self.SETTINGS, in_use=used, troubles=troubles)
        return replace(world, **more)

    def test_a_world_without_a_fault_of_ours_is_fine(self, play_world: PlayWorld) -> None:
        played = play_world(self.world())
        assert (played.complaints, played.counts["images touched"]) == ([], 1)

    @pytest.mark.parametrize(
        ("target", "value", "complaint"),
        [
            ("core.protection.rules.ImageProtection.has_protected_tag", lambda *_: False, "is protected by a tag"),
            ("core.in_use.repository.RepositoryInUse.users_of", lambda *_: (), "is in use"),
            ("engine.removal_record.RemovalRecord.write_intent", lambda *_: None, "is not written down before"),
            ("engine.image_removal._Work._look", looks_elsewhere, "not a look"),
            ("engine.image_removal.DONE", {"delete": "gone"}, "and we removed it"),
        ],
    )
    def test_a_removed_check_is_noticed(
        self, play_world: PlayWorld, monkeypatch: pytest.MonkeyPatch, target: str, value: Any, complaint: str
    ) -> None:
        monkeypatch.setattr(f"airflow_provider_ecr_preview.{target}", value)
        played = play_world(self.world(runs=(RunSpec(memory="both"),)))
        assert [text for text in played.complaints if complaint in text], played.complaints

    def test_a_signature_whose_image_stays_is_missed(self, play_world: PlayWorld) -> None:
        played = play_world(self.world(settings={**self.SETTINGS, "check_referrers": False}))
        assert "belongs to an image that stays" in played.complaints[0]

    def test_a_tag_that_comes_before_the_last_look_is_missed(
        self, play_world: PlayWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tagged = TroubleSpec("act", "DescribeImages", act=ActSpec("tag", image=2, tag="prod-2"), skip=1)
        world = self.world(tagged)
        assert not play_world(world).complaints
        monkeypatch.setattr("airflow_provider_ecr_preview.engine.image_removal.is_touched", lambda *_: False)
        monkeypatch.setattr("airflow_provider_ecr_preview.core.cleanup.checks.is_touched", lambda *_: False)
        assert "is protected by a tag" in play_world(world).complaints[0]

    def test_a_tag_that_comes_within_the_one_call_is_not_our_fault(self, play_world: PlayWorld) -> None:
        tagged = TroubleSpec("act", "BatchDeleteImage", act=ActSpec("tag", tag="prod-2", is_aimed=True))
        played = play_world(self.world(tagged))
        assert (played.complaints, played.counts["changed within the one call"]) == ([], 1)
