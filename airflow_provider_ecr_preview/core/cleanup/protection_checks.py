"""The questions about what protects single images: use, tags, age, pulls, and being among the newest."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer, left_out, unknown_images
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.text.counted import counted

_SHOWN_SOURCES = 5


_COLLECT_AGAIN = "Run EcrCollectImagesInUseOperator again; its log says which permissions are missing."


_READ_IT = (
    "Run EcrCollectImagesInUseOperator again with that account and Region in aws_conn_ids and region_names; or set "
    "required_scope to the accounts and Regions that run images of this repository."
)


_NOT_RECORDED = (
    "Run EcrCollectImagesInUseOperator again with a source that reads AWS: earlier releases did not record the account "
    "and the Region."
)


def in_use(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether every source of images in use was read, and which approved images are in use."""
    used = evidence.in_use
    if not settings.check_in_use:
        return OFF
    if used is None:
        remedy = "Give the output of EcrCollectImagesInUseOperator as in_use, or set check_in_use=False."
        return Answer("unknown", "in_use is not given, so it is not known which images are in use.", remedy=remedy)
    if isinstance(used, Unread):
        return Answer(
            "unknown", f"The images in use cannot be read: {used.reason}", remedy=used.remedy or _COLLECT_AGAIN
        )
    if sources := used.unread_sources:
        more = f"; and {len(sources) - _SHOWN_SOURCES} more" if len(sources) > _SHOWN_SOURCES else ""
        message = f"Some sources of images in use could not be read: {'; '.join(sources[:_SHOWN_SOURCES])}{more}"
        return Answer("unknown", message, remedy=_COLLECT_AGAIN)
    if missing := used.missing_scope:
        read = used.read_scope
        only = (
            f"only {_places(read)} {'was' if len(read) == 1 else 'were'} read"
            if read
            else "no place was recorded as read"
        )
        message = f"It is not known what runs in {_places(missing)}: {only}."
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
    """Ask which approved images are among the newest in the repository."""
    if not settings.protection.newest_images_kept:
        return OFF
    return _of_protection(evidence, settings, plan, Spared.NEWEST, "among the newest")


def _places(places: Sequence[str]) -> str:
    more = f" and {len(places) - _SHOWN_SOURCES} more" if len(places) > _SHOWN_SOURCES else ""
    return f"{', '.join(places[:_SHOWN_SOURCES])}{more}"


def _of_protection(
    evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan, reason: Spared, what: str
) -> Answer:
    if (unread := unknown_images(evidence)) is not None:
        return unread
    if spared := plan.spared_for(reason):
        return left_out(f"{counted(spared, 'approved image is', 'approved images are')} {what}.", spared, settings)
    return Answer("passed", f"No other approved image is {what}.")
