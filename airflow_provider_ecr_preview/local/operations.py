"""The operations of ECR that are answered here; moto answers the others that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ecr_preview.local import image_operations, policy_operations, registry_operations
from airflow_provider_ecr_preview.local.request import Request

OPERATIONS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "BatchDeleteImage": image_operations.batch_delete_image,
    "BatchGetImage": image_operations.batch_get_image,
    "DescribeImages": image_operations.describe_images,
    "DescribeRegistry": registry_operations.describe_registry,
    "DescribeRepositories": registry_operations.describe_repositories,
    "GetLifecyclePolicyPreview": policy_operations.get_lifecycle_policy_preview,
    "ListImages": image_operations.list_images,
    "PutImage": image_operations.put_image,
    "PutLifecyclePolicy": policy_operations.put_lifecycle_policy,
    "PutReplicationConfiguration": registry_operations.put_replication_configuration,
    "StartLifecyclePolicyPreview": policy_operations.start_lifecycle_policy_preview,
    "UpdateImageStorageClass": image_operations.update_image_storage_class,
}


CHECKS: Mapping[str, Callable[[Request], None]] = {
    "StartImageScan": image_operations.refuse_scan_of_archived_image,
}
"""What is checked before moto answers an operation."""
