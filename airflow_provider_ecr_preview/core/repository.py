"""Which repository is meant, and the images in it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ecr_preview.core.visible import visible
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom


@dataclass(frozen=True, slots=True)
class RepositoryId:
    """Which repository.

    :param registry_id: the registry (account).
    :param region_name: the Region.
    :param repository_name: the repository.
    """

    registry_id: str
    region_name: str
    repository_name: str

    @classmethod
    def of(cls, summary: PreviewSummaryXCom) -> RepositoryId:
        """Return the repository that a summary is about."""
        return cls(summary["registry_id"], summary["region_name"], summary["repository_name"])

    def __str__(self) -> str:
        return visible(f"{self.repository_name} ({self.registry_id}, {self.region_name})")
