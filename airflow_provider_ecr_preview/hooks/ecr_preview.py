"""The hook for lifecycle policy previews."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.amazon.aws.hooks.ecr import EcrHook
from botocore.client import BaseClient
from botocore.config import Config

from airflow_provider_ecr_preview.aws.arguments import (
    check_names,
    check_reading,
    check_waiting,
    read_policy,
)
from airflow_provider_ecr_preview.aws.clients import (
    fleet_config,
    hook_config,
    poll_config,
    prepare_client,
    read_times_as_utc,
)
from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.aws.pages import preview_pages, preview_pages_of_images, repository_images
from airflow_provider_ecr_preview.aws.previews import not_complete, started_preview, still_running
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS, Retries, calls_until
from airflow_provider_ecr_preview.core.exceptions import (
    PreviewInProgressError,
)
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.image import PreviewedImage
from airflow_provider_ecr_preview.core.preview.pages import (
    PageCheck,
    PreviewPage,
    PreviewStatus,
    checked,
    summarize_pages,
)
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.replication import RegistryReplication
from airflow_provider_ecr_preview.core.repository import RepositoryImage

if TYPE_CHECKING:
    import boto3.session

    from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory


_LEAST_SECONDS = 1.0


TagStatus = Literal["TAGGED", "UNTAGGED", "ANY"]


class EcrLifecyclePolicyPreviewHook(EcrHook):
    """Interact with Amazon ECR lifecycle policy previews.

    Every call has a total time limit, and every error names the repository, the Region and the remedy. No method
    changes images or policies: a preview deletes nothing.

    :param throttle_timeout: how long in total one call waits while ECR throttles it, in seconds.
    :param outage_timeout: how long one call is retried while AWS or the network fails, in seconds; an endpoint that has
        never answered fails after 10 seconds plus one timeout. Not used if ``config`` sets the SDK's retries.
    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param config: configuration of the botocore client, a dict or a ``botocore.config.Config``.
    """

    def __init__(self, *, throttle_timeout: float = 120, outage_timeout: float = OUTAGE_SECONDS, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]  # Airflow's constructor has no types
        self.throttle_timeout = throttle_timeout
        self.outage_timeout = outage_timeout

    @property
    def _ecr(self) -> Any:
        """The client; the Amazon provider's annotation of ``conn`` names no service."""
        return self.conn

    @property
    def config(self) -> Config:
        """Configuration of the botocore client, with timeouts of seconds instead of the SDK's minute."""
        return hook_config(super().config)

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> boto3.session.Session:
        """Return a session that parses times as UTC, which is also much cheaper than local time."""
        session = super().get_session(region_name=region_name, deferrable=deferrable)
        read_times_as_utc(session)
        return session

    def get_client_type(
        self, region_name: str | None = None, config: Config | None = None, deferrable: bool = False
    ) -> BaseClient:
        """Return a client that waits while it is throttled and parses previews cheaply."""
        client = super().get_client_type(region_name=region_name, config=config, deferrable=deferrable)
        if isinstance(client, BaseClient):
            has_own_retries = getattr(super().config, "retries", None) is not None
            outage_timeout = None if has_own_retries else lambda: self.outage_timeout
            prepare_client(client, Retries(lambda: self.throttle_timeout, outage_timeout))
        return client

    def get_fleet_client(self, max_workers: int) -> BaseClient:
        """Return a client for many threads. It makes one attempt per call; pacing and retries are up to the caller.

        :param max_workers: number of threads that share it.
        """
        return self._client_without_retries(fleet_config(self.config, max_workers))

    def get_poll_client(self) -> BaseClient:
        """Return a client for polling. It makes one attempt per call, which ends within seconds."""
        return self._client_without_retries(poll_config(super().config))

    def _client_without_retries(self, config: Config) -> BaseClient:
        client = super().get_client_type(region_name=self.region_name, config=config)
        prepare_client(client)
        return client

    def start_preview(
        self,
        repository_name: str,
        lifecycle_policy_text: PolicySource | None = None,
        *,
        registry_id: str | None = None,
        timeout: float = 600.0,
        poll_interval: float = 5.0,
    ) -> PreviewStatus:
        """Start a preview, or attach to a running preview of the same policy.

        A repository has one preview. If a preview of another policy is in progress, wait for its end and then replace
        it. Calls StartLifecyclePolicyPreview; GetLifecyclePolicyPreview if a preview is running; and GetLifecyclePolicy
        if no policy is given (IAM actions of the same names).

        :param repository_name: the repository.
        :param lifecycle_policy_text: the policy to preview as JSON text or dict; the applied policy if None.
        :param registry_id: the registry (account); the caller's own if None.
        :param timeout: how long to wait for a preview of another policy to end, in seconds; 0 does not wait.
        :param poll_interval: time between two polls, in seconds.
        :return: the preview that was started or found.
        :raises InvalidLifecyclePolicyError: if ECR would refuse the policy; nothing is started.
        :raises InvalidRequestError: if ECR would not accept an argument; nothing is started.
        :raises LifecyclePolicyNotFoundError: if no policy is given and none is applied.
        :raises PreviewInProgressError: if a preview of another policy is still in progress after ``timeout``.
        """
        site = self._site(repository_name, registry_id)
        check_waiting(site, timeout=timeout, poll_interval=poll_interval)
        policy = None if lifecycle_policy_text is None else read_policy(site, lifecycle_policy_text)
        request = _request(site, lifecyclePolicyText=None if policy is None else policy.text)
        deadline = time.monotonic() + timeout
        while True:
            try:
                with translated(site):
                    response = self._ecr.start_lifecycle_policy_preview(**request)
            except PreviewInProgressError:
                policy = policy or self.get_lifecycle_policy(repository_name, registry_id=registry_id)
                running = self.get_preview_status(repository_name, registry_id=registry_id)
                if running.policy.fingerprint == policy.fingerprint:
                    self.log.info("%s: this policy is previewed already (%s).", repository_name, running.status)
                    return running
                if time.monotonic() >= deadline:
                    raise still_running(running) from None
                self.log.info("%s: waiting for the preview of another policy to end.", repository_name)
                time.sleep(min(poll_interval, max(0.0, deadline - time.monotonic())))
                continue
            started = started_preview(site, response, policy)
            self.log.info("%s: started the preview of policy %s.", repository_name, started.policy.fingerprint[:12])
            return started

    def get_preview_status(self, repository_name: str, *, registry_id: str | None = None) -> PreviewStatus:
        """Return the status of the preview, without its images.

        Calls GetLifecyclePolicyPreview once (``ecr:GetLifecyclePolicyPreview``).

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :raises PreviewNotFoundError: if none was started.
        """
        site = self._site(repository_name, registry_id)
        with translated(site):
            response = self._ecr.get_lifecycle_policy_preview(**_request(site, maxResults=1))
        return site.parsed(PreviewStatus.from_response, response)

    def wait_for_preview(
        self,
        repository_name: str,
        *,
        registry_id: str | None = None,
        policy_fingerprint: str | None = None,
        timeout: float = 1800.0,
        poll_interval: float = 5.0,
    ) -> PreviewStatus:
        """Wait until the preview is COMPLETE.

        Calls GetLifecyclePolicyPreview (``ecr:GetLifecyclePolicyPreview``) every ``poll_interval``. botocore's own
        waiter is not used: it treats EXPIRED as a temporary state, and it limits the number of calls instead of the
        time.

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :param policy_fingerprint: the policy that the preview must be of; any policy if None.
        :param timeout: how long to wait, in seconds. The last call may take one ``read_timeout`` longer.
        :param poll_interval: time between two polls, in seconds.
        :return: the complete preview.
        :raises PreviewTimeoutError: if it is still in progress after ``timeout``.
        :raises PreviewReplacedError: if it is of another policy.
        :raises PreviewFailedError: if ECR ended it as FAILED.
        :raises PreviewExpiredError: if it has expired.
        :raises PreviewNotFoundError: if none was started.
        """
        check_waiting(self._site(repository_name, registry_id), timeout=timeout, poll_interval=poll_interval)
        deadline = time.monotonic() + timeout
        while True:
            # Poll at least once, whatever the timeout.
            with calls_until(max(deadline, time.monotonic() + _LEAST_SECONDS)):
                preview = self.get_preview_status(repository_name, registry_id=registry_id)
            if preview.is_complete(policy_fingerprint):
                return preview
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise not_complete(preview, timeout)
            self.log.info("%s: the preview is %s.", repository_name, preview.status)
            time.sleep(min(poll_interval, remaining))

    def paginate_preview(
        self,
        repository_name: str,
        *,
        registry_id: str | None = None,
        image_ids: Sequence[Mapping[str, str]] | None = None,
        tag_status: TagStatus | None = None,
        max_items: int | None = None,
        page_size: int | None = None,
        starting_token: str | None = None,
        policy_fingerprint: str | None = None,
    ) -> Iterator[PreviewPage]:
        """Return the pages of a complete preview, reading one at a time and checking that each belongs to it.

        Wraps boto3's ``get_lifecycle_policy_preview`` paginator (``ecr:GetLifecyclePolicyPreview``) with all of its
        parameters. Only one page is in memory at a time.

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :param image_ids: only these images, each ``{"imageDigest": ...}`` or ``{"imageTag": ...}``; sent 100 at a
            time, and each image is listed once. ECR does not page such a request, so it excludes ``page_size``,
            ``max_items`` and ``starting_token``.
        :param tag_status: only ``TAGGED`` or ``UNTAGGED`` images, or ``ANY``.
        :param max_items: stop after this many images; the last page has the token to resume from.
        :param page_size: images per page, 1 to 100.
        :param starting_token: the ``next_token`` of an earlier page.
        :param policy_fingerprint: the policy that the preview must be of; that of the first page if None.
        :raises InvalidRequestError: immediately, if the arguments exclude each other; nothing is sent.
        :raises PreviewInProgressError: if the preview is still running.
        :raises PreviewReplacedError: if a page is of another policy.
        :raises PreviewInconsistentError: if the pages do not add up.
        :raises PreviewTokenExpiredError: if ECR no longer accepts a page token.
        """
        site = self._site(repository_name, registry_id)
        paging = {"max_items": max_items, "page_size": page_size, "starting_token": starting_token}
        check_reading(site, image_ids, tag_status, paging)
        request = _request(site, filter={"tagStatus": tag_status} if tag_status else None)
        check = PageCheck(
            policy_fingerprint, whole=all(part is None for part in (image_ids, tag_status, max_items, starting_token))
        )
        if image_ids is None:
            return checked(preview_pages(self._ecr, site, request, paging), check)
        return checked(preview_pages_of_images(self._ecr, site, request, image_ids), check)

    def iter_preview_images(self, repository_name: str, **kwargs: Any) -> Iterator[PreviewedImage]:
        """Yield the images that a complete preview lists.

        :param repository_name: the repository.
        :param kwargs: as for :meth:`paginate_preview`.
        """
        for page in self.paginate_preview(repository_name, **kwargs):
            yield from page.images

    def summarize_preview(
        self,
        repository_name: str,
        *,
        inventory: RepositoryInventory | None = None,
        on_image: Callable[[PreviewedImage], object] | None = None,
        **kwargs: Any,
    ) -> PreviewSummary:
        """Read a complete preview and return its summary.

        :param repository_name: the repository.
        :param inventory: the repository's images (:meth:`iter_repository_images`), to add sizes and pulls.
        :param on_image: called with every image as it streams by, for example to write it to a report.
        :param kwargs: as for :meth:`paginate_preview`.
        :raises PreviewInconsistentError: if the preview lists an image twice, or its pages do not add up.
        """
        return summarize_pages(self.paginate_preview(repository_name, **kwargs), inventory, on_image)

    def iter_repository_images(
        self, repository_name: str, *, registry_id: str | None = None, image_status: str = "ANY"
    ) -> Iterator[RepositoryImage]:
        """Yield the images of a repository, 1,000 per call.

        Calls DescribeImages (``ecr:DescribeImages``).

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :param image_status: ``ACTIVE``, ``ARCHIVED``, ``ACTIVATING`` or ``ANY``.
        :raises RepositoryNotFoundError: if there is no such repository.
        """
        site = self._site(repository_name, registry_id)
        return repository_images(self._ecr, site, _request(site, filter={"imageStatus": image_status}))

    def get_lifecycle_policy(self, repository_name: str, *, registry_id: str | None = None) -> LifecyclePolicy:
        """Return the policy applied to a repository.

        Calls GetLifecyclePolicy (``ecr:GetLifecyclePolicy``).

        :param repository_name: the repository.
        :param registry_id: the registry (account); the caller's own if None.
        :raises LifecyclePolicyNotFoundError: if the repository has none.
        """
        site = self._site(repository_name, registry_id)
        with translated(site):
            response = self._ecr.get_lifecycle_policy(**_request(site))
        return site.parsed(lambda response, _: LifecyclePolicy.from_service(response["lifecyclePolicyText"]), response)

    def get_registry_replication(self) -> RegistryReplication:
        """Return which repositories of the caller's own registry replicate their deletions, and where.

        Calls DescribeRegistry (``ecr:DescribeRegistry``), which works for no other registry.

        :raises AccessDeniedError: if the caller lacks the permission.
        """
        with translated(CallSite("the registry", None, self.region_name)):
            site = CallSite.of(self.conn, "the registry", None)
            response = self._ecr.describe_registry()
        return site.parsed(RegistryReplication.from_response, response)

    def _site(self, repository_name: str, registry_id: str | None) -> CallSite:
        """Return the call site, after checking the names."""
        # Rendering a template to a native object turns an account id into a number.
        registry_id = None if registry_id is None else str(registry_id)
        site = CallSite(str(repository_name), registry_id, self.region_name)
        check_names(site)
        return site.of_client(lambda: self.conn)


def _request(site: CallSite, **parameters: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"repositoryName": site.repository_name, "registryId": site.registry_id, **parameters}
    return {name: value for name, value in request.items() if value is not None}
