"""Where the pages are, and what holds for each of them."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.plugins.browser.accessibility import load, violations
from tests.plugins.conftest import Server

MARKUP = "<img src=x onerror=alert(1)>"
"""What others may write, and what must never be more than text."""

WIDE = {"width": 1300, "height": 900}
PHONE = {"width": 390, "height": 844}


def tab_path(server: Server, dag_id: str = "payments", task_id: str = "preview", map_index: int = -1) -> str:
    mapped = f"/mapped/{map_index}" if map_index >= 0 else ""
    return f"{_run(server, dag_id)}/tasks/{task_id}{mapped}/plugin/ecr-preview"


def run_path(server: Server, dag_id: str = "payments") -> str:
    return f"{_run(server, dag_id)}/plugin/ecr-preview-run"


def _run(server: Server, dag_id: str) -> str:
    return f"/dags/{dag_id}/runs/{server.run_id.replace('+', '%2B')}"


def check_accessible(page: Page) -> None:
    """Find nothing by any rule against the page, in light and in dark, on a screen and on a phone."""
    load(page)
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.className = theme }", theme)
        for size in (WIDE, PHONE):
            page.set_viewport_size(size)
            assert violations(page) == [], (theme, size)
    page.set_viewport_size(WIDE)


def is_as_wide_as_the_screen(page: Page) -> bool:
    """Return whether nothing of the page is cut off or has to be scrolled sideways, but tables within themselves."""
    return bool(
        page.evaluate("document.querySelector('.ecrp').scrollWidth <= document.querySelector('.ecrp').clientWidth")
    )
