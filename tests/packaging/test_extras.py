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
