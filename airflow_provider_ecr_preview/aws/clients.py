"""Prepare sessions and clients for ECR: times in UTC, retries that work with any SDK release, cheap parsing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.config import Config

from airflow_provider_ecr_preview.aws.answers import require_own_answers
from airflow_provider_ecr_preview.aws.endpoints import mask_endpoint
from airflow_provider_ecr_preview.aws.limits import bound_responses
from airflow_provider_ecr_preview.aws.parsing import keep_replication_rules, parse_preview_results_fast, parse_utc

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from airflow_provider_ecr_preview.aws.retries import Retries


CONNECT_TIMEOUT = 5.0
"""Seconds, unless the user's configuration has its own; the SDK's default is a minute."""


READ_TIMEOUT = 15.0
"""The same for a response. A page of a thousand images, the longest response, takes one to three seconds."""


POLL_CONNECT_TIMEOUT = 3.0


POLL_READ_TIMEOUT = 8.0


MAX_POLL_CONNECTIONS = 64
"""How many connections a polling client keeps open."""


_ONE_ATTEMPT: Any = {"mode": "standard", "total_max_attempts": 1}


def hook_config(given: Config) -> Config:
    """Return the configuration of a client that one task uses.

    Its calls are retried by :class:`~airflow_provider_ecr_preview.aws.retries.Retries`, which keeps to a deadline. The
    SDK retries only if the user configured that.

    :param given: the user's configuration, which takes precedence.
    """
    defaults = Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries=_ONE_ATTEMPT)
    return defaults.merge(given)


def poll_config(given: Config) -> Config:
    """Return the configuration of a polling client: one attempt, which ends within seconds.

    :param given: the user's configuration; its timeouts take precedence, its retries do not.
    """
    defaults = Config(
        connect_timeout=POLL_CONNECT_TIMEOUT, read_timeout=POLL_READ_TIMEOUT, max_pool_connections=MAX_POLL_CONNECTIONS
    )
    return defaults.merge(given).merge(Config(retries=_ONE_ATTEMPT))


def fleet_config(config: Config, max_workers: int) -> Config:
    """Return the configuration of a client that many threads share and that never retries.

    :param config: the configuration of the hook.
    :param max_workers: number of threads that share the client.
    """
    return config.merge(Config(retries={"mode": "standard", "total_max_attempts": 1}, max_pool_connections=max_workers))


def read_times_as_utc(session: Any) -> None:
    """Make the clients of a session return times in UTC, which is also much cheaper than local time.

    :param session: a boto3 session.
    """
    # boto3 offers no access to this documented default of the underlying session.
    core: Any = getattr(session, "_session", session)
    core.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=parse_utc)


def prepare_client(client: BaseClient, retries: Retries | None = None) -> None:
    """Make a client retry temporary failures, bound and check its responses, and parse previews cheaply.

    :param client: a new boto3 client of ECR.
    :param retries: how to retry; None if the caller handles retries.
    """
    mask_endpoint(client)
    bound_responses(client)
    if retries is not None:
        retries.register(client)
    parse_preview_results_fast(client)
    keep_replication_rules(client)
    require_own_answers(client)
