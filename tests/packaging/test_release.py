"""What has to agree before a release is published."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

_specification = importlib.util.spec_from_file_location("check_release", ROOT / "scripts" / "check_release.py")
assert _specification is not None
assert _specification.loader is not None
check_release = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(check_release)

DATED = "# Changelog\n\n## [1.2.3] - 2026-12-01\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "wrong"),
    [
        ("v1.2.3", DATED, None),
        ("v1.2.4", DATED, "The tag is v1.2.4"),
        ("1.2.3", DATED, "The tag is 1.2.3"),
        ("v1.2.3", "## [1.2.2] - 2026-11-01\n", "does not begin with an entry"),
        ("v1.2.3", "", "does not begin with an entry"),
        ("v1.2.3", "## [1.2.3] - Unreleased\n", "has no date"),
    ],
)
def test_tag_version_and_changelog_have_to_agree(tag: str, changelog: str, wrong: str | None) -> None:
    found = check_release.problem(tag, "1.2.3", changelog)
    assert found is None if wrong is None else wrong in found


@pytest.mark.skipif(not WORKFLOWS, reason="an sdist has no workflows")
def test_every_action_is_pinned_to_a_commit_with_its_version_in_a_comment() -> None:
    used = re.findall(r"uses: (.+)", "".join(path.read_text() for path in WORKFLOWS))
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", action)] == []
