"""The same commands below ``airflow``: ``airflow ecr-preview lint ...``; Airflow finds them by the provider's metadata."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_ecr_preview.cli.arguments import Command
from airflow_provider_ecr_preview.cli.main import COMMANDS, DESCRIPTION, EXIT_CODES, exit_code_of

if TYPE_CHECKING:
    from airflow.cli.cli_config import ActionCommand, CLICommand


def get_ecr_preview_commands() -> list[CLICommand]:
    """Return the commands as Airflow's command line takes them."""
    from airflow.cli.cli_config import GroupCommand  # noqa: PLC0415  # Airflow is there when it asks

    return [
        GroupCommand(
            name="ecr-preview",
            help=DESCRIPTION,
            subcommands=[_action(command) for command in COMMANDS],
            epilog=EXIT_CODES,
        )
    ]


def _action(command: Command) -> ActionCommand:
    from airflow.cli.cli_config import ActionCommand, Arg  # noqa: PLC0415  # as above

    return ActionCommand(
        name=command.name,
        help=command.help,
        description=command.description,
        func=_running(command),
        args=[Arg(flags=tuple(argument.flags), **argument.options) for argument in command.arguments],
        epilog=EXIT_CODES,
    )


def _running(command: Command) -> Callable[[Namespace], None]:
    def run(arguments: Namespace) -> None:
        sys.exit(exit_code_of(command.run, arguments))

    return run
