"""Every module of the core and of the displays is measured: the coverage of a module that no test loads would not count."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType

import pytest

from airflow_provider_ecr_preview import core, display


@pytest.mark.parametrize("package", [core, display])
def test_every_module_is_loaded(package: ModuleType) -> None:
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    assert names
    for name in names:
        import_module(name)
