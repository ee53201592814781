"""Make or mend this checkout's virtual environment; runs on any Python from 3.11 with its standard library alone.

A first install that was interrupted, or an environment whose Python is gone, is made anew; any other is brought up to
date where it is. Packages come from wherever pip would take them on this machine, at the versions of constraints.txt.
"""

from __future__ import annotations

import ast
import fcntl
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
COMPLETE = VENV / ".complete"
INCOMPLETE = VENV / ".incomplete"
CONSTRAINTS = ROOT / "constraints.txt"

Command = list[str | Path]

_HEARTBEAT_SECONDS = 20
_INSTALL_SECONDS = 3600

# Setting of pip, the same in uv, and what stands between its values there.
_UV_SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
}


def main() -> None:
    """Leave a complete environment behind, or the reason why not."""
    lock_path = ROOT / ".build" / "environment.lock"
    lock_path.parent.mkdir(exist_ok=True)
    with lock_path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        _say(f"Installing into {VENV.name} with Python {sys.version.split()[0]}; the first time takes about a minute.")
        if INCOMPLETE.exists() or not _works(PYTHON):
            _discard()
        VENV.mkdir(exist_ok=True)
        INCOMPLETE.touch()
        if not PYTHON.exists():
            _create()
        _install(lock.fileno())
        INCOMPLETE.unlink()
        COMPLETE.touch()
        _say(f"Installed in {time.monotonic() - started:.0f} s.")


def _works(python: Path) -> bool:
    return python.exists() and subprocess.run([python, "-c", ""], check=False, timeout=300).returncode == 0


def _discard() -> None:
    # Moved first: a removal cut off halfway would look like an environment to bring up to date.
    discarded = ROOT / ".build" / "discarded"
    shutil.rmtree(discarded, ignore_errors=True)
    if VENV.exists():
        VENV.rename(discarded)
    shutil.rmtree(discarded, ignore_errors=True)


def _create() -> None:
    # Where this Python has pip, the environment needs none of its own, which saves seconds and Debian's ensurepip.
    has_pip = importlib.util.find_spec("pip") is not None
    subprocess.run(
        [sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), VENV], check=True, timeout=600
    )


def _install(lock: int) -> None:
    has_pip = importlib.util.find_spec("pip") is not None
    pip: Command = [sys.executable, "-m", "pip", "--python", PYTHON] if has_pip else [PYTHON, "-m", "pip"]
    _run([*pip, "install", "--quiet", "--constraint", CONSTRAINTS, "uv"], lock)
    uv: Command = [VENV / "bin" / "uv", "pip", "install", "--quiet", "--python", PYTHON]
    constraints: Command = ["--constraints", CONSTRAINTS, "--build-constraints", CONSTRAINTS]
    _run([*uv, *constraints, "--editable", f"{ROOT}[local]", "--group", f"{ROOT / 'pyproject.toml'}:dev"], lock)


def _run(command: Command, lock: int) -> None:
    # The child holds the lock as well: one that outlives us must not meet the next install.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, env=_uv_environment(), pass_fds=[lock]) as child:
        started = time.monotonic()
        while True:
            try:
                returncode = child.wait(timeout=_HEARTBEAT_SECONDS)
            except subprocess.TimeoutExpired:
                seconds = time.monotonic() - started
                _say(f"  still installing, {seconds:.0f} s")
                if seconds > _INSTALL_SECONDS:
                    child.kill()
            else:
                break
    if returncode:
        sys.exit(f"This did not work: {shlex.join(map(str, command))}")


def _uv_environment() -> dict[str, str]:
    """Return the environment in which uv looks where pip does."""
    environment = {"UV_INDEX_STRATEGY": "unsafe-best-match"}
    pip_config = [sys.executable, "-m", "pip", "config", "list"]
    settings = subprocess.run(pip_config, capture_output=True, text=True, check=False, timeout=300).stdout
    for line in settings.splitlines():
        name, _, value = line.partition("=")
        variable, separator = _UV_SETTINGS.get(name.rpartition(".")[2], (None, ""))
        if variable:
            environment[variable] = separator.join(ast.literal_eval(value).split())
    return environment | os.environ


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted; the next call starts afresh.")
