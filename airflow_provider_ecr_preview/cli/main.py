"""The command ``ecr-preview``."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence

from rich_argparse import RichHelpFormatter

from airflow_provider_ecr_preview import __version__
from airflow_provider_ecr_preview.cli import diff, lint, preview, recommend, simulate
from airflow_provider_ecr_preview.cli.arguments import Command
from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.core.text.secrets import masked
from airflow_provider_ecr_preview.core.text.visible import visible_list

COMMANDS: Sequence[Command] = (lint.COMMAND, simulate.COMMAND, diff.COMMAND, recommend.COMMAND, preview.COMMAND)

DESCRIPTION = "Check, simulate, compare and find Amazon ECR lifecycle policies before anybody applies them."

EXIT_CODES = (
    "exit codes: 0 nothing reached a limit; 1 a finding or a number of images did; 2 wrong arguments; 3 a file cannot be "
    "read; 4 AWS refused or could not be reached"
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    :param argv: the arguments; those of the process if None.
    """
    arguments = parser().parse_args(argv)
    return exit_code_of(arguments.run, arguments)


def exit_code_of(run: Callable[[Namespace], int], arguments: Namespace) -> int:
    """Run a command and return its exit code; what went wrong goes to standard error.

    :param run: the command.
    :param arguments: its arguments.
    """
    try:
        code = int(run(arguments))
        sys.stdout.flush()
    except CommandError as error:
        sys.stderr.write(f"ecr-preview: {visible_list(masked(str(error)))}\n")
        return int(error.code)
    except BrokenPipeError:
        # A reader such as `head` has enough; Python must not fail again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitCode.OK)
    return code


def parser() -> ArgumentParser:
    """Return the parser of the command line."""
    whole = ArgumentParser(
        prog="ecr-preview", description=DESCRIPTION, epilog=EXIT_CODES, formatter_class=RichHelpFormatter
    )
    whole.add_argument("--version", action="version", version=f"ecr-preview {__version__}")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        of = commands.add_parser(
            command.name,
            help=command.help,
            description=command.description,
            epilog=EXIT_CODES,
            formatter_class=RichHelpFormatter,
        )
        for argument in command.arguments:
            of.add_argument(*argument.flags, **argument.options)
        of.set_defaults(run=command.run)
    return whole
