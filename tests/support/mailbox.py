"""A server that receives mail for as long as a test runs."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Session(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to receive a message."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            command = line[:4].upper()
            if command == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    text += line
                self.server.messages.append(text)  # type: ignore[attr-defined]  # the server below
            self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                return


class Mailbox(socketserver.ThreadingTCPServer):
    """Receives mail on a free port of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.messages: list[bytes] = []

    @property
    def connection(self) -> str:
        """The connection of Airflow that sends mail here."""
        host, port = self.server_address[:2]
        return f"smtp://{host!s}:{port}?disable_ssl=true&disable_tls=true&from_email=ecr@example.com"


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Receive mail until the block ends."""
    server = Mailbox()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)
