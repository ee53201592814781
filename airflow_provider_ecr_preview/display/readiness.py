"""A readiness report as one table for a person, for task logs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from airflow_provider_ecr_preview.core.cleanup.readiness import ReadinessRowXCom, ReadinessXCom
from airflow_provider_ecr_preview.core.text.counted import counted

MAX_ROWS = 200


_MAX_NAMES = 3


_NOT_SHOWN = ("passed", "off")


_Rows = Sequence[ReadinessRowXCom]


def readiness_table(value: ReadinessXCom, rows: _Rows) -> RenderableType:
    """Return repository, check, verdict and remedy as one table.

    Checks of a repository with the same remedy share a row, and so do repositories with the same results.

    :param value: the report.
    :param rows: one for every check of every repository.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Repository", max_width=40)
    table.add_column("Check", max_width=24)
    table.add_column("Verdict")
    table.add_column("What it found, and how to fix it")
    groups = _groups(rows)
    for group in groups[:MAX_ROWS]:
        first = group[0][0]
        said = f"{first['message']}\n-> {first['remedy']}" if first["remedy"] else first["message"]
        names = _some(row["repository_name"] or "the whole run" for row, *_ in group)
        table.add_row(Text(names), _some(row["code"] for row in group[0]), first["verdict"].upper(), Text(said))
    count, ready = value["repository_count"], value["ready_repository_count"]
    passed = sum(verdicts.get("passed", 0) for verdicts in value["verdicts"].values())
    headline = (
        f"{ready:,} of {counted(count, 'repository', 'repositories')} ready; {counted(passed, 'check', 'checks')} passed. "
        "Nothing was started, and nothing was changed."
    )
    parts: list[RenderableType] = [Text(headline), *([table] if groups else [])]
    if len(groups) > MAX_ROWS:
        parts.append(Text(f"and {counted(len(groups) - MAX_ROWS, 'more row')}."))
    return Group(*parts)


def _groups(rows: _Rows) -> list[list[list[ReadinessRowXCom]]]:
    """Group the rows of each repository by remedy, and the repositories by equal groups."""
    by_repository: dict[tuple[str | None, ...], list[ReadinessRowXCom]] = {}
    for row in rows:
        if row["verdict"] not in _NOT_SHOWN:
            place = (row["registry_id"], row["region_name"], row["repository_name"])
            by_repository.setdefault((*place, row["verdict"], row["remedy"]), []).append(row)
    groups: dict[tuple[str | None, ...], list[list[ReadinessRowXCom]]] = {}
    for (*_, verdict, remedy), alike in by_repository.items():
        groups.setdefault((verdict, remedy, *(row["code"] for row in alike)), []).append(alike)
    return [*groups.values()]


def _some(names: Iterable[str]) -> str:
    listed = [*names]
    more = len(listed) - _MAX_NAMES
    return ", ".join(listed[:_MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")
