"""What the pages under docs/ say of the code is what the code says."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from airflow_provider_ecr_preview.core.lint import policy, rule
from airflow_provider_ecr_preview.xcom import AuditXCom, PreviewSummaryXCom

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def script(name: str) -> ModuleType:
    """Return a module of scripts/, which is no package."""
    specification = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


compatibility = script("compatibility")
policy_mistakes = script("policy_mistakes")
reference_pages = script("reference_pages")


@pytest.mark.parametrize("path", [*reference_pages.pages()], ids=lambda path: path.stem)
def test_a_generated_page_is_what_the_code_says(path: Path) -> None:
    text = path.read_text()
    assert text == reference_pages.written(text), f"{path.name} is out of date. Run: make reference"


def test_every_section_that_can_be_generated_stands_in_one_page() -> None:
    found = re.findall(r"<!-- generated: ([a-z ]+) -->", "".join(path.read_text() for path in reference_pages.pages()))
    assert sorted(found) == sorted(reference_pages.SECTIONS)


def test_every_mistake_that_the_code_names_has_an_example() -> None:
    sources = "".join(Path(module.__file__ or "").read_text() for module in (policy, rule))
    codes = {code for code in re.findall(r'"([a-z]+(?:_[a-z]+)+)"', sources) if not code.startswith("lint_")}
    assert codes <= {finding.code for finding in policy_mistakes.findings()}


@pytest.mark.parametrize("contract", [PreviewSummaryXCom, AuditXCom])
def test_every_key_of_a_result_is_explained(contract: type) -> None:
    by_hand = (DOCS / "reference" / "xcom.md").read_text().partition("## All contracts")[0]
    assert set(contract.__annotations__) <= set(re.findall(r"`(\w+)`", by_hand))


def links() -> Iterator[tuple[Path, str]]:
    for path in [*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob(".github/*.md")]:
        prose = re.sub(r"```.*?```|`[^`]*`", "", path.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if not re.match(r"https?:|mailto:", target):
                yield path, target


@pytest.mark.parametrize(("page", "target"), [*links()], ids=lambda value: getattr(value, "stem", value))
def test_a_link_leads_to_a_page_and_to_a_heading_that_is_there(page: Path, target: str) -> None:
    name, _, anchor = target.partition("#")
    linked = (page.parent / name).resolve() if name else page
    assert linked.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
        assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("folder", [path.parent for path in DOCS.glob("*/index.md")], ids=lambda path: path.name)
def test_the_index_of_a_folder_names_every_page_in_it(folder: Path) -> None:
    named = set(re.findall(r"^- \[[^]]+\]\(([\w-]+\.md)\)", (folder / "index.md").read_text(), re.MULTILINE))
    assert named == {path.name for path in folder.glob("*.md")} - {"index.md"}


def test_every_route_of_the_pages_is_documented() -> None:
    page = (DOCS / "reference" / "routes.md").read_text()
    sources = (ROOT / "airflow_provider_ecr_preview" / "plugins" / "web" / "routes").glob("*.py")
    routes = re.findall(r'@router\.get\("([^"]+)"\)', "".join(path.read_text() for path in sources))
    assert len(routes) > 5
    assert [route for route in routes if f"{route}`" not in page] == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150
