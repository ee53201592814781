"""Prepare sessions and clients for ECR: times in UTC, retries that do not depend on the SDK's release, cheap parsing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from airflow_provider_ecr_preview.aws.endpoints import mask_endpoint
from airflow_provider_ecr_preview.aws.parsing import keep_replication_rules, parse_preview_results_fast, parse_utc
from airflow_provider_ecr_preview.aws.retries import retry_throttling

if TYPE_CHECKING:
    from botocore.client import BaseClient


# The SDK's default changes between releases; with the one of boto3 1.44 most of a throttled fleet is lost.
_RETRIES: Any = {"mode": "standard", "total_max_attempts": 5}


def hook_config(given: Config) -> Config:
    """Return the configuration of a client that one task uses.

    :param given: what the user configured, which takes precedence.
    """
    return Config(retries=_RETRIES).merge(given)


def fleet_config(config: Config, max_workers: int) -> Config:
    """Return the configuration of a client that many threads share, and that never retries by itself.

    :param config: the configuration of the hook.
    :param max_workers: number of threads that share the client.
    """
    return config.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=max_workers))


def read_times_as_utc(session: Any) -> None:
    """Make the clients of a session return times in UTC, which is also much cheaper than local time.

    :param session: a boto3 session.
    """
    # boto3 has no way of its own to reach this documented default of the session below it.
    core: Any = getattr(session, "_session", session)
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_utc)


def prepare_client(client: BaseClient, throttle_timeout: Callable[[], float]) -> None:
    """Make a client wait while ECR throttles it, and read previews at little cost.

    :param client: a new boto3 client of ECR.
    :param throttle_timeout: returns how long one call may wait in all, in seconds.
    """
    mask_endpoint(client)
    retry_throttling(client, throttle_timeout)
    parse_preview_results_fast(client)
    keep_replication_rules(client)


def prepare_fleet_client(client: BaseClient) -> None:
    """Make a client of :func:`fleet_config` read previews at little cost.

    :param client: a new boto3 client of ECR.
    """
    mask_endpoint(client)
    parse_preview_results_fast(client)
