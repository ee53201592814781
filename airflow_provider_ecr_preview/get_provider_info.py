"""What Airflow shows about this provider; a pure literal, because Airflow reads it while it is itself being imported."""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata."""
    return {
        "package-name": "airflow-provider-ecr-preview",
        "name": "Amazon ECR Lifecycle Policy Preview",
        "description": "Show what an Amazon ECR lifecycle policy would delete, before it does.",
        "integrations": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "external-doc-url": "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lpp_creation.html",
                "tags": ["aws", "service"],
            }
        ],
        "hooks": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "python-modules": ["airflow_provider_ecr_preview.hooks.ecr_preview"],
            }
        ],
        "operators": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "python-modules": ["airflow_provider_ecr_preview.operators.ecr_preview"],
            }
        ],
        "sensors": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "python-modules": ["airflow_provider_ecr_preview.sensors.ecr_preview"],
            }
        ],
        "triggers": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "python-modules": ["airflow_provider_ecr_preview.triggers.ecr_preview"],
            }
        ],
        "extra-links": ["airflow_provider_ecr_preview.links.ecr.EcrRepositoryLink"],
    }
