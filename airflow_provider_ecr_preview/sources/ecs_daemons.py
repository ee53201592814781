"""Find the images that the daemons of Amazon ECS run on every instance."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import botocore

from airflow_provider_ecr_preview.sources.ecs import ONGOING, described, images_of
from airflow_provider_ecr_preview.sources.found import ClientOf, FoundReference, all_of, in_parts

_AT_ONCE = 10


def ecs_daemons(client_of: ClientOf) -> Iterator[FoundReference]:
    """Yield the images that the daemons of ECS run or may roll back to.

    These are the images of every ACTIVE daemon task definition, and of the task definitions of two kinds of revisions:
    current ones, and those that a deployment under way may roll back to. The digests that these revisions are pinned to
    count, too.

    Calls ListClusters, ListDaemons, DescribeDaemon, ListDaemonDeployments, DescribeDaemonDeployments,
    DescribeDaemonRevisions, ListDaemonTaskDefinitions and DescribeDaemonTaskDefinition (``ecs:`` IAM actions of the same
    names). DescribeDaemonTaskDefinition shows environment variables.

    :param client_of: returns the client of a service.
    :raises NotImplementedError: if the installed botocore does not support daemons.
    """
    client = client_of("ecs")
    if not hasattr(client, "list_daemons"):
        raise NotImplementedError(
            f"botocore {botocore.__version__} does not know the daemons of ECS. Upgrade boto3, or leave out ecs_daemons."
        )
    definitions = {
        definition["arn"]
        for definition in all_of(client, "list_daemon_task_definitions", "daemonTaskDefinitions", status="ACTIVE")
    }
    revisions: dict[str, None] = {}
    for cluster in all_of(client, "list_clusters", "clusterArns"):
        for daemon in all_of(client, "list_daemons", "daemonSummariesList", clusterArn=cluster):
            revisions |= dict.fromkeys(_revisions_of(client, daemon["daemonArn"]))
    for revision in _revisions(client, revisions):
        if definition := revision.get("daemonTaskDefinitionArn"):
            definitions.add(definition)
        yield from images_of([revision], "daemonRevisionArn", "ECS daemon revision")
    for arn in sorted(definitions):
        definition = client.describe_daemon_task_definition(daemonTaskDefinition=arn)["daemonTaskDefinition"]
        for container in definition.get("containerDefinitions", ()):
            if image := container.get("image"):
                yield FoundReference(image, "ECS daemon task definition", arn)


def _revisions_of(client: Any, daemon: str) -> Iterator[str]:
    current = client.describe_daemon(daemonArn=daemon)["daemon"].get("currentRevisions", ())
    yield from (revision["arn"] for revision in current)
    ongoing = [
        deployment["daemonDeploymentArn"]
        for deployment in all_of(client, "list_daemon_deployments", "daemonDeployments", daemonArn=daemon)
        if deployment.get("status") in ONGOING
    ]
    for arns in in_parts(ongoing, _AT_ONCE):
        answer = client.describe_daemon_deployments(daemonDeploymentArns=arns)
        for deployment in described(answer, "daemonDeployments"):
            back = (deployment.get("rollback") or {}).get("rollbackTargetDaemonRevisionArn")
            named = [deployment.get("targetDaemonRevision"), *deployment.get("sourceDaemonRevisions", ())]
            yield from filter(None, [back, *((revision or {}).get("arn") for revision in named)])


def _revisions(client: Any, arns: Collection[str]) -> Iterator[Any]:
    for part in in_parts(sorted(arns), _AT_ONCE):
        answer = client.describe_daemon_revisions(daemonRevisionArns=part)
        yield from described(answer, "daemonRevisions", may_be_missing=False)
