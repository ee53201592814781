"""Hide secrets in the address of an endpoint."""

from __future__ import annotations

from typing import Any

from airflow.sdk.log import mask_secret

from airflow_provider_ecr_preview.core.text.secrets import password_of


def mask_endpoint(client: Any) -> None:
    """Make Airflow mask a password in a connection's ``endpoint_url``, in logs and rendered fields.

    :param client: a new client.
    """
    if password := password_of(client.meta.endpoint_url):
        mask_secret(password)
