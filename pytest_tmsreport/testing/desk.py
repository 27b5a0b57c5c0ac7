"""The world that a test of a vendor works in: a journal, the vendor, its stand-in, and time that stands still."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from requests.adapters import BaseAdapter

from ..client import Client
from ..journal import Journal, RunFolder
from ..model import Result, Run
from ..sandbox.adapter import WsgiAdapter
from ..sandbox.mount import Mount
from ..sandbox.site import Sandbox
from ..tally import Tally
from ..upload import Conditions, upload
from ..vendor import Vendor

RUN = Run(id="20260914-100211-0a1b2c3d", name="pytest 2026-09-14 10:02", start=1789380131.0)


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps; `slept` lists for how long (seconds)."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Lets that many seconds pass at once."""
        self.slept.append(seconds)
        self.now += seconds


class Desk:
    """A journal, a vendor and its sandbox in memory: what one test of a vendor works with."""

    def __init__(self, folder: Path, vendor: Vendor, sandbox: Sandbox, run: Run = RUN) -> None:
        self.vendor = vendor
        self.sandbox = sandbox
        self.box = sandbox.box
        self.mount = Mount([sandbox])
        self.time = FakeTime()
        self.run = run
        self.journal = Journal(folder / "run", self.run, {vendor.name: vendor.kind})
        self.folder = RunFolder(folder / "run")

    def machine(self, shard: int, shards: int = 0, *, key: str = "build-7") -> Desk:
        """The desk of another machine that reports to the same tool, into the run of that key."""
        run = replace(self.run, id=f"20260914-100212-{shard:08x}", name=f"pytest on {shard}", key=key)
        run = replace(run, shard=shard if shards else 0, shards=shards)
        return Desk(self.folder.path.parent / f"{key}-{shard}", self.vendor, self.sandbox, run)

    def write(self, *results: Result) -> None:
        """Ends the session with these results."""
        for result in results:
            self.journal.write(result)
        self.journal.end(exitstatus=0, not_run=[])

    def send(self, *, deadline_s: float = math.inf, **changes: Any) -> Tally:
        """One upload, with `deadline_s` seconds of the fake time to spend."""
        ends = self.time() + deadline_s
        conditions = Conditions(
            transport=WsgiAdapter(self.mount), sleep=self.time.sleep, clock=self.time, deadline=lambda: ends
        )
        (tally,) = upload(self.folder, [self.vendor], conditions._replace(**changes))
        return tally

    def client(self, transport: BaseAdapter | None = None, *, deadline_s: float = math.inf) -> Client:
        """A client of the vendor on the sandbox, or on another transport."""
        ends = self.time() + deadline_s
        adapter = transport or WsgiAdapter(self.mount)
        return Client(self.vendor, transport=adapter, sleep=self.time.sleep, clock=self.time, deadline=lambda: ends)

    def verify(self) -> None:
        """Tries what the vendor can try before results are sent, and raises what is wrong first."""
        client = self.client()
        self.vendor.verify(client)
        for _, check in self.vendor.checks(client):
            check()

    def arrived(self) -> list[str]:
        """The ids of the results in the sandbox, as often as they are there."""
        return sorted(result.id for result in self.box.results.values())
