"""The repositories that share a policy, with the images that each must keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Self

from airflow_provider_ecr_preview.core.ecr_values import STANDARD
from airflow_provider_ecr_preview.core.recommendation.keeping import KeptImage, RecommendationSettings, images_to_keep
from airflow_provider_ecr_preview.core.recommendation.model import RepositoryModel
from airflow_provider_ecr_preview.core.recommendation.search import FoundRule, best_rules
from airflow_provider_ecr_preview.core.recommendation.tag_families import Selector, selectors_of
from airflow_provider_ecr_preview.core.repository import RepositoryImage


@dataclass(frozen=True)
class RepositoryFacts:
    """The facts about one repository.

    :param name: the repository.
    :param images: all of its images, archived ones included.
    :param in_use: digests of the images in use.
    """

    name: str
    images: Sequence[RepositoryImage]
    in_use: frozenset[str] = frozenset()

    @cached_property
    def standard_images(self) -> list[RepositoryImage]:
        """The images in the standard storage class: a recommended rule can expire only these."""
        return [image for image in self.images if image.storage_class == STANDARD]


@dataclass(frozen=True)
class Case:
    """The input of a search for a policy.

    :param repositories: the repositories.
    :param kept: the images that each must keep.
    :param selectors: the selectors available for rules.
    :param settings: the settings that say how long they must be kept.
    :param now: the time (aware).
    """

    repositories: Sequence[RepositoryFacts]
    kept: Sequence[Sequence[KeptImage]]
    selectors: Sequence[Selector]
    settings: RecommendationSettings
    now: datetime

    @classmethod
    def of(cls, repositories: Sequence[RepositoryFacts], settings: RecommendationSettings, now: datetime) -> Self:
        """Return the case for some repositories.

        :param repositories: the repositories.
        :param settings: the settings that say which images must be kept.
        :param now: the time (aware).
        """
        kept = [images_to_keep(facts.standard_images, facts.in_use, settings, now) for facts in repositories]
        images = [image for facts in repositories for image in facts.standard_images]
        kept_images = [of.image for of_repository in kept for of in of_repository]
        selectors = selectors_of(images, kept_images, settings.protection.protected_tags)
        return cls(repositories, kept, selectors, settings, now)

    @property
    def kept_images(self) -> list[KeptImage]:
        """The images that must be kept, from all repositories."""
        return [image for of_repository in self.kept for image in of_repository]

    @cached_property
    def models(self) -> list[RepositoryModel]:
        """The repositories in the form that the search uses."""
        return [
            RepositoryModel(facts.standard_images, of, self.selectors, self.settings, self.now)
            for facts, of in zip(self.repositories, self.kept, strict=True)
        ]

    def best_rules(self) -> list[FoundRule]:
        """Return the rules that keep every required image and free the most."""
        return best_rules(self.models, self.selectors, self.settings.max_rules)

    def without(self, image_digest: str) -> Case:
        """Return the case in which one image need not be kept.

        :param image_digest: its digest.
        """
        return replace(
            self, kept=[[image for image in of if image.image.image_digest != image_digest] for of in self.kept]
        )
