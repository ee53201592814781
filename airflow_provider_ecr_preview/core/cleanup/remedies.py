"""Every check and every reason to spare an image: what it asks, and which parameter, permission or step lifts it.

The page ``docs/reference/checks.md`` is written from here. A check or a reason that is not listed here fails the tests.
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
    """What a person has to know about a check.

    :param question: what it asks.
    :param remedy: what lifts it, where its answer does not know better.
    :param parameters: the parameters of the operators that it goes by.
    """

    question: str
    remedy: str
    parameters: tuple[str, ...] = ()


_PREVIEW_AGAIN = "Preview again, and have that preview approved"


CHECKS: Mapping[str, Check] = {
    "approval_given": Check(
        "Where an approval is given: has a person approved this action, and not a dry run only?",
        "Clear the approval task, and have it answered again.",
        ("approved",),
    ),
    "approved_unchanged": Check(
        "Where an approval is given: are policy, images, tags and summary still those that were approved?",
        "Clear the approval task, and have what is given now approved; or give the summary that was approved.",
        ("approved", "summary"),
    ),
    "policy_unchanged": Check(
        "Is the policy still the one that was approved?",
        f"{_PREVIEW_AGAIN}. If a candidate was previewed, give the same one as lifecycle_policy_text or "
        "lifecycle_policies.",
        ("summary", "lifecycle_policy_text", "lifecycle_policies"),
    ),
    "preview_unchanged": Check(
        "Does a fresh preview list the images that were approved?",
        f"{_PREVIEW_AGAIN}; or set on_change='spare' to spare the images that differ.",
        ("summary", "on_change", "timeout"),
    ),
    "tags_unchanged": Check(
        "Do the approved images still have the tags that they had at the approval?",
        f"{_PREVIEW_AGAIN}; or set on_change='spare' to spare the images whose tags changed, or check_tags=False if "
        "a tag that moves does not matter.",
        ("check_tags", "on_change"),
    ),
    "preview_age": Check(
        "Is the approved preview young enough?",
        f"{_PREVIEW_AGAIN}; or raise max_preview_age.",
        ("max_preview_age",),
    ),
    "agreeing_previews": Check(
        "Have enough previews in a row listed the approved images?",
        "Give the summaries of more previews, each with images_uri, as previous_summaries; or lower "
        "required_agreeing_previews.",
        ("required_agreeing_previews", "previous_summaries"),
    ),
    "findings": Check(
        "Is the preview free of critical findings?",
        "Correct the policy, and preview again; or name the codes of the findings in ignored_findings.",
        ("ignored_findings",),
    ),
    "in_use": Check(
        "Is it known what is in use, and is none of the approved images?",
        "Stop what uses the images, and collect what is in use again.",
        ("in_use", "required_scope", "check_in_use"),
    ),
    "pulling_accounts": Check(
        "Was every account read that may pull from the repository?",
        "Collect what is in use in these accounts, too, and name them in required_scope; or take the permission to pull "
        "away from accounts that no longer use it.",
        ("in_use", "required_scope"),
    ),
    "replicas": Check(
        "Is everything known that protects images where ECR deletes them, too, because it replicates deletions?",
        "Collect what is in use in the accounts and Regions that deletions are replicated to, too; or set "
        "check_replicas=False if nothing is lost there.",
        ("check_replicas", "in_use"),
    ),
    "protected_tags": Check(
        "Do the approved images have no protected tag?",
        "Remove the protected tags from the images, or change protected_tags and protected_tag_patterns.",
        ("protected_tags", "protected_tag_patterns"),
    ),
    "image_age": Check(
        "Are the approved images old enough?",
        "Wait until the images are older, or lower min_age_days.",
        ("min_age_days",),
    ),
    "recent_pulls": Check(
        "Were the approved images not pulled recently?",
        "Wait until the last pull is longer ago, or lower recently_pulled_days.",
        ("recently_pulled_days",),
    ),
    "newest_images": Check(
        "Are none of the approved images among the newest of the repository?",
        "Push newer images, or lower newest_images_kept.",
        ("newest_images_kept",),
    ),
    "referrers": Check(
        "Does no approved image belong to an image that stays, as a signature, an SBOM or an attestation?",
        "Nothing is to be done: they go after the image that they belong to. If they may be lost while it stays, set "
        "check_referrers=False.",
        ("check_referrers",),
    ),
    "manifest_lists": Check(
        "Does no approved manifest list name an image in use?",
        "Stop what uses the images, and collect what is in use again. If the list names other images, delete it by hand.",
        ("in_use", "check_in_use"),
    ),
    "images_left": Check(
        "Would enough images that can be run be left? This check cannot be switched off.",
        "Change the policy so that it keeps more images; or lower minimum_images_left, to 1 at the least.",
        ("minimum_images_left",),
    ),
    "max_images": Check(
        "Are not too many images of the repository to be touched?",
        "Look whether the policy takes more than it should; if not, raise max_images.",
        ("max_images",),
    ),
    "max_share": Check(
        "Is not too large a share of the repository to be touched?",
        "Look whether the policy takes more than it should; if not, raise max_share.",
        ("max_share",),
    ),
    "max_bytes": Check(
        "Do the sizes of the images to be touched not add up to too much?",
        "Look whether the policy takes more than it should; if not, raise max_bytes.",
        ("max_bytes",),
    ),
    "run_max_images": Check(
        "Are not too many images to be touched in all repositories together?",
        "Give fewer repositories at a time, or raise max_images_per_run.",
        ("max_images_per_run",),
    ),
    "run_max_bytes": Check(
        "Do the sizes of all images to be touched not add up to too much?",
        "Give fewer repositories at a time, or raise max_bytes_per_run.",
        ("max_bytes_per_run",),
    ),
    "applied_policy": Check(
        "Can the applied policy be read, and to restore one: is it still the policy that was put?",
        "Find out who changed the policy, and decide with them which one is right.",
        ("applied",),
    ),
    "read_permissions": Check(
        "With check_only: does every call that reads work?",
        "Allow the actions in IAM, for the role of aws_conn_id.",
        ("aws_conn_id",),
    ),
    "change_permissions": Check(
        "With check_only: which calls were not tried, because they start or change something?",
        "Compare the role of aws_conn_id with the policies of the three roles in docs/reference/iam.md.",
        ("aws_conn_id",),
    ),
    "former_policies_kept": Check(
        "Will the former policies be there to be restored?",
        "Give former_policies_path, or fewer repositories at a time.",
        ("former_policies_path",),
    ),
}
"""What a person has to know about every check, by its code, in the order in which the checks are listed."""


class SparedReason(NamedTuple):
    """What a person has to know about a reason for which an image is spared.

    :param meaning: why the image stays.
    :param check: code of the check that spares it; None where the action does, or where it is seen while images are
        deleted.
    :param remedy: what lets the image go.
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
        "The image got or lost a tag since it was approved.",
        "tags_unchanged",
        f"{_PREVIEW_AGAIN}; or set check_tags=False if a tag that moves does not matter.",
    ),
    "pushed_again": SparedReason(
        "The image was pushed again since it was approved.", "preview_unchanged", f"{_PREVIEW_AGAIN}."
    ),
    "no_longer_previewed": SparedReason(
        "A fresh preview does not list the image any more.",
        "preview_unchanged",
        "Nothing is to be done: the policy does not take the image any more.",
    ),
    "action_changed": SparedReason(
        "A fresh preview would archive what was approved to expire, or the other way round.",
        "preview_unchanged",
        f"{_PREVIEW_AGAIN}.",
    ),
    "not_in_earlier_preview": SparedReason(
        "Too few previews in a row have listed the image.",
        "agreeing_previews",
        "Wait for further previews that list the image, or lower required_agreeing_previews.",
    ),
    "newest": SparedReason("The image is among the newest.", "newest_images", CHECKS["newest_images"].remedy),
    "too_young": SparedReason("The image was pushed or restored recently.", "image_age", CHECKS["image_age"].remedy),
    "recently_pulled": SparedReason("The image was pulled recently.", "recent_pulls", CHECKS["recent_pulls"].remedy),
    "only_to_be_archived": SparedReason(
        "The image was approved to be archived, not to be deleted.",
        None,
        "Run a clean-up with action='archive' for such images.",
    ),
    "archived_already": SparedReason(
        "The image is to be archived, and is already.", None, "Nothing is to be done: the image is archived."
    ),
    "subject_stays": SparedReason(
        "The image belongs to one that stays or is in use: it is a signature, an SBOM or an attestation.",
        "referrers",
        CHECKS["referrers"].remedy,
    ),
    "referrer_stays": SparedReason(
        "An image that belongs to it is in use or has a protected tag, and ECR would delete that one with it.",
        "referrers",
        "Stop what uses the image that belongs to it, or remove its protected tag.",
    ),
    "child_in_use": SparedReason(
        "The image is a manifest list that names an image in use, or was pushed within an hour after one.",
        "manifest_lists",
        CHECKS["manifest_lists"].remedy,
    ),
    "referenced_by_manifest_list": SparedReason(
        "A manifest list that stays names the image, so that ECR refuses to delete it.",
        "manifest_lists",
        "Nothing is to be done: it goes after the lists that name it.",
    ),
    "changed_meanwhile": SparedReason(
        "The image was tagged, pulled, archived or restored while the clean-up ran.",
        None,
        f"{_PREVIEW_AGAIN}: the next clean-up judges the image as it is then.",
    ),
    "minimum_images_left": SparedReason(
        "The image is one of the newest that can be run, of which minimum_images_left, and at least one, stay.",
        "images_left",
        "Push newer images, or lower minimum_images_left, to 1 at the least.",
    ),
}
"""What a person has to know about every reason for which an image is spared, by its code."""


def lifting(error: RepositoryError) -> str:
    """Return which permission or step lifts an error of a call to ECR.

    :param error: the error; one that lacks a permission names the IAM action.
    """
    if isinstance(error, AccessDeniedError) and error.action:
        return f"Allow {error.action} on the repository in IAM, for the role of aws_conn_id."
    return next((remedy for cls, remedy in ERROR_REMEDIES if isinstance(error, cls)), _TRY_AGAIN)


_TRY_AGAIN = "Run the task again; if it fails again, do what the message says."


ERROR_REMEDIES: tuple[tuple[type[RepositoryError], str], ...] = (
    (AccessDeniedError, "Give the connection of aws_conn_id valid credentials."),
    (RepositoryNotFoundError, "Check the name, the Region and the registry, or leave the repository out of summary."),
    (LifecyclePolicyNotFoundError, "Give the policy that was previewed as lifecycle_policy_text, or apply it again."),
    (PreviewTimeoutError, "Raise timeout, and run the task again."),
    (PreviewInProgressError, "Wait until the other preview of the repository has ended, and run the task again."),
    (PreviewReplacedError, "Find out who else previews the repository, and run the task again when they are done."),
    (ThrottledError, "Run fewer tasks at the same time (a pool), and run the task again."),
    (EcrOutageError, "AWS or the network failed: run the task again later."),
    (EcrUnreachableError, "Check region_name, and endpoint_url in the connection's extra; then run the task again."),
)
"""What lifts each kind of error, the particular ones first."""
