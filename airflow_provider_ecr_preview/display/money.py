"""What an audit says of money and owners, as tables for task logs and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich import box
from rich.console import RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.audit import AuditXCom
from airflow_provider_ecr_preview.core.xcom.storage import StorageXCom
from airflow_provider_ecr_preview.display.markdown import inert, table
from airflow_provider_ecr_preview.display.text import human_bytes, text_of


class _Table(NamedTuple):
    """A table of both forms."""

    title: str
    headers: tuple[str, ...]
    rows: list[tuple[str, ...]]
    note: str


def money_tables(audit: AuditXCom, rows: int) -> Iterator[RenderableType]:
    """Yield what the images cost, the most wasteful repositories and the owners, for task logs.

    :param audit: the audit.
    :param rows: how many rows each table has at most.
    """
    if "storage" in audit:
        yield text_of(*money_sentences(audit["storage"]))
    for shown in _tables(audit, rows):
        drawn = Table(title=shown.title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for header in shown.headers:
            is_number = header.endswith(":")
            drawn.add_column(header.removesuffix(":"), justify="right" if is_number else "left", overflow="fold")
        for row in shown.rows:
            drawn.add_row(*map(text_of, row))
        yield drawn
        if shown.note:
            yield text_of(shown.note)


def money_markdown(audit: AuditXCom, rows: int) -> Iterator[str]:
    """Yield the same as sections of Markdown.

    :param audit: the audit.
    :param rows: how many rows each table has at most.
    """
    if "storage" in audit:
        yield "## What it costs"
        yield "\n".join(f"- {sentence}" for sentence in money_sentences(audit["storage"]))
    for shown in _tables(audit, rows):
        yield f"## {shown.title}"
        yield table(shown.headers, (tuple(map(inert, row)) for row in shown.rows))
        if shown.note:
            yield shown.note


def dollars(amount: float) -> str:
    """Return an amount as a person reads it; one that is not zero is never shown as zero.

    :param amount: US dollars.
    """
    return "less than $0.01" if 0 < amount < 0.005 else f"${amount:,.2f}"  # noqa: PLR2004 - half a cent


def owner_name(owner: str | None) -> str:
    """Return the name that an owner is shown under.

    :param owner: the value of the owner tag; empty if there is no such tag, None if it is not known.
    """
    return "not known" if owner is None else owner or "untagged"


def money_sentences(storage: StorageXCom) -> Iterator[str]:
    """Yield what the images cost, sentence by sentence.

    :param storage: the sums.
    """
    yield (
        f"{counted(storage['stored_image_count'], 'stored image')}: at most {human_bytes(storage['stored_bytes_upper_bound'])},"
        f" {dollars(storage['monthly_cost_usd'])} a month (layers are shared)"
    )
    yield f"Goes within a day anyway, since the policy is applied: {dollars(storage['leaving_monthly_cost_usd'])} a month"
    yield f"Saved by applying the candidate policy: {dollars(storage['saved_monthly_cost_usd'])} a month"
    yield (
        f"Kept and never pulled: {counted(storage['never_pulled_image_count'], 'image')},"
        f" {dollars(storage['never_pulled_monthly_cost_usd'])} a month"
    )
    if storage["unmeasured_repository_count"]:
        unmeasured = counted(storage["unmeasured_repository_count"], "repository", "repositories")
        yield f"The images of {unmeasured} were not measured"
    if storage["unknown_size_image_count"]:
        yield f"The size of {counted(storage['unknown_size_image_count'], 'image')} is not known and counts as 0"


def _tables(audit: AuditXCom, rows: int) -> Iterator[_Table]:
    if wasteful := audit.get("wasteful", [])[:rows]:
        yield _Table(
            "Most wasteful repositories",
            ("Repository", "Region", "Owner", "Stored:", "A month:", "Saved by applying:", "Never pulled:"),
            [
                (
                    repository["repository_name"],
                    repository["region_name"] or "unknown",
                    owner_name(repository["owner"]),
                    human_bytes(repository["stored_bytes_upper_bound"]),
                    *_amounts(
                        repository["monthly_cost_usd"],
                        repository["saved_monthly_cost_usd"],
                        repository["never_pulled_monthly_cost_usd"],
                    ),
                )
                for repository in wasteful
            ],
            "",
        )
    if owners := audit.get("owners", []):
        more = len(owners[rows:]) + audit.get("owners_left_out", 0)
        yield _Table(
            "By owner",
            ("Owner", "Repositories:", "No policy:", "Expiring:", "A month:", "Saved by applying:", "Never pulled:"),
            [
                (
                    owner_name(owner["owner"]),
                    f"{owner['repository_count']:,}",
                    f"{owner['without_policy_count']:,}",
                    f"{owner['expiring_image_count']:,}",
                    *_amounts(
                        owner["monthly_cost_usd"],
                        owner["saved_monthly_cost_usd"],
                        owner["never_pulled_monthly_cost_usd"],
                    ),
                )
                for owner in owners[:rows]
            ],
            f"and {counted(more, 'more owner')}; the tables under reports_path have all rows" if more else "",
        )


def _amounts(*amounts: float) -> Sequence[str]:
    return [*map(dollars, amounts)]
