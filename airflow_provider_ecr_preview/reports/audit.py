"""The reports of an audit on object storage: image lists, tables, and a page for a person."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.changes import Alarms, Site, compare_with_baselines
from airflow_provider_ecr_preview.core.audit.kind import AuditKind
from airflow_provider_ecr_preview.core.list_writer import owner_comment
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.display.audit_report import audit_markdown
from airflow_provider_ecr_preview.reports.baseline import find_baseline, image_actions
from airflow_provider_ecr_preview.reports.columns import audit_row
from airflow_provider_ecr_preview.reports.dataset import TableFile, table_formats
from airflow_provider_ecr_preview.reports.layout import (
    AUDITS,
    IMAGES,
    KEPT_IMAGES,
    OUTCOMES,
    OWNERS,
    TABLES,
    image_list_path,
    partition,
    report_day,
    repository_folder,
)
from airflow_provider_ecr_preview.reports.lists import ImageListWriter, image_list
from airflow_provider_ecr_preview.reports.owners import write_owner_reports
from airflow_provider_ecr_preview.reports.policies import keep_policy
from airflow_provider_ecr_preview.reports.storage import (
    PART_SUFFIX,
    is_local,
    own_files_in,
    remove_files,
    remove_parts_of,
    slug,
    write_whole,
)
from airflow_provider_ecr_preview.reports.trend import write_trend

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
    from airflow_provider_ecr_preview.core.audit.summary import Audit
    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
    from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
    from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, ChangesXCom


log = logging.getLogger(__name__)


class NoImageList:
    """Takes the images of a repository whose images are not listed."""

    images_uri = None
    write_kept = None

    def write(self, image: PreviewedImage) -> None:
        """Do nothing with an image.

        :param image: the image.
        """


class AuditReports:
    """The reports of one audit, or of one part of it.

    A file appears only when it is complete, and rewriting a part replaces only the files of that part.

    :param reports_path: folder for reports, an ``ObjectStoragePath`` URL.
    :param audit_id: the identifier of the audit.
    :param audited_at: when it started (aware).
    :param part: the part of the audit.
    :param audit_name: the name shared by a series of audits: each is compared with the last of the same name.
    :param dag_id: the DAG that audits.
    :param kind: the policies and repositories previewed: an audit is only compared with its own kind.
    :param owner_tag: the repository tag that names owners.
    """

    def __init__(
        self,
        reports_path: str,
        *,
        audit_id: str,
        audited_at: datetime,
        part: str = "0",
        audit_name: str = "",
        dag_id: str | None = None,
        kind: AuditKind | None = None,
        owner_tag: str | None = None,
    ) -> None:
        self.root = ObjectStoragePath(reports_path)
        self.audit_id = audit_id
        self.audit_name = audit_name
        self.audited_at = audited_at.astimezone(UTC)
        self.part = part
        self.dag_id = dag_id
        self.kind = kind or AuditKind()
        self.owner_tag = owner_tag
        self._regions: set[str | None] = set()
        self._kept_policies: set[str] = set()

    def image_list(self, preview: PreviewStatus, *, with_kept: bool = False) -> AbstractContextManager[ImageListWriter]:
        """Open the list of a repository's affected images, which appears when the block ends without error.

        :param preview: the preview.
        :param with_kept: whether to write the images that stay, too, to a list of their own.
        """
        self._keep_policy(preview.policy)
        path = image_list_path(
            preview.registry_id,
            preview.region_name,
            self.audited_at.date(),
            slug(self.audit_id),
            preview.repository_name,
        )
        return image_list(str(self.root / path), with_kept=with_kept, dag_id=self.dag_id)

    @contextmanager
    def no_image_list(self, preview: PreviewStatus) -> Iterator[NoImageList]:
        """Keep the policy of a repository whose images are not listed.

        :param preview: the preview.
        """
        self._keep_policy(preview.policy)
        yield NoImageList()

    def write_tables(self, outcomes: Iterable[RepositoryOutcome]) -> list[str]:
        """Write the rows of this part, as CSV and where pyarrow is installed as Parquet; return where they are.

        :param outcomes: the outcome of each repository, once each.
        """
        formats = table_formats()
        with ExitStack() as stack:
            tables: dict[ObjectStoragePath, TableFile] = {}
            for outcome in outcomes:
                row = audit_row(
                    outcome,
                    audit_id=self.audit_id,
                    audit_name=self.audit_name,
                    audited_at=self.audited_at,
                    dag_id=self.dag_id,
                    kind=self.kind,
                    owner_tag=self.owner_tag,
                )
                self._regions.add(outcome.region_name)
                day = partition(outcome.registry_id, outcome.region_name, self.audited_at.date())
                for ending, table_file in formats.items():
                    path = self.root / TABLES / ending / day / self._file_name(ending)
                    if path not in tables:
                        tables[path] = stack.enter_context(closing(table_file()))
                    tables[path].write(row)
            for path, table in tables.items():
                write_whole(path, table.finish())
        self._remove_nameless_but(set(map(str, tables)))
        return sorted(map(str, tables))

    def compare(
        self,
        outcomes: Callable[[], Iterable[RepositoryOutcome]],
        sites: Iterable[Site],
        alarms: Alarms,
        *,
        whole: bool,
    ) -> ChangesXCom:
        """Return the changes since the last audit of the same name, according to its reports.

        :param outcomes: returns the outcome of each repository now.
        :param sites: the registries and Regions of this audit.
        :param alarms: the thresholds for alarms.
        :param whole: whether the outcomes are all of this audit.
        """
        baselines = {
            site: find_baseline(
                self.root,
                site,
                audit_name=self.audit_name,
                audit_id=self.audit_id,
                before=self.audited_at,
                kind=self.kind,
            )
            for site in sites
        }
        return compare_with_baselines(outcomes(), baselines, image_actions, alarms, whole=whole)

    def write_markdown(self, audit: AuditXCom) -> None:
        """Write the readable report to :attr:`markdown_uri`.

        :param audit: the audit.
        """
        owner = f"\n{owner_comment(self.dag_id)}\n" if self.dag_id else ""
        write_whole(self._markdown, (audit_markdown(audit) + owner).encode())

    def write_owners(self, audit: Audit, table_uris: Iterable[str]) -> None:
        """Write a report for each owner, if any is known, and take their sums into the audit.

        :param audit: the whole audit.
        :param table_uris: the tables of all its parts.
        """
        if not audit.money.has_owners:
            return
        uri, owners = write_owner_reports(self.root, self.audit_id, self.audited_at, table_uris)
        missing = audit.totals.repositories - sum(owner["repository_count"] for owner in owners)
        if missing:
            log.warning(
                "The reports of the owners lack %s: their rows are in no table.",
                counted(missing, "repository", "repositories"),
            )
            return
        audit.money.take_over(owners, uri)

    def write_trend(self, value: AuditXCom, dag_id: str | None, task_id: str) -> str | None:
        """Add an audit to the trend of its series, and return where that is; None if the trend cannot be read.

        :param value: the audit.
        :param dag_id: the DAG that audits.
        :param task_id: the task whose result the audit is.
        """
        policies = AuditKind.from_xcom(value).series
        return write_trend(self.root, f"{dag_id} {task_id} {policies}", value, dag_id)

    @property
    def markdown_uri(self) -> str:
        """The URL of the readable report."""
        return str(self._markdown)

    def remove_unfinished(self, repository_names: Iterable[str], *, is_whole: bool) -> int:
        """Remove the half-written files of a killed attempt at this part, and return their number.

        Object stores keep nothing that is half-written. Other parts of the audit may be writing: their files stay.

        :param repository_names: the repositories of this part.
        :param is_whole: whether the part is the whole audit, so that it also writes the readable report.
        """
        if not is_local(self.root):
            return 0
        top, audit = Path(self.root.path), slug(self.audit_id)
        folders = [top / OUTCOMES / audit / self.part]
        for days in (IMAGES, KEPT_IMAGES):
            for folder in top.glob(f"{days}/*/*/*/audit={audit}"):
                folders += [folder / repository_folder(name) for name in repository_names]
        files = [file for folder in folders for file in folder.glob(f".*{PART_SUFFIX}")]
        for file in files:
            file.unlink(missing_ok=True)
        # Other parts of the audit write their tables into the same folders.
        shared = [
            day / self._file_name(ending)
            for ending in table_formats()
            for day in top.glob(f"{TABLES}/{ending}/*/*/audit_date={self.audited_at.date()}")
        ]
        if is_whole:
            shared.append(Path(self._markdown.path))
        return len(files) + sum(map(remove_parts_of, shared))

    def remove_older_than(self, days: int) -> int:
        """Remove the reports of earlier days from all audits, and return the number of files.

        Files that no audit writes stay, and so does anything behind a symbolic link.

        :param days: how many days reports are kept; by the clock of this machine, too, whatever day the run is dated.
        """
        first = min(self.audited_at, datetime.now(UTC)).date() - timedelta(days=days)
        old = [
            file
            for folder in (TABLES, IMAGES, KEPT_IMAGES, AUDITS, OWNERS)
            for path, file in own_files_in(self.root, folder).items()
            if (day := report_day(path)) is not None and day < first
        ]
        remove_files(old, within=self.root)
        return len(old)

    def _keep_policy(self, policy: LifecyclePolicy) -> None:
        """Write a policy, so that the pages show it, and an applied one can be restored if somebody changes it."""
        if policy.fingerprint not in self._kept_policies:
            keep_policy(self.root, policy)
            self._kept_policies.add(policy.fingerprint)

    @property
    def _markdown(self) -> ObjectStoragePath:
        return self.root / AUDITS / f"audit_date={self.audited_at.date().isoformat()}" / f"{slug(self.audit_id)}.md"

    def _remove_nameless_but(self, written: set[str]) -> None:
        """Remove the files that an earlier attempt at this part wrote before any answer named its registry."""
        nameless = {partition(None, region, self.audited_at.date()) for region in (None, *self._regions)}
        for ending in ("csv", "parquet"):
            for folder in nameless:
                path = self.root / TABLES / ending / folder / self._file_name(ending)
                if str(path) not in written and path.exists():
                    remove_files([path], within=self.root)

    def _file_name(self, ending: str) -> str:
        return f"{slug(f'{self.audit_id} {self.part}')}.{ending}"
