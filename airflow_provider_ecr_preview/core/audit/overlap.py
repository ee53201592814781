"""Find the repositories that more than one of the audits to merge has counted."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.audit.repositories import AuditedRepositories, Key
from airflow_provider_ecr_preview.core.exceptions import AuditsOverlapError
from airflow_provider_ecr_preview.core.repository import repository_label
from airflow_provider_ecr_preview.core.text.counted import counted

_SHOWN = 5


class Overlap:
    """The repositories that the audits added so far share."""

    def __init__(self) -> None:
        self._first: dict[Key, int] = {}
        self._shared: dict[Key, tuple[int, int]] = {}
        self._count = 0
        self.unnamed_count = 0
        """Number of repositories whose names are not known; two audits may count the same one."""

    def add(self, repositories: AuditedRepositories) -> None:
        """Add the repositories of one audit."""
        for key in repositories.identified():
            first = self._first.setdefault(key, self._count)
            if first != self._count:
                self._shared.setdefault(key, (first, self._count))
        self._count += 1
        self.unnamed_count += repositories.unnamed_count

    def require_none(self) -> None:
        """Raise an error if audits share a repository.

        :raises AuditsOverlapError: names the first repositories and their number.
        """
        if not self._shared:
            return
        shown = [
            f"{repository_label(name, registry_id, region_name)} in audits {first + 1} and {second + 1}"
            for (registry_id, region_name, name), (first, second) in sorted(self._shared.items())[:_SHOWN]
        ]
        others = len(self._shared) - len(shown)
        raise AuditsOverlapError(
            f"The audits to merge overlap: {counted(len(self._shared), 'repository is', 'repositories are')} in more than "
            f"one of them and would be counted twice: {'; '.join(shown)}{f'; and {others:,} more' if others else ''}. Merge "
            "audits of different repositories: give each repository to one audit, for example with the batches of "
            "EcrListRepositoriesOperator. Nothing was written."
        )
