"""The checks before a clean-up. A check that cannot be answered blocks, just like one that fails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.answers import Answer, Verdict
from airflow_provider_ecr_preview.core.cleanup.approval_checks import NOT_BOUND
from airflow_provider_ecr_preview.core.cleanup.check_catalog import CHECKS
from airflow_provider_ecr_preview.core.cleanup.check_functions import CHECK_FUNCTIONS
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.limit_checks import capped
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan, plan_cleanup
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_images import SparedImages
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.text.visible import one_line
from airflow_provider_ecr_preview.core.values import known_sum

MAX_CHECK_DIGESTS = 10


_OF_THE_INVENTORY = (
    "newest_images",
    "referrers",
    "manifest_lists",
    "images_left",
    "max_images",
    "max_share",
    "max_bytes",
)
"""The questions whose answers depend on which other images are in the repository."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check.

    :param code: name of the check.
    :param verdict: ``passed``, ``warned``, ``spared``, ``blocked``, ``unknown`` or ``off``.
    :param message: what it found, in one or two sentences.
    :param image_digests: at most ten of the images it is about.
    :param remedy: the parameter, permission or step that fixes it; None if it neither blocks nor spares.
    """

    code: str
    verdict: Verdict
    message: str
    image_digests: tuple[str, ...] = ()
    remedy: str | None = None

    @classmethod
    def of(cls, code: str, answer: Answer) -> CheckResult:
        """Return the result of a check from its answer.

        :param code: name of the check, one of :data:`~airflow_provider_ecr_preview.core.cleanup.check_catalog.CHECKS`.
        :param answer: the answer.
        """
        digests = tuple(answer.image_digests[:MAX_CHECK_DIGESTS])
        remedy = None if answer.verdict in ("passed", "off") else answer.remedy or CHECKS[code].remedy
        # A message may quote text from outside: names, codes of findings, URLs, errors of services.
        return cls(
            code, answer.verdict, one_line(answer.message), digests, None if remedy is None else one_line(remedy)
        )

    @property
    def blocks(self) -> bool:
        """Whether it blocks every change."""
        return self.verdict in ("blocked", "unknown")

    def as_dict(self) -> dict[str, Any]:
        """Return the result in plain JSON types."""
        return {
            "code": self.code,
            "verdict": self.verdict,
            "message": self.message,
            "image_digests": list(self.image_digests),
            "remedy": self.remedy,
        }

    def __str__(self) -> str:
        return sentence(self.code, self.verdict, self.message, self.remedy)


def sentence(code: str, verdict: str, message: str, remedy: str | None) -> str:
    """Return the result of a check as logs and errors show it.

    :param code: name of the check.
    :param verdict: its verdict.
    :param message: what it found.
    :param remedy: the step that fixes it.
    """
    return f"{code} ({verdict}): {message}{f' To fix this: {remedy}' if remedy else ''}"


@dataclass(frozen=True)
class Decision:
    """The plan for one repository, and the checks that allow or block it.

    :param evidence: the facts about the repository.
    :param plan: the planned changes.
    :param checks: the results of all checks.
    :param settings: the limits and protections of the clean-up.
    """

    evidence: Evidence
    plan: CleanupPlan
    checks: tuple[CheckResult, ...]
    settings: CleanupSettings = field(default_factory=CleanupSettings)

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return self.evidence.repository

    @property
    def blocking(self) -> list[CheckResult]:
        """The checks that block the repository."""
        return [check for check in self.checks if check.blocks]


def decide(evidence: Evidence, settings: CleanupSettings) -> Decision:
    """Plan the clean-up of one repository and run every check on it.

    :param evidence: the facts about the repository.
    :param settings: the limits and protections of the clean-up.
    """
    if not isinstance(evidence.inventory, Unread):
        earlier = evidence.earlier.settled(evidence.inventory, settings.action)
        evidence = replace(evidence, earlier=earlier)
    plan = plan_cleanup(evidence, settings)
    return Decision(evidence, plan, tuple(_answers(CHECK_FUNCTIONS, evidence, settings, plan)), settings)


def decide_again(decision: Decision, inventory: Sequence[RepositoryImage], now: datetime) -> Decision:
    """Plan again with the images that are in the repository now. No image is added to the earlier plan.

    :param decision: the earlier decision.
    :param inventory: every image that is there now.
    :param now: the time (aware).
    """
    settings, before = decision.settings, decision.plan
    earlier = decision.evidence.earlier.settled(inventory, settings.action)
    evidence = replace(decision.evidence, inventory=inventory, now=now, earlier=earlier)
    there = {image.image_digest: image for image in inventory}
    changed = {
        image.image_digest: Spared.CHANGED_MEANWHILE
        for image in before.images
        if image.image_digest in there and is_touched(image, there[image.image_digest])
    }
    returned = dict.fromkeys(before.gone & there.keys(), Spared.CHANGED_MEANWHILE)
    plan = plan_cleanup(evidence, settings, {**before.spared, **changed, **returned})
    again = {check.code: check for check in _answers(_OF_THE_INVENTORY, evidence, settings, plan)}
    checks = tuple(again.get(check.code, check) for check in decision.checks)
    return Decision(evidence, plan, checks, settings)


def is_touched(image: RepositoryImage, now: RepositoryImage) -> bool:
    """Return whether an image was tagged, pulled, pushed, archived or restored since it was judged.

    :param image: the image as it was judged.
    :param now: the image as it is now.
    """
    return _state_of(image) != _state_of(now)


def check_run(
    decisions: Iterable[Decision],
    *,
    max_images: int | None = None,
    max_bytes: int | None = None,
    approval: Answer = NOT_BOUND,
) -> list[CheckResult]:
    """Return the results of the checks that look at all repositories of a run together.

    :param decisions: the decision for each repository.
    :param max_images: more images in total block the whole run; None for no limit.
    :param max_bytes: more bytes in total, as an upper bound, block it; None for no limit.
    :param approval: whether a person has approved the action.
    """
    plans = [decision.plan for decision in decisions if not decision.blocking]
    images = sum(plan.image_count for plan in plans)
    size = known_sum(plan.bytes_upper_bound for plan in plans)
    return [
        CheckResult.of("approval_given", approval),
        CheckResult.of(
            "run_max_images", capped(images, max_images, "images in all repositories", "max_images_per_run")
        ),
        CheckResult.of("run_max_bytes", capped(size, max_bytes, "bytes in all repositories", "max_bytes_per_run")),
    ]


def _answers(
    codes: Iterable[str], evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan
) -> Iterator[CheckResult]:
    spared = SparedImages(evidence, settings)
    for code in codes:
        answer = CHECK_FUNCTIONS[code](evidence, settings, plan)
        yield CheckResult.of(code, answer._replace(message=spared.with_example(answer, plan)))


def _state_of(image: RepositoryImage) -> tuple[object, ...]:
    return (
        frozenset(image.image_tags),
        image.image_pushed_at,
        image.last_recorded_pull_time,
        image.storage_class,
        image.last_archived_at,
        image.last_activated_at,
    )
