"""The lifecycle policy that a repository is expected to have, and how the applied one differs from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy

MAX_RULES_NAMED = 10


@dataclass(frozen=True, slots=True)
class ExpectedPolicy:
    """The policy that a file says a repository has.

    :param source: the file, and the resource in it.
    :param policy: the policy; None if the repository is to have none, or if it is unknown.
    :param unknown: why the policy is unknown, as a sentence; None if it is known.
    """

    source: str
    policy: LifecyclePolicy | None
    unknown: str | None = None

    def differs_from(self, applied: LifecyclePolicy | None) -> bool:
        """Return whether the applied policy is another one; white space and the order of rules do not matter.

        :param applied: the applied policy; None if the repository has none.
        """
        expected = None if self.policy is None else self.policy.fingerprint
        return expected != (None if applied is None else applied.fingerprint)


@dataclass(frozen=True)
class ExpectedPolicies:
    """The policies that files say repositories have.

    :param by_name: the policy by the name of the repository.
    :param by_glob: policies by name glob, for repositories that no file names; the first match counts.
    """

    by_name: Mapping[str, ExpectedPolicy] = field(default_factory=dict)
    by_glob: Mapping[str, ExpectedPolicy] = field(default_factory=dict)

    def of(self, repository_name: str) -> ExpectedPolicy | None:
        """Return the expected policy of a repository; None if no file is about it.

        :param repository_name: the repository.
        """
        if (found := self.by_name.get(repository_name)) is not None:
            return found
        matches = (policy for glob, policy in self.by_glob.items() if fnmatchcase(repository_name, glob))
        return next(matches, None)


def difference(applied: LifecyclePolicy | None, expected: LifecyclePolicy | None) -> str:
    """Describe in a few words how the applied policy differs from the expected one.

    :param applied: the applied policy; None for none.
    :param expected: the expected policy; None for none.
    """
    if applied is None:
        return "no policy is applied"
    if expected is None:
        return "a policy is applied, and none is expected"
    there, wanted = _rules(applied), _rules(expected)
    parts = [
        ("changed", [number for number in wanted if number in there and there[number] != wanted[number]]),
        ("missing", [number for number in wanted if number not in there]),
        ("added", [number for number in there if number not in wanted]),
    ]
    return (
        "; ".join(f"{_numbered(numbers)} {what}" for what, numbers in parts if numbers) or "only outside of its rules"
    )


def _rules(policy: LifecyclePolicy) -> dict[int, str]:
    rules = json.loads(policy.canonical)["rules"]
    return {rule["rulePriority"]: json.dumps(rule, sort_keys=True) for rule in rules}


def _numbered(numbers: Iterable[int]) -> str:
    shown = [str(number) for number in numbers]
    named = ", ".join(shown[:MAX_RULES_NAMED]) + (", ..." if len(shown) > MAX_RULES_NAMED else "")
    return f"{'rule' if len(shown) == 1 else 'rules'} {named}"
