"""What the operators that change something have in common."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator

from airflow_provider_ecr_preview.candidate_policies import CandidatePolicies
from airflow_provider_ecr_preview.cleanup_checks import sentence
from airflow_provider_ecr_preview.cleanup_in_use import in_use_of
from airflow_provider_ecr_preview.cleanup_inputs import earlier_summaries_of, texts_of
from airflow_provider_ecr_preview.cleanup_settings import CleanupSettings
from airflow_provider_ecr_preview.core.cleanup.approval import Approval, ApprovalXCom, ApprovedAction, approval_of
from airflow_provider_ecr_preview.core.cleanup.replicas import replicates_deletions
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope, required_scope_of
from airflow_provider_ecr_preview.core.parameters import switch
from airflow_provider_ecr_preview.engine.replicas import ReplicaFinder
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.hooks.ecr_cleanup_evidence import EvidenceCollector, approved_lines, listed_images
from airflow_provider_ecr_preview.protection import ImageProtection
from airflow_provider_ecr_preview.templating import LiteralXComMixin
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom

_SHOWN_BLOCKS = 5


class EcrCleanupOperator(LiteralXComMixin, AwsBaseOperator[EcrImageCleanupHook]):
    """Base of the operators that change images or policies, with a hook for each Region.

    :meta private:
    """

    aws_hook_class = EcrImageCleanupHook
    ui_color = "#f7c9c0"

    def on_kill(self) -> None:
        """End after the call that is under way."""
        self._stopping().set()

    def _stopping(self) -> threading.Event:
        """Return what is set when the task is to end; made when needed: Airflow copies tasks, and it cannot be copied."""
        stop: threading.Event = self.__dict__.setdefault("_stop", threading.Event())
        return stop

    def _hook_of(self, region_name: str) -> EcrImageCleanupHook:
        """Return the hook for a Region, the same every time."""
        hooks: dict[str, EcrImageCleanupHook] = self.__dict__.setdefault("_hooks", {})
        if region_name not in hooks:
            hooks[region_name] = self.aws_hook_class(**{**self._hook_parameters, "region_name": region_name})
        return hooks[region_name]

    def _summaries(self, summaries: list[PreviewSummaryXCom]) -> list[PreviewSummaryXCom]:
        """Return the summaries if they are of the Region that was named."""
        if self.region_name:
            for summary in summaries:
                if summary["region_name"] != self.region_name:
                    raise ValueError(
                        f"The summary of {summary['repository_name']} is of {summary['region_name']}, region_name is "
                        f"{self.region_name}. Leave region_name out to use that of the summary."
                    )
        return summaries


class EcrCheckedCleanupOperator(EcrCleanupOperator):
    """Base of the operators that check repositories before they change them; their own classes tell the parameters.

    :meta private:
    """

    approved: ApprovalXCom | Mapping[str, Any] | str | None
    in_use: Mapping[str, Any] | None
    required_scope: RequiredScope
    max_images: int | None
    max_share: float | None
    max_bytes: int | None
    minimum_images_left: int
    protected_tags: Sequence[str]
    protected_tag_patterns: Sequence[str]
    min_age_days: float
    recently_pulled_days: float
    newest_images_kept: int
    max_preview_age: timedelta | None
    required_agreeing_previews: int
    previous_summaries: Sequence[PreviewSummaryXCom] | Mapping[str, Any] | str
    check_in_use: bool
    check_referrers: bool
    check_replicas: bool
    ignored_findings: Collection[str]
    timeout: float
    poll_interval: float

    _is_bound: bool
    """Whether an approval was given: a template of one may leave nothing, which is no approval."""

    def _settings_with(self, **settings: Any) -> CleanupSettings:
        """Return how careful to be, with what is particular to the operator."""
        return CleanupSettings(
            protection=ImageProtection(
                protected_tags=texts_of(self.protected_tags, "protected_tags"),
                protected_tag_patterns=texts_of(self.protected_tag_patterns, "protected_tag_patterns"),
                min_age_days=self.min_age_days,
                recently_pulled_days=self.recently_pulled_days,
                newest_images_kept=self.newest_images_kept,
            ),
            max_images=self.max_images,
            max_share=self.max_share,
            max_bytes=self.max_bytes,
            minimum_images_left=self.minimum_images_left,
            max_preview_age=self.max_preview_age,
            required_agreeing_previews=self.required_agreeing_previews,
            check_in_use=self.check_in_use,
            check_referrers=self.check_referrers,
            check_replicas=switch(self.check_replicas, "check_replicas", True, protects=True),
            ignored_findings=texts_of(self.ignored_findings, "ignored_findings"),
            **settings,
        )

    def _bind(self, summaries: Sequence[PreviewSummaryXCom], action: ApprovedAction) -> Approval | None:
        """Return what a person has approved; None if no approval is given."""
        if not self._is_bound:
            return None
        return approval_of(self.approved, approved_lines).bound_to(summaries, listed_images, action)

    def _collector(
        self, policies: CandidatePolicies, settings: CleanupSettings, approval: Approval | None
    ) -> EvidenceCollector:
        """Return what gathers all that is known about repositories."""
        return EvidenceCollector(
            hook_of=self._hook_of,
            policies=policies,
            in_use_of=in_use_of(self.in_use, required_scope_of(self.required_scope)),
            replicas=ReplicaFinder(self._hook_of) if replicates_deletions(settings) else None,
            replica_in_use_of=in_use_of(self.in_use),
            previous=earlier_summaries_of(self.previous_summaries),
            timeout=self.timeout,
            poll_interval=self.poll_interval,
            approval=approval,
        )


def why_blocked(value: Mapping[str, Any]) -> str:
    """Return what the first of the blocking checks saw, and what lifts them.

    :param value: the result of an operator, with the checks of the whole run and of each repository.
    """
    named = [("the whole run", check) for check in value["checks"]]
    for repository in value["repositories"]:
        named += [(repository["repository_name"], check) for check in repository["checks"]]
    blocking = [
        f"{name}: {sentence(check['code'], check['verdict'], check['message'], check.get('remedy'))}"
        for name, check in named
        if check["verdict"] in ("blocked", "unknown")
    ]
    more = f" And {len(blocking) - _SHOWN_BLOCKS} more; the result has them." if len(blocking) > _SHOWN_BLOCKS else ""
    return " ".join(blocking[:_SHOWN_BLOCKS]) + more
