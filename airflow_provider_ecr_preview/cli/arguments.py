"""Arguments of the commands as data, from which both argparse and Airflow's own command line are made."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

FORMATS = ("text", "json", "markdown")
NEVER = "never"


@dataclass(frozen=True)
class Argument:
    """One argument of a command.

    :param flags: its name, or its option strings.
    :param options: what ``argparse.ArgumentParser.add_argument`` takes besides.
    """

    flags: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """One command.

    :param name: its name.
    :param help: what it does, as a sentence.
    :param description: more about it, for its own help.
    :param arguments: its arguments.
    :param run: does the work; takes the parsed arguments and returns the exit code.
    """

    name: str
    help: str
    description: str
    arguments: Sequence[Argument]
    run: Callable[[Any], int]


def argument(*flags: str, **options: Any) -> Argument:
    """Return an argument, written as for ``add_argument``."""
    return Argument(flags, options)


def count(text: str) -> int:
    """Return a number of things, for argparse.

    :param text: what was written.
    :raises ArgumentTypeError: if it is no whole number of 0 or more.
    """
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def format_argument(*more: str) -> Argument:
    """Return the argument that chooses what the output looks like.

    :param more: formats beyond those that every command has.
    """
    return argument(
        "--format", choices=[*FORMATS, *more], default="text", help="What the output looks like (default: text)."
    )


OUTPUT = argument(
    "--output", metavar="FILE", help="Write the output to this file instead of standard output; - for standard output."
)

POLICY_HELP = (
    "a lifecycle policy (JSON), the output of `terraform show -json`, a CloudFormation template, or a folder such as "
    "cdk.out; - for standard input"
)

IMAGES = argument(
    "--images",
    metavar="FILE",
    action="append",
    default=[],
    help="The images of one or more repositories, as `aws ecr describe-images` prints them. Can be repeated.",
)

REPOSITORY = argument(
    "--repository",
    metavar="NAME",
    help="The repository of the policies that do not name one, as a policy file does not.",
)

FAIL_ON_FINDING = argument(
    "--fail-on",
    choices=["critical", "warning", "info", NEVER],
    default="critical",
    help="Exit with 1 if there is a finding of this severity or a graver one (default: critical).",
)

AT = argument(
    "--at",
    metavar="TIME",
    help="The time at which the policy acts, as ISO 8601 with a time zone (default: now).",
)

LIMIT = argument(
    "--limit",
    type=count,
    default=20,
    metavar="N",
    help="How many images of each policy the text and Markdown list (default: 20); JSON lists all.",
)
