"""The XCom of a preview: its marker, and its summary in at most 8 KiB whatever the size of the repository."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import NamedTuple

from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.layers import FreedBytes
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.values import cut, fitted, isoformat, json_size
from airflow_provider_ecr_preview.core.xcom.preview import (
    MARKER_SCHEMA,
    MAX_FINDING_DIGESTS,
    MAX_SAMPLE_TAGS,
    MAX_SUMMARY_BYTES,
    SUMMARY_SCHEMA,
    MarkerXCom,
    PreviewSummaryXCom,
    RuleSummary,
    SampleImage,
)

MAX_EXACT_MESSAGE_CHARACTERS = 300


class _Limits(NamedTuple):
    """The maximum length of each list and text."""

    images: int
    digests: int
    description: int
    message: int


_LIMITS = (
    _Limits(images=10, digests=10, description=200, message=500),
    _Limits(images=10, digests=3, description=80, message=500),
    _Limits(images=3, digests=3, description=40, message=300),
    _Limits(images=1, digests=1, description=20, message=200),
    _Limits(images=0, digests=0, description=0, message=100),
    _Limits(images=0, digests=0, description=0, message=25),
)


def summary_xcom(
    summary: PreviewSummary,
    *,
    inventory: RepositoryInventory | None = None,
    findings: Iterable[Finding] = (),
    freed: FreedBytes | None = None,
    images_uri: str | None = None,
) -> PreviewSummaryXCom:
    """Return a summary under the XCom contract, in at most 8 KiB.

    :param summary: the summary.
    :param inventory: the images of the repository, if DescribeImages was called.
    :param findings: the problems that a person should look at.
    :param freed: what is freed by the manifests, if they were read.
    :param images_uri: the URL of the full list.
    """
    value = PreviewSummaryXCom(
        schema=SUMMARY_SCHEMA,
        registry_id=summary.registry_id,
        region_name=summary.region_name,
        repository_name=summary.repository_name,
        status=summary.status,
        previewed_at=summary.previewed_at.astimezone(UTC).isoformat(),
        policy_fingerprint=summary.policy.fingerprint,
        images_fingerprint=summary.images_fingerprint,
        expiring_image_count=summary.expiring_image_count,
        archiving_image_count=summary.archiving_image_count,
        tagged_image_count=summary.tagged_image_count,
        untagged_image_count=summary.untagged_image_count,
        total_image_count=None if inventory is None else inventory.total_image_count,
        expiring_bytes_upper_bound=None if inventory is None else summary.expiring_bytes_upper_bound,
        oldest_pushed_at=isoformat(summary.oldest_pushed_at),
        newest_pushed_at=isoformat(summary.newest_pushed_at),
        rules=summary.rules() if inventory is not None else [*map(_without_bytes, summary.rules())],
        findings=[
            {**found, "image_digests": found["image_digests"][:MAX_FINDING_DIGESTS]}
            for found in (finding.as_dict() for finding in findings)
        ],
        sample=[_sample_image(image) for image in summary.sample],
        images_uri=images_uri,
        next_token=summary.next_token,
    )
    if freed is not None:
        value["expiring_bytes_exact"], value["shared_bytes"] = freed.freed, freed.shared
        value["expiring_family_count"] = freed.family_count
        value["exact_bytes_message"] = cut(freed.message, MAX_EXACT_MESSAGE_CHARACTERS)
    return bounded(value)


def with_policy_text(value: PreviewSummaryXCom, text: str | None) -> PreviewSummaryXCom:
    """Return a summary with the text of its policy, if there is room for it.

    :param value: the summary.
    :param text: the lifecycle policy; None if it is not known.
    """
    longer: PreviewSummaryXCom = {**value, "lifecycle_policy_text": text}
    return longer if text is not None and json_size(longer) <= MAX_SUMMARY_BYTES else value


def marker(value: PreviewSummaryXCom) -> MarkerXCom:
    """Return the marker that is pushed with a summary."""
    return MarkerXCom(
        schema=MARKER_SCHEMA,
        kind="summary",
        counts={
            key: value[key]
            for key in (
                "registry_id",
                "region_name",
                "repository_name",
                "previewed_at",
                "expiring_image_count",
                "archiving_image_count",
                "total_image_count",
                "expiring_bytes_upper_bound",
            )
        }
        | {"finding_count": len(value["findings"])},
    )


def bounded(value: PreviewSummaryXCom) -> PreviewSummaryXCom:
    """Return the summary cut to fit.

    The sample, the digests, descriptions and messages are cut first, then the bytes of each rule, and last the rules
    that take the fewest images, which 50 rules with long names can require. Totals, the URL of the full list and the
    page token stay unchanged.
    """
    shorter = fitted(value, MAX_SUMMARY_BYTES, _LIMITS, _cut_to)
    if json_size(shorter) <= MAX_SUMMARY_BYTES:
        return shorter
    shorter["rules"] = [*map(_without_bytes, shorter["rules"])]
    while shorter["rules"] and json_size(shorter) > MAX_SUMMARY_BYTES:
        shorter["rules"].remove(min(shorter["rules"], key=lambda rule: (rule["image_count"], -rule["priority"])))
    return shorter


def _cut_to(value: PreviewSummaryXCom, limits: _Limits) -> PreviewSummaryXCom:
    return {
        **value,
        "sample": value["sample"][: limits.images],
        "findings": [
            {
                **finding,
                "image_digests": finding["image_digests"][: limits.digests],
                "message": cut(finding["message"], limits.message) or "",
            }
            for finding in value["findings"]
        ],
        "rules": [
            {**rule, "description": (limits.description and cut(rule["description"], limits.description)) or None}
            for rule in value["rules"]
        ],
    }


def _without_bytes(rule: RuleSummary) -> RuleSummary:
    return {
        "priority": rule["priority"],
        "action": rule["action"],
        "description": rule["description"],
        "image_count": rule["image_count"],
        "bytes_upper_bound": None,
    }


def _sample_image(image: PreviewedImage) -> SampleImage:
    return SampleImage(
        image_digest=image.image_digest,
        image_tags=list(image.image_tags[:MAX_SAMPLE_TAGS]),
        image_pushed_at=isoformat(image.image_pushed_at),
        action=image.action,
        applied_rule_priority=image.applied_rule_priority,
        image_size_in_bytes=image.image_size_in_bytes,
        last_recorded_pull_time=isoformat(image.last_recorded_pull_time),
    )
