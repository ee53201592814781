"""The questions about how much a clean-up changes, and how much it leaves."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer, unknown_images
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.referrers import can_be_run, left_to_run
from airflow_provider_ecr_preview.core.text.counted import counted


def images_left(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether enough images would be left. This cannot be switched off."""
    inventory = evidence.inventory
    if isinstance(inventory, Unread):
        return Answer.unread(inventory, "The images of the repository are not known: ")
    # Images spared for the minimum count as touched here, because the policy itself would take them.
    spared = plan.spared_for(Spared.MINIMUM_IMAGES_LEFT)
    touched = {*spared, *(image.image_digest for image in plan.images)}
    left = len(inventory) - len(touched)
    usable, needed = len(left_to_run(inventory, touched.__contains__)), max(settings.minimum_images_left, 1)
    takes_some_to_run = any(can_be_run(image) for image in inventory if image.image_digest in touched)
    if takes_some_to_run and usable < needed:
        message = f"{counted(usable, 'image')} that can be run would be left; minimum_images_left is {needed}."
        return Answer("blocked", message)
    if touched and not left:
        return Answer("blocked", "No image would be left.", remedy="Change the policy so that it keeps an image.")
    if spared:
        message = (
            f"{counted(spared, 'approved image is', 'approved images are')} spared, because at least "
            f"{counted(needed, 'image')} that can be run must be left."
        )
        return Answer("spared", message, spared)
    return Answer("passed", f"{counted(usable, 'image')} that can be run would be left.")


def max_images(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the plan has too many images."""
    if settings.max_images is None:
        return OFF
    return unknown_images(evidence) or capped(plan.image_count, settings.max_images, "images", "max_images")


def max_share(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the plan has too large a share of the repository."""
    if settings.max_share is None:
        return OFF
    if (unread := unknown_images(evidence)) is not None:
        return unread
    inventory = () if isinstance(evidence.inventory, Unread) else evidence.inventory
    # Count the images that were there before the first attempt.
    total = len({*plan.earlier, *(image.image_digest for image in inventory)})
    share = plan.image_count / max(total, 1)
    message = f"The plan has {share:.1%} of the repository's {counted(total, 'image')}; max_share is {settings.max_share:.1%}."
    return Answer("blocked" if share > settings.max_share else "passed", message)


def max_bytes(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask whether the sizes of the planned images add up to too much."""
    if settings.max_bytes is None:
        return OFF
    return unknown_images(evidence) or capped(plan.bytes_upper_bound, settings.max_bytes, "bytes", "max_bytes")


def capped(number: int | None, limit: int | None, what: str, parameter: str) -> Answer:
    """Return whether a number is within a limit.

    :param number: the number; None if unknown.
    :param limit: the limit; None for no limit.
    :param what: what is counted.
    :param parameter: name of the operator's parameter that holds the limit.
    """
    if limit is None:
        return OFF
    if number is None:
        remedy = f"Set {parameter}=None to remove the limit."
        return Answer("unknown", f"The number of {what} is not known; {parameter} is {limit:,}.", remedy=remedy)
    return Answer(
        "blocked" if number > limit else "passed", f"The number of {what} is {number:,}; {parameter} is {limit:,}."
    )
