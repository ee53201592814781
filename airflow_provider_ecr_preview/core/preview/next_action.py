"""When the policy would take an image that it keeps today, if nothing is pushed, pulled, tagged or restored until then.

This is a simulation. Rules by age take an image on a day that is known; rules by count never take a kept image, because
without pushes no newer image comes. DescribeImages does not say which images a manifest list names, and ECR keeps those
for as long as the list stays, so an image may go later than this, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.policy.evaluation import Reason, Verdict

DAYS_AFTER_SUBJECT = 1
"""ECR deletes a referrer within a day of its subject."""


@dataclass(frozen=True, slots=True)
class NextAction:
    """The next action of a policy on an image that it keeps now.

    :param action: ``EXPIRE`` or ``TRANSITION``.
    :param at: the time after which a run of the policy takes the image (aware, UTC).
    """

    action: str
    at: datetime


def next_actions(
    verdicts: Sequence[Verdict], action_of: Callable[[str], str | None], now: datetime
) -> dict[str, NextAction]:
    """Return the next action on each kept image that the policy takes one day, by digest.

    :param verdicts: the verdicts of the policy on every image of the repository.
    :param action_of: returns the action that the preview says of the image with a digest, or None.
    :param now: the time of the preview (aware).
    """
    by_age: dict[str, NextAction] = {}
    gone_at: dict[str, datetime] = {}
    referrers: dict[str, list[str]] = {}
    kept: list[str] = []
    for verdict in verdicts:
        digest, subject = verdict.image.image_digest, verdict.image.subject_manifest_digest
        if (action := action_of(digest)) is not None:
            if action == EXPIRE:
                gone_at[digest] = now
            continue
        kept.append(digest)
        if subject is not None:
            referrers.setdefault(subject, []).append(digest)
        if (own := _by_age(verdict)) is not None:
            by_age[digest] = own
            if own.action == EXPIRE:
                gone_at[digest] = own.at
    _follow_subjects(gone_at, referrers)
    found = {}
    for digest in kept:
        own, gone = by_age.get(digest), gone_at.get(digest)
        if gone is not None and (own is None or gone < own.at):
            found[digest] = NextAction(EXPIRE, gone)
        elif own is not None:
            found[digest] = own
    return found


def _by_age(verdict: Verdict) -> NextAction | None:
    """Return when the rule that decides takes an image by its age; None if it never does."""
    rule, image = verdict.rule, verdict.image
    if rule is None or verdict.reason is not Reason.WITHIN_DAYS:
        return None
    clocks = {
        "sinceImagePushed": image.image_pushed_at,
        "sinceImagePulled": image.last_used_at,
        "sinceImageTransitioned": image.last_archived_at,
    }
    since = clocks.get(rule.count_type)
    at = None if since is None else _later(since.astimezone(UTC), rule.count_number)
    return None if at is None else NextAction(rule.action, at)


def _follow_subjects(gone_at: dict[str, datetime], referrers: Mapping[str, Sequence[str]]) -> None:
    """Let the referrers of the images that go follow them, and their own referrers after them."""
    subjects = [digest for digest in referrers if digest in gone_at]
    while subjects:
        subject = subjects.pop()
        at = _later(gone_at[subject], DAYS_AFTER_SUBJECT)
        for digest in referrers.get(subject, ()):
            if at is not None and (digest not in gone_at or at < gone_at[digest]):
                gone_at[digest] = at
                subjects.append(digest)


def _later(time: datetime, days: int) -> datetime | None:
    try:
        return time + timedelta(days=days)
    except OverflowError:  # after the year 9999
        return None
