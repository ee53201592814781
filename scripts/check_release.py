"""Check that a tag, the version of the package and the changelog agree, before anything is published."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Exit with what is wrong, if anything is."""
    [tag] = sys.argv[1:]
    if wrong := problem(tag, _package_version(), (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")):
        sys.exit(wrong)


def problem(tag: str, version: str, changelog: str) -> str | None:
    """Return what keeps a release from being published, or None.

    :param tag: the tag, such as ``v0.2.0``.
    :param version: the version of the package.
    :param changelog: the text of the changelog.
    """
    if tag != f"v{version}":
        return f"The tag is {tag}, and the version of the package is {version}."
    newest = re.search(r"^## \[([^]]+)\] - (.+)$", changelog, re.MULTILINE)
    if newest is None or newest[1] != version:
        return f"CHANGELOG.md does not begin with an entry for {version}."
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", newest[2]):
        return f"The entry for {version} in CHANGELOG.md has no date: it says {newest[2]}."
    return None


def _package_version() -> str:
    module = ast.parse((ROOT / "airflow_provider_ecr_preview" / "__init__.py").read_text(encoding="utf-8"))
    for node in module.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "__version__"
            and isinstance(node.value, ast.Constant)
        ):
            return str(node.value.value)
    sys.exit("The package has no __version__.")


if __name__ == "__main__":
    main()
