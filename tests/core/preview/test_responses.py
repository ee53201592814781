"""A response that is not what ECR sends is refused, and never counts as nothing to expire."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus
from tests.support.builders import REGION, REGISTRY_ID, REPOSITORY, digest
from tests.support.policies import policy

RESULT: dict[str, Any] = {"imageDigest": digest(1), "action": {"type": "EXPIRE"}, "appliedRulePriority": 1}
RESPONSE: dict[str, Any] = {
    "registryId": REGISTRY_ID,
    "repositoryName": REPOSITORY,
    "status": "COMPLETE",
    "lifecyclePolicyText": policy().text,
    "summary": {"expiringImageTotalCount": 1},
}


def test_an_image_is_read_from_its_result() -> None:
    assert PreviewedImage.from_response(RESULT).action == "EXPIRE"


@pytest.mark.parametrize(
    "fields",
    [
        {"action": {"type": "MELT"}},
        {"action": {"type": "EXPIRE", "targetStorageClass": "ARCHIVE"}},
        {"action": {"type": "TRANSITION"}},
        {"imageDigest": 7},
        {"appliedRulePriority": "1"},
        {"appliedRulePriority": True},
    ],
)
def test_a_result_of_another_kind_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        PreviewedImage.from_response({**RESULT, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 7},
        {"lifecyclePolicyText": None},
        {"summary": {"expiringImageTotalCount": -1}},
        {"summary": {"expiringImageTotalCount": True}},
    ],
)
def test_a_response_of_another_kind_is_refused(fields: dict[str, Any]) -> None:
    assert PreviewStatus.from_response(RESPONSE, REGION).expiring_image_total_count == 1
    with pytest.raises(TypeError):
        PreviewStatus.from_response({**RESPONSE, **fields}, REGION)
