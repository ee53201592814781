"""Read acknowledged findings from a parameter, or from the file that it names."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.audit.acknowledgements import PARAMETER, Acknowledgements, names_a_file
from airflow_provider_ecr_preview.core.files.yaml_text import load_yaml
from airflow_provider_ecr_preview.core.parameters.values import given

MAX_FILE_BYTES = 1024 * 1024


def read_acknowledgements(value: Any, today: date, base: Path | None = None) -> Acknowledgements:
    """Return the acknowledged findings of an audit.

    :param value: a list of entries, the same as JSON, or the path or ``ObjectStoragePath`` URL of a JSON or YAML file with
        such a list.
    :param today: the day of the audit, in UTC.
    :param base: the folder that a relative path starts from.
    :raises ValueError: if the file cannot be read, or an entry is not valid.
    """
    value = given(value, PARAMETER)
    if names_a_file(value):
        return _in_file(value, today, base)
    return Acknowledgements.of(value, today)


def _in_file(place: str, today: date, base: Path | None) -> Acknowledgements:
    import yaml  # noqa: PLC0415  # only a file needs it

    is_relative = "://" not in place and not Path(place).is_absolute()
    path = ObjectStoragePath(str(base / place) if is_relative and base is not None else place)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        entries = load_yaml(yaml, content.decode("utf-8-sig"))  # JSON is YAML, too
    except (OSError, ValueError) as error:
        raise ValueError(f"{PARAMETER} names the file {path}, which cannot be read: {error}") from error
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"{PARAMETER} names the file {path}, which has more than 1 MiB. Name a list of entries.")
    try:
        return Acknowledgements.of([] if entries is None else entries, today)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
