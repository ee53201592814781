"""Say what to install if the extra ``local`` is missing."""

from __future__ import annotations

import sys
from importlib.util import find_spec

for _name in ("moto", "flask"):  # moto itself, and what its extra `server` brings
    if find_spec(_name) is None:
        _message = f"The local ECR needs {_name}. Run: pip install 'airflow-provider-ecr-preview[local]'"
        if __package__ in sys.orig_argv:  # python -m airflow_provider_ecr_preview.local: no traceback for a person
            sys.exit(_message)
        raise ModuleNotFoundError(_message, name=_name)
