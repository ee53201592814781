"""Which repository each policy in a set of files is for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.files.found import FoundPolicy, UnreadableFileError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicies, ExpectedPolicy

ENDINGS = (".json", ".yaml", ".yml", ".template")


def expected_policies(found: Iterable[tuple[FoundPolicy, str | None]]) -> ExpectedPolicies:
    """Return the policies by the repositories that they are for.

    A policy that names its repository, as Terraform and CloudFormation do, is for that one. Any other is for the name
    or glob that is given with it. A resource that does not name its repository is left out.

    :param found: each policy, with the repository name or name glob that is given for its file; None if there is none.
    :raises UnreadableFileError: if a policy cannot be read, if it is for no known repository, or if two files have
        different policies for one repository.
    """
    by_name: dict[str, ExpectedPolicy] = {}
    by_glob: dict[str, ExpectedPolicy] = {}
    for policy, given in found:
        expected = ExpectedPolicy(policy.name, _policy_of(policy), policy.unknown)
        if policy.address and policy.repository_name is None:
            continue  # a creation template, or a repository that is not known yet
        name = policy.repository_name or given
        if name is None:
            raise UnreadableFileError(
                policy.name,
                "this policy does not name its repository. Give a mapping of repository names or globs to files, or a "
                "folder in which the path of each file is the name of its repository: payments/api.json.",
            )
        of = by_glob if _is_glob(name) else by_name
        other = of.setdefault(name, expected)
        if expected.unknown != other.unknown or expected.differs_from(other.policy):
            raise UnreadableFileError(
                policy.name,
                f"this policy for {name} differs from the one in {other.source}. Keep one of the two, or name the files "
                "that are in force.",
            )
    return ExpectedPolicies(by_name, by_glob)


def repository_of_file(path: str) -> str | None:
    """Return the repository that a file in a folder of policies is for, by its path; None for other files.

    :param path: the path of the file relative to the folder, such as ``payments/api.json``.
    """
    for ending in ENDINGS:
        if path.endswith(ending):
            return str(PurePosixPath(path.removesuffix(ending)))
    return None


def _is_glob(name: str) -> bool:
    return any(character in name for character in "*?[")


def _policy_of(found: FoundPolicy) -> LifecyclePolicy | None:
    if found.text is None:
        return None
    try:
        return LifecyclePolicy.from_service(found.text)
    except InvalidLifecyclePolicyError as error:
        raise UnreadableFileError(found.name, f"this is not a lifecycle policy. {error}") from error
