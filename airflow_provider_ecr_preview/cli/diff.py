"""``ecr-preview diff``: what a change of lifecycle policies does, for a pull request."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

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
    count,
    format_argument,
)
from airflow_provider_ecr_preview.cli.effects import (
    bytes_of,
    is_grave,
)
from airflow_provider_ecr_preview.cli.exits import ExitCode
from airflow_provider_ecr_preview.cli.inputs import images_in, time_of
from airflow_provider_ecr_preview.cli.lint import is_refused
from airflow_provider_ecr_preview.cli.output import as_json, write
from airflow_provider_ecr_preview.cli.policy_changes import Difference, difference_of, pairs
from airflow_provider_ecr_preview.cli.tables import findings_markdown, findings_text, images_markdown, images_table
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import render, text_of

DIFF_SCHEMA = "ecr-preview-diff/1"

DISCLAIMER = "A simulation over the images of a file, not ECR's own preview. Bytes are upper bounds: layers are shared."


def run(arguments: Namespace) -> int:
    """Compare the policies and return the exit code.

    :param arguments: the parsed arguments.
    :raises CommandError: if a file cannot be read, or the files do not belong together.
    """
    now = time_of(arguments.at)
    images = images_in(arguments.images)
    differences = [
        difference
        for found in pairs(arguments.files)
        if (difference := difference_of(found, images, arguments.repository, now)) is not None
    ]
    render_as = {"text": _text, "json": _json, "markdown": _markdown}[arguments.format]
    write(render_as(differences, arguments.limit), arguments.output)
    return ExitCode.FINDINGS if _is_refused(differences, arguments) else ExitCode.OK


def _is_refused(differences: Sequence[Difference], arguments: Namespace) -> bool:
    most = arguments.max_newly_affected
    changes = [difference.images for difference in differences if difference.images is not None]
    return (
        any(is_refused(difference.lint, "error") for difference in differences)
        or any(is_grave(change.findings, arguments.fail_on) for change in changes)
        or (most is not None and sum(len(change.newly_affected) for change in changes) > most)
    )


def _totals(differences: Sequence[Difference]) -> str:
    changed = sum(bool(difference.rules) for difference in differences)
    return f"{counted(len(differences), 'policy', 'policies')}, {changed:,} changed."


def _text(differences: Sequence[Difference], limit: int) -> str:
    return render(*_parts(differences, limit))


def _parts(differences: Sequence[Difference], limit: int) -> Iterator[RenderableType]:
    for difference in differences:
        yield text_of(f"{difference.title}: {difference.headline}")
        if not difference.is_worth_showing:
            continue
        yield from (text_of(f"  {line}") for line in difference.rules.lines())
        yield from (text_of(f"  {located.finding}") for located in difference.lint)
        if difference.images is not None:
            yield from findings_text(difference.images.findings)
            yield from images_table(difference.images.newly_affected, limit)
    yield text_of(_totals(differences))
    if any(difference.images for difference in differences):
        yield text_of(DISCLAIMER)


def _json(differences: Sequence[Difference], _: int) -> str:
    return as_json({"schema": DIFF_SCHEMA, "policies": list(map(_as_dict, differences))})


def _as_dict(difference: Difference) -> dict[str, object]:
    images = difference.images
    return {
        "path": difference.found.path,
        "address": difference.found.address or None,
        "repository_name": difference.repository_name,
        "unknown": difference.found.unknown,
        "rules_added": difference.rules.added,
        "rules_removed": difference.rules.removed,
        "rules_changed": difference.rules.changed,
        "lint": [
            {
                "rule_priority": located.finding.rule_priority,
                "severity": located.finding.severity,
                "code": located.finding.code,
                "message": located.finding.message,
                "instead": located.finding.instead,
            }
            for located in difference.lint
        ],
        "images": None
        if images is None
        else {
            "newly_affected": [image.as_dict() for image in images.newly_affected],
            "newly_affected_bytes_upper_bound": bytes_of(images.newly_affected),
            "no_longer_affected": [image.as_dict() for image in images.no_longer_affected],
            "no_longer_affected_bytes_upper_bound": bytes_of(images.no_longer_affected),
            "new_findings": list(images.findings),
        },
    }


def _markdown(differences: Sequence[Difference], limit: int) -> str:
    parts = ["### ECR lifecycle policies: what this change does", inert(_totals(differences))]
    changed = [difference for difference in differences if difference.is_worth_showing]
    if changed:
        rows = [[verbatim(difference.title), inert(difference.headline)] for difference in changed]
        parts.append(table(["Policy", "What changes"], rows))
    for difference in changed:
        details = _details(difference, limit)
        # Without details, the table above has said everything.
        if details:
            parts += [f"#### {verbatim(difference.title)}", *details]
    if any(difference.images for difference in differences):
        parts.append(f"_{DISCLAIMER}_")
    return "\n\n".join(parts)


def _details(difference: Difference, limit: int) -> list[str]:
    lines = [*difference.rules.lines(), *(str(located.finding) for located in difference.lint)]
    # One list without an empty line in it; Markdown would space it out.
    items = ["\n".join(f"- {inert(_signed(line))}" for line in lines)] if lines else []
    if difference.images is None:
        return items
    if difference.images.findings:
        items.append(findings_markdown(difference.images.findings))
    parts = ["\n".join(items)] if items else []
    return [*parts, *images_markdown(difference.images.newly_affected, limit)]


def _signed(line: str) -> str:
    signs = {"+ ": "Added. ", "- ": "Removed. ", "~ ": "Changed. "}
    return f"{signs[line[:2]]}{line[2:]}" if line[:2] in signs else line


COMMAND = Command(
    name="diff",
    help="Say what a change of lifecycle policies does, with the images that would newly go.",
    description=(
        "Compare the policies of a Terraform plan with those before, or two files. With --images, also the images that "
        "only the new policy would expire or archive. Calls nothing and changes nothing."
    ),
    arguments=(
        argument(
            "files",
            nargs="+",
            metavar="FILE",
            help=f"A Terraform plan, or the former and the new file: {POLICY_HELP}; /dev/null for no policy.",
        ),
        IMAGES,
        REPOSITORY,
        AT,
        LIMIT,
        format_argument(),
        OUTPUT,
        FAIL_ON_FINDING,
        argument(
            "--max-newly-affected",
            type=count,
            metavar="N",
            help="Exit with 1 if more images than this are newly affected, over all policies.",
        ),
    ),
    run=run,
)
