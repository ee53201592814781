"""Read a preview back from XCom and its lists, or say why that is impossible."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_ecr_preview.core.parameters.forms import is_integer
from airflow_provider_ecr_preview.core.parameters.values import decoded
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.summary import images_fingerprint
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import aware_time
from airflow_provider_ecr_preview.core.xcom.audit import AUDIT_SCHEMA
from airflow_provider_ecr_preview.core.xcom.preview import MAX_SAMPLE_TAGS, SUMMARY_SCHEMA, PreviewSummaryXCom


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that could not be read.

    :param reason: the problem.
    :param remedy: the permission or step that makes it readable, if known.
    """

    reason: str
    remedy: str | None = None


@dataclass(frozen=True)
class PreviewList:
    """The images of one preview.

    :param policy_fingerprint: the policy that was previewed.
    :param images_fingerprint: the fingerprint of the images that it would take.
    :param images: the images by digest; None if only their fingerprint is known.
    """

    policy_fingerprint: str
    images_fingerprint: str
    images: Mapping[str, PreviewedImage] | None = None

    @classmethod
    def of_images(cls, policy_fingerprint: str, images: Iterable[PreviewedImage]) -> PreviewList:
        """Return the list of a preview whose images are all known."""
        by_digest = {image.image_digest: image for image in images}
        fingerprint = images_fingerprint((image.image_digest, image.action) for image in by_digest.values())
        return cls(policy_fingerprint, fingerprint, by_digest)

    @classmethod
    def of_summary(
        cls, summary: PreviewSummaryXCom, listed: Iterable[PreviewedImage] | None = None
    ) -> PreviewList | Unread:
        """Return the list behind a summary, with its images if they are certain to be the same.

        :param summary: the summary.
        :param listed: the images of its ``images_uri``; without them, its sample is used if it holds all images.
        """
        of_fingerprint = cls(summary["policy_fingerprint"], summary["images_fingerprint"])
        known = cls.of_images(summary["policy_fingerprint"], _sampled(summary["sample"]) if listed is None else listed)
        if known.images_fingerprint == summary["images_fingerprint"]:
            return known
        if listed is None:
            return of_fingerprint
        return Unread(
            f"the image list at {summary['images_uri']} does not match this summary: it was overwritten, or is incomplete.",
            "Preview again, with a different path for each run.",
        )


def check_summary(value: Any) -> PreviewSummaryXCom:
    """Check that an XCom value is the summary of a preview, and return it.

    :param value: the value given to an operator.
    :raises ValueError: if it is anything else; the message says what to give.
    """
    if not isinstance(value, Mapping) or value.get("schema") != SUMMARY_SCHEMA:
        what = value.get("schema") if isinstance(value, Mapping) else type(value).__name__
        raise ValueError(
            f"This is {what!r}, not the summary of a preview ({SUMMARY_SCHEMA}). Give the output of "
            "EcrSummarizeLifecyclePolicyPreviewOperator; in a template, use | tojson or render_template_as_native_obj."
        )
    missing = [key for key in _NEEDED if value.get(key) is None]
    if missing or value["status"] != "COMPLETE":
        raise ValueError(f"The summary is incomplete: {', '.join(missing) or value['status']}. Preview again.")
    wrong = [key for key, is_valid in _NEEDED.items() if not is_valid(value[key])]
    if not isinstance(value.get("images_uri"), str | None):
        wrong.append("images_uri")
    if wrong:
        raise ValueError(
            f"The summary of {value['repository_name']!r} ({value['registry_id']!r}, {value['region_name']!r}) was edited "
            f"after the preview: not a valid value: {', '.join(wrong)}. Preview again, and give the output unchanged."
        )
    return value  # type: ignore[return-value]  # every key in use was just checked


def preview_time(summary: PreviewSummaryXCom) -> datetime | Unread:
    """Return when a summarised preview was read."""
    try:
        time = datetime.fromisoformat(summary["previewed_at"])
    except (TypeError, ValueError):
        return Unread(f"previewed_at of the summary is not a time: {summary['previewed_at']!r}.")
    return Unread("previewed_at of the summary has no time zone.") if time.tzinfo is None else time


_REGISTRY_ID = re.compile(r"[0-9]{12}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and value == value.strip()


def _is_registry_id(value: Any) -> bool:
    return isinstance(value, str) and _REGISTRY_ID.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return is_integer(value) and value >= 0


def _are_findings(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_finding, value))


def _is_finding(value: Any) -> bool:
    if not isinstance(value, Mapping) or not isinstance(value.get("image_digests"), list):
        return False
    return all(isinstance(text, str) for text in (value.get("code"), value.get("severity"), *value["image_digests"]))


def _is_sample(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    try:
        _sampled(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
    return True


_NEEDED: Mapping[str, Callable[[Any], bool]] = {
    "registry_id": _is_registry_id,
    "region_name": _is_name,
    "repository_name": _is_name,
    "status": _is_text,
    "previewed_at": lambda _: True,  # preview_time says what is wrong with it
    "policy_fingerprint": _is_text,
    "images_fingerprint": _is_text,
    "expiring_image_count": _is_count,
    "archiving_image_count": _is_count,
    "findings": _are_findings,
    "sample": _is_sample,
}
"""What every task after the preview relies on, and whether a value can be that.

A wrong value has to be found here, and not by an error in the middle of a clean-up.
"""


def _sampled(sample: Iterable[Mapping[str, Any]]) -> list[PreviewedImage]:
    # A sample cuts long lists of tags, so an image whose tags may have been cut counts as unknown.
    return [
        PreviewedImage(
            image["image_digest"],
            tuple(image["image_tags"]),
            None if image["image_pushed_at"] is None else aware_time(image["image_pushed_at"]),
            image["action"],
            image["applied_rule_priority"],
        )
        for image in sample
        if len(image["image_tags"]) < MAX_SAMPLE_TAGS
    ]


def summaries_of(value: Any, parameter: str = "summary") -> list[PreviewSummaryXCom]:
    """Return the given summaries, one for each repository.

    :param value: one summary or several, an audit or several that hold their summaries, or any of these as JSON.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else, or names a repository twice.
    """
    summaries = earlier_summaries_of(value, parameter)
    repositories = [RepositoryId.of(summary) for summary in summaries]
    twice = sorted({str(repository) for repository in repositories if repositories.count(repository) > 1})
    if twice:
        raise ValueError(f"{parameter} has more than one summary of {', '.join(twice)}. Give only the approved one.")
    return summaries


def earlier_summaries_of(value: Any, parameter: str = "previous_summaries") -> list[PreviewSummaryXCom]:
    """Return the given summaries, which may include several for the same repository.

    :param value: as for :func:`summaries_of`.
    :param parameter: name of the operator's parameter, for messages.
    :raises ValueError: if it is anything else.
    """
    value = decoded(value, parameter, protects=True)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ValueError(f"{parameter} is {value!r}, not a summary.")  # noqa: TRY004 - rendered from a template
    try:
        return [check_summary(summary) for item in value for summary in _summaries_in(item)]
    except ValueError as error:
        raise ValueError(f"{parameter}: {error}") from error


def _summaries_in(value: Any) -> Iterable[Any]:
    """Return the summaries in an audit, or the value itself if it is not an audit."""
    if not isinstance(value, Mapping) or value.get("schema") != AUDIT_SCHEMA:
        return [value]
    summaries: Iterable[Any] | None = value.get("summaries")
    if summaries is None:
        raise ValueError(
            "the audit has too many repositories to hold their summaries. Audit fewer repositories in each task and map the "
            "clean-up over these audits, or give the summaries themselves."
        )
    return summaries
