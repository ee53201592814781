"""Group similar repositories, so that one policy can serve them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.tag_families import family_of, is_moving

Shape = tuple[tuple[str, ...], bool, bool]

_MIN_IMAGES = 2


def shape_of(facts: RepositoryFacts) -> Shape:
    """Return the families of tags of a repository, and whether it has tags without a pattern or untagged images.

    A family of one image does not count.

    :param facts: the repository.
    """
    families: Counter[str] = Counter()
    without_pattern = untagged = 0
    for image in facts.standard_images:
        untagged += not image.image_tags
        for tag in image.image_tags:
            pattern = family_of(tag)[1]
            if pattern is None:
                without_pattern += 1
            elif not is_moving(tag):
                families[pattern] += 1
    patterns = tuple(sorted(pattern for pattern, count in families.items() if count >= _MIN_IMAGES))
    return patterns, without_pattern >= _MIN_IMAGES, untagged >= _MIN_IMAGES


def grouped(repositories: Iterable[RepositoryFacts]) -> list[list[RepositoryFacts]]:
    """Return the repositories in groups of one shape, each sorted by name; the largest group first.

    :param repositories: the repositories.
    """
    groups: dict[Shape, list[RepositoryFacts]] = {}
    for facts in sorted(repositories, key=lambda facts: facts.name):
        groups.setdefault(shape_of(facts), []).append(facts)
    return sorted(groups.values(), key=lambda group: (-len(group), group[0].name))
