"""Refuse arguments that ECR would refuse, or that would not do what the caller meant, before a call is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from airflow_provider_ecr_preview.aws.errors import CallSite
from airflow_provider_ecr_preview.core.exceptions import InvalidLifecyclePolicyError, InvalidRequestError
from airflow_provider_ecr_preview.core.lint.policy import PolicySource
from airflow_provider_ecr_preview.core.parameters.forms import refuse, shown
from airflow_provider_ecr_preview.core.parameters.values import UNSET_TEXTS
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy

TAG_STATUSES = ("TAGGED", "UNTAGGED", "ANY")


MAX_IMAGE_IDS = 100


MAX_PAGE_SIZE = 100


_REPOSITORY_NAME = re.compile(r"(?=.{2,256}$)(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")


_REGISTRY_ID = re.compile(r"[0-9]{12}")


def check_botocore_config(value: Any, parameter: str) -> Any:
    """Return the configuration of a client, after checking that botocore knows its options.

    :param value: the configuration: a dict, or a ``Config`` of botocore.
    :param parameter: name of the parameter, for messages.
    :raises ValueError: if it is anything else, or has an unknown option.
    """
    if isinstance(value, Config):
        return value
    if not isinstance(value, Mapping):
        refuse(value, parameter, "Use a dict of options of botocore.config.Config")
    try:
        Config(**value)
    except (TypeError, BotoCoreError) as error:
        raise ValueError(
            f"{parameter} is {shown(value)}: {error}. See botocore.config.Config for the options."
        ) from error
    return value


def check_names(site: CallSite) -> None:
    """Check for names that the SDK would refuse without an explanation.

    :param site: the repository.
    :raises InvalidRequestError: if a name is not valid.
    """
    if not _REPOSITORY_NAME.fullmatch(site.repository_name):
        raise site.error(
            InvalidRequestError,
            "this is not a repository name: 2 to 256 lower-case letters, digits and . _ - / between them. Leave out "
            "the registry's host name and the tag.",
        )
    if site.registry_id is not None and not _REGISTRY_ID.fullmatch(site.registry_id):
        raise site.error(InvalidRequestError, "registry_id is not an AWS account id of 12 digits.")


def check_waiting(site: CallSite, *, timeout: float, poll_interval: float) -> None:
    """Check the timeout and the time between polls.

    :param site: the repository.
    :param timeout: how long to wait, in seconds.
    :param poll_interval: time between two polls, in seconds.
    :raises InvalidRequestError: if either is not a valid time.
    """
    if not timeout >= 0:
        raise site.error(InvalidRequestError, f"timeout is {timeout} s. Use 0 or more.")
    if not poll_interval > 0:
        raise site.error(InvalidRequestError, f"poll_interval is {poll_interval} s. Use more than 0.")


def check_reading(
    site: CallSite,
    image_ids: Sequence[Mapping[str, str]] | None,
    tag_status: str | None,
    paging: Mapping[str, Any],
) -> None:
    """Check the arguments that select a part of a preview.

    :param site: the repository.
    :param image_ids: the requested images; None for all.
    :param tag_status: the filter.
    :param paging: ``max_items``, ``page_size`` and ``starting_token``.
    :raises InvalidRequestError: if the arguments exclude each other or are out of range.
    """
    if isinstance(image_ids, str):
        raise site.error(
            InvalidRequestError,
            "image_ids is a text, not a list. Pass the output of a task itself, or let the DAG have "
            "render_template_as_native_obj=True.",
        )
    if image_ids is not None and not image_ids:
        raise site.error(InvalidRequestError, "image_ids is empty: there is nothing to read. Skip the task then.")
    given = [name for name, value in paging.items() if value is not None]
    if image_ids is not None and given:
        raise site.error(
            InvalidRequestError,
            f"image_ids excludes {', '.join(given)}: ECR does not page a request for named images. They are sent "
            f"{MAX_IMAGE_IDS} at a time by themselves.",
        )
    page_size, max_items, starting_token = paging["page_size"], paging["max_items"], paging["starting_token"]
    if tag_status is not None and tag_status not in TAG_STATUSES:
        raise site.error(InvalidRequestError, f"tag_status is {tag_status!r}. Use one of {', '.join(TAG_STATUSES)}.")
    if page_size is not None and not 1 <= page_size <= MAX_PAGE_SIZE:
        raise site.error(InvalidRequestError, f"page_size is {page_size}. Use 1 to {MAX_PAGE_SIZE}.")
    if max_items is not None and max_items < 1:
        raise site.error(InvalidRequestError, f"max_items is {max_items}. Use 1 or more.")
    # A template renders the next_token of a complete summary to this text; botocore would start at the first page.
    if isinstance(starting_token, str) and starting_token.strip() in UNSET_TEXTS:
        raise site.error(
            InvalidRequestError,
            f"starting_token is {starting_token!r}: the earlier summary was not cut, there is no more to read. Skip "
            "the task then.",
        )


def read_policy(site: CallSite, source: PolicySource) -> LifecyclePolicy:
    """Return the policy that a person wrote for a repository.

    :param site: the repository.
    :param source: JSON text, or the same as a dict.
    :raises InvalidLifecyclePolicyError: if ECR would refuse it; the message names every mistake and its correction.
    """
    try:
        return LifecyclePolicy.parse(source)
    except InvalidLifecyclePolicyError as error:
        raise InvalidLifecyclePolicyError(error.findings, repository=str(site)) from None
