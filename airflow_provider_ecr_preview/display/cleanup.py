"""A clean-up as tables for a person, for task logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.cleanup.spared_images import short_digest
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.text.visible import visible
from airflow_provider_ecr_preview.display.text import human_bytes, text_of

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.core.xcom.cleanup import CheckXCom, ImageCleanupXCom, RepositoryCleanupXCom


MAX_SHOWN = 20


def cleanup_table(value: ImageCleanupXCom) -> RenderableType:
    """Return a clean-up as tables: what was done, and what every check said."""
    done = {"delete": "deleted", "archive": "archived"}[value["action"]]
    verb = f"would be {done}" if value["dry_run"] else done
    headline = (
        f"{value['status'].upper()}: {counted(value['touched_image_count'], 'image', 'images')} {verb}, at most "
        f"{human_bytes(value['touched_bytes_upper_bound'])} (layers are shared); {value['spared_image_count']:,} spared, "
        f"{value['failed_image_count']:,} failed. {counted(value['repository_count'], 'repository', 'repositories')}."
    )
    shown = value["repositories"][:MAX_SHOWN]
    parts: list[RenderableType] = [text_of(headline), *map(_of_repository, shown)]
    if more := value["repository_count"] - len(shown):
        parts.append(text_of(f"and {counted(more, 'more repository', 'more repositories')}."))
    if any(check["verdict"] != "off" for check in value["checks"]):
        parts += [text_of("The whole run"), checks_table(value["checks"])]
    if value["cost"]:
        parts.append(text_of(value["cost"]))
    return Group(*parts)


def checks_table(checks: list[CheckXCom]) -> Table:
    """Return what every check found, and how to fix those that block or spare."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Check", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("What it found, and how to fix it")
    for check in checks:
        remedy = check.get("remedy")
        said = text_of(check["message"], *([f"-> {remedy}"] if remedy else []))
        table.add_row(text_of(check["code"]), text_of(check["verdict"].upper()), said)
    return table


def _spared_images(repository: RepositoryCleanupXCom) -> Iterator[str]:
    """Yield one spared image for every reason, with what was seen and what stops sparing it."""
    shown: set[str] = set()
    for spared in repository.get("spared_images", ()):
        if spared["reason"] not in shown:
            shown.add(spared["reason"])
            digest = short_digest(spared["image_digest"])
            yield f"    {spared['reason']}, for example {digest}: {spared['message']}"
            yield f"      -> {spared['remedy']}"


def _of_repository(repository: RepositoryCleanupXCom) -> RenderableType:
    spared = ", ".join(f"{count} {reason}" for reason, count in sorted(repository["spared"].items()))
    maybe = repository.get("may_be_refused_image_count", 0)
    failures = ", ".join(f"{count} {code}" for code, count in sorted(repository["failures"].items()))
    headline = (
        f"{visible(repository['repository_name'])} ({repository['registry_id']}, {repository['region_name']}): "
        f"{repository['status']}, {repository['touched_image_count']} of {repository['approved_image_count']} approved "
        f"images, at most {human_bytes(repository['touched_bytes_upper_bound'])}"
    )
    lines = [
        headline,
        *([f"  spared: {spared}"] if spared else []),
        *_spared_images(repository),
        *([f"  may be spared: {maybe}, if a manifest list that stays names them"] if maybe else []),
        *([f"  failed: {failures}"] if failures else []),
        *([f"  {repository['error']}: {repository['message']}"] if repository["error"] else []),
    ]
    return Group(text_of(*lines), checks_table(repository["checks"]))
