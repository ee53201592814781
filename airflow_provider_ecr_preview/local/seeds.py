"""Initial registries, as teams have them after a few years; the same seed, Region and clock give the same registry."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.local import seed_policies as policies
from airflow_provider_ecr_preview.local.registry import DEFAULT_REGION, Registry

EUROPE = "eu-west-1"


_MEBIBYTE = 1024**2


_HELM_CHART = "application/vnd.cncf.helm.config.v1+json"


_SIGNATURE = "application/vnd.dev.cosign.simplesigning.v1+json"


def seed_registry(registry: Registry, name: str, seed: int) -> None:
    """Fill a registry.

    :param registry: the registry.
    :param name: ``small`` or ``team``.
    :param seed: another seed gives other tags, sizes and times.
    :raises ValueError: if there is no registry of this name.
    """
    if name not in REGISTRIES:
        raise ValueError(f"There is no registry {name!r}; there are {', '.join(sorted(REGISTRIES))}.")
    for seeded in REGISTRIES[name]:
        shelf = Shelf(registry, seeded.repository, seeded.region_name, seed)
        registry.create_repository(
            seeded.repository,
            policy=seeded.policy,
            created_days_ago=900,
            tags={"team": seeded.repository.partition("/")[0], "managed-by": "terraform"},
            region_name=seeded.region_name,
        )
        seeded.fill(shelf)


class Shelf:
    """A repository to fill.

    :param registry: the registry.
    :param repository: the repository.
    :param region_name: its Region.
    :param seed: the seed.
    """

    def __init__(self, registry: Registry, repository: str, region_name: str, seed: int) -> None:
        self.registry = registry
        self.repository = repository
        self.region_name = region_name
        # One generator per repository, so that a new repository does not change the others.
        self.random = random.Random(f"{seed} {region_name} {repository}")  # noqa: S311  # repeatable, not secret
        self.base_size = self.random.randint(40, 400) * _MEBIBYTE

    def commit(self) -> str:
        """Return the short hash of a commit."""
        return f"{self.random.getrandbits(28):07x}"

    def size(self) -> int:
        """Return the size of another image of this repository."""
        return int(self.base_size * self.random.uniform(0.9, 1.15))

    def push(self, days_ago: float, *tags: str, **image: Any) -> str:
        """Push an image and return its digest."""
        return self.registry.push(
            self.repository,
            tags=tags,
            pushed_days_ago=days_ago,
            size=image.pop("size", None) or self.size(),
            base_size=self.base_size * 3 // 5,
            region_name=self.region_name,
            **image,
        )

    def ages(self, count: int, newest: float, step: float) -> list[float]:
        """Return ages in days, the oldest first, at about equal steps."""
        ages = [newest + position * step + self.random.uniform(0, step * 0.8) for position in range(count)]
        return ages[::-1]


def service(shelf: Shelf, newest: float = 0.3) -> None:
    """Push the images of a service that is built on every merge and pull request, and released every other week."""
    for age in shelf.ages(shelf.random.randint(30, 60), newest, 1.4):
        shelf.push(age, f"main-{shelf.commit()}", last_pull_days_ago=max(age - 0.2, 0) if age < newest + 20 else None)
    for number, age in enumerate(shelf.ages(shelf.random.randint(8, 20), newest, 2.5), start=1180):
        shelf.push(age, f"pr-{number}-{shelf.commit()}", last_pull_days_ago=age)
    releases = shelf.ages(shelf.random.randint(10, 24), newest + 1, 13)
    for minor, age in enumerate(releases):
        # The two newest are running.
        pulled = newest + shelf.random.uniform(0, 0.3) if age <= releases[-2] else max(age - 14, 0)
        tags = [f"v1.{minor}.{shelf.random.randint(0, 6)}"] + (["latest"] if age == releases[-1] else [])
        shelf.push(age, *tags, last_pull_days_ago=pulled)
    leftovers(shelf, newest + 2)


def paused(shelf: Shelf) -> None:
    """Push the images of a running service that had no release for months."""
    for minor, age in enumerate(shelf.ages(9, 118, 21)):
        shelf.push(age, f"v2.{minor}.0", last_pull_days_ago=0.4 if minor == 8 else age - 1)  # noqa: PLR2004  # the newest
    leftovers(shelf, 125)


def pinned(shelf: Shelf) -> None:
    """Push the images of a function that runs from an untagged image, because it was deployed by digest."""
    shelf.push(74, last_pull_days_ago=0.1)
    for age in shelf.ages(16, 1, 4):
        shelf.push(age, f"main-{shelf.commit()}", last_pull_days_ago=age)
    leftovers(shelf, 5)


def multi_arch(shelf: Shelf) -> None:
    """Push a base image for two platforms, rebuilt every week; most rebuilds have lost their tag."""
    weeks = shelf.ages(26, 1.5, 7)
    for week, age in enumerate(weeks):
        is_newest = age == weeks[-1]
        tags = [f"3.{11 + week // 13}-w{week:02}"] if week % 4 == 0 or is_newest else []
        shelf.registry.push_manifest_list(
            shelf.repository,
            tags=[*tags, "latest"] if is_newest else tags,
            pushed_days_ago=age,
            size=shelf.size(),
            last_pull_days_ago=0.2 if is_newest else age / 2,
            region_name=shelf.region_name,
        )


def models(shelf: Shelf) -> None:
    """Push large images; the old ones were archived, and one of them was restored."""
    for number, age in enumerate(shelf.ages(18, 6, 36)):
        is_old = number < 8  # noqa: PLR2004  # the older half
        shelf.push(
            age,
            f"model-{2024 + number // 9}.{number % 9 + 1}",
            size=shelf.random.randint(3_000, 9_000) * _MEBIBYTE,
            last_pull_days_ago=age - 30 if is_old else max(age - 3, 0),
            archived_days_ago=age - 120 if is_old else None,
            restored_days_ago=4 if number == 5 else None,  # noqa: PLR2004  # any old one
        )


def charts(shelf: Shelf) -> None:
    """Push Helm charts: small, and artifacts instead of images."""
    for minor, age in enumerate(shelf.ages(20, 3, 11)):
        shelf.push(age, f"0.{minor}.0", size=shelf.random.randint(8_000, 40_000), artifact_media_type=_HELM_CHART)


def signed(shelf: Shelf) -> None:
    """Push releases, each with a signature under the tag that cosign uses."""
    for minor, age in enumerate(shelf.ages(14, 2, 10)):
        digest = shelf.push(age, f"v0.{minor}.0", last_pull_days_ago=age / 3)
        tag = f"{digest.replace(':', '-')}.sig"
        shelf.push(age, tag, size=1_900, artifact_media_type=_SIGNATURE)


def crowded(shelf: Shelf, count: int = 3_600) -> None:
    """Push every build of three years."""
    commits = [shelf.commit() for _ in range(count)]
    shelf.registry.push_many(
        shelf.repository,
        count,
        tags=lambda index: () if index % 9 == 0 else (f"build-{index}-{commits[index]}",),
        newest_days_ago=0.05,
        oldest_days_ago=1_090,
        size=shelf.base_size,
        region_name=shelf.region_name,
    )


def leftovers(shelf: Shelf, newest: float) -> None:
    """Push the untagged images that moved tags leave behind."""
    for age in shelf.ages(shelf.random.randint(5, 14), newest, 6):
        shelf.push(age)


def empty(_: Shelf) -> None:
    """Push nothing: the repository has been empty since it was created."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """A repository of an initial registry.

    :param repository: the name.
    :param fill: pushes its images.
    :param policy: its lifecycle policy, or None.
    :param region_name: its Region.
    """

    repository: str
    fill: Callable[[Shelf], None]
    policy: PolicySource | None = None
    region_name: str = DEFAULT_REGION


_TEAM = (
    Seeded("payments/api", service, policies.KEEP_RELEASES),
    Seeded("payments/ledger", service, policies.UNTAGGED_AND_COUNT),
    Seeded("payments/invoices", paused, policies.THIRTY_DAYS),
    Seeded("payments/webhooks", pinned, policies.UNTAGGED_AND_COUNT),
    Seeded("payments/fraud-rules", service, policies.DEAD_RULE),
    Seeded("payments/reconciliation", service),
    Seeded("platform/base-python", multi_arch, policies.UNTAGGED_AND_COUNT),
    Seeded("platform/base-node", multi_arch, policies.UNTAGGED),
    Seeded("platform/ci-runner", crowded, policies.KEEP_RECENT),
    Seeded("platform/charts", charts),
    Seeded("platform/ingress", signed, policies.UNTAGGED),
    Seeded("platform/cert-rotator", service, policies.UNTAGGED_AND_COUNT),
    Seeded("platform/log-shipper", multi_arch),
    Seeded("data/etl-worker", service, policies.AND_PATTERNS),
    Seeded("data/nightly-report", paused, policies.THIRTY_DAYS),
    Seeded("data/dbt", service, policies.UNTAGGED_AND_COUNT),
    Seeded("data/airflow", multi_arch, policies.KEEP_RELEASES),
    Seeded("data/spark", service, policies.ARCHIVE_UNUSED),
    Seeded("data/notebooks", models),
    Seeded("ml/recommender", models, policies.ARCHIVE_UNUSED),
    Seeded("ml/embeddings", models, policies.ARCHIVE_UNUSED),
    Seeded("ml/feature-store", service, policies.UNTAGGED),
    Seeded("ml/training", service),
    Seeded("web/storefront", service, policies.AND_PATTERNS),
    Seeded("web/checkout", service, policies.KEEP_RELEASES),
    Seeded("web/search", service, policies.DEAD_RULE),
    Seeded("web/image-proxy", signed, policies.UNTAGGED_AND_COUNT),
    Seeded("web/status-page", paused),
    Seeded("mobile/backend", service, policies.KEEP_RELEASES),
    Seeded("mobile/push-gateway", pinned, policies.UNTAGGED),
    Seeded("security/scanner", signed),
    Seeded("security/vault-agent", multi_arch, policies.UNTAGGED),
    Seeded("tools/sandbox", empty),
    Seeded("tools/release-bot", service, policies.UNTAGGED_AND_COUNT),
    Seeded("payments/api", service, policies.KEEP_RELEASES, EUROPE),
    Seeded("payments/ledger", service, policies.UNTAGGED_AND_COUNT, EUROPE),
    Seeded("payments/sepa", service, None, EUROPE),
    Seeded("platform/base-python", multi_arch, policies.UNTAGGED_AND_COUNT, EUROPE),
    Seeded("platform/ingress", signed, policies.UNTAGGED, EUROPE),
    Seeded("data/gdpr-export", paused, policies.THIRTY_DAYS, EUROPE),
    Seeded("data/etl-worker", service, policies.AND_PATTERNS, EUROPE),
    Seeded("ml/translation", models, policies.ARCHIVE_UNUSED, EUROPE),
    Seeded("web/storefront", service, policies.DEAD_RULE, EUROPE),
    Seeded("web/cookie-banner", paused, None, EUROPE),
    Seeded("mobile/backend", service, policies.UNTAGGED_AND_COUNT, EUROPE),
    Seeded("tools/sandbox", empty, policies.UNTAGGED, EUROPE),
)


_SMALL = (
    Seeded("payments/api", service, policies.KEEP_RELEASES),
    Seeded("platform/base-python", multi_arch, policies.UNTAGGED_AND_COUNT),
    Seeded("ml/recommender", models, policies.ARCHIVE_UNUSED),
    Seeded("data/nightly-report", paused, policies.THIRTY_DAYS),
    Seeded("web/storefront", service, policies.AND_PATTERNS),
    Seeded("tools/sandbox", empty),
)


REGISTRIES: dict[str, Sequence[Seeded]] = {"small": _SMALL, "team": _TEAM}
"""The registries by name."""
