"""Run moto's own tests of ECR against the local ECR, in process and over HTTP: ``make moto``.

The tests come with moto's source distribution, which pip downloads in the version that is installed. They are run from there and
never copied. Where the local ECR differs on purpose, a test fails; EXCEPTIONS lists each with the reason. Any other failure, and
an exception that passes, ends this with 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parent.parent

_OTHER_REGISTRY = (
    "It names a registry of another account, which moto ignores; here that account has no such repository."
)
_MADE_UP_DIGEST = "It sends a digest that is not that of the manifest; ECR answers ImageDigestDoesNotMatchException."
_CHILDREN = "Its manifest list names digests that no image has; ECR answers ReferencedImagesNotFoundException."
_NO_ACCOUNT = "Its registryId is not 12 digits; ECR answers InvalidParameterException."

EXCEPTIONS: Mapping[str, str] = {
    "test_batch_delete_image_by_digest": _OTHER_REGISTRY,
    "test_batch_delete_image_by_tag": _OTHER_REGISTRY,
    "test_batch_delete_image_delete_last_tag": _OTHER_REGISTRY,
    "test_batch_delete_image_with_invalid_digest": _OTHER_REGISTRY,
    "test_batch_delete_image_with_matching_digest_and_tag": _OTHER_REGISTRY,
    "test_batch_delete_image_with_mismatched_digest_and_tag": _OTHER_REGISTRY,
    "test_batch_delete_image_with_missing_parameters": _OTHER_REGISTRY,
    "test_batch_delete_image_with_nonexistent_tag": _OTHER_REGISTRY,
    "test_create_repository_in_different_account": "It finds a repository of another account in its own registry.",
    "test_describe_images": _CHILDREN,
    "test_describe_images_tags_should_not_contain_empty_tag2": "It pushes an image again without a change; ECR answers "
    "ImageAlreadyExistsException.",
    "test_describe_repository_that_doesnt_exist": _NO_ACCOUNT,
    "test_ecr_image_digest": _MADE_UP_DIGEST,
    "test_ecr_image_tag_immutability": _MADE_UP_DIGEST,
    "test_ecr_image_tag_immutability_with_exclusion_filters": _MADE_UP_DIGEST,
    "test_ecr_image_tag_mutability": _MADE_UP_DIGEST,
    "test_ecr_image_tag_mutability_with_exclusion_filters": _MADE_UP_DIGEST,
    "test_get_authorization_token_explicit_regions": _NO_ACCOUNT,
    "test_list_images_from_repository_that_doesnt_exist": _NO_ACCOUNT,
    "test_list_same_image_with_multiple_tags": "It expects the digest of the configuration; ECR's is that of the manifest.",
    "test_put_lifecycle_policy": "Its rule has both tag lists and a countUnit for a number of images; ECR refuses that.",
    "test_put_manifest_list": _CHILDREN,
    "test_put_multiple_images_with_same_tag": "It expects the image to be deleted whose tag moves; it stays, untagged.",
    "test_put_replication_configuration_error_feature_disabled": "It expects a second replication rule to be refused; ECR "
    "accepts up to 25.",
}
"""The tests that fail on purpose, each with the reason."""

EXCEPTIONS_OVER_HTTP: Mapping[str, str] = {
    "test_set_findings": "It posts to port 5000, whatever the address of the server is."
}


@pytest.fixture(autouse=True)
def _local_ecr_in_process() -> Iterator[None]:
    """Answer the boto3 of a test, where this module is loaded as a plugin of pytest."""
    from airflow_provider_ecr_preview.local import LocalEcr  # noqa: PLC0415 - only the runs in process need it

    with LocalEcr(port=None):
        yield


def main() -> int:
    """Run the tests in both ways and return the exit code."""
    with tempfile.TemporaryDirectory(prefix="moto-tests-") as name:
        folder = Path(name)
        tests = _tests_of_moto(folder)
        differences = [
            *_differences("in process", _run(folder, tests, in_process=True), EXCEPTIONS),
            *_differences("over HTTP", _run(folder, tests, in_process=False), {**EXCEPTIONS, **EXCEPTIONS_OVER_HTTP}),
        ]
    for difference in differences:
        _print(difference)
    return 1 if differences else 0


def _tests_of_moto(folder: Path) -> Path:
    """Download the source distribution of the moto that is installed, and return the folder above its tests."""
    uv = Path(sys.executable).with_name("uv")
    libraries = folder / "libraries"
    _check(
        [
            str(uv),
            "pip",
            "install",
            "--quiet",
            "--python",
            sys.executable,
            "--target",
            str(libraries),
            "pip",
            "freezegun",
        ]
    )
    wanted = f"moto=={version('moto')}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        "moto",
        "--dest",
        str(folder),
    ]
    _check([*command, wanted], {"PYTHONPATH": str(libraries)})
    (archive,) = folder.glob("moto-*.tar.gz")
    with tarfile.open(archive) as source:
        wanted_files = [file for file in source.getmembers() if "/tests/" in file.name]
        source.extractall(folder, wanted_files, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def _run(folder: Path, tests: Path, *, in_process: bool) -> list[tuple[str, bool]]:
    """Run the tests and return the name of each, and whether it passed."""
    report = folder / f"report-{in_process}.xml"
    path = os.pathsep.join([str(tests), str(folder / "libraries"), str(ROOT), str(ROOT / "scripts")])
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:asyncio",
        "--tb=no",
        "--no-header",
    ]
    command += ["-c", os.devnull, "--rootdir", str(tests), f"--junit-xml={report}", "tests/test_ecr"]
    if in_process:
        _quietly([*command, "-p", "moto_tests"], {"PYTHONPATH": path}, tests)
    else:
        from airflow_provider_ecr_preview.local import LocalEcr  # noqa: PLC0415 - as above

        with LocalEcr() as ecr:
            server = {"TEST_SERVER_MODE": "true", "TEST_SERVER_MODE_ENDPOINT": ecr.endpoint_url}
            _quietly(command, {"PYTHONPATH": path, **server}, tests)
    cases = ET.parse(report).iter("testcase")  # noqa: S314 - pytest wrote it
    return [
        (case.attrib["name"], case.find("failure") is None and case.find("error") is None)
        for case in cases
        if case.find("skipped") is None
    ]


def _differences(how: str, results: Sequence[tuple[str, bool]], exceptions: Mapping[str, str]) -> Iterator[str]:
    failed = {name for name, is_passed in results if not is_passed}
    passed = sum(is_passed for _, is_passed in results)
    _print(f"{how}: {passed} of {len(results)} pass, {len(failed & exceptions.keys())} fail on purpose")
    if not results:
        yield f"{how}: no test was run"
    for name in sorted(failed - exceptions.keys()):
        yield f"{how}: {name} fails, and is not among the exceptions"
    for name in sorted(exceptions.keys() - failed):
        yield f"{how}: {name} is among the exceptions, and passes or is not there any more"


def _check(command: list[str], environment: Mapping[str, str] | None = None) -> None:
    subprocess.run(command, check=True, env={**os.environ, **(environment or {})}, timeout=7200)


def _quietly(command: list[str], environment: Mapping[str, str], folder: Path) -> None:
    subprocess.run(
        command, check=False, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, timeout=7200
    )


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program for a person at a terminal


if __name__ == "__main__":
    sys.exit(main())
