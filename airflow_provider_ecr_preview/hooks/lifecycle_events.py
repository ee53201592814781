"""The hook that reads from CloudTrail what ECR did on its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from airflow_provider_ecr_preview.aws.clients import CONNECT_TIMEOUT, READ_TIMEOUT
from airflow_provider_ecr_preview.aws.endpoints import mask_endpoint
from airflow_provider_ecr_preview.core.exceptions import LifecycleEventsUnreadError
from airflow_provider_ecr_preview.core.reconciliation.execution import (
    EVENT_NAME,
    EVENT_SOURCE,
    PolicyExecution,
    UnreadExecution,
    parse_execution,
)
from airflow_provider_ecr_preview.core.reconciliation.image_calls import EVENT_NAMES, ImageCall, parse_image_calls
from airflow_provider_ecr_preview.core.text.tracebacks import defuse

# CloudTrail allows two look-ups a second per account and Region; this mode settles at that pace.
_RETRIES: Any = {"mode": "adaptive", "total_max_attempts": 10}


class EcrLifecycleEventsHook(AwsBaseHook):
    """Read the runs of lifecycle policies from CloudTrail's event history, which covers 90 days.

    An event history covers one account and Region: the caller's.

    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param config: configuration of the botocore client, a dict or a ``botocore.config.Config``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "client_type": "cloudtrail"})

    @property
    def config(self) -> Config:
        """Configuration of the botocore client, with CloudTrail's pace and timeouts of seconds unless the user sets others."""
        defaults = Config(retries=_RETRIES, connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)
        return defaults.merge(super().config)

    def caller_account(self) -> str:
        """Return the account whose events are read.

        Calls GetCallerIdentity, which needs no IAM action.

        :raises LifecycleEventsUnreadError: if the account cannot be determined.
        """
        try:
            return self.account_id
        except (BotoCoreError, ClientError) as error:
            defuse(error)
            raise LifecycleEventsUnreadError(
                f"The account of the credentials cannot be read ({error}). Check the connection of aws_conn_id."
            ) from error

    def iter_executions(self, since: datetime, until: datetime) -> Iterator[PolicyExecution | UnreadExecution]:
        """Yield the runs of lifecycle policies, the latest first, and events that cannot be understood.

        Calls LookupEvents (``cloudtrail:LookupEvents``). CloudTrail lists an event some minutes after it happens.

        :param since: the beginning (aware).
        :param until: the end (aware).
        :raises LifecycleEventsUnreadError: if CloudTrail does not answer.
        """
        return map(parse_execution, chain.from_iterable(self.iter_pages(EVENT_NAME, since, until)))

    def iter_image_calls(self, action: str, since: datetime, until: datetime) -> Iterator[ImageCall | UnreadExecution]:
        """Yield the calls that deleted or archived images, the latest first, and events that cannot be understood.

        Calls LookupEvents (``cloudtrail:LookupEvents``). Calls that ECR refused are left out.

        :param action: ``delete`` or ``archive``.
        :param since: the beginning (aware).
        :param until: the end (aware).
        :raises LifecycleEventsUnreadError: if CloudTrail does not answer.
        """
        return parse_image_calls(chain.from_iterable(self.iter_pages(EVENT_NAMES[action], since, until)))

    def caller_arn(self) -> str:
        """Return the ARN of the caller.

        Calls GetCallerIdentity, which needs no IAM action.

        :raises LifecycleEventsUnreadError: if it is not known.
        """
        try:
            client = self.get_session(region_name=self.region_name).client(
                service_name="sts",
                endpoint_url=self.conn_config.get_service_endpoint_url("sts"),
                config=self.config,
                verify=self.verify,
            )
            return str(client.get_caller_identity()["Arn"])
        except (BotoCoreError, ClientError) as error:
            defuse(error)
            raise LifecycleEventsUnreadError(
                f"The caller is not known ({error}). Check the connection of aws_conn_id."
            ) from error

    def iter_pages(self, name: str, since: datetime, until: datetime) -> Iterator[list[Mapping[str, Any]]]:
        """Yield the pages of ECR's events of one name as CloudTrail has them, the latest event first.

        Calls LookupEvents (``cloudtrail:LookupEvents``).

        :param name: the name of the events.
        :param since: the beginning (aware).
        :param until: the end (aware).
        :raises LifecycleEventsUnreadError: if CloudTrail does not answer.
        """
        client: Any = self.conn
        mask_endpoint(client)
        try:
            pages = client.get_paginator("lookup_events").paginate(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=since,
                EndTime=until,
            )
            for page in pages:
                # A body that was cut off, or is a web page, parses to nothing; that is not "no events".
                # Another service may have events of the same name.
                yield [entry for entry in page["Events"] if entry.get("EventSource", EVENT_SOURCE) == EVENT_SOURCE]
        except (BotoCoreError, ClientError) as error:
            defuse(error)
            raise LifecycleEventsUnreadError(
                f"The events of ECR cannot be read from CloudTrail in {client.meta.region_name} ({error}). Allow "
                "cloudtrail:LookupEvents in IAM; if it throttles, run fewer tasks at the same time."
            ) from error
        except (ResponseParserError, AttributeError, LookupError, TypeError, ValueError) as error:
            defuse(error)
            raise LifecycleEventsUnreadError(
                f"A response of CloudTrail in {client.meta.region_name} has not the form of CloudTrail's "
                f"({type(error).__name__}: {error}). Run the task again; if it happens again, check endpoint_url in the "
                "connection's extra."
            ) from error
