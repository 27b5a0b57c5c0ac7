"""The phase reports of one test -> one result. The outcome table lives here."""

from __future__ import annotations

import ast
import base64
import itertools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import pytest

from .model import Attachment, Link, Outcome, Phase, Result, Step
from .nodeids import suite_of, title_of
from .render import readable, trim, without_escapes
from .subtests import name_of
from .witness import said
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
_WHOLE = ("nodeid", "ids", "ignored_by", "message", "traceback", "worker")
_KEPT = ("id", "key", "sha256", "files", "outcome", "mime", "kind")


class Captured(NamedTuple):
    """What a phase printed: `name` as pytest heads it, such as `Captured stdout call`."""

    name: str
    text: str


class Closed(NamedTuple):
    """A finished attempt, what was printed meanwhile, the files that travelled in its reports, and those not kept."""

    result: Result
    captured: list[Captured]
    travelled: Sequence[tuple[Attachment, bytes]] = ()
    unattached: Sequence[str] = ()


@dataclass
class _Attempt:
    """The reports of an attempt so far."""

    number: int
    phases: dict[str, pytest.TestReport] = field(default_factory=dict)
    subtests: list[Any] = field(default_factory=list)
    times: dict[str, Phase] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, list[Any]] = field(default_factory=dict)
    said: dict[str, Any] = field(default_factory=dict)
    is_rerun: bool = False


class Collector:
    """Hears every report of a session, in the only process or in xdist's controller.

    `new_id` makes a result's id, `clock` tells epoch seconds, `noted` the words of the test that a dead worker ran.
    """

    def __init__(
        self,
        new_id: Callable[[], str],
        clock: Callable[[], float],
        noted: Callable[[str, str], dict[str, Any]] = lambda _worker, _nodeid: {},
    ) -> None:
        self.ignored = 0
        self.wrong: dict[str, tuple[str, ...]] = {}
        self._new_id = new_id
        self._clock = clock
        self._noted = noted
        self._open: dict[tuple[str, str], _Attempt] = {}
        self._failed_attempts: dict[str, list[str]] = {}
        self._sections: dict[str, int] = {}
        self._collected: dict[str, None] = {}
        self._ended: set[str] = set()
        self._unimportable: set[str] = set()

    def expect(self, nodeids: list[str]) -> None:
        """Notes the tests that were collected and not deselected; the replacement of a dead worker collects again."""
        self._collected.update((nodeid, None) for nodeid in nodeids if nodeid not in self._ended)

    def not_run(self) -> list[str]:
        """Those that have no result: the session ended before they did."""
        return list(self._collected)

    def take(self, report: Any) -> list[Closed]:
        """Hears one report; returns the attempts that are now over: two where one before ended without a teardown."""
        worker = _worker(report)
        key = (report.nodeid, worker)
        closed: list[Closed] = []
        attempt = self._open.get(key)
        if attempt and attempt.is_rerun and report.when == "setup":
            closed += self._close(key)
            attempt = None
        if attempt is None:
            if report.when == "teardown":
                return closed  # what follows a rerun that is over
            attempt = self._open[key] = _Attempt(len(self._failed_attempts.get(report.nodeid, ())) + 1)
        self._hear(attempt, report, worker)
        if report.when not in ("setup", "call"):
            closed += self._close(key)
        return closed

    def take_module(self, report: pytest.CollectReport) -> list[Closed]:
        """A module, class or file that could not be collected, or was skipped as a whole, is a result of its own."""
        if report.passed or report.nodeid in self._unimportable:
            return []
        self._unimportable.add(report.nodeid)
        outcome = Outcome.SKIPPED if report.skipped else Outcome.ERROR
        message = _reason(report) if report.skipped else f"not collected: {_message(report)}"
        result = Result(
            id=self._new_id(),
            nodeid=trim(report.nodeid or ".", NODEID),
            title=title_of(report.nodeid) or ".",
            suite=suite_of(report.nodeid),
            outcome=outcome,
            start=self._clock(),
            duration=0.0,
            message=message,
            traceback="" if report.skipped else _traceback(report),
        )
        return [Closed(result, _sections(report))]

    def unfinished(self) -> list[tuple[str, Callable[[], list[Closed]]]]:
        """The session is over: what has run and was to be repeated, or never got to its teardown, ends with it.

        Returns the node ids of such tests, each with a function that ends it.
        """
        return [(key[0], partial(self._end, key)) for key in self._open]

    def _end(self, key: tuple[str, str]) -> list[Closed]:
        return list(self._close(key))

    def _hear(self, attempt: _Attempt, report: Any, worker: str) -> None:
        told = said(report)
        if _is_subtest(report):  # its parent's own report comes later
            attempt.subtests.append(report)
            return
        if report.when == CRASH:
            attempt.words = attempt.words or self._noted(worker, report.nodeid)
        attempt.words = told.get("words") or attempt.words
        attempt.steps[report.when] = told.get("steps", [])
        attempt.said = told.get("said") or attempt.said
        attempt.phases[report.when] = report
        attempt.is_rerun = attempt.is_rerun or report.outcome == "rerun"
        if "start" in told:
            attempt.times[report.when] = Phase(told["start"], told["duration"])

    def _close(self, key: tuple[str, str]) -> Iterator[Closed]:
        nodeid, worker = key
        attempt = self._open.pop(key)
        verdict = _judge(attempt)
        if verdict is None:
            return  # set up and torn down without having run: named among those that never ran
        outcome, message, traceback = verdict
        self._collected.pop(nodeid, None)
        self._ended.add(nodeid)
        earlier = self._failed_attempts.get(nodeid, [])
        if attempt.is_rerun:
            self._failed_attempts[nodeid] = [*earlier, trim(message, 500)]
        else:
            self._failed_attempts.pop(nodeid, None)
        words = _with_said(attempt.words, attempt.said)
        if words.get("wrong"):
            self.wrong[nodeid] = tuple(words["wrong"])
        captured = list(self._captured(nodeid, attempt))
        if words.get("ignore"):
            self.ignored += 1
            return
        start, duration = self._span(attempt)
        files = words.get("attachments", ())
        parameters = words.get("parameters", {})
        yield Closed(
            Result(
                id=self._new_id(),
                nodeid=trim(nodeid, NODEID),
                title=words.get("title") or title_of(nodeid),
                outcome=outcome,
                start=start,
                duration=duration,
                phases=attempt.times,
                message=message,
                traceback=traceback,
                ignored_by=tuple(words.get("ignored_by", ())),
                ids=tuple({name: tuple(ids) for name, ids in mark.items()} for mark in words.get("ids", ())),
                suite=tuple(words.get("suite") or suite_of(nodeid)),
                parameters={name: value for name, value in parameters.items() if name not in words.get("hidden", ())},
                description=words.get("description", ""),
                tags=tuple(words.get("tags", ())),
                fields={**_properties(attempt), **words.get("fields", {})},
                links=tuple(Link(**link) for link in words.get("links", ())),
                worker=worker,
                attempt=attempt.number,
                superseded=attempt.is_rerun,
                earlier=tuple(earlier),
                notes=tuple(words.get("notes", ())),
                steps=tuple(Step.from_json(each) for steps in attempt.steps.values() for each in steps),
                attachments=tuple(_attachment(each) for each in files),
            ),
            captured,
            [(_attachment(each), base64.b64decode(each["data"])) for each in files if "data" in each],
            words.get("unattached", ()),
        )

    def _span(self, attempt: _Attempt) -> tuple[float, float]:
        times = list(attempt.times.values())
        start = times[0].start if times else self._clock()
        end = (
            self._clock()
            if CRASH in attempt.phases
            else max((each.start + each.duration for each in times), default=start)
        )
        return start, max(end - start, 0.0)

    def _captured(self, nodeid: str, attempt: _Attempt) -> Iterator[Captured]:
        """What this attempt printed: pytest keeps an item's sections through its reruns."""
        for report in attempt.subtests:
            yield from _sections(report)
        own = [report for report in attempt.phases.values() if report.when != CRASH]
        sections = _sections(own[-1]) if own else []
        known = self._sections.pop(nodeid, 0)
        if attempt.is_rerun:
            self._sections[nodeid] = len(sections)
        yield from sections[known:]


def _sections(report: Any) -> list[Captured]:
    """What a report says was printed; anybody may add to it."""
    return [Captured(*each) for each in report.sections if isinstance(each, (list, tuple)) and len(each) == 2]


def _is_subtest(report: Any) -> bool:
    """True for a report of a subtest; a conftest may give any other a `context` of its own."""
    context = getattr(report, "context", None)
    return hasattr(context, "msg") and hasattr(context, "kwargs")


def _properties(attempt: _Attempt) -> dict[str, str]:
    """What `record_property` and other plugins have said: the last of a name counts."""
    told = (getattr(report, "user_properties", ()) for report in reversed(attempt.phases.values()))
    last = next((properties for properties in told if properties), ())
    pairs = (each for each in last if isinstance(each, (list, tuple)) and len(each) == 2)  # anybody may add to it
    return {readable(name): readable(value, TEXT) for name, value in pairs}


def _attachment(kept: dict[str, Any]) -> Attachment:
    return Attachment(kept["name"], kept["mime"], kept["sha256"], kept["size"])


def _with_said(words: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
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
    first, second, third, fourth = head[:8], head[8:12], f"4{head[12:15]}", f"8{head[15:18]}"
    return lambda: f"{first}-{second}-{third}-{fourth}-{next(numbers):012x}"


def clean(value: Any, mask: Callable[[str], str]) -> Any:
    """The same value with every text in it masked, and without what no tool can store (NUL, lone surrogates)."""
    if isinstance(value, str):
        text = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
        return mask(text.replace("\0", "\N{SYMBOL FOR NULL}"))
    if isinstance(value, tuple):
        return tuple(clean(each, mask) for each in value)
    if isinstance(value, dict):
        return {clean(key, mask): clean(held, mask) for key, held in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        held = {entry.name: getattr(value, entry.name) for entry in fields(value) if entry.name not in _KEPT}
        changed = {name: new for name, old in held.items() if (new := clean(old, mask)) != old}
        return replace(value, **changed) if changed else value
    return value


def fitted(result: Result) -> Result:
    """The same result with no text longer than a journal's line bears, and no name that cannot be read."""
    title = " ".join(trim(result.title, TEXT).split())
    return replace(
        result,
        suite=tuple(part for part in result.suite if part.strip()),
        tags=tuple(tag for tag in result.tags if tag.strip()),
        nodeid=trim(result.nodeid, NODEID),
        title=title or title_of(trim(result.nodeid, NODEID)).strip() or "?",
        message=trim(result.message, MESSAGE),
        traceback=trim(result.traceback, TRACEBACK),
        description=trim(result.description, TEXT),
    )


def shortened(result: Result) -> Iterator[Result]:
    """The same result, then again and again with less in it: a journal's line holds only so much."""
    yield result
    own = {name: getattr(result, name) for name in _WHOLE}
    for most in (1_000, 100, 20):
        less = clean(result, partial(trim, limit=most))
        note = f"it says more than a journal holds: each text is cut at {most} characters"
        yield replace(less, **own, notes=(*less.notes, note))
    note = "it says more than a journal holds: its steps, fields and links are left out"
    nothing = dict.fromkeys(("steps", "links", "tags", "suite", "earlier"), ())
    yield replace(less, **own, **nothing, fields={}, parameters={}, notes=(note,))


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


def _with_subtests(verdict: tuple[Outcome, str, str], subtests: list[Any]) -> tuple[Outcome, str, str]:
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


def _worker(report: Any) -> str:
    node = getattr(report, "node", None)  # set by xdist on every report that comes from a worker; or by a conftest
    return str(getattr(getattr(node, "gateway", None), "id", ""))
