"""The hook that changes images and policies. Nothing else in this package does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow.utils.helpers import prune_dict
from botocore.exceptions import ClientError

from airflow_provider_ecr_preview.cleanup_outcome import ImageFailure
from airflow_provider_ecr_preview.exceptions import InvalidRequestError, RepositoryError
from airflow_provider_ecr_preview.hooks.arguments import MAX_IMAGE_IDS
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.hooks.errors import translated
from airflow_provider_ecr_preview.policy import LifecyclePolicy
from airflow_provider_ecr_preview.policy_evaluation import RepositoryImage

IMAGE_NOT_FOUND = "ImageNotFound"

_NOT_FOUND = "ImageNotFoundException"
_OF_ONE_IMAGE = ("ImageStorageClassUpdateNotSupportedException", "ValidationException")


@dataclass(frozen=True, slots=True)
class DeletedImages:
    """What BatchDeleteImage answered.

    :param image_digests: the images that are deleted.
    :param failures: those that are not, and why.
    """

    image_digests: frozenset[str]
    failures: tuple[ImageFailure, ...]


class EcrImageCleanupHook(EcrLifecyclePolicyPreviewHook):
    """Delete and archive images, by digest and nothing else, and apply lifecycle policies.

    It asks nobody whether it may: the checks are before it, in the operators. Its parameters are those of
    :class:`~airflow_provider_ecr_preview.hooks.ecr_preview.EcrLifecyclePolicyPreviewHook`.
    """

    def describe_images(
        self, repository_name: str, image_digests: Sequence[str], *, registry_id: str | None = None
    ) -> list[RepositoryImage]:
        """Return the images that are still there, of those that are named.

        Calls DescribeImages (``ecr:DescribeImages``). It answers nothing about a hundred images when one of them is
        gone; then each half is asked for by itself.

        :param repository_name: the repository.
        :param image_digests: the digests.
        :param registry_id: the registry (account); the caller's own if None.
        """
        if len(image_digests) > MAX_IMAGE_IDS:
            halves = image_digests[:MAX_IMAGE_IDS], image_digests[MAX_IMAGE_IDS:]
        else:
            halves = image_digests[: len(image_digests) // 2], image_digests[len(image_digests) // 2 :]
            site = self._site(repository_name, registry_id)
            try:
                with translated(site):
                    response = self._ecr.describe_images(
                        **_request(repository_name, registry_id, image_digests), filter={"imageStatus": "ANY"}
                    )
                return site.parsed(
                    lambda response, _: [*map(RepositoryImage.from_response, response["imageDetails"])], response
                )
            except RepositoryError as error:
                if _code_of(error) != _NOT_FOUND:
                    raise
            if len(image_digests) == 1:
                return []
        return [
            image
            for half in halves
            if half
            for image in self.describe_images(repository_name, half, registry_id=registry_id)
        ]

    def delete_images(
        self, repository_name: str, image_digests: Sequence[str], *, registry_id: str | None = None
    ) -> DeletedImages:
        """Delete images, with all of their tags.

        Calls BatchDeleteImage once (``ecr:BatchDeleteImage``).

        :param repository_name: the repository.
        :param image_digests: the digests, 1 to 100.
        :param registry_id: the registry (account); the caller's own if None.
        """
        site = self._site(repository_name, registry_id)
        if not 1 <= len(image_digests) <= MAX_IMAGE_IDS or not all(map(_is_digest, image_digests)):
            raise site.error(InvalidRequestError, f"images are deleted by 1 to {MAX_IMAGE_IDS} digests at a time.")
        with translated(site):
            response = self._ecr.batch_delete_image(**_request(repository_name, registry_id, image_digests))
        asked = frozenset(image_digests)
        return DeletedImages(
            asked & {image_id.get("imageDigest", "") for image_id in response.get("imageIds", ())},
            tuple(
                ImageFailure(digest, failure.get("failureCode", ""), failure.get("failureReason", ""))
                for failure in response.get("failures", ())
                if (digest := failure.get("imageId", {}).get("imageDigest", "")) in asked
            ),
        )

    def archive_image(
        self, repository_name: str, image_digest: str, *, registry_id: str | None = None
    ) -> ImageFailure | None:
        """Move an image to the archive storage class and return why that is not possible, if it is not.

        Calls UpdateImageStorageClass once (``ecr:UpdateImageStorageClass``).

        :param repository_name: the repository.
        :param image_digest: the digest.
        :param registry_id: the registry (account); the caller's own if None.
        """
        site = self._site(repository_name, registry_id)
        if not _is_digest(image_digest):
            raise site.error(InvalidRequestError, f"{image_digest!r} is no digest.")
        try:
            with translated(site):
                self._ecr.update_image_storage_class(
                    **prune_dict({"repositoryName": repository_name, "registryId": registry_id}),
                    imageId={"imageDigest": image_digest},
                    targetStorageClass="ARCHIVE",
                )
        except RepositoryError as error:
            code = _code_of(error)
            if code == _NOT_FOUND:
                return ImageFailure(image_digest, IMAGE_NOT_FOUND, error.message)
            if code in _OF_ONE_IMAGE:
                return ImageFailure(image_digest, code.removesuffix("Exception"), error.message)
            raise
        return None

    def put_lifecycle_policy(
        self, repository_name: str, policy: LifecyclePolicy, *, registry_id: str | None = None
    ) -> None:
        """Apply a lifecycle policy, in place of the one that is there. ECR acts on it within a day.

        Calls PutLifecyclePolicy (``ecr:PutLifecyclePolicy``).

        :param repository_name: the repository.
        :param policy: the policy.
        :param registry_id: the registry (account); the caller's own if None.
        """
        with translated(self._site(repository_name, registry_id)):
            self._ecr.put_lifecycle_policy(
                **prune_dict({"repositoryName": repository_name, "registryId": registry_id}),
                lifecyclePolicyText=policy.text,
            )

    def delete_lifecycle_policy(self, repository_name: str, *, registry_id: str | None = None) -> None:
        """Remove the lifecycle policy, which deletes no image.

        Calls DeleteLifecyclePolicy (``ecr:DeleteLifecyclePolicy``).

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :raises LifecyclePolicyNotFoundError: if there is none.
        """
        with translated(self._site(repository_name, registry_id)):
            self._ecr.delete_lifecycle_policy(
                **prune_dict({"repositoryName": repository_name, "registryId": registry_id})
            )


def _request(repository_name: str, registry_id: str | None, image_digests: Sequence[str]) -> dict[str, Any]:
    return {
        **prune_dict({"repositoryName": repository_name, "registryId": registry_id}),
        "imageIds": [{"imageDigest": digest} for digest in image_digests],
    }


def _is_digest(text: object) -> bool:
    # A tag would remove the tag only, and perhaps of another image than was meant.
    return isinstance(text, str) and text.startswith("sha256:")


def _code_of(error: RepositoryError) -> str:
    cause = error.__cause__
    return str(cause.response.get("Error", {}).get("Code", "")) if isinstance(cause, ClientError) else ""
