"""How the policies of files differ from the former ones, and what that changes for the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from airflow_provider_ecr_preview.cli.effects import (
    Effect,
    RuleChanges,
    bytes_of,
    effect_of,
    new_findings,
    newly_affected,
    no_longer_affected,
    rule_changes,
)
from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.cli.inputs import images_of, policies_in
from airflow_provider_ecr_preview.cli.lint import LocatedFinding, findings_of, is_refused
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.files.found import FoundPolicy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.repository import RepositoryImage
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import FindingSummary
from airflow_provider_ecr_preview.display.text import human_bytes

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


def difference_of(
    found: FoundPolicy, images: dict[str, list[RepositoryImage]], repository: str | None, now: datetime
) -> Difference | None:
    """Return how a policy differs from the former one; None where nothing was and nothing is.

    :param found: the new policy, with the former one.
    :param images: the images by repository.
    :param repository: the repository of policies that do not name one.
    :param now: the time at which the policy acts (aware).
    :raises CommandError: if the former policy cannot be read.
    """
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
