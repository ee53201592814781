"""The commands below ``airflow``."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_ecr_preview.get_provider_info import get_provider_info
from tests.cli.conftest import Run, Write
from tests.support.policies import keep


def parser() -> ArgumentParser:
    """Return a parser made as Airflow makes it of what the provider names."""
    from airflow.cli.cli_parser import _add_command  # noqa: PLC0415  # imports all of Airflow's commands

    (path,) = get_provider_info()["cli"]
    module, name = path.rsplit(".", 1)
    whole = ArgumentParser(prog="airflow")
    commands: Any = whole.add_subparsers(dest="subcommand")
    for command in getattr(import_module(module), name)():
        _add_command(commands, command)
    return whole


def test_airflow_runs_the_commands_with_their_exit_codes(
    run: Run, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write("policy.json", {"rules": []})
    arguments = parser().parse_args(["ecr-preview", "lint", path, "--fail-on", "error"])
    with pytest.raises(SystemExit) as ended:
        arguments.func(arguments)
    assert ended.value.code == 1
    assert "policy.json:1: error: policy: the policy has no rule." in capsys.readouterr().out


def test_airflow_has_the_same_arguments(run: Run, write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = write("policy.json", keep(3))
    for command in ("simulate", "diff", "recommend", "preview"):
        with pytest.raises(SystemExit):
            parser().parse_args(["ecr-preview", command, "--help"])
        assert "--output" in capsys.readouterr().out
    arguments = parser().parse_args(["ecr-preview", "diff", path, "--max-newly-affected", "3"])
    assert (arguments.files, arguments.max_newly_affected, arguments.limit) == ([path], 3, 20)
