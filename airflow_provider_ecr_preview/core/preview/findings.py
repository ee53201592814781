"""Find the problems in a preview that a person should look at before anything is deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE, TRANSITION
from airflow_provider_ecr_preview.core.lint.shadow import covers, covers_every_tag
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.preview.affected import ProtectedImages, RecentPulls, UsedImages
from airflow_provider_ecr_preview.core.preview.finding import Finding, by_severity
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.referrers import Fate, ImageKind, left_of_kinds
from airflow_provider_ecr_preview.core.replication import destinations_named
from airflow_provider_ecr_preview.core.repository import DigestKey, digest_key, digest_of
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import MAX_FINDING_DIGESTS

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
    from airflow_provider_ecr_preview.core.repository import RepositoryId


_FATES = {EXPIRE: Fate.GONE, TRANSITION: Fate.ARCHIVED}


MAX_RULES_NAMED = 10


MAX_TAGS_NAMED = 5


MAX_USERS_NAMED = 3


def find(
    summary: PreviewSummary,
    inventory: RepositoryInventory | None = None,
    recent_pulls: RecentPulls | None = None,
    used_images: UsedImages | None = None,
    protected_images: ProtectedImages | None = None,
    *,
    replicas: Sequence[RepositoryId] | Unread | None = None,
    is_whole: bool = True,
) -> list[Finding]:
    """Return the findings of a preview, the most severe first.

    :param summary: the whole preview.
    :param inventory: the repository's images; without them, only problems visible in the preview itself are found.
    :param recent_pulls: the affected images that were pulled recently.
    :param used_images: the affected images in use; None if unknown.
    :param protected_images: the affected images with a protected tag.
    :param replicas: the replicas that also delete expiring images; None if they do not matter.
    :param is_whole: whether the summary covers every affected image; if not, it is unknown what stays.
    """
    findings = [*_of_used_images(used_images)] if used_images is not None else []
    findings += [*_of_shadowed_rules(summary), *_of_archiving(summary), *_of_replicas(summary, replicas)]
    if protected_images is not None:
        findings += _of_protected_images(protected_images)
    if inventory is not None:
        findings += [*_of_what_is_left(summary, inventory), *_of_idle_rules(summary, inventory)]
        findings += _of_referrers(summary, inventory, used_images) if is_whole else []
    if recent_pulls is not None:
        findings += _of_recent_pulls(recent_pulls)
    return by_severity(findings)


def _of_what_is_left(summary: PreviewSummary, inventory: RepositoryInventory) -> Iterator[Finding]:
    newest = inventory.newest_image
    newest_key = None if newest is None else digest_key(newest.image_digest)
    runnable = [key for key, kind in inventory.kinds() if kind.can_be_run]
    going = sum(key in summary.actions for key in runnable)
    total = inventory.total_image_count
    if going and not left_of_kinds(inventory.kinds(), summary.actions.__contains__, newest_key):
        rest = (
            " The images that stay are untagged, and may be parts of manifest lists that go."
            if going < len(runnable)
            else ""
        )
        yield Finding(
            "would_empty_repository",
            "critical",
            f"No image that can be run would be left: {going} of {len(runnable)} would expire or be archived.{rest} Add a "
            "rule that keeps the newest images (imageCountMoreThan).",
        )
    elif total and summary.expiring_image_count >= total:
        yield Finding(
            "would_empty_repository",
            "critical",
            f"Every image would expire ({total} of {total}), though none of them can be run by itself. Add a rule "
            "that keeps the newest images (imageCountMoreThan).",
        )
    if newest is not None and (action := summary.action_of(newest.image_digest)) is not None:
        tags = ", ".join(newest.image_tags[:3]) or "untagged"
        done = "expire" if action == EXPIRE else "be archived, and could no longer be pulled"
        yield Finding(
            "newest_image_expires",
            "critical",
            f"The newest image that can be run ({tags}) would {done}. A rule by age empties a repository that gets no "
            "new images; keep a number of images instead (imageCountMoreThan).",
            (newest.image_digest,),
        )


def _of_protected_images(protected: ProtectedImages) -> Iterator[Finding]:
    if protected.image_count:
        tags = list(dict.fromkeys(protected.examples.values()))
        more = ", ..." if len(tags) > MAX_TAGS_NAMED or protected.image_count > len(protected.examples) else ""
        yield Finding(
            "protected_tag_expires",
            "critical",
            f"{counted(protected.image_count, 'affected image has', 'affected images have')} a protected tag "
            f"({', '.join(tags[:MAX_TAGS_NAMED])}{more}). Pulls by such a tag would fail: keep these images by a rule with a "
            "lower rulePriority, or correct protected_tags.",
            tuple(protected.examples),
        )


def _of_referrers(
    summary: PreviewSummary, inventory: RepositoryInventory, used_images: UsedImages | None
) -> Iterator[Finding]:
    """Find signatures, SBOMs and attestations that go although their image stays or is in use."""

    def is_used(key: DigestKey) -> bool:
        return used_images is not None and used_images.uses(key)

    def fate(key: DigestKey) -> Fate:
        kind = inventory.kind_of(key)
        if kind is None:
            return Fate.STAYS if is_used(key) else Fate.GONE
        now = Fate.ARCHIVED if kind is ImageKind.ARCHIVED else Fate.STAYS
        return max(now, _FATES.get(summary.actions.get(key, ""), now))

    lost = [
        key
        for key, subjects in inventory.subjects.items()
        if (action := summary.actions.get(key)) is not None
        and any(fate(subject) < _FATES[action] or is_used(subject) for subject in subjects)
    ]
    if lost:
        yield Finding(
            "referrer_of_kept_image_expires",
            "critical",
            f"{counted(lost, 'signature, SBOM or attestation', 'signatures, SBOMs or attestations')} would be deleted although the "
            "image stays or is in use. Where signatures are verified, such an image can no longer be deployed. To keep cosign's "
            "signatures, add a rule for tags such as sha256-* with a lower rulePriority; untagged ones stay only if no rule "
            "selects untagged images.",
            tuple(sorted(map(digest_of, lost))[:MAX_FINDING_DIGESTS]),
        )


def _of_used_images(used: UsedImages) -> Iterator[Finding]:
    if used.image_count:
        users = ", ".join(list(dict.fromkeys(used.examples.values()))[:MAX_USERS_NAMED])
        yield Finding(
            "in_use_image_expires",
            "critical",
            f"{counted(used.image_count, 'affected image is', 'affected images are')} in use or may be started, by {users}. "
            "Expect an outage if the policy is applied: keep these images by a rule with a lower rulePriority.",
            tuple(used.examples),
        )
    if used.unread_sources:
        yield Finding(
            "in_use_unknown",
            "warning",
            f"Some sources of images in use could not be read: {'; '.join(used.unread_sources[:MAX_USERS_NAMED])}. "
            "More affected images may be in use.",
        )


def _of_recent_pulls(recent: RecentPulls) -> Iterator[Finding]:
    if recent.image_count:
        yield Finding(
            "recently_pulled_image_expires",
            "critical",
            f"{counted(recent.image_count, 'affected image was', 'affected images were')} pulled since "
            f"{recent.since:%Y-%m-%d}. Something may still use them: keep them by a rule with a lower rulePriority.",
            recent.image_digests,
        )


def _of_idle_rules(summary: PreviewSummary, inventory: RepositoryInventory) -> Iterator[Finding]:
    if not inventory.total_image_count:
        return
    hit = {priority for priority, _ in summary.counts}
    # A rule for untagged or archived images is fine even if there are none now.
    idle = [rule for rule in inventory.unmatched_rules if rule.tag_status == "tagged" and rule.priority not in hit]
    conflicting = [rule for rule in idle if len(rule.tag_patterns) > 1]
    if conflicting:
        yield Finding(
            "and_patterns_match_nothing",
            "warning",
            f"No image has tags for all patterns of {_named(conflicting)}. An image must match every pattern of a rule, "
            "not just one: write one rule for each pattern.",
        )
    dead = [rule for rule in idle if len(rule.tag_patterns) <= 1]
    if dead:
        yield Finding(
            "dead_rule",
            "warning",
            f"No image in the repository has a tag that matches {_named(dead)}. Remove rules that are no longer needed, or "
            "correct their tags.",
        )


def _of_shadowed_rules(summary: PreviewSummary) -> Iterator[Finding]:
    tagged = [rule for rule in summary.policy.rules if rule.tag_status == "tagged"]
    shadowed = [rule for rule in tagged if any(_shadows(above, rule) for above in tagged)]
    shadowed += [rule for rule in summary.policy.rules if rule.tag_status == "any" and _is_left_nothing(rule, summary)]
    if shadowed:
        yield Finding(
            "shadowed_rule",
            "warning",
            f"R{_named(shadowed)[1:]}: rules with lower numbers select the same images, so there is nothing left to "
            "select. Remove the rule, or change those above it.",
        )


def _is_left_nothing(rule: Rule, summary: PreviewSummary) -> bool:
    """Return whether rules above one for any image select every tagged and every untagged image."""
    above = [
        other
        for other in summary.policy.rules
        if other.storage_class == rule.storage_class and other.priority < rule.priority
    ]
    return any(other.tag_status == "untagged" for other in above) and any(
        other.tag_status == "tagged" and covers_every_tag(other.tag_patterns) for other in above
    )


def _shadows(above: Rule, rule: Rule) -> bool:
    return (
        above.storage_class == rule.storage_class
        and above.priority < rule.priority
        and covers(above.tag_patterns, rule.tag_patterns)
    )


def _of_archiving(summary: PreviewSummary) -> Iterator[Finding]:
    if summary.archiving_image_count:
        yield Finding(
            "storage_class_costs",
            "info",
            f"{counted(summary.archiving_image_count, 'image')} would be archived. Archived images are billed too, for at "
            "least 90 days, and restoring one costs a fee: archiving saves nothing by itself.",
        )


def _of_replicas(summary: PreviewSummary, replicas: Sequence[RepositoryId] | Unread | None) -> Iterator[Finding]:
    # Only deletions are replicated.
    if not replicas or not summary.expiring_image_count:
        return
    if isinstance(replicas, Unread):
        yield Finding(
            "replicated_deletion_unknown",
            "info",
            f"Images that expire here may also be deleted in other Regions or accounts; replication could not be read: {replicas.reason}",
        )
        return
    yield Finding(
        "replicated_deletion",
        "warning",
        f"The registry replicates deletions: {counted(summary.expiring_image_count, 'image')} that would expire here would "
        f"also be deleted in {destinations_named(replicas)}. Find out what runs there before you apply the policy.",
    )


def _named(rules: Iterable[Rule]) -> str:
    named = [f"rule {rule.priority} ({rule.selector[:60]})" for rule in rules]
    more = len(named) - MAX_RULES_NAMED
    return ", ".join(named[:MAX_RULES_NAMED]) + (f" and {more} more" if more > 0 else "")
