"""Recommended policies as tables for a person, and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.recommendation import RecommendationXCom, RecommendedPolicy
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import human_bytes, text_of

POLICIES = 10
_NAMES = 5

IN_USE_UNKNOWN = (
    "The images in use are not known, so only recorded pulls, tags and ages decide what has to be kept. Name them (in_use, or "
    "--in-use on the command line) before you apply a policy."
)


def recommendation_table(recommendation: RecommendationXCom, *, policies: int = POLICIES) -> RenderableType:
    """Return recommended policies as text, each with a table of its alternatives.

    :param recommendation: the recommendation.
    :param policies: how many policies are shown.
    """
    return Group(*_parts(recommendation, policies))


def recommendation_markdown(recommendation: RecommendationXCom, *, policies: int = POLICIES) -> str:
    """Return recommended policies as Markdown.

    :param recommendation: the recommendation.
    :param policies: how many policies are shown.
    """
    parts = ["### Recommended ECR lifecycle policies", inert(_promise(recommendation))]
    if not recommendation["in_use_is_known"]:
        parts.append(f"**{inert(IN_USE_UNKNOWN)}**")
    for policy in recommendation["policies"][:policies]:
        parts.append(f"#### {verbatim(_names(policy))}")
        parts.append(inert(_headline(policy)))
        if items := [*(rule["explanation"] for rule in policy["rules"]), *_notes(policy)]:
            parts.append("\n".join(f"- {inert(item)}" for item in items))
        parts.append(
            table(
                ["Policy", "Keeps pulls of days:", "Expires:", "Bytes at most:", "Pulled of them:"],
                _curve(recommendation, policy),
            )
        )
        if policy["lifecycle_policy_text"] is not None:
            text = json.dumps(json.loads(policy["lifecycle_policy_text"]), indent=2)
            parts.append(f"```json\n{text}\n```")
    parts += [f"Failed: {inert(line)}" for line in _failures(recommendation)]
    return "\n\n".join(parts)


def _parts(recommendation: RecommendationXCom, policies: int) -> Iterator[RenderableType]:
    yield text_of(_promise(recommendation))
    if not recommendation["in_use_is_known"]:
        yield text_of(IN_USE_UNKNOWN)
    for policy in recommendation["policies"][:policies]:
        yield text_of("", f"{_names(policy)}: {_headline(policy)}")
        for rule in policy["rules"]:
            yield text_of(f"  {rule['explanation']}")
        for note in _notes(policy):
            yield text_of(f"  {note}")
        curve = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        curve.add_column("Policy")
        for header in ("Keeps pulls of days", "Expires", "Bytes at most", "Pulled of them"):
            curve.add_column(header, justify="right")
        for row in _curve(recommendation, policy):
            curve.add_row(*map(text_of, row))
        yield curve
    if (more := recommendation["policy_count"] - len(recommendation["policies"][:policies])) > 0:
        yield text_of(f"and {counted(more, 'more policy', 'more policies')}")
    for line in _failures(recommendation):
        yield text_of(f"FAILED {line}")


def _promise(recommendation: RecommendationXCom) -> str:
    return (
        f"{counted(recommendation['policy_count'], 'policy', 'policies')} for "
        f"{counted(recommendation['repository_count'], 'repository', 'repositories')}. What has to be kept survives "
        f"{counted(recommendation['safe_days'], 'day')} and {counted(recommendation['safe_pushes'], 'push', 'pushes')} of each "
        "kind, by simulation. Bytes are upper bounds: layers are shared."
    )


def _names(policy: RecommendedPolicy) -> str:
    names = ", ".join(policy["repository_names"][:_NAMES])
    more = policy["repository_count"] - len(policy["repository_names"][:_NAMES])
    return f"{names} and {more:,} more" if more else names


def _headline(policy: RecommendedPolicy) -> str:
    if policy["lifecycle_policy_text"] is None:
        return "No rule can expire anything without putting at risk what has to be kept."
    shown = _shown(policy)
    return (
        f"{shown.images:,} of {counted(policy['total_image_count'], 'image')} would expire (at most "
        f"{human_bytes(shown.size)}); {policy['lost_image_count']:,} of the "
        f"{counted(policy['kept_image_count'], 'image')} that have to be kept are affected.{_proof(policy, shown)}"
    )


class _Shown(NamedTuple):
    """The images that a policy expires: by ECR's preview where it covers all repositories, by simulation otherwise."""

    images: int
    size: int | None
    is_proven: bool


def _shown(policy: RecommendedPolicy) -> _Shown:
    proven = policy.get("proven_expiring_image_count")
    if proven is None or policy["proven_repository_count"] != policy["repository_count"]:
        return _Shown(policy["expiring_image_count"], policy["expiring_bytes_upper_bound"], is_proven=False)
    return _Shown(proven, policy.get("proven_expiring_bytes_upper_bound"), is_proven=True)


def _proof(policy: RecommendedPolicy, shown: _Shown) -> str:
    repositories, proven = policy["proven_repository_count"], policy.get("proven_expiring_image_count")
    if repositories is None:
        return ""
    if shown.is_proven and shown.images != policy["expiring_image_count"]:
        return (
            f" This is ECR's own preview. The simulation expires {policy['expiring_image_count']:,} (at most "
            f"{human_bytes(policy['expiring_bytes_upper_bound'])}), because it cannot see which images a manifest list "
            "keeps; the numbers of the rules below are simulated."
        )
    there = "" if shown.is_proven or proven is None else f", where it expires {counted(proven, 'image')}"
    return (
        f" ECR's own preview agrees for {repositories:,} of "
        f"{counted(policy['repository_count'], 'repository', 'repositories')}{there}."
    )


def _notes(policy: RecommendedPolicy) -> Iterator[str]:
    for costly in policy["costly_images"]:
        name = costly["image_tags"][0] if costly["image_tags"] else f"the untagged {costly['image_digest']}"
        yield (
            f"No pattern separates {name} of {costly['repository_name']} ({costly['reason']}) from images that may go, so a number keeps "
            f"it. Without it, the policy would free {human_bytes(costly['cost_bytes'])} more: give it a tag of its own, or let the "
            "clean-up delete the images, which spares it by its digest."
        )
    for missed in policy["missed_pulls"]:
        name = missed["image_tags"][0] if missed["image_tags"] else f"The untagged {missed['image_digest']}"
        yield f"{name} was pulled on {missed['pulled_at'][:10]}, when rule {missed['rule_priority']} would already have expired it."
    if (more := policy["missed_pull_count"] - len(policy["missed_pulls"])) > 0:
        yield f"{counted(more, 'further recorded pull')} would have come too late."


def _curve(recommendation: RecommendationXCom, policy: RecommendedPolicy) -> Iterator[list[str]]:
    """Yield the recommended policy between its alternatives, the most cautious first."""
    rows = [
        (
            alternative["recently_pulled_days"],
            alternative["name"],
            alternative["expiring_image_count"],
            alternative["expiring_bytes_upper_bound"],
            alternative["pulled_image_count"],
        )
        for alternative in policy["alternatives"]
    ]
    shown = _shown(policy)
    rows.append(
        (
            recommendation["recently_pulled_days"],
            "recommended, by ECR's preview" if shown.images != policy["expiring_image_count"] else "recommended",
            shown.images,
            shown.size,
            policy["pulled_image_count"],
        )
    )
    for days, name, count, size, pulled in sorted(rows, key=lambda row: -row[0]):
        yield [name, f"{days:g}", f"{count:,}", human_bytes(size), f"{pulled:,}"]


def _failures(recommendation: RecommendationXCom) -> Iterator[str]:
    for failure in recommendation["failures"]:
        yield f"{failure['repository_name']}: {failure['error']}: {failure['message']}"
