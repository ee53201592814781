"""Check whether clean-ups could run, repository by repository, without starting a preview."""

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
"""Verdicts, the worst first."""


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
"""Checks that need an approved preview to compare with."""


class ReadinessRowXCom(TypedDict):
    """The result of one check for one repository; ``repository_name`` is None for the whole run."""

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
    block first; ``rows_left_out`` counts the rows that did not fit, and ``results_uri`` has all of them.
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
    """The trial of one read call.

    :param action: its IAM action, such as ``ecr:DescribeImages``.
    :param problem: why it failed; None if it did not.
    :param remedy: the step that makes it work.
    """

    action: str
    problem: str | None = None
    remedy: str | None = None


@dataclass(frozen=True)
class RepositoryReadiness:
    """The results of the checks for one repository.

    :param repository: the repository.
    :param checks: the results.
    :param decision: the decision that a clean-up would make.
    """

    repository: RepositoryId
    checks: tuple[CheckResult, ...]
    decision: Decision

    @property
    def is_ready(self) -> bool:
        """Whether no check blocks."""
        return not any(check.blocks for check in self.checks)


def without_a_preview(checks: Iterable[CheckResult], *, is_previewed: bool) -> list[CheckResult]:
    """Return the results, marking as unchecked the checks that need a fresh preview.

    :param checks: the results with the approved preview, or a simulated one, in place of a fresh one.
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
    # Without a list, a fresh preview reveals the approved images, but not their tags at the approval.
    if check.remedy == WITH_A_LIST and check.code != "tags_unchanged":
        return True
    # A check that blocks without a fresh preview also blocks with one.
    return check.code in needed and not check.blocks


def read_permissions(attempts: Sequence[ReadAttempt]) -> Answer:
    """Check that every read call works.

    :param attempts: the calls that were tried.
    """
    failed = [attempt for attempt in attempts if attempt.problem is not None]
    if not failed:
        return Answer("passed", f"These calls work: {', '.join(attempt.action for attempt in attempts)}.")
    message = " ".join(f"{attempt.action}: {attempt.problem}" for attempt in failed)
    return Answer("unknown", message, remedy=" ".join(dict.fromkeys(filter(None, (a.remedy for a in failed)))) or None)


def change_permissions(actions: Iterable[str]) -> Answer:
    """Return the answer for calls that were not tried.

    :param actions: the IAM actions of the calls that start or change something.
    """
    return Answer(
        "not_checked",
        f"These calls were not tried, because they would start or change something: {', '.join(actions)}.",
    )


def nothing_previewed(repository: RepositoryId, now: datetime, policy_fingerprint: str = "") -> PreviewSummaryXCom:
    """Return an empty summary for a repository without a preview.

    :param repository: the repository.
    :param now: the time (aware).
    :param policy_fingerprint: the policy, if it is known.
    """
    return PreviewSummaryXCom(
        schema=SUMMARY_SCHEMA,
        registry_id=repository.registry_id,
        region_name=repository.region_name,
        repository_name=repository.repository_name,
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

    :param readiness: the results for every repository.
    :param run_checks: the results of the checks of the whole run.
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

    :param readiness: the results for every repository.
    :param rows: one for every check of every repository.
    :param action: the action checked for: ``delete``, ``archive`` or ``put``.
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
