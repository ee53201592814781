"""The operator that recommends lifecycle policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.exceptions import AuditStoppedError, CandidateRefusedError
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope, required_scope_of
from airflow_provider_ecr_preview.core.parameters.times import days, seconds
from airflow_provider_ecr_preview.core.parameters.values import account_id, choice, given, integer, switch, texts
from airflow_provider_ecr_preview.core.protection.pattern_validation import tag_globs
from airflow_provider_ecr_preview.core.protection.rules import (
    MIN_AGE_DAYS,
    PROTECTED_TAGS,
    RECENTLY_PULLED_DAYS,
    ImageProtection,
)
from airflow_provider_ecr_preview.core.recommendation.keeping import (
    KEEP_RELEASES,
    MAX_RULES,
    SAFE_DAYS,
    SAFE_PUSHES,
    RecommendationSettings,
)
from airflow_provider_ecr_preview.core.recommendation.proposal import REPLAY_DAYS
from airflow_provider_ecr_preview.core.recommendation.result import RecommendationRequest, recommendation_xcom
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.recommendation import RecommendationXCom
from airflow_provider_ecr_preview.display.recommendation import recommendation_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.policy_recommender import PolicyRecommender
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.operators._audit_parameters import MAX_WORKERS, REPOSITORY_TIMEOUT
from airflow_provider_ecr_preview.operators._fail_on import FAIL_ON_RULES, FailOn, is_too_many, read_fail_on
from airflow_provider_ecr_preview.operators._publish import push_before_failure
from airflow_provider_ecr_preview.reports.in_use import in_use_of
from airflow_provider_ecr_preview.templating.parameters import Rule, safe_days
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin, OutageTimeoutMixin
from airflow_provider_ecr_preview.templating.types import Templated

if TYPE_CHECKING:
    from airflow.sdk import Context


Share = Literal["shape", "all", "none"]


_SHOWN = 5
_LOG_WIDTH = 140


def _setting(value: Any, parameter: str, default: Any = None) -> Any:
    number = integer(value, parameter, default, protects=parameter != "max_rules")
    if number is not None:
        given_setting: dict[str, Any] = {parameter: number}
        replace(RecommendationSettings(), **given_setting)  # refuses what is out of range
    return number


class EcrRecommendLifecyclePolicyOperator(
    LiteralXComMixin, OutageTimeoutMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Find lifecycle policies that keep what has to be kept, also after future pushes, and free as much as possible.

    Each policy keeps images that are in use, that were pulled or pushed recently or that have a protected tag, the newest
    releases, and the signatures and SBOMs of all these. Each policy is simulated; with ``prove=True`` ECR previews it as well,
    and a policy is only returned if ECR affects no image that the simulation keeps. Nothing is deleted, and no policy is applied.

    Give ``lifecycle_policies`` of the result to ``lifecycle_policies`` of ``EcrAuditLifecyclePoliciesOperator`` and
    ``EcrPutLifecyclePolicyOperator``.

    Calls DescribeImages (``ecr:DescribeImages``), and with ``prove=True`` StartLifecyclePolicyPreview and
    GetLifecyclePolicyPreview, with the ``ecr:`` IAM actions of the same names.

    .. code-block:: python

        recommend = EcrRecommendLifecyclePolicyOperator(
            task_id="recommend", repository_names=names.output, in_use=in_use.output, prove=True
        )
        EcrAuditLifecyclePoliciesOperator(
            task_id="audit",
            repository_names=names.output,
            lifecycle_policies="{{ ti.xcom_pull('recommend')['lifecycle_policies'] | tojson }}",
        )

    :param repository_names: the repositories: a list, JSON, or text separated by commas. (templated)
    :param in_use: which images are in use: the output of ``EcrCollectImagesInUseOperator``. If it is incomplete, nothing is
        recommended. Without it, only tags, pulls and pushes decide what to keep. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, as in the clean-up. (templated)
    :param keep_releases: how many of the newest images of each release family to keep for a roll-back. (templated)
    :param safe_days: for how many days without a push all images that have to be kept now survive. (templated)
    :param safe_pushes: how many pushes of one kind they survive within these days. (templated)
    :param recently_pulled_days: keep images that were pulled within this number of days. (templated)
    :param min_age_days: keep images that were pushed within this number of days. (templated)
    :param protected_tags: tag globs; keep images as long as they have such a tag. (templated)
    :param max_rules: maximum number of rules of a policy, up to 10. (templated)
    :param replay_days: check the recorded pulls of this number of days for images that a policy would have
        deleted. (templated)
    :param share: ``shape`` for one policy for all repositories with the same families of tags, ``all`` for one policy for
        all repositories, ``none`` for one policy for each. (templated)
    :param prove: whether ECR previews each policy. (templated)
    :param fail_on: fail the task if repositories have no result: ``any`` of them, ``all`` of them, ``none`` to never fail, or
        a share of all repositories from 0 to 1 that may fail. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param max_workers: number of threads that call ECR. (templated)
    :param repository_timeout: how long one preview may take, in seconds. (templated)
    :param outage_timeout: how long to wait for the end of an outage of AWS or the network, in seconds. An endpoint that has
        never answered fails within 30 seconds. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.recommendation.RecommendationXCom`.
    :raises ValueError: if a parameter is not valid. Nothing is read.
    :raises CandidateRefusedError: if too many repositories failed, or if a policy does not keep what has to be kept.
    :raises AuditStoppedError: if the task was stopped.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "fail_on",
        "in_use",
        "keep_releases",
        "max_rules",
        "max_workers",
        "min_age_days",
        "outage_timeout",
        "protected_tags",
        "prove",
        "recently_pulled_days",
        "registry_id",
        "replay_days",
        "repository_names",
        "repository_timeout",
        "required_scope",
        "safe_days",
        "safe_pushes",
        "share",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"in_use": "json", "repository_names": "json"}
    operator_extra_links = (EcrRegistryLink(),)
    ui_color = "#ffe8d1"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        **FAIL_ON_RULES,
        **dict.fromkeys(("keep_releases", "max_rules", "safe_days", "safe_pushes"), _setting),
        "prove": switch,
        "recently_pulled_days": safe_days,
        "share": partial(choice, choices=get_args(Share)),
    }

    def __init__(
        self,
        *,
        repository_names: Templated[Names],
        in_use: Templated[Mapping[str, Any]] | None = None,
        required_scope: Templated[RequiredScope] = None,
        keep_releases: Templated[int] | None = KEEP_RELEASES,
        safe_days: Templated[int] | None = SAFE_DAYS,
        safe_pushes: Templated[int] | None = SAFE_PUSHES,
        recently_pulled_days: Templated[float | timedelta] | None = RECENTLY_PULLED_DAYS,
        min_age_days: Templated[float | timedelta] | None = MIN_AGE_DAYS,
        protected_tags: Templated[Names] | None = PROTECTED_TAGS,
        max_rules: Templated[int] | None = MAX_RULES,
        replay_days: Templated[float | timedelta] | None = REPLAY_DAYS,
        share: Templated[Share] | None = "shape",
        prove: Templated[bool] | None = False,
        fail_on: Templated[FailOn] | None = "any",
        registry_id: Templated[str] | None = None,
        max_workers: Templated[int] | None = MAX_WORKERS,
        repository_timeout: Templated[float | timedelta] | None = REPOSITORY_TIMEOUT,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_names = repository_names
        self.in_use = in_use
        self.required_scope = required_scope
        self.keep_releases = keep_releases
        self.safe_days = safe_days
        self.safe_pushes = safe_pushes
        self.recently_pulled_days = recently_pulled_days
        self.min_age_days = min_age_days
        self.protected_tags = protected_tags
        self.max_rules = max_rules
        self.replay_days = replay_days
        self.share = share
        self.prove = prove
        self.fail_on = fail_on
        self.registry_id = registry_id
        self.max_workers = max_workers
        self.repository_timeout = repository_timeout
        self.outage_timeout = outage_timeout
        self._is_stopped = False
        self._check_constants()

    def execute(self, context: Context) -> RecommendationXCom:
        """Find and push the policies."""
        fail_on = read_fail_on(self.fail_on)
        in_use = given(self.in_use, "in_use", protects=True)
        request = RecommendationRequest(
            self._settings(),
            datetime.now(UTC),
            days(self.replay_days, "replay_days", REPLAY_DAYS),
            in_use_is_known=in_use is not None,
        )
        recommender = PolicyRecommender(
            hook=self.hook,
            request=request,
            registry_id=account_id(self.registry_id, "registry_id"),
            in_use_of=None if in_use is None else in_use_of(in_use, required_scope_of(self.required_scope)),
            share=choice(self.share, "share", get_args(Share), "shape"),
            prove=switch(self.prove, "prove", False),
            max_workers=integer(self.max_workers, "max_workers", MAX_WORKERS, minimum=1),
            repository_timeout=seconds(self.repository_timeout, "repository_timeout", REPOSITORY_TIMEOUT),
            outage_timeout=seconds(self.outage_timeout, "outage_timeout", OUTAGE_SECONDS),
            should_stop=lambda: self._is_stopped,
        )
        names = sorted(set(texts(self.repository_names, "repository_names")))
        if not names:
            self.log.warning("repository_names is empty, so no policy is recommended.")
        found = recommender.recommend(names)
        if self._is_stopped:
            raise AuditStoppedError("The task was stopped before the policies were found. Nothing was changed.")
        value = recommendation_xcom(found.policies, request, found.failures, unproven=found.unproven)
        self.log.info("The recommendation:\n%s", render(recommendation_table(value), width=_LOG_WIDTH))
        if names and value["lifecycle_policies"] is None:
            self.log.warning(
                "lifecycle_policies is null, because the policies of all repositories do not fit into XCom. Map the task over "
                "the batches of EcrListRepositoriesOperator."
            )
        if reasons := self._why_refused(value, fail_on):
            push_before_failure(context, self, value)
            raise CandidateRefusedError(
                "The recommendation is refused:\n" + "\n".join(f"  - {reason}" for reason in reasons)
            )
        return value

    def on_kill(self) -> None:
        """End soon. ECR has no call that stops a preview; running previews end by themselves and change nothing."""
        self._is_stopped = True

    def _settings(self) -> RecommendationSettings:
        protection = ImageProtection(
            protected_tags=tag_globs(self.protected_tags, "protected_tags", PROTECTED_TAGS),
            min_age_days=days(self.min_age_days, "min_age_days", MIN_AGE_DAYS, protects=True),
            recently_pulled_days=days(
                self.recently_pulled_days, "recently_pulled_days", RECENTLY_PULLED_DAYS, protects=True
            ),
        )
        return RecommendationSettings(
            keep_releases=integer(self.keep_releases, "keep_releases", KEEP_RELEASES, protects=True),
            safe_days=integer(self.safe_days, "safe_days", SAFE_DAYS, minimum=1, protects=True),
            safe_pushes=integer(self.safe_pushes, "safe_pushes", SAFE_PUSHES, minimum=1, protects=True),
            max_rules=integer(self.max_rules, "max_rules", MAX_RULES, minimum=1),
            protection=protection,
        )

    def _why_refused(self, value: RecommendationXCom, fail_on: FailOn) -> list[str]:
        reasons = [
            f"The policy for {', '.join(policy['repository_names'][:_SHOWN])} does not keep "
            f"{counted(policy['lost_image_count'], 'image')} that it has to keep. Do not apply it."
            for policy in value["policies"]
            if policy["lost_image_count"]
        ]
        if is_too_many(value["failed_count"], value["repository_count"], fail_on):
            failures = "; ".join(failure["message"] or "" for failure in value["failures"][:_SHOWN])
            reasons.append(
                f"Without a result: {value['failed_count']} of "
                f"{counted(value['repository_count'], 'repository', 'repositories')} (fail_on={fail_on!r}). {failures}"
            )
        return reasons
