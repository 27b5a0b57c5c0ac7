"""Real servers: installed once and kept in `.cache`, started for a session, and ended with it."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).resolve().parent
JUDGES = HERE.parent / "vendors" / "judges"
CACHE = HERE.parents[1] / ".cache" / "servers"
PASSWORD = "kiwi-tests-1"
TCMS_API = ("tcms-api==15.0", "setuptools<81")


@dataclass(frozen=True)
class KiwiServer:
    """A Kiwi TCMS server that runs; `api` is a Python in which tcms-api is installed."""

    url: str
    api: Path
    user: str = "admin"
    password: str = PASSWORD

    def read(self, product: str) -> Any:
        """What tcms-api finds of a product."""
        told = {"url": f"{self.url}/xml-rpc/", "user": self.user, "password": self.password, "product": product}
        command = [str(self.api), str(JUDGES / "kiwi_read.py")]
        done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@dataclass
class Proxy:
    """What stands between a session and the server, and does to a request what `faults` has for it, in their order.

    A fault is a word and a part of the address that it is meant for: `reset` before the request is passed on, `lost`
    after, or a status of HTTP. `seen` lists the methods that were passed on or not.
    """

    url: str
    target: str
    faults: list[tuple[str, ...]] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, path: str) -> str:
        """What is to happen to a request."""
        with self.lock:
            self.seen.append(path.partition("?")[2])
            for place, (word, part) in enumerate(self.faults):
                if part in path:
                    del self.faults[place]
                    return word
        return ""


@pytest.fixture(scope="session")
def kiwi_server(judges: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KiwiServer]:
    """A Kiwi TCMS server with an empty database, on a free port of loopback."""
    if not (3, 11) <= sys.version_info < (3, 14):
        pytest.skip("Kiwi TCMS 12.4 runs on Python 3.11 to 3.13")
    pins = [line for line in (HERE / "kiwi" / "requirements.txt").read_text().splitlines() if line[:1] not in ("", "#")]
    folder = tmp_path_factory.mktemp("kiwi")
    with _alone():  # of several workers, one installs
        python = judges("kiwitcms", "--no-deps", *pins)
        api = judges("tcms-api", *TCMS_API)
        process = _started(python, CACHE / f"{python.parents[1].name}.sqlite3", folder)
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url, (folder / "log.txt").read_text()
        yield KiwiServer(url, api)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(30)
        if process.stdout:
            process.stdout.close()


@contextmanager
def _alone() -> Iterator[None]:
    fcntl = pytest.importorskip("fcntl", reason="needs locks between processes as POSIX has them")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _started(python: Path, template: Path, folder: Path) -> subprocess.Popen[str]:
    """The server's process. It has made the template when the first one has told its address."""
    environ = {**os.environ, "KIWI_PASSWORD": PASSWORD, "PYTHONPATH": str(HERE / "kiwi"), "PYTHONWARNINGS": "ignore"}
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [str(python), str(HERE / "kiwi" / "serve.py"), str(template), str(folder)],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
        )
    while process.poll() is None and not template.exists():
        threading.Event().wait(0.1)
    return process


@pytest.fixture
def product() -> str:
    """The name of a product that nobody else uses; it holds what must be escaped."""
    return f"Shop <&> {uuid.uuid4().hex[:8]}"


@pytest.fixture
def proxy(kiwi_server: KiwiServer) -> Iterator[Proxy]:
    """A way to the server on which things go wrong."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    made = Proxy(f"http://127.0.0.1:{server.server_address[1]}", kiwi_server.url)
    server.proxy = made  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        proxy: Proxy = self.server.proxy  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = proxy.fault(self.path)
        if fault == "reset":
            self._drop()
            return
        if fault.isdecimal():
            self._answer(int(fault), {"Content-Type": "text/html", "Retry-After": "0"}, b"<html>busy</html>")
            return
        there = HTTPConnection(urlsplit(proxy.target).netloc, timeout=60)
        there.request("POST", self.path, body, dict(self.headers))
        answer = there.getresponse()
        content = answer.read()
        there.close()
        if fault == "lost":
            self._drop()
        else:
            self._answer(answer.status, dict(answer.getheaders()), content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has
        """Says nothing."""

    def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        with suppress(OSError):  # who asked may be dead
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def comments(read: Any) -> Sequence[str]:
    """Every comment at every execution."""
    return [text for run in read["runs"] for row in run["executions"] for text in row["comments"]]
