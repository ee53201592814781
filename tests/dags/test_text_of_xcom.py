"""What comes out of XCom is data, in runs of a whole Airflow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunDag = Callable[..., dict[str, Any]]

DAGS = '''
import inspect
import os
from importlib import import_module

from airflow.sdk import BaseOperator, DAG, task

from airflow_provider_ecr_preview.get_provider_info import get_provider_info

os.environ |= {"AIRFLOW_VAR_PASSWORD": "the password", "AIRFLOW_VAR_WRITTEN": "rendered"}
TEMPLATE = "{{ var.value.password }}"
DATA = {"schema": "of another package", "rules": [{"description": TEMPLATE}]}


def operators():
    info = get_provider_info()
    for module in [*info["operators"][0]["python-modules"], *info["sensors"][0]["python-modules"]]:
        for cls in vars(import_module(module)).values():
            if isinstance(cls, type) and issubclass(cls, BaseOperator) and cls.__name__.startswith("Ecr"):
                yield cls


def seen(operator):
    """Return the operator, with what it was handed over as its result."""

    class Seen(operator):
        def execute(self, context):
            return [getattr(self, name) for name in self.template_fields]

    return Seen


@task
def data():
    return DATA


@task
def list_of_data():
    return [DATA]


@task
def kwargs(names):
    return [dict.fromkeys(names, DATA)]


with DAG("text_of_xcom", schedule=None) as dag:
    one, several = data(), list_of_data()
    for operator in sorted(set(operators()), key=lambda operator: operator.__name__):
        Seen, name, (first, *others) = seen(operator), operator.__name__, operator.template_fields
        parameters = inspect.signature(operator.__init__).parameters.values()
        needed = {
            parameter.name: "text"
            for parameter in parameters
            if parameter.default is parameter.empty and parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in operator.template_fields
        }
        fields = dict.fromkeys(operator.template_fields, one)
        Seen(task_id=f"{name}.plain", **needed, **fields)
        Seen.partial(task_id=f"{name}.partial", **needed, **dict.fromkeys(others, one)).expand(**{first: several})
        Seen.partial(task_id=f"{name}.expand", **needed).expand(**dict.fromkeys(fields, several))
        names = kwargs.override(task_id=f"{name}.names")(list(fields))
        Seen.partial(task_id=f"{name}.kwargs", **needed).expand_kwargs(names)
        written = dict.fromkeys(fields, "{{ var.value.written }}")
        Seen(task_id=f"{name}.written", **needed, **written)
        Seen.partial(task_id=f"{name}.written_list", **needed).expand_kwargs([written])
'''


@pytest.mark.nightly
def test_no_operator_renders_what_xcom_holds_and_all_render_what_the_author_wrote(
    run_dag: RunDag, tmp_path: Path
) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "text_of_xcom.py").write_text(DAGS)
    result = run_dag("text_of_xcom", folder=folder)
    assert result["state"] == "success", result["log"][-3000:]
    data = {"schema": "of another package", "rules": [{"description": "{{ var.value.password }}"}]}
    looked_at = 0
    for name, value in result["values"].items():
        if name.startswith("Ecr") and not name.endswith(".names[-1]"):
            wanted = "rendered" if ".written" in name else data
            assert value == [wanted] * len(value), name
            looked_at += 1
    assert looked_at >= 6 * 11
