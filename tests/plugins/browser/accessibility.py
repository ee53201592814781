"""What axe has to find nothing against, and the one list of what it leaves out, each with its reason."""

from __future__ import annotations

from playwright.sync_api import Page

from airflow_provider_ecr_preview.plugins.bundle import BUNDLE

_AXE = BUNDLE.parent.parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

OUR_PART = ".ecrp"
"""What this package draws on a page; Airflow draws all else, such as its navigation, its grid and the heads of tasks."""

LEFT_OUT_RULES: dict[str, str] = {
    "page-has-heading-one": "Airflow's own pages have no heading of level 1, and ours are parts of them.",
}
"""Rules that are not applied, each with why. Elements outside of :data:`OUR_PART` are Airflow's, and are not ours to mend."""

_RUN = """async ({ ourPart, leftOut }) => {
  // Every rule that axe has: of all levels, best practices, and those that are experimental.
  const rules = Object.fromEntries(axe.getRules().map(({ ruleId }) => [ruleId, { enabled: !leftOut.includes(ruleId) }]));
  const ours = document.querySelector(ourPart);
  // Of the whole page, so that rules about it apply, such as those about landmarks.
  const { violations } = await axe.run(document, { rules });
  const isOurs = ({ target }) => {
    const element = document.querySelector(target[0]);
    return ours.contains(element) || element.contains(ours);
  };
  return violations.flatMap(({ id, nodes }) =>
    nodes.filter(isOurs).map(({ failureSummary, html }) => `${id}: ${html.slice(0, 300)} ${failureSummary}`));
}"""


def load(page: Page) -> None:
    """Load axe into a page.

    :param page: the page.
    """
    page.add_script_tag(path=_AXE)


def violations(page: Page) -> list[str]:
    """Return what axe finds against our part of a page, by any rule.

    :param page: a page in which axe is loaded.
    """
    found: list[str] = page.evaluate(_RUN, {"ourPart": OUR_PART, "leftOut": [*LEFT_OUT_RULES]})
    return found
