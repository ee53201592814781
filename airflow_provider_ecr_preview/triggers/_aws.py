"""The base of triggers that call AWS: the arguments of the connection, and how Airflow stores a trigger."""

from __future__ import annotations

from typing import Any

from airflow.triggers.base import BaseTrigger


class AwsTrigger(BaseTrigger):
    """A trigger with the four arguments of a connection to AWS.

    :param aws_conn_id: the Airflow connection used for AWS credentials.
    :param region_name: the AWS Region; that of the connection if None.
    :param verify: whether, or with which certificates, TLS is verified.
    :param botocore_config: configuration of the botocore client.
    """

    def __init__(
        self,
        *,
        aws_conn_id: str | None,
        region_name: str | None,
        verify: bool | str | None,
        botocore_config: dict[str, Any] | None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's constructor has no types
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config

    def serialized(self, *names: str) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments to build the trigger again.

        Airflow stores both, and a triggerer of a newer version reads them: never rename a class or an argument.

        :param names: the arguments of the trigger itself; those of the connection follow.
        """
        stored = (*names, "aws_conn_id", "region_name", "verify", "botocore_config")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in stored}
