"""Everything that waits for a process, a thread or a server has a limit: a wait without one holds up a whole CI run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("airflow_provider_ecr_preview/local", "benchmarks", "scripts", "tests")

RUNS = {"call", "check_call", "check_output", "run"}
WAITS = {"acquire", "communicate", "join", "result", "wait"}

ENDLESS = {("airflow_provider_ecr_preview/local/__main__.py", "stopped.wait()")}
"""The waits that end when a person says so: the server that runs until it is stopped."""


def waits_without_limit(code: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every call that can wait for ever; ``asyncio`` is left to the limit of each test."""
    tree = ast.parse(code)
    awaited = {node.value for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node not in awaited and _has_no_limit(node):
            yield node.lineno, ast.unparse(node)


def _has_no_limit(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    if any(keyword.arg in ("timeout", "WaiterConfig", None) for keyword in call.keywords):
        return False
    if name == "urlopen" or name.endswith(".urlopen") or name in {f"subprocess.{run}" for run in RUNS}:
        return True
    return isinstance(call.func, ast.Attribute) and call.func.attr in WAITS and not call.args


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_wait_has_a_limit(folder: str) -> None:
    found = {
        (str(path.relative_to(ROOT)), line, text)
        for path in (ROOT / folder).rglob("*.py")
        for line, text in waits_without_limit(path.read_text(encoding="utf-8"))
    }
    assert sorted(f"{path}:{line}: {text}" for path, line, text in found if (path, text) not in ENDLESS) == []


@pytest.mark.parametrize(
    "code",
    ["subprocess.run(['true'], check=True)", "thread.join()", "process.wait()", "urllib.request.urlopen(url)"],
)
def test_a_wait_without_a_limit_is_found(code: str) -> None:
    assert list(waits_without_limit(code)) == [(1, code)]


@pytest.mark.parametrize(
    "code",
    ["subprocess.run(['true'], timeout=1)", "', '.join(names)", "thread.join(60)", "process.wait(timeout=1)"],
)
def test_a_wait_with_a_limit_is_not_found(code: str) -> None:
    assert list(waits_without_limit(code)) == []
