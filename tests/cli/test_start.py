"""What the command line imports, and how it ends."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from airflow_provider_ecr_preview.cli import main as module
from airflow_provider_ecr_preview.cli.exits import ExitCode
from tests.packaging.test_imports import brought_in


def test_it_starts_without_airflow_boto3_and_yaml() -> None:
    assert brought_in(["cli.main"], ["airflow", "boto3", "botocore", "yaml", "jinja2", "pydantic", "requests"]) == []


def test_it_is_a_module_to_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "airflow_provider_ecr_preview.cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.startswith("ecr-preview ")


def test_a_reader_that_has_enough_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:

        def run(_: object) -> int:
            closed.write("x")
            closed.flush()
            raise AssertionError

        monkeypatch.setattr(sys, "stdout", closed)
        commands = [command for command in module.COMMANDS if command.name == "lint"]
        monkeypatch.setattr(module, "COMMANDS", [type(commands[0])(**{**vars(commands[0]), "run": run})])
        assert module.main(["lint", "policy.json"]) == ExitCode.OK
