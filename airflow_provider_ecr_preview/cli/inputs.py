"""Read policies, images and times for the commands."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow_provider_ecr_preview.cli.exits import CommandError, ExitCode
from airflow_provider_ecr_preview.cli.output import STANDARD
from airflow_provider_ecr_preview.core.files.found import FoundPolicy, UnreadableFileError
from airflow_provider_ecr_preview.core.files.images import read_images
from airflow_provider_ecr_preview.core.files.policies import read_policies
from airflow_provider_ecr_preview.core.files.yaml_text import load_yaml
from airflow_provider_ecr_preview.core.repository import RepositoryImage

TEMPLATES = "*.template.json"
"""What CDK calls the templates in its folder of output."""

FOLDER_ENDINGS = (".json", ".yaml", ".yml")


def policies_in(paths: Sequence[str]) -> list[FoundPolicy]:
    """Return the lifecycle policies of files and folders.

    Of a folder that CDK wrote, the templates are read; of any other, the JSON and YAML files that hold a policy.

    :param paths: files and folders.
    :raises CommandError: if one cannot be read, or a file has no place for a policy.
    """
    found: list[FoundPolicy] = []
    for path in paths:
        if path != STANDARD and Path(path).is_dir():
            found += _in_folder(Path(path))
        else:
            found += _in_file(path)
    return found


def _in_file(path: str) -> list[FoundPolicy]:
    try:
        return read_policies(path, text_of(path), _load_yaml)
    except UnreadableFileError as error:
        raise CommandError(str(error)) from error


def _in_folder(folder: Path) -> list[FoundPolicy]:
    templates = sorted(folder.rglob(TEMPLATES))
    files = templates or sorted(path for path in folder.rglob("*") if path.suffix in FOLDER_ENDINGS and path.is_file())
    found: list[FoundPolicy] = []
    for path in files:
        try:
            found += read_policies(str(path), text_of(str(path)), _load_yaml)
        except UnreadableFileError:
            continue  # another file of the folder
    if not found:
        raise CommandError(f"{folder}: no file in this folder holds a lifecycle policy.")
    return found


def text_of(path: str) -> str:
    """Return what is in a file.

    :param path: the file; ``-`` for standard input.
    :raises CommandError: if it cannot be read.
    """
    try:
        return sys.stdin.read() if path == STANDARD else Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: this file is not text in UTF-8.") from error
    except OSError as error:
        raise CommandError(f"{path}: this file cannot be read ({error.strerror}).") from error


def images_in(paths: Iterable[str]) -> dict[str, list[RepositoryImage]]:
    """Return the images of files by the name of their repository.

    :param paths: files as ``aws ecr describe-images`` writes them.
    :raises CommandError: if one cannot be read.
    """
    images: dict[str, dict[str, RepositoryImage]] = {}
    for path in paths:
        try:
            found = read_images(path, text_of(path))
        except UnreadableFileError as error:
            raise CommandError(str(error)) from error
        for name, of in found.items():
            images.setdefault(name, {}).update({image.image_digest: image for image in of})
    return {name: list(of.values()) for name, of in images.items()}


def images_of(
    policy: FoundPolicy, images: dict[str, list[RepositoryImage]], repository: str | None
) -> tuple[str, list[RepositoryImage]] | None:
    """Return the repository of a policy and its images; None where the images of that repository were not given.

    :param policy: the policy.
    :param images: the images by repository.
    :param repository: the repository of policies that do not name one.
    """
    name = policy.repository_name or repository
    if name is None and len(images) == 1:
        (name,) = images
    # A list that does not name its repository belongs to the one that was given.
    of = images.get(name or "", images.get("") if len(images) == 1 else None)
    return None if of is None else (name or "the repository", of)


def time_of(text: str | None) -> datetime:
    """Return the time at which a policy acts.

    :param text: as ISO 8601; None for now.
    :raises CommandError: if it is no time, or has no time zone.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--at is {text!r}, not a time such as 2026-11-23T12:00:00Z.", ExitCode.USAGE) from error
    if time.tzinfo is None:
        raise CommandError(f"--at is {text!r}, without a time zone. Write {text}Z for UTC.", ExitCode.USAGE)
    return time


def _load_yaml(text: str) -> Any:
    """Return the document of a YAML text, with the short tags of CloudFormation (``!Sub``) as their functions."""
    import yaml  # noqa: PLC0415  # only templates written in YAML need it

    return load_yaml(yaml, text)
