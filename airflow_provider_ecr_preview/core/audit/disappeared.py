"""The repositories that an earlier audit had, and a later one lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from airflow_provider_ecr_preview.core.xcom.audit import MAX_LISTED, ChangesXCom, RepositoryRef

Named = tuple[str | None, str | None, str]
"""Registry, Region and name of a repository."""


def with_disappeared(changes: ChangesXCom, before: Iterable[RepositoryRef], now: Collection[Named]) -> ChangesXCom:
    """Return the changes of a whole audit with the repositories that the earlier audit had and this one lacks.

    A repository that failed before its registry was known has not disappeared.

    :param changes: the changes.
    :param before: the repositories of the earlier audit.
    :param now: registry, Region and name of the repositories of this one; None for what is not known.
    """
    unplaced = {name for registry_id, region_name, name in now if registry_id is None or region_name is None}
    gone = {
        (ref["registry_id"] or "", ref["region_name"] or "", ref["repository_name"]): ref
        for ref in before
        if (ref["registry_id"], ref["region_name"], ref["repository_name"]) not in now
        and ref["repository_name"] not in unplaced
    }
    return {
        **changes,
        "disappeared_count": len(gone),
        "disappeared": [gone[key] for key in sorted(gone)][:MAX_LISTED],
    }
