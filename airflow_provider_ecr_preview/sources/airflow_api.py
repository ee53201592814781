"""The part of Airflow's public API that shows what its tasks have run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx
from airflow.sdk import BaseHook

PAGE_SIZE = 100


MAX_TASK_INSTANCES = 100_000


TIMEOUT = 600.0
"""How long all requests may take, in seconds."""


_REQUEST_TIMEOUT = 60.0


_SHOWN_CHARACTERS = 200


class AirflowApi:
    """Queries Airflow's API within a time limit.

    :param client: the client, with the address and the credentials.
    :param timeout: how long all requests may take, in seconds.
    :param clock: returns monotonic seconds.
    """

    def __init__(
        self, client: httpx.Client, timeout: float = TIMEOUT, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._timeout = timeout
        self._clock = clock
        self._began = clock()

    def task_instances(
        self, operator: str, since: datetime | None = None, max_task_instances: int = MAX_TASK_INSTANCES
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the task instances of an operator, the newest first.

        :param operator: name of its class.
        :param since: only those that started at or after this time.
        :param max_task_instances: more than this is an error.
        :raises RuntimeError: if there are more, or if the list changes while it is read.
        """
        parameters: dict[str, Any] = {"operator": operator, "limit": PAGE_SIZE, "order_by": "-id"}
        if since is not None:
            parameters["start_date_gte"] = since.isoformat()
        seen: set[str] = set()
        offset = 0
        while True:
            page = self.get("/api/v2/dags/~/dagRuns/~/taskInstances", {**parameters, "offset": offset})
            found, total = page["task_instances"], page["total_entries"]
            if total > max_task_instances:
                raise RuntimeError(
                    f"Airflow has {total} task instances of {operator}, and {max_task_instances} are read at most. Set "
                    "airflow_history_days."
                )
            for instance in found:
                if instance["id"] not in seen:
                    seen.add(instance["id"])
                    if instance.get("operator") == operator:
                        yield instance
            offset += len(found)
            if not found or offset >= total:
                break
        if len(seen) < total:
            raise RuntimeError(
                f"Airflow lists {len(seen)} of {total} task instances of {operator}: some went while they were listed. "
                "Collect again."
            )

    def task_instance(self, of: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a single task instance, with the rendered fields that older Airflow releases omit from lists.

        :param of: the task instance from the list.
        """
        dag_id, run_id, task_id = (quote(of[key], safe="") for key in ("dag_id", "dag_run_id", "task_id"))
        mapped = f"/{of['map_index']}" if of.get("map_index", -1) >= 0 else ""
        found: Mapping[str, Any] = self.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}{mapped}")
        return found

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the answer of the API.

        :param path: the path.
        :param parameters: the query parameters.
        :raises RuntimeError: if the answer is not the requested one.
        :raises TimeoutError: if all requests together take too long.
        """
        if self._clock() - self._began > self._timeout:
            raise TimeoutError(f"Airflow was not read within {self._timeout:g} seconds. Set airflow_history_days.")
        return _answer(self._client.get(path, params=dict(parameters or {})))


@contextmanager
def connected(airflow_conn_id: str) -> Iterator[httpx.Client]:
    """Yield a signed-in client for the Airflow deployment that a connection names.

    The connection must be of type HTTP. With a login, the client requests a token (``POST /auth/token``); a password
    without a login is the token itself. ``verify`` in its extra says whether, or with which certificates, TLS is
    verified.

    :param airflow_conn_id: the connection.
    :raises ValueError: if the connection has no host or no password.
    """
    connection = BaseHook.get_connection(airflow_conn_id)
    if not connection.host or not connection.password:
        raise ValueError(
            f"The connection {airflow_conn_id} lacks a host or a password. Give it the address of the Airflow, and the "
            "login and password of a user who may read all DAGs, or a token as the password."
        )
    host = connection.host
    address = host if "://" in host else f"{connection.schema or 'http'}://{host}"
    if connection.port:
        address = f"{address}:{connection.port}"
    verify = connection.extra_dejson.get("verify", True)
    with httpx.Client(base_url=address.rstrip("/"), verify=verify, timeout=_REQUEST_TIMEOUT) as client:
        sign_in(client, connection.login, connection.password)
        yield client


def sign_in(client: httpx.Client, login: str | None, password: str) -> None:
    """Make the client send a token with every request.

    :param client: the client.
    :param login: the user; None if the password is the token.
    :param password: the password, or the token.
    """
    token = password
    if login:
        token = _answer(client.post("/auth/token", json={"username": login, "password": password}))["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"


def _answer(response: httpx.Response) -> Any:
    request = f"{response.request.method} {response.request.url.path}"
    if not response.is_success:
        raise RuntimeError(f"{request} answers {response.status_code}: {response.text[:_SHOWN_CHARACTERS]}")
    try:
        return response.json()
    except ValueError as error:
        raise RuntimeError(f"{request} answers something that is not JSON. Check the host.") from error
