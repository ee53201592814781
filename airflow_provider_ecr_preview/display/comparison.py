"""A comparison of policies as tables for a person, for task logs and terminals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.text import human_bytes, text_of

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.comparison import ComparedPolicy, ComparisonXCom, PolicyTotals


ROWS = 15


_METHODS = {
    "preview": "By ECR's preview",
    "simulation": "A SIMULATION by this package over the present images, not a preview by ECR",
    "both": "By ECR's preview, compared with a simulation",
}


def comparison_table(comparison: ComparisonXCom, *, rows: int = ROWS) -> RenderableType:
    """Return a comparison as tables: what each policy takes in total, and the repositories where they differ most.

    :param comparison: the comparison.
    :param rows: how many repositories are shown.
    """
    first, *_ = comparison["policies"]
    headline = text_of(
        f"{_METHODS[comparison['method']]}. {counted(comparison['repository_count'], 'repository', 'repositories')}, "
        f"{comparison['failed_count']:,} failed; the policies differ in {comparison['differing_repository_count']:,}. "
        f"Newly and no longer affected: compared with {first['policy']!r}. Bytes are upper bounds (layers are shared)."
    )
    return Group(headline, _totals(comparison), *_repositories(comparison, rows), *_failures(comparison, rows))


def _totals(comparison: ComparisonXCom) -> Table:
    table = _table("Policy")
    for policy in comparison["policies"]:
        findings = ", ".join(f"{code} ({count})" for code, count in policy["findings"].items())
        table.add_row(text_of(visible(policy["policy"])), *_numbers(policy), text_of(findings))
    return table


def _repositories(comparison: ComparisonXCom, rows: int) -> Iterator[RenderableType]:
    differing = [
        (repository, policy)
        for repository in comparison["repositories"]
        for policy in repository["policies"][1:]
        if policy["newly_affected_image_count"] or policy["no_longer_affected_image_count"] or policy["findings"]
    ]
    if not differing:
        return
    table = _table("Repository", "Policy")
    for repository, policy in differing[:rows]:
        findings = ", ".join(finding["code"] for finding in policy["findings"])
        names = (text_of(visible(repository["repository_name"])), text_of(visible(policy["policy"])))
        table.add_row(*names, *_numbers(policy), text_of(findings))
    yield table


def _failures(comparison: ComparisonXCom, rows: int) -> Iterator[Text]:
    for failure in comparison["failures"][:rows]:
        yield text_of(f"FAILED {visible(failure['repository_name'])}: {failure['error']}: {failure['message']}")


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name)
    for name in ("Expiring", "Archiving", "Bytes", "Newly", "Bytes", "No longer"):
        table.add_column(name, justify="right")
    table.add_column("Findings")
    return table


def _numbers(policy: ComparedPolicy | PolicyTotals) -> list[str]:
    return [
        f"{policy['expiring_image_count']:,}",
        f"{policy['archiving_image_count']:,}",
        human_bytes(policy["expiring_bytes_upper_bound"]),
        f"+{policy['newly_affected_image_count']:,}",
        human_bytes(policy["newly_affected_bytes_upper_bound"]),
        f"-{policy['no_longer_affected_image_count']:,}",
    ]
