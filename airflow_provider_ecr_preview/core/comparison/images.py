"""The images that policies treat differently, one line for each image and policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypedDict

from airflow_provider_ecr_preview.core.comparison.effects import PolicyEffect, TakenImage
from airflow_provider_ecr_preview.core.repository import DigestKey, digest_of
from airflow_provider_ecr_preview.core.values import isoformat
from airflow_provider_ecr_preview.core.xcom.audit import RepositoryRef

Change = Literal["newly_affected", "no_longer_affected", "action_changed"]


class ComparedImage(TypedDict):
    """An image that a policy treats differently than the first of the compared policies does.

    ``action`` is what the policy does with the image and ``first_action`` what the first policy does: ``EXPIRE``,
    ``TRANSITION``, or null for nothing.
    """

    registry_id: str | None
    region_name: str | None
    repository_name: str
    policy: str
    change: Change
    image_digest: str
    image_tags: list[str]
    image_pushed_at: str | None
    image_size_in_bytes: int | None
    action: str | None
    first_action: str | None


def compared_images(ref: RepositoryRef, effects: Mapping[str, PolicyEffect]) -> Iterator[ComparedImage]:
    """Yield the images that the policies treat differently than the first of them does.

    :param ref: the repository.
    :param effects: the effect of each policy, by its name.
    """
    first, *others = effects.items()
    for policy, effect in others:
        for key in sorted(first[1].taken.keys() | effect.taken.keys(), key=str):
            line = _line(ref, policy, key, first[1].taken.get(key), effect.taken.get(key))
            if line is not None:
                yield line


def _change(before: TakenImage | None, now: TakenImage | None) -> Change | None:
    if before is None:
        return "newly_affected"
    if now is None:
        return "no_longer_affected"
    return "action_changed" if before.action != now.action else None


def _line(
    ref: RepositoryRef, policy: str, key: DigestKey, before: TakenImage | None, now: TakenImage | None
) -> ComparedImage | None:
    change, known = _change(before, now), now or before
    if change is None or known is None:
        return None
    return ComparedImage(
        registry_id=ref["registry_id"],
        region_name=ref["region_name"],
        repository_name=ref["repository_name"],
        policy=policy,
        change=change,
        image_digest=digest_of(key),
        image_tags=[*known.image_tags],
        image_pushed_at=isoformat(known.image_pushed_at),
        image_size_in_bytes=known.image_size_in_bytes,
        action=now.action if now else None,
        first_action=before.action if before else None,
    )
