"""Make a world that goes wrong as small as it can be while it still does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

from tests.operators.cleanup.worlds.spec import WorldSpec

PLAIN_SETTINGS: dict[str, Any] = {
    "dry_run": False,
    "action": "delete",
    "protected_tags": [],
    "protected_tag_patterns": [],
    "min_age_days": 0,
    "recently_pulled_days": 0,
    "newest_images_kept": 0,
    "minimum_images_left": 0,
    "max_images": 1_000,
    "max_share": 1.0,
    "max_images_per_run": 10_000,
    "on_change": "spare",
    "check_tags": True,
    "check_in_use": True,
}


def shrunk(world: WorldSpec, goes_wrong: Callable[[WorldSpec], bool], most: int = 400) -> WorldSpec:
    """Return a smaller world that goes wrong as well.

    :param world: the world.
    :param goes_wrong: plays a world and returns whether it goes wrong.
    :param most: how many worlds are tried at most.
    """
    tried = 0
    is_smaller = True
    while is_smaller:
        is_smaller = False
        for smaller in _smaller(world):
            tried += 1
            if tried > most:
                return world
            if goes_wrong(smaller):
                world, is_smaller = smaller, True
                break
    return world


def _smaller(world: WorldSpec) -> Iterator[WorldSpec]:
    """Yield worlds that lack something."""
    yield from _with_less_around(world)
    yield from _with_fewer_images(world)
    for name, value in PLAIN_SETTINGS.items():
        if world.settings[name] != value:
            yield replace(world, settings={**world.settings, name: value})
    for name in ("in_use", "approval", "hours_between", "skew_minutes", "batch"):
        yield from _plainer(world, name)
    for n, run in enumerate(world.runs):
        for name in ("kills", "retries", "memory"):
            for plainer in _plainer(run, name):
                yield replace(world, runs=(*world.runs[:n], plainer, *world.runs[n + 1 :]))
    yield from _plainer_images(world)


def _with_less_around(world: WorldSpec) -> Iterator[WorldSpec]:
    for name in ("before", "troubles", "replications"):
        items = getattr(world, name)
        for n in range(len(items)):
            less: Any = {name: (*items[:n], *items[n + 1 :])}
            yield replace(world, **less)
    if len(world.runs) > 1:
        yield from (replace(world, runs=(run,)) for run in world.runs)


def _with_fewer_images(world: WorldSpec) -> Iterator[WorldSpec]:
    if len(world.repositories) > 1:
        used = tuple(used for used in world.in_use.used if used[0] == 0)
        yield replace(world, repositories=world.repositories[:1], in_use=replace(world.in_use, used=used))
    for number, repository in enumerate(world.repositories):
        for n in range(len(repository.images)):
            images = (*repository.images[:n], *repository.images[n + 1 :])
            yield _with_repository(world, number, replace(repository, images=images))


def _plainer(value: Any, name: str) -> Iterator[Any]:
    """Yield a value with the default in one of its fields, unless it has that."""
    (found,) = (field for field in fields(value) if field.name == name)
    default = found.default_factory() if found.default_factory is not MISSING else found.default
    if getattr(value, name) != default:
        yield replace(value, **{name: default})


def _plainer_images(world: WorldSpec) -> Iterator[WorldSpec]:
    for number, repository in enumerate(world.repositories):
        for n, image in enumerate(repository.images):
            for name in ("tags", "pulled_days", "archived_days", "restored_days", "age_days"):
                for plainer in _plainer(image, name):
                    images = (*repository.images[:n], plainer, *repository.images[n + 1 :])
                    yield _with_repository(world, number, replace(repository, images=images))


def _with_repository(world: WorldSpec, number: int, repository: Any) -> WorldSpec:
    repositories = (*world.repositories[:number], repository, *world.repositories[number + 1 :])
    return replace(world, repositories=repositories)
