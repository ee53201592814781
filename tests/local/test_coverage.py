"""The list of what the local ECR serves is complete and true."""

from __future__ import annotations

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.core.utils import get_service_model  # noqa: TID253  # botocore's model, as moto reads it

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.coverage import NOT_SERVED, OF_MOTO, PARTLY, is_served
from airflow_provider_ecr_preview.local.operations import CHECKS, OPERATIONS


def test_every_operation_of_the_model_is_on_one_list() -> None:
    names = set(get_service_model("ecr").operation_names)
    assert names <= {*OPERATIONS, *OF_MOTO, *NOT_SERVED}
    assert not {*OPERATIONS} & OF_MOTO
    assert not {*OPERATIONS, *OF_MOTO} & NOT_SERVED
    assert all(map(is_served, [*PARTLY, *CHECKS]))


@pytest.mark.parametrize("operation", sorted(NOT_SERVED))
def test_what_is_not_served_says_so_by_name_and_is_not_tried_again(local_ecr: LocalEcr, operation: str) -> None:
    client = local_ecr.client(
        config=Config(retries={"mode": "standard", "max_attempts": 5}, parameter_validation=False)
    )
    method = next(name for name, of in client.meta.method_to_api_mapping.items() if of == operation)
    with pytest.raises(ClientError, match=f"local ECR does not serve {operation}") as caught:
        getattr(client, method)()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert local_ecr.calls.count(operation) == 1
