"""Links to the Amazon ECR console, in the AWS partition of the Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.amazon.aws.links.base_aws import BASE_AWS_CONSOLE_LINK, BaseAwsLink
from airflow.providers.common.compat.sdk import XCom

from airflow_provider_ecr_preview.aws.partitions import console_host, partition_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

_HOST = "console."


class _ConsoleLink(BaseAwsLink):
    """Link to a page of the console, which is elsewhere in every partition."""

    @staticmethod
    def get_aws_domain(aws_partition: str | None) -> str | None:
        """Return the domain of the console of a partition; None if there is no console that anyone can reach.

        :param aws_partition: the partition, such as ``aws-cn``.
        """
        host = console_host(aws_partition)
        return host.removeprefix(_HOST) if host else None

    def format_link(self, **kwargs: Any) -> str:
        """Return the address; an empty text if there is no console for it.

        :param kwargs: what was stored about the task.
        """
        if not kwargs.get("aws_domain"):
            return ""
        return super().format_link(**{name: quote(str(value)) for name, value in kwargs.items()})


class EcrRepositoryLink(_ConsoleLink):
    """Link to a repository in the Amazon ECR console."""

    name = "Amazon ECR Repository"
    key = "ecr_repository"
    format_str = (
        BASE_AWS_CONSOLE_LINK + "/ecr/repositories/private/{registry_id}/{repository_name}?region={region_name}"
    )


class EcrRegistryLink(_ConsoleLink):
    """Link to the repositories of a Region in the Amazon ECR console, if the result of the task is of one Region."""

    name = "Amazon ECR Registry"
    key = "ecr_registry"
    format_str = BASE_AWS_CONSOLE_LINK + "/ecr/private-registry/repositories?region={region_name}"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address; an empty text if the task has no result, or one of several Regions.

        :param operator: the task.
        :param ti_key: the task instance.
        """
        if stored := super().get_link(operator, ti_key=ti_key):
            return str(stored)
        regions = set(_regions_in(XCom.get_value(key="return_value", ti_key=ti_key)))
        if len(regions) != 1:
            return ""
        [region_name] = regions
        return self.format_link(region_name=region_name, aws_domain=self.get_aws_domain(partition_of(region_name)))


def _regions_in(result: Any) -> Iterator[str]:
    """Yield the Regions of the result of a task: its own, and those of its registries and repositories."""
    parts = result if isinstance(result, list) else [result]
    for part in parts:
        if not isinstance(part, Mapping):
            continue
        if isinstance(part.get("region_name"), str):
            yield part["region_name"]
        for name in ("registries", "repositories", "policies", "top"):
            if isinstance(part.get(name), list):
                yield from _regions_in(part[name])
