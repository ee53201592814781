"""The command line in the process of the test, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from airflow_provider_ecr_preview.cli.main import main
from tests.support.builders import NOW, REGISTRY_ID, REPOSITORY, digest

AT = NOW.isoformat()


class Done(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]
Write = Callable[[str, Any], str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Done:
        try:
            code = main(arguments)
        except SystemExit as error:
            code = int(str(error.code))
        return Done(code, *capsys.readouterr())

    return command


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def file(name: str, content: Any) -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return name

    return file


def image(number: int, *tags: str, days: float, **fields: Any) -> dict[str, Any]:
    """Return an image as DescribeImages lists it, pushed so many days ago."""
    return {
        "registryId": REGISTRY_ID,
        "repositoryName": REPOSITORY,
        "imageDigest": digest(number),
        "imageTags": list(tags),
        "imagePushedAt": (NOW - timedelta(days=days)).isoformat(),
        "imageSizeInBytes": 1_000_000,
        **fields,
    }


def planned(address: str, repository: str, before: Any, after: Any, **change: Any) -> dict[str, Any]:
    """Return one resource of a Terraform plan."""
    values = [
        None if policy is None else {"repository": repository, "policy": json.dumps(policy)}
        for policy in (before, after)
    ]
    return {
        "address": address,
        "mode": "managed",
        "type": "aws_ecr_lifecycle_policy",
        "change": {"actions": ["update"], "before": values[0], "after": values[1], "after_unknown": {}, **change},
    }


def terraform(*changes: Any) -> dict[str, Any]:
    return {"format_version": "1.2", "terraform_version": "1.9.8", "resource_changes": list(changes)}
