"""Code as users write it passes `mypy --strict` and pyright, and what is wrong in it is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USERS = Path(__file__).parent / "users"
PYRIGHT = Path(sys.executable).with_name("pyright")
MUST_HAVE_PYRIGHT = "CI_HAS_PYRIGHT" in os.environ
# Only a guard against a checker that hangs; a busy machine takes minutes.
TIMEOUT = 500

Place = tuple[str, int]
Checked = dict[Place, str]


def refused_places() -> set[Place]:
    lines = (USERS / "refused.py").read_text().splitlines()
    return {("refused.py", number) for number, line in enumerate(lines, 1) if line.endswith("# refused")}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    return subprocess.run(
        command, cwd=USERS, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
    )


def mypy_errors() -> Iterator[tuple[Place, str]]:
    names = sorted(path.name for path in USERS.glob("*.py"))
    cache = ROOT / ".mypy_cache" / "users"
    done = run(sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", *names)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    for name, line, message in re.findall(r"^(\S+\.py):(\d+): error: (.*)$", done.stdout, re.MULTILINE):
        yield (name, int(line)), message


def pyright_errors() -> Iterator[tuple[Place, str]]:
    done = run(str(PYRIGHT), "--outputjson", "--project", str(USERS.parent), "--pythonpath", sys.executable)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    for found in json.loads(done.stdout)["generalDiagnostics"]:
        if found["severity"] == "error":
            yield (Path(found["file"]).name, found["range"]["start"]["line"] + 1), found["message"]


def require_pyright() -> None:
    """Skip if pyright is not there or cannot run: it downloads its npm package when it first runs."""
    reason = "is not installed next to this Python"
    if PYRIGHT.exists():
        done = run(str(PYRIGHT), "--version")
        if done.returncode == 0:
            return
        reason = f"cannot run: {(done.stderr or done.stdout).strip()[-300:]}"
    message = f"pyright {reason}. Install the dev dependencies, and run `pyright --version` once with network."
    if MUST_HAVE_PYRIGHT:
        pytest.fail(message)
    pytest.skip(message)


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_users_code_is_accepted_and_each_mistake_is_refused(checker: str) -> None:
    if checker == "pyright":
        require_pyright()
    errors: Checked = dict(mypy_errors() if checker == "mypy" else pyright_errors())
    refused = refused_places()
    assert {place: message for place, message in errors.items() if place not in refused} == {}
    assert refused - errors.keys() == set()
