"""The hook that changes images and policies. Nothing else in this package does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow.utils.helpers import prune_dict

from airflow_provider_ecr_preview.aws.acting import acting_config, code_of, send_at_once
from airflow_provider_ecr_preview.aws.arguments import MAX_IMAGE_IDS
from airflow_provider_ecr_preview.aws.clients import prepare_client
from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.aws.pages import images_of
from airflow_provider_ecr_preview.core.cleanup.outcome import ImageFailure
from airflow_provider_ecr_preview.core.exceptions import (
    EcrUnreachableError,
    InvalidRequestError,
    LifecyclePolicyNotFoundError,
    RepositoryError,
)
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook

IMAGE_NOT_FOUND = "ImageNotFound"


_NOT_FOUND = "ImageNotFoundException"


_OF_ONE_IMAGE = ("ImageStorageClassUpdateNotSupportedException", "ValidationException")


_MAX_LOOKS = 10


@dataclass(frozen=True, slots=True)
class DeletedImages:
    """The answer of BatchDeleteImage.

    :param image_digests: the deleted images.
    :param failures: the images that were not deleted, and why.
    """

    image_digests: frozenset[str]
    failures: tuple[ImageFailure, ...]


class EcrImageCleanupHook(EcrLifecyclePolicyPreviewHook):
    """Delete and archive images, by digest only, and apply lifecycle policies.

    The hook checks nothing; the operators do that first. Methods that make a change, or look right before one, send
    their call once and immediately. They neither wait nor retry, whatever ``config`` says, so look again before you try
    again. The other methods and the parameters are those of
    :class:`~airflow_provider_ecr_preview.hooks.ecr_preview.EcrLifecyclePolicyPreviewHook`.
    """

    @cached_property
    def _acting(self) -> Any:
        """The client for calls that make a change and for the looks right before them, over the same connection."""
        client = super(EcrLifecyclePolicyPreviewHook, self).get_client_type(
            region_name=self.region_name, config=acting_config(super(EcrLifecyclePolicyPreviewHook, self).config)
        )
        prepare_client(client)
        send_at_once(client)
        return client

    def describe_images(
        self, repository_name: str, image_digests: Sequence[str], *, registry_id: str | None = None
    ) -> list[RepositoryImage]:
        """Return those of the named images that still exist, all in their state at the same moment.

        Calls DescribeImages (``ecr:DescribeImages``) once for every hundred images. If one of them is gone, the whole
        call fails; the method then finds the others by bisection and describes them together again.

        :param repository_name: the repository.
        :param image_digests: the digests.
        :param registry_id: the registry (account); the caller's own if None.
        """
        site = self._site(repository_name, registry_id)
        images: list[RepositoryImage] = []
        for start in range(0, len(image_digests), MAX_IMAGE_IDS):
            images += self._described(site, image_digests[start : start + MAX_IMAGE_IDS])
        return images

    def look_at_lifecycle_policy(
        self, repository_name: str, *, registry_id: str | None = None
    ) -> LifecyclePolicy | None:
        """Return the policy applied to a repository, or None if it has none.

        Calls GetLifecyclePolicy once (``ecr:GetLifecyclePolicy``), without waiting.

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        """
        site = self._site(repository_name, registry_id)
        try:
            with translated(site):
                response = self._acting.get_lifecycle_policy(
                    **prune_dict({"repositoryName": repository_name, "registryId": registry_id})
                )
        except LifecyclePolicyNotFoundError:
            return None
        return site.parsed(lambda response, _: LifecyclePolicy.from_service(response["lifecyclePolicyText"]), response)

    def delete_images(
        self, repository_name: str, image_digests: Sequence[str], *, registry_id: str | None = None
    ) -> DeletedImages:
        """Delete images, with all of their tags.

        Calls BatchDeleteImage once (``ecr:BatchDeleteImage``), without waiting.

        :param repository_name: the repository.
        :param image_digests: the digests, 1 to 100.
        :param registry_id: the registry (account); the caller's own if None.
        :raises MalformedResponseError: if the response cannot be read; the images may be deleted.
        """
        site = self._site(repository_name, registry_id)
        if not 1 <= len(image_digests) <= MAX_IMAGE_IDS or not all(map(_is_digest, image_digests)):
            raise site.error(InvalidRequestError, f"images are deleted by 1 to {MAX_IMAGE_IDS} digests at a time.")
        with translated(site):
            response = self._acting.batch_delete_image(**_request(repository_name, registry_id, image_digests))
        return site.parsed(lambda response, _: _deleted_images(response, frozenset(image_digests)), response)

    def archive_image(
        self, repository_name: str, image_digest: str, *, registry_id: str | None = None
    ) -> ImageFailure | None:
        """Move an image to the archive storage class; if that is not possible, return why.

        Calls UpdateImageStorageClass once (``ecr:UpdateImageStorageClass``), without waiting.

        :param repository_name: the repository.
        :param image_digest: the digest.
        :param registry_id: the registry (account); the caller's own if None.
        """
        site = self._site(repository_name, registry_id)
        if not _is_digest(image_digest):
            raise site.error(InvalidRequestError, f"{image_digest!r} is no digest.")
        try:
            with translated(site):
                response = self._acting.update_image_storage_class(
                    **prune_dict({"repositoryName": repository_name, "registryId": registry_id}),
                    imageId={"imageDigest": image_digest},
                    targetStorageClass="ARCHIVE",
                )
        except RepositoryError as error:
            code = code_of(error)
            if code == _NOT_FOUND:
                return ImageFailure(image_digest, IMAGE_NOT_FOUND, error.message)
            if code in _OF_ONE_IMAGE:
                return ImageFailure(image_digest, code.removesuffix("Exception"), error.message)
            raise
        if not response.get("imageStatus"):
            raise site.error(EcrUnreachableError, "the answer of UpdateImageStorageClass was cut off.")
        return None

    def put_lifecycle_policy(
        self, repository_name: str, policy: LifecyclePolicy, *, registry_id: str | None = None
    ) -> None:
        """Apply a lifecycle policy, replacing the current one. ECR acts on it within a day.

        Calls PutLifecyclePolicy once (``ecr:PutLifecyclePolicy``), without waiting.

        :param repository_name: the repository.
        :param policy: the policy.
        :param registry_id: the registry (account); the caller's own if None.
        """
        with translated(self._site(repository_name, registry_id)):
            self._acting.put_lifecycle_policy(
                **prune_dict({"repositoryName": repository_name, "registryId": registry_id}),
                lifecyclePolicyText=policy.text,
            )

    def delete_lifecycle_policy(self, repository_name: str, *, registry_id: str | None = None) -> None:
        """Remove the lifecycle policy; this deletes no images.

        Calls DeleteLifecyclePolicy once (``ecr:DeleteLifecyclePolicy``), without waiting.

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :raises LifecyclePolicyNotFoundError: if there is none.
        """
        with translated(self._site(repository_name, registry_id)):
            self._acting.delete_lifecycle_policy(
                **prune_dict({"repositoryName": repository_name, "registryId": registry_id})
            )

    def _described(self, site: CallSite, image_digests: Sequence[str]) -> list[RepositoryImage]:
        """Return the images that exist, from one answer about all of them."""
        for _ in range(_MAX_LOOKS):
            if not image_digests:
                return []
            if (images := self._answer_about(site, image_digests)) is not None:
                return images
            image_digests = self._still_there(site, image_digests)
        raise site.error(EcrUnreachableError, "ECR says in turn that the same images are there and are not. Try again.")

    def _still_there(self, site: CallSite, image_digests: Sequence[str]) -> list[str]:
        """Return the images that exist, given that at least one does not."""
        if len(image_digests) == 1:
            return []
        middle = len(image_digests) // 2
        there: list[str] = []
        for half in (image_digests[:middle], image_digests[middle:]):
            images = self._answer_about(site, half)
            there += self._still_there(site, half) if images is None else [image.image_digest for image in images]
        return there

    def _answer_about(self, site: CallSite, image_digests: Sequence[str]) -> list[RepositoryImage] | None:
        """Return ECR's answer about images, or None if one of them does not exist."""
        try:
            with translated(site):
                response = self._acting.describe_images(
                    **_request(site.repository_name, site.registry_id, image_digests), filter={"imageStatus": "ANY"}
                )
        except RepositoryError as error:
            if code_of(error) == _NOT_FOUND:
                return None
            raise
        return site.parsed(images_of, response)


def _deleted_images(response: Mapping[str, Any], requested: frozenset[str]) -> DeletedImages:
    """Return what a response says about the images of the request."""
    return DeletedImages(
        requested & {image_id.get("imageDigest", "") for image_id in response.get("imageIds", ())},
        tuple(
            ImageFailure(digest, failure.get("failureCode", ""), failure.get("failureReason", ""))
            for failure in response.get("failures", ())
            if (digest := failure.get("imageId", {}).get("imageDigest", "")) in requested
        ),
    )


def _request(repository_name: str, registry_id: str | None, image_digests: Sequence[str]) -> dict[str, Any]:
    return {
        **prune_dict({"repositoryName": repository_name, "registryId": registry_id}),
        "imageIds": [{"imageDigest": digest} for digest in image_digests],
    }


def _is_digest(text: object) -> bool:
    # A tag would remove only the tag, and perhaps from a different image than intended.
    return isinstance(text, str) and text.startswith("sha256:")
