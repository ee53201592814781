"""The lifecycle policies that audits previewed: one file for each policy, found by the rows of the audits."""

from __future__ import annotations

import logging
from datetime import datetime

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.kind import APPLIED
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import one_line
from airflow_provider_ecr_preview.core.watch.former import AuditedPolicy
from airflow_provider_ecr_preview.reports.dataset import csv_rows
from airflow_provider_ecr_preview.reports.layout import POLICIES, TABLES, audit_date_of, partition
from airflow_provider_ecr_preview.reports.storage import files_under, folders_in, write_whole

MAX_POLICY_BYTES = 64 * 1024


log = logging.getLogger(__name__)


def keep_policy(root: ObjectStoragePath, policy: LifecyclePolicy) -> None:
    """Write a policy to the file of its fingerprint, unless it is there.

    :param root: folder of the reports.
    :param policy: the policy.
    """
    path = _path(root, policy.fingerprint)
    if not path.exists():
        write_whole(path, policy.text.encode())


def audited_policy(reports_path: str, repository: RepositoryId, before: datetime) -> AuditedPolicy | Unread | None:
    """Return the applied policy of a repository in the last audit before a time; None if there is no such audit.

    :param reports_path: folder of the reports.
    :param repository: the repository.
    :param before: the time (aware).
    """
    root = ObjectStoragePath(reports_path)
    try:
        row = _last_row(root, repository, before)
        if row is None:
            return None
        audited_at = row["audited_at"]
        if row["status"] == "without_policy":
            return AuditedPolicy(row["audit_id"], audited_at, None)
        return AuditedPolicy(row["audit_id"], audited_at, _kept_policy(root, row["policy_fingerprint"]))
    except Exception as error:  # storage fails in many ways, and the change is reported all the same
        log.warning("%s: the policy of the last audit cannot be read.", repository, exc_info=True)
        return Unread(f"the reports in {masked(reports_path)} cannot be read ({masked(one_line(str(error)))[:300]})")


def _last_row(root: ObjectStoragePath, repository: RepositoryId, before: datetime) -> dict[str, str] | None:
    # An audit that gets no answer about a repository does not know its registry.
    rows = [_last_row_of(root, registry_id, repository, before) for registry_id in (repository.registry_id, None)]
    return max(filter(None, rows), key=_audited_at, default=None)


def _last_row_of(
    root: ObjectStoragePath, registry_id: str | None, repository: RepositoryId, before: datetime
) -> dict[str, str] | None:
    days = partition(registry_id, repository.region_name, before.date()).rpartition("/")[0]
    for folder in reversed(folders_in(root / TABLES / "csv" / days)):
        day = audit_date_of(folder.name)
        if day is None or day > before.date():
            continue
        rows = [
            row
            for file in files_under(folder)
            if file.suffix == ".csv"
            for row in csv_rows(file)
            if row["repository_name"] == repository.repository_name
            and (row.get("policies") or APPLIED) == APPLIED
            and row["status"] != "failed"
            and _audited_at(row) < before
        ]
        if rows:
            return max(rows, key=_audited_at)
    return None


def _audited_at(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["audited_at"])


def _kept_policy(root: ObjectStoragePath, fingerprint: str) -> LifecyclePolicy:
    path = _path(root, fingerprint)
    with path.open("rb") as file:
        text = file.read(MAX_POLICY_BYTES + 1)
    try:
        policy = LifecyclePolicy.from_service(text.decode())
    except InvalidLifecyclePolicyError as error:
        raise ValueError(f"{path} is not a policy") from error
    if policy.fingerprint != fingerprint:
        raise ValueError(f"{path} holds another policy: somebody changed the file")
    return policy


def _path(root: ObjectStoragePath, fingerprint: str) -> ObjectStoragePath:
    return root / POLICIES / f"{fingerprint}.json"
