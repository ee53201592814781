"""What a package index shows of the project."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

_specification = importlib.util.spec_from_file_location("hatch_metadata", ROOT / "hatch_metadata.py")
assert _specification is not None
assert _specification.loader is not None
hatch_metadata = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(hatch_metadata)


@pytest.mark.parametrize("address", ["", "https://example.org/team/project"])
def test_no_link_and_no_picture_of_the_readme_is_relative(address: str) -> None:
    shown = hatch_metadata.standing_alone(README, address)
    targets = re.findall(r"\]\(([^)]+)\)", shown)
    assert [target for target in targets if not target.startswith("https://")] == []


def test_with_an_address_links_lead_to_the_page_and_pictures_to_the_file() -> None:
    text = "![A page](docs/a.png)\n\nSee [the docs](docs/index.md#guides) and [Airflow](https://airflow.apache.org).\n"
    assert hatch_metadata.standing_alone(text, "https://example.org/p") == (
        "![A page](https://example.org/p/raw/main/docs/a.png)\n\n"
        "See [the docs](https://example.org/p/blob/main/docs/index.md#guides) and [Airflow](https://airflow.apache.org).\n"
    )


def test_without_an_address_the_text_stays() -> None:
    assert hatch_metadata.standing_alone("![A](a.png)\n\nSee [the docs](docs/index.md).\n", "") == "See the docs.\n"
    assert hatch_metadata.project_urls("") == {}


def test_with_an_address_the_metadata_links_to_it() -> None:
    urls = hatch_metadata.project_urls("https://example.org/p")
    assert urls["Homepage"] == "https://example.org/p"
    assert all(url.startswith("https://example.org/p") for url in urls.values())
