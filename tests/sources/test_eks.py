"""What runs on EKS, asked of a Kubernetes API over TLS with the token that EKS wants."""

from __future__ import annotations

import base64
import ipaddress
import json
import ssl
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.operators.ecr_in_use import EcrCollectImagesInUseOperator
from tests.support.contexts import task_context

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + "a" * 64


def pod(name: str, image: str, image_id: str = "") -> dict[str, Any]:
    status = {"containerStatuses": [{"image": image, "imageID": image_id}]} if image_id else {}
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [{"image": image}], "initContainers": [{"image": f"{HOST}/init:v1"}]},
        "status": status,
    }


def workload(name: str, image: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
    }


def with_volume(of: dict[str, Any], reference: str) -> dict[str, Any]:
    """Return a pod that mounts an image."""
    return {**of, "spec": {**of["spec"], "volumes": [{"name": "model", "image": {"reference": reference}}]}}


def with_environment(of: dict[str, Any], *values: str) -> dict[str, Any]:
    """Return a pod whose container has texts in its environment."""
    environment = [{"name": f"V{number}", "value": value} for number, value in enumerate(values)]
    (container,) = of["spec"]["containers"]
    return {**of, "spec": {**of["spec"], "containers": [{**container, "env": environment}]}}


def revision(name: str, image: str) -> dict[str, Any]:
    of = workload(name, image)
    return {"metadata": of["metadata"], "data": {"spec": of["spec"]}, "revision": 1}


class Kubernetes(ThreadingHTTPServer):
    """The lists of a Kubernetes API, two items a page."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.tokens: set[str] = set()
        self.status = 200
        self.certificate = folder / "server.pem"
        self.certificate.write_bytes(_certificate())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Kubernetes

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers["Authorization"].removeprefix("Bearer "))
        url = urlsplit(self.path)
        items = self.server.lists.get(url.path.rsplit("/", 1)[1], [])
        start = int(parse_qs(url.query).get("continue", ["0"])[0])
        more = {"continue": str(start + 2)} if start + 2 < len(items) else {}
        body = json.dumps({"metadata": more, "items": items[start : start + 2]}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kubernetes")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.fixture
def kubernetes(local_ecr: LocalEcr, tmp_path: Path) -> Iterator[Kubernetes]:
    """Serve the API of the one cluster of the account."""
    local_ecr.client("eks").create_cluster(
        name="prod",
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
    )
    server = Kubernetes(tmp_path)
    cluster = cluster_of_moto()
    cluster.endpoint = server.url
    cluster.certificate_authority = {"data": base64.b64encode(server.certificate.read_bytes()).decode()}
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join(300)
    server.server_close()


def cluster_of_moto() -> Any:
    """Return the cluster as moto keeps it, which lets nobody say where it answers."""
    from moto.eks.models import eks_backends  # slow to import

    return eks_backends["123456789012"]["us-east-1"].clusters["prod"]


def collect() -> Any:
    context = task_context()
    return EcrCollectImagesInUseOperator(task_id="in_use", sources=["eks"], region_names=["us-east-1"]).execute(context)


def found(value: Any) -> set[tuple[str, str]]:
    return {
        (f"{image['repository_name']}:{image['image_tag'] or image['image_digest']}", kind)
        for image in value["images"]
        for kind, _ in image["used_by"]
    }


def test_pods_by_tag_and_by_the_digest_they_run_and_whatever_may_start_pods_are_found(kubernetes: Kubernetes) -> None:
    kubernetes.lists = {
        "pods": [
            pod("a", f"{HOST}/web:v1", f"docker-pullable://{HOST}/web@{DIGEST}"),
            pod("b", f"{HOST}/web@{DIGEST}", f"{HOST}/web@{DIGEST}"),
            pod("c", "docker.io/library/redis:7", "sha256:" + "b" * 64),
            pod("j", f"{HOST}/cri:v1", "docker://sha256:" + "c" * 64),
            pod("k", f"{HOST}/crio:v1", "d" * 64),
            with_volume(pod("l", "nginx"), f"{HOST}/models:v1"),
            with_environment(pod("m", "nginx"), f"{HOST}/started-by-it:v1", HOST),
        ],
        "deployments": [workload("d", f"{HOST}/asleep:v1")],
        "replicasets": [workload("e", f"{HOST}/before:v1")],
        "replicationcontrollers": [workload("n", f"{HOST}/replicated:v1")],
        "controllerrevisions": [revision("o", f"{HOST}/rolled-back-to:v1")],
        "statefulsets": [workload("f", f"{HOST}/stateful:v1")],
        "daemonsets": [workload("g", f"{HOST}/daemon:v1")],
        "jobs": [workload("h", f"{HOST}/job:v1")],
        "cronjobs": [
            {
                "metadata": {"name": "i", "namespace": "shop"},
                "spec": {"jobTemplate": workload("", f"{HOST}/nightly:v1")},
            }
        ],
    }
    value = collect()
    assert value["is_complete"], value["unread"]
    assert found(value) == {
        ("web:v1", "EKS pod"),
        (f"web:{DIGEST}", "EKS pod"),
        ("init:v1", "EKS pod"),
        ("cri:v1", "EKS pod"),
        ("cri:sha256:" + "c" * 64, "EKS pod"),
        ("crio:v1", "EKS pod"),
        ("models:v1", "EKS pod"),
        ("started-by-it:v1", "EKS pod"),
        ("replicated:v1", "EKS replication controller"),
        ("rolled-back-to:v1", "EKS controller revision"),
        ("asleep:v1", "EKS deployment"),
        ("before:v1", "EKS replica set"),
        ("stateful:v1", "EKS stateful set"),
        ("daemon:v1", "EKS daemon set"),
        ("job:v1", "EKS job"),
        ("nightly:v1", "EKS cron job"),
    }


def test_the_cluster_is_asked_with_a_signed_token_of_the_caller_for_this_cluster(kubernetes: Kubernetes) -> None:
    collect()
    (token,) = kubernetes.tokens
    encoded = token.removeprefix("k8s-aws-v1.")
    query = parse_qs(urlsplit(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()).query)
    assert query["Action"] == ["GetCallerIdentity"]
    assert "x-k8s-aws-id" in query["X-Amz-SignedHeaders"][0].split(";")
    assert query["X-Amz-Expires"] == ["60"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_cluster_that_does_not_answer_is_told_as_not_read(kubernetes: Kubernetes, status: int) -> None:
    kubernetes.status = status
    value = collect()
    assert not value["is_complete"]
    assert str(status) in value["unread"][0]["reason"]


def test_a_cluster_of_another_certificate_is_not_believed(kubernetes: Kubernetes) -> None:
    cluster_of_moto().certificate_authority = {"data": base64.b64encode(_certificate()).decode()}
    assert "certificate" in collect()["unread"][0]["reason"].lower()


def test_a_cluster_that_is_being_created_runs_nothing_yet(kubernetes: Kubernetes) -> None:
    cluster = cluster_of_moto()
    cluster.status, cluster.endpoint = "CREATING", None
    value = collect()
    assert (value["is_complete"], value["image_count"]) == (True, 0)


def test_without_the_kubernetes_client_a_cluster_is_told_as_not_read(
    kubernetes: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    assert "airflow-provider-ecr-preview[eks]" in collect()["unread"][0]["reason"]


def test_an_account_without_clusters_needs_no_kubernetes_client(
    local_ecr: LocalEcr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    value = collect()
    assert (value["is_complete"], value["image_count"]) == (True, 0)
