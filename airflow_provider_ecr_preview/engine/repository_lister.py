"""List the repositories of a registry that match a selection by name, tags and policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.utils.helpers import prune_dict

from airflow_provider_ecr_preview.aws.errors import CallSite, translated
from airflow_provider_ecr_preview.aws.pages import tags_of
from airflow_provider_ecr_preview.core.exceptions import LifecyclePolicyNotFoundError, RepositoryNotFoundError
from airflow_provider_ecr_preview.core.selection import RepositorySelection

if TYPE_CHECKING:
    from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook


log = logging.getLogger(__name__)


PAGE_SIZE = 1000


MAX_WORKERS = 8


_Repository = tuple[str, str]
"""Name and ARN."""


@dataclass(frozen=True)
class RepositoryLister:
    """Lists the repositories of one registry in one Region.

    :param hook: provides the connection, Region and configuration.
    :param registry_id: the registry (account); the caller's own if None.
    :param max_workers: how many repositories are queried at the same time.
    """

    hook: EcrLifecyclePolicyPreviewHook
    registry_id: str | None = None
    max_workers: int = MAX_WORKERS

    def names(self, selection: RepositorySelection, *, with_policy: bool | None = None) -> list[str]:
        """Return the sorted names of the selected repositories.

        Calls DescribeRepositories, for tags ListTagsForResource, and for ``with_policy`` GetLifecyclePolicy (``ecr:``
        IAM actions of the same names). A missing answer is an error: an audit must not silently drop a repository that
        it knows nothing about.

        :param selection: names and tags.
        :param with_policy: only repositories that have a lifecycle policy, or only those that have none.
        :raises RepositoryError: if a call is refused, or throttled for too long; the message says what to do.
        """
        chosen = sorted(repository for repository in self._described() if selection.has_name(repository[0]))
        if selection.tags:
            chosen = self._kept(chosen, lambda repository: selection.has_tags(self._tags(repository)))
        if with_policy is not None:
            chosen = self._kept(chosen, lambda repository: self._has_policy(repository) is with_policy)
        return [name for name, _ in chosen]

    def _described(self) -> Iterator[_Repository]:
        site = CallSite("the list of repositories", self.registry_id, self.hook.region_name)
        with translated(site):
            client = self._client
            pages = client.get_paginator("describe_repositories").paginate(
                **prune_dict({"registryId": self.registry_id}), PaginationConfig={"PageSize": PAGE_SIZE}
            )
        pages = iter(pages)
        with_token = False
        while True:
            with translated(site, with_token=with_token):
                page = next(pages, None)
            if page is None:
                return
            with_token = True
            yield from site.parsed(_repositories, page)

    def _kept(self, chosen: list[_Repository], is_kept: Callable[[_Repository], bool]) -> list[_Repository]:
        """Return the repositories that pass a check, in order."""
        with ThreadPoolExecutor(self.max_workers, "ecr-repositories") as pool:
            try:
                answers = list(pool.map(lambda repository: self._is_kept(repository, is_kept), chosen))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return [repository for repository, answer in zip(chosen, answers, strict=True) if answer]

    def _is_kept(self, repository: _Repository, is_kept: Callable[[_Repository], bool]) -> bool:
        try:
            return is_kept(repository)
        except RepositoryNotFoundError:
            log.info("%s was deleted while the repositories were listed; it is left out.", repository[0])
            return False

    def _tags(self, repository: _Repository) -> dict[str, str]:
        name, arn = repository
        site = CallSite.of(self._client, name, self.registry_id)
        with translated(site):
            response = self._client.list_tags_for_resource(resourceArn=arn)
        return site.parsed(tags_of, response)

    def _has_policy(self, repository: _Repository) -> bool:
        try:
            self.hook.get_lifecycle_policy(repository[0], registry_id=self.registry_id)
        except LifecyclePolicyNotFoundError:
            return False
        return True

    @property
    def _client(self) -> Any:
        return self.hook.conn


def _repositories(page: Mapping[str, Any], _: str) -> list[_Repository]:
    return [(repository["repositoryName"], repository["repositoryArn"]) for repository in page["repositories"]]
