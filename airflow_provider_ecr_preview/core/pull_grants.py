"""Read who may pull from a repository from its policy, or that of its registry."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

_PULL = "ecr:batchgetimage"


_ACCOUNT = re.compile(r"(?:arn:[^:]*:[^:]*:[^:]*:)?(?P<account_id>[0-9]{12})(?::.*)?", re.DOTALL)


_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
"""The id that IAM leaves in place of a deleted principal."""


_OF_ACCOUNTS = frozenset({"aws:principalaccount", "aws:sourceaccount", "aws:sourcearn", "aws:principalarn"})


_OF_ORGANIZATIONS = frozenset({"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths"})


_POSITIVE = ("stringequals", "stringlike", "arnequals", "arnlike")


EVERYONE = "every AWS account"


@dataclass(frozen=True, slots=True)
class PullGrants:
    """The principals that may pull, apart from the account of the registry.

    :param account_ids: the accounts.
    :param others: any others, in words: organizations, services, or every account.
    """

    account_ids: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()

    def __or__(self, other: PullGrants) -> PullGrants:
        return PullGrants(self.account_ids | other.account_ids, self.others | other.others)


def pull_grants(policy: str, registry_id: str, repository_arn: str) -> PullGrants:
    """Return who may pull from a repository under a policy.

    Denials are ignored: everyone that the policy allows counts, even if something else forbids the pull.

    :param policy: the policy of the repository or of the registry, as JSON.
    :param registry_id: the account of the registry, which is left out.
    :param repository_arn: the repository; a policy of the registry may be for some repositories only.
    :raises ValueError: if it is not a policy.
    """
    document = json.loads(policy)
    statements = document.get("Statement") if isinstance(document, Mapping) else None
    if not isinstance(statements, Mapping | list):
        raise ValueError(f"this is not a policy: {policy[:100]}")  # noqa: TRY004 - read from a service
    grants = PullGrants()
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        if statement.get("Effect") == "Allow" and _allows_pulling(statement) and _is_for(statement, repository_arn):
            grants |= _of(statement)
    return PullGrants(grants.account_ids - {registry_id}, grants.others)


def _allows_pulling(statement: Mapping[str, Any]) -> bool:
    if "NotAction" in statement:
        return not _matches(statement["NotAction"], _PULL)
    return _matches(statement.get("Action"), _PULL)


def _is_for(statement: Mapping[str, Any], repository_arn: str) -> bool:
    if "NotResource" in statement:
        return not _matches(statement["NotResource"], repository_arn)
    return "Resource" not in statement or _matches(statement["Resource"], repository_arn)


def _of(statement: Mapping[str, Any]) -> PullGrants:
    conditions = [*_conditions(statement.get("Condition"))]
    accounts = {account for key, value in conditions if key in _OF_ACCOUNTS for account in _accounts(value)}
    organizations = {value.split("/")[0] for key, value in conditions if key in _OF_ORGANIZATIONS}
    account_ids: set[str] = set()
    others: set[str] = set()
    for kind, principal in _principals(statement):
        if kind == "AWS" and principal != "*":
            named = {*_accounts(principal)}
            account_ids |= named
            others |= set() if named or _UNIQUE_ID.fullmatch(principal) else {principal}
        elif accounts:
            account_ids |= accounts
        elif organizations:
            others |= {f"every account of the organization {name}" for name in organizations}
        elif kind != "AWS":
            others.add(f"{principal}, for any account")
        else:
            others.add(f"{EVERYONE}, under conditions" if statement.get("Condition") else EVERYONE)
    return PullGrants(frozenset(account_ids), frozenset(others))


def _principals(statement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "NotPrincipal" in statement or statement.get("Principal") == "*":
        yield "AWS", "*"
        return
    principal = statement.get("Principal")
    for kind, values in principal.items() if isinstance(principal, Mapping) else ():
        yield from ((kind, value) for value in _texts(values))


def _conditions(condition: Any) -> Iterator[tuple[str, str]]:
    """Yield the keys of the conditions that identify principals, in lower case, with their allowed values."""
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        if operator.lower().rpartition(":")[2].startswith(_POSITIVE) and isinstance(keys, Mapping):
            for key, values in keys.items():
                yield from ((key.lower(), value) for value in _texts(values))


def _accounts(text: str) -> Sequence[str]:
    found = _ACCOUNT.fullmatch(text)
    return [found["account_id"]] if found else []


def _texts(values: Any) -> Iterable[str]:
    return [value for value in (values if isinstance(values, list) else [values]) if isinstance(value, str)]


def _matches(patterns: Any, text: str) -> bool:
    # IAM supports * and ?, but no brackets.
    globs = (pattern.lower().replace("[", "[[]") for pattern in _texts(patterns))
    return any(fnmatchcase(text.lower(), glob) for glob in globs)
