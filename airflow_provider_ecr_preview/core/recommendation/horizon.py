"""Simulate a policy on the images that must be kept, after some days and further pushes.

It uses only the evaluator, and nothing from the search that found the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.recommendation.keeping import KeptImage
from airflow_provider_ecr_preview.core.recommendation.tag_families import family_of, is_moving
from airflow_provider_ecr_preview.core.repository import RepositoryImage, digest_of

_MAX_KINDS = 30


def lost_images(
    policy: LifecyclePolicy,
    images: Sequence[RepositoryImage],
    kept: Iterable[KeptImage],
    now: datetime,
    *,
    days: int,
    pushes: int,
) -> list[KeptImage]:
    """Return the required images that a policy affects within some days and pushes of one kind.

    Age and the number of newer images only grow, so surviving the last day and push means surviving all.

    :param policy: the policy.
    :param images: every image of the repository.
    :param kept: the images that must be kept.
    :param now: the time (aware).
    :param days: how many days pass.
    :param pushes: how many images of one kind are pushed.
    """
    kept = list(kept)
    lost: set[str] = set()
    for world in (images, *(after_pushes(images, tags, pushes, now) for tags in pushed_tags(images, pushes))):
        affected = {
            verdict.image.image_digest: verdict.image
            for verdict in policy.evaluate(world, now + timedelta(days=days))
            if verdict.is_taken
        }
        for image in kept:
            found = affected.get(image.image.image_digest)
            if found is not None and (image.protection is None or image.protection.has_protected_tag(found.image_tags)):
                lost.add(image.image.image_digest)
    return [image for image in kept if image.image.image_digest in lost]


def pushed_tags(images: Iterable[RepositoryImage], pushes: int) -> Iterator[Sequence[str | None]]:
    """Yield the tags of pushes, one kind after another: untagged, of each family, and of each moving tag.

    :param images: the images of the repository.
    :param pushes: how many images are pushed.
    """
    yield [None] * pushes
    families: dict[str, None] = {}
    for image in images:
        for tag in image.image_tags:
            families[family_of(tag)[1] or "*"] = None
    for pattern in list(families)[:_MAX_KINDS]:
        yield [pattern.replace("*", f"9{number:06}") for number in range(pushes)]
    moving = [pattern for pattern in families if is_moving(pattern) and "*" not in pattern]
    # One push moves one tag; together, pushes leave images without any.
    yield [moving[number % len(moving)] if moving else None for number in range(pushes)]


def after_pushes(
    images: Iterable[RepositoryImage], tags: Sequence[str | None], pushes: int, now: datetime
) -> list[RepositoryImage]:
    """Return the images of a repository after further pushes; a tag moves to the last image pushed with it.

    :param images: the images before.
    :param tags: the tag of each push; None for none.
    :param pushes: how many of them are pushed.
    :param now: the time of the first push (aware).
    """
    pushed = [
        RepositoryImage(
            digest_of((2**255 + number).to_bytes(32)), () if tag is None else (tag,), now + timedelta(seconds=number)
        )
        for number, tag in enumerate(tags[:pushes])
    ]
    holders = {tag: image.image_digest for image in pushed for tag in image.image_tags}
    return [
        image
        if holders.keys().isdisjoint(image.image_tags)
        else replace(
            image,
            image_tags=tuple(
                tag for tag in image.image_tags if holders.get(tag, image.image_digest) == image.image_digest
            ),
        )
        for image in (*images, *pushed)
    ]
