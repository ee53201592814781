"""The report of one owner as Markdown: what their repositories cost, and what they have to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from airflow_provider_ecr_preview.core.audit.owner_rows import OwnedRepository
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.storage import OwnerCounts
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.money import dollars, money_sentences, owner_name
from airflow_provider_ecr_preview.display.text import human_bytes


def owner_markdown(
    counts: OwnerCounts, repositories: Sequence[OwnedRepository], *, audit_id: str, audited_at: datetime
) -> str:
    """Return the report of one owner. Text from outside, such as names and tags, is never markup.

    :param counts: the sums of the owner.
    :param repositories: the repositories of the owner, the first to look at first; perhaps not all.
    :param audit_id: the audit.
    :param audited_at: when it started (aware).
    """
    sections = [
        _headline(counts, audit_id, audited_at),
        *_repositories(counts, repositories),
        *_failures(repositories),
    ]
    return "\n\n".join(sections) + "\n"


def _headline(counts: OwnerCounts, audit_id: str, audited_at: datetime) -> str:
    measured = counts["measured_repository_count"]
    lines = [
        f"# ECR repositories of {inert(owner_name(counts['owner']))}",
        "",
        f"From the audit {inert(audit_id)} of {audited_at:%Y-%m-%d %H:%M} UTC. Nothing was deleted.",
        "",
        (
            f"- {counted(counts['repository_count'], 'repository', 'repositories')}: {counts['without_policy_count']:,} without"
            f" a policy, {counts['failed_count']:,} failed"
        ),
        f"- {counted(counts['expiring_image_count'], 'image')} would expire",
        (
            f"- findings: {counts['critical_finding_count']:,} critical, {counts['warning_finding_count']:,} warnings,"
            f" {counts['info_finding_count']:,} infos; {counts.get('acknowledged_finding_count', 0):,} acknowledged"
        ),
        *(f"- {sentence}" for sentence in (money_sentences(counts) if measured else ())),
    ]
    return "\n".join(lines)


def _repositories(counts: OwnerCounts, repositories: Sequence[OwnedRepository]) -> Iterator[str]:
    yield "## Repositories"
    yield table(
        ("Repository", "Region", "Expiring:", "Stored:", "A month:", "Saved by applying:", "Never pulled:", "Findings"),
        (
            (
                verbatim(repository.repository_name),
                inert(repository.region_name or "unknown"),
                "unknown" if repository.expiring_image_count is None else f"{repository.expiring_image_count:,}",
                "unknown" if repository.stored_bytes is None else human_bytes(repository.stored_bytes),
                *(
                    "unknown" if cost is None else inert(dollars(cost))
                    for cost in (repository.cost, repository.saved_cost, repository.never_pulled_cost)
                ),
                _findings(repository),
            )
            for repository in repositories
        ),
    )
    if more := counts["repository_count"] - len(repositories):
        yield f"and {counted(more, 'more repository', 'more repositories')}; the tables under reports\\_path have all rows"


def _findings(repository: OwnedRepository) -> str:
    status = ["no policy"] if repository.status == "without_policy" else []
    acknowledged = [f"({verbatim(code)} acknowledged)" for code in repository.acknowledged]
    return ", ".join([*status, *map(verbatim, repository.findings), *acknowledged])


def _failures(repositories: Sequence[OwnedRepository]) -> Iterator[str]:
    failed = [repository for repository in repositories if repository.status == "failed"]
    if failed:
        yield "## Failed"
        yield "\n".join(
            f"- {verbatim(repository.repository_name)}: {inert(repository.message)}" for repository in failed
        )
