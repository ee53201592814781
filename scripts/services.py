"""PostgreSQL and Redis on this machine, from its own programs."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from pathlib import Path

from local_airflow import HOST, free_port
from processes import FailedError, Processes

_READY_SECONDS = 60
_POSTGRES_FOLDERS = "/usr/lib/postgresql/*/bin"
_UNPRIVILEGED_USER = "postgres"


def start_postgres(processes: Processes, folder: Path) -> str:
    """Start PostgreSQL, and return the SQLAlchemy URL of an empty database.

    :param processes: what runs it.
    :param folder: an empty folder for its data.
    :raises FailedError: if this machine does not have it, or it does not start.
    """
    initdb, server = _program("initdb"), _program("postgres")
    port = free_port()
    other_user: list[str] = []
    if os.geteuid() == 0:  # as which PostgreSQL refuses to run
        other_user = ["runuser", "--user", _UNPRIVILEGED_USER, "--"]
        shutil.chown(folder, _UNPRIVILEGED_USER)
    data = str(folder / "data")
    processes.run("initdb", [*other_user, initdb, "--auth=trust", "--username=airflow", "--encoding=UTF8", data])
    settings = [f"listen_addresses={HOST}", f"port={port}", f"unix_socket_directories={folder}", "fsync=off"]
    processes.start("postgres", [*other_user, server, "-D", data, *(f"--{setting}" for setting in settings)])
    _wait_for("postgres", port, processes)
    return f"postgresql+psycopg2://airflow@{HOST}:{port}/postgres"


def start_redis(processes: Processes) -> str:
    """Start Redis, and return its URL.

    :param processes: what runs it.
    :raises FailedError: if this machine does not have it, or it does not start.
    """
    port = free_port()
    options = ["--bind", HOST, "--port", str(port), "--save", "", "--appendonly", "no"]
    processes.start("redis", [_program("redis-server"), *options])
    _wait_for("redis", port, processes)
    return f"redis://{HOST}:{port}/0"


def _program(name: str) -> str:
    """Return the path of a program; Debian keeps those of PostgreSQL out of the way."""
    folders = [str(folder) for folder in sorted(Path("/").glob(_POSTGRES_FOLDERS.lstrip("/")))]
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))
    if path is None:
        raise FailedError(f"There is no {name} on this machine. On Debian: apt-get install postgresql redis-server")
    return path


def _wait_for(name: str, port: int, processes: Processes) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise FailedError(f"The {name} does not answer after {_READY_SECONDS} s.", processes.log(name))
        processes.pause()
