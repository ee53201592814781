"""The page of the checks is written from the code, and names parameters that there are."""

from __future__ import annotations

import inspect
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ecr_preview.core.cleanup.check_catalog import CHECKS, SPARED_REASONS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def checks_page() -> Any:
    """Return the script that writes the page."""
    spec = spec_from_file_location("checks_page", ROOT / "scripts" / "checks_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date_with_the_code(checks_page: Any) -> None:
    stale = "docs/reference/checks.md is stale. Write it with: python scripts/checks_page.py"
    assert checks_page.PAGE.read_text() == checks_page.page(), stale


def test_the_page_has_every_check_and_every_reason_to_spare_an_image(checks_page: Any) -> None:
    text = checks_page.page()
    assert all(f"### `{code}`" in text for code in CHECKS)
    assert all(f"| `{code}` |" in text for code in SPARED_REASONS)


@pytest.mark.parametrize("code", CHECKS)
def test_a_check_names_parameters_that_there_are(checks_page: Any, code: str) -> None:
    known = {"aws_conn_id"}
    for operator in checks_page.OPERATORS:
        known |= {*inspect.signature(operator.__init__).parameters}
    assert set(CHECKS[code].parameters) <= known
