"""How much a recommended policy frees of what the best safe policy frees, beside policies as they are usually written.

The best safe policy comes from a search of its own over more selectors, which shares no code with the product but for the pattern
language; that search is checked against all policies of two rules on tiny repositories, by simulation.

Run: python benchmarks/recommendation.py [--repositories 40] [--images 40]
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.recommendation.case import RepositoryFacts
from airflow_provider_ecr_preview.core.recommendation.horizon import lost_images
from airflow_provider_ecr_preview.core.recommendation.keeping import (
    KeptImage,
    RecommendationSettings,
    images_to_keep,
)
from airflow_provider_ecr_preview.core.recommendation.proposal import recommend
from tests.core.recommendation.registries import NOW, random_repository

MAX_RULES = 4
MAX_SELECTORS = 16
TINY = 3
DAY = timedelta(days=1)


def patterns(facts: RepositoryFacts) -> list[str]:
    """Return patterns of all kinds: every beginning and end of a tag at a separator, tags themselves, and versions.

    Patterns with a number or a hash in them are left out: a rule for ``pr-103-*`` selects nothing next week.
    """
    found: dict[str, int] = {}
    for image in facts.images:
        for tag in image.image_tags:
            ends = {found.end() for found in re.finditer(r"[-_.]|(?<=[A-Za-z])(?=\d)", tag)}
            own = {f"{tag[:end]}*" for end in ends} | {f"*{tag[end - 1 :]}" for end in ends} | {tag, "*.*.*"}
            for pattern in filter(is_lasting, own):
                found[pattern] = found.get(pattern, 0) + 1
    moving = [pattern for pattern in found if pattern.isalpha()]
    shared = sorted(
        (pattern for pattern in found if found[pattern] > 1), key=lambda pattern: (-found[pattern], pattern)
    )
    return [*[*moving, *shared][: MAX_SELECTORS - 3], "*", "untagged", "any"]


def is_lasting(pattern: str) -> bool:
    return not any(character.isdigit() for character in pattern)


def selects(selector: str, tags: Sequence[str]) -> bool:
    if selector == "any":
        return True
    if selector == "untagged":
        return not tags
    expression = ".*".join(map(re.escape, selector.split("*")))
    return any(re.fullmatch(expression, tag) for tag in tags)


def best_freed(
    facts: RepositoryFacts, kept: Sequence[KeptImage], of: RecommendationSettings, selectors: Sequence[str], most: int
) -> int:
    """Return the bytes that the best safe policy of at most some rules frees."""
    images = facts.images
    masks = [
        {number for number, image in enumerate(images) if selects(selector, image.image_tags)} for selector in selectors
    ]
    states = [
        (image.image, tags == image.image.image_tags, [selects(selector, tags) for selector in selectors])
        for image in kept
        for tags in image.states()
    ]
    # Newest first, as ECR counts.
    order = sorted(range(len(images)), key=lambda n: (images[n].image_pushed_at, images[n].image_digest), reverse=True)

    @cache
    def gain(selector: int, covered: frozenset[int]) -> int:
        before: set[int] = set().union(*(masks[other] for other in covered))
        decided = masks[selector] - before
        needs = [
            (image, is_own)
            for image, is_own, selected in states
            if selected[selector] and not any(selected[other] for other in covered)
        ]
        count, days = of.safe_pushes, of.safe_days
        for image, is_own in needs:
            newer = sum(images[number].image_pushed_at >= image.image_pushed_at for number in masks[selector])
            count = max(count, newer + (not is_own) + of.safe_pushes)
            days = max(days, ceil((NOW - image.image_pushed_at) / DAY + of.safe_days))
        counted = [number for number in order if number in masks[selector]][count:]
        aged = [number for number in decided if images[number].image_pushed_at < NOW - days * DAY]
        return max(sum(images[n].image_size_in_bytes or 0 for n in some if n in decided) for some in (counted, aged))

    @cache
    def best(covered: frozenset[int], left: int) -> int:
        if not left or selectors.index("any") in covered:
            return 0
        return max(
            (
                gain(number, covered) + best(covered | {number}, left - 1)
                for number in range(len(selectors))
                if number not in covered
            ),
            default=0,
        )

    return best(frozenset(), most)


def rule(priority: int, selector: str, count_type: str, number: int) -> dict[str, Any]:
    selection: dict[str, Any] = {"tagStatus": selector if selector in ("any", "untagged") else "tagged"}
    if selection["tagStatus"] == "tagged":
        selection["tagPatternList"] = [selector]
    if count_type == "sinceImagePushed":
        selection["countUnit"] = "days"
    selection |= {"countType": count_type, "countNumber": number}
    return {
        "rulePriority": priority,
        "description": "of the benchmark",
        "selection": selection,
        "action": {"type": "expire"},
    }


def freed_by(policy: LifecyclePolicy, facts: RepositoryFacts) -> int:
    return sum(
        verdict.image.image_size_in_bytes or 0 for verdict in policy.evaluate(facts.images, NOW) if verdict.is_taken
    )


def all_policies(selectors: Sequence[str], numbers: Sequence[int]) -> Iterator[LifecyclePolicy]:
    """Yield every policy of one or two rules."""
    rules = [*product(selectors, ("imageCountMoreThan", "sinceImagePushed"), numbers)]
    for first in rules:
        yield LifecyclePolicy.parse({"rules": [rule(1, *first)]})
        for second in rules:
            if first[0] not in ("any", second[0]):
                yield LifecyclePolicy.parse({"rules": [rule(1, *first), rule(2, *second)]})


def check_search() -> None:
    """Compare the search of this benchmark with all policies of two rules on tiny repositories."""
    nothing = ImageProtection(protected_tags=(), min_age_days=0, recently_pulled_days=0, newest_images_kept=0)
    of = RecommendationSettings(safe_days=1, safe_pushes=1, keep_releases=1, protection=nothing)
    checked = 0
    for seed in range(100):
        facts = random_repository(seed, 6)
        kept = images_to_keep(facts.images, facts.in_use, of, NOW)
        selectors = [*patterns(facts)[:1], "untagged", "any"]
        if not best_freed(facts, kept, of, selectors, 2) and seed % 10:
            continue  # most tiny repositories have nothing to free; a tenth of them shows that
        ages = {ceil((NOW - image.image_pushed_at) / DAY) + 1 for image in facts.images}
        numbers = sorted({*range(1, 9), *ages})
        best = max(
            (
                freed
                for policy in all_policies(selectors, numbers)
                if (freed := freed_by(policy, facts))
                and not lost_images(policy, facts.images, kept, NOW, days=1, pushes=1)
            ),
            default=0,
        )
        searched = best_freed(facts, kept, of, selectors, 2)
        print(f"  tiny repository {seed:2}: all policies {best / 1e6:6.0f} MB, the search {searched / 1e6:6.0f} MB")
        assert searched == best
        if best and (checked := checked + 1) == TINY:
            return


NAIVE: dict[str, Callable[[], dict[str, Any]]] = {
    "keep 30": lambda: {"rules": [rule(1, "any", "imageCountMoreThan", 30)]},
    "untagged 14 days, keep 30": lambda: {
        "rules": [rule(1, "untagged", "sinceImagePushed", 14), rule(2, "any", "imageCountMoreThan", 30)]
    },
    "keep 10": lambda: {"rules": [rule(1, "any", "imageCountMoreThan", 10)]},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=int, default=40)
    parser.add_argument("--images", type=int, default=40)
    arguments = parser.parse_args()
    print("The search of the best safe policy against all policies:")
    check_search()
    of = RecommendationSettings(max_rules=MAX_RULES)
    total = best = recommended = 0
    worst = 1.0
    lost = dict.fromkeys(["recommended", *NAIVE], 0)
    losing = dict.fromkeys(lost, 0)
    freed = dict.fromkeys(NAIVE, 0)
    seconds = 0.0
    for seed in range(arguments.repositories):
        facts = random_repository(seed, arguments.images)
        kept = images_to_keep(facts.images, facts.in_use, of, NOW)
        started = time.process_time()
        found = recommend([facts], NOW, of, with_costs=False)
        seconds += time.process_time() - started
        possible = best_freed(facts, kept, of, patterns(facts), MAX_RULES)
        total += sum(image.image_size_in_bytes or 0 for image in facts.images)
        best += possible
        recommended += found.freed_bytes or 0
        worst = min(worst, (found.freed_bytes or 0) / possible if possible else 1.0)
        policies = {"recommended": found.policy} | {
            name: LifecyclePolicy.parse(of_name()) for name, of_name in NAIVE.items()
        }
        for name, policy in policies.items():
            if policy is not None:
                gone = len(lost_images(policy, facts.images, kept, NOW, days=of.safe_days, pushes=of.safe_pushes))
                lost[name] += gone
                losing[name] += bool(gone)
                if name in freed:
                    freed[name] += freed_by(policy, facts)
    number = arguments.repositories
    print(f"{number} repositories of up to {arguments.images} images, up to {MAX_RULES} rules:")
    print(f"  best safe policy            frees {best / total:6.1%}")
    print(
        f"  recommended                 frees {recommended / total:6.1%}, {recommended / best:.1%} of the best; worst {worst:.1%}"
    )
    print(f"                              loses {lost['recommended']} images in {losing['recommended']} repositories")
    for name in NAIVE:
        print(f"  {name:27} frees {freed[name] / total:6.1%}, loses {lost[name]} images in {losing[name]} repositories")
    print(f"  one recommendation takes {seconds / number * 1000:.0f} ms of CPU")


if __name__ == "__main__":
    main()
