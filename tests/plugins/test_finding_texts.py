"""What the pages and the documentation say about findings, of which an audit has the codes only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_ecr_preview.core.audit import repository_families
from airflow_provider_ecr_preview.core.preview import drift_findings, findings, registry_findings

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "airflow_provider_ecr_preview" / "plugins" / "frontend"
SOURCES = (drift_findings, findings, registry_findings, repository_families)
TEXT = "".join(Path(source.__file__).read_text() for source in SOURCES)
FINDINGS = dict(re.findall(r'Finding\(\s*"(\w+)",\s*"(\w+)"', TEXT))


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        (FRONTEND / "src" / "findings.ts", r'^  (\w+): \{\s*severity: "(\w+)"'),
        (ROOT / "docs" / "reference" / "findings.md", r"^\| `(\w+)` \| (critical|warning|info) \|"),
    ],
    ids=["pages", "reference"],
)
def test_every_finding_is_explained_as_grave_as_it_is_and_none_that_there_is_not(text: Path, entry: str) -> None:
    assert len(FINDINGS) > 5
    assert dict(re.findall(entry, text.read_text(), re.MULTILINE)) == FINDINGS
