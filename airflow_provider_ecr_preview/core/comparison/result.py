"""The comparison cut until it fits into XCom."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_ecr_preview.core.comparison.effects import Comparison
from airflow_provider_ecr_preview.core.values import cut, fitted
from airflow_provider_ecr_preview.core.xcom.audit import (
    MAX_AUDIT_BYTES,
    MAX_LISTED,
    MAX_MESSAGE_CHARACTERS,
    MAX_TOP_REPOSITORIES,
)
from airflow_provider_ecr_preview.core.xcom.comparison import ComparedPolicy, ComparisonXCom
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_SCHEMA, MAX_FINDING_DIGESTS, MarkerXCom


def comparison_xcom(comparison: Comparison, results_uri: str | None = None) -> ComparisonXCom:
    """Return a comparison under the XCom contract, in at most 48 KiB: its lists are cut, its sums are not.

    :param comparison: the comparison.
    :param results_uri: where the list of images was written; None if it was not.
    """
    return fitted(comparison.as_dict(results_uri), MAX_AUDIT_BYTES, _LIMITS, _cut_to)


def comparison_marker(value: ComparisonXCom) -> MarkerXCom:
    """Return the marker that is pushed with a comparison.

    :param value: the comparison.
    """
    first, *others = value["policies"]
    counts = {
        "compared_at": value["compared_at"],
        "method": value["method"],
        "repository_count": value["repository_count"],
        "failed_count": value["failed_count"],
        "differing_repository_count": value["differing_repository_count"],
        "policies": [policy["policy"] for policy in (first, *others)],
        "newly_affected_image_counts": [policy["newly_affected_image_count"] for policy in others],
        "no_longer_affected_image_counts": [policy["no_longer_affected_image_count"] for policy in others],
    }
    return MarkerXCom(schema=MARKER_SCHEMA, kind="comparison", counts=counts)


class _Limits(NamedTuple):
    """The maximum length of each list."""

    repositories: int
    digests: int
    characters: int
    failures: int


_LIMITS = (
    _Limits(MAX_TOP_REPOSITORIES, MAX_FINDING_DIGESTS, MAX_MESSAGE_CHARACTERS, MAX_LISTED),
    _Limits(MAX_TOP_REPOSITORIES, 3, 120, 20),
    _Limits(20, 3, 120, 20),
    _Limits(5, 1, 80, 5),
    _Limits(1, 0, 0, 1),
    _Limits(0, 0, 0, 0),
)


def _cut_to(value: ComparisonXCom, limits: _Limits) -> ComparisonXCom:
    return {
        **value,
        "repositories": [
            {**repository, "policies": [_policy_cut_to(policy, limits) for policy in repository["policies"]]}
            for repository in value["repositories"][: limits.repositories]
        ],
        "failures": [
            {**failure, "message": cut(failure["message"], limits.characters)}
            for failure in value["failures"][: limits.failures]
        ],
    }


def _policy_cut_to(policy: ComparedPolicy, limits: _Limits) -> ComparedPolicy:
    return {
        **policy,
        "newly_affected_image_digests": policy["newly_affected_image_digests"][: limits.digests],
        "no_longer_affected_image_digests": policy["no_longer_affected_image_digests"][: limits.digests],
        "findings": [
            {
                **finding,
                "message": cut(finding["message"], limits.characters) or "",
                "image_digests": finding["image_digests"][: limits.digests],
            }
            for finding in policy["findings"]
        ],
    }
