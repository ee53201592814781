"""The operators and sensors that the provider registers with Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from airflow.sdk import BaseOperator

from airflow_provider_ecr_preview.get_provider_info import get_provider_info


def registered_operators() -> Iterator[type[BaseOperator]]:
    """Yield the classes of the operators and sensors; one that several modules hand on comes several times."""
    info = get_provider_info()
    for kind in ("operators", "sensors"):
        for name in info[kind][0]["python-modules"]:
            for cls in vars(import_module(name)).values():
                if isinstance(cls, type) and issubclass(cls, BaseOperator) and cls.__name__.startswith("Ecr"):
                    yield cls
