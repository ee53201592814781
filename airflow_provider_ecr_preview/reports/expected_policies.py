"""Read the policies that repositories are expected to have from files of Git, on this machine or on object storage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath

from airflow_provider_ecr_preview.core.files.expected import ENDINGS, expected_policies, repository_of_file
from airflow_provider_ecr_preview.core.files.found import FoundPolicy, UnreadableFileError
from airflow_provider_ecr_preview.core.files.policies import read_policies
from airflow_provider_ecr_preview.core.files.yaml_text import load_yaml
from airflow_provider_ecr_preview.core.parameters.values import decoded, given
from airflow_provider_ecr_preview.core.policy.expected import ExpectedPolicies
from airflow_provider_ecr_preview.reports.storage import files_under

MAX_FILE_BYTES = 32 * 1024 * 1024
"""A larger file is refused: Terraform plans have a few megabytes."""


_Policy = tuple[FoundPolicy, str | None]


def read_expected_policies(value: Any, base: Path | None = None) -> ExpectedPolicies | None:
    """Return the policies that files say repositories have; None if no file is given.

    :param value: a folder or a file, a list of them, or a mapping of repository names or globs to files; texts with a
        ``{`` or ``[`` at their start are read as JSON. Policy JSON, output of ``terraform show -json``, and
        CloudFormation templates are read.
    :param base: the folder that relative paths start from.
    :raises ValueError: if a file cannot be read, or it is unclear which policy is expected.
    """
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        value = decoded(value, "expected_policies")
    value = given(value, "expected_policies")
    if value is None or value in ("", [], {}, ()):
        return None
    try:
        if isinstance(value, str):
            return expected_policies(_at(value, base))
        if isinstance(value, Mapping):
            return expected_policies(
                (policy, str(name)) for name, path in value.items() for policy in _in_file(_path(str(path), base))
            )
        if isinstance(value, Sequence):
            return expected_policies(policy for path in value for policy in _at(str(path), base))
    except (UnreadableFileError, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"expected_policies: {error}") from error
    raise ValueError(
        f"expected_policies is a {type(value).__name__}. Give a folder, files, or a mapping of names to files."
    )


def folder_of(task: Any) -> Path | None:
    """Return the folder of the DAG file of a task; None if the task has no DAG.

    :param task: the task.
    """
    dag = task.get_dag()
    return Path(dag.fileloc).parent if dag is not None and dag.fileloc else None


def _at(place: str, base: Path | None) -> Iterator[_Policy]:
    path = _path(place, base)
    if not path.is_dir():
        for policy in _in_file(path):
            yield policy, None
        return
    count = 0
    for file in files_under(path):
        if not file.name.endswith(ENDINGS):
            continue
        name = repository_of_file(file.path.removeprefix(path.path).lstrip("/"))
        try:
            found = _in_file(file)
        except UnreadableFileError:
            continue  # another file of the folder
        for policy in found:
            count += 1
            yield policy, name
    if not count:
        raise UnreadableFileError(str(path), "no file in this folder holds a lifecycle policy.")


def _path(place: str, base: Path | None) -> ObjectStoragePath:
    if "://" not in place and not Path(place).is_absolute() and base is not None:
        place = str(base / place)
    return ObjectStoragePath(place)


def _in_file(path: ObjectStoragePath) -> list[FoundPolicy]:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise UnreadableFileError(str(path), f"this file has more than {MAX_FILE_BYTES // 1024**2} MiB.")
    with path.open("rb") as file:
        text = file.read().decode("utf-8-sig")
    return read_policies(str(path), text, _load_yaml)


def _load_yaml(text: str) -> Any:
    import yaml  # noqa: PLC0415  # only files written in YAML need it

    return load_yaml(yaml, text)
