"""The operators of one preview: start it, summarise it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import AirflowSkipException, conf
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.aws.arguments import MAX_PAGE_SIZE, check_waiting
from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.core.exceptions import LifecyclePolicyNotFoundError, PreviewInProgressError
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope, required_scope_of
from airflow_provider_ecr_preview.core.lint.policy import PolicySource, lint_policy
from airflow_provider_ecr_preview.core.parameters.times import days, seconds
from airflow_provider_ecr_preview.core.parameters.values import (
    account_id,
    choice,
    decoded,
    given,
    integer,
    switch,
    text,
)
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.reading import Lookout, read_preview
from airflow_provider_ecr_preview.core.preview.result import marker
from airflow_provider_ecr_preview.core.protection import PROTECTED_TAGS, RECENTLY_PULLED_DAYS, tags_protected_by
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_KEY, PreviewSummaryXCom, StartedPreviewXCom
from airflow_provider_ecr_preview.display.preview import summary_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.replicas import replicas_through
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook, TagStatus
from airflow_provider_ecr_preview.links.ecr import EcrRepositoryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.reports.in_use import used_images_in
from airflow_provider_ecr_preview.reports.lists import image_list
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin
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

    A preview of the same policy that is in progress is taken as started, so that a retry does no harm; one of another
    policy is waited for and then replaced. Calls StartLifecyclePolicyPreview, and where one is in progress
    GetLifecyclePolicyPreview and GetLifecyclePolicy (``ecr:`` IAM actions of the same names).

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
    :param lifecycle_policy_text: the policy to preview, JSON text or dict; the applied policy if None. (templated)
    :param registry_id: the registry (account); the caller's own if None. (templated)
    :param on_missing_policy: ``fail`` or ``skip`` when no policy is given and the repository has none. (templated)
    :param wait_for_completion: whether to wait until the preview is COMPLETE; without, a sensor does. (templated)
    :param timeout: how long to wait in all, for another's preview to end and for this one, in seconds; also while
        deferred, and across restarts of the triggerer.
    :param poll_interval: time between two looks, in seconds.
    :param deferrable: wait in the triggerer, without a worker slot.
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of the connection if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: registry_id, region_name, repository_name, status and policy_fingerprint of the preview.
    :raises InvalidLifecyclePolicyError: if ECR would refuse the policy; names every mistake, and nothing is started.
    :raises RepositoryError: if the preview cannot be started; the message says why and what to do.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "lifecycle_policy_text", "on_missing_policy", "registry_id", "repository_name", "wait_for_completion"
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"lifecycle_policy_text": "json"}
    operator_extra_links = (EcrRepositoryLink(),)
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        repository_name: str,
        lifecycle_policy_text: PolicySource | None = None,
        registry_id: str | None = None,
        on_missing_policy: OnMissingPolicy | str | None = "fail",
        wait_for_completion: bool | str | None = False,
        timeout: float = TIMEOUT,
        poll_interval: float = POLL_INTERVAL,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_name = repository_name
        self.lifecycle_policy_text = lifecycle_policy_text
        self.registry_id = registry_id
        self.on_missing_policy = on_missing_policy
        self.wait_for_completion = wait_for_completion
        self.timeout = timeout
        self.poll_interval = poll_interval
        self.deferrable = deferrable

    def execute(self, context: Context) -> StartedPreviewXCom:
        """Start the preview."""
        self._read_parameters()
        check_waiting(self._site, timeout=self.timeout, poll_interval=self.poll_interval)
        if self.lifecycle_policy_text is not None:
            for finding in lint_policy(self.lifecycle_policy_text):
                if finding.severity == "warning":
                    self.log.warning("%s", finding)
        return self._start(context, time.time() + self.timeout)

    def start_again(self, context: Context, event: PreviewEvent) -> StartedPreviewXCom:
        """Start the preview after that of another policy has ended.

        :param context: the task's context.
        :param event: what the trigger told.
        """
        self._read_parameters()
        preview_of(event, self._site)
        return self._start(context, event["deadline"])

    def execute_complete(self, context: Context, event: PreviewEvent) -> StartedPreviewXCom:  # noqa: ARG002 - Airflow passes both by name
        """Return the complete preview, or raise the error that ended the wait.

        :param context: the task's context.
        :param event: what the trigger told.
        """
        self._read_parameters()
        return preview_of(event, self._site)

    def _read_parameters(self) -> None:
        """Read what the templates left, before anything is started."""
        with self._site.reading():
            self.repository_name = text(self.repository_name, "repository_name", "")
            self.registry_id = account_id(self.registry_id, "registry_id")
            self.lifecycle_policy_text = given(self.lifecycle_policy_text, "lifecycle_policy_text")
            self.on_missing_policy = choice(
                self.on_missing_policy, "on_missing_policy", get_args(OnMissingPolicy), "fail"
            )
            self.wait_for_completion = switch(self.wait_for_completion, "wait_for_completion", False)
            self.timeout = seconds(self.timeout, "timeout", TIMEOUT)
            self.poll_interval = seconds(self.poll_interval, "poll_interval", POLL_INTERVAL)

    def _start(self, context: Context, deadline: float) -> StartedPreviewXCom:
        try:
            preview = self.hook.start_preview(
                self.repository_name,
                self.lifecycle_policy_text,
                registry_id=self.registry_id,
                timeout=0.0 if self.deferrable else max(0.0, deadline - time.time()),
                poll_interval=self.poll_interval,
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
            preview = self.hook.wait_for_preview(
                self.repository_name,
                registry_id=self.registry_id,
                policy_fingerprint=preview.policy.fingerprint,
                timeout=max(0.0, deadline - time.time()),
                poll_interval=self.poll_interval,
            )
        return preview.as_xcom()

    def _defer(self, method_name: str, deadline: float, **kwargs: Any) -> None:
        self.defer(
            trigger=EcrLifecyclePolicyPreviewTrigger(
                repository_name=self.repository_name,
                deadline=deadline,
                registry_id=self.registry_id,
                poll_interval=self.poll_interval,
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
        return CallSite(self.repository_name, self.registry_id, self.hook.region_name)


class EcrSummarizeLifecyclePolicyPreviewOperator(
    LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Read a complete preview and push its summary to XCom, for the tasks downstream.

    The summary is bounded whatever the size of the repository; the full list goes to ``images_path``. Calls
    GetLifecyclePolicyPreview, unless ``enrich=False`` DescribeImages, and unless ``check_replicas=False`` DescribeRegistry
    (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
            task_id="summarize",
            repository_name="payments/api",
            policy_fingerprint="{{ ti.xcom_pull('start')['policy_fingerprint'] }}",
            images_path="s3://aws_default@my-reports/ecr/{{ ds }}/payments-api.jsonl.gz",
        )

    :param repository_name: the repository. (templated)
    :param policy_fingerprint: the policy that the preview has to be of, from the XCom of the task that started it; that
        of the first page if None. (templated)
    :param registry_id: the registry (account); the caller's own if None. (templated)
    :param image_ids: only these images, each ``{"imageDigest": ...}`` or ``{"imageTag": ...}``. (templated)
    :param tag_status: only ``TAGGED`` or ``UNTAGGED`` images, or ``ANY``. (templated)
    :param max_items: stop after this number of images; ``next_token`` of the summary resumes. (templated)
    :param page_size: images a call, 1 to 100. (templated)
    :param starting_token: ``next_token`` of an earlier summary. (templated)
    :param enrich: whether to ask DescribeImages for the number of all images, sizes and last pulls. Without, those are
        null in the summary, and most findings cannot be made. (templated)
    :param recently_pulled_days: an affected image that was pulled within this number of days is a finding. (templated)
    :param in_use: what is in use: the output of ``EcrCollectImagesInUseOperator``. An affected image that is in use is
        the gravest finding. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, as in the clean-up; a finding says what is
        missing. (templated)
    :param protected_tags: globs; an affected image with such a tag is a finding, and the clean-up would spare it. (templated)
    :param check_replicas: whether to find out, by DescribeRegistry, in which other Regions and accounts ECR deletes what
        expires here. (templated)
    :param images_path: where to write the full list, an ``ObjectStoragePath`` URL of a file (``file:///...`` or
        ``s3://aws_conn_id@bucket/...``), as gzip JSON Lines. (templated)
    :param write_kept_images: whether to write the images that stay, each with the reason, beside it. They are written
        where the whole preview is read and ``enrich`` is on. (templated)
    :param aws_conn_id: the Airflow connection used for AWS credentials. (templated)
    :param region_name: the AWS Region; that of the connection if None. (templated)
    :param verify: whether, or with which certificates, TLS is verified. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.preview.PreviewSummaryXCom`.
    :raises RepositoryError: if the preview is not complete, of another policy, or does not add up; never an empty
        summary in place of an error.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "check_replicas",
        "enrich",
        "image_ids",
        "images_path",
        "in_use",
        "max_items",
        "page_size",
        "policy_fingerprint",
        "protected_tags",
        "recently_pulled_days",
        "registry_id",
        "repository_name",
        "required_scope",
        "starting_token",
        "tag_status",
        "write_kept_images",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"image_ids": "json", "in_use": "json"}
    operator_extra_links = (EcrPreviewTabLink(), EcrRepositoryLink())
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        repository_name: str,
        policy_fingerprint: str | None = None,
        registry_id: str | None = None,
        image_ids: Sequence[Mapping[str, str]] | str | None = None,
        tag_status: TagStatus | str | None = None,
        max_items: int | str | None = None,
        page_size: int | str | None = None,
        starting_token: str | None = None,
        enrich: bool | str | None = True,
        recently_pulled_days: float | timedelta | str | None = RECENTLY_PULLED_DAYS,
        in_use: Mapping[str, Any] | str | None = None,
        required_scope: RequiredScope = None,
        protected_tags: Names | None = PROTECTED_TAGS,
        check_replicas: bool | str | None = True,
        images_path: str | None = None,
        write_kept_images: bool | str | None = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_name = repository_name
        self.policy_fingerprint = policy_fingerprint
        self.registry_id = registry_id
        self.image_ids = image_ids
        self.tag_status = tag_status
        self.max_items = max_items
        self.page_size = page_size
        self.starting_token = starting_token
        self.enrich = enrich
        self.recently_pulled_days = recently_pulled_days
        self.in_use = in_use
        self.required_scope = required_scope
        self.protected_tags = protected_tags
        self.check_replicas = check_replicas
        self.images_path = images_path
        self.write_kept_images = write_kept_images

    def execute(self, context: Context) -> PreviewSummaryXCom:
        """Read the preview and return its summary."""
        self._read_parameters()
        if self.images_path:
            _check_file(self.images_path)
        pages = self.hook.paginate_preview(
            self.repository_name,
            registry_id=self.registry_id,
            page_size=self._page_size,
            policy_fingerprint=self.policy_fingerprint,
            **self._part,
        )
        with_kept = self._with_kept
        inventory = self._inventory(keep_images=with_kept) if self.enrich else None
        lookout = Lookout(
            recently_pulled_days=self._recently_pulled_days,
            used_images=used_images_in(self.in_use, required_scope_of(self.required_scope)),
            protection=self._protection,
            replicas_of=self._replicas_of,
        )
        dag = self.get_dag()
        with (
            image_list(self.images_path, with_kept=with_kept, dag_id=dag.dag_id if dag else None)
            if self.images_path
            else nullcontext()
        ) as images:
            value = read_preview(
                pages, inventory=inventory, lookout=lookout, image_list=images, is_whole=not self._is_part
            )
        EcrRepositoryLink.persist(
            context=context,
            operator=self,
            region_name=value["region_name"],
            aws_partition=self.hook.conn_partition,
            registry_id=value["registry_id"],
            repository_name=value["repository_name"],
        )
        if self.do_xcom_push:
            context["ti"].xcom_push(key=MARKER_KEY, value=marker(value))
        self.log.info("Summary of the preview:\n%s", render(summary_table(value)))
        return value

    def _read_parameters(self) -> None:
        """Read what the templates left, before anything is asked."""
        with CallSite(self.repository_name, self.registry_id, self.hook.region_name).reading():
            self.repository_name = text(self.repository_name, "repository_name", "")
            # An empty text is not any policy: the preview has to be of the one that was started.
            self.policy_fingerprint = text(self.policy_fingerprint, "policy_fingerprint", protects=True)
            self.registry_id = account_id(self.registry_id, "registry_id")
            token = self.starting_token
            self._part: dict[str, Any] = {
                "image_ids": decoded(self.image_ids, "image_ids"),
                "tag_status": text(self.tag_status, "tag_status"),
                "max_items": integer(self.max_items, "max_items", None, minimum=1),
                # An empty text says that there is no more to read; the hook refuses it.
                "starting_token": token if isinstance(token, str) else text(token, "starting_token"),
            }
            self._page_size = integer(self.page_size, "page_size", None, minimum=1, maximum=MAX_PAGE_SIZE)
            self.enrich = switch(self.enrich, "enrich", True)
            self._recently_pulled_days = days(self.recently_pulled_days, "recently_pulled_days", RECENTLY_PULLED_DAYS)
            self._protection = tags_protected_by(self.protected_tags)
            check_replicas = switch(self.check_replicas, "check_replicas", True, protects=True)
            self._replicas_of = replicas_through(self.hook) if check_replicas else None
            self.images_path = text(self.images_path, "images_path")
            self.write_kept_images = switch(self.write_kept_images, "write_kept_images", True)

    @property
    def _is_part(self) -> bool:
        """Whether a part of the preview is read, so that it is not known which images stay."""
        return any(self._part.values())

    @property
    def _with_kept(self) -> bool:
        """Whether the images that stay are written."""
        return bool(self.images_path and self.write_kept_images and self.enrich) and not self._is_part

    def _inventory(self, *, keep_images: bool) -> RepositoryInventory:
        """Read the repository's images, once the preview is known to be the one to be joined with them."""
        preview = self.hook.get_preview_status(self.repository_name, registry_id=self.registry_id)
        preview.require_complete(self.policy_fingerprint)
        inventory = RepositoryInventory(preview.policy.rules, keep_images=keep_images)
        for image in self.hook.iter_repository_images(self.repository_name, registry_id=self.registry_id):
            inventory.add(image)
            if inventory.total_image_count % 10_000 == 0:
                self.log.info("%s: %d images described.", self.repository_name, inventory.total_image_count)
        self.log.info("%s: %d images in the repository.", self.repository_name, inventory.total_image_count)
        return inventory


def _check_file(images_path: str) -> None:
    """Refuse a place that cannot be written to now, not when the whole preview has been read."""
    path = ObjectStoragePath(images_path)
    if images_path.endswith("/") or not path.name or (path.protocol == "file" and path.is_dir()):
        raise ValueError(f"images_path is {images_path!r} and names a folder. Name a file in it: ....jsonl.gz")
    try:
        _ = path.fs
    except ImportError as error:
        raise ValueError(
            f"images_path is {images_path!r} and what writes there is not installed ({error}). For S3, install "
            "airflow-provider-ecr-preview[s3]."
        ) from error
