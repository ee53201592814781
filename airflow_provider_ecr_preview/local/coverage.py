"""List the ECR operations that the local ECR serves, as data and as a page of the documentation.

``python -m airflow_provider_ecr_preview.local --operations`` prints the page.
"""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_ecr_preview.local.operations import OPERATIONS

OF_MOTO = frozenset(
    {
        "BatchCheckLayerAvailability",
        "BatchGetRepositoryScanningConfiguration",
        "CompleteLayerUpload",
        "CreateRepository",
        "DeleteRegistryPolicy",
        "DeleteRepository",
        "DeleteRepositoryPolicy",
        "DescribeImageScanFindings",
        "GetAuthorizationToken",
        "GetRegistryPolicy",
        "GetRegistryScanningConfiguration",
        "GetRepositoryPolicy",
        "InitiateLayerUpload",
        "ListTagsForResource",
        "PutImageScanningConfiguration",
        "PutImageTagMutability",
        "PutRegistryPolicy",
        "SetRepositoryPolicy",
        "StartImageScan",
        "TagResource",
        "UntagResource",
        "UploadLayerPart",
    }
)
"""The operations that moto answers."""

PARTLY: Mapping[str, str] = {
    "BatchGetImage": "`acceptedMediaTypes` is ignored. The failure code of an archived image is not documented by AWS; "
    "here it is `ImageNotFound`.",
    "BatchGetRepositoryScanningConfiguration": "Only for the registry of the caller.",
    "CreatePullThroughCacheRule": "The rule is stored and has no effect: it pulls nothing and creates no repository. "
    "`credentialArn` and `customRoleArn` are not checked.",
    "UpdatePullThroughCacheRule": "See CreatePullThroughCacheRule.",
    "DescribeImageReplicationStatus": "Copies are there immediately, so the status is always `COMPLETE`.",
    "GetAccountSetting": "AWS does not document the values before the first PutAccountSetting; here they are "
    "`AWS_NATIVE`, `DISABLED` and `V2`.",
    "PutAccountSetting": "The setting is stored and has no effect.",
    "DescribeImageScanFindings": "Returns one made-up finding, unless the test sets others through moto's API.",
    "DescribeRegistry": "Returns only the replication configuration.",
    "GetAuthorizationToken": "The token is made up; there is no Docker registry to use it with.",
    "GetLifecyclePolicy": "Before the first run, `lastEvaluatedAt` is 0; AWS does not document the value.",
    "PutImage": "Layers are checked only with `LocalEcr(check_layers=True)` or `--check-layers`, so tests need only manifests. A missing "
    "repository is created if a creation template says `CREATE_ON_PUSH`.",
    "PutRegistryPolicy": "The policy is stored and not enforced.",
    "PutReplicationConfiguration": "Copies are there immediately.",
    "SetRepositoryPolicy": "The policy is stored and not enforced; `force` is ignored.",
    "StartImageScan": "The scan finds one made-up finding.",
    "CreateRepositoryCreationTemplate": "The template applies to repositories that replication or a push creates. `customRoleArn` "
    "is stored and not used, and nothing is pulled through a cache.",
    "UpdateRepositoryCreationTemplate": "See CreateRepositoryCreationTemplate.",
}
"""The gaps in operations that are served."""

NOT_SERVED = frozenset(
    {
        "DeleteSigningConfiguration",
        "DescribeImageSigningStatus",
        "DescribeReplicationBackfillResults",
        "GetDownloadUrlForLayer",
        "GetSigningConfiguration",
        "ListReplicationBackfills",
        "PutSigningConfiguration",
        "StartReplicationBackfill",
        "StopReplicationBackfill",
        "ValidatePullThroughCacheRule",
    }
)
"""The operations that are refused, with HTTP 400 and a message that names them."""


def is_served(operation: str) -> bool:
    """Return whether the local ECR answers an operation."""
    return operation in OPERATIONS or operation in OF_MOTO


def as_markdown() -> str:
    """Return the lists for the page of the documentation."""
    served = (f"- {operation}" for operation in sorted({*OPERATIONS, *OF_MOTO} - PARTLY.keys()))
    partly = (f"| {operation} | {PARTLY[operation]} |" for operation in sorted(PARTLY))
    not_served = (f"- {operation}" for operation in sorted(NOT_SERVED))
    lines = [
        *("## Served", "", *served, ""),
        *("## Partly served", "", "| Operation | What differs from ECR |", "| --- | --- |", *partly, ""),
        *("## Not served", "", *not_served, ""),
    ]
    return "\n".join(lines)
