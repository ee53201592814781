"""Find the custom images that EMR Serverless runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import botocore

from airflow_provider_ecr_preview.sources.eks import mappings_of
from airflow_provider_ecr_preview.sources.found import ClientOf, FoundReference, UnknownImage, all_of, knows

_UNDER_WAY = ("SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "QUEUED", "CANCELLING")


def emr_serverless(client_of: ClientOf) -> Iterator[FoundReference | UnknownImage]:
    """Yield the images of all applications of EMR Serverless that are not terminated, and of their current job runs.

    An application keeps the digest that its image had when it was created, unless it resolves the image for every run.
    Calls ListApplications, GetApplication, ListJobRuns and GetJobRun (``emr-serverless:`` IAM actions of the same
    names). GetApplication and GetJobRun show configuration that may hold environment variables. With a botocore that
    does not know the images of a job run, every current job run is an unknown image.

    :param client_of: returns the client of a service.
    """
    client = client_of("emr-serverless")
    is_known = knows(client, "GetJobRun", "jobRun", "imageConfiguration")
    for application in all_of(client, "list_applications", "applications"):
        if application.get("state") == "TERMINATED":
            continue
        found = client.get_application(applicationId=application["id"])["application"]
        yield from _images(found, "EMR Serverless application", found.get("arn", application["id"]))
        runs = all_of(client, "list_job_runs", "jobRuns", applicationId=application["id"], states=[*_UNDER_WAY])
        for run in runs:
            if not is_known:
                why = f"botocore {botocore.__version__} does not know the images of a job run; upgrade boto3"
                yield UnknownImage(why, "EMR Serverless job run", run.get("arn", run["id"]))
                continue
            found = client.get_job_run(applicationId=application["id"], jobRunId=run["id"])["jobRun"]
            yield from _images(found, "EMR Serverless job run", found.get("arn", run["id"]))


def _images(found: Mapping[str, Any], kind: str, name: str) -> Iterator[FoundReference]:
    for image in mappings_of(found, "imageConfiguration"):
        if reference := image.get("imageUri"):
            yield FoundReference(reference, kind, name, image.get("resolvedImageDigest"))
