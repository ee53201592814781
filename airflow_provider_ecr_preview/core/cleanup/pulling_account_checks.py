"""Check that every account that may pull from a repository was read."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.stored import Unread

_SHOWN = 10


def pulling_accounts(evidence: Evidence, settings: CleanupSettings, _: CleanupPlan) -> Answer:
    """Ask whether every account that may pull was read. This never blocks: such an account need not run anything."""
    pulls, used = evidence.pulls, evidence.in_use
    if not settings.check_in_use or pulls is None or used is None or isinstance(used, Unread):
        return OFF
    if isinstance(pulls, Unread):
        return Answer("warned", f"The accounts that can pull could not be read: {pulls.reason}", remedy=pulls.remedy)
    region_name = evidence.repository.region_name
    not_read = [account for account in sorted(pulls.account_ids) if f"{account}/{region_name}" not in used.read_scope]
    unread = [*not_read, *sorted(pulls.others)]
    if unread:
        return Answer("warned", f"These accounts can pull images, but what they run was not read: {_listed(unread)}.")
    if pulls.account_ids:
        return Answer(
            "passed", f"What runs was read in every account that can pull: {_listed(sorted(pulls.account_ids))}."
        )
    return Answer("passed", "No other account can pull.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
