"""Warn about rules that are stricter than in the previous release, and say how to restore the old behaviour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted


class StricterRule(NamedTuple):
    """A check that blocks or spares more than before.

    :param verdicts: the verdicts that the previous release would not have given.
    :param way_out: the parameter that restores the old behaviour: ``set <parameter>=... to ...``.
    :param about: a text that the message must contain, if only part of the check is stricter.
    """

    verdicts: frozenset[str]
    way_out: str
    about: re.Pattern[str] = re.compile("")

    def has_effect(self, check: CheckResult) -> bool:
        """Return whether a check gives a verdict that the previous release would not have given.

        :param check: the result of the check.
        """
        return check.verdict in self.verdicts and self.about.search(check.message) is not None


_NOT_PASSED = frozenset({"blocked", "unknown", "spared"})


STRICTER: Mapping[str, StricterRule] = {
    "in_use": StricterRule(
        frozenset({"unknown"}),
        "set required_scope=[...] to the accounts and Regions that have to be read, or check_in_use=False to skip the check",
    ),
    "replicas": StricterRule(
        _NOT_PASSED,
        "set check_replicas=False to delete although the repositories that deletions are replicated to were not read",
    ),
    "referrers": StricterRule(
        _NOT_PASSED, "set check_referrers=False to delete signatures, SBOMs and attestations of images that stay"
    ),
    "manifest_lists": StricterRule(
        _NOT_PASSED,
        "set check_in_use=False to delete manifest lists without checking what runs, or delete them by hand",
    ),
    "protected_tags": StricterRule(
        _NOT_PASSED,
        "set protected_tags=['latest', 'prod*', 'stable*'] to protect the tags of that release",
        re.compile(r"is protected by live\*\."),
    ),
    "findings": StricterRule(
        _NOT_PASSED,
        "set ignored_findings=[...] to these codes if the images may go; for protected_tag_expires, the operator that previews "
        "and the clean-up need the same protected_tags",
        re.compile(r"\b(?:protected_tag_expires|newest_image_expires)\b"),
    ),
    "images_left": StricterRule(
        frozenset({"spared"}), "set minimum_images_left=... to a lower number, 1 at the least, to delete more of them"
    ),
}
"""The rules of release 0.2 that are stricter than those of 0.1, by the code of their check."""


def stricter_warnings(checks: Iterable[tuple[RepositoryId, CheckResult]]) -> list[str]:
    """Return one warning for every stricter rule that takes effect.

    Each has the form ``<rule>: ...; set <parameter>=... to ....``.

    :param checks: the results of all checks, with their repositories.
    """
    found: dict[str, list[tuple[RepositoryId, CheckResult]]] = {}
    for repository, check in checks:
        if check.code in STRICTER and STRICTER[check.code].has_effect(check):
            found.setdefault(check.code, []).append((repository, check))
    return [_warning(code, found[code]) for code in STRICTER if code in found]


def _warning(code: str, affected: list[tuple[RepositoryId, CheckResult]]) -> str:
    repository, check = affected[0]
    more = len(affected) - 1
    others = f" (and {counted(more, 'more repository', 'more repositories')})" if more else ""
    what = check.message.rstrip(". ")
    return f"{code}: stricter than in release 0.1: {repository}{others}: {what}; {STRICTER[code].way_out}."
