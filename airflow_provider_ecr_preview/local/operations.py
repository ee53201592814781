"""The ECR operations that are answered here; moto answers the others that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ecr_preview.local import (
    account_operations,
    image_operations,
    policy_operations,
    referrer_operations,
    registry_operations,
    template_operations,
)
from airflow_provider_ecr_preview.local.request import Request

OPERATIONS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "BatchDeleteImage": image_operations.batch_delete_image,
    "BatchGetImage": image_operations.batch_get_image,
    "CreatePullThroughCacheRule": account_operations.create_pull_through_cache_rule,
    "CreateRepositoryCreationTemplate": template_operations.create_repository_creation_template,
    "DeleteLifecyclePolicy": policy_operations.delete_lifecycle_policy,
    "DeletePullThroughCacheRule": account_operations.delete_pull_through_cache_rule,
    "DeleteRepositoryCreationTemplate": template_operations.delete_repository_creation_template,
    "DeregisterPullTimeUpdateExclusion": template_operations.deregister_pull_time_update_exclusion,
    "DescribeImageReplicationStatus": registry_operations.describe_image_replication_status,
    "DescribeImages": image_operations.describe_images,
    "DescribePullThroughCacheRules": account_operations.describe_pull_through_cache_rules,
    "DescribeRegistry": registry_operations.describe_registry,
    "DescribeRepositories": registry_operations.describe_repositories,
    "DescribeRepositoryCreationTemplates": template_operations.describe_repository_creation_templates,
    "GetAccountSetting": account_operations.get_account_setting,
    "GetLifecyclePolicy": policy_operations.get_lifecycle_policy,
    "GetLifecyclePolicyPreview": policy_operations.get_lifecycle_policy_preview,
    "ListImageReferrers": referrer_operations.list_image_referrers,
    "ListImages": image_operations.list_images,
    "ListPullTimeUpdateExclusions": template_operations.list_pull_time_update_exclusions,
    "PutAccountSetting": account_operations.put_account_setting,
    "PutImage": image_operations.put_image,
    "PutLifecyclePolicy": policy_operations.put_lifecycle_policy,
    "PutRegistryScanningConfiguration": registry_operations.put_registry_scanning_configuration,
    "PutReplicationConfiguration": registry_operations.put_replication_configuration,
    "RegisterPullTimeUpdateExclusion": template_operations.register_pull_time_update_exclusion,
    "StartLifecyclePolicyPreview": policy_operations.start_lifecycle_policy_preview,
    "UpdateImageStorageClass": image_operations.update_image_storage_class,
    "UpdatePullThroughCacheRule": account_operations.update_pull_through_cache_rule,
    "UpdateRepositoryCreationTemplate": template_operations.update_repository_creation_template,
}


CHECKS: Mapping[str, Callable[[Request], None]] = {
    "InitiateLayerUpload": image_operations.create_on_push,
    "StartImageScan": image_operations.refuse_scan_of_archived_image,
}
"""The checks before moto answers an operation."""
