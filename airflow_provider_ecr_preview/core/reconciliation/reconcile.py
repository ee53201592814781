"""Compare a preview with what ECR did afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from airflow_provider_ecr_preview.core.preview.finding import SEVERITY_ORDER, Finding
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.stored import PreviewList, Unread
from airflow_provider_ecr_preview.core.reconciliation.execution import ExecutedImage, PolicyExecution, UnreadExecution
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import isoformat
from airflow_provider_ecr_preview.core.xcom.preview import MAX_FINDING_DIGESTS, PreviewSummaryXCom

Category = Literal[
    "expired_as_previewed",
    "archived_as_previewed",
    "previewed_but_kept",
    "expired_without_preview",
    "archived_without_preview",
    "deletion_failed",
    "archiving_failed",
    "not_known",
]
"""The outcome of one image; ``not_known`` if the preview's images, or some of the events, could not be read."""


ReconciliationStatus = Literal["reconciled", "not_executed_yet", "unknown"]


PolicyVerdict = Literal["same", "changed", "unknown"]


ACTS_WITHIN = timedelta(days=1)
"""ECR acts on a policy within a day."""


_ARCHIVE = "TRANSITION"


@dataclass(frozen=True, slots=True)
class ReconciledImage:
    """The prediction about an image, and its outcome.

    :param image_digest: the digest.
    :param category: both in one word.
    :param image_tags: its tags.
    :param previewed_action: ``EXPIRE``, ``TRANSITION``, or None if it was not previewed.
    :param event_id: the event that names it, or None.
    :param executed_at: when it happened, or None.
    :param rule_priority: the rule that took it, or would have.
    :param failure_code: why it failed, or None.
    :param failure_reason: the same in words.
    """

    image_digest: str
    category: Category
    image_tags: tuple[str, ...] = ()
    previewed_action: str | None = None
    event_id: str | None = None
    executed_at: datetime | None = None
    rule_priority: int | None = None
    failure_code: str | None = None
    failure_reason: str | None = None

    def as_dict(self, repository: RepositoryId) -> dict[str, Any]:
        """Return it in plain JSON types, with the repository."""
        return {
            **repository.as_dict(),
            "image_digest": self.image_digest,
            "image_tags": list(self.image_tags),
            "category": self.category,
            "previewed_action": self.previewed_action,
            "event_id": self.event_id,
            "executed_at": isoformat(self.executed_at),
            "rule_priority": self.rule_priority,
            "failure_code": self.failure_code,
            "failure_reason": self.failure_reason,
        }


@dataclass(frozen=True)
class RepositoryReconciliation:
    """The outcome of one preview.

    :param summary: its summary.
    :param status: whether it could be compared.
    :param message: why it could not be compared, or when to look again.
    :param executions: the events of the repository since the preview.
    :param unread: the events that may be about the repository but cannot be understood.
    :param policy: whether ECR acted on the previewed policy; None if it did not act.
    :param images: the images; empty until something is known to have happened.
    :param findings: the problems that a person should look at, the most severe first.
    """

    summary: PreviewSummaryXCom
    status: ReconciliationStatus
    message: str | None
    executions: tuple[PolicyExecution, ...]
    unread: tuple[UnreadExecution, ...]
    policy: PolicyVerdict | None
    images: tuple[ReconciledImage, ...]
    findings: tuple[Finding, ...]

    @property
    def repository(self) -> RepositoryId:
        """The repository."""
        return RepositoryId.of(self.summary)

    @property
    def counts(self) -> Counter[str]:
        """Number of images by category."""
        return Counter(image.category for image in self.images)

    @property
    def failures(self) -> Counter[str]:
        """Number of failed images by the code that says why."""
        return Counter(image.failure_code for image in self.images if image.failure_code)

    @property
    def executed_at(self) -> datetime | None:
        """When ECR acted last, or None."""
        return max((execution.executed_at for execution in self.executions), default=None)


def reconcile(
    summary: PreviewSummaryXCom,
    previewed: PreviewList | Unread,
    events: Sequence[PolicyExecution | UnreadExecution] | Unread,
    *,
    since: datetime,
    until: datetime,
) -> RepositoryReconciliation:
    """Compare one preview with the later events.

    :param summary: the summary of the preview.
    :param previewed: its images.
    :param events: events of the Region; only those that name this repository, or none, count.
    :param since: the time of the preview (aware); CloudTrail records whole seconds.
    :param until: the end of the queried period (aware).
    """
    repository, since = RepositoryId.of(summary), since.replace(microsecond=0)
    known = () if isinstance(events, Unread) else events
    executions = tuple(
        event
        for event in known
        if isinstance(event, PolicyExecution) and event.repository == repository and since <= event.executed_at <= until
    )
    unread = tuple(
        event
        for event in known
        if isinstance(event, UnreadExecution) and event.repository_name in (None, repository.repository_name)
    )
    reason = _unknown_reason(previewed, events, unread)
    status: ReconciliationStatus = "unknown" if reason else "reconciled" if executions else "not_executed_yet"
    message = _wait_message(since, until) if status == "not_executed_yet" else reason
    policy = _policy_verdict(summary, executions)
    images = tuple(_images(previewed, executions, is_whole=not reason)) if executions else ()
    findings = [
        *_findings_of_images(images),
        *_findings_of_run(status, message, policy, unread, is_late=until >= since + ACTS_WITHIN),
    ]
    findings.sort(key=lambda finding: SEVERITY_ORDER[finding.severity])
    return RepositoryReconciliation(
        summary, status, message, executions, unread, policy, images, findings=tuple(findings)
    )


def _unknown_reason(
    previewed: PreviewList | Unread,
    events: Sequence[PolicyExecution | UnreadExecution] | Unread,
    unread: Sequence[UnreadExecution],
) -> str | None:
    if isinstance(events, Unread):
        return events.reason
    if isinstance(previewed, Unread):
        return previewed.reason
    if previewed.images is None:
        return "the summary holds only some of its images. Set images_path when you preview, so that the full list is written."
    if unread:
        return f"{counted(unread, 'event')} cannot be understood; the first: {unread[0].reason}"
    return None


def _wait_message(since: datetime, until: datetime) -> str:
    due = since + ACTS_WITHIN
    if until < due:
        return (
            f"ECR acts within a day of the preview, and CloudTrail shows it some minutes later. Look again after {due}."
        )
    return (
        "CloudTrail shows no action of ECR within a day. Check that the previewed policy was applied, and that this is the "
        "right account."
    )


def _policy_verdict(summary: PreviewSummaryXCom, executions: Sequence[PolicyExecution]) -> PolicyVerdict | None:
    if not executions:
        return None
    fingerprints = [execution.policy_fingerprints for execution in executions]
    if any(known and summary["policy_fingerprint"] not in known for known in fingerprints):
        return "changed"
    return "same" if all(fingerprints) else "unknown"


def _images(
    previewed: PreviewList | Unread, executions: Sequence[PolicyExecution], *, is_whole: bool
) -> Iterator[ReconciledImage]:
    known = None if isinstance(previewed, Unread) else previewed.images
    outcomes: dict[str, tuple[PolicyExecution, ExecutedImage]] = {}
    # The last event about an image counts, but an image that is gone no longer fails.
    for execution in sorted(executions, key=lambda execution: execution.executed_at):
        for image in execution.images:
            before = outcomes.get(image.image_digest)
            if before is None or before[1].failure_code or not image.failure_code:
                outcomes[image.image_digest] = execution, image
    for digest, (execution, image) in outcomes.items():
        of_preview = (known or {}).get(digest)
        yield ReconciledImage(
            image_digest=digest,
            category="not_known" if known is None and not image.failure_code else _category(image, of_preview),
            image_tags=image.image_tags,
            previewed_action=of_preview.action if of_preview else None,
            event_id=execution.event_id,
            executed_at=execution.executed_at,
            rule_priority=image.rule_priority,
            failure_code=image.failure_code,
            failure_reason=image.failure_reason,
        )
    for digest, kept in (known or {}).items():
        if digest not in outcomes:
            yield ReconciledImage(
                image_digest=digest,
                # It may be in an event that could not be understood.
                category="previewed_but_kept" if is_whole else "not_known",
                image_tags=kept.image_tags,
                previewed_action=kept.action,
                rule_priority=kept.applied_rule_priority,
            )


def _category(image: ExecutedImage, previewed: PreviewedImage | None) -> Category:
    """Return the outcome of an image. Details that the event omits come from the preview, or the worst is assumed."""
    action = image.action or (previewed.action if previewed else "EXPIRE")
    if image.failure_code:
        return "archiving_failed" if action == _ARCHIVE else "deletion_failed"
    is_previewed = previewed is not None and previewed.action == action
    if action == _ARCHIVE:
        return "archived_as_previewed" if is_previewed else "archived_without_preview"
    return "expired_as_previewed" if is_previewed else "expired_without_preview"


def _findings_of_images(images: Sequence[ReconciledImage]) -> Iterator[Finding]:
    by_category: dict[str, list[str]] = {}
    for image in images:
        by_category.setdefault(image.category, []).append(image.image_digest)

    def found(code: str, severity: Any, message: str) -> Iterator[Finding]:
        if digests := by_category.get(code):
            shown = tuple(sorted(digests)[:MAX_FINDING_DIGESTS])
            yield Finding(code, severity, message.format(count=len(digests)), shown)

    codes = Counter(image.failure_code for image in images if image.failure_code)
    why = ", ".join(f"{count} {code}" for code, count in codes.most_common(5))
    yield from found(
        "expired_without_preview",
        "critical",
        "Images that ECR expired although the preview did not list them: {count}. They are gone; find out what changed since the preview.",
    )
    yield from found(
        "archived_without_preview",
        "warning",
        "Images that ECR archived although the preview did not list them: {count}.",
    )
    yield from found("deletion_failed", "warning", f"Images that ECR failed to expire: {{count}} ({why}).")
    yield from found("archiving_failed", "warning", f"Images that ECR failed to archive: {{count}} ({why}).")
    yield from found(
        "previewed_but_kept",
        "info",
        "Images that the preview listed but no event names: {count}. They may still be there, or something else deleted them.",
    )


def _findings_of_run(
    status: ReconciliationStatus,
    message: str | None,
    policy: PolicyVerdict | None,
    unread: Sequence[UnreadExecution],
    *,
    is_late: bool,
) -> Iterator[Finding]:
    if policy == "changed":
        yield Finding("policy_changed", "warning", "ECR acted on a policy other than the previewed one. Preview again.")
    if unread:
        yield Finding(
            "event_not_understood",
            "warning",
            f"{counted(unread, 'event')} cannot be understood; the first: {unread[0].reason}. Look in CloudTrail by event id.",
        )
    if status == "unknown":
        yield Finding("not_reconciled", "warning", f"The preview cannot be compared: {message}")
    if status == "not_executed_yet" and is_late:
        yield Finding("not_executed_in_time", "warning", message or "")
