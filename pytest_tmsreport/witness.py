"""Puts on each phase's report what the process that runs the test knows of it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from . import dialects
from .callers import Callers
from .clock import Clock
from .config import Config
from .dialects import Dialect
from .dialects._marks import VENDORS
from .guard import Guard
from .journal import encode, private
from .keeping import Keeper
from .markers import MARKER, words_of
from .masking import mask_json
from .recorder import Recording, record
from .render import plain

ATTRIBUTE = "tmsreport"
"""The attribute of a report: one ASCII JSON string, because xdist carries nothing else safely."""
decode = json.JSONDecoder().decode
"""`json.loads`, taken before a test can replace it: a phase is reported while the test's patches are in place."""

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
        self._guard = guard
        self._mask = wanted.mask
        self._dialects: list[Dialect] = []
        self._listening: list[Callable[[], None]] = []
        config.stash[VENDORS] = frozenset(wanted.wanted.values())
        for dialect in () if "" in wanted.problems else dialects.find(wanted.settings.read_marks):
            with guard("hearing another plugin's words"):
                self._dialects.append(dialect)
                stop = dialect.listen(config, guard)
                self._listening += [stop] if stop else []
        self._clock = Clock()
        self._note = _Note(note, wanted.mask) if note else None
        self._starts = {"setup": 0.0, "call": 0.0, "teardown": 0.0}
        self._words: tuple[str, str] = ("", "")
        self._waits = False
        self._keeper = Keeper(folder, wanted.mask, wanted.settings.max_attachment_mb)
        self._recording = Recording(self._clock)
        self._is_calling = False

    def pytest_sessionstart(self) -> None:
        self._callers.freeze()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Under `on_loss = fail` a wrong mark ends the session before the first test."""
        wrong = []
        for item in items if self._settings.on_loss == "fail" else ():
            with self._guard("reading the marks"):
                words = words_of(item, self._destinations).wrong if item.get_closest_marker(MARKER) else ()
                wrong += [f"wrong tms mark of {item.nodeid}: {'; '.join(words)}"] if words else []
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
        with self._guard("reading a test's marks"):
            self._read(item)
            if self._note:
                self._note.write(*self._words)
        is_attached = self._settings.attach != "none"
        self._recording = Recording(self._clock, self._keeper, self._destinations, takes_files=is_attached)
        record(self._recording)
        self._starts["setup"] = self._clock()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)  # a new wrapper would stand in the traceback of every failure
    def pytest_runtest_call(self) -> Generator[None, Any, None]:
        self._is_calling = True
        yield
        self._is_calling = False

    def pytest_unconfigure(self) -> None:
        for stop in self._listening:
            with self._guard("leaving another plugin"):
                stop()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        end = self._clock()
        report = yield
        if self._is_calling:  # a subtest: the test itself tells of it, when its call is over
            return report
        with self._guard("noting a phase"):
            setattr(report, ATTRIBUTE, self._said(item, call.when, end))
        return report

    def _read(self, item: pytest.Item) -> None:
        words = words_of(item, self._destinations, self._dialects, docstring=self._settings.docstring)
        self._words = (item.nodeid, encode(words))
        self._waits = words.waits

    def _said(self, item: pytest.Item, when: str, end: float) -> str:
        start = self._starts.get(when, end)
        if when == "setup":
            self._starts["call"] = end
            if self._waits:
                with self._guard("reading a test's marks"):
                    self._read(item)
        if when in ("setup", "call"):
            self._starts["teardown"] = end
        words = self._words[1] if when == "setup" and self._words[0] == item.nodeid else "null"
        more = self._recording.said(when, end)
        told = f",{encode(more)[1:-1]}" if more else ""
        if when == "teardown":
            record(None)
        return f'{{"start":{start!r},"duration":{end - start!r},"words":{words}{told}}}'


def said(report: Any) -> dict[str, Any]:
    """What a witness put on a report; empty for a report that none has seen."""
    found = decode(getattr(report, ATTRIBUTE, None) or "{}")
    return found if isinstance(found, dict) else {}


def last_note(path: Path) -> tuple[str, dict[str, Any]] | None:
    """The test that a dead worker was running, and its words."""
    try:
        nodeid, words = json.loads(path.read_bytes())
    except (OSError, ValueError, TypeError):
        return None
    return (nodeid, words) if isinstance(nodeid, str) and isinstance(words, dict) else None


class _Note:
    """A small file that always holds the test that runs now."""

    def __init__(self, path: Path, mask: Callable[[str], str]) -> None:
        self._mask = mask
        try:
            handle = private(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        except OSError:
            self._file: io.FileIO | None = None  # a worker on another machine has no run folder
        else:
            self._file = io.FileIO(handle, "w")

    def write(self, nodeid: str, words: str) -> None:
        if self._file:
            line = encode(mask_json([nodeid, decode(words)], self._mask)).encode("ascii")
            self._file.seek(0)
            self._file.write(line)
            self._file.truncate(len(line))
