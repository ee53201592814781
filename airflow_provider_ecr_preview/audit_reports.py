"""The reports of an audit on object storage: image lists, tables, and a page for a person."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.audit_table_files import TableFile, table_formats
from airflow_provider_ecr_preview.audit_table_rows import audit_row
from airflow_provider_ecr_preview.report_layout import IMAGE_LIST, IMAGES, TABLES, partition, repository_folder
from airflow_provider_ecr_preview.reports import ImageListWriter, image_list
from airflow_provider_ecr_preview.storage import files_under, remove_files, slug, write_whole

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.outcome import RepositoryOutcome
    from airflow_provider_ecr_preview.pages import PreviewStatus


class AuditReports:
    """The reports of one audit, or of one part of it.

    Every file appears when it is whole, and writing a part again replaces the files of that part and no others.

    :param reports_path: folder for reports, an ``ObjectStoragePath`` URL.
    :param audit_id: what names the audit.
    :param audited_at: when it was begun (aware).
    :param part: which part of it this is.
    :param audit_name: what the audits of one series share: an audit is compared with the last of the same name.
    """

    def __init__(
        self, reports_path: str, *, audit_id: str, audited_at: datetime, part: str = "0", audit_name: str = ""
    ) -> None:
        self.root = ObjectStoragePath(reports_path)
        self.audit_id = audit_id
        self.audit_name = audit_name
        self.audited_at = audited_at.astimezone(UTC)
        self.part = part

    def image_list(self, preview: PreviewStatus) -> AbstractContextManager[ImageListWriter]:
        """Open the list of a repository's affected images, which appears when the block ends without error.

        :param preview: whose images.
        """
        day = partition(preview.registry_id, preview.region_name, self.audited_at.date())
        repository = repository_folder(preview.repository_name)
        return image_list(str(self.root / IMAGES / day / f"audit={slug(self.audit_id)}" / repository / IMAGE_LIST))

    def write_tables(self, outcomes: Iterable[RepositoryOutcome]) -> list[str]:
        """Write the rows of this part, as CSV and where pyarrow is installed as Parquet; return where they are.

        :param outcomes: what became of each repository, each once.
        """
        formats = table_formats()
        written: list[ObjectStoragePath] = []
        with ExitStack() as stack:
            tables: dict[ObjectStoragePath, TableFile] = {}
            for outcome in outcomes:
                row = audit_row(outcome, audit_id=self.audit_id, audit_name=self.audit_name, audited_at=self.audited_at)
                day = partition(outcome.registry_id, outcome.region_name, self.audited_at.date())
                for ending, table_file in formats.items():
                    path = self.root / TABLES / ending / day / self._file_name(ending)
                    if path not in tables:
                        tables[path] = stack.enter_context(closing(table_file()))
                    tables[path].write(row)
            for path, table in tables.items():
                write_whole(path, table.finish())
                written.append(path)
        self._remove_tables_but(written)
        return sorted(map(str, written))

    def _remove_tables_but(self, written: list[ObjectStoragePath]) -> None:
        """Remove what an earlier attempt wrote of this part into other partitions, as of a registry not known yet."""
        names = {self._file_name(ending) for ending in ("csv", "parquet")}
        kept = {path.path for path in written}
        remove_files([file for file in files_under(self.root / TABLES) if file.name in names and file.path not in kept])

    def _file_name(self, ending: str) -> str:
        return f"{slug(f'{self.audit_id} {self.part}')}.{ending}"
