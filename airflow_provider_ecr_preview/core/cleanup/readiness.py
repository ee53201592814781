"""Whether clean-ups could run: every check that can be made without starting a preview, repository by repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from airflow_provider_ecr_preview.core.cleanup.answers import WITH_A_LIST, Answer
from airflow_provider_ecr_preview.core.cleanup.checks import CheckResult, Decision
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.values import cut, fitting_count, isoformat, json_size
from airflow_provider_ecr_preview.core.xcom.preview import SUMMARY_SCHEMA, PreviewSummaryXCom

READINESS_SCHEMA = "ecr-cleanup-readiness/1"


MAX_READINESS_BYTES = 48 * 1024


_MAX_MESSAGE = 300


_VERDICTS = ("blocked", "unknown", "not_checked", "warned", "spared", "passed", "off")
"""The worst first."""


_NEED_A_FRESH_PREVIEW = frozenset({"preview_unchanged"})


_NEED_A_PREVIEW = frozenset(
    {
        "approved_unchanged",
        "policy_unchanged",
        "preview_unchanged",
        "tags_unchanged",
        "preview_age",
        "agreeing_previews",
    }
)
"""What there is to compare only where a preview was made and approved."""


class ReadinessRowXCom(TypedDict):
    """What one check says of one repository; ``repository_name`` is None for the whole run."""

    registry_id: str | None
    region_name: str | None
    repository_name: str | None
    code: str
    verdict: str
    message: str
    remedy: str | None


class ReadinessXCom(TypedDict):
    """``return_value`` of the operators that clean up, with ``check_only``.

    ``verdicts`` counts the verdicts of every check. ``rows`` has one for every check of every repository, those that
    block first; ``rows_left_out`` says for how many there was no room, and ``results_uri`` has all of them.
    """

    schema: str
    action: str
    checked_at: str
    repository_count: int
    ready_repository_count: int
    verdicts: dict[str, dict[str, int]]
    rows: list[ReadinessRowXCom]
    rows_left_out: int
    results_uri: str | None


@dataclass(frozen=True)
class ReadAttempt:
    """One call that reads, tried.

    :param action: its IAM action, such as ``ecr:DescribeImages``.
    :param problem: why it failed; None if it did not.
    :param remedy: what makes it work.
    """

    action: str
    problem: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class RepositoryReadiness:
    """What the checks say of one repository.

    :param repository: the repository.
    :param checks: what they say.
    :param decision: what a clean-up would do.
    """

    repository: RepositoryId
    checks: tuple[CheckResult, ...]
    decision: Decision

    @property
    def is_ready(self) -> bool:
        """Whether no check blocks."""
        return not any(check.blocks for check in self.checks)


def without_a_preview(checks: Iterable[CheckResult], *, is_previewed: bool) -> list[CheckResult]:
    """Return what the checks say, with those not checked that need a preview which was not started.

    :param checks: what they say, with the approved preview, or a simulated one, in place of a fresh one.
    :param is_previewed: whether there is a preview that may be approved.
    """
    needed = _NEED_A_FRESH_PREVIEW if is_previewed else _NEED_A_PREVIEW
    message = "No fresh preview was started." if is_previewed else "There is no preview to approve yet."
    return [
        CheckResult(check.code, "not_checked", message) if _is_unanswered(check, needed) else check for check in checks
    ]


def _is_unanswered(check: CheckResult, needed: Container[str]) -> bool:
    if check.verdict == "off":
        return False
    # Which images are meant is known from a fresh preview, where there is no list; their tags at the approval are not.
    if check.remedy == WITH_A_LIST and check.code != "tags_unchanged":
        return True
    # What blocks without a fresh preview blocks with one.
    return check.code in needed and not check.blocks


def read_permissions(attempts: Sequence[ReadAttempt]) -> Answer:
    """Return whether every call that reads works.

    :param attempts: the calls that were tried.
    """
    failed = [attempt for attempt in attempts if attempt.problem is not None]
    if not failed:
        return Answer("passed", f"These calls work: {', '.join(attempt.action for attempt in attempts)}.")
    message = " ".join(f"{attempt.action}: {attempt.problem}" for attempt in failed)
    return Answer("unknown", message, remedy=" ".join(dict.fromkeys(filter(None, (a.remedy for a in failed)))) or None)


def change_permissions(actions: Iterable[str]) -> Answer:
    """Return that calls were not tried.

    :param actions: the IAM actions of the calls that start or change something.
    """
    return Answer(
        "not_checked",
        f"These calls were not tried, because they would start or change something: {', '.join(actions)}.",
    )


def nothing_previewed(repository: RepositoryId, now: datetime, policy_fingerprint: str = "") -> PreviewSummaryXCom:
    """Return what stands for the summary of a repository of which nothing was previewed, or could be.

    :param repository: the repository.
    :param now: the time (aware).
    :param policy_fingerprint: the policy, if it is known.
    """
    return PreviewSummaryXCom(
        schema=SUMMARY_SCHEMA,
        **repository.as_dict(),
        status="COMPLETE",
        previewed_at=isoformat(now) or "",
        policy_fingerprint=policy_fingerprint,
        images_fingerprint="",
        expiring_image_count=0,
        archiving_image_count=0,
        tagged_image_count=0,
        untagged_image_count=0,
        total_image_count=None,
        expiring_bytes_upper_bound=None,
        oldest_pushed_at=None,
        newest_pushed_at=None,
        rules=[],
        findings=[],
        sample=[],
        images_uri=None,
        next_token=None,
    )


def rows_of(readiness: Iterable[RepositoryReadiness], run_checks: Iterable[CheckResult]) -> list[ReadinessRowXCom]:
    """Return one row for every check of every repository, those that block first.

    :param readiness: what the checks say of every repository.
    :param run_checks: what the checks of the whole run say.
    """
    rows = [_row(None, check) for check in run_checks]
    rows += [_row(repository.repository, check) for repository in readiness for check in repository.checks]
    return sorted(rows, key=lambda row: _VERDICTS.index(row["verdict"]))


def readiness_xcom(
    readiness: Sequence[RepositoryReadiness],
    rows: Sequence[ReadinessRowXCom],
    *,
    action: str,
    checked_at: datetime,
    results_uri: str | None = None,
) -> ReadinessXCom:
    """Return a readiness report, in at most 48 KiB.

    :param readiness: what the checks say of every repository.
    :param rows: one for every check of every repository.
    :param action: what was checked for: ``delete``, ``archive`` or ``put``.
    :param checked_at: when (aware).
    :param results_uri: where all rows were written.
    """
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row["code"], Counter())[row["verdict"]] += 1
    value = ReadinessXCom(
        schema=READINESS_SCHEMA,
        action=action,
        checked_at=isoformat(checked_at) or "",
        repository_count=len(readiness),
        ready_repository_count=sum(repository.is_ready for repository in readiness),
        verdicts={code: dict(count) for code, count in counts.items()},
        rows=[],
        rows_left_out=len(rows),
        results_uri=results_uri,
    )
    short = [
        ReadinessRowXCom(
            **{**row, "message": cut(row["message"], _MAX_MESSAGE) or "", "remedy": cut(row["remedy"], _MAX_MESSAGE)}
        )
        for row in rows
    ]
    kept = fitting_count(short, MAX_READINESS_BYTES - json_size(value))
    value["rows"], value["rows_left_out"] = short[:kept], len(rows) - kept
    return value


def _row(repository: RepositoryId | None, check: CheckResult) -> ReadinessRowXCom:
    return ReadinessRowXCom(
        registry_id=repository.registry_id if repository else None,
        region_name=repository.region_name if repository else None,
        repository_name=repository.repository_name if repository else None,
        code=check.code,
        verdict=check.verdict,
        message=check.message,
        remedy=check.remedy,
    )
