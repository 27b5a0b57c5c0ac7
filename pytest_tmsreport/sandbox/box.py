"""What arrived at one vendor's sandbox: requests, runs, results, files, refusals."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..masking import MASK
from ..render import count, plain

SHOWN_REFUSALS = 10


@dataclass
class ArrivedRequest:
    """A request, without its headers.

    `body` is the JSON, or `{"parts": …}` with the size and hash of each file of a form, or None. `status` is that of
    the answer (0: none went out), `trouble` the spec of what was made to go wrong. `held_secret` tells that a secret
    stood in the path, the query or the body.
    """

    method: str
    path: str
    query: str = ""
    body: Any = None
    status: int = 0
    trouble: str = ""
    held_secret: bool = False


@dataclass
class ArrivedRun:
    """A run: `body` as it was sent, `start` and `end` in epoch seconds."""

    id: str
    title: str
    start: float
    project: str = ""
    body: Any = None
    end: float | None = None


@dataclass(frozen=True)
class ArrivedResult:
    """A result: `status` is the tool's word, `body` as it was sent."""

    id: str
    run: str
    status: str
    title: str = ""
    cases: tuple[str, ...] = ()
    body: Any = None


@dataclass(frozen=True)
class ArrivedFile:
    """An attachment; `id` is what the tool calls it, `size` is in bytes."""

    id: str
    name: str
    mime: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Refusal:
    """What was not taken: `what` names a result, or is empty where the request as a whole was refused."""

    request: str
    status: int
    reason: str
    what: str = ""


@dataclass
class Box:
    """Holds what one vendor's sandbox was told; safe to share between threads.

    No secret stays in it: `***` stands in its place. `lock` is for steps that belong together. `repeats` counts results
    that came again and were taken once.
    """

    vendor: str
    secrets: tuple[str, ...] = field(default=(), repr=False)
    requests: list[ArrivedRequest] = field(default_factory=list)
    runs: dict[str, ArrivedRun] = field(default_factory=dict)
    results: dict[tuple[str, str], ArrivedResult] = field(default_factory=dict)
    attachments: dict[str, ArrivedFile] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    repeats: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def record(self, request: ArrivedRequest) -> ArrivedRequest:
        """Keeps a request that came in, and returns what is kept, for its answer to be noted."""
        path, query, body = (self.mask(each) for each in (request.path, request.query, request.body))
        has_secret = (path, query, body) != (request.path, request.query, request.body)
        kept = replace(request, path=path, query=query, body=body, held_secret=has_secret)
        with self.lock:
            self.requests.append(kept)
        return kept

    def add_run(self, run: ArrivedRun) -> None:
        """Keeps a run."""
        with self.lock:
            self.runs[run.id] = replace(run, title=self.mask(run.title), body=self.mask(run.body))

    def remove_run(self, run_id: str) -> None:
        """Takes a run away, with its results."""
        with self.lock:
            self.runs.pop(run_id, None)
            for key in [key for key in self.results if key[0] == run_id]:
                del self.results[key]

    def add_result(self, result: ArrivedResult) -> None:
        """Keeps a result, unless its run has one of the same id already."""
        with self.lock:
            key = result.run, result.id
            if key in self.results:
                self.repeats += 1
            else:
                self.results[key] = replace(result, title=self.mask(result.title), body=self.mask(result.body))

    def add_attachment(self, file: ArrivedFile) -> None:
        """Keeps a file's name, size and hash."""
        with self.lock:
            self.attachments[file.id] = replace(file, name=self.mask(file.name))

    def refuse(self, refusal: Refusal) -> None:
        """Notes what was not taken, and why."""
        with self.lock:
            self.refusals.append(Refusal(**self.mask(asdict(refusal))))

    def results_of(self, run_id: str) -> list[ArrivedResult]:
        """The results of a run, in the order in which they came."""
        with self.lock:
            return [result for result in self.results.values() if result.run == run_id]

    def counts(self, results: Iterable[ArrivedResult] | None = None) -> dict[str, int]:
        """Status -> number of results; of all there are, where none are given."""
        with self.lock:
            return dict(Counter(result.status for result in (self.results.values() if results is None else results)))

    def mask(self, value: Any) -> Any:
        """A JSON value without secrets."""
        if isinstance(value, str):
            for secret in self.secrets:
                value = value.replace(secret, MASK)
            return value
        if isinstance(value, dict):
            return {self.mask(key): self.mask(held) for key, held in value.items()}
        return [self.mask(each) for each in value] if isinstance(value, (list, tuple)) else value

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON values."""
        with self.lock:
            return {
                "vendor": self.vendor,
                "counts": self.counts(),
                "repeats": self.repeats,
                "runs": [asdict(run) for run in self.runs.values()],
                "results": [asdict(result) for result in self.results.values()],
                "attachments": [asdict(file) for file in self.attachments.values()],
                "refusals": [asdict(refusal) for refusal in self.refusals],
                "requests": [asdict(request) for request in self.requests],
            }

    def summary(self) -> list[str]:
        """What arrived, in lines for a terminal."""
        with self.lock:
            size = sum(file.size for file in self.attachments.values())
            parts = [count(len(self.results), "result") + _in_words(self.counts())]
            parts += [f"{count(self.repeats, 'result')} sent again and taken once"] if self.repeats else []
            parts += [f"{count(len(self.attachments), 'file')} ({size} bytes)"] if self.attachments else []
            parts += [count(len(self.requests), "request") + _in_words(self._answers())]
            lines = [f"{self.vendor}: {', '.join(parts)}"]
            for run in self.runs.values():
                of_run = self.results_of(run.id)
                state = "open" if run.end is None else "completed"
                words = f"{count(len(of_run), 'result')}{_in_words(self.counts(of_run))}"
                lines.append(f"  run {plain(run.id, 40)} {plain(run.title, 80)!r}, {state}: {words}")
            for refusal in self.refusals[:SHOWN_REFUSALS]:
                what = f" {plain(refusal.what, 80)!r}" if refusal.what else ""
                reason = plain(refusal.reason, 160)
                lines.append(f"  refused{what}: {refusal.status} {reason} ({plain(refusal.request, 120)})")
            if len(self.refusals) > SHOWN_REFUSALS:
                lines.append(f"  … and {count(len(self.refusals) - SHOWN_REFUSALS, 'more refusal')}")
            return lines

    def _answers(self) -> dict[str, int]:
        """The answers that were no success, by status."""
        faults = (
            f"answered {each.status}" if each.status else "without an answer"
            for each in self.requests
            if not 200 <= each.status < 400
        )
        return dict(Counter(faults))


def read_json(content: bytes) -> Any:
    """The value of a JSON text. Raises ValueError or RecursionError, also for the NaN that Python would let pass."""
    return json.loads(content, parse_constant=_no_constant)


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _in_words(counts: dict[str, int]) -> str:
    words = ", ".join(f"{number} {plain(status, 40)}" for status, number in sorted(counts.items()))
    return f" ({words})" if words else ""
