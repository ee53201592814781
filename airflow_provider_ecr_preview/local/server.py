"""Serves the local ECR, and every other service that moto has, over HTTP."""

from __future__ import annotations

import threading
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from moto.core.request import Request
from moto.ecr.responses import ECRResponse
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

from airflow_provider_ecr_preview.local.wire import TARGET_PREFIX, Reply, Wire, call_of


class Server:
    """Answers over HTTP, with a thread for every connection.

    :param wire: answers the calls of ECR.
    :param host: address to listen at.
    :param port: port to listen at; 0 for a free one.
    """

    def __init__(self, wire: Wire, host: str, port: int) -> None:
        handler = type("Handler", (_Handler,), {"wire": wire})
        self._http = ThreadedWSGIServer(host, port, DomainDispatcherApplication(create_backend_app), handler=handler)
        # A client that keeps its connection open must not keep the process from ending.
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), name="local-ecr", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._http.server_address[1])

    def start(self) -> None:
        """Start to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to answer, and free the port."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _WsgiRequest(Request):
    from_wsgi_server = True


class _Handler(MotoRequestHandler):
    """Answers ECR itself, which costs a fraction of the way through Flask, and leaves the rest to moto's server."""

    wire: Wire
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes; without this, the second waits for the client's delayed ACK.
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        target = self.headers.get("X-Amz-Target", "")
        if not target.startswith(TARGET_PREFIX):
            super().run_wsgi()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = call_of(target, self.headers.get("Authorization", ""), body)
        self._send(self.wire.answer(call, lambda: self._ask_moto(body)))

    def _ask_moto(self, body: bytes) -> Reply:
        url = f"http://{self.headers.get('Host', 'localhost')}/"
        request = _WsgiRequest.from_primitives("POST", url, self.headers, body)
        status, headers, text = ECRResponse.dispatch(request)
        return Reply(status, text.encode() if isinstance(text, str) else text, dict(headers))

    def _send(self, reply: Reply) -> None:
        headers = reply.headers | {"Content-Length": str(len(reply.body)), "Date": formatdate(usegmt=True)}
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.wfile.write(head.encode() + b"\r\n" + reply.body)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's own name
        """Log nothing; the calls are recorded."""
