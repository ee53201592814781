"""The metadata of the provider, against Airflow's schema and the files of the package."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import airflow_provider_ecr_preview
from airflow_provider_ecr_preview.get_provider_info import get_provider_info

ROOT = Path(__file__).resolve().parents[2]
INFO = get_provider_info()


def modules(kind: str) -> list[str]:
    return [module for group in INFO[kind] for module in group["python-modules"]]


def classes(kind: str, ending: str) -> Iterator[type[Any]]:
    for name in modules(kind):
        module = importlib.import_module(name)
        for found in vars(module).values():
            if isinstance(found, type) and found.__name__.startswith("Ecr") and found.__name__.endswith(ending):
                yield found


OURS = sorted(
    {*classes("operators", "Operator"), *classes("sensors", "Sensor")}, key=lambda operator: operator.__name__
)


def test_the_provider_info_fits_the_schema_of_airflow() -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_is_there(kind: str) -> None:
    folder = Path(airflow_provider_ecr_preview.__file__).parent / kind
    assert all(importlib.import_module(module) for module in modules(kind))
    assert {module.rsplit(".", 1)[1] for module in modules(kind)} <= {path.stem for path in folder.glob("*.py")}


@pytest.mark.parametrize("path", INFO["extra-links"])
def test_every_extra_link_is_there(path: str) -> None:
    module, name = path.rsplit(".", 1)
    assert hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("path", INFO["notifications"])
def test_every_notifier_is_there(path: str) -> None:
    module, name = path.rsplit(".", 1)
    assert hasattr(importlib.import_module(module), name)


def test_the_logo_and_the_guides_are_files_of_the_documentation() -> None:
    [integration] = INFO["integrations"]
    for path in (integration["logo"], *integration["how-to-guide"]):
        assert (ROOT / path.lstrip("/")).is_file(), path


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    versions = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == airflow_provider_ecr_preview.__version__


@pytest.mark.parametrize("operator", OURS)
def test_the_reference_names_every_operator(operator: type[Any]) -> None:
    assert f"`{operator.__name__}`" in (ROOT / "docs" / "reference" / "operators.md").read_text()


@pytest.mark.parametrize("operator", OURS)
def test_every_parameter_is_documented_and_marked_as_templated_if_it_is(operator: type[Any]) -> None:
    documented = dict(re.findall(r":param (\w+):((?:(?!\n\s+:).)*)", operator.__doc__ or "", re.DOTALL))
    own = [name for name in operator.__init__.__annotations__ if name not in ("kwargs", "return")]
    assert sorted(set(own) - set(documented)) == []
    templated = {name for name, text in documented.items() if "(templated)" in " ".join(text.split())}
    assert templated == set(operator.template_fields) & set(documented)


PAGES = "".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("policy", re.findall(r"```json\n(.*?)```", PAGES, re.DOTALL))
def test_the_json_in_the_pages_is_json(policy: str) -> None:
    assert json.loads(policy)
