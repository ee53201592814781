"""Serve the local ECR, and every other service that moto has, over HTTP."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import IO, Any, cast

from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer

from airflow_provider_ecr_preview.local.calls import Call
from airflow_provider_ecr_preview.local.reply import Reply
from airflow_provider_ecr_preview.local.wire import TARGET_PREFIX, Wire

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Value of ``SO_LINGER``: closing resets the connection instead of shutting it down in order."""


class Server:
    """Answers over HTTP, with a thread for every connection.

    :param wire: answers the calls of ECR.
    :param host: address to listen at.
    :param port: port to listen at; 0 for a free one.
    :param log: receives a line for every request; None for no log.
    :raises OSError: if the port is taken.
    """

    def __init__(self, wire: Wire, host: str, port: int, log: Callable[[str], None] | None = None) -> None:
        # werkzeug ends the process if it cannot listen; with our own socket, the caller decides.
        self._socket = socket.create_server((host, port), backlog=128)
        self.port = int(self._socket.getsockname()[1])
        handler = type("Handler", (_Handler,), {"wire": wire, "line": staticmethod(log or _no_log)})
        app = DomainDispatcherApplication(create_backend_app)
        self._http = ThreadedWSGIServer(host, self.port, app, handler=handler, fd=self._socket.fileno())
        # A client that keeps its connection open must not keep the process from ending.
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="local-ecr", daemon=True)

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, and free the port."""
        self._http.shutdown()
        self._thread.join(60)
        self._http.server_close()
        self._socket.close()


class _WsgiRequest(Request):
    from_wsgi_server = True


class _Handler(MotoRequestHandler):
    """Answers ECR calls itself, at a fraction of the cost of Flask, and leaves the rest to moto's server."""

    wire: Wire
    line: Callable[[str], None]
    _other: Call
    protocol_version = "HTTP/1.1"
    # Headers and body of moto's replies leave in two writes; the second would wait for the client's delayed ACK.
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self._other = Call("not HTTP", None, "", service="unsigned")

    def run_wsgi(self) -> None:
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith(TARGET_PREFIX):
            self._other = self.wire.record_other(
                target.rpartition(".")[2] or f"{self.command} {self.path}", self.headers
            )
            super().run_wsgi()
            return
        try:
            body = self._body()
        except (OSError, ValueError):
            # Where the next request begins is unknown.
            self.close_connection = True
            self._send(Reply.error("SerializationException", "The length of the request's body is not readable"))
            return
        try:
            reply = self.wire.answer(target, self.headers, body, self._ask_moto)
        except Exception as error:  # noqa: BLE001  # moto raises anything; the caller should see it, as in mock_aws()
            message = f"{type(error).__name__}: {error}"
            reply = Reply.error("InternalFailure", message, HTTPStatus.INTERNAL_SERVER_ERROR)
        self.line(f"{target.removeprefix(TARGET_PREFIX)} {reply.status} {reply.outcome}")
        if reply.is_lost:
            self._left_by_caller(reply.hangs_for.total_seconds())
            self._reset()
        else:
            self._send(reply)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return DechunkedInput(cast("IO[bytes]", self.rfile)).read()
        length = int(self.headers.get("Content-Length", 0))
        if length < 0:
            raise ValueError
        return self.rfile.read(length)

    def _ask_moto(self, account: str, body: bytes) -> Reply:
        url = f"http://{self.headers.get('Host', 'localhost')}/"
        return Reply.of_moto(_WsgiRequest, url, dict(self.headers.items()), account, body)

    def _send(self, reply: Reply) -> None:
        headers = reply.headers | {"Content-Length": str(len(reply.body)), "Date": formatdate(usegmt=True)}
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        if not reply.drips_every:
            self.wfile.write(head.encode() + b"\r\n" + reply.body)
            return
        self.wfile.write(head.encode() + b"\r\n")
        for byte in reply.body:
            if self._left_by_caller(reply.drips_every.total_seconds()):
                self.close_connection = True
                return
            self.wfile.write(bytes([byte]))

    def _left_by_caller(self, seconds: float) -> bool:
        """Wait, and return whether the caller has closed the connection, which ends the wait."""
        return bool(seconds and select.select([self.connection], [], [], seconds)[0])

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        os.close(self.connection.detach())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:  # noqa: ARG002  # werkzeug's own
        if int(code) >= HTTPStatus.BAD_REQUEST:
            self._other.outcome = f"HTTP {int(code)}"
        self.line(f"{self._other.service} {self._other.operation} {int(code)}")

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's own name
        self.line(f"{type}: {message % args if args else message}")


def _no_log(_: str) -> None:
    pass
