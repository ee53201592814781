"""Where the pages are, and what holds for each of them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.plugins.browser.accessibility import load, violations
from tests.plugins.conftest import Server

MARKUP = "<img src=x onerror=alert(1)>"
"""What others may write, and what must never be more than text."""

WIDE = {"width": 1300, "height": 900}
PHONE = {"width": 390, "height": 844}


_WATCH_SHIFTS = """
window.shiftsOfOurs = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries()) {
    const ours = (sources ?? []).map(({ node }) => node).filter((node) => node?.parentElement?.closest(".ecrp"));
    if (!hadRecentInput && ours.length > 0) {
      window.shiftsOfOurs.push([value, ours.map((node) => `${node.nodeName} ${node.textContent.slice(0, 60)}`)]);
    }
  }
}).observe({ type: "layout-shift", buffered: true });
"""

_CONTRASTS = """(selectors) => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const linear = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
      .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const around = luminance(getComputedStyle(document.body).getPropertyValue("--chakra-colors-bg") || "#fff");
  return [...document.querySelectorAll(selectors)].map((element) => {
    const { fill, backgroundColor } = getComputedStyle(element);
    const own = luminance(element instanceof SVGElement ? fill : backgroundColor);
    return [(Math.max(own, around) + 0.05) / (Math.min(own, around) + 0.05), element.outerHTML.slice(0, 200)];
  });
}"""


def layout_shift_of_ours(page: Page, ready: Callable[[], object]) -> tuple[float, object]:
    """Load a page anew, and return how far things of ours moved by themselves (CLS), and which.

    :param page: the page.
    :param ready: waits until all of it is there.
    """
    page.add_init_script(_WATCH_SHIFTS)
    page.reload()
    ready()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    shifts = page.evaluate("window.shiftsOfOurs")
    return sum(value for value, _ in shifts), shifts


def faint_graphics(page: Page, selectors: str = ".ecrp .part, .ecrp .bar i, .ecrp circle") -> list[object]:
    """Return the graphics on the page, in light and in dark, whose contrast is below 3 to 1; there has to be one at least."""
    faint = []
    for theme in ("light", "dark"):
        page.evaluate("theme => { document.documentElement.className = theme }", theme)
        found = page.evaluate(_CONTRASTS, selectors)
        assert found
        faint += [(theme, *graphic) for graphic in found if graphic[0] < 3]
    return faint


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
