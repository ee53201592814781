"""The code blocks of the pages run: Python as it stands, one page after the other block by block; the tutorial's shell, too."""

from __future__ import annotations

import ast
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ecr_preview.local import LocalEcr
from airflow_provider_ecr_preview.local.seeds import seed_registry

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

Block = tuple[int, str]
"""The line that a block begins at, and its text."""


def blocks(page: Path, language: str) -> list[Block]:
    text = page.read_text()
    return [
        (text.count("\n", 0, found.start(1)), found[1])
        for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def executed(page: Path, found: list[Block]) -> dict[str, Any]:
    """Return the names that the blocks of a page leave; errors are those of the lines of the page."""
    namespace: dict[str, Any] = {"__name__": "page"}
    for line, text in found:
        code = compile("\n" * line + text, str(page), "exec")
        exec(code, namespace)
    return namespace


def named(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix()


PAGES = [page for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))] if blocks(page, "python")]
EXAMPLE_POLICY = ROOT / "tests" / "docs" / "policy.json"


def run_page(page: Path, found: list[Block]) -> dict[str, Any]:
    with DAG("page", schedule=None):
        return executed(page, found)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the blocks run in."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLE_POLICY, tmp_path / "policy.json")
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_python_of_a_page_runs_from_top_to_bottom(page: Path, local_ecr: LocalEcr, folder: Path) -> None:
    if "Hook(" in page.read_text():
        seed_registry(local_ecr, "team", seed=0)
    run_page(page, blocks(page, "python"))


def test_a_broken_block_fails_with_the_line_of_its_page(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text("# Page\n\n```python\nok = 1\n```\n\n```python\nok.no_such_name\n```\n")
    with pytest.raises(AttributeError, match="no_such_name") as raised:
        run_page(page, blocks(page, "python"))
    assert raised.traceback[-1].lineno + 1 == 8


def test_every_block_of_code_has_a_language() -> None:
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        fences = re.findall(r"^ *```(.*)$", page.read_text(), re.MULTILINE)
        assert all(fences[::2]), page


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_the_modules_that_a_page_imports_are_public(page: Path) -> None:
    for _, text in blocks(page, "python"):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("airflow_provider_ecr_preview"):
                part = (node.module or "").split(".")[1]
                assert part not in {"core", "aws", "engine", "plugins", "templating"}, node.module


RUN = {"README": "preview_payments", "docs/tutorial/first-preview": "preview_payments"}
"""The pages whose DAGs are run, and not only built, each with the DAG that the registry of the demo has repositories for."""


@pytest.mark.nightly
@pytest.mark.parametrize("page", [page for page in PAGES if named(page) in RUN], ids=named)
def test_the_dag_of_a_page_runs(page: Path, local_ecr: LocalEcr, run_dag: Callable[..., Any], folder: Path) -> None:
    seed_registry(local_ecr, "team", seed=0)
    (folder / "page.py").write_text(blocks(page, "python")[0][1])
    result = run_dag("page.py", RUN[named(page)])
    assert result.state == "success", result.log[-3000:]
    assert "images would expire" in result.log


TESTED = DOCS / "guides" / "test-your-dags.md"


@pytest.mark.nightly
def test_the_tests_of_the_guide_pass_in_an_empty_folder(folder: Path) -> None:
    for _, text in blocks(TESTED, "python"):
        name = re.match(r"# (\S+\.py)\n", text)
        path = folder / (name[1] if name else "test_my_audit.py")
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write(f"\n\n{text}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "."],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert "3 passed" in done.stdout, done.stdout[-5000:] + done.stderr[-2000:]


@pytest.mark.nightly
def test_the_shell_of_the_tutorial_runs_as_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = DOCS / "tutorial" / "first-preview.md"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    serve, run = (text.replace("5000", port) for _, text in blocks(page, "bash"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        monkeypatch.delenv(name)
    (folder / "dags").mkdir()
    (folder / "dags" / "preview_payments.py").write_text(blocks(page, "python")[0][1])
    server = subprocess.Popen(["bash", "-c", f"exec {serve}"], stdout=subprocess.DEVNULL)
    try:
        wait_for(int(port), server)
        done = subprocess.run(["bash", "-ec", run], check=False, capture_output=True, text=True, timeout=500)
    finally:
        server.terminate()
        server.wait(60)
    log = done.stdout + done.stderr
    assert "images would expire" in log, log[-5000:]


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("The local ECR ended.")
