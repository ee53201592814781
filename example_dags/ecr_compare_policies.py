"""Check a candidate policy before it is rolled out: which images it affects that the applied policies do not affect.

Trigger it from a pull request that changes a policy, with the policy and the repositories in ``conf``: the run fails if
the candidate affects too many images. By default the candidate is simulated, which leaves the one preview of each
repository alone; choose ``preview`` for a preview by ECR.
"""

from __future__ import annotations

# [START howto_ecr_compare_policies]
from pathlib import Path
from tempfile import gettempdir

from airflow.sdk import Param, dag, task

from airflow_provider_ecr_preview.operators.ecr_audit import EcrListRepositoriesOperator
from airflow_provider_ecr_preview.operators.ecr_compare import EcrCompareLifecyclePoliciesOperator

REPORTS = Path(gettempdir(), "ecr-comparisons").as_uri()

KEEP_EIGHTY = {
    "rules": [
        {
            "rulePriority": 1,
            "description": "Keep the newest eighty",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 80},
            "action": {"type": "expire"},
        }
    ]
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=4,
    tags=["ecr", "example"],
    doc_md=__doc__,
    params={
        "include": Param(
            "payments/*",
            type="string",
            examples=["payments/*", "*"],
            title="Repositories",
            description="Name globs, separated by commas, such as payments/*, web/*.",
        ),
        "lifecycle_policy": Param(
            KEEP_EIGHTY,
            type="object",
            title="Candidate policy",
            description="The lifecycle policy to compare with the applied ones, as JSON.",
        ),
        "method": Param(
            "simulation",
            type="string",
            enum=["simulation", "preview", "both"],
            title="Method",
            description="simulation evaluates the policies here; preview lets ECR do it; both does both and compares.",
        ),
        "max_newly_affected": Param(
            500,
            type=["integer", "null"],
            minimum=0,
            title="Maximum of newly affected images",
            description="Optional. The run fails if the candidate affects more images that are kept today.",
        ),
        "reports_path": Param(
            REPORTS,
            type="string",
            minLength=1,
            title="Folder for reports",
            description="The list of the images that the policies treat differently, as an ObjectStoragePath URL.",
            examples=["s3://aws_default@bucket/ecr"],
        ),
    },
)
def ecr_compare_policies() -> None:
    """Compare a candidate policy with the applied ones."""
    repository_names = EcrListRepositoriesOperator(task_id="list", include="{{ params.include }}")

    comparison = EcrCompareLifecyclePoliciesOperator(
        task_id="compare",
        repository_names=repository_names.output,
        lifecycle_policy_text="{{ params.lifecycle_policy | tojson }}",
        method="{{ params.method }}",
        results_path="{{ params.reports_path }}/comparisons/{{ run_id }}.jsonl.gz",
        max_newly_affected="{{ '' if params.max_newly_affected is none else params.max_newly_affected }}",
    )

    @task
    def report(comparison: dict) -> str:
        """Summarize in one sentence what the pull request would change."""
        applied, candidate = comparison["policies"]
        return (
            f"Compared with the {applied['policy']} policies ({comparison['method']}), images affected in addition: "
            f"{candidate['newly_affected_image_count']}; no longer affected: {candidate['no_longer_affected_image_count']}."
        )

    report(comparison.output)


ecr_compare_policies()
# [END howto_ecr_compare_policies]
