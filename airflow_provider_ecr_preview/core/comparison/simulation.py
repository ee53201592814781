"""A lifecycle policy evaluated here, over the images that DescribeImages lists, without touching ECR's preview.

A simulation is not a preview: ECR has the last word. DescribeImages does not say which images a manifest list names,
and this package must choose where ECR documents no rule; see :mod:`.policy_evaluation`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from airflow_provider_ecr_preview.core.comparison.effects import PolicyEffect
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.pages import COMPLETE, PreviewPage, PreviewStatus
from airflow_provider_ecr_preview.core.preview.reading import Lookout, read_preview
from airflow_provider_ecr_preview.core.repository import RepositoryId, RepositoryImage
from airflow_provider_ecr_preview.core.xcom.audit import RepositoryRef
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom


def simulated_preview(
    policy: LifecyclePolicy,
    images: Iterable[RepositoryImage],
    now: datetime,
    repository: RepositoryId,
    lookout: Lookout | None = None,
) -> tuple[PreviewSummaryXCom, list[PreviewedImage]]:
    """Return the most likely preview, and the images that it would list.

    :param policy: the policy.
    :param images: every image of the repository, archived ones included.
    :param now: the time at which the policy acts (aware).
    :param repository: the repository.
    :param lookout: the problems to look for among the affected images.
    :raises ValueError: if the policy has an unknown ``countType``.
    """
    inventory = RepositoryInventory(policy.rules)
    taken = []
    for verdict in policy.evaluate(images, now):
        inventory.add(verdict.image)
        if verdict.is_taken:
            taken.append(_taken(verdict))
    preview = PreviewStatus(
        repository.registry_id, repository.repository_name, repository.region_name, COMPLETE, policy
    )
    value = read_preview([PreviewPage(preview, taken)], inventory=inventory, lookout=lookout, now=now)
    return value, taken


def simulate(
    policy: LifecyclePolicy,
    images: Iterable[RepositoryImage],
    now: datetime,
    *,
    ref: RepositoryRef,
    lookout: Lookout | None = None,
    is_listed: bool = False,
) -> PolicyEffect:
    """Return the likely effect of a policy on a repository, without ECR's preview.

    :param policy: the policy.
    :param images: every image of the repository, archived ones included.
    :param now: the time at which the policy acts (aware).
    :param ref: the repository.
    :param lookout: the problems to look for among the affected images.
    :param is_listed: whether the images will be listed.
    :raises ValueError: if the policy has an unknown ``countType``.
    """
    repository = RepositoryId(ref["registry_id"] or "", ref["region_name"] or "", ref["repository_name"])
    value, taken = simulated_preview(policy, images, now, repository, lookout)
    effect = PolicyEffect(policy.fingerprint, is_listed=is_listed)
    for image in taken:
        effect.add(image)
    effect.findings = value["findings"]
    return effect


def _taken(verdict: Verdict) -> PreviewedImage:
    image = verdict.image
    return PreviewedImage(
        image_digest=image.image_digest,
        image_tags=image.image_tags,
        image_pushed_at=image.image_pushed_at,
        action=str(verdict.action),
        applied_rule_priority=verdict.rule.priority if verdict.rule else 0,
        storage_class=image.storage_class,
        image_size_in_bytes=image.image_size_in_bytes,
        last_recorded_pull_time=image.last_recorded_pull_time,
        image_manifest_media_type=image.image_manifest_media_type,
        artifact_media_type=image.artifact_media_type,
    )
