"""Puts on each phase's report what the process that runs the test knows of it."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from . import dialects
from .callers import Callers
from .clock import make_clock
from .config import Config
from .dialects import Dialect
from .dialects._listening import WAITING
from .dialects._marks import VENDORS
from .guard import Guard
from .journal import encode, private, times_of
from .keeping import Keeper
from .markers import MARKER, Marks
from .masking import mask_json
from .recorder import OpenStep, Recording, record
from .render import plain

ATTRIBUTE = "tmsreport"
"""The attribute of a worker's report: one ASCII JSON string, because xdist carries nothing else safely."""
_TIMES = ("start", "durations")
"""All that most tests have to say of themselves; an encoder takes four times as long for it."""
decode = json.JSONDecoder().raw_decode
"""What reads it, taken before a test can replace it."""

SHOWN_WRONG = 10


class Witness:
    """Listens wherever tests run: in the only process, or in each xdist worker.

    A worker also writes down which test it is about to run: a crash leaves no report, and is filed under its case by
    that note. `folder` is the run's, where this machine has it.
    """

    def __init__(
        self,
        config: pytest.Config,
        wanted: Config,
        guard: Guard,
        *,
        note: Path | None = None,
        folder: Path | None = None,
    ) -> None:
        self._output = getattr(config, "workeroutput", None)  # a worker's: xdist hands it to the controller
        self._callers = Callers(config)
        self._destinations = wanted.vendor_names()
        self._settings = wanted.settings
        self._takes_files = wanted.settings.attach != "none"
        self._guard = guard
        self._mask = wanted.mask
        speaking: list[Dialect] = []
        self._listening: list[Callable[[], None]] = []
        config.stash[VENDORS] = frozenset(wanted.wanted.values())
        for dialect in () if "" in wanted.problems else dialects.find(wanted.settings.read_marks):
            with guard("hearing another plugin's words"):
                speaking.append(dialect)
                stop = dialect.listen(config, guard)
                self._listening += [stop] if stop else []
        self._marks = Marks(config, self._destinations, speaking, docstring=wanted.settings.docstring)
        self._waiting = config.stash.get(WAITING, [])
        self._clock = make_clock()
        self._note = _Note(note, wanted.mask) if note else None
        self._keeper = Keeper(folder, wanted.mask, wanted.settings.max_attachment_mb)
        self._attempt = _Attempt(None, self._recording())
        self.is_within = False
        """True while a subtest is reported, of which the test itself tells."""

    def pytest_sessionstart(self) -> None:
        self._callers.freeze()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Under `on_loss = fail` a wrong mark ends the session before the first test."""
        if self._settings.on_loss != "fail":
            return
        wrong = []
        ours = (item for item in items if item.get_closest_marker(MARKER))
        marks = Marks(session.config, self._destinations)
        for item in ours:
            with self._guard("reading the marks"):
                words = marks.words(item)
                wrong += [f"wrong tms mark of {item.nodeid}: {'; '.join(words.wrong)}"] if words and words.wrong else []
        if wrong:
            more = [f"and {len(wrong) - SHOWN_WRONG} more"] if len(wrong) > SHOWN_WRONG else []
            text = plain(self._mask("; ".join(wrong[:SHOWN_WRONG] + more)), 2000)
            if self._output is None:
                raise session.Interrupted(text)
            session.shouldfail = text  # xdist hands it to the controller, which ends the session in the same words
            raise session.Failed(text)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self._output is not None:
            self._output["tmsreport"] = [*self._guard.notes, *self._callers.late()]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        recording = self._attempt.recording
        if recording.steps or recording.words:  # one to which nothing was said hears the next test
            recording = self._recording()
        self._attempt = attempt = _Attempt(item, recording)
        record(recording)
        try:
            for waiting in self._waiting:
                if waiting.module in sys.modules:
                    waiting.look()
            self._read(item)
            if self._note:
                self._note.write(attempt.nodeid, attempt.words, self._clock())
        except Exception as error:  # noqa: BLE001 - whatever it is, the test runs
            self._guard.failed("reading a test's marks", error)
        attempt.start = attempt.begun = self._clock()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A phase is over. Not as a wrapper: what others attach to their reports is said in `said`, and costs less."""
        end = self._clock()
        attempt = self._attempt
        if self.is_within or attempt.item is not item:
            return
        when = call.when
        if attempt.recording.steps:
            attempt.phases = [*attempt.phases, (end, attempt.recording.turn())]
        attempt.durations[when] = attempt.durations.get(when, 0) + (end - attempt.begun)  # again: after a subtest
        attempt.begun = end
        if attempt.waits and when == "setup":
            with self._guard("reading a test's marks"):
                self._read(item)

    def pytest_unconfigure(self) -> None:
        for stop in self._listening:
            with self._guard("leaving another plugin"):
                stop()

    def _recording(self) -> Recording:
        return Recording(self._clock, self._keeper, self._destinations, takes_files=self._takes_files)

    def _read(self, item: pytest.Item) -> None:
        words = self._marks.words(item)
        if words is not None:
            self._attempt.words, self._attempt.waits = words.to_json(), words.waits

    def said(self, report: pytest.TestReport) -> Mapping[str, Any]:
        """What is known by now of the attempt that a report is about: its `start`, the `durations` of its phases (both
        as `Clock` tells them), `words`, `steps` and what the test has `said`. Empty for a report of another test."""
        attempt = self._attempt
        if attempt.nodeid != report.nodeid:
            return {}
        found: dict[str, Any] = {"start": attempt.start, "durations": attempt.durations}
        if attempt.words:
            found["words"] = attempt.words
        if attempt.phases:
            found["steps"] = [step.to_json(end) for end, steps in attempt.phases for step in steps]
        if attempt.recording.words:
            found["said"] = attempt.recording.words
        if report.when == "teardown":
            record(None)
        return found

    def has_news(self, when: str) -> bool:
        """True where a phase that passed has something to tell that would be lost with this process."""
        attempt = self._attempt
        return bool(attempt.phases or attempt.recording.words or (when == "setup" and attempt.words))


class Courier:
    """In a worker: puts on a report what its witness knows, so that the controller hears of it.

    `takes_notes` says that the controller can read which test is about to run, and its words. Then a phase that passed
    without a word tells nothing: the report that ends the attempt tells it all.
    """

    def __init__(self, witness: Witness, guard: Guard, *, takes_notes: bool) -> None:
        self._witness = witness
        self._guard = guard
        self._takes_notes = takes_notes

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        try:
            is_idle = report.outcome == "passed" and report.when != "teardown" and self._takes_notes
            if is_idle and not self._witness.has_news(report.when):
                return
            said = self._witness.said(report)
            if said:
                setattr(report, ATTRIBUTE, encode(said) if len(said) > len(_TIMES) else f"{{{times_of(said)}}}")
        except Exception as error:  # noqa: BLE001 - whatever it is, the report travels
            self._guard.failed("noting a phase", error)


def carried(report: Any) -> Mapping[str, Any]:
    """What a courier put on a report, which is taken off: pytest keeps reports until the session ends."""
    text = getattr(report, ATTRIBUTE, None)
    if text is None:
        return {}
    delattr(report, ATTRIBUTE)
    try:
        said, _ = decode(text)
    except (ValueError, TypeError):  # somebody else's attribute of that name
        return {}
    is_right = isinstance(said, dict) and isinstance(said.get("start"), int) and isinstance(said.get("durations"), dict)
    return said if is_right else {}


def last_note(path: Path) -> tuple[str, dict[str, Any]] | None:
    """The test that a dead worker was running, and what is known of the attempt, as in `Witness.said`."""
    try:
        nodeid, words, start = json.loads(path.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    is_right = isinstance(nodeid, str) and isinstance(words, dict) and isinstance(start, int)
    return (nodeid, {"start": start, "durations": {}, "words": words}) if is_right else None


class _Attempt:
    """An attempt at a test, as the process knows it that runs it.

    It began at `start`, its phase at `begun`. `phases` are those that had steps: when each ended, and its steps.
    """

    start = begun = 0
    phases: Sequence[tuple[int, list[OpenStep]]] = ()
    words: Mapping[str, Any] = {}
    waits = False

    def __init__(self, item: pytest.Item | None, recording: Recording) -> None:
        self.item = item
        self.nodeid = item.nodeid if item is not None else ""
        self.recording = recording
        self.durations: dict[str, int] = {}


class _Note:
    """A small file that always holds the test that runs now."""

    def __init__(self, path: Path, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._length = 0
        try:
            handle = private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        except OSError:
            self._file: io.FileIO | None = None  # a worker on another machine has no run folder
        else:
            self._file = io.FileIO(handle, "w")

    def write(self, nodeid: str, words: Mapping[str, Any], start: int) -> None:
        if self._file:
            told = encode(mask_json(words, self._mask)) if words else "{}"
            line = f"[{encode(self._mask(nodeid))},{told},{start}]".encode("ascii").ljust(self._length)
            self._length = len(line)  # blanks hide what is left of a longer one, so that one write is enough
            self._file.seek(0)
            self._file.write(line)
