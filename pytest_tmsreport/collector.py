"""The phase reports of one test -> one result. The outcome table lives here."""

from __future__ import annotations

import ast
import base64
import itertools
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import pytest

from .clock import Clock
from .model import Attachment, Outcome
from .nodeids import suite_of, title_of
from .render import readable, trim, without_escapes
from .subtests import name_of
from .words import TEXT

MESSAGE, TRACEBACK, CAPTURED = 8_000, 64_000, 1_000_000
"""Most characters of a message, of a traceback, and of one captured stream."""
NODEID = 4_000
CRASH = "???"
_CONTAINS = re.compile(r"contains \d+ failed subtests?")
_DOCTEST = re.compile(
    r"^(?P<exception>UNEXPECTED EXCEPTION: .*)$|"
    r"^(?P<difference>(?:Expected|Differences)[\s\S]*?)\n.*:\d+: DocTestFailure$",
    re.MULTILINE,
)
_MOST = {"nodeid": NODEID, "title": TEXT, "message": MESSAGE, "traceback": TRACEBACK, "description": TEXT}
_WHOLE = ("nodeid", "ids", "ignored_by", "message", "traceback", "worker")
_KEPT = {"id", "key", "sha256", "files", "outcome", "mime", "kind", "start", "durations"}
"""What is ours, or of a fixed form: neither masked nor cut."""
_OPEN = {"ids", "parameters", "fields"}


Record = dict[str, Any]
"""A `Result` as JSON, its `start` and `durations` in whole microseconds: so `Journal.append` takes it."""
Told = Mapping[str, Any]


class Captured(NamedTuple):
    """What a phase printed: `name` as pytest heads it, such as `Captured stdout call`."""

    name: str
    text: str


class Closed(NamedTuple):
    """A finished attempt, what was printed meanwhile, the files that travelled in its reports, and
    those not kept."""

    record: Record
    captured: Sequence[Captured]
    travelled: Sequence[tuple[Attachment, bytes]] = ()
    unattached: Sequence[str] = ()


class Unfinished(NamedTuple):
    """A test that has begun, and what ends it."""

    nodeid: str
    end: Callable[[], Sequence[Closed]]


class _Attempt:
    """The reports of an attempt so far: `last` is the last that its process could make itself. It is plain while every
    phase has passed, and nobody has more to say of it."""

    last: pytest.TestReport | None = None
    subtests: Sequence[Any] = ()
    told: Told = {}
    is_rerun = False
    is_plain = True

    def __init__(self, number: int) -> None:
        self.number = number
        self.phases: dict[str, pytest.TestReport] = {}


class _Expected:
    """The tests that were collected and not deselected, and have not ended, the next at the end of a list. They end
    nearly in their order: a set of them would take more than all else that a session keeps."""

    def __init__(self) -> None:
        self._left: list[str] = []
        self._early: set[str] = set()  # ended before one that stands before them
        self._listed = 0

    def begin(self, nodeids: Sequence[str]) -> None:
        """What a worker collected, or the replacement of a dead one, once more: that changes nothing."""
        listed = hash(tuple(nodeids))
        if listed != self._listed:
            both = list(dict.fromkeys((*self.left(), *nodeids))) if self._listed else nodeids
            self._left = [each for each in reversed(both) if each not in self._early]
            self._listed = listed

    def end(self, nodeid: str) -> None:
        if not self._left or self._left[-1] != nodeid:
            self._early.add(nodeid)
            return
        self._left.pop()
        while self._early and self._left and self._left[-1] in self._early:
            self._early.discard(self._left.pop())

    def left(self) -> list[str]:
        return [nodeid for nodeid in reversed(self._left) if nodeid not in self._early]


class Collector:
    """Hears every report of a session, in the only process or in xdist's controller.

    `new_id` makes a result's id, `clock` tells the time, `carried` what a worker's report tells of its attempt, `noted`
    the words of the test that a dead worker ran, `said` what is known by now of a test of this process: see
    `Witness.said`.
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        clock: Clock,
        carried: Callable[[Any], Told],
        noted: Callable[[str, str], Told],
    ) -> None:
        self.said: Callable[[Any], Told] = lambda _report: {}
        self.ignored = 0
        self.wrong: dict[str, tuple[str, ...]] = {}
        self._new_id = new_id
        self._clock = clock
        self._carried = carried
        self._noted = noted
        self._open: dict[tuple[str, str], _Attempt] = {}
        self._failed_attempts: dict[str, list[str]] = {}
        self._sections: dict[str, int] = {}
        self._expected = _Expected()
        self._unimportable: set[str] = set()

    def expect(self, nodeids: Sequence[str]) -> None:
        """Notes the tests that were collected and not deselected; the replacement of a dead worker collects again."""
        self._expected.begin(nodeids)

    def not_run(self) -> list[str]:
        """Those that have no result: the session ended before they did."""
        return self._expected.left()

    def take(self, report: Any) -> Sequence[Closed]:
        """Hears one report; returns the attempts that are now over: two where one before ended without a teardown."""
        node = getattr(report, "node", None)  # set by xdist on every report that comes from a worker; or by a conftest
        worker = "" if node is None else str(getattr(getattr(node, "gateway", None), "id", ""))
        when = report.when
        key = (report.nodeid, worker)
        attempt = self._open.get(key)
        closed: Sequence[Closed] = ()
        if attempt is None or (attempt.is_rerun and when == "setup"):
            if attempt is not None:
                closed = self._close(key)
            elif when == "teardown":
                return ()  # what follows a rerun that is over
            attempt = self._open[key] = _Attempt(len(self._failed_attempts.get(report.nodeid, ())) + 1)
        self._hear(attempt, report, worker)
        if when in ("setup", "call"):
            return closed
        return [*closed, *self._close(key)] if closed else self._close(key)

    def take_module(self, report: pytest.CollectReport) -> list[Closed]:
        """A module, class or file that could not be collected, or was skipped as a whole, is a result of its own."""
        if report.passed or report.nodeid in self._unimportable:
            return []
        self._unimportable.add(report.nodeid)
        outcome = Outcome.SKIPPED if report.skipped else Outcome.ERROR
        message = _reason(report) if report.skipped else f"not collected: {_message(report)}"
        record: Record = {
            "id": self._new_id(),
            "nodeid": trim(report.nodeid or ".", NODEID),
            "outcome": outcome.value,
            "start": self._clock(),
            "durations": {},
            "message": message,
            "traceback": "" if report.skipped else _traceback(report),
        }
        return [Closed(record, _sections(report))]

    def unfinished(self) -> list[Unfinished]:
        """The session is over: what has run and was to be repeated, or never got to its teardown, ends with it."""
        return [Unfinished(key[0], partial(self._close, key)) for key in self._open]

    def _hear(self, attempt: _Attempt, report: Any, worker: str) -> None:
        if getattr(report, "context", None) is not None and _is_subtest(report):  # its parent's own report comes later
            attempt.subtests = [*attempt.subtests, report]
            attempt.is_plain = False
            return
        when = report.when
        attempt.phases[when] = report
        if report.outcome != "passed" or hasattr(report, "wasxfail"):
            attempt.is_plain = False
            attempt.is_rerun = attempt.is_rerun or report.outcome == "rerun"
        if worker:
            attempt.told = self._carried(report) or attempt.told
        elif when == "teardown" or not attempt.is_plain:  # else a later report tells it all
            attempt.told = self.said(report) or attempt.told
        if when != CRASH:
            attempt.last = report
        elif not attempt.told:
            attempt.told = self._noted(worker, report.nodeid)

    def _close(self, key: tuple[str, str]) -> Sequence[Closed]:
        nodeid, worker = key
        attempt = self._open.pop(key)
        verdict = _PASSED if attempt.is_plain and "call" in attempt.phases else _judge(attempt)
        if verdict is None:
            return ()  # set up and torn down without having run: named among those that never ran
        outcome, message, traceback = verdict
        self._expected.end(nodeid)
        earlier = self._failed_attempts.get(nodeid)
        if attempt.is_rerun:
            self._failed_attempts[nodeid] = [*(earlier or ()), trim(message, 500)]
        elif earlier:
            del self._failed_attempts[nodeid]
        told = attempt.told or self._told_late(attempt, worker)
        words = told.get("words", {})
        if "said" in told:
            words = _with_said(words, told["said"])
        if "wrong" in words:
            self.wrong[nodeid] = tuple(words["wrong"])
        has_output = attempt.subtests or attempt.is_rerun or self._sections or (attempt.last and attempt.last.sections)
        captured = self._captured(nodeid, attempt) if has_output else ()
        if words.get("ignore"):
            self.ignored += 1
            return ()
        record = self._recorded(nodeid, worker, attempt, told, words)
        record["outcome"] = outcome.value
        if not attempt.is_plain:
            record.update(message=message, traceback=traceback, superseded=attempt.is_rerun)
        if attempt.number > 1:
            record.update(attempt=attempt.number, earlier=earlier or ())
        if not words:
            return [Closed(record, captured)]
        travelled = _take_over(words, record)
        return [Closed(record, captured, travelled, words.get("unattached", ()))]

    def _told_late(self, attempt: _Attempt, worker: str) -> Told:
        """Of one that never reached its teardown."""
        *_, last = attempt.phases.values()
        return self._noted(worker, last.nodeid) if worker else self.said(last)

    def _recorded(self, nodeid: str, worker: str, attempt: _Attempt, told: Told, words: Told) -> Record:
        """What an attempt has told, whatever became of it."""
        start = told["start"] if told else self._clock()
        record: Record = {
            "id": self._new_id(),
            "nodeid": nodeid,
            "start": start,
            "durations": told.get("durations", {}),
        }
        if CRASH in attempt.phases:
            record["duration"] = max(self._clock() - start, 0) / 1e6
        if len(nodeid) > NODEID:
            record.update(nodeid=trim(nodeid, NODEID), title=title_of(nodeid), suite=suite_of(nodeid))
        properties = _properties(attempt)
        if properties:
            record["fields"] = {**properties, **words.get("fields", {})}
        if "steps" in told:
            record["steps"] = told["steps"]
        if worker:
            record["worker"] = worker
        return record

    def _captured(self, nodeid: str, attempt: _Attempt) -> Sequence[Captured]:
        """What this attempt printed: pytest keeps an item's sections through its reruns."""
        of_subtests = [each for report in attempt.subtests for each in _sections(report)]
        sections = _sections(attempt.last) if attempt.last is not None else []
        known = self._sections.pop(nodeid, 0)
        if attempt.is_rerun:
            self._sections[nodeid] = len(sections)
        return [*of_subtests, *sections[known:]]


def _sections(report: Any) -> list[Captured]:
    """What a report says was printed; anybody may add to it."""
    return [Captured(*each) for each in report.sections if isinstance(each, (list, tuple)) and len(each) == 2]


def _is_subtest(report: Any) -> bool:
    """True for a report of a subtest; a conftest may give any other a `context` of its own."""
    context = getattr(report, "context", None)
    return context is not None and hasattr(context, "msg") and hasattr(context, "kwargs")


def _properties(attempt: _Attempt) -> dict[str, str]:
    """What `record_property` and other plugins have said: the last of a name counts."""
    last: Any = ()
    for report in attempt.phases.values():
        last = getattr(report, "user_properties", ()) or last
    if not last:
        return {}
    pairs = (each for each in last if isinstance(each, (list, tuple)) and len(each) == 2)  # anybody may add to it
    return {readable(name): readable(value, TEXT) for name, value in pairs}


_TAKEN = ("title", "suite", "ids", "parameters", "description", "tags", "fields", "links", "notes", "ignored_by")


def _take_over(words: Told, record: Record) -> list[tuple[Attachment, bytes]]:
    """Puts into a record what the marks and the test have said; returns the files that came with the reports."""
    for name in _TAKEN:
        if words.get(name):
            record.setdefault(name, words[name])
    for name in words.get("hidden", ()):
        if name in record.get("parameters", ()):
            record["parameters"] = {key: value for key, value in record["parameters"].items() if key != name}
    files = [{key: value for key, value in each.items() if key != "data"} for each in words.get("attachments", ())]
    if files:
        record["attachments"] = files
    carried = (each for each in words.get("attachments", ()) if "data" in each)
    return [(_attachment(each), base64.b64decode(each["data"])) for each in carried]


def _attachment(kept: Told) -> Attachment:
    return Attachment(kept["name"], kept["mime"], kept["sha256"], kept["size"])


def _with_said(words: Told, said: Told) -> Told:
    """The words of the marks, and what the test said while it ran: that replaces a text or the suite, and adds up with
    the rest."""
    found = {**words}
    for key, value in said.items():
        held = words.get(key)
        if isinstance(value, dict):
            found[key] = {**(held or {}), **value}
        elif isinstance(value, list) and key != "suite":
            found[key] = [*value, *(each for each in held or () if each not in value)]
        else:
            found[key] = value
    return found


def result_ids(random: Callable[[int], bytes] = os.urandom) -> Callable[[], str]:
    """Makes ids that are valid version 4 UUIDs: one random part for the session, then a count.

    Nothing is drawn while tests run, where they may have seeded or replaced the source.
    """
    head = random(10).hex()
    numbers = itertools.count(1)
    shared = f"{head[:8]}-{head[8:12]}-4{head[12:15]}-8{head[15:18]}"
    return lambda: f"{shared}-{next(numbers):012x}"


def clean(value: Any, mask: Callable[[str], str], *, is_open: bool = False) -> Any:
    """The same JSON with every text in it masked, and without what no tool can store (NUL, lone surrogates).

    `is_open`: the keys of this object are anybody's words, too.
    """
    if isinstance(value, str):
        text = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
        return mask(text.replace("\0", "\N{SYMBOL FOR NULL}") if "\0" in text else text)
    if isinstance(value, (list, tuple)):
        return [clean(each, mask, is_open=is_open) for each in value]
    if isinstance(value, (dict, Mapping)):  # a dict's own check takes a tenth of the other's
        if is_open:
            return {clean(key, mask): clean(held, mask) for key, held in value.items()}
        return {key: held if key in _KEPT else clean(held, mask, is_open=key in _OPEN) for key, held in value.items()}
    if value is None or isinstance(value, (int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is no JSON")  # what is not looked at may hold a secret


def fitted(record: Record) -> Record:
    """The same record with no text longer than a journal's line bears, and no name that cannot be read."""
    for name, most in _MOST.items():
        if name in record and len(record[name]) > most:
            record[name] = trim(record[name], most)
    for name in ("suite", "tags"):
        if name in record:
            record[name] = [text for text in record[name] if text.strip()]
    if "title" in record:
        record["title"] = " ".join(record["title"].split())
        if not record["title"]:
            del record["title"]
    return record


def shortened(record: Record) -> Iterator[Record]:
    """The same record with less in it, and then less again: a journal's line holds only so much."""
    own = {name: record[name] for name in _WHOLE if name in record}
    for most in (1_000, 100, 20):
        less = {**clean(record, partial(trim, limit=most)), **own}
        note = f"it says more than a journal holds: each text is cut at {most} characters"
        yield {**less, "notes": [*less.get("notes", ()), note]}
    note = "it says more than a journal holds: its steps, fields and links are left out"
    few = {name: less[name] for name in (*_KEPT, "title", "description", "attachments", "attempt") if name in less}
    yield {**few, **own, "superseded": record.get("superseded", False), "notes": [note]}


_PASSED = (Outcome.PASSED, "", "")


def _judge(attempt: _Attempt) -> tuple[Outcome, str, str] | None:
    """The outcome table. None for a test that did not get to run."""
    setup, call, teardown, crash = (attempt.phases.get(when) for when in ("setup", "call", "teardown", CRASH))
    if crash is not None:
        return Outcome.ERROR, _message(crash), _traceback(crash)
    if setup is not None and not setup.passed:
        verdict = _of_phase(setup, Outcome.ERROR, "setup failed: ")
    elif call is not None:
        verdict = _with_subtests(_of_phase(call, Outcome.FAILED), attempt.subtests)
    else:
        return None
    if teardown is None:
        return verdict
    outcome, message, traceback = verdict
    after = f"teardown failed: {_message(teardown)}"
    told = trim("\n".join(part for part in (message, after) if part), MESSAGE)
    if hasattr(teardown, "wasxfail"):  # the mark speaks of the teardown too: to pytest it is no error
        return Outcome.XFAILED if outcome is Outcome.XPASSED else outcome, told, traceback
    if not _is_failure(teardown):
        return verdict
    tracebacks = "\n\n".join(part for part in (traceback, _traceback(teardown)) if part)
    return outcome if outcome.is_bad else Outcome.ERROR, told, trim(tracebacks, TRACEBACK)


def _of_phase(report: pytest.TestReport, failure: Outcome, prefix: str = "") -> tuple[Outcome, str, str]:
    xfail = getattr(report, "wasxfail", None)
    if report.skipped:
        return (Outcome.SKIPPED, _reason(report), "") if xfail is None else (Outcome.XFAILED, _xfail(xfail), "")
    if _is_failure(report):
        return failure, trim(prefix + _message(report), MESSAGE), _traceback(report)
    return (Outcome.PASSED, "", "") if xfail is None else (Outcome.XPASSED, _xfail(xfail), "")


def _with_subtests(verdict: tuple[Outcome, str, str], subtests: Sequence[Any]) -> tuple[Outcome, str, str]:
    """A failed subtest fails its test, whose own report says that it passed."""
    outcome, message, traceback = verdict
    failed = [report for report in subtests if _is_failure(report)]
    if failed:
        if _CONTAINS.fullmatch(message):  # what pytest's terminal says in place of the test: that they failed
            message = traceback = ""
        messages = [f"subtest {_name(report)}: {_message(report)}" for report in failed]
        outcome = outcome if outcome.is_bad else Outcome.FAILED
        message = trim("\n".join([*messages, message] if message else messages), MESSAGE)
        traceback = trim("\n\n".join([*map(_traceback, failed), traceback]).strip(), TRACEBACK)
    elif outcome is Outcome.XPASSED and any(report.skipped and hasattr(report, "wasxfail") for report in subtests):
        outcome = Outcome.XFAILED
    return outcome, message, traceback


def _name(report: Any) -> str:
    context = report.context
    values = {key: _unquoted(value) for key, value in dict(getattr(context, "kwargs", {})).items()}
    return name_of(getattr(context, "msg", None), values)


def _unquoted(value: Any) -> str:
    """The value itself (of the plugin for pytest 8), or what is behind a `repr`: pytest keeps one of each value, and
    makes another when a worker sends it."""
    text = readable(value)
    with suppress(ValueError, SyntaxError):
        while text.startswith(("'", '"')):
            text = str(ast.literal_eval(text))
    return text


def _is_failure(report: pytest.TestReport) -> bool:
    return report.outcome not in ("passed", "skipped")  # "rerun" is a failure that gets another attempt


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = getattr(crash, "message", None)
    if not isinstance(text, str):
        text = _essence(_text(report))
    return trim(without_escapes(text).strip(), MESSAGE)


def _essence(text: str) -> str:
    """The lines of a failure that say what is wrong: the marked ones, what a doctest expected and got, or the last."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    if errors:
        return "\n".join(errors)
    doctest = _DOCTEST.search(text)
    return (doctest["exception"] or doctest["difference"]) if doctest else "\n".join(lines[-3:])


def _traceback(report: pytest.TestReport | pytest.CollectReport) -> str:
    return trim(without_escapes(_text(report)), TRACEBACK)


def _text(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What pytest prints of a failure, without the worker's interpreter that `longreprtext` puts above it."""
    return str(report.longrepr) if report.longrepr is not None else ""


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    place = report.longrepr
    text = str(place[2]) if isinstance(place, tuple) and len(place) == 3 else _message(report)
    return trim(without_escapes(text).removeprefix("Skipped: "), MESSAGE)


def _xfail(text: str) -> str:
    return trim(without_escapes(str(text)).removeprefix("reason: "), MESSAGE)
