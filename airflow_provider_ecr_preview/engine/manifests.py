"""Read the manifests of a repository's images, and sum what the expiring ones free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.exceptions import AccessDeniedError, RepositoryError
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.layers import (
    MAX_MANIFESTS,
    FreedBytes,
    Manifest,
    freed_bytes,
    read_manifest,
)
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.pull_exclusions import is_excluded, refusal
from airflow_provider_ecr_preview.core.repository import DigestKey, RepositoryId, digest_key, digest_of
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.reports.manifests import ManifestCache

MAX_IMAGE_IDS = 100


MEDIA_TYPES = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)


BatchGetImage = Callable[[Sequence[Mapping[str, str]]], Mapping[str, Any]]
"""Calls BatchGetImage for the images of one repository, with all of :data:`MEDIA_TYPES`."""


def require_no_recorded_pulls(hook: EcrLifecyclePolicyPreviewHook, registry_id: str | None) -> None:
    """Refuse to go on unless ECR records no pulls of the caller.

    Calls GetCallerIdentity of STS and ListPullTimeUpdateExclusions (``ecr:ListPullTimeUpdateExclusions``).

    :param hook: the hook whose credentials read the manifests.
    :param registry_id: the registry to read from; None for the caller's own.
    :raises AccessDeniedError: if ECR records pulls, if that is unknown, or if the registry is of another account.
    """
    site = CallSite("the registry", registry_id, hook.conn_region_name)
    sts: Any = hook.get_session(region_name=site.region_name).client(
        "sts",
        endpoint_url=hook.conn_config.get_service_endpoint_url("sts"),
        config=hook.config,
        verify=hook.verify,
    )
    with translated(site):
        caller = sts.get_caller_identity()
        if registry_id not in (None, caller["Account"]):
            raise site.error(
                AccessDeniedError,
                "read_manifests is set, and only the registry's own account can read whether reading a manifest records a pull. Use a "
                f"connection of account {registry_id}, or leave out read_manifests.",
            )
        exclusions = [arn for page in _pages(hook.conn) for arn in page.get("pullTimeUpdateExclusions", ())]
    if not is_excluded(caller["Arn"], exclusions):
        raise site.error(AccessDeniedError, refusal(caller["Arn"], str(site.region_name)))


def _pages(client: Any) -> Iterable[Mapping[str, Any]]:
    token: dict[str, Any] = {}
    while True:
        page: Mapping[str, Any] = client.list_pull_time_update_exclusions(**token)
        yield page
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def batch_get_image_of(
    hook: EcrLifecyclePolicyPreviewHook, repository_name: str, registry_id: str | None
) -> BatchGetImage:
    """Return what calls BatchGetImage (``ecr:BatchGetImage``) for a repository.

    :param hook: the hook.
    :param repository_name: the repository.
    :param registry_id: the registry (account); None for the caller's own.
    """
    client: Any = hook.conn
    site = CallSite.of(client, repository_name, registry_id)

    def call(image_ids: Sequence[Mapping[str, str]]) -> Mapping[str, Any]:
        registry = {} if registry_id is None else {"registryId": registry_id}
        with translated(site):
            response: Mapping[str, Any] = client.batch_get_image(
                repositoryName=repository_name, imageIds=image_ids, acceptedMediaTypes=[*MEDIA_TYPES], **registry
            )
        return response

    return call


def freed_by(
    summary: PreviewSummary,
    inventory: RepositoryInventory,
    batch_get_image: BatchGetImage,
    cache: ManifestCache | None = None,
) -> FreedBytes:
    """Return what the expiring images of a preview free.

    Makes one call for every hundred manifests that are not in the cache, and holds at most 10,000 manifests.

    :param summary: the summary of the whole preview.
    :param inventory: the images of the repository.
    :param batch_get_image: makes the calls.
    :param cache: keeps the manifests between audits; None for no cache.
    """
    if not summary.expiring_image_count:
        return FreedBytes(0, 0, 0)
    digests = [key for key, _ in inventory.kinds()]
    if len(digests) > MAX_MANIFESTS:
        return FreedBytes.unknown(
            f"The repository has {len(digests):,} images; manifests are read up to {MAX_MANIFESTS:,}."
        )
    repository = RepositoryId(summary.registry_id, summary.region_name, summary.repository_name)
    kept = {} if cache is None else cache.read(repository)
    manifests = {key: kept[key] for key in digests if key in kept}
    missing = [key for key in digests if key not in manifests]
    del kept
    try:
        for start in range(0, len(missing), MAX_IMAGE_IDS):
            ids = [{"imageDigest": digest_of(key)} for key in missing[start : start + MAX_IMAGE_IDS]]
            manifests.update(_manifests_in(batch_get_image(ids)))
    except (RepositoryError, ValueError) as error:
        return FreedBytes.unknown(f"The manifests cannot be read: {error}")
    if cache is not None and missing:
        cache.write(repository, manifests)
    if unread := [key for key in digests if key not in manifests]:
        return FreedBytes.unknown(
            f"The manifests of {len(unread):,} images cannot be read, such as {digest_of(unread[0])}. Archived images have "
            "to be restored first."
        )
    return freed_bytes(
        digests,
        manifests.__getitem__,
        lambda key: summary.actions.get(key) == EXPIRE,
        summary.expiring_bytes_upper_bound,
    )


def _manifests_in(response: Mapping[str, Any]) -> dict[DigestKey, Manifest]:
    try:
        images = [(image["imageId"]["imageDigest"], image["imageManifest"]) for image in response.get("images", ())]
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"a response of BatchGetImage has not the form of ECR's ({type(error).__name__}: {error})"
        ) from error
    found: dict[DigestKey, Manifest] = {}
    for digest, manifest in images:
        try:
            found[digest_key(digest)] = read_manifest(digest, manifest)
        except ValueError as error:
            raise ValueError(f"{digest}: {error}") from error
    return found
