"""The rules of a recommended policy, each with the images it keeps and expires, and the one that sets its number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ecr_preview.core.recommendation.case import Case
from airflow_provider_ecr_preview.core.recommendation.keeping import KeepReason, KeptImage
from airflow_provider_ecr_preview.core.recommendation.model import COUNT
from airflow_provider_ecr_preview.core.recommendation.search import FoundRule
from airflow_provider_ecr_preview.core.recommendation.tag_families import Selector
from airflow_provider_ecr_preview.core.text.counted import counted


@dataclass(frozen=True)
class RuleProposal:
    """One rule of a recommended policy.

    :param selector: the images that it selects.
    :param count_type: how it counts.
    :param count_number: its number.
    :param decided_images: how many images it decides about.
    :param freed_images: how many of them it expires now.
    :param freed_bytes: their bytes, as far as they are known.
    :param reasons: the number of required images that it keeps, by the reason.
    :param binding: the image that determines the number; None if no image must be kept.
    :param binding_repository: the repository of that image.
    """

    selector: Selector
    count_type: str
    count_number: int
    decided_images: int = 0
    freed_images: int = 0
    freed_bytes: int = 0
    reasons: Mapping[KeepReason, int] = field(default_factory=dict)
    binding: KeptImage | None = None
    binding_repository: str | None = None

    @property
    def description(self) -> str:
        """The description of the rule in the policy."""
        limit = f"the newest {self.count_number}" if self.count_type == COUNT else f"{self.count_number} days"
        return f"{self.selector.kind} images ({self.selector}): keep {limit}"

    def sentence(self, priority: int) -> str:
        """Describe which images the rule keeps and expires.

        :param priority: its number.
        """
        kept = self.decided_images - self.freed_images
        limit = (
            f"the newest {self.count_number:,}"
            if self.count_type == COUNT
            else f"those of the last {counted(self.count_number, 'day')}"
        )
        names = dict.fromkeys([str(self.selector.kind), str(self.selector)])
        first = f"Rule {priority} ({', '.join(names)}) keeps {limit}: "
        parts = [f"{first}{counted(kept, 'image stays', 'images stay')}, {self.freed_images:,} would expire."]
        if self.reasons:
            reasons = ", ".join(f"{count:,} ({reason})" for reason, count in self.reasons.items())
            parts.append(f"Of those that stay: {reasons}.")
        if self.binding is not None:
            where = f" in {self.binding_repository}" if self.binding_repository else ""
            parts.append(f"The number is this large because of {name_of(self.binding)}{where} ({self.binding.reason}).")
        return " ".join(parts)

    def as_rule(self, priority: int) -> dict[str, Any]:
        """Return the rule in ECR's grammar.

        :param priority: its number.
        """
        unit = {} if self.count_type == COUNT else {"countUnit": "days"}
        return {
            "rulePriority": priority,
            "description": self.description,
            "selection": {
                **self.selector.as_selection(),
                "countType": self.count_type,
                **unit,
                "countNumber": self.count_number,
            },
            "action": {"type": "expire"},
        }


def name_of(kept: KeptImage) -> str:
    """Return the name of an image for messages: the tag that protects it, another tag, or "untagged" with its digest.

    :param kept: the image.
    """
    tags = kept.image.image_tags
    if not tags:
        return f"the untagged {kept.image.image_digest[:19]}"
    return (kept.protection.protected_tag_of(tags) if kept.protection else None) or tags[0]


def explained(found: Sequence[FoundRule], case: Case) -> Iterator[RuleProposal]:
    """Yield the rules with the images that they keep and expire.

    :param found: the rules in their order.
    :param case: the input of the search.
    """
    selectors = [rule.selector for rule in found]
    decided = Counter(
        _decider(image.image_tags, selectors) for facts in case.repositories for image in facts.standard_images
    )
    kept = [(image, _decider(image.image.image_tags, selectors)) for image in case.kept_images]
    for number, rule in enumerate(found):
        reasons = Counter(image.reason for image, decider in kept if decider == number)
        binding = _binding(number, rule, selectors, case)
        yield RuleProposal(
            rule.selector,
            rule.gain.count_type,
            rule.gain.count_number,
            decided[number],
            rule.gain.freed_images,
            rule.gain.freed_bytes,
            dict(sorted(reasons.items())),
            binding[1] if binding else None,
            binding[0] if binding and len(case.repositories) > 1 else None,
        )


def _decider(image_tags: Sequence[str], selectors: Sequence[Selector]) -> int | None:
    return next((number for number, selector in enumerate(selectors) if selector.matches(image_tags)), None)


def _binding(number: int, rule: FoundRule, selectors: Sequence[Selector], case: Case) -> tuple[str, KeptImage] | None:
    """Return the image that raises the number of a rule above its minimum, with its repository."""
    by_count = rule.gain.count_type == COUNT
    if rule.gain.count_number <= (case.settings.safe_pushes if by_count else case.settings.safe_days):
        return None
    own = case.selectors.index(rule.selector)
    covered = sum(1 << case.selectors.index(selector) for selector in selectors[:number])
    needed = []
    for facts, of, model in zip(case.repositories, case.kept, case.models, strict=True):
        deciding = [image for image in of if any(_decider(tags, selectors) == number for tags in image.states())]
        if deciding:
            least = model.least_count(own, covered) if by_count else model.least_days(own, covered)
            needed.append((least, facts.name, min(deciding, key=_age_by_count if by_count else _age_by_days)))
    _, name, image = max(needed, key=lambda entry: entry[:2])
    return name, image


def _age_by_count(image: KeptImage) -> tuple[float, str]:
    return image.image.ordered_at.timestamp(), image.image.image_digest


def _age_by_days(image: KeptImage) -> tuple[float, str]:
    return image.image.image_pushed_at.timestamp(), image.image.image_digest
