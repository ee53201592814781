"""What importing a part of the package brings in: a scheduler pays for it in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_ecr_preview

PACKAGE = Path(airflow_provider_ecr_preview.__file__).parent
CORE = [
    "audit",
    "audit_table",
    "candidate_policies",
    "findings",
    "inventory",
    "outcome",
    "pages",
    "policy",
    "policy_evaluation",
    "preview",
    "repository_selection",
    "tables",
    "xcom",
]
FOR_DAGS = ["hooks.ecr_preview", "operators.ecr_audit", "operators.ecr_preview", "sensors.ecr_preview"]
FOR_DAGS += ["triggers.ecr_audit", "triggers.ecr_preview", "task_groups.lifecycle_audit"]


def brought_in(modules: list[str], unwanted: list[str]) -> list[str]:
    """Return which packages an interpreter of its own has after importing modules of ours."""
    code = "".join(f"import airflow_provider_ecr_preview.{module}\n" for module in modules)
    code += f"import sys\nprint(*[name for name in {unwanted!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_the_core_brings_in_neither_airflow_nor_boto3() -> None:
    assert brought_in(CORE, ["airflow", "airflow.sdk", "boto3", "botocore"]) == []


def test_what_a_dag_imports_brings_in_nothing_that_only_some_need() -> None:
    unwanted = ["fastapi", "moto", "s3fs", "pyarrow", "aiobotocore", "openlineage", "duckdb"]
    assert brought_in(FOR_DAGS, unwanted) == []


@pytest.mark.parametrize("module", CORE)
def test_the_modules_of_the_core_are_there(module: str) -> None:
    assert (PACKAGE / f"{module}.py").exists()
