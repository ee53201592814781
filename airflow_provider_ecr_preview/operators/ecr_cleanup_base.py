"""What the operators that change something have in common."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator

from airflow_provider_ecr_preview.candidate_policies import CandidatePolicies
from airflow_provider_ecr_preview.cleanup_in_use import in_use_of
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.hooks.ecr_cleanup_evidence import EvidenceCollector
from airflow_provider_ecr_preview.xcom import PreviewSummaryXCom


class EcrCleanupOperator(AwsBaseOperator[EcrImageCleanupHook]):
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

    def _collector(
        self,
        *,
        policies: CandidatePolicies,
        in_use: Mapping[str, Any] | None,
        previous: Sequence[PreviewSummaryXCom],
        timeout: float,
        poll_interval: float,
    ) -> EvidenceCollector:
        return EvidenceCollector(
            hook_of=self._hook_of,
            policies=policies,
            in_use_of=in_use_of(in_use),
            previous=previous,
            timeout=timeout,
            poll_interval=poll_interval,
        )


def why_blocked(value: Mapping[str, Any]) -> str:
    """Return what the first of the blocking checks say.

    :param value: the result of an operator, with the checks of the whole run and of each repository.
    """
    named = [("the whole run", check) for check in value["checks"]]
    for repository in value["repositories"]:
        named += [(repository["repository_name"], check) for check in repository["checks"]]
    blocking = [
        f"{name}: {check['code']}: {check['message']}"
        for name, check in named
        if check["verdict"] in ("blocked", "unknown")
    ]
    return " ".join(blocking[:5])
