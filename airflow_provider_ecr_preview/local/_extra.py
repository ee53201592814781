"""Say what to install if the extra ``local`` is missing."""

from __future__ import annotations

from importlib.util import find_spec

for _name in ("moto", "flask"):  # moto itself, and what its extra `server` brings
    if find_spec(_name) is None:
        raise ModuleNotFoundError(
            f"The local ECR needs {_name}. Run: pip install 'airflow-provider-ecr-preview[local]'", name=_name
        )
