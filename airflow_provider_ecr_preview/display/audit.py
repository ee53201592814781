"""An audit as tables for a person, for task logs and terminals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.acknowledgements import acknowledged_table
from airflow_provider_ecr_preview.display.money import money_tables
from airflow_provider_ecr_preview.display.text import SHARED_LAYERS, human_bytes, text_of

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.audit import AuditCounts, AuditXCom, RepositoryRef


AUDIT_ROWS = 15


def audit_table(audit: AuditXCom, *, rows: int = AUDIT_ROWS) -> RenderableType:
    """Return an audit as tables: totals, the repositories that would lose the most, findings, failures.

    :param audit: the audit.
    :param rows: how many repositories are shown of each list.
    """
    parts: list[RenderableType] = [text_of(_headline(audit))]
    if _has_several_sites(audit):
        parts.append(_registries(audit))
    parts += [_top(audit, rows), *_findings(audit), *_without_policy(audit, rows), *_failures(audit, rows)]
    parts += [*acknowledged_table(audit), *money_tables(audit, rows)]
    parts += [*_changes(audit, rows), *_unknown(audit)]
    parts += [text_of(visible(note)) for note in audit.get("registry_notes", ())]
    if audit["report_uri"]:
        parts.append(text_of(f"Report: {audit['report_uri']}"))
    return Group(*parts)


def _headline(audit: AuditXCom) -> str:
    total = audit["total_image_count"]
    of_all = "" if total is None else f" of {total:,}"
    return (
        f"Audit {audit['audit_id']} of {datetime.fromisoformat(audit['audited_at']):%Y-%m-%d %H:%M} UTC. "
        f"{counted(audit['repository_count'], 'repository', 'repositories')}: {audit['previewed_count']:,} previewed, "
        f"{audit['without_policy_count']:,} without a policy, {audit['failed_count']:,} failed. "
        f"{audit['expiring_image_count']:,}{of_all} images would expire and {audit['archiving_image_count']:,} would be "
        f"archived, in {counted(audit['affected_repository_count'], 'repository', 'repositories')}; at most {_bytes(audit)} "
        f"would be freed (layers are shared){_exactly(audit)}."
    )


def _exactly(audit: AuditXCom) -> str:
    if not audit.get("expiring_bytes_exact_known"):
        return ""
    unknown = audit.get("exact_bytes_unknown_repository_count", 0)
    rest = f", without {counted(unknown, 'repository', 'repositories')}" if unknown else ""
    return f"; {human_bytes(audit.get('expiring_bytes_exact_known'))} by the manifests{rest}; {SHARED_LAYERS}"


def _unknown(audit: AuditXCom) -> Iterator[Text]:
    if audit["missing_part_count"]:
        yield text_of(
            f"INCOMPLETE: {counted(audit['missing_part_count'], 'part is', 'parts are')} missing from the audit, so their "
            "repositories are unknown."
        )
    if audit["changes"] is not None:
        yield from map(text_of, audit["changes"]["notes"])


def _registries(audit: AuditXCom) -> RenderableType:
    table = _table(
        "Registry", "Region", "Repos>", "Failed>", "No\npolicy>", "Expiring>", "Archiving>", "Bytes\nat most>"
    )
    for registry in audit["registries"]:
        table.add_row(
            text_of(registry["registry_id"] or "unknown"),
            text_of(registry["region_name"] or "unknown"),
            f"{registry['repository_count']:,}",
            f"{registry['failed_count']:,}",
            f"{registry['without_policy_count']:,}",
            f"{registry['expiring_image_count']:,}",
            f"{registry['archiving_image_count']:,}",
            _bytes(registry),
        )
    if audit["registries_left_out"]:
        return Group(
            table,
            text_of(
                f"and {counted(audit['registries_left_out'], 'more registry and Region', 'more registries and Regions')}"
            ),
        )
    return table


def _top(audit: AuditXCom, rows: int) -> RenderableType:
    regions = ["Region"] if _has_several_sites(audit) else []
    shown = audit["top"][:rows]
    is_exact = any(
        repository["expiring_image_count"] and repository.get("expiring_bytes_exact") is not None
        for repository in shown
    )
    exactly = ["Bytes\nexactly>"] if is_exact else []
    table = _table("Repository", *regions, "Expiring>", "Archiving>", "Bytes\nat most>", *exactly, "Findings")
    for repository in shown:
        total = repository["total_image_count"]
        table.add_row(
            text_of(visible(repository["repository_name"])),
            *[text_of(repository["region_name"] or "unknown") for _ in regions],
            f"{repository['expiring_image_count']:,}" + ("" if total is None else f" of {total:,}"),
            f"{repository['archiving_image_count']:,}",
            human_bytes(repository["expiring_bytes_upper_bound"]),
            *[human_bytes(repository.get("expiring_bytes_exact")) for _ in exactly],
            text_of(", ".join(repository["findings"])),
        )
    more = audit["previewed_count"] - len(shown)
    return Group(table, text_of(f"and {counted(more, 'more repository', 'more repositories')}")) if more > 0 else table


def _findings(audit: AuditXCom) -> Iterator[RenderableType]:
    if not audit["findings"]:
        return
    table = _table("Severity", "Finding", "Repos>", "For example")
    for finding in audit["findings"]:
        table.add_row(
            text_of(finding["severity"].upper()),
            text_of(finding["code"]),
            f"{finding['repository_count']:,}",
            text_of(", ".join(_name(audit, repository).plain for repository in finding["repositories"][:3])),
        )
    yield table


def _without_policy(audit: AuditXCom, rows: int) -> Iterator[RenderableType]:
    if audit["without_policy_count"]:
        names = [_name(audit, repository).plain for repository in audit["without_policy"][:rows]]
        yield text_of(f"Without a lifecycle policy: {_listed(names, audit['without_policy_count'])}")


def _failures(audit: AuditXCom, rows: int) -> Iterator[RenderableType]:
    if not audit["failed_count"]:
        return
    kinds = ", ".join(f"{name} {count:,}" for name, count in audit["errors"].items())
    yield text_of(f"Failed to preview {counted(audit['failed_count'], 'repository', 'repositories')} ({kinds})")
    shown = audit["failures"][:rows]
    for failure in shown:
        yield text_of(f"  {failure['message'] or _name(audit, failure).plain}")
    if len(shown) < audit["failed_count"]:
        yield text_of(f"  and {audit['failed_count'] - len(shown):,} more")


def _changes(audit: AuditXCom, rows: int) -> Iterator[RenderableType]:
    changes = audit["changes"]
    if changes is None:
        return
    if all(baseline["audit_id"] is None for baseline in changes["baselines"]):
        return
    yield text_of(
        f"Since the last audit: {counted(changes['newly_affected_image_count'], 'image')} newly affected, "
        f"{changes['no_longer_affected_image_count']:,} no longer affected; "
        f"{counted(changes['policy_changed_count'], 'policy', 'policies')} changed; "
        f"{counted(changes['appeared_count'], 'new repository', 'new repositories')}."
    )
    for changed in changes["alarms"][:rows]:
        yield text_of(f"  ALARM {_name(audit, changed).plain}: {changed['alarm']}")


def _name(audit: AuditXCom, ref: RepositoryRef) -> Text:
    """Return the name of a repository, with its Region if the audit covers several."""
    region = f" ({ref['region_name'] or 'Region unknown'})" if _has_several_sites(audit) else ""
    return text_of(visible(f"{ref['repository_name']}{region}"))


def _has_several_sites(audit: AuditXCom) -> bool:
    return len(audit["registries"]) + audit["registries_left_out"] > 1


def _bytes(counts: AuditCounts) -> str:
    """Return the bytes of a sum, and say if some are unknown."""
    if counts["expiring_bytes_upper_bound"] is not None:
        return human_bytes(counts["expiring_bytes_upper_bound"])
    known = human_bytes(counts["expiring_bytes_upper_bound_known"])
    return f"{known} plus the unknown sizes of {counted(counts['bytes_unknown_repository_count'], 'repository', 'repositories')}"


def _listed(names: Sequence[str], count: int) -> str:
    more = count - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def _table(*headers: str) -> Table:
    """Return an empty table; a header that ends with ``>`` is of a column of numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for header in headers:
        is_number = header.endswith(">")
        table.add_column(
            header.removesuffix(">"), justify="right" if is_number else "left", no_wrap=is_number, overflow="fold"
        )
    return table
