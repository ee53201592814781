"""Signatures, SBOMs and attestations in the local ECR."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ecr_preview.local import LocalEcr

REPOSITORY = "payments/api"
SIGNATURE = "application/vnd.cncf.notary.signature"

pytestmark = pytest.mark.changes_registry


@pytest.fixture
def ecr(local_ecr: LocalEcr) -> LocalEcr:
    local_ecr.create_repository(REPOSITORY)
    return local_ecr


def described(ecr: LocalEcr) -> dict[str, Any]:
    details = ecr.client().describe_images(repositoryName=REPOSITORY)["imageDetails"]
    return {detail["imageDigest"]: detail for detail in details}


def delete(ecr: LocalEcr, *digests: str) -> Any:
    image_ids = [{"imageDigest": digest} for digest in digests]
    return ecr.client().batch_delete_image(repositoryName=REPOSITORY, imageIds=image_ids)


def test_describe_images_names_the_subject_of_what_was_pushed_with_one(ecr: LocalEcr) -> None:
    image = ecr.push(REPOSITORY, tags=["v1"])
    signature = ecr.push(REPOSITORY, subject=image, artifact_media_type=SIGNATURE)
    details = described(ecr)
    assert details[signature]["subjectManifestDigest"] == image
    assert details[signature]["artifactMediaType"] == SIGNATURE
    assert "subjectManifestDigest" not in details[image]


def test_an_artifact_that_a_tool_puts_names_its_subject_and_its_type(ecr: LocalEcr) -> None:
    image = ecr.push(REPOSITORY, tags=["v1"])
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": SIGNATURE,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": f"sha256:{'0' * 64}", "size": 2},
        "layers": [],
        "subject": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 10},
    }
    put = ecr.client().put_image(repositoryName=REPOSITORY, imageManifest=json.dumps(manifest))
    detail = described(ecr)[put["image"]["imageId"]["imageDigest"]]
    assert (detail["subjectManifestDigest"], detail["artifactMediaType"]) == (image, SIGNATURE)


def test_what_belongs_to_a_deleted_image_goes_within_the_day_and_what_belongs_to_that(ecr: LocalEcr) -> None:
    image, other = ecr.push(REPOSITORY, tags=["v1"]), ecr.push(REPOSITORY, tags=["v2"])
    sbom = ecr.push(REPOSITORY, subject=image)
    signature = ecr.push(REPOSITORY, subject=sbom)
    kept = ecr.push(REPOSITORY, subject=other)
    by_tag = ecr.push(REPOSITORY, tags=[f"{image.replace(':', '-')}.sig"])
    delete(ecr, image)
    assert set(described(ecr)) == {other, sbom, signature, kept, by_tag}
    ecr.run_lifecycle_policies(REPOSITORY)
    assert set(described(ecr)) == {other, kept, by_tag}


def test_a_signature_can_be_deleted_before_its_image(ecr: LocalEcr) -> None:
    image = ecr.push(REPOSITORY, tags=["v1"])
    signature = ecr.push(REPOSITORY, subject=image)
    assert delete(ecr, signature)["failures"] == []
    ecr.run_lifecycle_policies(REPOSITORY)
    assert set(described(ecr)) == {image}


def test_what_belongs_to_an_image_that_was_never_there_stays(ecr: LocalEcr) -> None:
    subject = ecr.push(REPOSITORY, tags=["v1"])
    ecr.create_repository("payments/signatures")
    found = ecr.repository(REPOSITORY).find({"imageDigest": subject})
    manifest = {"schemaVersion": 2, "subject": {"digest": subject, "size": len(found.image_manifest)}}
    ecr.push("payments/signatures", manifest=json.dumps(manifest))
    ecr.run_lifecycle_policies("payments/signatures")
    assert len(ecr.repository("payments/signatures").local_images) == 1
