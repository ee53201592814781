"""Every check and every reason to spare an image, each with the parameter, permission or step that fixes it.

The page ``docs/reference/checks.md`` is generated from this module, and tests fail for a check or a reason without an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from airflow_provider_ecr_preview.core.exceptions import (
    AccessDeniedError,
    EcrOutageError,
    EcrUnreachableError,
    LifecyclePolicyNotFoundError,
    PreviewInProgressError,
    PreviewReplacedError,
    PreviewTimeoutError,
    RepositoryError,
    RepositoryNotFoundError,
    ThrottledError,
)


class Check(NamedTuple):
    """The explanation of a check.

    :param question: what it asks.
    :param remedy: how to fix it, unless its answer says more.
    :param parameters: the operators' parameters that it uses.
    """

    question: str
    remedy: str
    parameters: tuple[str, ...] = ()


_PREVIEW_AGAIN = "Preview again, and have that preview approved"


CHECKS: Mapping[str, Check] = {
    "approval_given": Check(
        "If an approval is given: has a person approved this action, and not only a dry run?",
        "Clear the approval task, and approve again.",
        ("approved",),
    ),
    "approved_unchanged": Check(
        "If an approval is given: are policy, images, tags and summary still the approved ones?",
        "Clear the approval task, and approve the new summary; or give the approved summary.",
        ("approved", "summary"),
    ),
    "policy_unchanged": Check(
        "Is the policy still the approved one?",
        f"{_PREVIEW_AGAIN}. If a candidate was previewed, give the same one in lifecycle_policy_text or "
        "lifecycle_policies.",
        ("summary", "lifecycle_policy_text", "lifecycle_policies"),
    ),
    "preview_unchanged": Check(
        "Does a fresh preview list the approved images, unchanged? New images alone do not block: they were not approved, "
        "so the clean-up does not touch them.",
        f"{_PREVIEW_AGAIN}; or set on_change='spare' to spare the images that differ.",
        ("summary", "on_change", "timeout"),
    ),
    "tags_unchanged": Check(
        "Do the approved images still have the approved tags?",
        f"{_PREVIEW_AGAIN}; or set on_change='spare' to spare the images whose tags changed, or check_tags=False if "
        "moved tags do not matter.",
        ("check_tags", "on_change"),
    ),
    "preview_age": Check(
        "Is the approved preview recent enough?",
        f"{_PREVIEW_AGAIN}; or raise max_preview_age.",
        ("max_preview_age",),
    ),
    "agreeing_previews": Check(
        "Have enough previews in a row listed the approved images? Two summaries that list the same images count as two "
        "previews only if they were read at least 12 hours apart: ECR gives a preview no id, so they may be of the same one.",
        "Give the summaries of more previews, each with images_uri and read at least 12 hours apart, as previous_summaries; "
        "or lower required_agreeing_previews.",
        ("required_agreeing_previews", "previous_summaries"),
    ),
    "findings": Check(
        "Is the preview free of critical findings?",
        "Correct the policy, and preview again; or name the codes of the findings in ignored_findings.",
        ("ignored_findings",),
    ),
    "in_use": Check(
        "Is it known which images are in use, and is no approved image among them?",
        "Stop what uses the images, and run EcrCollectImagesInUseOperator again.",
        ("in_use", "required_scope", "check_in_use"),
    ),
    "pulling_accounts": Check(
        "Do the images in use cover every account that can pull from the repository?",
        "Run EcrCollectImagesInUseOperator for these accounts as well, and add them to required_scope; or revoke the "
        "permission to pull of accounts that no longer need it.",
        ("in_use", "required_scope"),
    ),
    "replicas": Check(
        "Is it known what protects the images in the places that deletions are replicated to?",
        "Run EcrCollectImagesInUseOperator for the accounts and Regions that deletions are replicated to; or set "
        "check_replicas=False if the images there may be deleted.",
        ("check_replicas", "in_use"),
    ),
    "protected_tags": Check(
        "Are the approved images free of protected tags?",
        "Remove the protected tags from the images, or change protected_tags and protected_tag_patterns.",
        ("protected_tags", "protected_tag_patterns"),
    ),
    "image_age": Check(
        "Are the approved images old enough?",
        "Wait until the images are older, or lower min_age_days.",
        ("min_age_days",),
    ),
    "recent_pulls": Check(
        "Was no approved image pulled recently?",
        "Wait until the last pull is longer ago, or lower recently_pulled_days.",
        ("recently_pulled_days",),
    ),
    "newest_images": Check(
        "Is no approved image among the newest in the repository?",
        "Push newer images, or lower newest_images_kept.",
        ("newest_images_kept",),
    ),
    "referrers": Check(
        "Is no approved image a signature, an SBOM or an attestation of an image that stays?",
        "Nothing needs to be done: they go after the image that they belong to. If they may go while it stays, set "
        "check_referrers=False.",
        ("check_referrers",),
    ),
    "manifest_lists": Check(
        "Do the approved manifest lists refer to no image in use?",
        "Stop what uses the images, and run EcrCollectImagesInUseOperator again. If the list does not name them, delete it by hand.",
        ("in_use", "check_in_use"),
    ),
    "images_left": Check(
        "Do enough images stay that can be run? This check cannot be switched off.",
        "Change the policy so that it keeps more images; or lower minimum_images_left (at least 1).",
        ("minimum_images_left",),
    ),
    "max_images": Check(
        "Is the number of images to be deleted or archived within max_images?",
        "Check whether the policy selects more than it should; if not, raise max_images.",
        ("max_images",),
    ),
    "max_share": Check(
        "Is the share of the repository to be deleted or archived within max_share?",
        "Check whether the policy selects more than it should; if not, raise max_share.",
        ("max_share",),
    ),
    "max_bytes": Check(
        "Is the total size of these images within max_bytes?",
        "Check whether the policy selects more than it should; if not, raise max_bytes.",
        ("max_bytes",),
    ),
    "run_max_images": Check(
        "Is the number of images in all repositories within max_images_per_run?",
        "Give fewer repositories to the task, or raise max_images_per_run.",
        ("max_images_per_run",),
    ),
    "run_max_bytes": Check(
        "Is the total size of the images in all repositories within max_bytes_per_run?",
        "Give fewer repositories to the task, or raise max_bytes_per_run.",
        ("max_bytes_per_run",),
    ),
    "applied_policy": Check(
        "Can the applied policy be read, and before a restore, is it still the policy that was put?",
        "Find out who changed the policy, and agree on the right one.",
        ("applied",),
    ),
    "read_permissions": Check(
        "With check_only: do all read calls work?",
        "Allow the actions in IAM, for the role of aws_conn_id.",
        ("aws_conn_id",),
    ),
    "change_permissions": Check(
        "With check_only: which calls were not tried, because they would start or change something?",
        "Compare the role of aws_conn_id with the policies of the three roles in docs/reference/iam.md.",
        ("aws_conn_id",),
    ),
    "former_policies_kept": Check(
        "Will the former policies be available for a restore?",
        "Set former_policies_path, or give fewer repositories to the task.",
        ("former_policies_path",),
    ),
}
"""The explanation of every check, by its code, in the order in which results list them."""


class SparedReason(NamedTuple):
    """The explanation of a reason to spare an image.

    :param meaning: why the image stays.
    :param check: code of the check that spares it; None if the action does, or if it shows only during the deletion.
    :param remedy: what stops sparing the image.
    """

    meaning: str
    check: str | None
    remedy: str


SPARED_REASONS: Mapping[str, SparedReason] = {
    "protected_tag": SparedReason(
        "A tag of the image is protected.", "protected_tags", CHECKS["protected_tags"].remedy
    ),
    "in_use": SparedReason("Something runs the image, or refers to it.", "in_use", CHECKS["in_use"].remedy),
    "tags_changed": SparedReason(
        "The image gained or lost a tag after the approval.",
        "tags_unchanged",
        f"{_PREVIEW_AGAIN}; or set check_tags=False if moved tags do not matter.",
    ),
    "pushed_again": SparedReason(
        "The image was pushed again after the approval.", "preview_unchanged", f"{_PREVIEW_AGAIN}."
    ),
    "no_longer_previewed": SparedReason(
        "A fresh preview no longer lists the image.",
        "preview_unchanged",
        "Nothing needs to be done: the policy no longer selects the image.",
    ),
    "action_changed": SparedReason(
        "A fresh preview would archive an image that was approved to expire, or the other way round.",
        "preview_unchanged",
        f"{_PREVIEW_AGAIN}.",
    ),
    "not_in_earlier_preview": SparedReason(
        "An earlier preview does not list the image.",
        "agreeing_previews",
        "Wait for further previews that list the image, or lower required_agreeing_previews.",
    ),
    "newest": SparedReason("The image is among the newest.", "newest_images", CHECKS["newest_images"].remedy),
    "too_young": SparedReason("The image was pushed or restored recently.", "image_age", CHECKS["image_age"].remedy),
    "recently_pulled": SparedReason("The image was pulled recently.", "recent_pulls", CHECKS["recent_pulls"].remedy),
    "only_to_be_archived": SparedReason(
        "The approval is to archive the image, not to delete it.",
        None,
        "Run a clean-up with action='archive' for such images.",
    ),
    "archived_already": SparedReason("The image is already archived.", None, "Nothing needs to be done."),
    "subject_stays": SparedReason(
        "The image belongs to one that stays or is in use: it is a signature, an SBOM or an attestation.",
        "referrers",
        CHECKS["referrers"].remedy,
    ),
    "referrer_stays": SparedReason(
        "An image that belongs to it is in use or has a protected tag; ECR would delete that image as well.",
        "referrers",
        "Stop what uses the image that belongs to it, or remove its protected tag.",
    ),
    "child_in_use": SparedReason(
        "The image is a manifest list that names an image in use, or was pushed within an hour after one.",
        "manifest_lists",
        CHECKS["manifest_lists"].remedy,
    ),
    "referenced_by_manifest_list": SparedReason(
        "A manifest list that stays names the image, so ECR refuses to delete it.",
        "manifest_lists",
        "Nothing needs to be done: it goes after the lists that name it.",
    ),
    "changed_meanwhile": SparedReason(
        "The image was tagged, pulled, archived or restored while the clean-up ran.",
        None,
        f"{_PREVIEW_AGAIN}: the next clean-up looks at the image again.",
    ),
    "minimum_images_left": SparedReason(
        "The image is one of the newest that can be run; minimum_images_left of these stay, and at least one.",
        "images_left",
        "Push newer images, or lower minimum_images_left (at least 1).",
    ),
}
"""The explanation of every reason to spare an image, by its code."""


def lifting(error: RepositoryError) -> str:
    """Return the permission or step that resolves an error of a call to ECR.

    :param error: the error; if a permission is missing, it names the IAM action.
    """
    if isinstance(error, AccessDeniedError) and error.action:
        return f"Allow {error.action} on the repository in IAM, for the role of aws_conn_id."
    return next((remedy for cls, remedy in ERROR_REMEDIES if isinstance(error, cls)), _TRY_AGAIN)


_TRY_AGAIN = "Run the task again; if it fails again, follow the message."


ERROR_REMEDIES: tuple[tuple[type[RepositoryError], str], ...] = (
    (AccessDeniedError, "Give the connection in aws_conn_id valid credentials."),
    (RepositoryNotFoundError, "Check the name, the Region and the registry, or leave the repository out of summary."),
    (LifecyclePolicyNotFoundError, "Give the policy that was previewed as lifecycle_policy_text, or apply it again."),
    (PreviewTimeoutError, "Raise timeout, and run the task again."),
    (PreviewInProgressError, "Wait until the repository's other preview ends, and run the task again."),
    (PreviewReplacedError, "Find out what else previews the repository, and run the task again afterwards."),
    (ThrottledError, "Run fewer tasks at the same time (use a pool), and run the task again."),
    (EcrOutageError, "AWS or the network failed: run the task again later."),
    (EcrUnreachableError, "Check region_name, and endpoint_url in the connection's extra; then run the task again."),
)
"""The remedy for each kind of error, the most specific first."""
