"""What a person should look at in a preview before anything is deleted."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from airflow_provider_ecr_preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.policy import Rule
from airflow_provider_ecr_preview.xcom import MAX_FINDING_DIGESTS

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.preview import PreviewedImage, PreviewSummary

FindingSeverity = Literal["critical", "warning", "info"]

SEVERITY_ORDER = {"critical": 0, "warning": 1, "info": 2}
"""The gravest first."""

RECENTLY_PULLED_DAYS = 30
MAX_RULES_NAMED = 10
MAX_USERS_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should look at.

    :param code: a stable name, for example ``would_empty_repository``.
    :param severity: ``critical`` when an outage is likely, ``warning`` when the policy is hardly what was meant,
        ``info`` for what is good to know.
    :param message: what was found and what to do, in one or two sentences.
    :param image_digests: at most ten of the images it is about.
    """

    code: str
    severity: FindingSeverity
    message: str
    image_digests: tuple[str, ...] = ()


class RecentPulls:
    """The affected images that were pulled lately, collected as they stream by.

    :param since: pulls at or after this time are recent.
    """

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.image_count = 0
        self._latest: list[tuple[datetime, str]] = []

    def add(self, image: PreviewedImage) -> None:
        """Take in one affected image."""
        pulled_at = image.last_recorded_pull_time
        if pulled_at is None or pulled_at < self.since:
            return
        self.image_count += 1
        entry = (pulled_at, image.image_digest)
        if len(self._latest) < MAX_FINDING_DIGESTS:
            heapq.heappush(self._latest, entry)
        else:
            heapq.heappushpop(self._latest, entry)

    @property
    def image_digests(self) -> tuple[str, ...]:
        """The most recently pulled ones, latest first, at most ten."""
        return tuple(digest for _, digest in sorted(self._latest, reverse=True))


class UsedImages:
    """The affected images that something runs, collected as they stream by.

    :param users_of: returns who uses an image of this digest and these tags, in words for a person.
    :param unread_sources: the sources of which nobody knows what they run.
    """

    def __init__(self, users_of: Callable[[str, Sequence[str]], Sequence[str]], unread_sources: Sequence[str]) -> None:
        self.unread_sources = unread_sources
        self.image_count = 0
        self.examples: dict[str, str] = {}
        """Who uses the first of them, by digest; at most ten."""
        self._users_of = users_of

    def add(self, image: PreviewedImage) -> None:
        """Take in one affected image."""
        users = self._users_of(image.image_digest, image.image_tags)
        if not users:
            return
        self.image_count += 1
        if len(self.examples) < MAX_FINDING_DIGESTS:
            self.examples[image.image_digest] = users[0]


def recent_pulls_since(now: datetime, days: float = RECENTLY_PULLED_DAYS) -> RecentPulls:
    """Return an empty collection of the images pulled in the last ``days`` days."""
    return RecentPulls(now - timedelta(days=days))


def find(
    summary: PreviewSummary,
    inventory: RepositoryInventory | None = None,
    recent_pulls: RecentPulls | None = None,
    used_images: UsedImages | None = None,
) -> list[Finding]:
    """Return the findings of a preview, the gravest first.

    :param summary: the whole preview.
    :param inventory: the repository's images; without it only what the preview itself shows can be found.
    :param recent_pulls: the affected images that were pulled lately.
    :param used_images: the affected images that something runs; None if nobody asked.
    """
    findings = [*_of_used_images(used_images)] if used_images is not None else []
    findings += _of_archiving(summary)
    if inventory is not None:
        findings += [*_of_what_is_left(summary, inventory), *_of_idle_rules(summary, inventory)]
    if recent_pulls is not None:
        findings += _of_recent_pulls(recent_pulls)
    return sorted(findings, key=lambda finding: SEVERITY_ORDER[finding.severity])


def _of_what_is_left(summary: PreviewSummary, inventory: RepositoryInventory) -> Iterator[Finding]:
    total, newest = inventory.total_image_count, inventory.newest_image
    if total and summary.expiring_image_count >= total:
        yield Finding(
            "would_empty_repository",
            "critical",
            f"Every image would expire ({total} of {total}). Add a rule that keeps the newest ones "
            "(imageCountMoreThan).",
        )
    if newest is not None and summary.action_of(newest.image_digest) == "EXPIRE":
        tags = ", ".join(newest.image_tags[:3]) or "untagged"
        yield Finding(
            "newest_image_expires",
            "critical",
            f"The most recently pushed image ({tags}) would expire. Age rules empty a repository while nobody "
            "releases; keep a count of images instead.",
            (newest.image_digest,),
        )


def _of_used_images(used: UsedImages) -> Iterator[Finding]:
    if used.image_count:
        users = ", ".join(list(dict.fromkeys(used.examples.values()))[:MAX_USERS_NAMED])
        yield Finding(
            "in_use_image_expires",
            "critical",
            f"Affected images that something runs or may start: {used.image_count}, by {users}. An outage is to be "
            "expected: keep them by a rule with a lower rulePriority.",
            tuple(used.examples),
        )
    if used.unread_sources:
        yield Finding(
            "in_use_unknown",
            "warning",
            f"Not everything that may run images could be asked: {'; '.join(used.unread_sources[:MAX_USERS_NAMED])}. "
            "That no other affected image is in use is not known.",
        )


def _of_recent_pulls(recent: RecentPulls) -> Iterator[Finding]:
    if recent.image_count:
        yield Finding(
            "recently_pulled_image_expires",
            "critical",
            f"Affected images that were pulled since {recent.since:%Y-%m-%d}: {recent.image_count}. Something may still "
            "use them: keep them by a rule with a lower rulePriority.",
            recent.image_digests,
        )


def _of_idle_rules(summary: PreviewSummary, inventory: RepositoryInventory) -> Iterator[Finding]:
    if not inventory.total_image_count:
        return
    hit = {priority for priority, _ in summary.counts}
    # That no image is untagged, or none at all is archived, says nothing against a rule for such images.
    idle = [rule for rule in inventory.unmatched_rules if rule.tag_status == "tagged" and rule.priority not in hit]
    conflicting = [rule for rule in idle if len(rule.tag_patterns) > 1]
    if conflicting:
        yield Finding(
            "and_patterns_match_nothing",
            "warning",
            f"No image has tags for all patterns of {_named(conflicting)}. ECR wants every pattern of a rule to match, "
            "not any: write one rule for each pattern.",
        )
    dead = [rule for rule in idle if len(rule.tag_patterns) <= 1]
    if dead:
        yield Finding(
            "dead_rule",
            "warning",
            f"No image of the repository has a tag like {_named(dead)} asks for. Remove what is no longer used, or "
            "correct its tags.",
        )


def _of_archiving(summary: PreviewSummary) -> Iterator[Finding]:
    if summary.archiving_image_count:
        yield Finding(
            "storage_class_costs",
            "info",
            f"Images that would be archived: {summary.archiving_image_count}. Archived images are billed too, for at "
            "least 90 days and with a fee for retrieval: archiving saves nothing by itself.",
        )


def _named(rules: Iterable[Rule]) -> str:
    named = [f"rule {rule.priority} ({rule.selector[:60]})" for rule in rules]
    more = len(named) - MAX_RULES_NAMED
    return ", ".join(named[:MAX_RULES_NAMED]) + (f" and {more} more" if more > 0 else "")
