"""The question about the replicas, in which ECR repeats every deletion made in this repository."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence, Replica
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.replicas import place_of
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.replication import destinations_named
from airflow_provider_ecr_preview.core.text.counted import counted


def replicas(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether every protection of the images in the replicas is known."""
    if not settings.check_replicas:
        return OFF
    if settings.action == "archive" and not settings.whole_policy:
        return Answer("passed", "ECR does not replicate archiving.")
    found = evidence.replicas
    if isinstance(found, Unread):
        return Answer.unread(found, "It is not known where deletions are replicated to: ")
    if not found:
        return Answer("passed", "ECR does not replicate deletions of this repository.")
    images = {image.image_digest for image in plan.images}
    places = destinations_named([replica.repository for replica in found])
    for replica in found:
        if (unread := _unread(replica, settings)) is not None:
            return Answer.unread(unread, f"ECR also deletes these images in {places}. ")
    copies = sorted(
        {digest for replica in found if not isinstance(replica.images, Unread) for digest in replica.images}
    )
    there = [digest for digest in copies if digest in images]
    count = f": {counted(there, 'of them is', 'of them are')} there now" if images else ""
    return Answer("passed", f"ECR also deletes these images in {places}{count}.", there)


def _unread(replica: Replica, settings: CleanupSettings) -> Unread | None:
    """Return the first unknown fact about a replica, if any."""
    place = place_of(replica)
    if isinstance(replica.images, Unread):
        return Unread(f"The images in {place} cannot be read: {replica.images.reason}", replica.images.remedy)
    if not settings.check_in_use or replica.in_use is None or isinstance(replica.in_use, Unread):
        # If the images in use cannot be read at all, the check of images in use reports it.
        return None
    if replica.in_use.missing_scope:
        return Unread(f"It is not known what runs in {place}.", _collect(replica))
    return None


def _collect(replica: Replica) -> str:
    account_id, region_name = replica.repository.registry_id, replica.repository.region_name
    return (
        f"Run EcrCollectImagesInUseOperator for account {account_id}, Region {region_name} as well (aws_conn_ids and "
        "region_names); or set check_replicas=False if the images there may be deleted."
    )
