"""A stand-in for tools in a process of its own, so that what it costs is nobody else's.

`python -m tests.bench.standin` is started with the names of sandboxes (none: somebody who says yes to everything) and,
behind `--`, with troubles; prints its address, and at the end of its input what arrived.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from pytest_tmsreport.sandbox.server import serve
from pytest_tmsreport.sandbox.site import Sandbox

from .environments import ROOT

CASES = 100_000
RULES = {
    "qase": {"requests_per_minute": 10**9},
    "testrail": {"requests_per_minute": 10**9, "cases": CASES},
    "xray": {"per_5_minutes": 10**9},
}
"""No limits, as it is not the waiting for them that is measured."""


@dataclass
class Arrived:
    """What a stand-in has heard: how many requests, on how many connections, and results, when the first results came,
    and its own CPU time.
    """

    requests: int = 0
    connections: int = 0
    results: int = 0
    first: float = 0.0
    cpu_s: float = 0.0


@dataclass
class StandIn:
    """A running one; what arrived is known once it is left."""

    url: str
    arrived: Arrived = field(default_factory=Arrived)


@contextmanager
def standing_in(*names: str, troubles: Sequence[str] = ()) -> Iterator[StandIn]:
    """Stands in for these tools until it is left."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.standin", *names, "--", *troubles],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdin
    assert process.stdout
    try:
        running = StandIn(process.stdout.readline().strip())
        yield running
        process.stdin.close()
        running.arrived = Arrived(**json.loads(process.stdout.read()))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class _Noted(list[Any]):
    """The requests that arrived; notes when the first came that brings results."""

    first = 0.0

    def append(self, request: Any) -> None:
        if not self.first and "results" in request.path:
            self.first = time.time()
        super().append(request)


def _sandbox(name: str) -> Sandbox:
    module = importlib.import_module(f"pytest_tmsreport.sandbox.{name}")
    made: Sandbox = module.create(module.Rules(**RULES.get(name, {})))
    made.box.requests = _Noted()
    return made


def _serve(names: Sequence[str], troubles: Sequence[str]) -> None:
    with serve([_sandbox(name) for name in names], troubles=troubles) as served:
        sys.stdout.write(f"{served.url}\n")
        sys.stdout.flush()
        sys.stdin.read()
        boxes = served.boxes.values()
        firsts = [box.requests.first for box in boxes if isinstance(box.requests, _Noted) and box.requests.first]
        requests, results = (sum(len(getattr(box, what)) for box in boxes) for what in ("requests", "results"))
        arrived = Arrived(requests, served.connections(), results, min(firsts, default=0.0), time.process_time())
        sys.stdout.write(json.dumps(asdict(arrived)))
        sys.stdout.flush()


class _Anybody(BaseHTTPRequestHandler):
    """Says yes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_PUT = do_GET = do_POST  # noqa: N815 - as the base class calls them

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it has there
        """Nothing is said."""


def _serve_anybody() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Anybody) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        sys.stdin.read()
        sys.stdout.write("{}")
        sys.stdout.flush()
        os._exit(0)


if __name__ == "__main__":
    cut = sys.argv.index("--")
    if cut == 1:
        _serve_anybody()
    _serve(sys.argv[1:cut], sys.argv[cut + 1 :])
