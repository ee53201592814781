"""Random repositories as teams have them, each determined by its seed."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.repository import RepositoryImage

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MEGABYTE = 1_000_000
ENVIRONMENTS = ("prod", "staging", "latest")


def random_repository(seed: int, max_images: int = 60) -> RepositoryFacts:
    """Return a repository with some of the usual families of tags, pulls, and images in use.

    :param seed: the seed.
    :param max_images: how many images it has at most.
    """
    chance = random.Random(seed)
    families = chance.sample(
        ["release", "main", "pr", "commit", "untagged", "prod", "suffix", "bare"], chance.randint(2, 5)
    )
    images = []
    for serial in range(chance.randint(max_images // 3, max_images)):
        age = timedelta(days=chance.choice([chance.uniform(0, 20), chance.uniform(0, 400), chance.randint(0, 60)]))
        sha = f"{chance.getrandbits(27):07x}1"
        tag = {
            "release": f"v1.{serial}.0",
            "main": f"main-{sha}",
            "pr": f"pr-{100 + serial // 4}-{sha}",
            "commit": sha,
            "untagged": None,
            "prod": f"prod-{serial}",
            "suffix": f"{serial}-hotfix",
            "bare": f"2.{serial}.1",
        }[chance.choice(families)]
        pulled = NOW - age * chance.random() if chance.random() < 0.3 else None
        images.append(
            RepositoryImage(
                f"sha256:{chance.getrandbits(256):064x}",
                () if tag is None else (tag,),
                NOW - age,
                pulled,
                image_size_in_bytes=chance.randint(20, 400) * MEGABYTE,
            )
        )
    for tag in chance.sample(ENVIRONMENTS, chance.randint(0, 3)):
        holder = chance.randrange(len(images))
        only = chance.random() < 0.3
        tags = (tag,) if only else (*images[holder].image_tags, tag)
        images[holder] = replace(images[holder], image_tags=tags)
    in_use = {image.image_digest for image in images if set(image.image_tags) & {"prod", "staging"}}
    in_use |= {image.image_digest for image in chance.sample(images, chance.randint(0, 2))}
    return RepositoryFacts(f"team/service-{seed}", images, frozenset(in_use))


def push(images: list[RepositoryImage], tag: str | None, serial: int, time: datetime) -> list[RepositoryImage]:
    """Return the images after one more was pushed; a tag moves to it."""
    left = [replace(image, image_tags=tuple(other for other in image.image_tags if other != tag)) for image in images]
    pushed = RepositoryImage(f"sha256:{2**255 + serial:064x}", () if tag is None else (tag,), time)
    return [*left, pushed]
