"""What the operators that change images or policies have in common."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.cleanup.checks import sentence
from airflow_provider_ecr_preview.core.cleanup.settings import CleanupAction, OnChange
from airflow_provider_ecr_preview.core.parameters.values import choice, text
from airflow_provider_ecr_preview.core.xcom.preview import PreviewSummaryXCom
from airflow_provider_ecr_preview.hooks.ecr_cleanup import EcrImageCleanupHook
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.templating.parameters import Rule, safe_days
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin, OutageTimeoutMixin
from airflow_provider_ecr_preview.templating.types import Templated

OnBlocked = Literal["fail", "skip", "report"]


_SHOWN_BLOCKS = 5


class EcrCleanupOperator(LiteralXComMixin, OutageTimeoutMixin, AwsBaseOperator[EcrImageCleanupHook]):
    """Base of the operators that change images or policies, with one hook for each Region.

    :meta private:
    """

    aws_hook_class = EcrImageCleanupHook
    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        "action": partial(choice, choices=get_args(CleanupAction), protects=True),
        "on_change": partial(choice, choices=get_args(OnChange), protects=True),
        "on_blocked": partial(choice, choices=get_args(OnBlocked)),
        "recently_pulled_days": safe_days,
    }
    operator_extra_links = (EcrPreviewTabLink(), EcrRegistryLink())
    ui_color = "#f7c9c0"

    def __init__(self, *, outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outage_timeout = outage_timeout

    def on_kill(self) -> None:
        """End after the call that is under way."""
        self._stopping().set()

    def _stopping(self) -> threading.Event:
        """Return the event that is set when the task has to end."""
        # Made when it is first needed: Airflow copies operators, and an event cannot be copied.
        stop: threading.Event = self.__dict__.setdefault("_stop", threading.Event())
        return stop

    def _hook_of(self, region_name: str) -> EcrImageCleanupHook:
        """Return the hook for a Region, the same one every time."""
        hooks: dict[str, EcrImageCleanupHook] = self.__dict__.setdefault("_hooks", {})
        if region_name not in hooks:
            hooks[region_name] = self.aws_hook_class(**{**self._hook_parameters, "region_name": region_name})
        return hooks[region_name]

    def _of_named_region(self, summaries: list[PreviewSummaryXCom]) -> list[PreviewSummaryXCom]:
        """Return the summaries, or raise if ``region_name`` is set and one is from another Region."""
        region_name = text(self.region_name, "region_name")
        for summary in summaries:
            if region_name not in (None, summary["region_name"]):
                raise ValueError(
                    f"The summary of {summary['repository_name']} is from {summary['region_name']}, but region_name is "
                    f"{region_name}. Leave region_name out to use the Region of the summary."
                )
        return summaries


def why_blocked(value: Mapping[str, Any]) -> str:
    """Return what the first blocking checks found, and how to resolve them.

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
    more = f" The result lists {len(blocking) - _SHOWN_BLOCKS} more." if len(blocking) > _SHOWN_BLOCKS else ""
    return " ".join(blocking[:_SHOWN_BLOCKS]) + more
