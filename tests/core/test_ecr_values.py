"""Storage classes and actions are in upper case, wherever they come from."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.repository import RepositoryImage

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "read"), [("standard", "STANDARD"), ("archive", "ARCHIVE"), ("ARCHIVE", "ARCHIVE")]
)
def test_a_storage_class_is_read_in_either_spelling(written: str, read: str) -> None:
    assert RepositoryImage("sha256:1", (), NOW, storage_class=written).storage_class == read


def test_a_storage_class_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"storage_class is 'cold'\. Use STANDARD or ARCHIVE"):
        RepositoryImage("sha256:1", (), NOW, storage_class="cold")


def test_a_rule_spells_them_as_responses_do_though_its_document_has_them_in_lower_case() -> None:
    policy = LifecyclePolicy.parse(
        {
            "rules": [
                {
                    "rulePriority": 1,
                    "selection": {
                        "tagStatus": "any",
                        "storageClass": "archive",
                        "countType": "sinceImageTransitioned",
                        "countUnit": "days",
                        "countNumber": 90,
                    },
                    "action": {"type": "expire"},
                }
            ]
        }
    )
    [rule] = policy.rules
    assert (rule.storage_class, rule.action) == ("ARCHIVE", "EXPIRE")
