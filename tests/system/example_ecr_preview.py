"""System test: push images, preview a policy, audit, clean up as a dry run, and remove the repository again."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.operators.ecr import EcrCreateRepositoryOperator, EcrDeleteRepositoryOperator
from airflow.sdk import DAG, TriggerRule, chain, task

from airflow_provider_ecr_preview.hooks.ecr_preview import EcrLifecyclePolicyPreviewHook
from airflow_provider_ecr_preview.operators.ecr_cleanup import EcrDeletePreviewedImagesOperator
from airflow_provider_ecr_preview.operators.ecr_preview import (
    EcrStartLifecyclePolicyPreviewOperator,
    EcrSummarizeLifecyclePolicyPreviewOperator,
)
from airflow_provider_ecr_preview.sensors.ecr_preview import EcrLifecyclePolicyPreviewSensor
from airflow_provider_ecr_preview.task_groups.lifecycle_audit import lifecycle_audit

sys.path.append(str(Path(__file__).parent))
from system_tests import get_test_run, watcher

DAG_ID = "example_ecr_preview"
ENV_ID = os.environ.get("SYSTEM_TESTS_ENV_ID", "local")
REPOSITORY = f"system-tests/{ENV_ID}-ecr-preview"
KEEP_ONE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
            "action": {"type": "expire"},
        }
    ]
}
PUSHED = 3


@task
def push_images() -> None:
    """Push small images; one layer each, so that no Docker is needed."""
    ecr: Any = EcrLifecyclePolicyPreviewHook().conn
    for number in range(PUSHED):
        layer = gzip.compress(str(number).encode(), mtime=0)
        config = json.dumps({"architecture": "amd64", "os": "linux", "number": number}).encode()
        for blob in (layer, config):
            upload = ecr.initiate_layer_upload(repositoryName=REPOSITORY)["uploadId"]
            ecr.upload_layer_part(
                repositoryName=REPOSITORY,
                uploadId=upload,
                partFirstByte=0,
                partLastByte=len(blob) - 1,
                layerPartBlob=blob,
            )
            ecr.complete_layer_upload(repositoryName=REPOSITORY, uploadId=upload, layerDigests=[_digest(blob)])
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
        }
        ecr.put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(manifest), imageTag=f"v{number}")


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(blob), "digest": _digest(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


@task
def check(summary: dict[str, Any], audit: dict[str, Any], dry_run: dict[str, Any]) -> None:
    """Compare what the tasks found with what was pushed."""
    found = (summary["expiring_image_count"], audit["expiring_image_count"], dry_run["dry_run"])
    if found != (PUSHED - 1, PUSHED - 1, True):
        raise ValueError(f"The results are not those of {PUSHED} images: {found}")


with DAG(DAG_ID, schedule=None, start_date=datetime(2026, 1, 1), catchup=False, tags=["example"]) as dag:  # noqa: DTZ001 - as Airflow's own
    create_repository = EcrCreateRepositoryOperator(task_id="create_repository", repository_name=REPOSITORY)

    pushed = push_images()

    # [START howto_operator_ecr_start_lifecycle_policy_preview]
    start = EcrStartLifecyclePolicyPreviewOperator(
        task_id="start", repository_name=REPOSITORY, lifecycle_policy_text=KEEP_ONE
    )
    # [END howto_operator_ecr_start_lifecycle_policy_preview]

    # [START howto_sensor_ecr_lifecycle_policy_preview]
    wait = EcrLifecyclePolicyPreviewSensor(
        task_id="wait", repository_name=REPOSITORY, policy_fingerprint=start.output["policy_fingerprint"]
    )
    # [END howto_sensor_ecr_lifecycle_policy_preview]

    # [START howto_operator_ecr_summarize_lifecycle_policy_preview]
    summarize = EcrSummarizeLifecyclePolicyPreviewOperator(
        task_id="summarize", repository_name=REPOSITORY, policy_fingerprint=start.output["policy_fingerprint"]
    )
    # [END howto_operator_ecr_summarize_lifecycle_policy_preview]

    # [START howto_operator_ecr_delete_previewed_images]
    clean_up = EcrDeletePreviewedImagesOperator(
        task_id="clean_up", summary=summarize.output, lifecycle_policy_text=KEEP_ONE, check_in_use=False
    )
    # [END howto_operator_ecr_delete_previewed_images]

    # [START howto_task_group_lifecycle_audit]
    audit = lifecycle_audit(include=REPOSITORY, lifecycle_policy_text=KEEP_ONE)
    # [END howto_task_group_lifecycle_audit]

    checked = check(summarize.output, audit.output, clean_up.output)

    delete_repository = EcrDeleteRepositoryOperator(
        task_id="delete_repository", repository_name=REPOSITORY, force=True, trigger_rule=TriggerRule.ALL_DONE
    )

    chain(create_repository, pushed, start, wait, summarize, clean_up, audit.task_group, checked, delete_repository)

    # A teardown that succeeds must not hide a task that failed.
    list(dag.tasks) >> watcher()


test_run = get_test_run(dag)
