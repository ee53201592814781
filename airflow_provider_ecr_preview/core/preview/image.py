"""One image of a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.values import from_isoformat, isoformat


@dataclass(frozen=True, slots=True)
class PreviewedImage:
    """An image that the preview says the policy would expire or archive.

    The first block is what GetLifecyclePolicyPreview returns; the second is None unless DescribeImages was called.

    :param image_digest: the digest.
    :param image_tags: its tags; empty for an untagged image.
    :param image_pushed_at: when it was pushed (aware, UTC).
    :param action: ``EXPIRE`` or ``TRANSITION``.
    :param applied_rule_priority: priority of the rule that takes it.
    :param target_storage_class: the storage class that a transition moves it to: ``ARCHIVE``.
    :param storage_class: the storage class it is in now: ``STANDARD`` or ``ARCHIVE``.
    :param image_size_in_bytes: compressed size. Layers are shared, so a sum of sizes is an upper bound.
    :param last_recorded_pull_time: the last pull that ECR recorded (aware, UTC).
    :param image_manifest_media_type: media type of the manifest.
    :param artifact_media_type: media type of the artifact.
    """

    image_digest: str
    image_tags: tuple[str, ...]
    image_pushed_at: datetime | None
    action: str
    applied_rule_priority: int
    target_storage_class: str | None = None
    storage_class: str | None = None

    image_size_in_bytes: int | None = None
    last_recorded_pull_time: datetime | None = None
    image_manifest_media_type: str | None = None
    artifact_media_type: str | None = None

    @classmethod
    def from_response(cls, result: Mapping[str, Any]) -> PreviewedImage:
        """Return the image that an entry of ``previewResults`` describes.

        :raises KeyError: if the entry lacks its digest, its action or the rule.
        :raises ValueError, TypeError: if one of these is not what ECR sends. An unknown action is not "no action".
        """
        action, digest, priority = result["action"], result["imageDigest"], result["appliedRulePriority"]
        kind, target = action["type"], action.get("targetStorageClass")
        if kind not in (EXPIRE, TRANSITION):
            raise ValueError(f"the action {kind!r} is not known")
        if (kind == TRANSITION) != (target is not None):
            raise ValueError(f"the action {kind} has the target storage class {target!r}")
        if not isinstance(digest, str):
            raise TypeError(f"imageDigest is {digest!r}")
        if not isinstance(priority, int) or isinstance(priority, bool):
            raise TypeError(f"appliedRulePriority is {priority!r}")
        return cls(
            digest,
            tuple(result.get("imageTags", ())),
            result.get("imagePushedAt"),
            kind,
            priority,
            target,
            result.get("storageClass"),
        )

    def enriched(self, inventory: RepositoryInventory) -> PreviewedImage:
        """Return the image with the details from DescribeImages; unchanged if DescribeImages did not list it."""
        detail = inventory.detail(self.image_digest)
        if detail is None:
            return self
        return replace(
            self,
            image_size_in_bytes=detail.image_size_in_bytes,
            last_recorded_pull_time=detail.last_recorded_pull_time,
            image_manifest_media_type=detail.image_manifest_media_type,
            artifact_media_type=detail.artifact_media_type,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the image in plain JSON types, under boto3's own field names in snake case."""
        return {
            "image_digest": self.image_digest,
            "image_tags": list(self.image_tags),
            "image_pushed_at": isoformat(self.image_pushed_at),
            "action": self.action,
            "applied_rule_priority": self.applied_rule_priority,
            "target_storage_class": self.target_storage_class,
            "storage_class": self.storage_class,
            "image_size_in_bytes": self.image_size_in_bytes,
            "last_recorded_pull_time": isoformat(self.last_recorded_pull_time),
            "image_manifest_media_type": self.image_manifest_media_type,
            "artifact_media_type": self.artifact_media_type,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> PreviewedImage:
        """Return the image that :meth:`as_dict` wrote."""
        return cls(
            **{
                **value,
                "image_tags": tuple(value["image_tags"]),
                "image_pushed_at": from_isoformat(value["image_pushed_at"]),
                "last_recorded_pull_time": from_isoformat(value["last_recorded_pull_time"]),
            }
        )
