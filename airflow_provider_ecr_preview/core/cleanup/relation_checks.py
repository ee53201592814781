"""Questions about images that belong together: signatures and their subjects, manifest lists and what they name."""

from __future__ import annotations

from airflow_provider_ecr_preview.core.cleanup.answers import OFF, Answer, left_out, unknown_images
from airflow_provider_ecr_preview.core.cleanup.evidence import Evidence
from airflow_provider_ecr_preview.core.cleanup.plan import CleanupPlan
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.spared_reason import Spared
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.referrers import is_index, subject_digests
from airflow_provider_ecr_preview.core.text.counted import counted

_KEEP_REFERRERS = (
    "Change the policy so that it keeps these images, and preview it again; run a clean-up instead of applying the "
    "policy; or set check_referrers=False if they may be lost."
)


def referrers(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask which approved images belong to an image that stays, or would take such an image with them."""
    if (unknown := unknown_images(evidence)) is not None:
        return unknown if settings.check_referrers else OFF
    if subjects := plan.spared_for(Spared.REFERRER_STAYS):
        what = counted(len(subjects), "approved image has a referrer", "approved images have referrers")
        message = f"{what} that is in use or has a protected tag; ECR would delete it as well."
        return left_out(message, [*subjects, *plan.spared_for(Spared.SUBJECT_STAYS)], settings)
    if not settings.check_referrers:
        return OFF
    if spared := plan.spared_for(Spared.SUBJECT_STAYS):
        what = counted(len(spared), "approved image belongs", "approved images belong")
        message = f"{what} to an image that stays, as a signature, an SBOM or an attestation."
        return left_out(message, spared, settings, _KEEP_REFERRERS)
    images = () if isinstance(evidence.inventory, Unread) else evidence.inventory
    if not any(map(subject_digests, images)):
        return Answer("off", "No image in the repository belongs to another one.")
    going = {image.image_digest for image in plan.images} if settings.action == "delete" else set()
    others = sum(image.subject_manifest_digest in going and image.image_digest not in going for image in images)
    belonging = counted(others, "other image that belongs", "other images that belong")
    along = f" Within a day, ECR also deletes {belonging} to them."
    return Answer("passed", f"No other approved image belongs to one that stays.{along if others else ''}")


def manifest_lists(evidence: Evidence, settings: CleanupSettings, plan: CleanupPlan) -> Answer:
    """Ask which approved manifest lists contain an image in use, and which images a list that stays may contain."""
    if (unknown := unknown_images(evidence)) is not None:
        return unknown
    if spared := plan.spared_for(Spared.CHILD_IN_USE):
        what = counted(len(spared), "approved manifest list names", "approved manifest lists name")
        return left_out(f"{what} an image in use, or was pushed right after one.", spared, settings)
    if spared := plan.spared_for(Spared.REFERENCED_BY_MANIFEST_LIST):
        what = counted(len(spared), "approved image is", "approved images are")
        return Answer("spared", f"{what} named by a manifest list that stays, so ECR refuses to delete them.", spared)
    images = () if isinstance(evidence.inventory, Unread) else evidence.inventory
    if not any(map(is_index, images)):
        return Answer("off", "The repository has no manifest list.")
    maybe = len(plan.may_be_refused)
    if not maybe or settings.whole_policy:
        return Answer("passed", "No manifest list that stays can reference an approved image.")
    stays = counted(len(plan.lists_that_stay), "manifest list stays", "manifest lists stay")
    message = (
        f"{stays}. ECR refuses to delete images that a manifest list names, and says only then which ones: of "
        f"{counted(plan.images, 'image')}, up to {maybe} may be spared."
    )
    return Answer("passed", message)
