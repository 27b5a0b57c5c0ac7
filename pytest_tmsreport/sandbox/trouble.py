"""Trouble on demand: what goes wrong, with which requests, and how often."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ConfigError

_ONCE = ("reset", "lost-answer", "hang")
_WORDS = ("html", "redirect", "empty", "torn", "odd", "text", "gzip", "flood", "headers", "drip", "close", *_ONCE)
SYNTAX = (
    "it is WHAT[*TIMES][+AFTER][@PATH], where WHAT is a status from 400 to 599, or 200 for an error inside a success "
    "(429=SECONDS, 429=date and 429=none say how long to wait), slow=SECONDS, or one of " + ", ".join(_WORDS)
)
_SPEC = re.compile(
    r"(?P<what>[^*+@]+)(?:\*(?P<times>[^+@]*))?(?:\+(?P<after>[^@]*))?(?:@(?P<path>.*))?",
    re.DOTALL,
)
_STATUS = re.compile(r"(?P<status>200|[45][0-9][0-9])(?:=(?P<wait>[0-9]+|date|none))?")


class NoAnswer(ConnectionError):  # noqa: N818 - what happens to a client, by its name
    """The client is left without an answer; each transport shows it in its own way."""


class Reset(NoAnswer):
    """The connection breaks before the request is read."""


class LostAnswer(NoAnswer):
    """The request has done its work, and the connection ends before the answer."""


class Hang(NoAnswer):
    """The connection stays open and no answer ever comes."""


class Drip(NoAnswer):
    """The request has done its work, and the answer comes at one byte a second."""


class EndlessHeaders(NoAnswer):
    """The request has done its work, and the headers of the answer do not end."""


@dataclass
class Trouble:
    """One thing that goes wrong.

    `kind` is `status`, `slow`, or the word for it; `amount` a status or seconds; `left` how many requests it still
    meets, once `after` others have passed unharmed; `path` a part of the paths it is meant for; `wait` what a status
    says of the time to wait: seconds, `date` or `none`.
    """

    spec: str
    kind: str
    amount: float
    left: float
    path: str
    after: int = 0
    wait: str = ""

    def meets(self, path: str) -> bool:
        """True for a request it applies to, which is then counted."""
        if self.left <= 0 or self.path not in path:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        self.left -= 1
        return True


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
            return next((trouble for trouble in self._queue if trouble.meets(path)), None)


def parse(spec: str) -> Trouble:
    """Reads `429*3`, `503*2@results`, `401+4`, `slow=0.2`, `lost-answer`.

    Raises ConfigError that says what is allowed.
    """
    found = _SPEC.fullmatch(spec.strip())
    if not found:
        raise _mistake(spec, "it names no trouble")
    what, path = found["what"].strip(), found["path"]
    if path is not None and not path.strip():
        raise _mistake(spec, "no path follows the @")
    times, after = _number(spec, "*", found["times"]), _number(spec, "+", found["after"])
    trouble = _of_kind(spec, what)
    trouble.left = times or (1 if trouble.kind in _ONCE else math.inf)
    trouble.after = after or 0
    trouble.path = (path or "").strip()
    return trouble


def _number(spec: str, sign: str, text: str | None) -> int | None:
    if text is not None and not (text.strip().isdecimal() and int(text)):
        raise _mistake(spec, f"a number above zero must follow the {sign}")
    return int(text) if text else None


def _of_kind(spec: str, what: str) -> Trouble:
    if what in _WORDS:
        return Trouble(spec.strip(), what, 0.0, 0, "")
    if status := _STATUS.fullmatch(what):
        wait = status["wait"] or ("1" if status["status"] == "429" else "none")
        return Trouble(spec.strip(), "status", int(status["status"]), 0, "", wait=wait)
    word, _, seconds = what.partition("=")
    if word != "slow":
        raise _mistake(spec, f"{what!r} is no trouble")
    if not re.fullmatch(r"[0-9]*\.?[0-9]+", seconds):
        raise _mistake(spec, "slow=SECONDS takes a number")
    return Trouble(spec.strip(), "slow", float(seconds), 0, "")


def _mistake(spec: str, why: str) -> ConfigError:
    return ConfigError(f"--trouble {spec!r} cannot be read: {why}; {SYNTAX}")
