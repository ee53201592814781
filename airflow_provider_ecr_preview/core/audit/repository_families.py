"""Find repositories whose applied policy differs from that of the others of their family."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.text.counted import counted

MIN_REPOSITORIES = 3
"""A smaller family has no common policy."""


def family_findings(outcomes: Iterable[RepositoryOutcome]) -> dict[str, Finding]:
    """Return the finding of each repository whose policy is not that of most of its family, by name.

    A family has the same name up to the last slash, such as ``payments/``. More than half of it have to share a policy.

    :param outcomes: the outcome of each repository, with its applied policy.
    """
    families: dict[str, dict[str, str | None]] = defaultdict(dict)
    for outcome in outcomes:
        family, slash, _ = outcome.repository_name.rpartition("/")
        if slash and outcome.status != "failed":
            fingerprint = None if outcome.summary is None else outcome.summary["policy_fingerprint"]
            families[family][outcome.repository_name] = fingerprint
    return {
        name: Finding("policy_differs_in_family", "info", message)
        for family, policies in families.items()
        for name, message in _differing(family, policies)
    }


def family_notes(parts: Iterable[Mapping[str, str | None]]) -> list[str]:
    """Return sentences about repositories whose policy is not that of most of a family that several parts share.

    The parts have compared the families that one part has alone.

    :param parts: the fingerprint of the applied policy of each repository of a part, by name; None for no policy.
    """
    families: dict[str, dict[str, str | None]] = defaultdict(dict)
    part_counts: Counter[str] = Counter()
    for part in parts:
        names = [name for name in part if "/" in name]
        part_counts.update({name.rpartition("/")[0] for name in names})
        for name in names:
            families[name.rpartition("/")[0]][name] = part[name]
    return [
        f"{name}: {message}"
        for family in sorted(families)
        if part_counts[family] > 1
        for name, message in _differing(family, families[family])
    ]


def _differing(family: str, policies: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """Yield the repositories whose policy is not that of more than half of the family, each with a message."""
    common, count = Counter(policies.values()).most_common(1)[0]
    if len(policies) < MIN_REPOSITORIES or common is None or 2 * count <= len(policies):
        return
    for name, fingerprint in policies.items():
        if fingerprint != common:
            has = "no policy" if fingerprint is None else "another policy"
            message = (
                f"{counted(count, 'repository', 'repositories')} of {len(policies)} in {family}/ share a policy, but this "
                f"one has {has}. Check whether that is intended."
            )
            yield name, message
