"""What a policy does with the images of a repository, and how two policies differ."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_ecr_preview.cli.arguments import NEVER
from airflow_provider_ecr_preview.core.comparison.simulation import simulated_preview
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.policy.wording import rule_sentence
from airflow_provider_ecr_preview.core.preview.finding import SEVERITY_ORDER
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.values import known_sum
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary, PreviewSummaryXCom


@dataclass(frozen=True)
class Effect:
    """What a policy does with the images of a repository.

    :param summary: the simulation, as the summary of a preview; None where there is no policy.
    :param images: the images that the policy expires or archives.
    """

    summary: PreviewSummaryXCom | None = None
    images: Sequence[PreviewedImage] = ()

    @property
    def findings(self) -> list[FindingSummary]:
        """What a person should look at."""
        return [] if self.summary is None else self.summary["findings"]


def effect_of(
    policy: LifecyclePolicy | None, images: Sequence[RepositoryImage], repository_name: str, now: datetime
) -> Effect:
    """Return what a policy does with the images of a repository.

    :param policy: the policy; None for no policy, which does nothing.
    :param images: every image of the repository.
    :param repository_name: the repository.
    :param now: the time at which the policy acts (aware).
    :raises ValueError: if the policy cannot be simulated.
    """
    if policy is None:
        return Effect()
    summary, taken = simulated_preview(policy, images, now, RepositoryId("", "", repository_name))
    return Effect(summary, taken)


@dataclass(frozen=True)
class RuleChanges:
    """How the rules of two policies differ, as sentences with the number of the rule before each."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def lines(self) -> Iterator[str]:
        """Yield each change as a line that begins with its sign."""
        yield from (f"- {sentence}" for sentence in self.removed)
        yield from (f"~ {sentence}" for sentence in self.changed)
        yield from (f"+ {sentence}" for sentence in self.added)


def rule_changes(before: LifecyclePolicy | None, after: LifecyclePolicy | None) -> RuleChanges:
    """Return how the rules of two policies differ; descriptions mean nothing.

    :param before: the former policy; None for none.
    :param after: the new policy; None for none.
    """
    former, new = _by_selection(before), _by_selection(after)
    changes = RuleChanges()
    for key, rule in former.items():
        if key not in new:
            changes.removed.append(_numbered(rule))
        elif _numbered(rule) != _numbered(new[key]):
            changes.changed.append(f"{_numbered(rule)} → {_numbered(new[key])}")
    changes.added.extend(_numbered(rule) for key, rule in new.items() if key not in former)
    return changes


def _by_selection(policy: LifecyclePolicy | None) -> dict[tuple[object, ...], Rule]:
    rules = () if policy is None else policy.rules
    return {
        (rule.storage_class, rule.tag_status, frozenset(rule.tag_patterns), rule.action, rule.count_type): rule
        for rule in rules
    }


def _numbered(rule: Rule) -> str:
    return f"Rule {rule.priority}: {rule_sentence(rule)}"


def newly_affected(before: Effect, after: Effect) -> list[PreviewedImage]:
    """Return the images that only the second policy affects, or that it expires where the first archives them.

    Those that were pulled last stand first, because they are most likely to be missed.

    :param before: what the former policy does.
    :param after: what the new policy does.
    """
    actions = {image.image_digest: image.action for image in before.images}
    newly = [image for image in after.images if actions.get(image.image_digest) not in (EXPIRE, image.action)]
    return sorted(newly, key=_urgency)


def no_longer_affected(before: Effect, after: Effect) -> list[PreviewedImage]:
    """Return the images that only the former policy affects.

    :param before: what the former policy does.
    :param after: what the new policy does.
    """
    affected = {image.image_digest for image in after.images}
    return sorted((image for image in before.images if image.image_digest not in affected), key=_urgency)


def _urgency(image: PreviewedImage) -> tuple[float, float, str]:
    pulled, pushed = image.last_recorded_pull_time, image.image_pushed_at
    return (
        -pulled.timestamp() if pulled else 0.0,
        -pushed.timestamp() if pushed else 0.0,
        image.image_digest,
    )


def bytes_of(images: Iterable[PreviewedImage]) -> int | None:
    """Return the sum of the sizes of images, an upper bound; None where one is not known."""
    return known_sum(image.image_size_in_bytes for image in images)


def new_findings(before: Effect, after: Effect) -> list[FindingSummary]:
    """Return the findings that only the second policy raises, or raises for further images.

    :param before: what the former policy does.
    :param after: what the new policy does.
    """
    known = {(finding["code"], tuple(finding["image_digests"])) for finding in before.findings}
    return [finding for finding in after.findings if (finding["code"], tuple(finding["image_digests"])) not in known]


def is_grave(findings: Iterable[FindingSummary], fail_on: str) -> bool:
    """Return whether there is a finding of a severity, or of a graver one.

    :param findings: the findings.
    :param fail_on: ``critical``, ``warning``, ``info`` or ``never``.
    """
    if fail_on == NEVER:
        return False
    return any(SEVERITY_ORDER[finding["severity"]] <= SEVERITY_ORDER[fail_on] for finding in findings)
