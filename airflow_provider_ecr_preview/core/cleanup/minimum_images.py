"""Which images must be left in a repository, chosen the same way by every run.

Two clean-ups that run on one repository at the same time do not see each other. Both spare the newest runnable images,
which are the same for both, so together they cannot empty the repository.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from airflow_provider_ecr_preview.core.referrers import ImageKind, can_be_run, is_index, last_change
from airflow_provider_ecr_preview.core.repository import RepositoryImage


def floor_of(inventory: Sequence[RepositoryImage], count: int) -> list[RepositoryImage]:
    """Return the images that must stay: the newest runnable ones or, if none is runnable, the newest of all.

    In a repository with manifest lists, an untagged image may be part of a list, and is useless once the list is gone.
    So after the newest image, lists and tagged images come before untagged ones.

    :param inventory: every image of the repository.
    :param count: the number of runnable images that must stay; never less than one.
    """
    runnable = _newest_first(filter(can_be_run, inventory))
    if any(map(is_index, runnable)):
        kinds = map(ImageKind.of, runnable[1:])
        later = sorted(zip(kinds, runnable[1:], strict=True), key=lambda pair: pair[0] is ImageKind.UNTAGGED)
        runnable[1:] = [image for _, image in later]
    return runnable[: max(count, 1)] or _newest_first(inventory)[:1]


def guards_of(
    inventory: Sequence[RepositoryImage], *, minimum_images_left: int, newest_images_kept: int
) -> list[RepositoryImage]:
    """Return the images that guarantee the floor of a repository as long as they exist.

    While all of them exist and are runnable, enough images are left and no planned image has become one of the newest.
    So it is enough to check these few; the whole repository is judged again only if one of them is missing.

    :param inventory: every image of the repository.
    :param minimum_images_left: the number of runnable images that must stay.
    :param newest_images_kept: the number of newest images, and of newest tagged ones, that are spared.
    """
    runnable = _newest_first(filter(can_be_run, inventory))
    tagged = [image for image in runnable if image.image_tags]
    guards = [
        *floor_of(inventory, minimum_images_left),
        *runnable[:newest_images_kept],
        *tagged[:newest_images_kept],
    ]
    return [*{image.image_digest: image for image in guards}.values()]


def missing_guards(guards: Iterable[RepositoryImage], there: Mapping[str, RepositoryImage]) -> list[str]:
    """Return the digests of the guards that are gone or no longer guarantee the floor.

    :param guards: the guards as they were when they were chosen.
    :param there: the images that exist now, by digest.
    """
    return [guard.image_digest for guard in guards if not _holds(guard, there.get(guard.image_digest))]


def _holds(guard: RepositoryImage, now: RepositoryImage | None) -> bool:
    return (
        now is not None
        and can_be_run(now) >= can_be_run(guard)
        and bool(now.image_tags) >= bool(guard.image_tags)
        and last_change(now) >= last_change(guard)
    )


def _newest_first(images: Iterable[RepositoryImage]) -> list[RepositoryImage]:
    # The digest breaks the tie, so that every run makes the same choice.
    return sorted(images, key=lambda image: (last_change(image), image.image_digest), reverse=True)
