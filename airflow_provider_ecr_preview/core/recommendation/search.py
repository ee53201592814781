"""The order of selectors that frees the most.

The space a rule frees depends on the set of selectors before it. So the best order of a set of selectors is the best
order of all but the last one, followed by that one: the search goes through sets, not orders, and is exact for the
given selectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from airflow_provider_ecr_preview.core.recommendation.model import Gain, RepositoryModel, gain_of
from airflow_provider_ecr_preview.core.recommendation.tag_families import ANY, Selector


@dataclass(frozen=True, slots=True)
class FoundRule:
    """One rule of the best policy.

    :param selector: which images it selects.
    :param gain: its effect.
    """

    selector: Selector
    gain: Gain


@dataclass(frozen=True, slots=True)
class _Ordered:
    """The best order of a set of selectors."""

    freed_bytes: int
    freed_images: int
    order: tuple[int, ...]

    def is_better_than(self, other: _Ordered | None) -> bool:
        if other is None:
            return True
        own, others = (self.freed_bytes, self.freed_images), (other.freed_bytes, other.freed_images)
        return own > others or (own == others and self.order < other.order)


def best_rules(models: Sequence[RepositoryModel], selectors: Sequence[Selector], max_rules: int) -> list[FoundRule]:
    """Return the rules that keep every required image and free the most bytes, then the most images; the fewest win.

    :param models: the repositories that share the policy.
    :param selectors: the selectors available for rules.
    :param max_rules: how many rules there may be.
    """
    search = _Search(models, selectors)
    best = _Ordered(0, 0, ())
    layer: dict[int, _Ordered] = {0: best}
    for _ in range(min(max_rules, len(selectors))):
        layer = search.longer(layer)
        for ordered in sorted(layer.values(), key=lambda ordered: ordered.order):
            if (ordered.freed_bytes, ordered.freed_images) > (best.freed_bytes, best.freed_images):
                best = ordered
    return [FoundRule(selectors[number], gain) for number, gain in search.gains(best.order)]


class _Search:
    def __init__(self, models: Sequence[RepositoryModel], selectors: Sequence[Selector]) -> None:
        self._models = models
        self._last = sum(
            1 << number for number, selector in enumerate(selectors) if selector.tag_status == ANY.tag_status
        )
        signatures = {signature for model in models for signature in model.signatures}
        # Only the selectors that images share with another one make a difference to it.
        self._shared = [0] * len(selectors)
        for number in range(len(selectors)):
            for signature in signatures:
                if signature >> number & 1:
                    self._shared[number] |= signature & ~(1 << number)
        self._known: dict[tuple[int, int], Gain] = {}

    def longer(self, layer: dict[int, _Ordered]) -> dict[int, _Ordered]:
        """Return the best order of every set with one more selector."""
        longer: dict[int, _Ordered] = {}
        for covered, ordered in layer.items():
            if covered & self._last:
                continue  # a rule for any image has the highest number
            for number in range(len(self._shared)):
                if covered >> number & 1:
                    continue
                gain = self.gain(number, covered)
                candidate = _Ordered(
                    ordered.freed_bytes + gain.freed_bytes,
                    ordered.freed_images + gain.freed_images,
                    (*ordered.order, number),
                )
                if candidate.is_better_than(longer.get(covered | 1 << number)):
                    longer[covered | 1 << number] = candidate
        return longer

    def gain(self, number: int, covered: int) -> Gain:
        """Return the gain of a selector after others."""
        key = (number, covered & self._shared[number])
        if key not in self._known:
            self._known[key] = gain_of(self._models, *key)
        return self._known[key]

    def gains(self, order: Sequence[int]) -> list[tuple[int, Gain]]:
        """Return the gain of each selector in an order."""
        gains, covered = [], 0
        for number in order:
            gains.append((number, self.gain(number, covered)))
            covered |= 1 << number
        return gains
