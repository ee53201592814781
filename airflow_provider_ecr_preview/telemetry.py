"""The metrics (StatsD or OpenTelemetry, as Airflow is configured) and OpenLineage facets of an audit."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_ecr_preview.core.audit.marker import marker

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom, RegistryCounts


PREFIX = "ecr_preview"


def emit_counts(audit: AuditXCom, dag_id: str) -> None:
    """Set the gauges of a whole audit, for each registry and Region.

    The tags are the registry, the Region and the DAG. The repository is not a tag, because metrics services charge for
    each value of a tag.

    :param audit: the whole audit, not one batch of it.
    :param dag_id: the DAG, which separates audits of the applied policies from audits of candidates.
    """
    for registry in audit["registries"]:
        tags = {
            "registry_id": registry["registry_id"] or "unknown",
            "region_name": registry["region_name"] or "unknown",
            "dag_id": dag_id,
        }
        for name, value in _gauges(registry).items():
            Stats.gauge(f"{PREFIX}.{name}", value, tags=tags)
    changes = audit["changes"]
    if changes is not None:
        Stats.gauge(f"{PREFIX}.alarms", changes["alarm_count"], tags={"dag_id": dag_id})
    Stats.gauge(f"{PREFIX}.missing_parts", audit["missing_part_count"], tags={"dag_id": dag_id})


def emit_duration(seconds: float, dag_id: str, region_name: str) -> None:
    """Record how long one audit task took.

    :param seconds: time from its start to its end, including the time in which it was deferred.
    :param dag_id: the DAG.
    :param region_name: the Region.
    """
    Stats.timing(
        f"{PREFIX}.audit.duration", timedelta(seconds=seconds), tags={"dag_id": dag_id, "region_name": region_name}
    )


def _gauges(counts: RegistryCounts) -> dict[str, int]:
    return {
        "images_expiring": counts["expiring_image_count"],
        "images_archiving": counts["archiving_image_count"],
        # Without unknown sizes; the last gauge counts the repositories that have some.
        "bytes_expiring_upper_bound": counts["expiring_bytes_upper_bound_known"],
        "repositories": counts["repository_count"],
        "repositories_failed": counts["failed_count"],
        "repositories_without_policy": counts["without_policy_count"],
        "findings_critical": counts["critical_finding_count"],
        "repositories_bytes_unknown": counts["bytes_unknown_repository_count"],
    }


FACET = "ecrLifecycleAudit"


def lineage_of(audit: AuditXCom | None) -> OperatorLineage[Any, Any]:
    """Return the facets of a task that made an audit: a job facet with what it audits, and a run facet with what it found.

    A preview reads and changes nothing, so there are no datasets.

    :param audit: the audit, or None if the task ended without one.
    """
    # Airflow calls this only if the OpenLineage provider is installed, so the import must not be at the top.
    from airflow.providers.openlineage.extractors.base import OperatorLineage  # noqa: PLC0415

    if audit is None:
        return OperatorLineage()
    job_facet, run_facet = _facets()
    registries = [
        {"registryId": registry["registry_id"], "regionName": registry["region_name"]}
        for registry in audit["registries"]
    ]
    return OperatorLineage(
        job_facets={FACET: job_facet(registries=registries)},
        run_facets={FACET: run_facet(counts=marker(audit)["counts"], reportUri=audit["report_uri"])},
    )


@cache
def _facets() -> tuple[Any, Any]:
    import attrs  # noqa: PLC0415 - as above
    from openlineage.client.generated.base import JobFacet, RunFacet

    job_facet = attrs.make_class("EcrLifecycleAuditJobFacet", {"registries": attrs.field()}, bases=(JobFacet,))
    run_facet = attrs.make_class(
        "EcrLifecycleAuditRunFacet",
        {"counts": attrs.field(), "reportUri": attrs.field(default=None)},
        bases=(RunFacet,),
    )
    return job_facet, run_facet
