"""When the pages of the Airflow UI are built anew, and with what."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def hatch_build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, hatch_build: ModuleType) -> Path:
    """Return a checkout whose pages were built after their source was changed last."""
    for age, path in ((100, hatch_build.SOURCE / "src" / "main.tsx"), (50, hatch_build.BUNDLE)):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("page")
        os.utime(tmp_path / path, (1_700_000_000 - age,) * 2)
    return tmp_path


def test_pages_that_are_newer_than_their_source_are_kept(checkout: Path, hatch_build: ModuleType) -> None:
    assert hatch_build.is_built(checkout)


def test_pages_that_are_older_than_their_source_are_built(checkout: Path, hatch_build: ModuleType) -> None:
    (checkout / hatch_build.SOURCE / "src" / "main.tsx").touch()
    assert not hatch_build.is_built(checkout)


def test_what_node_installs_is_no_source(checkout: Path, hatch_build: ModuleType) -> None:
    installed = checkout / hatch_build.SOURCE / "node_modules" / "react" / "index.js"
    installed.parent.mkdir(parents=True)
    installed.touch()
    assert hatch_build.is_built(checkout)


def test_the_pages_of_an_sdist_are_kept_whatever_the_times_of_its_files(
    checkout: Path, hatch_build: ModuleType
) -> None:
    (checkout / hatch_build.SOURCE / "src" / "main.tsx").touch()
    (checkout / "PKG-INFO").touch()
    assert hatch_build.is_built(checkout)


def test_pages_that_are_not_there_are_built_even_from_an_sdist(checkout: Path, hatch_build: ModuleType) -> None:
    (checkout / hatch_build.BUNDLE).unlink()
    (checkout / "PKG-INFO").touch()
    assert not hatch_build.is_built(checkout)


@pytest.mark.parametrize("version", [None, "v18.20.0", "v20.18.9"])
def test_without_a_node_that_is_new_enough_the_build_requires_the_package_that_has_one(
    checkout: Path, hatch_build: ModuleType, monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    hook = hatch_build.FrontendBuildHook(str(checkout), {}, None, None, str(checkout), "wheel")
    programs = checkout / "bin"
    programs.mkdir()
    for name in ("node", "npm") if version else ():
        (programs / name).write_text(f"#!/bin/sh\necho {version}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    assert hook.dependencies() == []  # what is built needs no node
    (checkout / hatch_build.BUNDLE).unlink()
    assert hook.dependencies() == [hatch_build.NODE_PACKAGE]
    if version:
        (programs / "node").write_text("#!/bin/sh\necho v20.19.0\n")
        assert hook.dependencies() == []
