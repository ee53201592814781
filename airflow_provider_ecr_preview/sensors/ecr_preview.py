"""The sensor: wait for a preview."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException, conf
from airflow.sdk import PokeReturnValue

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.exceptions import PreviewTimeoutError, RepositoryError
from airflow_provider_ecr_preview.core.parameters.times import seconds
from airflow_provider_ecr_preview.core.parameters.values import account_id, text
from airflow_provider_ecr_preview.core.xcom.preview import StartedPreviewXCom
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.ecr import EcrRepositoryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
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


class EcrLifecyclePolicyPreviewSensor(
    LiteralXComMixin, AwsParametersMixin, AwsBaseSensor[EcrLifecyclePolicyPreviewHook]
):
    """Wait until the lifecycle policy preview of a repository is COMPLETE.

    The sensor fails instead of waiting if the preview is FAILED or EXPIRED, if no preview was started, or if the preview is
    of another policy. Calls GetLifecyclePolicyPreview (``ecr:GetLifecyclePolicyPreview``).

    .. code-block:: python

        wait = EcrLifecyclePolicyPreviewSensor(
            task_id="wait",
            repository_name="payments/api",
            policy_fingerprint=start.output["policy_fingerprint"],
            deferrable=True,
        )

    :param repository_name: the repository. (templated)
    :param policy_fingerprint: the fingerprint of the previewed policy, from the XCom of the task that started the preview;
        None for any policy. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param poke_interval: time between two checks of the status, in seconds.
    :param timeout: how long to wait, in seconds. It also holds while deferred and across restarts of the triggerer.
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
    :raises RepositoryError: as :meth:`EcrLifecyclePolicyPreviewHook.wait_for_preview
        <airflow_provider_ecr_preview.hooks.ecr_preview.EcrLifecyclePolicyPreviewHook.wait_for_preview>` does.
    :raises AirflowSensorTimeout: after ``timeout``, as every sensor.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "repository_name", "policy_fingerprint", "registry_id", "outage_timeout"
    )
    operator_extra_links = (EcrPreviewTabLink(), EcrRepositoryLink())
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        repository_name: Templated[str],
        policy_fingerprint: Templated[str] | None = None,
        registry_id: Templated[str] | None = None,
        poke_interval: timedelta | float = 10.0,
        timeout: timedelta | float = 3600.0,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        multiple_outputs: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(multiple_outputs=multiple_outputs, poke_interval=poke_interval, timeout=timeout, **kwargs)
        self.repository_name = as_rendered(repository_name)
        self.policy_fingerprint = as_rendered(policy_fingerprint)
        self.registry_id = as_rendered(registry_id)
        self.outage_timeout = outage_timeout
        self.deferrable = deferrable
        self._check_constants()

    def execute(self, context: Context) -> Any:
        """Wait, in the worker or in the triggerer."""
        self._read_parameters()
        if not self.deferrable:
            return super().execute(context)
        try:
            result = self.poke(context)
        except RepositoryError as error:
            self._skip_if_never_fail(error)
            raise
        if result.is_done:
            return result.xcom_value
        deadline = time.time() + self.timeout
        return self.defer(
            trigger=EcrLifecyclePolicyPreviewTrigger(
                repository_name=self.repository_name,
                deadline=deadline,
                registry_id=self.registry_id,
                policy_fingerprint=self.policy_fingerprint,
                poll_interval=self.poke_interval,
                outage_timeout=self._outage_timeout,
                has_answered=True,
                aws_conn_id=self.aws_conn_id,
                region_name=self.hook.conn_region_name,  # the triggerer may have another default than the worker
                verify=self._hook_parameters["verify"],
                botocore_config=self.botocore_config,
            ),
            method_name="execute_complete",
            timeout=deferral_timeout(deadline),
        )

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Skip after a timeout of Airflow where soft_fail or never_fail says so, which Airflow 3.1.1 does not do.

        :param next_method: the method to go on with.
        :param next_kwargs: its arguments.
        :param context: the task's context.
        """
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except AirflowSensorTimeout as error:
            if self.soft_fail or self.never_fail:
                reason = "soft_fail" if self.soft_fail else "never_fail"
                raise AirflowSkipException(f"Skipping due to {reason} is set to True.") from error
            raise

    def poke(self, context: Context) -> PokeReturnValue:
        """Return whether the preview is COMPLETE."""
        preview = self.hook.get_preview_status(self.repository_name, registry_id=self.registry_id)
        EcrRepositoryLink.persist(
            context=context,
            operator=self,
            region_name=preview.region_name,
            aws_partition=self.hook.conn_partition,
            registry_id=preview.registry_id,
            repository_name=preview.repository_name,
        )
        complete = preview.is_complete(self.policy_fingerprint)
        self.log.info("%s: the preview is %s.", self.repository_name, preview.status)
        return PokeReturnValue(is_done=complete, xcom_value=preview.as_xcom() if complete else None)

    def execute_complete(self, context: Context, event: PreviewEvent) -> StartedPreviewXCom:  # noqa: ARG002 - Airflow passes both by name
        """Return the preview that the trigger waited for, or raise its error.

        :param context: the task's context.
        :param event: what the trigger reported.
        """
        self._read_parameters()
        try:
            return preview_of(event, self._site)
        except PreviewTimeoutError as error:
            self._skip_if_never_fail(error)  # which the base class of Airflow 3.1.1 does not do here
            # The base class applies soft_fail to this one.
            raise AirflowSensorTimeout(str(error)) from error
        except RepositoryError as error:
            self._skip_if_never_fail(error)
            raise

    def _read_parameters(self) -> None:
        """Read the rendered parameters before any call."""
        with self._site.reading():
            self.repository_name = text(self.repository_name, "repository_name", "")
            # An empty text must not mean any policy: the preview has to be of the policy that was started.
            self.policy_fingerprint = text(self.policy_fingerprint, "policy_fingerprint", protects=True)
            self.registry_id = account_id(self.registry_id, "registry_id")
            self._outage_timeout = seconds(self.outage_timeout, "outage_timeout", OUTAGE_SECONDS)
        # A call that is tried again must not outlast the sensor.
        self.hook.outage_timeout = min(self._outage_timeout, self.timeout or self._outage_timeout)

    @property
    def _site(self) -> CallSite:
        registry_id = None if self.registry_id is None else str(self.registry_id)  # not yet read
        return CallSite(str(self.repository_name), registry_id, self.hook.region_name)

    def _skip_if_never_fail(self, error: RepositoryError) -> None:
        if self.never_fail:
            raise AirflowSkipException("Skipping due to never_fail is set to True.") from error
