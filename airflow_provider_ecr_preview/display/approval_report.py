"""The report for the person who approves a clean-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_ecr_preview.core.cleanup.approval import ApprovedRepository
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.values import known_sum
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.cleanup import CLEANUP_SCHEMA
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary, PreviewSummaryXCom
from airflow_provider_ecr_preview.core.xcom.rollout import POLICY_CHANGE_SCHEMA
from airflow_provider_ecr_preview.display.approval_dry_run import (
    MAX_NAMES,
    dry_run_section,
    is_blocked,
    monthly_price,
    named,
)
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import human_bytes

MAX_ROWS = 10


MAX_EXAMPLES = 3


_SHOWN_SEVERITIES = ("critical", "warning")


_RESULTS = {"delete": CLEANUP_SCHEMA, "archive": CLEANUP_SCHEMA, "put": POLICY_CHANGE_SCHEMA}


_CONSEQUENCE = {
    "delete": "If you approve, these images are deleted. They cannot be brought back.",
    "archive": "If you approve, these images are archived, and cannot be pulled until they are restored.",
    "put": "If you approve, these policies are applied. ECR acts on them within a day; what it deletes cannot be brought "
    "back.",
}


def approval_subject(
    action: str,
    summaries: Sequence[PreviewSummaryXCom],
    *,
    dry_run: bool,
    dry_run_result: Mapping[str, Any] | None = None,
) -> str:
    """Return the request for approval in one line, starting with whether it is a dry run.

    :param action: ``delete``, ``archive`` or ``put``.
    :param summaries: the previews.
    :param dry_run: whether nothing is to be changed.
    :param dry_run_result: the result of a dry run of the same action; if nothing blocks it, its number counts: it omits
        spared images.
    """
    affected = sum(affected_count(action, summary) for summary in summaries)
    blocked = dry_run_result is not None and is_blocked(dry_run_result)
    if dry_run_result is not None and action != "put" and not blocked:
        affected = dry_run_result["touched_image_count"]
    images = counted(affected, "image", "images")
    repositories = counted(len(summaries), "repository", "repositories")
    what = {
        "delete": f"delete {images} of {repositories}",
        "archive": f"archive {images} of {repositories}",
        "put": f"apply the lifecycle policies of {repositories}, which affect {images}",
    }[action]
    warning = " Checks block it: nothing changes until they pass." if blocked else ""
    return f"{subject_prefix(action, dry_run=dry_run)}: {what}?{warning}"


def subject_prefix(action: str, *, dry_run: bool) -> str:
    """Return the prefix of every subject, so that a dry run cannot be confused with the real action.

    :param action: ``delete``, ``archive`` or ``put``.
    :param dry_run: whether nothing is to be changed.
    """
    if dry_run:
        return "DRY RUN, nothing changes even if approved"
    return "IN EARNEST" if action == "archive" else "FOR GOOD"


def approval_body(
    approval: ApprovalXCom,
    repositories: Sequence[ApprovedRepository],
    summaries: Sequence[PreviewSummaryXCom],
    *,
    dry_run_result: Mapping[str, Any] | None = None,
    failed_count: int = 0,
    rows: int = MAX_ROWS,
    price_per_gb_month: float | None = None,
    answer_by: datetime | None = None,
    links: Mapping[str, str] | None = None,
) -> str:
    """Return the request for approval as Markdown. Text from outside, such as names and messages, is never markup.

    :param approval: what the approval binds.
    :param repositories: the repositories in the approval.
    :param summaries: the previews.
    :param dry_run_result: the result of a dry run of the same action.
    :param failed_count: number of repositories that could not be previewed, and are not part of it.
    :param rows: how many repositories are named at most.
    :param price_per_gb_month: the monthly price of a gigabyte; None to show no costs.
    :param answer_by: until when the previews are young enough for the task that acts; None if they always are.
    :param links: addresses of pages with more details, by title.
    """
    sections = [
        _headline(approval, summaries, failed_count, price_per_gb_month),
        *_before(answer_by, links or {}),
        *_repositories(approval["action"], summaries, rows),
        *_findings(summaries),
        *dry_run_section(approval["action"], dry_run_result, price_per_gb_month),
        _binding(approval, repositories),
    ]
    return "\n\n".join(sections) + "\n"


def dry_run_of_same(result: Any, action: str, repositories: Sequence[ApprovedRepository]) -> Mapping[str, Any]:
    """Return the result of a dry run if it matches the request for approval.

    :param result: the value given as the result of a dry run.
    :param action: ``delete``, ``archive`` or ``put``.
    :param repositories: the repositories to approve.
    :raises ValueError: if it is anything else; says what to give.
    """
    schema = _RESULTS[action]
    if not isinstance(result, Mapping) or result.get("schema") != schema or not result.get("dry_run"):
        raise ValueError(
            f"dry_run_result is not the result of a dry run ({schema}). Give the output of the operator that acts later, run "
            "with dry_run=True."
        )
    approved = {repository.repository: repository for repository in repositories}
    for found in result["repositories"]:
        known = approved.get(RepositoryId.of(found))
        if known is None or found["policy_fingerprint"] != known.policy_fingerprint:
            raise ValueError(
                f"dry_run_result and summary are of different previews of {RepositoryId.of(found)}. Repeat the dry run with "
                "this summary."
            )
    return result


def affected_count(action: str, summary: PreviewSummaryXCom) -> int:
    """Return how many images of a preview an action applies to: an image approved for archiving is not deleted.

    :param action: ``delete``, ``archive`` or ``put``.
    :param summary: the preview.
    """
    return summary["expiring_image_count"] + (0 if action == "delete" else summary["archiving_image_count"])


def _before(answer_by: datetime | None, links: Mapping[str, str]) -> Iterator[str]:
    """Yield the deadline for the answer, and links to more details."""
    if links:
        yield " · ".join(f"[{inert(title)}]({address})" for title, address in links.items())
    if answer_by is not None:
        until = answer_by.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        yield (
            f"**Answer by {until}.** After that the previews are too old, and the task that acts is blocked: clear the task that "
            "previews, and this one, to ask again."
        )


def _headline(
    approval: ApprovalXCom,
    summaries: Sequence[PreviewSummaryXCom],
    failed_count: int,
    price_per_gb_month: float | None,
) -> str:
    action, dry_run = approval["action"], approval["dry_run"]
    expiring = sum(summary["expiring_image_count"] for summary in summaries)
    archiving = sum(summary["archiving_image_count"] for summary in summaries)
    size = known_sum(summary["expiring_bytes_upper_bound"] for summary in summaries)
    previewed_at = sorted(summary["previewed_at"] for summary in summaries)
    consequence = "" if dry_run else _CONSEQUENCE[action]
    images = counted(expiring, "image", "images")
    most = "an unknown size" if size is None else f"at most {human_bytes(size)}"
    lines = [
        f"**{subject_prefix(action, dry_run=dry_run)}.** {consequence}".rstrip(),
        "",
        f"- {counted(len(summaries), 'repository', 'repositories')}: {images} would expire, {archiving:,} would be archived",
        f"- {most} would be freed by expiring images (layers are shared){monthly_price(size, price_per_gb_month)}",
    ]
    if previewed_at:
        first, last = previewed_at[0], previewed_at[-1]
        lines.append(
            f"- previewed {f'at {inert(first)}' if first == last else f'from {inert(first)} to {inert(last)}'}"
        )
    if failed_count:
        failed = counted(failed_count, "repository", "repositories")
        lines.append(f"- **{failed} could not be previewed**; nothing is done there")
    return "\n".join(lines)


def _repositories(action: str, summaries: Sequence[PreviewSummaryXCom], rows: int) -> Iterator[str]:
    affected = [summary for summary in summaries if affected_count(action, summary)]
    if not affected:
        return
    affected.sort(key=lambda summary: (-affected_count(action, summary), summary["repository_name"]))
    yield "## Repositories"
    yield table(
        ("Repository", "Expiring:", "Archiving:", "Images:", "Bytes at most:", "Findings"),
        (
            (
                named(summary),
                f"{summary['expiring_image_count']:,}",
                f"{summary['archiving_image_count']:,}",
                "unknown" if summary["total_image_count"] is None else f"{summary['total_image_count']:,}",
                human_bytes(summary["expiring_bytes_upper_bound"]),
                ", ".join(sorted({verbatim(finding["code"]) for finding in summary["findings"]})),
            )
            for summary in affected[:rows]
        ),
    )
    if len(affected) > rows:
        yield f"and {len(affected) - rows:,} more"


def _findings(summaries: Sequence[PreviewSummaryXCom]) -> Iterator[str]:
    """Yield the findings by their codes, so that a common one does not hide the others."""
    found: dict[tuple[int, str], list[tuple[str, FindingSummary]]] = {}
    for summary in summaries:
        for finding in summary["findings"]:
            if finding["severity"] in _SHOWN_SEVERITIES:
                key = (_SHOWN_SEVERITIES.index(finding["severity"]), finding["code"])
                found.setdefault(key, []).append((named(summary), finding))
    if not found:
        return
    yield "## Findings"
    lines = []
    for _, alike in sorted(found.items()):
        finding = alike[0][1]
        repositories = counted(len(alike), "repository", "repositories")
        lines.append(f"- **{finding['severity']}** `{finding['code']}` in {repositories}")
        lines += [f"  - {name}: {inert(finding['message'])}" for name, finding in alike[:MAX_EXAMPLES]]
    yield "\n".join(lines)


def _binding(approval: ApprovalXCom, repositories: Sequence[ApprovedRepository]) -> str:
    held = (
        f"Policies, images and tags as previewed; digest {verbatim(approval['digest'])}. If one of them changes before the task "
        "acts, that task changes nothing."
    )
    lines = ["## What you approve", "", held]
    if without_tags := [
        named(repository.as_dict()) for repository in repositories if repository.tags_fingerprint is None
    ]:
        shown = ", ".join(without_tags[:MAX_NAMES]) + (
            f" and {len(without_tags) - MAX_NAMES:,} more" if len(without_tags) > MAX_NAMES else ""
        )
        lines += [
            "",
            f"Tags are not part of the approval in {shown}: there is no list of all images (`images_path`, `reports_path`).",
        ]
    return "\n".join(lines)
