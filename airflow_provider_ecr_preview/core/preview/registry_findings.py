"""Find what else creates images or applies policies: pull-through caches, creation templates, and the quota of images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from airflow_provider_ecr_preview.core.ecr_values import EXPIRE
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.lint.policy import lint_policy
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.policy.expected import difference
from airflow_provider_ecr_preview.core.preview.finding import Finding
from airflow_provider_ecr_preview.core.preview.inventory import PUSHES_DAYS, RepositoryInventory
from airflow_provider_ecr_preview.core.text.counted import counted

ANY_REPOSITORY = "ROOT"


IMAGE_QUOTA = 100_000
"""How many images a repository may have, unless AWS has raised the quota."""


NEAR_SHARE = 0.8


NEAR_DAYS = 90


MAX_MISTAKES = 3


@dataclass(frozen=True, slots=True)
class CreationTemplate:
    """A template by which ECR creates repositories.

    :param prefix: the beginning of the names of the repositories; ``ROOT`` for all.
    :param policy_text: the lifecycle policy that they get; None for none.
    :param applied_for: why ECR creates them, such as ``PULL_THROUGH_CACHE``.
    """

    prefix: str
    policy_text: str | None
    applied_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class RegistryFacts:
    """What a registry does by itself.

    :param cache_prefixes: the prefixes of the repositories of pull-through caches; ``ROOT`` for all.
    :param templates: the creation templates.
    """

    cache_prefixes: Sequence[str] = ()
    templates: Sequence[CreationTemplate] = field(default_factory=tuple)

    def template_of(self, repository_name: str) -> CreationTemplate | None:
        """Return the creation template with the longest prefix of a repository's name, or None.

        :param repository_name: the repository.
        """
        suitable = [template for template in self.templates if _has_prefix(repository_name, template.prefix)]
        return max(suitable, key=lambda template: _length(template.prefix), default=None)


def registry_findings(
    facts: RegistryFacts,
    repository_name: str,
    applied: LifecyclePolicy | None,
    inventory: RepositoryInventory | None,
    now: datetime,
) -> list[Finding]:
    """Return what is found in a repository about caches and creation templates.

    :param facts: what the registry does by itself.
    :param repository_name: the repository.
    :param applied: the policy that is previewed; None for none.
    :param inventory: its images; if it holds them, the policy of the template is simulated on them.
    :param now: the time (aware).
    """
    findings = []
    prefixes = [prefix for prefix in facts.cache_prefixes if _has_prefix(repository_name, prefix)]
    if prefixes:
        prefix = max(prefixes, key=_length)
        findings.append(
            Finding(
                "pull_through_cache_repository",
                "info",
                f"The pull-through cache rule {prefix} fills this repository: an image that expires comes back with its next "
                "pull, unless the upstream registry has removed it. Keep what the upstream registry may remove.",
            )
        )
    template = facts.template_of(repository_name)
    if template is not None and template.policy_text is not None:
        findings += _of_template(template, template.policy_text, applied, inventory, now)
    return findings


def unused_template_notes(facts: RegistryFacts, repository_names: Iterable[str]) -> list[str]:
    """Return what is wrong with the policies of the creation templates that none of the repositories would get.

    :param facts: what the registry does by itself.
    :param repository_names: the repositories of the audit; their templates are among their own findings.
    """
    used = {facts.template_of(name) for name in repository_names}
    return [
        f"{mistake} No repository of this audit has its prefix."
        for template in facts.templates
        if template not in used and template.policy_text and (mistake := _mistake_of(template, template.policy_text))
    ]


def _mistake_of(template: CreationTemplate, text: str) -> str | None:
    mistakes = [str(mistake) for mistake in lint_policy(text)]
    if not mistakes:
        return None
    more = f" and {len(mistakes) - MAX_MISTAKES} more" if len(mistakes) > MAX_MISTAKES else ""
    return (
        f"The policy of the repository creation template {template.prefix} has mistakes: "
        f"{'; '.join(mistakes[:MAX_MISTAKES])}{more}. New repositories get this policy: correct the template."
    )


def _of_template(
    template: CreationTemplate,
    text: str,
    applied: LifecyclePolicy | None,
    inventory: RepositoryInventory | None,
    now: datetime,
) -> list[Finding]:
    findings = []
    if mistake := _mistake_of(template, text):
        findings.append(Finding("creation_template_mistake", "warning", mistake))
    try:
        policy = LifecyclePolicy.from_service(text)
    except InvalidLifecyclePolicyError:
        return findings
    if applied is None or applied.fingerprint != policy.fingerprint:
        findings.append(
            Finding(
                "creation_template_differs",
                "info",
                f"The repository creation template {template.prefix} gives new repositories another policy: "
                f"{difference(applied, policy)}.{_simulated(policy, inventory, now)} Decide which of the two is right.",
            )
        )
    return findings


def _simulated(policy: LifecyclePolicy, inventory: RepositoryInventory | None, now: datetime) -> str:
    images = [] if inventory is None else inventory.images
    if not images:
        return ""
    expiring = sum(verdict.action == EXPIRE for verdict in policy.evaluate(images, now))
    return f" Here it would expire {counted(expiring, 'image')} of {len(images):,}."


def quota_findings(
    inventory: RepositoryInventory, expiring_image_count: int, quota: int, now: datetime
) -> list[Finding]:
    """Return the finding about a repository that is near its quota of images.

    :param inventory: the images of the repository.
    :param expiring_image_count: number of images that the policy expires.
    :param quota: number of images that the repository may have.
    :param now: the time (aware).
    """
    total = inventory.total_image_count
    left = quota - (total - expiring_image_count)
    a_day = inventory.pushed_since(now - timedelta(days=PUSHES_DAYS)) / PUSHES_DAYS
    days = max(left, 0) / a_day if a_day else None
    if total < NEAR_SHARE * quota and (days is None or days > NEAR_DAYS):
        return []
    when = ""
    if days is not None:
        when = f" At the rate of the last {PUSHES_DAYS} days it reaches the quota in {days:,.0f} days, unless the policy expires more."
    return [
        Finding(
            "image_quota_near",
            "warning",
            f"The repository has {total:,} of the {quota:,} images that it may have, and the policy expires "
            f"{expiring_image_count:,}.{when} Pushes fail at the quota: keep fewer images, or ask AWS for a higher quota and set "
            "image_quota.",
        )
    ]


def _has_prefix(repository_name: str, prefix: str) -> bool:
    return prefix == ANY_REPOSITORY or repository_name.startswith(f"{prefix.rstrip('/')}/")


def _length(prefix: str) -> int:
    return -1 if prefix == ANY_REPOSITORY else len(prefix.rstrip("/"))
