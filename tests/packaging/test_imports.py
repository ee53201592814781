"""The rules of import, the shape of the package, and what importing a part of it brings in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_ecr_preview
from tests.support import import_rules

PACKAGE = Path(airflow_provider_ecr_preview.__file__).parent
MAX_LEVELS = 8
MAX_ROOT_MODULES = 12
MAX_LINES = 350
HOOKS = {"ecr_preview", "ecr_cleanup", "lifecycle_events"}

FOR_DAGS = ["hooks.ecr_preview", "operators.ecr_audit", "operators.ecr_preview", "sensors.ecr_preview"]
FOR_DAGS += ["triggers.ecr_audit", "triggers.ecr_preview", "task_groups.lifecycle_audit"]


def brought_in(modules: list[str], unwanted: list[str]) -> list[str]:
    """Return which packages an interpreter of its own has after importing modules of ours."""
    code = "".join(f"import airflow_provider_ecr_preview.{module}\n" for module in modules)
    code += f"import sys\nprint(*[name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300)
    return done.stdout.splitlines()[-1].split()


def test_every_import_follows_the_rules() -> None:
    assert import_rules.violations(PACKAGE) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert import_rules.circles(PACKAGE) == []


def test_the_parts_of_the_package_stand_on_few_levels() -> None:
    levels = import_rules.levels(PACKAGE)
    assert max(levels.values()) <= MAX_LEVELS, levels


def test_few_modules_lie_at_the_root() -> None:
    assert len(list(PACKAGE.glob("*.py"))) <= MAX_ROOT_MODULES


def test_hooks_has_hooks_only() -> None:
    assert {path.stem for path in (PACKAGE / "hooks").glob("*.py")} == HOOKS | {"__init__"}


def test_no_module_is_long() -> None:
    lines = {name: len(path.read_text().splitlines()) for name, path in import_rules.modules_of(PACKAGE).items()}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("core/values.py", "import airflow", "core.values imports airflow: core may import of others only: nothing"),
        (
            "core/values.py",
            "from airflow_provider_ecr_preview.core.audit import summary",
            "core.values imports core.audit.summary: core.audit does not stand before core.values",
        ),
        (
            "core/audit/summary.py",
            "from airflow_provider_ecr_preview.core.cleanup import plan",
            "core.audit.summary imports core.cleanup.plan: core.cleanup does not stand before core.audit",
        ),
        ("display/text.py", "import boto3", "display.text imports boto3: display may import of others only: rich"),
        (
            "reports/lists.py",
            "from airflow_provider_ecr_preview.aws import errors",
            "reports.lists imports aws.errors: reports may import of this package only: core, display",
        ),
        ("aws/errors.py", "import boto3", "aws.errors imports boto3: aws may import of others only: botocore"),
        (
            "hooks/ecr_preview.py",
            "from airflow_provider_ecr_preview.engine import policy_changer",
            "hooks.ecr_preview imports engine.policy_changer: hooks may import of this package only: aws, core",
        ),
        (
            "engine/policy_changer.py",
            "from airflow_provider_ecr_preview.triggers import ecr_preview",
            (
                "engine.policy_changer imports triggers.ecr_preview: "
                "engine may import of this package only: aws, core, hooks, reports"
            ),
        ),
        (
            "sensors/ecr_preview.py",
            "from airflow_provider_ecr_preview.operators import ecr_preview",
            "sensors.ecr_preview imports operators.ecr_preview: sensors may import of this package only: ",
        ),
        (
            "plugins/settings_of_pages.py",
            "from airflow_provider_ecr_preview.hooks import ecr_preview",
            (
                "plugins.settings_of_pages imports hooks.ecr_preview: "
                "plugins may import of this package only: core, reports, settings"
            ),
        ),
        (
            "links/ecr.py",
            "from airflow_provider_ecr_preview.reports import lists",
            "links.ecr imports reports.lists: links may import of this package only: aws, core, settings",
        ),
        (
            "operators/ecr_preview.py",
            "from airflow_provider_ecr_preview.local import LocalEcr",
            "operators.ecr_preview imports local: operators may import of this package only: ",
        ),
        ("local/clock.py", "import airflow", "local.clock imports airflow: local may import of others only: "),
        (
            "cli/lint.py",
            "import airflow",
            "cli.lint imports airflow: cli may import of others only: airflow.cli, rich, ",
        ),
        ("new/part.py", "import json", "new.part imports json: no rule says what new may import"),
    ],
)
def test_an_import_against_a_rule_is_found(module: str, line: str, found: str, tmp_path: Path) -> None:
    copy = tmp_path / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("frontend", "static", "__pycache__"))
    path = copy / module
    path.parent.mkdir(exist_ok=True)
    written = path.read_text() if path.exists() else ""
    # Where only a type checker would look, which counts as well.
    path.write_text(f"{written}\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {line}\n")
    assert [sentence for sentence in import_rules.violations(copy) if sentence.startswith(found)]


def test_what_a_dag_imports_brings_in_nothing_that_only_some_need() -> None:
    unwanted = ["fastapi", "moto", "s3fs", "pyarrow", "aiobotocore", "openlineage", "duckdb"]
    assert brought_in(FOR_DAGS, unwanted) == []
