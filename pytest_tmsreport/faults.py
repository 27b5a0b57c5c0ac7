"""What a tool, and the way to it, can do to an upload: one table, for every vendor and for whole sessions."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from socket import gaierror
from typing import Any, NamedTuple

import requests

from .sandbox.adapter import WsgiAdapter
from .sandbox.box import Box
from .sandbox.mount import Mount


class Moment(Enum):
    """The request of an upload that a fault meets first."""

    START = "the first"
    OPEN = "the one that makes the run"
    ATTACH = "the first that brings a file"
    SEND = "the first that brings results"
    MIDDLE = "the second that brings results"
    CLOSE = "the one that completes the run"


class End(Enum):
    """What becomes of an upload."""

    DELIVERED = "everything is delivered, and nothing is said"
    KEPT = "what is not delivered is kept, with the reason and what to do"
    REFUSED = "what is refused is named with the reason, and the rest is delivered"
    NO_SUCCESS = "it counts as no success: results are sent again, or kept with the reason"


class Place(NamedTuple):
    """Where in an upload a request is, from 0, and its path with the query."""

    number: int
    path: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong, and what must become of it.

    `trouble` makes it at the sandbox, from the request `at` on, in the words of `tmsreport sandbox --trouble`; with
    `stays` it meets no other path. Or else `network` names what keeps every request from leaving (`refused`, `dns`,
    `tls`, `proxy`), or the fault `spoils` a single result. `said` is part of the reason. `splits` tells that smaller
    batches are the cure, `passes` that it costs nothing whichever request it meets, `is_lost` that a request may have
    arrived although no answer came: a vendor that can neither repeat it nor look may then keep results as possibly
    doubled.
    """

    name: str
    end: End = End.DELIVERED
    trouble: str = ""
    at: Moment = Moment.SEND
    stays: bool = False
    network: str = ""
    spoils: bool = False
    splits: bool = False
    said: str = ""
    passes: bool = False
    is_lost: bool = False

    def spec(self, places: Mapping[Moment, Place]) -> str:
        """The trouble as the sandbox takes it."""
        place = places[self.at]
        if self.stays:
            return f"{self.trouble}@{place.path}"
        return f"{self.trouble}+{place.number}" if place.number else self.trouble


def _passing(name: str, trouble: str, *, is_lost: bool = False) -> Fault:
    return Fault(name=name, trouble=trouble, passes=True, is_lost=is_lost)


def _lost(what: str, at: Moment) -> Fault:
    passes = at is Moment.SEND  # one of them will do to try it anywhere
    return Fault(name=f"the answer to {what} is lost", trouble="lost-answer", at=at, passes=passes, is_lost=True)


def _kept(name: str, trouble: str, said: str, at: Moment = Moment.SEND, *, is_lost: bool = False) -> Fault:
    return Fault(name=name, end=End.KEPT, trouble=trouble, at=at, said=said, is_lost=is_lost)


FAULTS = (
    _passing("429, wait one second", "429=1*1"),
    _passing("429, wait until a date", "429=date*1"),
    _passing("429, without a word on how long", "429=none*1"),
    _passing("429, five in a row", "429=1*5"),
    _kept("429, wait for longer than the deadline", "429=7200", "429"),
    *(_passing(f"{status}, three in a row", f"{status}*3") for status in (408, 500, 502, 503, 504)),
    _kept("503, past the deadline", "503", "503"),
    _kept("401, from the start", "401", "401", Moment.START),
    _kept("401, in the middle", "401", "401", Moment.MIDDLE),
    _kept("403, from the start", "403", "403", Moment.START),
    _kept("403, in the middle", "403", "403", Moment.MIDDLE),
    _kept("404, the run is deleted in the middle", "404", "404", Moment.MIDDLE),
    Fault(name="413, for one batch", trouble="413*1", splits=True),
    Fault(name="413, for every batch", trouble="413", stays=True, end=End.REFUSED, said="413"),
    Fault(name="422, naming one result", spoils=True, end=End.REFUSED),
    Fault(name="400, naming none, for one batch", trouble="400*1", splits=True),
    Fault(name="400, naming none, for every batch", trouble="400", stays=True, end=End.REFUSED, said="400"),
    Fault(name="200 with an error inside", trouble="200*1", splits=True, end=End.NO_SUCCESS),
    _passing("a page of HTML", "html*1", is_lost=True),
    _kept("a page of HTML, past the deadline", "html", "an HTML page", Moment.START),
    _passing("an empty answer", "empty*1", is_lost=True),
    _passing("truncated JSON", "torn*1", is_lost=True),
    Fault(name="JSON of another shape", trouble="odd*1", end=End.NO_SUCCESS, is_lost=True),
    _passing("a wrong content type", "text*1"),
    _kept("a redirect to another host", "redirect", "another address", Moment.START),
    _passing("a body of 100 MB", "flood*1", is_lost=True),
    _passing("endless headers", "headers*1", is_lost=True),
    _passing("broken gzip", "gzip*1", is_lost=True),
    Fault(name="connections are refused", network="refused", end=End.KEPT, said="refused"),
    Fault(name="the host is unknown", network="dns", end=End.KEPT, said="no usable answer"),
    Fault(name="the TLS certificate is wrong", network="tls", end=End.KEPT, said="certificate"),
    Fault(name="the proxy refuses", network="proxy", end=End.KEPT, said="the proxy failed"),
    _passing("reset before the body, twice", "reset*2", is_lost=True),
    _lost("the opening", Moment.OPEN),
    _lost("a batch", Moment.SEND),
    _lost("a file", Moment.ATTACH),
    _lost("the completion", Moment.CLOSE),
    _passing("no answer, once", "hang*1", is_lost=True),
    _kept("no answer, past the deadline", "hang*1000", "no usable answer", is_lost=True),
    _kept("one byte a second, past the deadline", "drip", "no usable answer", is_lost=True),
    _passing("the connection is closed after each answer", "close"),
)
"""Once each. What is said is in the words of no vendor."""


NETWORK: dict[str, Callable[[], requests.exceptions.RequestException]] = {
    "refused": lambda: requests.exceptions.ConnectionError(ConnectionRefusedError(111, "Connection refused")),
    "dns": lambda: requests.exceptions.ConnectionError(gaierror(-2, "Name or service not known")),
    "tls": lambda: requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "certificate verify failed")),
    "proxy": lambda: requests.exceptions.ProxyError(ConnectionRefusedError(111, "Connection refused")),
}
"""What `requests` raises where nothing gets through."""


class Unreachable(WsgiAdapter):
    """A network that lets nothing through, for the reason of a fault."""

    def __init__(self, mount: Mount, reason: str) -> None:
        super().__init__(mount)
        self._reason = reason

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        error = NETWORK[self._reason]()
        error.request = request
        raise error


class Killed(BaseException):
    """The process that sends is killed: nothing of ours gets to do anything any more."""


class Arrived(NamedTuple):
    """What is at the tool: different results, and those that are there once more than they should be."""

    unique: int
    doubled: int

    @classmethod
    def at(cls, box: Box) -> Arrived:
        """Results differ in their cases and titles, whatever id the tool gives them and whichever run they are in."""
        different = {(result.cases, result.title) for result in box.results.values()}
        return cls(len(different), len(box.results) - len(different))


class Watched(WsgiAdapter):
    """The sandbox in memory; notes what each request did there."""

    def __init__(self, mount: Mount, box: Box) -> None:
        super().__init__(mount)
        self.did: list[Moment | None] = []
        self._box = box

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        before = self._state()
        answer = super().send(request, *args, **kwargs)
        grown = (moment for moment, number in self._state().items() if number > before[moment])
        self.did.append(next(grown, None))
        return answer

    def arrived(self) -> Arrived:
        """What is there now."""
        return Arrived.at(self._box)

    def places(self) -> dict[Moment, Place]:
        """Where in the upload each moment is; one that this vendor does not have is the nearest that it has."""
        sends = [number for number, did in enumerate(self.did) if did is Moment.SEND]
        nearest = {Moment.OPEN: 0, Moment.ATTACH: sends[0], Moment.SEND: sends[0], Moment.CLOSE: len(self.did) - 1}
        numbers = {each: self.did.index(each) if each in self.did else near for each, near in nearest.items()}
        asked = [f"{each.path}?{each.query}" if each.query else each.path for each in self._box.requests]
        return {
            moment: Place(number, asked[number])
            for moment, number in {Moment.START: 0, **numbers, Moment.MIDDLE: sends[:2][-1]}.items()
        }

    def _state(self) -> dict[Moment, int]:
        """Counts of what a request may add, by the moment for which that stands."""
        box = self._box
        return {
            Moment.SEND: len(box.results) + box.repeats,
            Moment.ATTACH: len(box.attachments),
            Moment.OPEN: len(box.runs),
            Moment.CLOSE: sum(run.end is not None for run in box.runs.values()),
        }
