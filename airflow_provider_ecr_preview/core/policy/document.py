"""A lifecycle policy: parse, lint, canonical form, fingerprint, evaluate.

There are two ways in. A policy that a person wrote goes through :meth:`LifecyclePolicy.parse`, which refuses what ECR
would refuse. A policy that ECR returned goes through :meth:`LifecyclePolicy.from_service`, which accepts anything ECR
accepts, so that a newer grammar than ours does not stop a preview.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError
from airflow_provider_ecr_preview.core.lint.finding import PolicyFinding
from airflow_provider_ecr_preview.core.lint.policy import PolicySource, _text_of, lint_policy
from airflow_provider_ecr_preview.core.lint.rule import TAG_LISTS
from airflow_provider_ecr_preview.core.policy.evaluation import Verdict, evaluate
from airflow_provider_ecr_preview.core.policy.rule import Rule
from airflow_provider_ecr_preview.core.repository import RepositoryImage


@dataclass(frozen=True)
class LifecyclePolicy:
    """A lifecycle policy.

    :param rules: its rules by ascending priority.
    :param text: the JSON text as it was written.
    """

    rules: tuple[Rule, ...]
    text: str

    @classmethod
    def parse(cls, source: PolicySource) -> LifecyclePolicy:
        """Return the policy that a person wrote.

        :param source: JSON text, or the same as a dict.
        :raises InvalidLifecyclePolicyError: if ECR would refuse it; names every mistake and what to write instead.
        """
        errors = [finding for finding in lint_policy(source) if finding.severity == "error"]
        if errors:
            raise InvalidLifecyclePolicyError(errors)
        return cls.from_service(_text_of(source))

    @classmethod
    def from_service(cls, text: str) -> LifecyclePolicy:
        """Return the policy that ECR returned, without checking it against our grammar.

        :param text: ``lifecyclePolicyText`` of a response.
        :raises InvalidLifecyclePolicyError: if it cannot be read as a policy at all.
        """
        try:
            rules = sorted(map(Rule.from_document, json.loads(text)["rules"]), key=lambda rule: rule.priority)
            policy = cls(tuple(rules), text)
            # Compute and cache it here, so that any policy that was read can also be compared.
            policy.canonical  # noqa: B018
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            finding = PolicyFinding.error(
                "not_readable",
                None,
                f"the text cannot be read as a lifecycle policy ({type(error).__name__}: {error}).",
                "Look at the policy in the ECR console; a newer release of this package may know it.",
            )
            raise InvalidLifecyclePolicyError([finding]) from error
        return policy

    @cached_property
    def canonical(self) -> str:
        """The canonical form of the policy, the same for all equivalent texts."""
        return canonical_policy(self.text)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical form, in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def evaluate(self, images: Iterable[RepositoryImage], now: datetime) -> list[Verdict]:
        """Return the verdict of the policy on every image, with the reason.

        :param images: every image of one repository, archived ones included.
        :param now: the time at which the policy acts (aware).
        """
        return evaluate(self.rules, images, now)


def canonical_policy(text: str) -> str:
    """Return the canonical form of a policy, the same for all equivalent texts.

    ECR sorts the rules of a policy by priority and may write keys and white space as it likes, so two texts are
    compared by this form. The order within a tag list means nothing either, and ``standard`` is the default
    ``storageClass``.

    :param text: a policy that is valid JSON.
    """
    document = json.loads(text)
    for rule in document["rules"]:
        selection = rule["selection"]
        for key in TAG_LISTS:
            if key in selection:
                selection[key] = sorted(selection[key])
        if selection.get("storageClass") == "standard":
            del selection["storageClass"]
    document["rules"].sort(key=lambda rule: rule["rulePriority"])
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
