"""Trouble on demand: what goes wrong, with which requests, and how often."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ConfigError

SYNTAX = (
    "it is WHAT[*TIMES][@PATH], where WHAT is a status from 400 to 599, html, slow=SECONDS, reset, lost-answer or hang"
)
_SPEC = re.compile(r"(?P<what>[^*@]+)(?:\*(?P<times>[^@]*))?(?:@(?P<path>.*))?", re.DOTALL)
_ONCE = ("reset", "lost-answer", "hang")


class NoAnswer(ConnectionError):  # noqa: N818 - what happens to a client, by its name
    """The client is left without an answer; each transport shows it in its own way."""


class Reset(NoAnswer):
    """The connection breaks before the request is looked at."""


class LostAnswer(NoAnswer):
    """The request has done its work, and the connection ends before the answer."""


class Hang(NoAnswer):
    """The connection stays open and no answer ever comes."""


@dataclass
class Trouble:
    """One thing that goes wrong.

    `kind` is `status`, `html`, `slow`, `reset`, `lost-answer` or `hang`; `amount` a status or seconds; `left` how many
    requests it still meets; `path` a part of the paths it is meant for.
    """

    spec: str
    kind: str
    amount: float
    left: float
    path: str

    def meets(self, path: str) -> bool:
        """True for a request it applies to."""
        return self.left > 0 and self.path in path


class Troubles:
    """A queue of troubles; the first that meets a request and is not used up applies to it."""

    def __init__(self, specs: Iterable[str] = ()) -> None:
        """Raises ConfigError for a spec that cannot be read."""
        self._queue = [parse(spec) for spec in specs]
        self._lock = threading.Lock()

    def add(self, *specs: str) -> None:
        """Queues more of it. Raises ConfigError for a spec that cannot be read."""
        parsed = [parse(spec) for spec in specs]
        with self._lock:
            self._queue += parsed

    def clear(self) -> None:
        """Ends all of it."""
        with self._lock:
            self._queue.clear()

    def take(self, path: str) -> Trouble | None:
        """The trouble for a request, used up by one; `path` has the vendor's mount, and the query behind a `?`."""
        with self._lock:
            for trouble in self._queue:
                if trouble.meets(path):
                    trouble.left -= 1
                    return trouble
        return None


def parse(spec: str) -> Trouble:
    """Reads `429*3`, `503*2@results`, `slow=0.2`, `lost-answer`. Raises ConfigError that says what is allowed."""
    found = _SPEC.fullmatch(spec.strip())
    if not found:
        raise _mistake(spec, "it names no trouble")
    what, times, path = found["what"].strip(), found["times"], found["path"]
    if path is not None and not path.strip():
        raise _mistake(spec, "no path follows the @")
    if times is not None and not (times.strip().isdecimal() and int(times)):
        raise _mistake(spec, "a number above zero must follow the *")
    kind, amount = _kind(spec, what)
    left = int(times) if times else 1 if kind in _ONCE else math.inf
    return Trouble(spec.strip(), kind, amount, left, (path or "").strip())


def _kind(spec: str, what: str) -> tuple[str, float]:
    if what in (*_ONCE, "html"):
        return what, 0.0
    if re.fullmatch("[45][0-9][0-9]", what):
        return "status", int(what)
    word, _, seconds = what.partition("=")
    if word != "slow":
        raise _mistake(spec, f"{what!r} is no trouble")
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", seconds):
        raise _mistake(spec, "slow=SECONDS takes a number")
    return "slow", float(seconds)


def _mistake(spec: str, why: str) -> ConfigError:
    return ConfigError(f"--trouble {spec!r} cannot be read: {why}; {SYNTAX}")
