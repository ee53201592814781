"""Compare the applied policies of families of repositories over the parts of a mapped audit, by the tables of the parts."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.repository_families import family_notes
from airflow_provider_ecr_preview.reports.dataset import csv_rows

log = logging.getLogger(__name__)

_SITE = re.compile(r"/registry_id=[^/]+/region_name=[^/]+/")


def family_notes_of(table_uris: Iterable[str]) -> list[str]:
    """Return sentences about repositories whose policy is not that of most of their family; none if a table is unreadable.

    :param table_uris: the tables of the parts.
    """
    sites: dict[str, list[dict[str, str | None]]] = defaultdict(list)
    try:
        for uri in table_uris:
            site = _SITE.search(uri)
            if site is not None and uri.endswith(".csv"):
                rows = csv_rows(ObjectStoragePath(uri))
                sites[site[0]].append(
                    {
                        row["repository_name"]: row["policy_fingerprint"] or None
                        for row in rows
                        if row["status"] != "failed"
                    }
                )
    except Exception:  # storage fails in many ways, and the merge does not need this
        log.warning("The policies of families of repositories are not compared over the parts.", exc_info=True)
        return []
    return [note for parts in sites.values() for note in family_notes(parts)]
