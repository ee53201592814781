"""The operator that starts a preview."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowSkipException, conf

from airflow_provider_ecr_preview.aws.arguments import check_waiting
from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.aws.previews import not_complete
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.exceptions import (
    LifecyclePolicyNotFoundError,
    PreviewInProgressError,
    PreviewTimeoutError,
)
from airflow_provider_ecr_preview.core.lint.policy import PolicySource, lint_policy
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import account_id, choice, given, switch, text
from airflow_provider_ecr_preview.core.xcom.preview import StartedPreviewXCom
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.ecr import EcrRepositoryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.templating.parameters import Rule
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import Templated, as_rendered
from airflow_provider_ecr_preview.triggers.ecr_preview import (
    EcrLifecyclePolicyPreviewTrigger,
    PreviewEvent,
    deferral_timeout,
    preview_of,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_ecr_preview.core.preview.pages import PreviewStatus


OnMissingPolicy = Literal["fail", "skip"]


TIMEOUT = 3_600.0


POLL_INTERVAL = 5.0


class EcrStartLifecyclePolicyPreviewOperator(
    LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Start the lifecycle policy preview of a repository. A preview deletes nothing.

    If a preview of the same policy is already in progress, the operator uses it, so that a retry does no harm. If a preview
    of another policy is in progress, the operator waits for it to end and then replaces it. Calls
    StartLifecyclePolicyPreview and, if a preview is in progress, GetLifecyclePolicyPreview and GetLifecyclePolicy (``ecr:``
    IAM actions of the same names).

    .. code-block:: python

        start = EcrStartLifecyclePolicyPreviewOperator(
            task_id="start",
            repository_name="payments/api",
            lifecycle_policy_text={
                "rules": [
                    {
                        "rulePriority": 1,
                        "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 20},
                        "action": {"type": "expire"},
                    }
                ]
            },
        )

    :param repository_name: the repository. (templated)
    :param lifecycle_policy_text: the policy to preview, as JSON text or dict; None for the applied policy. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param on_missing_policy: ``fail`` or ``skip`` the task if no policy is given and the repository has none. (templated)
    :param wait_for_completion: whether to wait until the preview is COMPLETE; if False, use the sensor to wait. (templated)
    :param timeout: how long to wait in total, for a preview of another policy to end and for this one, in seconds. It also
        holds while deferred and across restarts of the triggerer. (templated)
    :param poll_interval: time between two checks of the status, in seconds. (templated)
    :param outage_timeout: how long to wait for the end of an outage of AWS or the network, in seconds. An endpoint that has
        never answered fails within 30 seconds. (templated)
    :param deferrable: whether to wait in the triggerer, without a worker slot.
    :param multiple_outputs: whether each key of the result is an XCom of its own, so that
        ``output["policy_fingerprint"]`` works.
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: registry_id, region_name, repository_name, status and policy_fingerprint of the preview.
    :raises InvalidLifecyclePolicyError: if ECR would refuse the policy. The error lists every mistake, and nothing is
        started.
    :raises RepositoryError: if the preview cannot be started. The message says why and what to do.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "lifecycle_policy_text",
        "on_missing_policy",
        "outage_timeout",
        "poll_interval",
        "registry_id",
        "repository_name",
        "timeout",
        "wait_for_completion",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"lifecycle_policy_text": "json"}
    operator_extra_links = (EcrPreviewTabLink(), EcrRepositoryLink())
    ui_color = "#ffe8d1"

    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        "on_missing_policy": partial(choice, choices=get_args(OnMissingPolicy))
    }

    def __init__(
        self,
        *,
        repository_name: Templated[str],
        lifecycle_policy_text: Templated[PolicySource] | None = None,
        registry_id: Templated[str] | None = None,
        on_missing_policy: Templated[OnMissingPolicy] | None = "fail",
        wait_for_completion: Templated[bool] | None = False,
        timeout: Templated[float | timedelta] | None = TIMEOUT,
        poll_interval: Templated[float | timedelta] | None = POLL_INTERVAL,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        multiple_outputs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(multiple_outputs=multiple_outputs, **kwargs)
        self.repository_name = as_rendered(repository_name)
        self.lifecycle_policy_text = as_rendered(lifecycle_policy_text)
        self.registry_id = as_rendered(registry_id)
        self.on_missing_policy = as_rendered(on_missing_policy)
        self.wait_for_completion = as_rendered(wait_for_completion)
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.outage_timeout = outage_timeout
        self.deferrable = deferrable
        self._check_constants()

    def execute(self, context: Context) -> StartedPreviewXCom:
        """Start the preview."""
        self._read_parameters()
        check_waiting(self._site, timeout=self._timeout, poll_interval=self._poll_interval)
        if self.lifecycle_policy_text is not None:
            for finding in lint_policy(self.lifecycle_policy_text):
                if finding.severity == "warning":
                    self.log.warning("%s", finding)
        return self._start(context, time.time() + self._timeout)

    def start_again(self, context: Context, event: PreviewEvent) -> StartedPreviewXCom:
        """Start the preview after the preview of another policy has ended.

        :param context: the task's context.
        :param event: what the trigger reported.
        """
        self._read_parameters()
        preview_of(event, self._site)
        return self._start(context, event["deadline"])

    def execute_complete(self, context: Context, event: PreviewEvent) -> StartedPreviewXCom:  # noqa: ARG002 - Airflow passes both by name
        """Return the complete preview, or raise the error that ended the wait.

        :param context: the task's context.
        :param event: what the trigger reported.
        """
        self._read_parameters()
        return preview_of(event, self._site)

    def _read_parameters(self) -> None:
        """Read the rendered parameters before anything is started."""
        with self._site.reading():
            self.repository_name = text(self.repository_name, "repository_name", "")
            self.registry_id = account_id(self.registry_id, "registry_id")
            self.lifecycle_policy_text = given(self.lifecycle_policy_text, "lifecycle_policy_text")
            self.on_missing_policy = choice(
                self.on_missing_policy, "on_missing_policy", get_args(OnMissingPolicy), "fail"
            )
            self.wait_for_completion = switch(self.wait_for_completion, "wait_for_completion", False)
            self._timeout = seconds(self.timeout, "timeout", TIMEOUT)
            self._poll_interval = seconds(self.poll_interval, "poll_interval", POLL_INTERVAL)
            self._outage_timeout = seconds(self.outage_timeout, "outage_timeout", OUTAGE_SECONDS)
        # A call that is tried again must not outlast the task.
        self.hook.outage_timeout = min(self._outage_timeout, self._timeout or self._outage_timeout)

    def _start(self, context: Context, deadline: float) -> StartedPreviewXCom:
        try:
            preview = self.hook.start_preview(
                self.repository_name,
                self.lifecycle_policy_text,
                registry_id=self.registry_id,
                timeout=0.0 if self.deferrable else max(0.0, deadline - time.time()),
                poll_interval=self._poll_interval,
            )
        except LifecyclePolicyNotFoundError as error:
            if self.on_missing_policy == "fail":
                raise
            raise AirflowSkipException(str(error)) from error
        except PreviewInProgressError as error:
            if not self.deferrable or time.time() >= deadline:
                raise
            self.log.info("%s", error)
            self._defer("start_again", deadline, until_complete=False)
        self._persist_link(context, preview)
        if self.wait_for_completion and not preview.is_complete(preview.policy.fingerprint):
            if self.deferrable:
                self._defer("execute_complete", deadline, policy_fingerprint=preview.policy.fingerprint)
            preview = self._completed(preview, deadline)
        return preview.as_xcom()

    def _completed(self, started: PreviewStatus, deadline: float) -> PreviewStatus:
        try:
            return self.hook.wait_for_preview(
                self.repository_name,
                registry_id=self.registry_id,
                policy_fingerprint=started.policy.fingerprint,
                timeout=max(0.0, deadline - time.time()),
                poll_interval=self._poll_interval,
            )
        except PreviewTimeoutError as error:
            # The hook knows only the rest of the time.
            raise not_complete(started, self._timeout) from error

    def _defer(self, method_name: str, deadline: float, **kwargs: Any) -> None:
        self.defer(
            trigger=EcrLifecyclePolicyPreviewTrigger(
                repository_name=self.repository_name,
                deadline=deadline,
                registry_id=self.registry_id,
                poll_interval=self._poll_interval,
                outage_timeout=self._outage_timeout,
                has_answered=True,
                aws_conn_id=self.aws_conn_id,
                region_name=self.hook.conn_region_name,  # the triggerer may have another default than the worker
                verify=self._hook_parameters["verify"],
                botocore_config=self.botocore_config,
                **kwargs,
            ),
            method_name=method_name,
            timeout=deferral_timeout(deadline),
        )

    def _persist_link(self, context: Context, preview: PreviewStatus) -> None:
        EcrRepositoryLink.persist(
            context=context,
            operator=self,
            region_name=preview.region_name,
            aws_partition=self.hook.conn_partition,
            registry_id=preview.registry_id,
            repository_name=preview.repository_name,
        )

    @property
    def _site(self) -> CallSite:
        registry_id = None if self.registry_id is None else str(self.registry_id)  # not yet read
        return CallSite(str(self.repository_name), registry_id, self.hook.region_name)
