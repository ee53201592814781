"""The questions that a clean-up of one repository has to answer first, each a function of what is known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, WITH_A_LIST, Answer, Verdict, unread_source
from airflow_provider_ecr_preview.core.cleanup.answers import left_out as _left_out
from airflow_provider_ecr_preview.core.cleanup.answers import unknown_images as _unknown
from airflow_provider_ecr_preview.core.cleanup.approval_questions import compared_with
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import (
    CHANGES,
    CleanupPlan,
    Spared,
    approved_images,
    earlier_previews,
)
from airflow_provider_ecr_preview.core.cleanup.pulling_accounts import pulling_accounts
from airflow_provider_ecr_preview.core.cleanup.relation_questions import manifest_lists, referrers
from airflow_provider_ecr_preview.core.cleanup.replica_questions import replicas
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.referrers import can_be_run, left_to_run

__all__ = ["QUESTIONS", "Answer", "Verdict", "capped"]


_CLOCK_SKEW = timedelta(minutes=5)


_SHOWN_SOURCES = 5


_PREVIEW_AGAIN = "Preview again, and have that preview approved"


_COLLECT_AGAIN = "Collect what is in use again with EcrCollectImagesInUseOperator, which says what it may not read."


_READ_IT = (
    "Collect what is in use again, in that account and Region too, by aws_conn_ids and region_names of "
    "EcrCollectImagesInUseOperator; or name in required_scope the accounts and Regions that run images of this repository."
)


_NOT_RECORDED = (
    "Collect what is in use again with EcrCollectImagesInUseOperator and a source that reads AWS: an earlier release did "
    "not record the account and the Region."
)


def approved_unchanged(evidence: Evidence, _: CleanupSettings, __: CleanupPlan) -> Answer:
    """Ask whether the summary and its images are still those that a person has approved."""
    return compared_with(evidence.approval, evidence.summary, evidence.approved)


def policy_unchanged(evidence: Evidence, _: CleanupSettings, __: CleanupPlan) -> Answer:
    """Ask whether the policy is still the one that was approved."""
    fresh, approved = evidence.fresh, evidence.summary["policy_fingerprint"]
    if isinstance(fresh, Unread):
        return Answer.unread(fresh, "There is no fresh preview to compare with: ")
    if fresh.policy_fingerprint != approved:
        return Answer("blocked", f"The policy is {fresh.policy_fingerprint[:12]} now, {approved[:12]} was approved.")
    return Answer("passed", f"The policy is still {approved[:12]}.")


def preview_unchanged(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether a fresh preview lists the images that were approved."""
    if (unread := unread_source(evidence)) is not None:
        return Answer.unread(unread, "The approved images cannot be compared: ")
    if approved_images(evidence) is None:
        message = "A fresh preview lists other images than the approved one, and which those were is not known."
        return Answer("blocked", message, remedy=WITH_A_LIST)
    changed = [*plan.spared_for(*CHANGES), *sorted(plan.not_approved)]
    if not changed:
        gone = f" Of these, {_count(plan.gone, 'is', 'are')} gone already." if plan.gone else ""
        return Answer("passed", f"A fresh preview lists the approved images.{gone}")
    message = (
        f"A fresh preview differs in {_images(changed)}: {len(plan.not_approved)} new, and "
        f"{len(changed) - len(plan.not_approved)} changed or no longer in it."
    )
    return _of_changes(message, changed, settings)


def tags_unchanged(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the approved images have the tags that they had when they were approved."""
    if not settings.check_tags:
        return OFF
    if (unread := _unknown(evidence)) is not None:
        return unread
    if isinstance(evidence.approved, Unread) or evidence.approved.images is None:
        message = "The tags at the approval are not known: the summary has no list of all images."
        return Answer("unknown", message, remedy=WITH_A_LIST)
    changed = plan.spared_for(Spared.TAGS_CHANGED)
    if not changed:
        return Answer("passed", "No other approved image got or lost a tag.")
    return _of_changes(f"{_images(changed, 'approved image')} got or lost a tag.", changed, settings)


def preview_age(evidence: Evidence, settings: CleanupSettings, _: CleanupPlan) -> Answer:
    """Ask whether the approved preview is young enough."""
    if settings.max_preview_age is None:
        return OFF
    previewed_at = evidence.previewed_at
    if isinstance(previewed_at, Unread):
        return Answer.unread(previewed_at)
    age = evidence.now - previewed_at
    if age < -_CLOCK_SKEW:
        message = f"The preview was made in the future ({previewed_at:%Y-%m-%d %H:%M} UTC)."
        return Answer("unknown", message, remedy="Check the clock of the worker, and preview again.")
    if age > settings.max_preview_age:
        return Answer(
            "blocked", f"The preview is {_days(age)} old; max_preview_age is {_days(settings.max_preview_age)}."
        )
    return Answer("passed", f"The preview is {_days(age)} old.")


def agreeing_previews(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether enough previews in a row have listed the approved images."""
    needed, earlier = settings.required_agreeing_previews, earlier_previews(evidence, settings)
    if not needed:
        return OFF
    if (unread := _unknown(evidence)) is not None:
        return unread
    for preview in earlier:
        if (disagreement := _disagreement(evidence, preview)) is not None:
            return disagreement
    if len(earlier) + 2 < needed:
        return Answer(
            "blocked", f"There are {len(earlier) + 2} previews in a row; required_agreeing_previews is {needed}."
        )
    if spared := plan.spared_for(Spared.NOT_IN_EARLIER_PREVIEW):
        message = (
            f"{_count(spared, 'approved image is', 'approved images are')} not in each of {needed} previews in a row."
        )
        return _left_out(message, spared, settings)
    return Answer("passed", f"{max(needed, 2)} previews in a row agree, the fresh one included.")


def findings(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the preview has a critical finding that no other question answers."""
    critical = [finding for finding in evidence.summary["findings"] if finding["severity"] == "critical"]
    answered, going = settings.answered_findings, {image.image_digest for image in plan.images}
    # The tags that the preview protects may be others than those of the clean-up: what goes was not answered by them.
    if "protected_tag_expires" not in settings.ignored_findings:
        touched = (finding["code"] for finding in critical if not going.isdisjoint(finding["image_digests"]))
        answered -= {"protected_tag_expires"}.intersection(touched)
    if unanswered := [finding for finding in critical if finding["code"] not in answered]:
        codes = ", ".join(sorted({finding["code"] for finding in unanswered}))
        digests = [digest for finding in unanswered for digest in finding["image_digests"]]
        remedy = f"Correct the policy, and preview again; or name {codes} in ignored_findings if that is right."
        return Answer("blocked", f"The preview has critical findings: {codes}.", digests, remedy)
    if critical:
        what = _count(critical, "critical finding is", "critical findings are")
        return Answer("passed", f"{what} ignored, or answered by other checks.")
    return Answer("passed", "The preview has no critical finding.")


def in_use(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether it is known what is in use, and which approved images are."""
    used = evidence.in_use
    if not settings.check_in_use:
        return OFF
    if used is None:
        remedy = "Give the output of EcrCollectImagesInUseOperator as in_use, or set check_in_use=False."
        return Answer("unknown", "It is not known what is in use: in_use is not given.", remedy=remedy)
    if isinstance(used, Unread):
        return Answer("unknown", f"What is in use cannot be read: {used.reason}", remedy=used.remedy or _COLLECT_AGAIN)
    if sources := used.unread_sources:
        more = f"; and {len(sources) - _SHOWN_SOURCES} more" if len(sources) > _SHOWN_SOURCES else ""
        message = f"Not everything that may use images was read: {'; '.join(sources[:_SHOWN_SOURCES])}{more}"
        return Answer("unknown", message, remedy=_COLLECT_AGAIN)
    if missing := used.missing_scope:
        read = used.read_scope
        which = (
            f"read {'was' if len(read) == 1 else 'were'} {_places(read)}" if read else "no place is recorded as read"
        )
        message = f"What runs in {_places(missing)} is not known: {which}."
        return Answer("unknown", message, remedy=_READ_IT if read else _NOT_RECORDED)
    return _of_protection(evidence, settings, plan, Spared.IN_USE, "in use")


def protected_tags(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask which approved images have a protected tag."""
    if not settings.protection.protected_tags and not settings.protection.protected_tag_patterns:
        return OFF
    return _of_protection(evidence, settings, plan, Spared.PROTECTED_TAG, "protected by a tag")


def image_age(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask which approved images are too young."""
    days = settings.protection.min_age_days
    return _of_protection(evidence, settings, plan, Spared.TOO_YOUNG, f"younger than {days:g} days") if days else OFF


def recent_pulls(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask which approved images were pulled recently."""
    days = settings.protection.recently_pulled_days
    return (
        _of_protection(evidence, settings, plan, Spared.RECENTLY_PULLED, f"pulled within {days:g} days")
        if days
        else OFF
    )


def newest_images(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask which approved images are the newest of the repository."""
    if not settings.protection.newest_images_kept:
        return OFF
    return _of_protection(evidence, settings, plan, Spared.NEWEST, "among the newest")


def images_left(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether enough images would be left. This cannot be switched off."""
    inventory = evidence.inventory
    if isinstance(inventory, Unread):
        return Answer.unread(inventory, "The images of the repository are not known: ")
    # What is spared so that enough is left says nothing of whether the policy leaves enough.
    spared = plan.spared_for(Spared.MINIMUM_IMAGES_LEFT)
    touched = {*spared, *(image.image_digest for image in plan.images)}
    left = len(inventory) - len(touched)
    usable, needed = len(left_to_run(inventory, touched.__contains__)), max(settings.minimum_images_left, 1)
    takes_some_to_run = any(can_be_run(image) for image in inventory if image.image_digest in touched)
    if takes_some_to_run and usable < needed:
        message = f"{_number(usable, 'image')} that can be run would be left; minimum_images_left is {needed}."
        return Answer("blocked", message)
    if touched and not left:
        return Answer("blocked", "No image would be left.", remedy="Change the policy so that it keeps an image.")
    if spared:
        message = (
            f"{_images(spared, 'approved image')} {'is' if len(spared) == 1 else 'are'} spared, because the newest "
            f"{_number(needed, 'image')} that can be run always {'has' if needed == 1 else 'have'} to be left."
        )
        return Answer("spared", message, spared)
    return Answer("passed", f"{_number(usable, 'image')} that can be run would be left.")


def max_images(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the images to be touched are not too many."""
    if settings.max_images is None:
        return OFF
    return _unknown(evidence) or capped(plan.image_count, settings.max_images, "images", "max_images")


def max_share(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether they are not too large a part of the repository."""
    if settings.max_share is None:
        return OFF
    if (unread := _unknown(evidence)) is not None:
        return unread
    inventory = () if isinstance(evidence.inventory, Unread) else evidence.inventory
    # As many as there were before the first attempt.
    total = len({*plan.earlier, *(image.image_digest for image in inventory)})
    share = plan.image_count / max(total, 1)
    message = f"{share:.1%} of the repository's {_number(total, 'image')}; max_share is {settings.max_share:.1%}."
    return Answer("blocked" if share > settings.max_share else "passed", message)


def max_bytes(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether their sizes do not add up to too much."""
    if settings.max_bytes is None:
        return OFF
    return _unknown(evidence) or capped(plan.bytes_upper_bound, settings.max_bytes, "bytes at most", "max_bytes")


QUESTIONS: dict[str, Callable[[Evidence, CleanupSettings, CleanupPlan], Answer]] = {
    question.__name__: question
    for question in (
        approved_unchanged,
        policy_unchanged,
        preview_unchanged,
        tags_unchanged,
        preview_age,
        agreeing_previews,
        findings,
        in_use,
        pulling_accounts,
        replicas,
        protected_tags,
        image_age,
        recent_pulls,
        newest_images,
        referrers,
        manifest_lists,
        images_left,
        max_images,
        max_share,
        max_bytes,
    )
}
"""The questions by the code of their check, in the order in which they are listed."""


def capped(number: int | None, limit: int | None, what: str, parameter: str) -> Answer:
    """Return whether a number is within a limit.

    :param number: the number; None if it is not known.
    :param limit: the limit; None for no limit.
    :param what: what is counted.
    :param parameter: name of the operator's parameter that holds the limit.
    """
    if limit is None:
        return OFF
    if number is None:
        remedy = f"Set {parameter}=None to do without the limit."
        return Answer("unknown", f"The number of {what} is not known; {parameter} is {limit}.", remedy=remedy)
    return Answer("blocked" if number > limit else "passed", f"{number} {what}; {parameter} is {limit}.")


def _places(places: Sequence[str]) -> str:
    more = f" and {len(places) - _SHOWN_SOURCES} more" if len(places) > _SHOWN_SOURCES else ""
    return f"{', '.join(places[:_SHOWN_SOURCES])}{more}"


def _of_changes(message: str, changed: Sequence[str], settings: CleanupSettings) -> Answer:
    if settings.whole_policy:
        return Answer("blocked", message, changed, f"{_PREVIEW_AGAIN}.")
    if settings.on_change == "block":
        return Answer("blocked", message, changed)
    return Answer("spared", f"{message} They are spared.", changed, f"{_PREVIEW_AGAIN}.")


def _of_protection(
    evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan, reason: Spared, what: str
) -> Answer:
    if (unread := _unknown(evidence)) is not None:
        return unread
    if spared := plan.spared_for(reason):
        return _left_out(f"{_count(spared, 'approved image is', 'approved images are')} {what}.", spared, settings)
    return Answer("passed", f"No other approved image is {what}.")


def _disagreement(evidence: Evidence, earlier: PreviewList | Unread) -> Answer | None:
    """Return why an earlier preview does not count as one in the row, if it does not."""
    if isinstance(earlier, Unread):
        return Answer.unread(earlier, "An earlier preview cannot be read: ")
    if earlier.policy_fingerprint != evidence.summary["policy_fingerprint"]:
        message = "An earlier preview is of another policy, so that the row begins with this one."
        return Answer("blocked", message, remedy="Wait for further previews, or lower required_agreeing_previews.")
    if earlier.images is None and earlier.images_fingerprint != evidence.summary["images_fingerprint"]:
        message = "An earlier preview lists other images, and has no list that could be compared."
        return Answer("unknown", message, remedy="Give previews as previous_summaries that were made with images_path.")
    return None


def _days(age: timedelta) -> str:
    hours = max(age.total_seconds() / 3600, 0)
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"  # noqa: PLR2004  # two days


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _images(images: Collection[Any], noun: str = "image") -> str:
    return _number(len(images), noun)


def _count(things: Collection[Any], singular: str, plural: str) -> str:
    return f"{len(things)} {singular if len(things) == 1 else plural}"
