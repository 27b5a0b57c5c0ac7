"""A real server on loopback for sandboxes: threads, HTTP/1.1 with kept connections, faults of the connection."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from ..errors import ConfigError
from .box import Box
from .mount import CLOSE, PAUSE, Mount, call
from .trouble import Drip, EndlessHeaders, Hang, NoAnswer, Reset, Troubles

if TYPE_CHECKING:
    from .site import Sandbox

HOST = "127.0.0.1"
POLL_S = 0.05


@dataclass(frozen=True)
class Served:
    """A running server; `url` has no slash at its end. `connections` counts those that it has accepted so far."""

    url: str
    boxes: Mapping[str, Box]
    troubles: Troubles
    environment: Mapping[str, str]
    connections: Callable[[], int]

    def url_of(self, vendor: str) -> str:
        """The address of one vendor's sandbox."""
        return f"{self.url}/{vendor}"


@contextmanager
def serve(sandboxes: Iterable[Sandbox], *, port: int = 0, troubles: Iterable[str] = ()) -> Iterator[Served]:
    """Serves until it is left, then ends every connection and thread; port 0 takes a free one.

    Raises ConfigError for a port that cannot be had, or a trouble that cannot be read.
    """
    mount = Mount(sandboxes, troubles)
    if not 0 <= port < 2**16:
        raise ConfigError(f"port {port} cannot be used: it must be from 0 to 65535")
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise ConfigError(f"port {port} cannot be used: {error}; name another with --port") from error
    with listening:
        server = _Server(mount, listening)
    url = f"http://{HOST}:{server.port}"
    environment = {
        key: value
        for name, sandbox in mount.sandboxes.items()
        for key, value in sandbox.environment(f"{url}/{name}").items()
    }
    boxes = {name: sandbox.box for name, sandbox in mount.sandboxes.items()}
    thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), name="sandbox")
    thread.start()
    try:
        yield Served(url, boxes, mount.troubles, environment, lambda: server.accepted)
    finally:
        server.end()
        thread.join()


class _Handler(WSGIRequestHandler):
    """One connection. Werkzeug's own `run_wsgi` closes it after each answer, and must: this one may keep it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out as two packets: the second must not wait
    server: _Server

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        environ[PAUSE] = self.server.ended.wait
        environ[CLOSE] = self._close_afterwards
        try:
            answer = call(self.server.app, environ)
        except NoAnswer as error:
            self._leave(error)
            return
        self.send_response(answer.status, answer.reason)
        for key, value in answer.headers:
            if key.lower() != "content-length":
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the name it has in werkzeug
        """Says nothing: the box has it all."""

    def _close_afterwards(self) -> None:
        self.close_connection = True

    def _leave(self, error: NoAnswer) -> None:
        self.close_connection = True
        if isinstance(error, Hang):
            self.server.wait_for_end(self.connection)
        if isinstance(error, EndlessHeaders):
            self.send_response(200)
            while not self.server.ended.is_set():  # until the client leaves
                self.send_header("X-More", "x" * 1000)
                self.flush_headers()
        if isinstance(error, Drip):
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-More: x\r\n" * 60:
                self.wfile.write(bytes([byte]))
                if self.server.ended.wait(1):
                    break
        if isinstance(error, Reset):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())  # at once: an orderly end would come before the reset


class _Server(ThreadedWSGIServer):
    daemon_threads = False  # so that closing the server waits for them

    def __init__(self, app: Mount, listening: socket.socket) -> None:
        self.ended = threading.Event()
        self.accepted = 0
        self._alarm, self._bell = socket.socketpair()
        self._connections: set[Any] = set()
        self._connecting = threading.Lock()
        super().__init__(HOST, listening.getsockname()[1], app, _Handler, fd=listening.fileno())

    def wait_for_end(self, connection: socket.socket) -> None:
        """Returns when the server ends or the client leaves."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._alarm, selectors.EVENT_READ)
            selector.register(connection, selectors.EVENT_READ)
            selector.select()

    def end(self) -> None:
        """Stops listening, and ends what still waits: hanging requests and kept connections."""
        self.ended.set()
        self._bell.close()
        self.shutdown()
        with self._connecting:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def server_close(self) -> None:
        super().server_close()
        if self.ended.is_set():  # werkzeug also calls this once at the start
            self._alarm.close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._connecting:
            self._connections.add(request)
            self.accepted += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._connecting:
            self._connections.discard(request)
        super().shutdown_request(request)
