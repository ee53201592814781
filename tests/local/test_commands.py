"""Programs that we did not write, and our own, as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_provider_ecr_preview.local import LocalEcr

REPOSITORY = "platform/ci-runner"
AWS = Path(sys.executable).with_name("aws")


def aws(*arguments: str) -> Any:
    run = subprocess.run(
        [sys.executable, str(AWS), "ecr", *arguments, "--repository-name", REPOSITORY, "--output", "json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout or "null")


@pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed beside this Python")
def test_the_aws_cli_starts_waits_and_gets_several_pages(local_ecr: LocalEcr, tmp_path: Path) -> None:
    local_ecr.create_repository(REPOSITORY)
    local_ecr.push_many(REPOSITORY, 260)
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
    policy = tmp_path / "policy.json"
    rules = [{"rulePriority": 1, "selection": selection, "action": {"type": "expire"}}]
    policy.write_text(json.dumps({"rules": rules}))
    started = aws("start-lifecycle-policy-preview", "--lifecycle-policy-text", f"file://{policy}")
    assert started["status"] == "IN_PROGRESS"
    aws("wait", "lifecycle-policy-preview-complete")
    result = aws("get-lifecycle-policy-preview")
    assert len(result["previewResults"]) == 250
    assert result["summary"] == {"expiringImageTotalCount": 250}
    assert local_ecr.calls.operations == {"StartLifecyclePolicyPreview": 1, "GetLifecyclePolicyPreview": 4}


LIMIT_SECONDS = 600
"""Only ends a program that hangs: a busy machine takes as long as it takes."""


def local(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "airflow_provider_ecr_preview.local", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    ready = tmp_path_factory.mktemp("local") / "ready.json"
    process = local(
        "--port", "0", "--registry", "small", "--now", "2026-11-23", "--verbose", "--ready-file", str(ready)
    )
    try:
        while not ready.exists():
            assert process.poll() is None, "The local ECR ended before it was ready."
            time.sleep(0.05)
        yield process, ready
    finally:
        process.kill()
        process.communicate(timeout=300)


def test_it_serves_until_a_signal_stops_it(served: tuple[subprocess.Popen[str], Path]) -> None:
    process, ready = served
    content = json.loads(ready.read_text())
    assert content["pid"] == process.pid
    url = content["endpoint_url"]
    client = boto3.session.Session("AKIALOCALECRTESTONLY", "local", region_name="us-east-1").client(
        "ecr", endpoint_url=url
    )
    client.start_lifecycle_policy_preview(repositoryName="payments/api")
    summary = client.get_lifecycle_policy_preview(repositoryName="payments/api")["summary"]
    assert summary["expiringImageTotalCount"] > 0
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert not ready.exists()
    assert f"export AWS_ENDPOINT_URL={url}" in output
    assert "aws ecr start-lifecycle-policy-preview --repository-name payments/api" in output
    assert "StartLifecyclePolicyPreview 200 OK" in output
    assert "Stopped after 2 calls of ECR: GetLifecyclePolicyPreview 1, StartLifecyclePolicyPreview 1." in output
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=60)


def test_a_taken_port_is_one_line_and_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        output, errors = (process := local("--port", str(port))).communicate(timeout=LIMIT_SECONDS)
    assert process.returncode == 1
    assert output == ""
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{port}" in errors
    assert "--port 0" in errors


WITHOUT_MOTO = """
import importlib.util, runpy, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *package: None if name == "moto" else find(name, *package)
runpy.run_module("airflow_provider_ecr_preview.local", run_name="__main__")
"""


def test_without_the_extra_it_says_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_MOTO], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    assert "pip install 'airflow-provider-ecr-preview[local]'" in done.stderr.splitlines()[-1]


HIDES_MOTO = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *package: None if name == "moto" else find(name, *package)
"""


def test_the_command_without_the_extra_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDES_MOTO)
    done = subprocess.run(
        [sys.executable, "-m", "airflow_provider_ecr_preview.local", "--registry", "team"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert done.stderr == ("The local ECR needs moto. Run: pip install 'airflow-provider-ecr-preview[local]'\n")
