"""Images and findings as text and Markdown, for several commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from rich import box
from rich.console import RenderableType
from rich.table import Table

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import human_bytes, text_of

COLUMNS = ("Digest", "Tags", "Pushed", "Last pull", "Size", "Rule", "Action")
_DIGEST_CHARACTERS = 12
_TAGS_SHOWN = 3


def images_table(images: Sequence[PreviewedImage], limit: int) -> Iterator[RenderableType]:
    """Yield images as a table for a terminal, and how many more there are.

    :param images: the images.
    :param limit: how many of them are shown.
    """
    if not images[:limit]:
        return
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in COLUMNS:
        rows.add_column(column, justify="right" if column in ("Size", "Rule") else "left", no_wrap=column != "Tags")
    for image in images[:limit]:
        rows.add_row(*map(text_of, _cells(image)))
    yield rows
    if len(images) > limit:
        yield text_of(f"and {counted(len(images) - limit, 'more image')}")


def images_markdown(images: Sequence[PreviewedImage], limit: int) -> Iterator[str]:
    """Yield images as a table of Markdown, and how many more there are.

    :param images: the images.
    :param limit: how many of them are shown.
    """
    if not images[:limit]:
        return
    rows = []
    for image in images[:limit]:
        digest, tags, pushed, pulled, size, rule, action = _cells(image)
        rows.append(
            [verbatim(digest), verbatim(tags) if image.image_tags else tags, pushed, pulled, size, rule, action]
        )
    yield table(["Digest", "Tags", "Pushed", "Last pull", "Size:", "Rule:", "Action"], rows)
    if len(images) > limit:
        yield f"and {counted(len(images) - limit, 'more image')}"


def findings_text(findings: Sequence[FindingSummary]) -> Iterator[RenderableType]:
    """Yield findings as lines for a terminal."""
    for finding in findings:
        yield text_of(f"{finding['severity'].upper()} {finding['code']}: {finding['message']}")


def findings_markdown(findings: Sequence[FindingSummary]) -> str:
    """Return findings as a list of Markdown."""
    return "\n".join(
        f"- **{finding['severity'].upper()}** {verbatim(finding['code'])}: {inert(finding['message'])}"
        for finding in findings
    )


def _cells(image: PreviewedImage) -> list[str]:
    digest = image.image_digest.removeprefix("sha256:")[:_DIGEST_CHARACTERS]
    tags = ", ".join(image.image_tags[:_TAGS_SHOWN]) or "untagged"
    if len(image.image_tags) > _TAGS_SHOWN:
        tags = f"{tags}, …"
    action = "expires" if image.action == EXPIRE else "archives"
    return [
        digest,
        tags,
        _day(image.image_pushed_at, "unknown"),
        _day(image.last_recorded_pull_time, "never"),
        human_bytes(image.image_size_in_bytes),
        str(image.applied_rule_priority),
        action,
    ]


def _day(time: datetime | None, otherwise: str) -> str:
    return otherwise if time is None else f"{time:%Y-%m-%d}"
