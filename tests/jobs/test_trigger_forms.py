"""Every example is triggered by its form as it opens, and its run succeeds while the others run."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Page

from tests.jobs.conftest import EXAMPLES, Airflow, run_path

ASKING = ("ecr_clean_up_approved", "ecr_put_policy_approved")
AUDITS = ("ecr_audit_organisation", "ecr_audit_registry", "ecr_notify_owners")
"""They preview every repository, and ECR keeps one preview of each: a candidate of another DAG would be replaced."""


def test_every_form_can_be_sent_as_it_opens_and_the_runs_succeed_side_by_side(
    airflow: Airflow, page: Page, trigger: Callable[..., str]
) -> None:
    images = airflow.images("payments/api", "payments/webhooks")
    policies = airflow.policies("web/storefront", "web/checkout")
    audits = {dag_id: trigger(dag_id) for dag_id in AUDITS}
    for dag_id, run_id in audits.items():
        airflow.wait_for_end(dag_id, run_id)
    runs = {dag_id: trigger(dag_id) for dag_id in EXAMPLES if dag_id not in AUDITS}
    for dag_id in ASKING:
        airflow.wait_for_question(dag_id, runs[dag_id])
        page.goto(run_path(dag_id, runs[dag_id], "tasks", "approve", "required_actions"))
        page.get_by_role("button", name="Approve").click()
    # A day passes.
    airflow.wait_for_task("ecr_reconcile", runs["ecr_reconcile"], "a_day_later", ["deferred"])
    run = f"dags/ecr_reconcile/dagRuns/{quote(runs['ecr_reconcile'], safe='')}"
    airflow.local.patch(f"{run}/taskInstances/a_day_later", {"new_state": "success"})
    for dag_id, run_id in runs.items():
        airflow.wait_for_end(dag_id, run_id)
    assert airflow.result("ecr_clean_up_approved", runs["ecr_clean_up_approved"], "clean_up")["status"] == "dry_run"
    if airflow.tasks("ecr_restore_policies", runs["ecr_restore_policies"])["restore"] != "skipped":
        # Another test has put a policy.
        assert airflow.result("ecr_restore_policies", runs["ecr_restore_policies"], "restore")["dry_run"]
    assert airflow.images("payments/api", "payments/webhooks") == images
    assert airflow.policies("web/storefront", "web/checkout") == policies
