"""Check what wheel and sdist hold, that both have the public names of the checkout, and that Airflow lists the provider.

Part of ``make build``.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

from local_airflow import ROOT
from rich.console import Console

DISTRIBUTION = "airflow-provider-ecr-preview"
PACKAGE = "airflow_provider_ecr_preview"
EXAMPLES = "example_dags"
FRONTEND = f"{PACKAGE}/plugins/frontend/"
BUNDLE = f"{PACKAGE}/plugins/static/main.js"
STATIC = f"{PACKAGE}/plugins/static/"
BUILT = {f"{STATIC}{path.name}" for path in (ROOT / STATIC).iterdir()} if (ROOT / STATIC).is_dir() else set()
"""The pages, in the pieces that the checkout has built."""

console = Console(highlight=False, soft_wrap=True)

_SDIST_FILES = (
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "hatch_build.py",
    "hatch_metadata.py",
    "pyproject.toml",
)
_SDIST_FOLDERS = (PACKAGE, "benchmarks", "docs", EXAMPLES, "scripts", "tests")
_SDIST_OWN = (".gitignore", "PKG-INFO")
_WHEEL_OWN = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")


def main() -> None:
    """Check the one wheel and the one sdist of a folder."""
    folder = Path(sys.argv[1])
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    tracked = set(_output("git", "-C", str(ROOT), "ls-files").splitlines())
    _check_wheel(wheel, tracked)
    _check_sdist(sdist, tracked)
    _check_public_names(wheel, sdist)
    _check_installed(wheel)


def _check_wheel(wheel: Path, tracked: set[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata_name] = (name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = message_from_bytes(archive.read(metadata_name))
        bundle_size = sum(archive.getinfo(name).file_size for name in names & BUILT if name.endswith(".js"))
    information = metadata_name.removesuffix("/METADATA")
    package = {name for name in tracked if name.startswith(f"{PACKAGE}/") and not name.startswith(FRONTEND)}
    examples = {f"{PACKAGE}/{name}" for name in tracked if name.startswith(f"{EXAMPLES}/")}
    own = {f"{information}/{name}" for name in _WHEEL_OWN}
    _expect(wheel, "files", names, package | examples | own | BUILT)
    _expect(wheel, "type marker", {f"{PACKAGE}/py.typed"} & names, {f"{PACKAGE}/py.typed"})
    _expect(wheel, "licence", {metadata["License-Expression"]}, {"Apache-2.0"})
    if not bundle_size or BUNDLE not in names:
        sys.exit(f"{wheel.name} has no {BUNDLE}, or it is empty.")
    console.print(
        f"{wheel.name}: {len(names)} files, {wheel.stat().st_size:,} bytes; the pages have {bundle_size:,} bytes"
    )


def _check_sdist(sdist: Path, tracked: set[str]) -> None:
    with tarfile.open(sdist) as archive:
        names = {member.name.split("/", 1)[1] for member in archive.getmembers() if member.isfile()}
    kept = {name for name in tracked if name in _SDIST_FILES or name.split("/")[0] in _SDIST_FOLDERS}
    _expect(sdist, "files", names, kept | set(_SDIST_OWN) | BUILT)
    console.print(f"{sdist.name}: {len(names)} files, {sdist.stat().st_size:,} bytes")


def _check_public_names(wheel: Path, sdist: Path) -> None:
    """Compare the public names of the checkout with those of the unpacked wheel and sdist, each read from its own files."""
    with tempfile.TemporaryDirectory(prefix="check-build-") as home:
        from_wheel, from_sdist = Path(home, "wheel"), Path(home, "sdist")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(from_wheel)  # noqa: S202 - our own wheel, built just now
        with tarfile.open(sdist) as archive:
            archive.extractall(from_sdist, filter="data")
        [unpacked] = from_sdist.iterdir()
        expected = public_names(ROOT)
        for built, folder in ((wheel, from_wheel), (sdist, unpacked)):
            _expect(built, "public names", public_names(folder), expected)
    console.print(f"Checkout, wheel and sdist have the same {len(expected)} public names.")


def public_names(folder: Path) -> set[str]:
    """Return what can be imported from each public module of a package, as ``module.name``, without importing it.

    :param folder: the folder that holds the package.
    """
    names: set[str] = set()
    for path in sorted((folder / PACKAGE).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        if "frontend" in parts or EXAMPLES in parts or any(_is_private(part) for part in parts):
            continue
        module = ".".join(part for part in parts if part != "__init__")
        names |= {f"{module}.{name}" for name in _defined(ast.parse(path.read_text(encoding="utf-8")).body)}
    return names


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _defined(statements: list[ast.stmt]) -> Iterator[str]:
    """Yield the public names that a module binds, those that it hands on included."""
    for statement in statements:
        found: list[str] = []
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found = [name]
            case ast.Assign(targets=targets):
                found = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                found = [name]
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found = [(alias.asname or alias.name).split(".")[0] for alias in aliases]
            case ast.If(body=body, orelse=orelse) | ast.Try(body=body, orelse=orelse):
                yield from _defined([*body, *orelse])
        yield from (name for name in found if not name.startswith("_"))


def _check_installed(wheel: Path) -> None:
    """Install the wheel alone, before everything that this environment has, and ask Airflow about it."""
    with tempfile.TemporaryDirectory(prefix="check-build-") as home:
        site = Path(home) / "site"
        _output(
            str(Path(sys.executable).with_name("uv")),
            "pip",
            "install",
            "--quiet",
            "--offline",
            "--no-deps",
            "--target",
            str(site),
            str(wheel),
        )
        environment = {**os.environ, "PYTHONPATH": str(site), "AIRFLOW_HOME": home, "NO_COLOR": "1"}
        code = f"import {PACKAGE}; print({PACKAGE}.__file__)"
        imported = Path(_output(sys.executable, "-P", "-c", code, environment=environment, folder=home).strip())
        if site not in imported.parents:
            sys.exit(f"{imported} was imported, not the wheel's.")
        code = f"from {PACKAGE}.plugins.ecr_preview import react_apps; print(len(react_apps()))"
        pages = _output(sys.executable, "-P", "-c", code, environment=environment, folder=home).split()[-1]
        if pages != "4":
            sys.exit(f"The wheel offers {pages} pages in the Airflow UI, not 4.")
        listed = _airflow(environment, home, "providers", "list", "--output", "json")
        if DISTRIBUTION not in (provider["package_name"] for provider in json.loads(listed)):
            sys.exit(f"airflow providers list does not name {DISTRIBUTION}:\n{listed}")
        _airflow(environment, home, "providers", "get", DISTRIBUTION)
        console.print(f"Airflow lists {DISTRIBUTION} as the wheel installs it.")


def _airflow(environment: dict[str, str], folder: str, *arguments: str) -> str:
    return _output(sys.executable, "-P", "-m", "airflow", *arguments, environment=environment, folder=folder)


def _expect(built: Path, what: str, found: set[str], expected: set[str]) -> None:
    if found == expected:
        return
    missing = ", ".join(sorted(expected - found)) or "nothing"
    surplus = ", ".join(sorted(found - expected)) or "nothing"
    sys.exit(f"{built.name} has other {what} than it should. Missing: {missing}. Too many: {surplus}.")


def _output(*command: str, environment: dict[str, str] | None = None, folder: str | None = None) -> str:
    """Return what a command prints, or end with it."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment, cwd=folder, timeout=1200
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
