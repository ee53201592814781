"""What the images of a repository refer to, kept between audits: a manifest never changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.preview.layers import Manifest
from airflow_provider_ecr_preview.core.repository import DigestKey, RepositoryId, digest_key, digest_of
from airflow_provider_ecr_preview.reports.layout import MANIFESTS, repository_folder
from airflow_provider_ecr_preview.reports.lists import line_list, read_lines

log = logging.getLogger(__name__)


class ManifestCache:
    """The manifests of the repositories that audits have read, one file for each repository.

    The file holds the images of the last audit only, so it does not grow with images that are gone.

    :param reports_path: folder of the reports.
    """

    def __init__(self, reports_path: str) -> None:
        self._root = ObjectStoragePath(reports_path) / MANIFESTS

    def read(self, repository: RepositoryId) -> dict[DigestKey, Manifest]:
        """Return the kept manifests by digest; none if the file is missing or damaged.

        :param repository: the repository.
        """
        try:
            lines = read_lines(self._path(repository))
            return {digest_key(line["image_digest"]): Manifest.from_dict(line) for line in lines}
        except FileNotFoundError:
            return {}
        except Exception:  # whatever it is, the manifests can be read again
            log.warning("%s: the kept manifests cannot be read; reading them again.", repository, exc_info=True)
            return {}

    def write(self, repository: RepositoryId, manifests: Mapping[DigestKey, Manifest]) -> None:
        """Keep manifests in place of those that were kept; a failure is logged.

        :param repository: the repository.
        :param manifests: the manifests of its images, by digest.
        """
        try:
            with line_list(self._path(repository)) as lines:
                for key, manifest in manifests.items():
                    lines.write({"image_digest": digest_of(key), **manifest.as_dict()})
        except Exception:  # storage fails in many ways, and the result is known
            log.warning("%s: the manifests cannot be kept; the next audit reads them again.", repository, exc_info=True)

    def _path(self, repository: RepositoryId) -> str:
        site = f"registry_id={repository.registry_id}/region_name={repository.region_name}"
        return str(self._root / site / repository_folder(repository.repository_name) / "manifests.jsonl.gz")
