"""The operator that compares lifecycle policies on the same repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.candidate_policies import CandidatePolicies, mapping_of
from airflow_provider_ecr_preview.comparison import Comparison, comparison_xcom, new_findings
from airflow_provider_ecr_preview.comparison_table import comparison_table
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.exceptions import AuditStoppedError, CandidateRefusedError
from airflow_provider_ecr_preview.findings import RECENTLY_PULLED_DAYS, FindingSeverity
from airflow_provider_ecr_preview.hooks.comparer import PolicyComparer
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators.audit_verdict import FailOn, check_fail_on, is_too_many
from airflow_provider_ecr_preview.operators.failed_result import push_before_failure
from airflow_provider_ecr_preview.protection import PROTECTED_TAGS, tags_protected_by
from airflow_provider_ecr_preview.repository_selection import Names, names_of
from airflow_provider_ecr_preview.tables import render
from airflow_provider_ecr_preview.templating import LiteralXComMixin
from airflow_provider_ecr_preview.xcom import ComparedRepository, ComparisonMethod, ComparisonXCom

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.policy import LifecyclePolicy, PolicySource

APPLIED = "applied"
CANDIDATE = "candidate"
MAX_POLICIES = 10

_SHOWN = 5


class EcrCompareLifecyclePoliciesOperator(LiteralXComMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]):
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
        first.
    :param method: ``preview``, ``simulation`` or ``both``. (templated)
    :param registry_id: the registry (account); the caller's own if None. (templated)
    :param fail_on_finding: fail when a candidate raises a finding of at least this severity that the first policy does
        not raise: ``critical``, ``warning`` or ``info``; None never fails for it.
    :param max_newly_affected: fail when a candidate takes more images than so many that the first policy does not take;
        None for no bound. (templated)
    :param fail_on: when the task fails because of repositories that could not be compared: at ``any``, only when ``all``
        failed, at ``none``, or when they are more than this share of all.
    :param recently_pulled_days: an affected image that was pulled within so many days is a finding.
    :param protected_tags: globs; an affected image with such a tag is a finding. (templated)
    :param max_workers: number of threads that ask for previews.
    :param repository_timeout: time that one preview has, in seconds.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of the connection if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.xcom.ComparisonXCom`.
    :raises InvalidLifecyclePolicyError: if ECR would refuse a candidate; names every mistake, and nothing is started.
    :raises ValueError: if there are not two policies to compare; nothing is started.
    :raises CandidateRefusedError: if a candidate takes more than it may, or too many repositories failed.
    :raises AuditStoppedError: if the task was told to stop.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "candidates",
        "lifecycle_policy_text",
        "max_newly_affected",
        "method",
        "protected_tags",
        "registry_id",
        "repository_names",
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
        with_applied: bool = True,
        method: ComparisonMethod = "preview",
        registry_id: str | None = None,
        fail_on_finding: FindingSeverity | None = "critical",
        max_newly_affected: int | str | None = None,
        fail_on: FailOn = "any",
        recently_pulled_days: int = RECENTLY_PULLED_DAYS,
        protected_tags: Sequence[str] | str | None = PROTECTED_TAGS,
        max_workers: int = 16,
        repository_timeout: float = 3600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_names = repository_names
        self.lifecycle_policy_text = lifecycle_policy_text
        self.candidates = candidates
        self.with_applied = with_applied
        self.method = method
        self.registry_id = registry_id
        self.fail_on_finding = fail_on_finding
        self.max_newly_affected = max_newly_affected
        self.fail_on = fail_on
        self.recently_pulled_days = recently_pulled_days
        self.protected_tags = protected_tags
        self.max_workers = max_workers
        self.repository_timeout = repository_timeout
        self._is_stopped = False

    def execute(self, context: Context) -> ComparisonXCom:
        """Compare the policies."""
        policies = self._checked_policies()
        names = sorted(set(names_of(self.repository_names)))
        if not names:
            self.log.warning("There is no repository to compare policies on.")
        comparer = PolicyComparer(
            hook=self.hook,
            policies=policies,
            method=self.method,
            registry_id=self.registry_id or None,
            max_workers=self.max_workers,
            repository_timeout=self.repository_timeout,
            lookout=Lookout(
                recently_pulled_days=self.recently_pulled_days, protection=tags_protected_by(self.protected_tags)
            ),
            should_stop=lambda: self._is_stopped,
        )
        comparison = Comparison(policies, self.method, datetime.now(UTC))
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

    def _checked_policies(self) -> dict[str, LifecyclePolicy | None]:
        """Return the policies by name, the first of which the others are compared with."""
        check_fail_on(self.fail_on)
        if self.method not in get_args(ComparisonMethod):
            raise ValueError(f"method is {self.method!r}. Use 'preview', 'simulation' or 'both'.")
        if self.fail_on_finding not in (None, *get_args(FindingSeverity)):
            raise ValueError(f"fail_on_finding is {self.fail_on_finding!r}. Use 'critical', 'warning', 'info' or None.")
        sources: dict[str, PolicySource | None] = (
            {CANDIDATE: self.lifecycle_policy_text} if self.lifecycle_policy_text else {}
        )
        sources |= mapping_of(self.candidates, "candidates")
        if APPLIED in sources and self.with_applied:
            raise ValueError(f"A candidate is named {APPLIED!r}, as the applied policy is. Name it something else.")
        candidates = CandidatePolicies(None, sources)
        for finding in candidates.warnings:
            self.log.warning("%s", finding)
        empty = [name for name, policy in candidates.by_name.items() if policy is None and name != CANDIDATE]
        if empty:
            raise ValueError(f"There is no policy under {', '.join(empty)} in candidates.")
        policies: dict[str, LifecyclePolicy | None] = {APPLIED: None} if self.with_applied else {}
        policies |= {name: policy for name, policy in candidates.by_name.items() if policy is not None}
        if not 1 < len(policies) <= MAX_POLICIES:
            raise ValueError(
                f"There are {len(policies)} policies to compare; 2 to {MAX_POLICIES} can be. Give lifecycle_policy_text or "
                "candidates."
            )
        return policies

    def _grave(self, compared: ComparedRepository) -> list[str]:
        if self.fail_on_finding is None:
            return []
        return [
            f"{compared['repository_name']}: {policy} raises {finding['code']}: {finding['message']}"
            for policy, finding in new_findings(compared, self.fail_on_finding)
        ]

    def _too_much(self, value: ComparisonXCom) -> list[str]:
        reasons = []
        if is_too_many(value["failed_count"], value["repository_count"], self.fail_on):
            failures = "; ".join(f"{one['message']}" for one in value["failures"][:_SHOWN])
            reasons.append(
                f"{value['failed_count']} of {value['repository_count']} repositories could not be compared "
                f"(fail_on={self.fail_on!r}): {failures}"
            )
        if self.max_newly_affected not in (None, ""):
            most = int(self.max_newly_affected)
            reasons += [
                f"{policy['policy']} takes {policy['newly_affected_image_count']} images that "
                f"{value['policies'][0]['policy']} does not take; {most} are allowed (max_newly_affected)."
                for policy in value["policies"][1:]
                if policy["newly_affected_image_count"] > most
            ]
        return reasons
