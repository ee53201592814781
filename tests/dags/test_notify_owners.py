"""The example that notifies owners: its form as it opens, and what it sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_provider_ecr_preview.local import LocalEcr
from tests.support.mailbox import Mailbox, mailbox
from tests.support.policies import keep


@pytest.fixture(name="mailbox")
def _mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """Receive messages, and be the connection of the tasks: it has to be there before ``run_dag`` copies the environment."""
    with mailbox() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", server.connection)
        yield server


@pytest.mark.nightly
def test_each_owner_with_an_address_gets_their_own_report(
    local_ecr: LocalEcr,
    mailbox: Mailbox,
    run_dag: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    ecr = boto3.client("ecr", region_name="us-east-1")
    for name, owner in {"payments/api": "payments", "web/shop": "web", "old": None}.items():
        local_ecr.create_repository(name, policy=keep(2))
        local_ecr.push_many(name, 4)
        if owner is not None:
            arn = ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryArn"]
            ecr.tag_resource(resourceArn=arn, tags=[{"Key": "team", "Value": owner}])
    local_ecr.calls.clear()
    conf = {
        "reports_path": (tmp_path / "reports").as_uri(),
        "addresses": {"payments": "payments@example.com", "*": "platform@example.com"},
    }
    result = run_dag("ecr_notify_owners", conf)
    assert result["state"] == "success", result["log"][-3000:]
    sent = result["values"]["messages[-1]"]
    assert sorted(message["to"] for message in sent) == ["payments@example.com", *["platform@example.com"] * 2]
    assert len(mailbox.messages) == 3
    assert any("owner=payments" in message["link"] for message in sent)


def test_the_form_as_it_opens_sends_nothing(
    team_ecr: LocalEcr, run_dag: Callable[..., dict[str, Any]], untouched_form: Callable[[str], dict[str, Any]]
) -> None:
    result = run_dag("ecr_notify_owners", untouched_form("ecr_notify_owners"))
    assert result["state"] == "success", result["log"][-3000:]
    assert result["values"]["messages[-1]"] == []
