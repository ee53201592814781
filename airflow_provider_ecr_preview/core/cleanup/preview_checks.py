"""The questions about the approved preview: whether it still holds, is recent, and has no critical finding."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from airflow_provider_ecr_preview.core.cleanup.answers import (
    OFF,
    WITH_A_LIST,
    Answer,
    left_out,
    unknown_images,
    unread_source,
)
from airflow_provider_ecr_preview.core.cleanup.approval_checks import compared_with
from airflow_provider_ecr_preview.core.cleanup.approved import (
    MIN_TIME_BETWEEN,
    approved_images,
    earlier_previews,
    uncounted_summary_count,
)
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_images import first_few, short_digest
from airflow_provider_ecr_preview.core.cleanup.spared_reason import CHANGES, Spared
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import CLOCK_SKEW

_SHOWN = 3


_MILD = ("warning", "info")
"""The severities of findings that do not block."""


_PREVIEW_AGAIN = "Preview again, and have that preview approved"


def approved_unchanged(evidence: Evidence, _: CleanupSettings, __: CleanupPlan) -> Answer:
    """Ask whether the summary and its images are still the approved ones."""
    return compared_with(evidence.approval, evidence.summary, evidence.approved)


def policy_unchanged(evidence: Evidence, _: CleanupSettings, __: CleanupPlan) -> Answer:
    """Ask whether the policy is still the approved one."""
    fresh, approved = evidence.fresh, evidence.summary["policy_fingerprint"]
    if isinstance(fresh, Unread):
        return Answer.unread(fresh, "The policy cannot be compared, because there is no fresh preview: ")
    if fresh.policy_fingerprint != approved:
        return Answer(
            "blocked",
            f"The policy changed after the approval: {approved[:12]} was approved, and it is {fresh.policy_fingerprint[:12]} now.",
        )
    return Answer("passed", f"The policy is still {approved[:12]}.")


def preview_unchanged(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether a fresh preview lists the approved images."""
    if (unread := unread_source(evidence)) is not None:
        return Answer.unread(unread, "The approved images cannot be compared: ")
    if approved_images(evidence) is None:
        message = "A fresh preview lists different images, and there is no list of the approved ones to compare with."
        return Answer("blocked", message, remedy=WITH_A_LIST)
    changed, new = plan.spared_for(*CHANGES), _tagged_first(plan.not_approved, evidence)
    if changed:
        named = f" ({_named(new, evidence)})" if new else ""
        message = (
            f"A fresh preview differs in {counted([*changed, *new], 'image')}: {len(new)} new{named}, "
            f"{len(changed)} changed or no longer listed."
        )
        return _of_changes(message, [*changed, *new], settings)
    gone = f" {counted(plan.gone, 'of them is', 'of them are')} already gone." if plan.gone else ""
    if new:
        return _of_new_images(f"{_named(new, evidence)}.{gone}", new, settings)
    return Answer("passed", f"A fresh preview lists the approved images.{gone}")


def tags_unchanged(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the approved images still have the tags that they had at the approval."""
    if not settings.check_tags:
        return OFF
    if (unread := unknown_images(evidence)) is not None:
        return unread
    if isinstance(evidence.approved, Unread) or evidence.approved.images is None:
        message = "The approved tags are not known: the summary has no list of all images."
        return Answer("unknown", message, remedy=WITH_A_LIST)
    changed = plan.spared_for(Spared.TAGS_CHANGED)
    if not changed:
        return Answer("passed", "No other approved image gained or lost a tag.")
    return _of_changes(f"{counted(changed, 'approved image')} gained or lost a tag.", changed, settings)


def preview_age(evidence: Evidence, settings: CleanupSettings, _: CleanupPlan) -> Answer:
    """Ask whether the approved preview is recent enough."""
    if settings.max_preview_age is None:
        return OFF
    previewed_at = evidence.previewed_at
    if isinstance(previewed_at, Unread):
        return Answer.unread(previewed_at)
    age = evidence.now - previewed_at
    if age < -CLOCK_SKEW:
        message = f"The preview has a time in the future ({previewed_at:%Y-%m-%d %H:%M} UTC)."
        return Answer("unknown", message, remedy="Check the clock of the worker, and preview again.")
    if age > settings.max_preview_age:
        return Answer(
            "blocked", f"The preview is {_days(age)} old; max_preview_age is {_days(settings.max_preview_age)}."
        )
    return Answer("passed", f"The preview is {_days(age)} old.")


def agreeing_previews(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether enough consecutive previews listed the approved images."""
    needed, earlier = settings.required_agreeing_previews, earlier_previews(evidence, settings)
    if not needed:
        return OFF
    if (unread := unknown_images(evidence)) is not None:
        return unread
    for preview in earlier:
        if (disagreement := _disagreement(evidence, preview)) is not None:
            return disagreement
    if len(earlier) + 2 < needed:
        message = f"There are only {len(earlier) + 2} previews in a row; required_agreeing_previews is {needed}."
        return Answer("blocked", f"{message}{_uncounted(uncounted_summary_count(evidence))}")
    if spared := plan.spared_for(Spared.NOT_IN_EARLIER_PREVIEW):
        message = f"{counted(spared, 'approved image is', 'approved images are')} missing from at least one of the last {needed} previews."
        return left_out(message, spared, settings)
    return Answer("passed", f"{max(needed, 2)} previews in a row agree, including the fresh one.")


def findings(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the preview has a critical finding that no other question answers."""
    # A severity that this release does not know may be as severe.
    critical = [finding for finding in evidence.summary["findings"] if finding["severity"] not in _MILD]
    answered, going = settings.answered_findings, {image.image_digest for image in plan.images}
    # The preview and the clean-up may protect different tags, so the preview's finding does not settle the question.
    if "protected_tag_expires" not in settings.ignored_findings:
        touched = (finding["code"] for finding in critical if not going.isdisjoint(finding["image_digests"]))
        answered -= {"protected_tag_expires"}.intersection(touched)
    if unanswered := [finding for finding in critical if finding["code"] not in answered]:
        codes = ", ".join(sorted({finding["code"] for finding in unanswered}))
        digests = [digest for finding in unanswered for digest in finding["image_digests"]]
        remedy = f"Correct the policy, and preview again; or, if they are acceptable, add {codes} to ignored_findings."
        return Answer("blocked", f"The preview has critical findings: {codes}.", digests, remedy)
    if critical:
        what = counted(critical, "critical finding is", "critical findings are")
        return Answer("passed", f"{what} ignored, or answered by other checks.")
    return Answer("passed", "The preview has no critical finding.")


def _of_changes(message: str, changed: Sequence[str], settings: CleanupSettings) -> Answer:
    if settings.whole_policy:
        return Answer("blocked", message, changed, f"{_PREVIEW_AGAIN}.")
    if settings.on_change != "spare":
        return Answer("blocked", message, changed)
    return Answer("spared", f"{message} The clean-up spares them.", changed, f"{_PREVIEW_AGAIN}.")


def _of_new_images(named: str, new: Sequence[str], settings: CleanupSettings) -> Answer:
    """Return the answer for images that nobody approved. The clean-up never touches them, but ECR itself would."""
    count = counted(new, "new image that was", "new images that were")
    message = f"A fresh preview lists the approved images, and {count} not approved: {named}"
    if settings.whole_policy:
        message = f"{message} ECR would not spare them when it acts on the policy."
        return Answer("blocked", message, new, f"{_PREVIEW_AGAIN}.")
    if settings.on_change == "block_any":
        return Answer("blocked", message, new, f"{_PREVIEW_AGAIN}; or set on_change='block' to leave them alone.")
    message = f"{message} The clean-up does not touch them."
    return Answer("warned", message, new, f"{_PREVIEW_AGAIN}, to include them.")


def _tagged_first(digests: Collection[str], evidence: Evidence) -> list[str]:
    return sorted(digests, key=lambda digest: (not _tags(digest, evidence), digest))


def _named(digests: Sequence[str], evidence: Evidence) -> str:
    """Return the first few images with their tags."""
    names = []
    for digest in digests[:_SHOWN]:
        tags = _tags(digest, evidence)
        names.append(f"{short_digest(digest)} ({first_few(tags) if tags else 'untagged'})")
    more = len(digests) - _SHOWN
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _tags(digest: str, evidence: Evidence) -> tuple[str, ...]:
    images = {} if isinstance(evidence.fresh, Unread) else evidence.fresh.images or {}
    image = images.get(digest)
    return image.image_tags if image else ()


def _uncounted(count: int) -> str:
    if not count:
        return ""
    what = counted(
        count, "earlier summary is not counted, because it", "earlier summaries are not counted, because each"
    )
    hours = MIN_TIME_BETWEEN // timedelta(hours=1)
    return (
        f" {what} lists the same images as a later one and was read less than {hours} hours before it: both may be of the same "
        "preview."
    )


def _disagreement(evidence: Evidence, earlier: PreviewList | Unread) -> Answer | None:
    """Return why an earlier preview does not count as consecutive, or None if it does."""
    if isinstance(earlier, Unread):
        return Answer.unread(earlier, "An earlier preview cannot be read: ")
    if earlier.policy_fingerprint != evidence.summary["policy_fingerprint"]:
        message = "An earlier preview is of another policy, so the count starts again with this one."
        return Answer("blocked", message, remedy="Wait for further previews, or lower required_agreeing_previews.")
    if earlier.images is None and earlier.images_fingerprint != evidence.summary["images_fingerprint"]:
        message = "An earlier preview lists different images, and has no list to compare."
        return Answer("unknown", message, remedy="Give previous_summaries that were made with images_path.")
    return None


def _days(age: timedelta) -> str:
    hours = max(age.total_seconds() / 3600, 0)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"  # noqa: PLR2004  # two days
