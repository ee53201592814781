"""Worlds by chance, each determined by its seed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.operators.cleanup.worlds.spec import (
    EU,
    US,
    ActSpec,
    ImageSpec,
    InUseSpec,
    KillSpec,
    ReplicationSpec,
    RepositorySpec,
    RunSpec,
    TroubleSpec,
    WorldSpec,
)

TAGS = ("latest", "prod", "prod-2", "live", "v1", "v2", "build-1", "build-2", "build-3", "pr-1", "pr-2")
NAMES = ("payments/api", "web/shop", "data/etl")
AGES = (0.1, 2, 8, 25, 31, 45, 70, 100, 200, 400)
OPERATIONS = (
    "StartLifecyclePolicyPreview",
    "GetLifecyclePolicyPreview",
    "DescribeImages",
    "DescribeImages",
    "BatchDeleteImage",
    "BatchDeleteImage",
    "BatchDeleteImage",
    "BatchDeleteImage",
    "UpdateImageStorageClass",
    "UpdateImageStorageClass",
    "DescribeRegistry",
    None,
    None,
)
FAULTS = ("throttle", "throttle", "throttle", "500", "500", "reset", "lost", "lost", "lost", "cut", "kms", "referenced")
DENIED = ("denied",)
ACTS = ("push", "tag", "tag", "tag", "pull", "delete", "delete", "archive", "restore", "sign", "list")
AIMED_ACTS = ("tag", "tag", "tag", "pull", "pull", "delete", "archive", "restore", "sign", "list")
RARE_ACTS = ("policy", "preview", "forget")


FINDINGS = (
    "would_empty_repository",
    "newest_image_expires",
    "recently_pulled_image_expires",
    "protected_tag_expires",
    "in_use_image_expires",
)
APPROVALS = ("none", "right", "digest", "rejected", "dry run", "rerun", "list changed", "summary changed")


def _rule(priority: int, selection: Mapping[str, Any], action: str = "expire") -> dict[str, Any]:
    target = {"targetStorageClass": "archive"} if action == "transition" else {}
    return {"rulePriority": priority, "selection": selection, "action": {"type": action, **target}}


def _since(days: int, **selection: Any) -> dict[str, Any]:
    return {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days, **selection}


def _beyond(count: int, **selection: Any) -> dict[str, Any]:
    return {"countType": "imageCountMoreThan", "countNumber": count, **selection}


_OLD_ARCHIVED = {
    "tagStatus": "any",
    "storageClass": "archive",
    "countType": "sinceImageTransitioned",
    "countUnit": "days",
    "countNumber": 90,
}

POLICIES: tuple[dict[str, Any], ...] = tuple(
    {"rules": rules}
    for rules in (
        [_rule(1, _beyond(1, tagStatus="any"))],
        [_rule(1, _beyond(3, tagStatus="any"))],
        [_rule(1, _since(30, tagStatus="any"))],
        [
            _rule(1, _since(1, tagStatus="untagged")),
            _rule(2, _beyond(1, tagStatus="tagged", tagPatternList=["build-*"])),
        ],
        [_rule(1, _beyond(999, tagStatus="tagged", tagPatternList=["v*"])), _rule(2, _beyond(1, tagStatus="any"))],
        [_rule(1, _since(60, tagStatus="any"), "transition")],
        [_rule(1, _since(20, tagStatus="untagged")), _rule(2, _since(60, tagStatus="any"), "transition")],
        [_rule(1, _since(20, tagStatus="untagged")), _rule(2, _OLD_ARCHIVED)],
    )
)


def random_world(seed: int) -> WorldSpec:
    """Return the world of a seed.

    :param seed: determines everything about it.
    """
    rng = random.Random(seed)
    repositories = tuple(_repository(rng, name) for name in NAMES[: rng.choices((1, 2, 3), weights=(6, 3, 1))[0]])
    mood = rng.choices(("calm", "acting", "faulty", "both"), weights=(3, 3, 2, 4))[0]
    world = WorldSpec(
        seed=seed,
        repositories=repositories,
        settings=_settings(rng),
        in_use=_in_use(rng, repositories),
        replications=_replications(rng, repositories),
        approval=rng.choices(APPROVALS, weights=(40, 40, 10, 1, 1, 1, 1, 1))[0],  # type: ignore[arg-type]  # one of those
        hours_between=rng.choices((0.1, 5.0, 20.0, 30.0), weights=(40, 4, 4, 1))[0],
        batch=rng.choice((2, 3, 5, 100)),
    )
    if mood == "calm":
        return world
    return replace(
        world,
        skew_minutes=rng.choice((0.0, 0.0, 2.0, -2.0, 4.0, -4.0, 60.0, -60.0)),
        before=tuple(_act(rng, repositories) for _ in range(rng.choice((0, 0, 1, 2)))) if mood != "faulty" else (),
        troubles=tuple(_trouble(rng, repositories, mood) for _ in range(rng.randint(1, 4))),
        runs=tuple(_run(rng) for _ in range(rng.choice((1, 1, 1, 2)))),
    )


def _repository(rng: random.Random, name: str) -> RepositorySpec:
    images: list[ImageSpec] = []
    free = list(TAGS)
    rng.shuffle(free)
    for number in range(rng.randint(3, 14)):
        kind = rng.choices(("image", "chart", "list", "referrer", "cosign"), weights=(10, 1, 4, 4, 2))[0]
        others = [image.id for image in images]
        if kind in ("list", "referrer", "cosign") and not others:
            kind = "image"
        lists = [image.id for image in images if image.kind == "list"]
        of: tuple[int, ...] = ()
        if kind == "list":
            # Now and then a list of lists.
            of = tuple(rng.sample(others, rng.randint(1, min(3, len(others)))))
            if lists and rng.random() < 0.3:
                of = (*{*of, rng.choice(lists)},)
        elif kind in ("referrer", "cosign"):
            of = tuple(rng.sample(others, 2 if kind == "cosign" and len(others) > 1 and rng.random() < 0.2 else 1))
        tags = tuple(free.pop() for _ in range(rng.choice((0, 0, 1, 1, 2))) if free) if kind != "cosign" else ()
        age = rng.choice(AGES)
        if kind == "list" and rng.random() < 0.6:
            # A build pushes a list right after what it names.
            age = max(min(image.age_days for image in images if image.id in of) - 0.001, 0.0)
        archived = rng.choice((5.0, 100.0)) if rng.random() < 0.08 and age > 5 else None
        restored = rng.choice((1.0, 4.0)) if archived is not None and rng.random() < 0.3 else None
        images.append(
            ImageSpec(
                id=number,
                kind=kind,  # type: ignore[arg-type]  # one of those above
                tags=tags,
                age_days=age,
                pulled_days=rng.choice((None, None, None, 0.5, 5.0, 29.0, 40.0)),
                archived_days=archived,
                restored_days=restored,
                of=of,
            )
        )
    return RepositorySpec(
        name=name,
        region=rng.choice((US, US, EU)),
        images=tuple(images),
        policy=rng.choice((0, 0, 0, 1, 2, *range(len(POLICIES)))),
        is_candidate=rng.random() < 0.5,
        is_listed=rng.random() < 0.85,
    )


def _settings(rng: random.Random) -> dict[str, Any]:
    return {
        "dry_run": rng.random() < 0.05,
        "action": rng.choices(("delete", "archive"), weights=(4, 1))[0],
        "protected_tags": list(rng.choice((("latest", "prod*", "live"), ("latest",), ("v?", "pr-[1]"), (), (), ()))),
        "protected_tag_patterns": rng.choice(([], [], ["^v[0-9]$"])),
        "min_age_days": rng.choice((0, 0, 0, 0, 7, 30)),
        "recently_pulled_days": rng.choice((0, 0, 0, 0, 7, 30)),
        "newest_images_kept": rng.choice((0, 1, 1, 2)),
        "minimum_images_left": rng.choice((0, 1, 1, 1, 3)),
        "max_images": rng.choices((1_000, 4, 1), weights=(20, 2, 1))[0],
        "max_share": rng.choices((1.0, 0.5), weights=(10, 1))[0],
        "max_images_per_run": rng.choices((10_000, 5), weights=(8, 1))[0],
        "on_change": rng.choices(("block", "spare", "block_any"), weights=(5, 4, 1))[0],
        "check_tags": rng.random() < 0.7,
        "check_in_use": rng.random() < 0.9,
        "ignored_findings": list(FINDINGS) if rng.random() < 0.9 else [],
    }


def _in_use(rng: random.Random, repositories: tuple[RepositorySpec, ...]) -> InUseSpec:
    used = [
        (number, rng.choice(repository.images).id, rng.choice(("digest", "digest", "tag", "bare")))
        for number, repository in enumerate(repositories)
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2)))
    ]
    return InUseSpec(
        is_given=rng.random() < 0.985,
        used=tuple(used),
        is_unread=rng.random() < 0.025,
        lacks_scope=rng.random() < 0.02,
        age_hours=rng.choices((0.1, 3.0, 30.0), weights=(60, 5, 1))[0],
    )


def _replications(rng: random.Random, repositories: tuple[RepositorySpec, ...]) -> tuple[ReplicationSpec, ...]:
    if rng.random() > 0.15:
        return ()
    return (
        ReplicationSpec(
            prefix=rng.choice(("", repositories[0].name[:4], "other/")),
            deletions=rng.random() < 0.7,
            is_read=rng.random() < 0.8,
            used=tuple({rng.choice(repositories[0].images).id for _ in range(rng.choice((0, 1, 2)))}),
        ),
    )


def _act(rng: random.Random, repositories: tuple[RepositorySpec, ...], *, is_aimed: bool = False) -> ActSpec:
    return ActSpec(
        what=rng.choice(AIMED_ACTS if is_aimed else ACTS if rng.random() < 0.9 else RARE_ACTS),
        repository=rng.randrange(len(repositories)),
        image=rng.randrange(12),
        tag=rng.choice(TAGS[:4] if is_aimed else TAGS),
        policy=rng.randrange(len(POLICIES)),
        is_aimed=is_aimed,
    )


def _trouble(rng: random.Random, repositories: tuple[RepositorySpec, ...], mood: str) -> TroubleSpec:
    is_act = mood == "acting" or (mood == "both" and rng.random() < 0.5)
    # Around the calls that change something is where it matters most.
    is_close = rng.random() < 0.5
    operation = rng.choice(("BatchDeleteImage", "BatchDeleteImage", "DescribeImages") if is_close else OPERATIONS)
    if is_close and not is_act and operation == "DescribeImages":
        operation = "BatchDeleteImage"
    if operation == "BatchDeleteImage" and rng.random() < 0.2:
        operation = "UpdateImageStorageClass"
    return TroubleSpec(
        what="act" if is_act else rng.choice(FAULTS if rng.random() < 0.95 else DENIED),
        operation=operation,
        skip=rng.randrange(24) if operation is None else rng.choice((0, 0, 0, 1, 1, 2, 3)),
        calls=rng.choice((1, 1, 2, 8)),
        act=_act(rng, repositories, is_aimed=is_close) if is_act else None,
        image=rng.randrange(12),
    )


def _run(rng: random.Random) -> RunSpec:
    kills = [
        KillSpec(rng.randrange(20), rng.choice(("before", "after", "after", "stop"))) if rng.random() < 0.35 else None
        for _ in range(2)
    ]
    return RunSpec(
        kills=tuple(kills) if any(kills) else (),
        retries=rng.choice((0, 1, 2)),
        memory=rng.choice(("store", "store", "path", "both", "none")),
    )
