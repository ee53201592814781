"""``ecr-preview simulate``: what a policy would do with the images of a file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.console import RenderableType

from airflow_provider_ecr_preview.cli.arguments import (
    AT,
    FAIL_ON_FINDING,
    IMAGES,
    LIMIT,
    OUTPUT,
    POLICY_HELP,
    REPOSITORY,
    Command,
    argument,
    format_argument,
)
from airflow_provider_ecr_preview.cli.effects import is_grave
from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.cli.inputs import images_in, images_of, policies_in, time_of
from airflow_provider_ecr_preview.cli.output import as_json, write
from airflow_provider_ecr_preview.cli.tables import findings_markdown, findings_text, images_markdown, images_table
from airflow_provider_ecr_preview.core.comparison.simulation import simulated_preview
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.files.found import FoundPolicy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.wording import rule_sentence
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.repository import RepositoryId
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import human_bytes, render, text_of

Skipped = Sequence[tuple[FoundPolicy, str]]
"""The policies without a result, each with the reason."""


class ResultKind(NamedTuple):
    """What a command found, as its output names it.

    :param schema: the schema of its JSON.
    :param key: the key of the results in it.
    :param title: the title in Markdown.
    :param source: who says so, as a sentence.
    """

    schema: str
    key: str
    title: str
    source: str


SIMULATION = ResultKind(
    "ecr-preview-simulation/1",
    "simulations",
    "ECR lifecycle policies: simulation",
    "A simulation over the images of a file, not ECR's own preview. Bytes are upper bounds: layers are shared.",
)


@dataclass(frozen=True)
class Simulation:
    """What one policy would do.

    :param found: the policy in its file.
    :param policy: the policy.
    :param summary: the simulation, as the summary of a preview.
    :param images: the images that it would expire or archive.
    """

    found: FoundPolicy
    policy: LifecyclePolicy
    summary: PreviewSummaryXCom
    images: Sequence[PreviewedImage]

    @property
    def headline(self) -> str:
        """How many images expire and are archived, as a sentence."""
        summary = self.summary
        size = human_bytes(summary["expiring_bytes_upper_bound"])
        return (
            f"{summary['expiring_image_count']:,} of "
            f"{counted(summary['total_image_count'] or 0, 'image')} would expire (at most {size} freed), "
            f"{summary['archiving_image_count']:,} would be archived."
        )


def run(arguments: Namespace) -> int:
    """Simulate the policies and return the exit code.

    :param arguments: the parsed arguments.
    :raises CommandError: if a policy or its images cannot be read.
    """
    now = time_of(arguments.at)
    images = images_in(arguments.images)
    simulations, skipped = [], []
    for found in policies_in([arguments.file]):
        policy = policy_of(found)
        given = images_of(found, images, arguments.repository)
        if policy is None or given is None:
            skipped.append((found, _why_skipped(found, arguments.repository)))
            continue
        name, of = given
        simulations.append(Simulation(found, policy, *simulated_preview(policy, of, now, RepositoryId("", "", name))))
    if not simulations:
        raise CommandError("\n  - ".join(["No policy was simulated:", *(f"{of.name}: {why}" for of, why in skipped)]))
    write(RENDER[arguments.format](simulations, skipped, arguments.limit, SIMULATION), arguments.output)
    grave = any(is_grave(simulation.summary["findings"], arguments.fail_on) for simulation in simulations)
    return ExitCode.FINDINGS if grave else ExitCode.OK


def policy_of(found: FoundPolicy) -> LifecyclePolicy | None:
    """Return a policy of a file; None where there is none, or it is not known.

    :param found: the policy in its file.
    :raises CommandError: if ECR would refuse it.
    """
    if found.text is None:
        return None
    try:
        return LifecyclePolicy.parse(found.text)
    except InvalidLifecyclePolicyError as error:
        raise CommandError(f"{found.name}: {error}", ExitCode.FINDINGS) from error


def _why_skipped(found: FoundPolicy, repository: str | None) -> str:
    if found.unknown is not None:
        return found.unknown
    if found.text is None:
        return "There is no policy."
    name = found.repository_name or repository
    if name is None:
        return "The file does not name the repository. Name it with --repository."
    return f"The images of {name} were not given. Add them with --images."


def _text(simulations: Sequence[Simulation], skipped: Skipped, limit: int, kind: ResultKind) -> str:
    return render(*_parts(simulations, skipped, limit, kind))


def _parts(
    simulations: Sequence[Simulation], skipped: Skipped, limit: int, kind: ResultKind
) -> Iterator[RenderableType]:
    for simulation in simulations:
        yield text_of(f"{simulation.found.name}, {simulation.summary['repository_name']}: {simulation.headline}")
        yield from (text_of(f"  {line}") for line in _rules(simulation))
        yield from findings_text(simulation.summary["findings"])
        yield from images_table(simulation.images, limit)
    for found, why in skipped:
        yield text_of(f"SKIPPED {found.name}: {why}")
    yield text_of(kind.source)


def _rules(simulation: Simulation) -> Iterator[str]:
    counts = {rule["priority"]: rule for rule in simulation.summary["rules"]}
    for rule in simulation.policy.rules:
        count = counts[rule.priority]
        yield (
            f"Rule {rule.priority}: {rule_sentence(rule)} {counted(count['image_count'], 'image')}, "
            f"at most {human_bytes(count['bytes_upper_bound'])}."
        )


def _json(simulations: Sequence[Simulation], skipped: Skipped, _: int, kind: ResultKind) -> str:
    return as_json(
        {
            "schema": kind.schema,
            kind.key: [
                {
                    "path": simulation.found.path,
                    "address": simulation.found.address or None,
                    "repository_name": simulation.summary["repository_name"],
                    "summary": simulation.summary,
                    "images": [image.as_dict() for image in simulation.images],
                }
                for simulation in simulations
            ],
            "skipped": [
                {"path": found.path, "address": found.address or None, "reason": why} for found, why in skipped
            ],
        }
    )


def _markdown(simulations: Sequence[Simulation], skipped: Skipped, limit: int, kind: ResultKind) -> str:
    parts = [f"### {kind.title}"]
    for simulation in simulations:
        parts.append(f"#### {verbatim(simulation.summary['repository_name'])}")
        parts.append(f"{verbatim(simulation.found.name)}: {inert(simulation.headline)}")
        items = [f"- {inert(line)}" for line in _rules(simulation)]
        if simulation.summary["findings"]:
            items.append(findings_markdown(simulation.summary["findings"]))
        parts.append("\n".join(items))
        parts += images_markdown(simulation.images, limit)
    if skipped:
        parts.append(table(["Skipped", "Why"], [[verbatim(found.name), inert(why)] for found, why in skipped]))
    return "\n\n".join([*parts, f"_{kind.source}_"])


RENDER: Mapping[str, Callable[[Sequence[Simulation], Skipped, int, ResultKind], str]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
}
"""What writes results, by the format."""


COMMAND = Command(
    name="simulate",
    help="Say what a lifecycle policy would do with the images of a file.",
    description=(
        "Evaluate lifecycle policies over the images that `aws ecr describe-images` printed. Calls nothing and changes "
        "nothing; ECR's own preview has the last word."
    ),
    arguments=(
        argument("file", metavar="FILE", help=f"The policy: {POLICY_HELP}."),
        IMAGES,
        REPOSITORY,
        AT,
        LIMIT,
        format_argument(),
        OUTPUT,
        FAIL_ON_FINDING,
    ),
    run=run,
)
