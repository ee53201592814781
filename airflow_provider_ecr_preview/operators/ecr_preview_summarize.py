"""The operator that summarizes a preview."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.aws.arguments import MAX_PAGE_SIZE, TAG_STATUSES
from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.in_use.scope import RequiredScope, required_scope_of
from airflow_provider_ecr_preview.core.parameters.times import days, seconds
from airflow_provider_ecr_preview.core.parameters.values import account_id, choice, decoded, integer, switch, text
from airflow_provider_ecr_preview.core.preview.inventory import RepositoryInventory
from airflow_provider_ecr_preview.core.preview.layers import FreedBytes
from airflow_provider_ecr_preview.core.preview.pages import PreviewPage
from airflow_provider_ecr_preview.core.preview.reading import Lookout, read_preview
from airflow_provider_ecr_preview.core.preview.result import marker, with_policy_text
from airflow_provider_ecr_preview.core.preview.summary import PreviewSummary
from airflow_provider_ecr_preview.core.protection.rules import PROTECTED_TAGS, RECENTLY_PULLED_DAYS, tags_protected_by
from airflow_provider_ecr_preview.core.selection import Names
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.core.xcom.preview import MARKER_KEY, PreviewSummaryXCom
from airflow_provider_ecr_preview.display.preview import summary_table
from airflow_provider_ecr_preview.display.text import render
from airflow_provider_ecr_preview.engine.manifests import batch_get_image_of, freed_by, require_no_recorded_pulls
from airflow_provider_ecr_preview.engine.replicas import replicas_through
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook, TagStatus
from airflow_provider_ecr_preview.links.ecr import EcrRepositoryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.reports.in_use import used_images_in
from airflow_provider_ecr_preview.reports.lists import image_list
from airflow_provider_ecr_preview.reports.storage import is_local
from airflow_provider_ecr_preview.templating.rendering import AwsParametersMixin, LiteralXComMixin
from airflow_provider_ecr_preview.templating.types import Templated, as_rendered

if TYPE_CHECKING:
    from airflow.sdk import Context


class EcrSummarizeLifecyclePolicyPreviewOperator(
    LiteralXComMixin, AwsParametersMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]
):
    """Read a complete preview and push its summary to XCom, for the tasks downstream.

    The summary has a maximum size, however large the repository is; ``images_path`` gets the full list. Calls
    GetLifecyclePolicyPreview, unless ``enrich=False`` DescribeImages, unless ``check_replicas=False`` DescribeRegistry, and
    with ``read_manifests`` ListPullTimeUpdateExclusions and BatchGetImage (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
            task_id="summarize",
            repository_name="payments/api",
            policy_fingerprint=start.output["policy_fingerprint"],
            images_path="s3://aws_default@my-reports/ecr/{{ ds }}/payments-api.jsonl.gz",
        )

    :param repository_name: the repository. (templated)
    :param policy_fingerprint: the fingerprint of the previewed policy, from the XCom of the task that started the preview;
        None for the policy on the first page. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param image_ids: return only these images, each ``{"imageDigest": ...}`` or ``{"imageTag": ...}``. (templated)
    :param tag_status: return only ``TAGGED`` or ``UNTAGGED`` images, or ``ANY``. (templated)
    :param max_items: stop after this number of images; ``next_token`` of the summary continues there. (templated)
    :param page_size: how many images to read with one call, 1 to 100. (templated)
    :param starting_token: ``next_token`` of an earlier summary. (templated)
    :param enrich: whether to read the number of images, their sizes and last pulls with DescribeImages. If False, these are
        null in the summary, and most findings are missing. (templated)
    :param recently_pulled_days: report a finding if an affected image was pulled within this number of days. (templated)
    :param in_use: which images are in use: the output of ``EcrCollectImagesInUseOperator``. An affected image that is in
        use is a critical finding. (templated)
    :param required_scope: the accounts and Regions that ``in_use`` has to cover, as in the clean-up. A finding names those
        that are missing. (templated)
    :param protected_tags: tag globs; report a finding if an affected image has such a tag, as the clean-up leaves it
        out. (templated)
    :param check_replicas: whether to read with DescribeRegistry in which other Regions and accounts ECR deletes the images
        too. (templated)
    :param images_path: where to write the full list, an ``ObjectStoragePath`` URL of a file (``file:///...`` or
        ``s3://aws_conn_id@bucket/...``), as gzip JSON Lines. (templated)
    :param write_kept_images: whether to also write a list of the images that stay, each with the reason. Needs ``enrich``,
        and a preview that is read in full. (templated)
    :param read_manifests: whether to read the manifests of all images with BatchGetImage and to sum the layers that
        nothing that stays refers to, as in the audit. Only for a role in the pull-time update exclusions of ECR. Needs
        ``enrich``, and a preview that is read in full. (templated)
    :param outage_timeout: how long to wait for the end of an outage of AWS or the network, in seconds. An endpoint that has
        never answered fails within 30 seconds. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: :class:`~airflow_provider_ecr_preview.core.xcom.preview.PreviewSummaryXCom`.
    :raises RepositoryError: if the preview is not complete, is of another policy, or does not add up. An error never
        becomes an empty summary.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "check_replicas",
        "enrich",
        "image_ids",
        "images_path",
        "in_use",
        "max_items",
        "outage_timeout",
        "page_size",
        "policy_fingerprint",
        "protected_tags",
        "read_manifests",
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
        repository_name: Templated[str],
        policy_fingerprint: Templated[str] | None = None,
        registry_id: Templated[str] | None = None,
        image_ids: Templated[Sequence[Mapping[str, str]]] | None = None,
        tag_status: Templated[TagStatus] | None = None,
        max_items: Templated[int] | None = None,
        page_size: Templated[int] | None = None,
        starting_token: Templated[str] | None = None,
        enrich: Templated[bool] | None = True,
        recently_pulled_days: Templated[float | timedelta] | None = RECENTLY_PULLED_DAYS,
        in_use: Templated[Mapping[str, Any]] | None = None,
        required_scope: Templated[RequiredScope] = None,
        protected_tags: Templated[Names] | None = PROTECTED_TAGS,
        check_replicas: Templated[bool] | None = True,
        images_path: Templated[str] | None = None,
        write_kept_images: Templated[bool] | None = True,
        read_manifests: Templated[bool] | None = False,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository_name = as_rendered(repository_name)
        self.policy_fingerprint = as_rendered(policy_fingerprint)
        self.registry_id = as_rendered(registry_id)
        self.image_ids = image_ids
        self.tag_status = tag_status
        self.max_items = max_items
        self.page_size = page_size
        self.starting_token = starting_token
        self.enrich = as_rendered(enrich)
        self.recently_pulled_days = recently_pulled_days
        self.in_use = in_use
        self.required_scope = required_scope
        self.protected_tags = protected_tags
        self.check_replicas = check_replicas
        self.images_path = as_rendered(images_path)
        self.write_kept_images = as_rendered(write_kept_images)
        self.read_manifests = as_rendered(read_manifests)
        self.outage_timeout = outage_timeout
        self._check_constants()

    def execute(self, context: Context) -> PreviewSummaryXCom:
        """Read the preview and return its summary."""
        self._read_parameters()
        if self.images_path:
            _check_file(self.images_path)
        if self.read_manifests:
            require_no_recorded_pulls(self.hook, self.registry_id)
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
                self._watched(pages),
                inventory=inventory,
                lookout=lookout,
                image_list=images,
                is_whole=not self._is_part,
                freed_bytes_of=self._freed_bytes if self.read_manifests else None,
            )
        value = with_policy_text(value, self._policy_text)
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
        """Read the rendered parameters before any call."""
        registry_id = None if self.registry_id is None else str(self.registry_id)  # not yet read
        with CallSite(str(self.repository_name), registry_id, self.hook.region_name).reading():
            self.repository_name = text(self.repository_name, "repository_name", "")
            # An empty text must not mean any policy: the preview has to be of the policy that was started.
            self.policy_fingerprint = text(self.policy_fingerprint, "policy_fingerprint", protects=True)
            self.registry_id = account_id(self.registry_id, "registry_id")
            token = self.starting_token
            self._part: dict[str, Any] = {
                "image_ids": decoded(self.image_ids, "image_ids"),
                "tag_status": choice(self.tag_status, "tag_status", TAG_STATUSES, None),
                "max_items": integer(self.max_items, "max_items", None, minimum=1),
                # An empty text means that there is nothing more to read; the hook refuses it.
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
            self.read_manifests = switch(self.read_manifests, "read_manifests", False)
            self.hook.outage_timeout = seconds(self.outage_timeout, "outage_timeout", OUTAGE_SECONDS)
            if self.read_manifests and (self._is_part or not self.enrich):
                raise ValueError("read_manifests needs enrich and the whole preview. Leave out what selects a part.")

    def _watched(self, pages: Iterable[PreviewPage]) -> Iterator[PreviewPage]:
        """Yield the pages, and keep the text of their policy."""
        self._policy_text: str | None = None
        for page in pages:
            self._policy_text = page.preview.policy.text
            yield page

    def _freed_bytes(self, summary: PreviewSummary, inventory: RepositoryInventory) -> FreedBytes:
        return freed_by(summary, inventory, batch_get_image_of(self.hook, self.repository_name, self.registry_id))

    @property
    def _is_part(self) -> bool:
        """Whether only a part of the preview is read, so that the images that stay are unknown."""
        return any(self._part.values())

    @property
    def _with_kept(self) -> bool:
        """Whether to write the list of the images that stay."""
        return bool(self.images_path and self.write_kept_images and self.enrich) and not self._is_part

    def _inventory(self, *, keep_images: bool) -> RepositoryInventory:
        """Read the images of the repository, after checking that the preview is the right one to join with them."""
        preview = self.hook.get_preview_status(self.repository_name, registry_id=self.registry_id)
        preview.require_complete(self.policy_fingerprint)
        inventory = RepositoryInventory(preview.policy.rules, keep_images=keep_images)
        for image in self.hook.iter_repository_images(self.repository_name, registry_id=self.registry_id):
            inventory.add(image)
            if inventory.total_image_count % 10_000 == 0:
                self.log.info("%s: read %s images so far.", self.repository_name, f"{inventory.total_image_count:,}")
        self.log.info("%s: %s in the repository.", self.repository_name, counted(inventory.total_image_count, "image"))
        return inventory


def _check_file(images_path: str) -> None:
    """Refuse a path that cannot be written to, before the preview is read."""
    path = ObjectStoragePath(images_path)
    if images_path.endswith("/") or not path.name or (is_local(path) and path.is_dir()):
        raise ValueError(
            f"images_path is {images_path!r}, which is a folder. Name a file in it, such as images.jsonl.gz."
        )
    try:
        _ = path.fs
    except ImportError as error:
        raise ValueError(
            f"images_path is {images_path!r}, but the package that writes there is not installed ({error}). For S3, install "
            "airflow-provider-ecr-preview[s3]."
        ) from error
