"""An audit as Markdown, to paste in a ticket or a chat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import AuditedRepository, AuditXCom, ChangesXCom, RepositoryRef
from airflow_provider_ecr_preview.display.acknowledgements import acknowledged_markdown
from airflow_provider_ecr_preview.display.markdown import inert, listed, table, verbatim
from airflow_provider_ecr_preview.display.money import money_markdown
from airflow_provider_ecr_preview.display.text import SHARED_LAYERS, human_bytes

MAX_ROWS = 25


def audit_markdown(audit: AuditXCom, rows: int = MAX_ROWS) -> str:
    """Return an audit as Markdown. Text from outside, such as names and messages, is never markup.

    :param audit: the audit.
    :param rows: how many repositories each list names at most.
    """
    sections = [
        _headline(audit),
        *_findings(audit),
        *acknowledged_markdown(audit),
        *_top(audit, rows),
        *money_markdown(audit, rows),
        *_changes(audit["changes"], rows),
        *_without_policy(audit, rows),
        *_failures(audit, rows),
    ]
    return "\n\n".join(sections) + "\n"


def _headline(audit: AuditXCom) -> str:
    audited_at = datetime.fromisoformat(audit["audited_at"])
    total = audit["total_image_count"]
    lines = [
        f"# ECR lifecycle audit {inert(audit['audit_id'])}",
        "",
        f"{audited_at:%Y-%m-%d %H:%M} UTC. Nothing was deleted: this is what the policies would do now.",
        "",
        (
            f"- {counted(audit['repository_count'], 'repository', 'repositories')}:"
            f" {audit['previewed_count']:,} previewed, {audit['without_policy_count']:,} without a policy,"
            f" {audit['failed_count']:,} failed"
        ),
        (
            f"- {audit['expiring_image_count']:,}{'' if total is None else f' of {total:,}'} images would expire,"
            f" {audit['archiving_image_count']:,} would be archived"
        ),
        f"- {_freed(audit)}",
        *_exactly(audit),
        *(f"- {inert(note)}" for note in audit.get("registry_notes", ())),
    ]
    if audit["missing_part_count"]:
        lines.append(
            f"- **{counted(audit['missing_part_count'], 'part is', 'parts are')} missing from the audit**, so their "
            "repositories are unknown"
        )
    return "\n".join(lines)


def _freed(audit: AuditXCom) -> str:
    if audit["expiring_bytes_upper_bound"] is not None:
        return f"at most {human_bytes(audit['expiring_bytes_upper_bound'])} would be freed (layers are shared)"
    unknown = counted(audit["bytes_unknown_repository_count"], "repository", "repositories")
    return f"at most {human_bytes(audit['expiring_bytes_upper_bound_known'])} would be freed, plus the unknown sizes of {unknown}"


def _exactly(audit: AuditXCom) -> Iterator[str]:
    if audit.get("expiring_bytes_exact_known"):
        unknown = audit.get("exact_bytes_unknown_repository_count", 0)
        rest = f", without {counted(unknown, 'repository', 'repositories')}" if unknown else ""
        yield f"- {human_bytes(audit.get('expiring_bytes_exact_known'))} would be freed by the manifests{rest}; {SHARED_LAYERS}"


def _findings(audit: AuditXCom) -> Iterator[str]:
    if audit["findings"]:
        yield "## Findings"
        yield table(
            ("Severity", "Finding", "Repositories:", "For example"),
            (
                (
                    inert(finding["severity"]),
                    verbatim(finding["code"]),
                    f"{finding['repository_count']:,}",
                    ", ".join(map(_name, finding["repositories"][:3])),
                )
                for finding in audit["findings"]
            ),
        )


def _top(audit: AuditXCom, rows: int) -> Iterator[str]:
    top = [repository for repository in audit["top"] if _affected(repository)][:rows]
    if not top:
        return
    is_exact = any(
        repository["expiring_image_count"] and repository.get("expiring_bytes_exact") is not None for repository in top
    )
    exactly = ["Bytes exactly:"] if is_exact else []
    yield "## Most affected repositories"
    yield table(
        ("Repository", "Expiring:", "Archiving:", "Images:", "Bytes at most:", *exactly, "Findings"),
        (
            (
                _name(repository),
                f"{repository['expiring_image_count']:,}",
                f"{repository['archiving_image_count']:,}",
                "unknown" if repository["total_image_count"] is None else f"{repository['total_image_count']:,}",
                human_bytes(repository["expiring_bytes_upper_bound"]),
                *[human_bytes(repository.get("expiring_bytes_exact")) for _ in exactly],
                ", ".join(map(verbatim, repository["findings"])),
            )
            for repository in top
        ),
    )
    if audit["affected_repository_count"] > len(top):
        yield f"and {audit['affected_repository_count'] - len(top):,} more"


def _affected(repository: AuditedRepository) -> int:
    return repository["expiring_image_count"] + repository["archiving_image_count"]


def _changes(changes: ChangesXCom | None, rows: int) -> Iterator[str]:
    if changes is None:
        return
    yield "## Since the last audit"
    notes = [f"- {inert(note)}" for note in changes["notes"]]
    if all(baseline["audit_id"] is None for baseline in changes["baselines"]):
        yield "\n".join(notes or ["- There is no earlier audit to compare with."])
        return
    yield "\n".join(
        [
            (
                f"- {counted(changes['newly_affected_image_count'], 'image')} newly affected,"
                f" {changes['no_longer_affected_image_count']:,} no longer affected"
            ),
            f"- policy changed in {counted(changes['policy_changed_count'], 'repository', 'repositories')}",
            f"- {counted(changes['alarm_count'], 'alarm', 'alarms')}",
            *(f"- **alarm** {_name(alarm)}: {inert(alarm['alarm'] or '')}" for alarm in changes["alarms"][:rows]),
            *notes,
        ]
    )


def _without_policy(audit: AuditXCom, rows: int) -> Iterator[str]:
    if audit["without_policy_count"]:
        yield "## Without a lifecycle policy"
        yield listed(map(_name, audit["without_policy"][:rows]), audit["without_policy_count"])


def _failures(audit: AuditXCom, rows: int) -> Iterator[str]:
    if audit["failed_count"]:
        yield "## Failed"
        yield listed(
            (
                f"{_name(failure)}: {inert(failure['message'] or failure['error'] or '')}"
                for failure in audit["failures"][:rows]
            ),
            audit["failed_count"],
        )


def _name(ref: RepositoryRef) -> str:
    site = f"{ref['registry_id'] or 'unknown'}, {ref['region_name'] or 'unknown'}"
    return f"{verbatim(ref['repository_name'])} ({inert(site)})"
