"""The parameters of the checks, written once: how an operator keeps them as attributes, and how it reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from airflow_provider_ecr_preview.core.cleanup import settings as defaults
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupSettings
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parameters.times import days, duration
from airflow_provider_ecr_preview.core.parameters.values import integer, limit, number, switch, texts, written_limit
from airflow_provider_ecr_preview.core.policy.candidates import PoliciesByGlob
from airflow_provider_ecr_preview.core.protection import rules as protection
from airflow_provider_ecr_preview.core.protection.pattern_validation import tag_globs, tag_patterns
from airflow_provider_ecr_preview.core.protection.rules import ImageProtection
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.xcom.approval import ApprovalXCom
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.engine.cleanup_evidence import POLL_INTERVAL, TIMEOUT

_LIMITS = ("max_bytes", "max_images", "max_preview_age", "max_share")
"""Where None in a DAG file means no limit, and None from a template means the default."""


@dataclass(frozen=True, kw_only=True)
class CheckParameters:
    """The parameters that every operator that checks repositories takes, rendered but not yet read.

    Each of these operators repeats them in its signature and docstring, so that editors, type checkers and
    ``default_args`` see them. A test compares the copies with this one.

    :param in_use: which images are in use: the output of ``EcrCollectImagesInUseOperator``. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover: ``123456789012`` for an account in the
        Region of the repository, or ``123456789012/eu-central-1``. None means the account and Region of the repository.
        For a central registry, name the accounts that run its images. (templated)
    :param approved: what a person approved: the output of ``EcrApproveCleanupOperator``, or the digest that it shows. If
        given, the task touches nothing else: it blocks if the audit was run again, or if an XCom value or an image list
        changed since the approval. (templated)
    :param lifecycle_policy_text: the previewed policy, as JSON text or dict; None if the preview is of the applied
        policy. (templated)
    :param lifecycle_policies: previewed policies by repository name or name glob. (templated)
    :param max_images: block a repository if more images than this are affected; None, or ``unlimited`` in a form, for no
        limit. A template that renders to None means the default, as for every limit. (templated)
    :param max_share: block a repository if more than this share of its images is affected, from 0 to 1; None for no
        limit. (templated)
    :param max_bytes: block a repository if the affected images take up more bytes than this, counted as an upper bound;
        None for no limit. (templated)
    :param minimum_images_left: block a repository if fewer images than this are left. At least one image always has to be
        left. (templated)
    :param protected_tags: tag globs that protect an image even if it was approved: a list, JSON, or text separated by
        commas; [] for none. (templated)
    :param protected_tag_patterns: regular expressions that protect an image if they match anywhere in one of its
        tags. (templated)
    :param min_age_days: protect images that were pushed or restored within this number of days; 0 for none. (templated)
    :param recently_pulled_days: protect images that were pulled within this number of days; 0 for none. (templated)
    :param newest_images_kept: protect this number of the newest images, and the same number of the newest tagged
        ones. (templated)
    :param max_preview_age: block a repository if its preview is older than this: a timedelta, or an ISO 8601 duration
        such as ``P1D``; None for no limit. (templated)
    :param required_agreeing_previews: how many previews in a row have to list an image. The approved preview and the fresh
        one are two; more need ``previous_summaries``. (templated)
    :param previous_summaries: summaries of earlier previews, each with its ``images_uri``. (templated)
    :param check_in_use: whether to block a repository if it is not known which of its images are in use. (templated)
    :param check_referrers: whether to protect signatures, SBOMs and attestations of images that stay. (templated)
    :param check_replicas: whether to check the images in other Regions and accounts to which ECR replicates the
        deletions, and what is in use there; a repository is blocked if either is not known. (templated)
    :param ignored_findings: codes of critical findings that do not block. (templated)
    :param timeout: how long to wait for one fresh preview, in seconds. (templated)
    :param poll_interval: time between two checks of its status, in seconds. (templated)
    """

    in_use: Mapping[str, Any] | str | None = None
    required_scope: RequiredScope = None
    approved: ApprovalXCom | Mapping[str, Any] | str | None = None
    lifecycle_policy_text: PolicySource | None = None
    lifecycle_policies: PoliciesByGlob | None = None
    max_images: int | str | None = defaults.MAX_IMAGES
    max_share: float | str | None = defaults.MAX_SHARE
    max_bytes: int | str | None = defaults.MAX_BYTES
    minimum_images_left: int | str | None = defaults.MINIMUM_IMAGES_LEFT
    protected_tags: Names | None = protection.PROTECTED_TAGS
    protected_tag_patterns: Names | None = ()
    min_age_days: float | timedelta | str | None = protection.MIN_AGE_DAYS
    recently_pulled_days: float | timedelta | str | None = protection.RECENTLY_PULLED_DAYS
    newest_images_kept: int | str | None = protection.NEWEST_IMAGES_KEPT
    max_preview_age: timedelta | str | None = defaults.MAX_PREVIEW_AGE
    required_agreeing_previews: int | str | None = defaults.REQUIRED_AGREEING_PREVIEWS
    previous_summaries: Sequence[PreviewSummaryXCom] | Mapping[str, Any] | str | None = ()
    check_in_use: bool | str | None = True
    check_referrers: bool | str | None = True
    check_replicas: bool | str | None = True
    ignored_findings: Names | None = ()
    timeout: float | timedelta | str | None = TIMEOUT
    poll_interval: float | timedelta | str | None = POLL_INTERVAL

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the parameters."""
        return [field.name for field in fields(cls)]

    @classmethod
    def keep(cls, task: Any, given: Mapping[str, Any]) -> None:
        """Set each parameter as the attribute of the same name, which Airflow then renders.

        :param task: the operator.
        :param given: the values by name; names of other parameters are ignored.
        """
        for name in cls.names():
            setattr(task, name, written_limit(given[name]) if name in _LIMITS else given[name])

    @classmethod
    def of(cls, task: Any) -> CheckParameters:
        """Return the parameters of a task.

        :param task: the operator, rendered.
        """
        return cls(**{name: getattr(task, name) for name in cls.names()})

    def settings(self, **own: Any) -> CleanupSettings:
        """Return how careful to be.

        :param own: the settings that only the operator at hand has.
        :raises ValueError: if a parameter is not valid.
        """
        return CleanupSettings(
            protection=ImageProtection(
                protected_tags=tag_globs(self.protected_tags, "protected_tags", protection.PROTECTED_TAGS),
                protected_tag_patterns=tag_patterns(self.protected_tag_patterns, "protected_tag_patterns"),
                min_age_days=days(self.min_age_days, "min_age_days", protection.MIN_AGE_DAYS, protects=True),
                recently_pulled_days=days(
                    self.recently_pulled_days, "recently_pulled_days", protection.RECENTLY_PULLED_DAYS, protects=True
                ),
                newest_images_kept=integer(
                    self.newest_images_kept, "newest_images_kept", protection.NEWEST_IMAGES_KEPT, protects=True
                ),
            ),
            max_images=limit(self.max_images, "max_images", defaults.MAX_IMAGES, integer),
            max_share=limit(self.max_share, "max_share", defaults.MAX_SHARE, number, maximum=1),
            max_bytes=limit(self.max_bytes, "max_bytes", defaults.MAX_BYTES, integer),
            minimum_images_left=integer(
                self.minimum_images_left, "minimum_images_left", defaults.MINIMUM_IMAGES_LEFT, protects=True
            ),
            max_preview_age=limit(self.max_preview_age, "max_preview_age", defaults.MAX_PREVIEW_AGE, duration),
            required_agreeing_previews=integer(
                self.required_agreeing_previews,
                "required_agreeing_previews",
                defaults.REQUIRED_AGREEING_PREVIEWS,
                protects=True,
            ),
            check_in_use=switch(self.check_in_use, "check_in_use", True, protects=True),
            check_referrers=switch(self.check_referrers, "check_referrers", True, protects=True),
            check_replicas=switch(self.check_replicas, "check_replicas", True, protects=True),
            ignored_findings=texts(self.ignored_findings, "ignored_findings", protects=True),
            **own,
        )


CHECKED_TEMPLATE_FIELDS = (
    *CheckParameters.names(),
    "check_only",
    "dry_run",
    "on_blocked",
    "outage_timeout",
    "summary",
)
"""The templated parameters of every operator that checks repositories."""


JSON_RENDERERS = dict.fromkeys(
    ("approved", "in_use", "lifecycle_policies", "lifecycle_policy_text", "previous_summaries", "summary"), "json"
)
"""How the UI shows those that are objects."""
