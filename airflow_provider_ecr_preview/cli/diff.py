"""``ecr-preview diff``: what a change of lifecycle policies does, for a pull request."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

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
    Effect,
    RuleChanges,
    bytes_of,
    effect_of,
    is_grave,
    new_findings,
    newly_affected,
    no_longer_affected,
    rule_changes,
)
from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.cli.inputs import images_in, images_of, policies_in, time_of
from airflow_provider_ecr_preview.cli.lint import LocatedFinding, findings_of, is_refused
from airflow_provider_ecr_preview.cli.output import as_json, write
from airflow_provider_ecr_preview.cli.tables import findings_markdown, findings_text, images_markdown, images_table
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.files.found import FoundPolicy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary
from airflow_provider_ecr_preview.display.markdown import inert, table, verbatim
from airflow_provider_ecr_preview.display.text import human_bytes, render, text_of

DIFF_SCHEMA = "ecr-preview-diff/1"

DISCLAIMER = "A simulation over the images of a file, not ECR's own preview. Bytes are upper bounds: layers are shared."
NO_IMAGES = "Images were not given, so only the rules are compared. Add them with --images."


@dataclass(frozen=True)
class ImageChanges:
    """What changes for the images of a repository.

    :param newly_affected: the images that only the new policy expires or archives, those pulled last first.
    :param no_longer_affected: the images that only the former policy expires or archives.
    :param findings: the findings that only the new policy raises.
    """

    newly_affected: Sequence[PreviewedImage]
    no_longer_affected: Sequence[PreviewedImage]
    findings: Sequence[FindingSummary]

    @classmethod
    def between(cls, before: Effect, after: Effect) -> ImageChanges:
        """Return what changes between two policies."""
        return cls(newly_affected(before, after), no_longer_affected(before, after), new_findings(before, after))


@dataclass(frozen=True)
class Difference:
    """How a policy of a file differs from the former one.

    :param found: the new policy in its file.
    :param repository_name: the repository, or None where it is not known.
    :param rules: how the rules differ.
    :param lint: what is wrong or suspicious in the new policy.
    :param images: what changes for the images; None where they were not given, or the new policy is refused or not known.
    """

    found: FoundPolicy
    repository_name: str | None
    rules: RuleChanges
    lint: Sequence[LocatedFinding]
    images: ImageChanges | None

    @property
    def title(self) -> str:
        """The policy and the repository."""
        return f"{self.found.name}, {self.repository_name}" if self.repository_name else self.found.name

    @property
    def is_worth_showing(self) -> bool:
        """Whether a reader of the pull request should look at it."""
        return bool(self.rules) or self.found.unknown is not None or is_refused(self.lint, "error")

    @property
    def headline(self) -> str:
        """What changes, as a sentence."""
        if self.found.unknown is not None:
            return f"Not known: {self.found.unknown}"
        if is_refused(self.lint, "error"):
            return "ECR would refuse this policy."
        if self.found.text is None:
            return "The policy is removed, so nothing expires any more."
        if not self.rules:
            return "The rules stay the same."
        if self.images is None:
            return NO_IMAGES
        newly, no_longer = self.images.newly_affected, self.images.no_longer_affected
        return (
            f"{counted(len(newly), 'image')} newly affected (at most {human_bytes(bytes_of(newly))}), "
            f"{len(no_longer):,} no longer affected."
        )


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
        if (difference := _difference(found, images, arguments.repository, now)) is not None
    ]
    render_as = {"text": _text, "json": _json, "markdown": _markdown}[arguments.format]
    write(render_as(differences, arguments.limit), arguments.output)
    return ExitCode.FINDINGS if _is_refused(differences, arguments) else ExitCode.OK


def pairs(files: Sequence[str]) -> list[FoundPolicy]:
    """Return the new policies, each with the former one.

    :param files: a Terraform plan, which holds both; or the file before and the file after.
    :raises CommandError: if it cannot be said which policy belongs to which.
    """
    if len(files) == 1:
        found = policies_in(files)
        if not all(policy.has_former for policy in found):
            raise CommandError(
                f"{files[0]}: this file does not say which policy was there before. Give two files, the former and the "
                "new one; /dev/null stands for no policy."
            )
        return found
    if len(files) > 2:  # noqa: PLR2004  # before and after
        raise CommandError("diff takes one Terraform plan, or two files: the former and the new one.", ExitCode.USAGE)
    before, after = (policies_in([path]) for path in files)
    if len(before) == len(after) == 1:
        return [_with_former(after[0], before[0])]
    former, new = ({policy.address: policy for policy in policies if policy.address} for policies in (before, after))
    removed = [
        FoundPolicy(path=files[1], address=address, repository_name=policy.repository_name, former_text=policy.text)
        for address, policy in former.items()
        if address not in new
    ]
    return [
        _with_former(policy, former.get(policy.address)) for policy in after if policy.address or policy.text
    ] + removed


def _with_former(policy: FoundPolicy, former: FoundPolicy | None) -> FoundPolicy:
    if former is None:
        return replace(policy, has_former=True)
    name = policy.repository_name or former.repository_name
    if former.unknown is not None:
        return replace(policy, unknown=policy.unknown or f"The former policy: {former.unknown}", repository_name=name)
    return replace(policy, former_text=former.text, has_former=True, repository_name=name)


def _difference(
    found: FoundPolicy, images: dict[str, list[RepositoryImage]], repository: str | None, now: datetime
) -> Difference | None:
    """Return how a policy differs from the former one; None where nothing was and nothing is."""
    if found.text is None and found.former_text is None and found.unknown is None:
        return None
    lint = [] if found.unknown is not None else findings_of(found)
    given = images_of(found, images, repository)
    name = given[0] if given else found.repository_name or repository
    if found.unknown is not None or is_refused(lint, "error"):
        return Difference(found, name, RuleChanges(), lint, None)
    before, after = _former(found), None if found.text is None else LifecyclePolicy.parse(found.text)
    changes = None
    if given is not None:
        name, of = given
        changes = ImageChanges.between(effect_of(before, of, name, now), effect_of(after, of, name, now))
    return Difference(found, name, rule_changes(before, after), lint, changes)


def _former(found: FoundPolicy) -> LifecyclePolicy | None:
    if found.former_text is None:
        return None
    try:
        # ECR took it, whatever we would say of it.
        return LifecyclePolicy.from_service(found.former_text)
    except InvalidLifecyclePolicyError as error:
        raise CommandError(f"{found.name}: the former policy cannot be read: {error}") from error


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
        parts.append(f"#### {verbatim(difference.title)}")
        lines = [*difference.rules.lines(), *(str(located.finding) for located in difference.lint)]
        if lines:
            parts.append("\n".join(f"- {inert(_signed(line))}" for line in lines))
        if difference.images is not None:
            if difference.images.findings:
                parts.append(findings_markdown(difference.images.findings))
            parts += images_markdown(difference.images.newly_affected, limit)
    if any(difference.images for difference in differences):
        parts.append(f"_{DISCLAIMER}_")
    return "\n\n".join(parts)


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
