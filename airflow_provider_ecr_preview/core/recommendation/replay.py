"""Check, from the last recorded pulls, whether a policy would have removed an image before it was pulled."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.recommendation.model import COUNT, DAYS
from airflow_provider_ecr_preview.core.repository import RepositoryImage


@dataclass(frozen=True, slots=True)
class MissedPull:
    """A pull of an image that the policy would already have removed.

    :param image: the image.
    :param pulled_at: when it was pulled.
    :param rule_priority: the rule.
    """

    image: RepositoryImage
    pulled_at: datetime
    rule_priority: int


def missed_pulls(
    rules: Iterable[Rule], images: Sequence[RepositoryImage], now: datetime, days: float
) -> list[MissedPull]:
    """Return the recorded pulls that would have failed if the policy had always been applied; the latest first.

    ECR records only the last pull of an image, deleted images have no record, and current tags stand in for past ones.
    The result may be incomplete.

    :param rules: the rules of a policy that expires images of the standard storage class.
    :param images: the images of the repository.
    :param now: the time (aware).
    :param days: the number of past days to check.
    """
    ordered = sorted(rules, key=lambda rule: rule.priority)
    pushes = {
        rule.priority: sorted(image.ordered_at for image in images if rule.matches_tags(image.image_tags))
        for rule in ordered
    }
    missed = []
    for image in images:
        pulled_at = image.last_recorded_pull_time
        if pulled_at is None or not now - timedelta(days=days) <= pulled_at <= now:
            continue
        rule = next((rule for rule in ordered if rule.matches_tags(image.image_tags)), None)
        if rule is not None and _is_gone(rule, image, pushes[rule.priority], pulled_at):
            missed.append(MissedPull(image, pulled_at, rule.priority))
    return sorted(missed, key=lambda pull: (-pull.pulled_at.timestamp(), pull.image.image_digest))


def _is_gone(rule: Rule, image: RepositoryImage, pushes: Sequence[datetime], time: datetime) -> bool:
    if rule.count_type == COUNT:
        newer = bisect_right(pushes, time) - bisect_left(pushes, image.ordered_at)
        return newer > rule.count_number
    return rule.count_type == DAYS and image.image_pushed_at < time - timedelta(days=rule.count_number)
