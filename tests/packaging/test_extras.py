from __future__ import annotations

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def test_the_s3_extra_has_floors_so_that_pip_does_not_try_every_older_release() -> None:
    requirements = [Requirement(text) for text in PROJECT["optional-dependencies"]["s3"]]
    floors = {requirement.name for requirement in requirements if ">=" in str(requirement.specifier)}
    assert {"aiobotocore", "s3fs"} <= floors


def test_no_requirement_holds_back_what_others_want_newer() -> None:
    texts = [*PROJECT["dependencies"], *(text for extra in PROJECT["optional-dependencies"].values() for text in extra)]
    caps = [
        text for text in texts if any(spec.operator in ("<", "<=", "==", "~=") for spec in Requirement(text).specifier)
    ]
    assert not caps


def test_the_s3_extra_can_be_installed_with_the_constraints_of_airflow() -> None:
    pinned = {"aiobotocore": "3.7.0", "s3fs": "2026.4.0"}  # in the constraint file of May 2026, the time of Airflow 3.2
    extra = {requirement.name: requirement for requirement in map(Requirement, PROJECT["optional-dependencies"]["s3"])}
    assert [name for name, version in pinned.items() if not extra[name].specifier.contains(version)] == []
