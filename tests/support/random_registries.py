"""Random repositories and policies, in plain values: nested and archived manifest lists, referrers, restored images."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

DAYS = (0, 0.25, 0.999, 1, 1.001, 2, 3, 5, 5, 29.999, 30, 30.001, 60, 90, 90.001, 91, 400)
NUMBERS = (1, 1, 2, 3, 5, 30, 90)
TAGS = ("v1", "v2", "v1-rc", "dev-1", "dev-2", "prod", "prod-v1", "latest", "a", "ab", "aab")
PATTERNS = ("v*", "*-rc", "dev-*", "*v1*", "prod", "*", "a*b", "*a*b*", "lat*st", "x*", "*1", "*v*-**", "**")
PREFIXES = ("v", "v1", "dev-", "prod", "a", "aa", "z", "v*")
EXPIRE = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}


@dataclass(frozen=True)
class RandomImage:
    """An image to push, after those that stand before it.

    :param tags: its tags.
    :param pushed: its age in days.
    :param pulled: days since it was pulled; None for never.
    :param archived: days since it was archived; None for never.
    :param restored: days since it was restored; None for never.
    :param restoring: whether that restore is not complete yet.
    :param children: numbers of the images that it names, if it is a manifest list.
    :param subject: number of the image that it belongs to, if it is a referrer.
    """

    tags: tuple[str, ...]
    pushed: float
    pulled: float | None
    archived: float | None
    restored: float | None
    restoring: bool
    children: tuple[int, ...]
    subject: int | None


def random_images(random: Random) -> list[RandomImage]:
    """Return the images of a repository, in the order in which they arrive."""
    images: list[RandomImage] = []
    for _ in range(random.choice((0, 1, 4, 8, 12, 20))):
        kind = random.random() if images else 1.0
        children: tuple[int, ...] = ()
        subject = None
        if kind < 0.35:
            # The latest ones, so that lists of lists of lists come about.
            latest = range(max(0, len(images) - 4), len(images))
            children = tuple(sorted(random.sample(latest, min(len(latest), random.choice((1, 1, 2, 3))))))
        elif kind < 0.45:
            subject = random.randrange(len(images))
        tags = random.sample(TAGS, random.choice((0, 0, 1, 1, 2, 3)))
        archived, restored, restoring = None, None, False
        if random.random() < 0.35:
            archived = random.choice(DAYS)
            if random.random() < 0.4:
                restored = archived * random.random()
                restoring = random.random() < 0.25
        pulled = random.choice(DAYS) if random.random() < 0.5 else None
        pushed = random.choice(DAYS)
        images.append(RandomImage(tuple(tags), pushed, pulled, archived, restored, restoring, children, subject))
    return images


def random_policy(random: Random) -> dict[str, Any]:
    """Return a policy that ECR accepts."""
    patterns, prefixes = random.sample(PATTERNS, len(PATTERNS)), random.sample(PREFIXES, len(PREFIXES))
    rules = []
    for _ in range(random.choice((0, 1, 1, 2, 3))):
        pool, key = random.choice(((patterns, "tagPatternList"), (prefixes, "tagPrefixList")))
        entries = [pool.pop() for _ in range(min(len(pool), random.choice((1, 1, 1, 2))))]
        if entries:
            rules.append(_standard_rule(random, {"tagStatus": "tagged", key: entries}))
    if random.random() < 0.5:
        rules.append(_standard_rule(random, {"tagStatus": "untagged"}))
    random.shuffle(rules)
    if random.random() < 0.5 or not rules:
        rules.append(_standard_rule(random, {"tagStatus": "any"}))
    archive_rules = []
    if random.random() < 0.4:
        archive_rules.append(
            _archive_rule(random, {"tagStatus": "tagged", "tagPatternList": [random.choice(PATTERNS)]})
        )
    if random.random() < 0.4:
        archive_rules.append(_archive_rule(random, {"tagStatus": "any"}))
    # The rules of one storage class may stand between those of the other; each keeps its own order.
    places = sorted(random.sample(range(len(rules) + len(archive_rules)), len(archive_rules)))
    for place, rule in zip(places, archive_rules, strict=True):
        rules.insert(place, rule)
    numbers = sorted(random.sample(range(1, 40), len(rules)))
    numbered = [{"rulePriority": number, **rule} for number, rule in zip(numbers, rules, strict=True)]
    return {"rules": random.sample(numbered, len(numbered))}


def _standard_rule(random: Random, tags: dict[str, Any]) -> dict[str, Any]:
    kind = random.choice(("imageCountMoreThan", "sinceImagePushed", "sinceImagePulled"))
    selection = {**tags, "countType": kind, "countNumber": random.choice(NUMBERS)}
    if kind != "imageCountMoreThan":
        selection["countUnit"] = "days"
    if random.random() < 0.2:
        selection["storageClass"] = "standard"
    action = ARCHIVE if kind == "sinceImagePulled" or random.random() < 0.4 else EXPIRE
    return {"description": "A rule of a random policy", "selection": selection, "action": action}


def _archive_rule(random: Random, tags: dict[str, Any]) -> dict[str, Any]:
    selection = {
        **tags,
        "storageClass": "archive",
        "countType": "sinceImageTransitioned",
        "countUnit": "days",
        "countNumber": random.choice((90, 91, 365)),
    }
    return {"description": "A rule of a random policy", "selection": selection, "action": EXPIRE}
