"""The text of a policy is shown where a row of the audit names it, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.outcome import RepositoryOutcome
from airflow_provider_ecr_preview.core.policy.document import LifecyclePolicy
from airflow_provider_ecr_preview.core.preview.result import summary_xcom
from airflow_provider_ecr_preview.reports.policies import keep_policy
from tests.plugins.audits import push_audit
from tests.plugins.conftest import Server
from tests.support.builders import REGION, REGISTRY_ID, previewed, summary
from tests.support.policies import keep

pytestmark = pytest.mark.xdist_group("web")

NAMED, OTHER = (LifecyclePolicy.parse(json.dumps(keep(count))) for count in (10, 20))


@pytest.fixture
def audited(server: Server, reports: Path) -> Server:
    value = summary_xcom(summary(previewed(1), of=NAMED))
    push_audit(server, reports, [RepositoryOutcome("payments/api", REGISTRY_ID, REGION, "previewed", value)])
    return server


def get(server: Server, policy: Any, user: str = "alice") -> Any:
    return server.get(user, server.path(what="policy"), fingerprint=getattr(policy, "fingerprint", policy))


def test_the_policy_that_a_row_names_is_shown(audited: Server, reports: Path) -> None:
    keep_policy(ObjectStoragePath(f"file://{reports}"), NAMED)
    answer = get(audited, NAMED)
    assert (answer.status_code, answer.json()) == (200, {"lifecycle_policy_text": NAMED.text})
    assert get(audited, NAMED, "bob").status_code == 403


def test_a_policy_that_no_row_names_is_not_shown_though_its_file_is_there(audited: Server, reports: Path) -> None:
    keep_policy(ObjectStoragePath(f"file://{reports}"), OTHER)
    answer = get(audited, OTHER)
    assert (answer.status_code, answer.json()["detail"]) == (404, "No repository of this audit has this policy.")


def test_a_policy_that_was_not_kept_says_how_to_keep_it(audited: Server) -> None:
    answer = get(audited, NAMED)
    assert answer.status_code == 404
    assert "run the audit again" in answer.json()["detail"]


@pytest.mark.parametrize("content", [OTHER.text, "{", "[]", "x" * 70_000])
def test_a_changed_file_is_not_shown(audited: Server, reports: Path, content: str) -> None:
    (reports / "policies").mkdir()
    (reports / "policies" / f"{NAMED.fingerprint}.json").write_text(content)
    assert get(audited, NAMED).status_code in {409, 413}


@pytest.mark.parametrize("fingerprint", ["", "..", "a" * 63, "../" * 22, "A" * 64])
def test_nothing_but_a_fingerprint_is_looked_for(audited: Server, fingerprint: str) -> None:
    assert get(audited, fingerprint).status_code == 422
