"""The metadata of the provider, which Airflow reads.

Airflow loads this while it is itself being imported, so this is a literal and imports nothing.
"""

from __future__ import annotations

from typing import Any


def get_provider_info() -> dict[str, Any]:
    """Return the metadata of this provider, as ``provider_info.schema.json`` of Airflow has it."""
    return {
        "package-name": "airflow-provider-ecr-preview",
        "name": "Amazon ECR Lifecycle Policy Preview",
        "description": "See what an Amazon ECR lifecycle policy would delete, before it does.",
        "integrations": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "external-doc-url": "https://docs.aws.amazon.com/AmazonECR/latest/userguide/lp_creation.html",
                "logo": "/docs/_static/logo.svg",
                "how-to-guide": [
                    "/docs/guides/audit-a-registry.md",
                    "/docs/guides/check-a-policy.md",
                    "/docs/guides/clean-up-images.md",
                ],
                "tags": ["aws"],
            }
        ],
        "hooks": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "python-modules": [
                    "airflow_provider_ecr_preview.hooks.ecr_preview",
                    "airflow_provider_ecr_preview.hooks.lifecycle_events",
                ],
            }
        ],
        "operators": [
            {
                "integration-name": "Amazon ECR Lifecycle Policy Preview",
                "python-modules": [
                    "airflow_provider_ecr_preview.operators.ecr_approval",
                    "airflow_provider_ecr_preview.operators.ecr_audit",
                    "airflow_provider_ecr_preview.operators.ecr_cleanup",
                    "airflow_provider_ecr_preview.operators.ecr_compare",
                    "airflow_provider_ecr_preview.operators.ecr_in_use",
                    "airflow_provider_ecr_preview.operators.ecr_preview",
                    "airflow_provider_ecr_preview.operators.ecr_recommend",
                    "airflow_provider_ecr_preview.operators.ecr_reconcile",
                    "airflow_provider_ecr_preview.operators.ecr_watch",
                ],
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
                "python-modules": [
                    "airflow_provider_ecr_preview.triggers.ecr_audit",
                    "airflow_provider_ecr_preview.triggers.ecr_preview",
                    "airflow_provider_ecr_preview.triggers.policy_events",
                ],
            }
        ],
        "notifications": ["airflow_provider_ecr_preview.notifications.ecr_result.EcrResultNotifier"],
        # Read by the releases of Airflow that know it; the others have the command ecr-preview alone.
        "cli": ["airflow_provider_ecr_preview.cli.airflow_commands.get_ecr_preview_commands"],
        "config": {
            "ecr_preview": {
                "description": "What the pages in the Airflow UI show of Amazon ECR lifecycle policy previews.",
                "options": {
                    "tabs": {
                        "description": "Whether to show the pages: a tab on task instances and DAG runs, and the page of the registry.",
                        "version_added": "0.1.0",
                        "type": "boolean",
                        "example": None,
                        "default": "True",
                    },
                    "reports_path": {
                        "description": (
                            "The folders from which the API server may open reports, as URLs separated by commas.\n"
                            "If empty, the pages only show what XCom results hold: no image lists, and not all\n"
                            "repositories.\n"
                        ),
                        "version_added": "0.1.0",
                        "type": "string",
                        "example": "s3://aws_default@reports/ecr",
                        "default": "",
                    },
                    "price_per_gb_month": {
                        "description": "The price of one gigabyte of images for a month, in US dollars.",
                        "version_added": "0.1.0",
                        "type": "float",
                        "example": None,
                        "default": "0.10",
                    },
                    "prices": {
                        "description": (
                            "The price of a gigabyte and month in US dollars by storage class, and by Region where it\n"
                            "differs, as JSON. Without one, standard costs price_per_gb_month, and archive 0.10 as of\n"
                            "November 2026. See https://aws.amazon.com/ecr/pricing/.\n"
                        ),
                        "version_added": "0.2.0",
                        "type": "string",
                        "example": '{"standard": 0.10, "archive": 0.07, "regions": {"eu-west-1": {"standard": 0.11}}}',
                        "default": "",
                    },
                },
            }
        },
        "extra-links": [
            "airflow_provider_ecr_preview.links.audit.EcrAuditReportLink",
            "airflow_provider_ecr_preview.links.ecr.EcrRegistryLink",
            "airflow_provider_ecr_preview.links.ecr.EcrRepositoryLink",
            "airflow_provider_ecr_preview.links.preview_tab.EcrPreviewTabLink",
        ],
    }
