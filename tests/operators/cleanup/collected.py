"""What is in use in the local ECR, without a task that collects it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from airflow_provider_ecr_preview.core.in_use.images import ImagesInUse, ImageUser, UnreadSource
from airflow_provider_ecr_preview.core.in_use.reference import ImageReference

REPOSITORY = "payments/api"
ACCOUNT, REGION = "123456789012", "us-east-1"


def collected(
    digests: Mapping[str, str] | None = None, tags: Mapping[str, str] | None = None, unread: Sequence[str] = ()
) -> ImagesInUse:
    """Return what is in use: who uses a digest, and who uses a tag of the repository."""
    in_use = ImagesInUse(datetime.now(UTC))
    place = {"aws_conn_id": "aws_default", "account_id": ACCOUNT, "region_name": REGION}
    in_use.sources.append({"source": "ecs", **place, "reference_count": 0})
    in_use.unread += [UnreadSource(source, "aws_default", REGION, "denied", ACCOUNT) for source in unread]
    for digest, user in (digests or {}).items():
        in_use.add(ImageReference("", "", "", digest), ImageUser("ECS service", user))
    for tag, user in (tags or {}).items():
        in_use.add(ImageReference(ACCOUNT, REGION, REPOSITORY, None, tag), ImageUser("Lambda function", user))
    return in_use
