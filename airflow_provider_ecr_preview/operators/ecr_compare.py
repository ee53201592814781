"""The operator that compares lifecycle policies on the same repositories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
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
    text,
    texts,
)
from airflow_provider_ecr_preview.core.policy.candidates import CandidatePolicies
from airflow_provider_ecr_preview.core.preview.finding import FindingSeverity
from airflow_provider_ecr_preview.core.preview.reading import Lookout
from airflow_provider_ecr_preview.core.protection.rules import PROTECTED_TAGS, RECENTLY_PULLED_DAYS, tags_protected_by
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.comparison import ComparedRepository, ComparisonMethod, ComparisonXCom
from airflow_provider_ecr_preview.display.comparison import comparison_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.policy_comparer import PolicyComparer
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._audit_parameters import MAX_WORKERS, REPOSITORY_TIMEOUT
from airflow_provider_ecr_preview.operators._fail_on import FAIL_ON_RULES, FailOn, is_too_many, read_fail_on
from airflow_provider_ecr_preview.operators._progress import comparison_progress
from airflow_provider_ecr_preview.operators._publish import mark_comparison, push_before_failure
from airflow_provider_ecr_preview.reports.lists import line_list
from airflow_provider_ecr_preview.templating.parameters import Rule, policies
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin, OutageTimeoutMixin
from airflow_provider_ecr_preview.templating.types import Templated

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.lint.policy import PolicySource
    from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy


APPLIED = "applied"


CANDIDATE = "candidate"


MAX_POLICIES = 10


NO_FINDING = "none"
"""The value with which no finding fails the task."""


_SHOWN = 5


class EcrCompareLifecyclePoliciesOperator(
    LiteralXComMixin, OutageTimeoutMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Compare candidate policies with the applied ones, or with each other, on the same repositories.

    For each candidate, the comparison has the images that only the candidate affects, the images that only the applied
    policy affects, their bytes, and the findings of each. If a candidate affects more than it may, the task pushes the
    comparison and fails, so that it can guard the roll-out of a policy. Nothing is deleted, and no policy is applied.

    With ``method="preview"``, ECR previews one policy after the other (StartLifecyclePolicyPreview,
    GetLifecyclePolicyPreview, DescribeImages). With ``method="simulation"``, this package evaluates the policies over the
    images in the repository (DescribeImages, GetLifecyclePolicy) and leaves the one preview of the repository alone; the
    result says that it is a simulation. With ``method="both"``, a difference between the two is a finding. Each needs the
    ``ecr:`` IAM actions of the same names.

    .. code-block:: python

        EcrCompareLifecyclePoliciesOperator(
            task_id="compare",
            repository_names=names.output,
            lifecycle_policy_text=KEEP_TEN,
            method="simulation",
            max_newly_affected=100,
        )

    :param repository_names: the repositories: a list, JSON, or text separated by commas. (templated)
    :param lifecycle_policy_text: a candidate, which gets the name ``candidate``, as JSON text or dict. (templated)
    :param candidates: further candidates by name, each as JSON text or dict. (templated)
    :param with_applied: whether to compare with the applied policy, which gets the name ``applied``. If False, the other
        candidates are compared with the first. (templated)
    :param method: ``preview``, ``simulation`` or ``both``. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param fail_on_finding: fail the task if a candidate has a finding of at least this severity that the first policy does
        not have: ``critical``, ``warning`` or ``info``; None or ``none`` to never fail for a finding. (templated)
    :param max_newly_affected: fail the task if a candidate affects more images than this that the first policy does not
        affect; None for no limit. (templated)
    :param fail_on: fail the task if repositories could not be compared: ``any`` of them, ``all`` of them, ``none`` to never
        fail, or a share of all repositories from 0 to 1 that may fail. (templated)
    :param recently_pulled_days: report a finding if an affected image was pulled within this number of days. (templated)
    :param protected_tags: tag globs; report a finding if an affected image has such a tag. (templated)
    :param results_path: where to write every image that the policies treat differently, an ``ObjectStoragePath`` URL of a
        file; None to write no list. A retry continues there where the attempt before was killed; without Airflow's task
        state store (3.3 and later), only with this parameter. (templated)
    :param max_workers: number of threads that call ECR. (templated)
    :param repository_timeout: how long one preview may take, in seconds. (templated)
    :param outage_timeout: how long to wait for the end of an outage of AWS or the network, in seconds. An endpoint that has
        never answered fails within 30 seconds. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.comparison.ComparisonXCom`.
    :raises InvalidLifecyclePolicyError: if ECR would refuse a candidate. The error lists every mistake, and nothing is
        started.
    :raises ValueError: if there are not two policies to compare. Nothing is started.
    :raises CandidateRefusedError: if a candidate affects more than it may, or too many repositories failed.
    :raises AuditStoppedError: if the task was stopped.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "candidates",
        "fail_on",
        "fail_on_finding",
        "lifecycle_policy_text",
        "max_newly_affected",
        "max_workers",
        "method",
        "outage_timeout",
        "protected_tags",
        "recently_pulled_days",
        "registry_id",
        "repository_names",
        "repository_timeout",
        "results_path",
        "with_applied",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "candidates": "json",
        "lifecycle_policy_text": "json",
        "repository_names": "json",
    }
    operator_extra_links = (EcrPreviewTabLink(), EcrRegistryLink())
    ui_color = "#ffe8d1"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        **FAIL_ON_RULES,
        "candidates": policies,
        "fail_on_finding": partial(choice, choices=(*get_args(FindingSeverity), NO_FINDING)),
        "method": partial(choice, choices=get_args(ComparisonMethod)),
    }

    def __init__(
        self,
        *,
        repository_names: Templated[Names],
        lifecycle_policy_text: Templated[PolicySource] | None = None,
        candidates: Templated[Mapping[str, PolicySource]] | None = None,
        with_applied: Templated[bool] | None = True,
        method: Templated[ComparisonMethod] | None = "preview",
        registry_id: Templated[str] | None = None,
        fail_on_finding: Templated[FindingSeverity] | None = "critical",
        max_newly_affected: Templated[int] | None = None,
        fail_on: Templated[FailOn] | None = "any",
        recently_pulled_days: Templated[float | timedelta] | None = RECENTLY_PULLED_DAYS,
        protected_tags: Templated[Names] | None = PROTECTED_TAGS,
        results_path: Templated[str] | None = None,
        max_workers: Templated[int] | None = MAX_WORKERS,
        repository_timeout: Templated[float | timedelta] | None = REPOSITORY_TIMEOUT,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_names = repository_names
        self.lifecycle_policy_text = lifecycle_policy_text
        self.candidates = candidates
        self.with_applied = with_applied
        self.method = method
        self.registry_id = registry_id
        # None in a DAG file means to never fail for a finding; None from a template means the default.
        self.fail_on_finding = NO_FINDING if fail_on_finding is None else fail_on_finding
        self.max_newly_affected = max_newly_affected
        self.fail_on = fail_on
        self.recently_pulled_days = recently_pulled_days
        self.protected_tags = protected_tags
        self.results_path = results_path
        self.max_workers = max_workers
        self.repository_timeout = repository_timeout
        self.outage_timeout = outage_timeout
        self._is_stopped = False
        self._check_constants()

    def execute(self, context: Context) -> ComparisonXCom:
        """Compare the policies."""
        method: ComparisonMethod = choice(self.method, "method", get_args(ComparisonMethod), "preview")
        self._read_verdict()
        policies = self._checked_policies()
        names = sorted(set(texts(self.repository_names, "repository_names")))
        if not names:
            self.log.warning("repository_names is empty: there is no repository to compare policies on.")
        results_path = text(self.results_path, "results_path")
        lookout = Lookout(
            recently_pulled_days=days(self.recently_pulled_days, "recently_pulled_days", RECENTLY_PULLED_DAYS),
            protection=tags_protected_by(self.protected_tags),
        )
        reasons: list[str] = []
        with ExitStack() as stack:
            lines = stack.enter_context(line_list(results_path, dag_id=self.dag_id)) if results_path else None
            comparer = PolicyComparer(
                hook=self.hook,
                policies=policies,
                method=method,
                registry_id=account_id(self.registry_id, "registry_id"),
                max_workers=integer(self.max_workers, "max_workers", MAX_WORKERS, minimum=1),
                repository_timeout=seconds(self.repository_timeout, "repository_timeout", REPOSITORY_TIMEOUT),
                outage_timeout=seconds(self.outage_timeout, "outage_timeout", OUTAGE_SECONDS),
                lookout=lookout,
                write=lines.write if lines else None,
                should_stop=lambda: self._is_stopped,
            )
            progress = comparison_progress(context, self, results_path, policies, [method, repr(lookout)])
            comparison = Comparison(policies, method, datetime.fromtimestamp(progress.began_at, UTC))
            comparer = replace(comparer, progress=progress)
            for compared in comparer.compare(names):
                if "policies" in compared:
                    comparison.add(compared)
                    reasons += self._grave(compared) if len(reasons) <= _SHOWN else []
                else:
                    comparison.fail(compared)
            if self._is_stopped:
                raise AuditStoppedError(
                    f"The comparison was stopped after {comparison.repository_count} of "
                    f"{counted(names, 'repository', 'repositories')}."
                )
            value = comparison_xcom(comparison, self._finished(stack.pop_all(), results_path))
        mark_comparison(context, self, value)
        self.log.info("The comparison:\n%s", render(comparison_table(value), width=140))
        reasons = [*self._too_much(value), *reasons]
        # A retry compares those that failed.
        if not (value["failed_count"] and reasons):
            progress.end()
        if reasons:
            push_before_failure(context, self, value)
            raise CandidateRefusedError(
                "The comparison refuses the candidates:\n" + "\n".join(f"  - {reason}" for reason in reasons)
            )
        return value

    def _check_together(self) -> None:
        if self.lifecycle_policy_text is None and self.candidates is None:
            raise ValueError("There is 1 policy to compare, the applied one. Set lifecycle_policy_text or candidates.")

    def on_kill(self) -> None:
        """End soon. ECR has no call that stops a preview; running previews end by themselves and change nothing."""
        self._is_stopped = True

    def _finished(self, lines: ExitStack, results_path: str | None) -> str | None:
        """Finish the list and return where it is; the result is pushed even if this fails."""
        try:
            lines.close()
        except Exception:  # storage fails in many ways
            self.log.exception("The list of images cannot be written to %s.", results_path)
            return None
        return results_path

    def _read_verdict(self) -> None:
        """Read the parameters that make the task fail, before anything is started."""
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
            raise ValueError(
                f"A candidate has the name {APPLIED!r}, which is the name of the applied policy. Give it another name."
            )
        candidates = CandidatePolicies(None, sources)
        for finding in candidates.warnings:
            self.log.warning("%s", finding)
        empty = [name for name, policy in candidates.by_name.items() if policy is None and name != CANDIDATE]
        if empty:
            raise ValueError(f"candidates has no policy under {', '.join(empty)}. Set the policy, or remove the name.")
        policies: dict[str, LifecyclePolicy | None] = {APPLIED: None} if with_applied else {}
        policies |= {name: policy for name, policy in candidates.by_name.items() if policy is not None}
        if not 1 < len(policies) <= MAX_POLICIES:
            raise ValueError(
                f"There {'is 1 policy' if len(policies) == 1 else f'are {len(policies)} policies'} to compare, and 2 to "
                f"{MAX_POLICIES} are allowed. Set lifecycle_policy_text or candidates."
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
            failures = "; ".join(f"{failure['message']}" for failure in value["failures"][:_SHOWN])
            reasons.append(
                f"Not compared: {value['failed_count']} of "
                f"{counted(value['repository_count'], 'repository', 'repositories')} (fail_on={self._fail_on!r}). {failures}"
            )
        most = self._max_newly_affected
        if most is not None:
            reasons += [
                f"{policy['policy']} affects {counted(policy['newly_affected_image_count'], 'image')} that "
                f"{value['policies'][0]['policy']} does not affect. max_newly_affected is {most}."
                for policy in value["policies"][1:]
                if policy["newly_affected_image_count"] > most
            ]
        return reasons
