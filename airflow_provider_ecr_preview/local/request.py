"""A request to the local ECR, with the checks that operations share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from moto.ecr.models import ECR_REPOSITORY_NAME_PATTERN, ECRBackend

from airflow_provider_ecr_preview.local.paging import invalid
from airflow_provider_ecr_preview.local.previews import MAX_IMAGE_IDS
from airflow_provider_ecr_preview.local.registry import Registry
from airflow_provider_ecr_preview.local.registry_settings import principals_of
from airflow_provider_ecr_preview.local.repositories import LocalRepository

TAG_STATUSES = ("TAGGED", "UNTAGGED", "ANY")


IMAGE_STATUSES = ("ACTIVE", "ARCHIVED", "ACTIVATING", "ANY")


_REPOSITORY_NAME = re.compile(ECR_REPOSITORY_NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to one Region of one account.

    :param registry: the registry and its clocks.
    :param backend: moto's store of that Region and account.
    :param parameters: the parameters that the caller sent.
    :param access_key: the access key that signed the request.
    :param caller: the account of the caller.
    """

    registry: Registry
    backend: ECRBackend
    parameters: Mapping[str, Any]
    access_key: str = ""
    caller: str = ""

    @property
    def repository(self) -> LocalRepository:
        """The repository that the request names.

        :raises RepositoryNotFoundException: if the account has no such repository in this Region.
        """
        name = self.parameters.get("repositoryName", "")
        return cast("LocalRepository", self.backend._get_repository(name))  # noqa: SLF001  # moto's own look-up

    @property
    def principals(self) -> frozenset[str]:
        """The ARNs of the IAM user or role that sent the request; empty if moto does not know the key."""
        return principals_of(self.access_key, self.caller, self.backend.region_name)

    def one_of(self, name: str, allowed: tuple[str, ...], default: str, within: str = "filter") -> str:
        """Return a member of the request's ``filter``.

        :param name: the name of the member.
        :param allowed: the values that ECR accepts.
        :param default: the value if the request has none.
        :param within: the parameter that has the member.
        :raises InvalidParameterException: if the value is not allowed.
        """
        value = (self.parameters.get(within) or {}).get(name, default)
        if value not in allowed:
            raise invalid(f"{within}.{name}", f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        return str(value)

    def check_repository_name(self) -> None:
        """Refuse a name that no repository can have.

        :raises InvalidParameterException: if ``repositoryName`` is such a name.
        """
        name = self.parameters.get("repositoryName")
        if not isinstance(name, str) or not _REPOSITORY_NAME.fullmatch(name):
            raise invalid("repositoryName", f"must satisfy regular expression '{ECR_REPOSITORY_NAME_PATTERN}'")

    def check_image_ids(self) -> None:
        """Refuse more image ids than ECR accepts.

        :raises InvalidParameterException: if there are more than 100.
        """
        if len(self.parameters.get("imageIds") or ()) > MAX_IMAGE_IDS:
            raise invalid("imageIds", f"Member must have length less than or equal to {MAX_IMAGE_IDS}")
