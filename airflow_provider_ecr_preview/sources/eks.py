"""Find the images that the Kubernetes clusters of Amazon EKS run, from the clusters themselves."""

from __future__ import annotations

import base64
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_ecr_preview.core.in_use.reference import references_in
from airflow_provider_ecr_preview.sources.found import FoundReference

if TYPE_CHECKING:
    from kubernetes.client import ApiClient


_PAGE_SIZE = 500


_TIMEOUT = (10, 60)
"""Timeouts in seconds: to connect, and between two parts of an answer."""


_TOKEN_SECONDS = 60


_DIGEST = re.compile(r"(?:[a-z-]+://)?sha256:[0-9a-f]{64}", re.IGNORECASE)


_TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105  # what every such token begins with


_LISTS = (
    ("CoreV1Api", "list_pod_for_all_namespaces", "EKS pod"),
    ("AppsV1Api", "list_deployment_for_all_namespaces", "EKS deployment"),
    ("AppsV1Api", "list_replica_set_for_all_namespaces", "EKS replica set"),
    ("CoreV1Api", "list_replication_controller_for_all_namespaces", "EKS replication controller"),
    ("AppsV1Api", "list_stateful_set_for_all_namespaces", "EKS stateful set"),
    ("AppsV1Api", "list_daemon_set_for_all_namespaces", "EKS daemon set"),
    ("AppsV1Api", "list_controller_revision_for_all_namespaces", "EKS controller revision"),
    ("BatchV1Api", "list_cron_job_for_all_namespaces", "EKS cron job"),
    ("BatchV1Api", "list_job_for_all_namespaces", "EKS job"),
)
"""Pods run, and the others may start pods at any time: scaled up again, rolled back, or on schedule."""


_WITHOUT_ENDPOINT = frozenset({"CREATING", "DELETING", "FAILED", "PENDING"})
"""States in which a cluster may not have an API, and so no pods."""


def cluster_images(eks: Any, sts: Any, cluster_name: str) -> Iterator[FoundReference]:
    """Yield every image that a cluster runs or may start.

    These are the images that containers and image volumes name, the digests that containers actually started from, and
    every ECR image elsewhere in a definition, such as in the environment of a controller that starts pods.

    Calls DescribeCluster (``eks:DescribeCluster``) and, of Kubernetes, ``list`` of pods, deployments, replica sets,
    replication controllers, stateful sets, daemon sets, controller revisions, cron jobs and jobs, which an access entry
    with ``AmazonEKSViewPolicy`` allows.

    :param eks: the boto3 client of EKS.
    :param sts: a boto3 client of STS used only to sign the token.
    :param cluster_name: the cluster.
    :raises ImportError: if the Kubernetes client is not installed.
    """
    try:
        from kubernetes import client as kubernetes  # an extra, and slow to import
    except ImportError as error:
        raise ImportError(
            f"The images of the EKS cluster {cluster_name} cannot be read: install airflow-provider-ecr-preview[eks]."
        ) from error
    cluster = eks.describe_cluster(name=cluster_name)["cluster"]
    if not cluster.get("endpoint") and cluster.get("status") in _WITHOUT_ENDPOINT:
        return
    with _api_client(kubernetes, cluster, _token(sts, cluster_name)) as api_client:
        for group, operation, kind in _LISTS:
            for item in _items(getattr(getattr(kubernetes, group)(api_client), operation)):
                metadata = item["metadata"]
                name = f"{cluster_name} {metadata.get('namespace')}/{metadata.get('name')}"
                for reference, image_digest in {*_named(item), *_running(item.get("status"))}:
                    yield FoundReference(reference, kind, name, image_digest)


@contextmanager
def _api_client(kubernetes: Any, cluster: Mapping[str, Any], token: str) -> Iterator[ApiClient]:
    with tempfile.TemporaryDirectory() as folder:
        authority = Path(folder) / "ca.pem"
        authority.write_bytes(base64.b64decode(cluster["certificateAuthority"]["data"]))
        configuration = kubernetes.Configuration(host=cluster["endpoint"])
        configuration.ssl_ca_cert = str(authority)
        configuration.api_key = {"authorization": f"Bearer {token}"}
        with kubernetes.ApiClient(configuration) as api_client:
            yield api_client


def _token(sts: Any, cluster_name: str) -> str:
    """Return the token that identifies the caller to EKS: a signed STS request, bound to this cluster."""

    def name_cluster(request: Any, **_: Any) -> None:
        request.headers["x-k8s-aws-id"] = cluster_name

    sts.meta.events.register("before-sign.sts.GetCallerIdentity", name_cluster)
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=_TOKEN_SECONDS, HttpMethod="GET")
    return _TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def _items(operation: Any) -> Iterator[dict[str, Any]]:
    token = None
    while True:
        # Keep the raw answer: a field that this client does not know yet may name an image, too.
        answer = operation(limit=_PAGE_SIZE, _continue=token, _preload_content=False, _request_timeout=_TIMEOUT)
        page = json.loads(answer.data)
        yield from page["items"]
        if not (token := page["metadata"].get("continue")):
            return


def _named(item: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the images that a definition names. A controller revision holds a definition as its data."""
    for part in (item.get("spec"), item.get("data")):
        for reference in values_of(part, "image"):
            yield reference, None
        for volume in mappings_of(part, "image"):
            if isinstance(mounted := volume.get("reference"), str):
                yield mounted, None
        for text in texts_of(part):
            # Many texts name only a registry, so ignore texts that cannot be parsed.
            for image in references_in(text):
                yield str(image), None


def _running(status: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the digests that the containers of a pod actually started from."""
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for container in (status or {}).get(key) or ():
            image, image_id = container.get("image"), container.get("imageID")
            if not image_id:
                continue
            # Without a repository, the digest belongs to the image that the container names.
            if image and _DIGEST.fullmatch(image_id):
                yield image, image_id
            else:
                yield image_id, None


def values_of(described: Any, key: str) -> Iterator[str]:
    """Yield every text under a key, at any depth: services name images in many places, and keep adding more.

    :param described: an answer, or a part of it.
    :param key: the key.
    """
    if isinstance(described, Mapping):
        for name, value in described.items():
            if name == key and isinstance(value, str):
                yield value
            else:
                yield from values_of(value, key)
    elif isinstance(described, list):
        for value in described:
            yield from values_of(value, key)


def mappings_of(described: Any, key: str) -> Iterator[Mapping[str, Any]]:
    """Yield every object under a key, at any depth.

    :param described: an answer, or a part of it.
    :param key: the key.
    """
    if isinstance(described, Mapping):
        for name, value in described.items():
            if name == key and isinstance(value, Mapping):
                yield value
            yield from mappings_of(value, key)
    elif isinstance(described, list):
        for value in described:
            yield from mappings_of(value, key)


def texts_of(described: Any) -> Iterator[str]:
    """Yield every text, at any depth.

    :param described: an answer, or a part of it.
    """
    if isinstance(described, str):
        yield described
    elif isinstance(described, Mapping):
        for value in described.values():
            yield from texts_of(value)
    elif isinstance(described, list):
        for value in described:
            yield from texts_of(value)
