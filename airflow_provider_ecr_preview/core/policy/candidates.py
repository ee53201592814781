"""Choose the policy to preview for each repository: the applied one, one candidate for all, or candidates by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.lint.policy import PolicySource, lint_policy
from airflow_provider_ecr_preview.core.parameters.values import given, mapping
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy

PoliciesByGlob = Mapping[str, PolicySource | None] | str


class CandidatePolicies:
    """The policies to preview, by repository. Every one is checked before anything is started.

    :param lifecycle_policy_text: the policy of every repository that no glob names; None or an empty text for the
        applied one.
    :param lifecycle_policies: policies by name glob, or the same as JSON; the first match counts. None in place of a
        policy means the applied one.
    :raises InvalidLifecyclePolicyError: if ECR would refuse one of them; names every mistake and its rule.
    :raises ValueError: if ``lifecycle_policies`` is not a mapping.
    """

    def __init__(
        self, lifecycle_policy_text: PolicySource | None = None, lifecycle_policies: PoliciesByGlob | None = None
    ) -> None:
        self.warnings: list[PolicyFinding] = []
        """The findings that ECR accepts but a person should look at."""
        self._errors: list[PolicyFinding] = []
        self._default = self._policy(lifecycle_policy_text, "")
        self._by_glob = {
            glob: self._policy(source, f"the policy of {glob!r}: ")
            for glob, source in mapping(lifecycle_policies, "lifecycle_policies").items()
        }
        if self._errors:
            raise InvalidLifecyclePolicyError(self._errors)

    @property
    def by_name(self) -> Mapping[str, LifecyclePolicy | None]:
        """The policies by their name or glob."""
        return self._by_glob

    @property
    def policy_for_the_rest(self) -> LifecyclePolicy | None:
        """The policy of every repository that no glob names; None for the applied one."""
        return self._default

    def policy_of(self, repository_name: str) -> LifecyclePolicy | None:
        """Return the policy to preview for a repository, or None for the one that is applied."""
        for glob, policy in self._by_glob.items():
            if fnmatchcase(repository_name, glob):
                return policy
        return self._default

    def _policy(self, source: PolicySource | None, where: str) -> LifecyclePolicy | None:
        source = given(source, "lifecycle_policy_text")
        if source is None:
            return None
        findings = [replace(finding, message=f"{where}{finding.message}") for finding in lint_policy(source)]
        errors = [finding for finding in findings if finding.severity == "error"]
        self._errors += errors
        self.warnings += [finding for finding in findings if finding.severity == "warning"]
        return None if errors else LifecyclePolicy.parse(source)
