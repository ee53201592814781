"""What the address of an endpoint may hold that nobody is to read."""

from __future__ import annotations

from typing import Any

from airflow.sdk.log import mask_secret

from airflow_provider_ecr_preview.core.text.secrets import password_of


def mask_endpoint(client: Any) -> None:
    """Have Airflow hide the password that ``endpoint_url`` of a connection may have, in logs and rendered fields.

    :param client: a client that was just made.
    """
    if password := password_of(client.meta.endpoint_url):
        mask_secret(password)
