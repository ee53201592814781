"""What OpenLineage learns of an audit, where the OpenLineage provider is installed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.audit import marker

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors.base import OperatorLineage

    from airflow_provider_ecr_preview.xcom import AuditXCom

FACET = "ecrLifecycleAudit"


def lineage_of(audit: AuditXCom | None) -> OperatorLineage[Any, Any]:
    """Return the facets of a task that ended with an audit: what it audits is of the job, what it found of the run.

    A preview reads and changes nothing, so there are no datasets.

    :param audit: the audit, or None when the task ended without one.
    """
    # Airflow asks only where the provider is installed; nobody else should wait for it to be imported.
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
