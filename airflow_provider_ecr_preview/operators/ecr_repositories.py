"""The operator that lists the repositories of a registry."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, TypeVar, get_args

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import conf

from airflow_provider_ecr_preview.aws.retries import OUTAGE_SECONDS
from airflow_provider_ecr_preview.core.parameters.values import account_id, choice, integer, switch, texts
from airflow_provider_ecr_preview.core.selection import (
    Names,
    RepositorySelection,
    TagFilter,
    batches_of,
    fitting_batch_size,
)
from airflow_provider_ecr_preview.core.text.counted import counted
from airflow_provider_ecr_preview.engine.repository_lister import MAX_WORKERS, RepositoryLister
from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.links.ecr import EcrRegistryLink
from airflow_provider_ecr_preview.links.preview_tab import EcrPreviewTabLink
from airflow_provider_ecr_preview.operators._fail_on import (
    FAIL_ON_RULES,
    OnNoRepositories,
    no_repositories,
)
from airflow_provider_ecr_preview.templating.rendering import LiteralXComMixin, OutageTimeoutMixin
from airflow_provider_ecr_preview.templating.types import Templated, as_rendered

if TYPE_CHECKING:
    from airflow.sdk import Context


T = TypeVar("T")


BATCH_SIZE = 500
"""The batch size if a template renders ``batch_size`` to None."""


class RegionBatch(TypedDict):
    """Some of the repositories of one Region: the arguments of one mapped audit."""

    region_name: str
    repository_names: list[str]


RepositoryNames = list[str] | list[list[str]] | list[RegionBatch]


class EcrListRepositoriesOperator(LiteralXComMixin, OutageTimeoutMixin, AwsBaseOperator[EcrLifecyclePolicyPreviewHook]):
    """List the repositories of a registry by name, tags and lifecycle policy, sorted by name.

    The result is one list, or batches to map an audit over. Calls DescribeRepositories, with ``tags``
    ListTagsForResource and with ``with_policy`` GetLifecyclePolicy (``ecr:`` IAM actions of the same names).

    .. code-block:: python

        names = EcrListRepositoriesOperator(task_id="list", include=["payments/*"], batch_size=500)
        audit = EcrAuditLifecyclePoliciesOperator.partial(task_id="audit").expand(repository_names=names.output)

    With ``region_names`` every batch is a dict with ``region_name`` and ``repository_names``:

    .. code-block:: python

        names = EcrListRepositoriesOperator(task_id="list", region_names=["eu-west-1", "us-east-1"])
        audit = EcrAuditLifecyclePoliciesOperator.partial(task_id="audit").expand_kwargs(names.output)

    :param include: name globs; a repository is listed if one of them matches: a list, JSON, or text separated by commas.
        Every repository if empty. ``*`` also matches ``/``. (templated)
    :param exclude: name globs; a repository is left out if one of them matches. (templated)
    :param tags: resource tags that a repository needs, each with its value, a list of values or globs, or None for any
        value. (templated)
    :param with_policy: True to list only repositories with a lifecycle policy, False to list only those without one, None
        for all. (templated)
    :param batch_size: maximum number of repositories in a batch; None for one list, or for one batch per
        Region. (templated)
    :param region_names: the Regions to list: a list, JSON, or text separated by commas; None for
        ``region_name``. (templated)
    :param registry_id: the registry (AWS account id); None for the caller's own. (templated)
    :param on_no_repositories: ``warn`` or ``fail`` if no Region has a matching repository. (templated)
    :param max_workers: number of threads that read the tags and the policy of repositories. (templated)
    :param outage_timeout: how long to wait for the end of an outage of AWS or the network, in seconds. An endpoint that has
        never answered fails within 30 seconds. (templated)
    :param aws_conn_id: the Airflow connection with the AWS credentials. (templated)
    :param region_name: the AWS Region; None for the Region of the connection. (templated)
    :param verify: whether to verify TLS certificates, or the path of a CA bundle. (templated)
    :param botocore_config: configuration of the botocore client.
    :return: the names; with ``batch_size`` a list of lists; with ``region_names`` a list of :class:`RegionBatch`.
    :raises RepositoryError: if a call fails. No repository is left out because of an error.
    :raises NoRepositoriesError: if there is no repository, and ``on_no_repositories`` is ``fail``.
    :raises ValueError: if there are more batches than Airflow can map over. The error names a batch size that fits.
    """

    aws_hook_class = EcrLifecyclePolicyPreviewHook
    template_fields: Sequence[str] = aws_template_fields(
        "batch_size",
        "exclude",
        "include",
        "max_workers",
        "on_no_repositories",
        "outage_timeout",
        "region_names",
        "registry_id",
        "tags",
        "with_policy",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"exclude": "json", "include": "json", "tags": "json"}
    parameter_rules = FAIL_ON_RULES
    operator_extra_links = (EcrPreviewTabLink(), EcrRegistryLink())
    ui_color = "#ffe8d1"

    def __init__(
        self,
        *,
        include: Templated[Names] | None = None,
        exclude: Templated[Names] | None = None,
        tags: Templated[TagFilter] | None = None,
        with_policy: Templated[bool] | None = None,
        batch_size: Templated[int] | None = None,
        region_names: Templated[Names] | None = None,
        registry_id: Templated[str] | None = None,
        on_no_repositories: Templated[OnNoRepositories] | None = "warn",
        max_workers: Templated[int] | None = MAX_WORKERS,
        outage_timeout: Templated[float | timedelta] | None = OUTAGE_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.include = as_rendered(include)
        self.exclude = as_rendered(exclude)
        self.tags = as_rendered(tags)
        self.with_policy = with_policy
        self.batch_size = batch_size
        self.region_names = region_names
        self.registry_id = registry_id
        self.on_no_repositories = on_no_repositories
        self.max_workers = max_workers
        self.outage_timeout = outage_timeout
        # The DAG file decides on the shape of the result, and not a rendered template.
        self._is_batched = batch_size is not None
        self._is_by_region = region_names is not None
        self._check_constants()

    def execute(self, context: Context) -> RepositoryNames:
        """List the repositories."""
        self._read_outage_timeout()
        batch_size = integer(self.batch_size, "batch_size", BATCH_SIZE if self._is_batched else None, minimum=1)
        self._on_no_repositories: OnNoRepositories = choice(
            self.on_no_repositories, "on_no_repositories", get_args(OnNoRepositories), "warn"
        )
        selection = RepositorySelection.of(self.include, self.exclude, self.tags)
        if not self._is_by_region:
            names = self._names(self.hook, selection)
            EcrRegistryLink.persist(
                context=context,
                operator=self,
                region_name=self.hook.conn_region_name,
                aws_partition=self.hook.conn_partition,
            )
            self._warn_if_empty([names])
            return names if batch_size is None else self._mappable(batches_of(names, batch_size), [names], batch_size)
        regions = texts(self.region_names, "region_names", [self.hook.conn_region_name])
        if not regions:
            raise ValueError(
                "region_names is empty. Name a Region, or leave region_names out to use the Region of the connection."
            )
        names_by_region = {
            region: self._names(self.aws_hook_class(**{**self._hook_parameters, "region_name": region}), selection)
            for region in dict.fromkeys(regions)
        }
        self._warn_if_empty(names_by_region.values())
        batches = [
            RegionBatch(region_name=region, repository_names=batch)
            for region, names in names_by_region.items()
            for batch in batches_of(names, batch_size or max(len(names), 1))
        ]
        return self._mappable(batches, names_by_region.values(), batch_size)

    def _names(self, hook: EcrLifecyclePolicyPreviewHook, selection: RepositorySelection) -> list[str]:
        names = RepositoryLister(
            hook,
            account_id(self.registry_id, "registry_id"),
            integer(self.max_workers, "max_workers", MAX_WORKERS, minimum=1),
        ).names(selection, with_policy=switch(self.with_policy, "with_policy", None))
        self.log.info("Found %s in %s.", counted(names, "repository", "repositories"), hook.conn_region_name)
        return names

    def _warn_if_empty(self, lists: Collection[list[str]]) -> None:
        if not any(lists):
            self.log.warning(
                "%s",
                no_repositories(
                    self._on_no_repositories, "no repository matches include, exclude, tags and with_policy"
                ),
            )

    def _mappable(self, batches: list[T], lists: Collection[list[str]], batch_size: int | None) -> list[T]:
        """Return the batches, or raise before the push if they are more than Airflow can map over."""
        limit = conf.getint("core", "max_map_length", fallback=1024)
        if len(batches) > limit:
            raise ValueError(
                f"batch_size={batch_size} makes {counted(batches, 'batch', 'batches')} of "
                f"{counted(sum(map(len, lists)), 'repository', 'repositories')}, but Airflow maps over at most {limit} "
                f"([core] max_map_length). Set batch_size to {fitting_batch_size([*map(len, lists)], limit)} or more."
            )
        return batches
