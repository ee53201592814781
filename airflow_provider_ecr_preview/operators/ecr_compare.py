"""The operator that compares lifecycle policies on the same repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.core.comparison.effects import Comparison, new_findings
from airflow_provider_ecr_preview.core.comparison.result import comparison_xcom
from airflow_provider_ecr_preview.core.exceptions import AuditStoppedError, CandidateRefusedError
from airflow_provider_ecr_preview.core.parameters.times import days, seconds
from airflow_provider_ecr_preview.core.parameters.values import (
    account_id,
    choice,
    given,
    integer,
    mapping,
    switch,
    texts,
)
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.preview.finding import FindingSeverity
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.core.protection import PROTECTED_TAGS, RECENTLY_PULLED_DAYS, tags_protected_by
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.xcom.comparison import ComparedRepository, ComparisonMethod, ComparisonXCom
from airflow_provider_ecr_preview.display.comparison import comparison_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.policy_comparer import PolicyComparer
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._audit_parameters import MAX_WORKERS, REPOSITORY_TIMEOUT
from airflow_provider_ecr_preview.operators._fail_on import FailOn, is_too_many, read_fail_on
from airflow_provider_ecr_preview.operators._publish import push_before_failure
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.lint.policy import PolicySource
    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy


APPLIED = "applied"


CANDIDATE = "candidate"


MAX_POLICIES = 10


NO_FINDING = "none"
"""What makes no finding fail the task."""


_SHOWN = 5


class EcrCompareLifecyclePoliciesOperator(
    LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Compare candidate policies with the applied ones, or with each other, on the same repositories.

    For every candidate: the images that it takes and the applied policy does not, and the other way round, their bytes
    and the findings of each. The task fails where a candidate takes more than it may, so that it can guard the roll-out
    of a policy; the comparison is pushed before. Nothing is deleted, and no policy is applied.

    With ``method="preview"`` ECR previews one policy after the other (StartLifecyclePolicyPreview,
    GetLifecyclePolicyPreview, DescribeImages). With ``method="simulation"`` this package evaluates the policies over the
    images that are there (DescribeImages, GetLifecyclePolicy) and leaves the one preview of each repository alone: that
    is no preview, and the result says so. ``method="both"`` makes it a finding where the two disagree. Each needs the
    ``ecr:`` IAM actions of the same names.

    .. code-block:: python

        EcrCompareLifecyclePoliciesOperator(
            task_id="compare",
            repository_names=names.output,
            lifecycle_policy_text=KEEP_TEN,
            method="simulation",
            max_newly_affected=100,
        )

    :param repository_names: the repositories, as a list or as a text with commas between. (templated)
    :param lifecycle_policy_text: a candidate, which is named ``candidate``; JSON text or dict. (templated)
    :param candidates: further candidates by name, each JSON text or dict. (templated)
    :param with_applied: whether the applied policy, named ``applied``, comes first. The others are compared with the
        first. (templated)
    :param method: ``preview``, ``simulation`` or ``both``. (templated)
    :param registry_id: the registry (account); the caller's own if None. (templated)
    :param fail_on_finding: fail when a candidate raises a finding of at least this severity that the first policy does
        not raise: ``critical``, ``warning`` or ``info``; None, or ``none``, never fails for it. (templated)
    :param max_newly_affected: fail when a candidate takes more images than this that the first policy does not take;
        None for no bound. (templated)
    :param fail_on: when the task fails because of repositories that could not be compared: at ``any``, only when ``all``
        failed, at ``none``, or when they are more than this share of all.
        (templated)
    :param recently_pulled_days: an affected image that was pulled within this number of days is a finding. (templated)
    :param protected_tags: globs; an affected image with such a tag is a finding. (templated)
    :param max_workers: number of threads that ask for previews.
    :param repository_timeout: time that one preview has, in seconds.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of the connection if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.comparison.ComparisonXCom`.
    :raises InvalidLifecyclePolicyError: if ECR would refuse a candidate; names every mistake, and nothing is started.
    :raises ValueError: if there are not two policies to compare; nothing is started.
    :raises CandidateRefusedError: if a candidate takes more than it may, or too many repositories failed.
    :raises AuditStoppedError: if the task was told to stop.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "candidates",
        "fail_on",
        "fail_on_finding",
        "lifecycle_policy_text",
        "max_newly_affected",
        "method",
        "protected_tags",
        "recently_pulled_days",
        "registry_id",
        "repository_names",
        "with_applied",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "candidates": "json",
        "lifecycle_policy_text": "json",
        "repository_names": "json",
    }
    operator_extra_links = (EcrPreviewTabLink(),)
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        repository_names: Names,
        lifecycle_policy_text: PolicySource | None = None,
        candidates: Mapping[str, PolicySource] | str | None = None,
        with_applied: bool | str | None = True,
        method: ComparisonMethod | str | None = "preview",
        registry_id: str | None = None,
        fail_on_finding: FindingSeverity | str | None = "critical",
        max_newly_affected: int | str | None = None,
        fail_on: FailOn | str | None = "any",
        recently_pulled_days: float | timedelta | str | None = RECENTLY_PULLED_DAYS,
        protected_tags: Names | None = PROTECTED_TAGS,
        max_workers: int | None = MAX_WORKERS,
        repository_timeout: float | timedelta | None = REPOSITORY_TIMEOUT,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_names = repository_names
        self.lifecycle_policy_text = lifecycle_policy_text
        self.candidates = candidates
        self.with_applied = with_applied
        self.method = method
        self.registry_id = registry_id
        # None that is written in a DAG never fails for a finding; None that a template leaves is the default.
        self.fail_on_finding = NO_FINDING if fail_on_finding is None else fail_on_finding
        self.max_newly_affected = max_newly_affected
        self.fail_on = fail_on
        self.recently_pulled_days = recently_pulled_days
        self.protected_tags = protected_tags
        self.max_workers = max_workers
        self.repository_timeout = repository_timeout
        self._is_stopped = False

    def execute(self, context: Context) -> ComparisonXCom:
        """Compare the policies."""
        method: ComparisonMethod = choice(self.method, "method", get_args(ComparisonMethod), "preview")
        self._read_verdict()
        policies = self._checked_policies()
        names = sorted(set(texts(self.repository_names, "repository_names")))
        if not names:
            self.log.warning("There is no repository to compare policies on.")
        comparer = PolicyComparer(
            hook=self.hook,
            policies=policies,
            method=method,
            registry_id=account_id(self.registry_id, "registry_id"),
            max_workers=integer(self.max_workers, "max_workers", MAX_WORKERS, minimum=1),
            repository_timeout=seconds(self.repository_timeout, "repository_timeout", REPOSITORY_TIMEOUT),
            lookout=Lookout(
                recently_pulled_days=days(self.recently_pulled_days, "recently_pulled_days", RECENTLY_PULLED_DAYS),
                protection=tags_protected_by(self.protected_tags),
            ),
            should_stop=lambda: self._is_stopped,
        )
        comparison = Comparison(policies, method, datetime.now(UTC))
        reasons: list[str] = []
        for compared in comparer.compare(names):
            if "policies" in compared:
                comparison.add(compared)
                reasons += self._grave(compared) if len(reasons) <= _SHOWN else []
            else:
                comparison.fail(compared)
        if self._is_stopped:
            raise AuditStoppedError(
                f"The comparison was told to stop when {comparison.repository_count} of {len(names)} repositories were "
                "done."
            )
        value = comparison_xcom(comparison)
        self.log.info("The comparison:\n%s", render(comparison_table(value), width=140))
        reasons = [*self._too_much(value), *reasons]
        if reasons:
            push_before_failure(context, self, value)
            raise CandidateRefusedError(
                "The policies were compared, and:\n" + "\n".join(f"  - {one}" for one in reasons)
            )
        return value

    def on_kill(self) -> None:
        """End soon. ECR has no way to stop a preview; those that run end by themselves and change nothing."""
        self._is_stopped = True

    def _read_verdict(self) -> None:
        """Read what makes the task fail, before anything is started."""
        self._fail_on = read_fail_on(self.fail_on)
        self._max_newly_affected = integer(self.max_newly_affected, "max_newly_affected", None)
        severities = (*get_args(FindingSeverity), NO_FINDING)
        severity: FindingSeverity | Literal["none"] = choice(
            self.fail_on_finding, "fail_on_finding", severities, "critical"
        )
        self._fail_on_finding = None if severity == NO_FINDING else severity

    def _checked_policies(self) -> dict[str, LifecyclePolicy | None]:
        """Return the policies by name, the first of which the others are compared with."""
        with_applied = switch(self.with_applied, "with_applied", True)
        candidate = given(self.lifecycle_policy_text, "lifecycle_policy_text")
        sources: dict[str, PolicySource | None] = {} if candidate is None else {CANDIDATE: candidate}
        sources |= mapping(self.candidates, "candidates")
        if APPLIED in sources and with_applied:
            raise ValueError(f"A candidate is named {APPLIED!r}, as the applied policy is. Name it something else.")
        candidates = CandidatePolicies(None, sources)
        for finding in candidates.warnings:
            self.log.warning("%s", finding)
        empty = [name for name, policy in candidates.by_name.items() if policy is None and name != CANDIDATE]
        if empty:
            raise ValueError(f"There is no policy under {', '.join(empty)} in candidates.")
        policies: dict[str, LifecyclePolicy | None] = {APPLIED: None} if with_applied else {}
        policies |= {name: policy for name, policy in candidates.by_name.items() if policy is not None}
        if not 1 < len(policies) <= MAX_POLICIES:
            raise ValueError(
                f"There are {len(policies)} policies to compare; 2 to {MAX_POLICIES} can be. Give lifecycle_policy_text or "
                "candidates."
            )
        return policies

    def _grave(self, compared: ComparedRepository) -> list[str]:
        if self._fail_on_finding is None:
            return []
        return [
            f"{compared['repository_name']}: {policy} raises {finding['code']}: {finding['message']}"
            for policy, finding in new_findings(compared, self._fail_on_finding)
        ]

    def _too_much(self, value: ComparisonXCom) -> list[str]:
        reasons = []
        if is_too_many(value["failed_count"], value["repository_count"], self._fail_on):
            failures = "; ".join(f"{one['message']}" for one in value["failures"][:_SHOWN])
            reasons.append(
                f"{value['failed_count']} of {value['repository_count']} repositories could not be compared "
                f"(fail_on={self._fail_on!r}): {failures}"
            )
        most = self._max_newly_affected
        if most is not None:
            reasons += [
                f"{policy['policy']} takes {policy['newly_affected_image_count']} images that "
                f"{value['policies'][0]['policy']} does not take; {most} are allowed (max_newly_affected)."
                for policy in value["policies"][1:]
                if policy["newly_affected_image_count"] > most
            ]
        return reasons
