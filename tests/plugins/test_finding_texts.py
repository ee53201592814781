"""What the pages and the README say of findings, of which an audit has but the codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_ecr_preview import findings

ROOT = Path(findings.__file__).parent
CODES = set(re.findall(r'Finding\(\s*"(\w+)"', (ROOT / "findings.py").read_text()))


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (ROOT / "plugins" / "frontend" / "src" / "findings.ts", r"^  (\w+): \{$"),
        (ROOT.parent / "README.md", r"^\| `(\w+)` \| (?:critical|warning|info) \|"),
    ],
    ids=["pages", "readme"],
)
def test_every_finding_is_explained_and_none_that_there_is_not(text: Path, entry: str) -> None:
    assert len(CODES) > 5
    assert set(re.findall(entry, text.read_text(), re.MULTILINE)) == CODES
