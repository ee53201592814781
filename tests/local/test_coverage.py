"""The list of what the local ECR serves is complete and true."""

from __future__ import annotations

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model  # noqa: TID253  # botocore's model, as moto reads it

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.coverage import NOT_SERVED, OF_MOTO, PARTLY, is_served
from airflow_provider_ecr_preview.local.operations import CHECKS, OPERATIONS
from airflow_provider_ecr_preview.local.wire import TARGET_PREFIX

OPERATIONS_OF_THE_MODEL = frozenset(get_service_model("ecr").operation_names)


def test_every_operation_of_the_model_is_on_one_list() -> None:
    assert {*OPERATIONS, *OF_MOTO, *NOT_SERVED} >= OPERATIONS_OF_THE_MODEL
    assert not {*OPERATIONS} & OF_MOTO
    assert not {*OPERATIONS, *OF_MOTO} & NOT_SERVED
    assert all(map(is_served, [*PARTLY, *CHECKS]))


@pytest.mark.parametrize("operation", sorted({*NOT_SERVED, "OperationOfNextYear"}))
def test_what_is_not_served_is_refused_by_name_with_400(local_ecr: LocalEcr, operation: str) -> None:
    headers = {"X-Amz-Target": TARGET_PREFIX + operation, "Content-Type": "application/x-amz-json-1.1"}
    with pytest.raises(HTTPError) as caught:
        urlopen(Request(local_ecr.endpoint_url, data=b"{}", headers=headers), timeout=60)
    with caught.value as reply:
        body = json.loads(reply.read())
    assert reply.code == 400
    assert body["__type"] == "UnknownOperationException"
    assert f"local ECR does not serve {operation}." in body["message"]


@pytest.mark.parametrize("operation", sorted(NOT_SERVED & OPERATIONS_OF_THE_MODEL))
def test_a_client_does_not_retry_what_is_not_served(local_ecr: LocalEcr, operation: str) -> None:
    client = local_ecr.client(
        config=Config(retries={"mode": "standard", "max_attempts": 5}, parameter_validation=False)
    )
    method = next(name for name, of in client.meta.method_to_api_mapping.items() if of == operation)
    with pytest.raises(ClientError, match=f"local ECR does not serve {operation}"):
        getattr(client, method)()
    assert local_ecr.calls.count(operation) == 1
