"""Whatever happens around a clean-up, it touches nothing that it must not, and its result says what it did.

Random registries with manifest lists, lists of lists, signatures and archived images; random settings, approvals and
sources of what is in use; others who push, tag, sign, pull, delete and change policies between any two calls; faults at any
call; clean-ups that run side by side, die and are tried again. The oracle judges every call that changes something by the
state right before it, without the code under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.pytest_plugin import OTHER_SETTINGS
from tests.cleanup.worlds.play import Played, order_of, play
from tests.cleanup.worlds.random_worlds import random_world
from tests.cleanup.worlds.shrink import shrunk
from tests.cleanup.worlds.spec import WorldSpec, story
from tests.cleanup.worlds.transport import Waits, cheap_clients

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
