"""The XCom contract of a clean-up, always at most 48 KiB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from airflow_provider_ecr_preview.core.cleanup.approval import Approval
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult
from airflow_provider_ecr_preview.core.cleanup.outcome import ImageOutcome, RepositoryCleanup
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.stored import Unread
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import (
    cut,
    fitted,
    isoformat,
    json_size,
    known_sum,
    with_fitting_repositories,
)
from airflow_provider_ecr_preview.core.xcom.cleanup import (
    CLEANUP_SCHEMA,
    MAX_CLEANUP_BYTES,
    CheckXCom,
    FailedImageXCom,
    ImageCleanupXCom,
    RepositoryCleanupXCom,
    SparedImageXCom,
)

MAX_REPOSITORIES = 200


MAX_EXAMPLES = 10


_MIN_ARCHIVE_MONTHS = 3


_GIGABYTE = 1_000_000_000


class _Limits(NamedTuple):
    """The maximum length of each list and message, and whether the checks that passed are."""

    digests: int
    characters: int
    passed: bool = True


_LIMITS = (_Limits(10, 500), _Limits(5, 300), _Limits(2, 200), _Limits(0, 120), _Limits(0, 120, passed=False))


def cleanup_xcom(
    cleanups: Sequence[RepositoryCleanup],
    *,
    action: CleanupAction,
    dry_run: bool,
    run_checks: Iterable[CheckResult],
    started_at: datetime,
    finished_at: datetime,
    archive_price_per_gb_month: float | None = None,
    results_uri: str | None = None,
    approval: Approval | None = None,
) -> ImageCleanupXCom:
    """Return the result of a clean-up.

    :param cleanups: the outcome of every repository.
    :param action: ``delete`` or ``archive``.
    :param dry_run: whether nothing was to be changed.
    :param run_checks: the results of the checks of the whole run.
    :param started_at: when it began (aware).
    :param finished_at: when it ended (aware).
    :param archive_price_per_gb_month: the monthly price of a gigabyte in the archive.
    :param results_uri: where the list of all images was written.
    :param approval: the approval that binds the clean-up; None if there is none.
    """
    repositories = [_repository(cleanup) for cleanup in cleanups]
    size = known_sum(repository["touched_bytes_upper_bound"] for repository in repositories)
    value = ImageCleanupXCom(
        schema=CLEANUP_SCHEMA,
        action=action,
        dry_run=dry_run,
        status=overall_status(cleanups),
        started_at=isoformat(started_at) or "",
        finished_at=isoformat(finished_at) or "",
        repository_count=len(repositories),
        touched_image_count=sum(repository["touched_image_count"] for repository in repositories),
        touched_bytes_upper_bound=size,
        reply_lost_image_count=sum(cleanup.reply_lost_image_count for cleanup in cleanups),
        earlier_attempt_image_count=sum(cleanup.earlier_image_count for cleanup in cleanups),
        failed_image_count=sum(sum(repository["failures"].values()) for repository in repositories),
        spared_image_count=sum(sum(repository["spared"].values()) for repository in repositories),
        statuses=dict(Counter(repository["status"] for repository in repositories)),
        checks=[check_xcom(check) for check in run_checks],
        cost=archive_cost(size, archive_price_per_gb_month) if action == "archive" else None,
        repositories=sorted(repositories, key=_by_weight),
        repositories_left_out=0,
        results_uri=results_uri,
        approval=None if approval is None else approval.as_dict(),
    )
    if dry_run:
        value["lifecycle_policies"] = _policies(cleanups)
        if json_size(value) > MAX_CLEANUP_BYTES:
            value["lifecycle_policies"] = {}
    value = fitted(value, MAX_CLEANUP_BYTES, _LIMITS, _cut_to)
    return with_fitting_repositories(value, MAX_CLEANUP_BYTES, MAX_REPOSITORIES)


def overall_status(cleanups: Iterable[RepositoryCleanup]) -> str:
    """Return the most severe status of any repository."""
    statuses = {cleanup.status for cleanup in cleanups}
    return next((status for status in _STATUSES if status in statuses), "nothing_to_do")


def archive_cost(size: int | None, price_per_gb_month: float | None) -> str:
    """Describe the cost of archiving.

    :param size: archived bytes, as an upper bound; None if unknown.
    :param price_per_gb_month: the monthly price of a gigabyte in the archive; None if not given.
    """
    text = (
        "Archived images are billed too, for at least 90 days, and restoring one costs a fee: archiving saves nothing by "
        "itself."
    )
    if size is None or price_per_gb_month is None:
        return text
    cost = size / _GIGABYTE * price_per_gb_month * _MIN_ARCHIVE_MONTHS
    return f"{text} At {price_per_gb_month:g} per GB and month, they cost at most {cost:.2f} for the first 90 days."


_STATUSES = ("incomplete", "stopped", "blocked", "done", "dry_run", "nothing_to_do")


def _policies(cleanups: Iterable[RepositoryCleanup]) -> dict[str, str]:
    """Return the texts of the previewed and of the applied policies, by their fingerprints."""
    texts: dict[str, str] = {}
    for cleanup in cleanups:
        if (previewed := cleanup.decision.evidence.policy) is not None:
            for policy in (previewed.policy, previewed.applied):
                if isinstance(policy, LifecyclePolicy):
                    texts[policy.fingerprint] = policy.text
    return texts


def _repository(cleanup: RepositoryCleanup) -> RepositoryCleanupXCom:
    summary, plan, counts = cleanup.decision.evidence.summary, cleanup.decision.plan, cleanup.counts
    touched = cleanup.of_status("deleted", "archived", "would_delete", "would_archive")
    failed = cleanup.of_status("failed", "unknown")
    repository = RepositoryId.of(summary)
    value = RepositoryCleanupXCom(
        registry_id=repository.registry_id,
        region_name=repository.region_name,
        repository_name=repository.repository_name,
        policy_fingerprint=summary["policy_fingerprint"],
        images_fingerprint=summary["images_fingerprint"],
        status=cleanup.status,
        approved_image_count=summary["expiring_image_count"] + summary["archiving_image_count"],
        touched_image_count=len(touched),
        touched_bytes_upper_bound=_size_of(touched),
        reply_lost_image_count=cleanup.reply_lost_image_count,
        earlier_attempt_image_count=cleanup.earlier_image_count,
        gone_image_count=counts["gone"],
        not_approved_image_count=len(plan.not_approved),
        spared=dict(cleanup.reasons("spared")),
        may_be_refused_image_count=len(plan.may_be_refused) if cleanup.status == "dry_run" else 0,
        failures=dict(cleanup.reasons("failed")),
        unknown_image_count=counts["unknown"],
        not_attempted_image_count=counts["not_attempted"],
        failed_images=[_failed(outcome) for outcome in failed[:MAX_EXAMPLES]],
        image_digests=[outcome.image_digest for outcome in touched[:MAX_EXAMPLES]],
        checks=[check_xcom(check) for check in cleanup.decision.checks],
        error=None if cleanup.error is None else type(cleanup.error).__name__,
        message=None if cleanup.error is None else str(cleanup.error),
        spared_images=_spared_images(cleanup),
    )
    previewed = cleanup.decision.evidence.policy
    if previewed is not None and not isinstance(previewed.applied, Unread):
        value["applied_policy_fingerprint"] = None if previewed.applied is None else previewed.applied.fingerprint
    return value


def _cut_to(value: ImageCleanupXCom, limits: _Limits) -> ImageCleanupXCom:
    return {
        **value,
        "checks": [cut_check(check, limits.characters, limits.digests) for check in value["checks"]],
        "repositories": [_repository_cut_to(repository, limits) for repository in value["repositories"]],
    }


def _repository_cut_to(repository: RepositoryCleanupXCom, limits: _Limits) -> RepositoryCleanupXCom:
    digests, characters = limits.digests, limits.characters
    return {
        **repository,
        "image_digests": repository["image_digests"][:digests],
        "message": cut(repository["message"], characters),
        "failed_images": [
            {**failed, "message": cut(failed["message"], characters)}
            for failed in repository["failed_images"][:digests]
        ],
        "spared_images": [
            {
                **spared,
                "message": cut(spared["message"], characters) or "",
                "remedy": cut(spared["remedy"], characters) or "",
            }
            for spared in repository.get("spared_images", ())[:digests]
        ],
        "checks": [
            cut_check(check, limits.characters, limits.digests)
            for check in repository["checks"]
            if limits.passed or is_notable(check)
        ],
    }


def cut_check(check: CheckXCom, characters: int | None, digests: int | None = None) -> CheckXCom:
    """Return the result of a check with shorter texts and fewer images.

    :param check: the result.
    :param characters: the maximum length of its texts; None for no limit.
    :param digests: the maximum number of its images; None for no limit.
    """
    message, remedy = check["message"], check.get("remedy")
    if characters is not None:
        message, remedy = cut(message, characters) or "", cut(remedy, characters)
    return {**check, "image_digests": check["image_digests"][:digests], "message": message, "remedy": remedy}


def is_notable(check: CheckXCom) -> bool:
    """Return whether a check says more than that it passed or is off."""
    return check["verdict"] not in ("passed", "off")


def check_xcom(check: CheckResult, characters: int | None = None) -> CheckXCom:
    """Return the result of a check in plain JSON types.

    :param check: the result.
    :param characters: the maximum length of its texts; None for no limit.
    """
    whole = CheckXCom(
        code=check.code,
        verdict=check.verdict,
        message=check.message,
        image_digests=list(check.image_digests),
        remedy=check.remedy,
    )
    return cut_check(whole, characters)


def _spared_images(cleanup: RepositoryCleanup) -> list[SparedImageXCom]:
    """Return examples of spared images, starting with one for every reason."""
    first: dict[str, SparedImageXCom] = {}
    others: list[SparedImageXCom] = []
    for outcome in cleanup.of_status("spared"):
        if (reason := outcome.spared_reason) is None:
            continue
        image = SparedImageXCom(
            image_digest=outcome.image_digest,
            reason=outcome.reason or "",
            check=reason.check,
            message=outcome.message or reason.meaning,
            remedy=reason.remedy,
        )
        if first.setdefault(image["reason"], image) is not image and len(others) < MAX_EXAMPLES:
            others.append(image)
    return [*first.values(), *others][:MAX_EXAMPLES]


def _failed(outcome: ImageOutcome) -> FailedImageXCom:
    return FailedImageXCom(
        image_digest=outcome.image_digest, status=outcome.status, code=outcome.reason, message=outcome.message
    )


def _size_of(outcomes: Sequence[ImageOutcome]) -> int | None:
    return known_sum(outcome.image_size_in_bytes for outcome in outcomes)


def _by_weight(repository: RepositoryCleanupXCom) -> tuple[int, int, str]:
    return (
        _STATUSES.index(repository["status"]),
        -repository["touched_image_count"],
        repository["repository_name"],
    )
