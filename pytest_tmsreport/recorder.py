"""What a running test says of itself: steps, files, notes, fields, tags, links, title, parameters, cases.

Every function here is safe anywhere: where no test of a reporting session runs, it does nothing.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import aclosing, closing, contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from threading import get_ident
from types import TracebackType
from typing import Any, TypeVar

from .clock import Clock
from .keeping import Keeper
from .model import DEEPEST, Outcome
from .render import plain, readable, trim

Function = TypeVar("Function", bound=Callable[..., Any])
TITLE, TEXT = 500, 10_000
"""Most characters of a step's title, and of any other text that a test says."""
STEPS = 5_000
"""Most steps of one test: a loop that steps without end is cut, and says so."""


@dataclass
class OpenStep:
    """A step as it is recorded: times in microseconds, inner steps in the order in which they began.

    `place` tells the phase that it was begun in from every other, `outer` is the step that it stands in. One that is
    `around` what others run, such as a fixture, holds all that has no place in a nest of its own meanwhile.
    """

    title: str
    start: int
    expected: str = ""
    data: str = ""
    duration: int | None = None
    outcome: Outcome = Outcome.PASSED
    message: str = ""
    steps: list[OpenStep] = dataclasses.field(default_factory=list)
    files: list[str] = dataclasses.field(default_factory=list)
    depth: int = 1
    place: object = None
    outer: OpenStep | None = None
    around: bool = False

    def to_json(self, now: int) -> dict[str, Any]:
        """As a `Step` reads it; one that is still open lasts until `now`."""
        found: dict[str, Any] = {"title": self.title, "outcome": self.outcome.value, "start": self.start / 1e6}
        found["duration"] = (now - self.start if self.duration is None else self.duration) / 1e6
        for name in ("expected", "data", "message"):
            if text := getattr(self, name):
                found[name] = text
        if self.files:
            found["files"] = list(self.files)
        if self.steps:
            found["steps"] = [inner.to_json(now) for inner in self.steps]
        return found


class Recording:
    """What one attempt at a test has said so far. A witness begins it, and reads it when a phase has ended."""

    def __init__(
        self,
        clock: Clock,
        keeper: Keeper | None = None,
        names: Container[str] | None = None,
        *,
        takes_files: bool = True,
    ) -> None:
        self.clock = clock
        self.takes_files = takes_files
        self.names = names  # of destinations and vendors, where they are known
        self._keeper = keeper
        self.steps: list[OpenStep] = []
        self.words: dict[str, Any] = {}
        self._number = 0
        self._place = object()
        self._told = 0  # how many of the steps belong to phases that are over
        self._thread = get_ident()
        self._around: OpenStep | None = None
        self._latest: OpenStep | None = None  # of those that were begun by the thread that runs the test

    def begin(
        self, title: str, expected: str, data: str, *, follows: bool = False, around: bool = False
    ) -> OpenStep | None:
        """A new step, within the one that is open here; None where there are too many.

        With `follows`, a thread that has none open takes the one that is open where the test runs.
        """
        self._number += 1
        if self._number > STEPS:
            if self._number == STEPS + 1:
                self.note(f"only the first {STEPS} steps are reported")
            return None
        title = title if title.strip() else "(no title)"  # tools refuse a step without one, and the result with it
        step = OpenStep(trim(title, TITLE), self.clock(), trim(expected, TEXT), trim(data, TEXT), place=self._place)
        outer = self._here(follows=follows)
        if outer is not None and outer.depth < DEEPEST:
            step.outer, step.depth = outer, outer.depth + 1
            outer.steps.append(step)
        else:
            self.steps.append(step)
        if get_ident() == self._thread:
            self._latest = step
        if around:
            self._around, step.around = step, True
        _inner.set(step)
        return step

    def _here(self, *, follows: bool) -> OpenStep | None:
        """The innermost step that is open here."""
        found = self._still_open(_inner.get()) or self._still_open(self._around)
        if found is None and follows and get_ident() != self._thread:
            found = self._still_open(self._latest)
        return found

    def _still_open(self, step: OpenStep | None) -> OpenStep | None:
        """The step, or the nearest around it that is not over: it may have been ended elsewhere."""
        while step is not None and (step.duration is not None or step.place is not self._place):
            step = step.outer
        return step

    def note(self, text: str) -> None:
        self.words.setdefault("notes", []).append(trim(text, TEXT))

    def attach(self, source: Any, name: str, mime: str, *, follows: bool = False) -> None:
        """Keeps a file of the test, where those are wanted; see `keep`."""
        if self.takes_files:
            self.keep(source, name, mime, follows=follows)

    def keep(self, source: Any, name: str, mime: str, *, follows: bool = False) -> None:
        """Keeps a file as it is now, with the step that is open here (`follows`: as in `begin`).

        What cannot be kept is a note.
        """
        if self._keeper is None:
            return
        try:
            kept = self._keeper.keep(source, name, mime)
        except Exception as error:  # noqa: BLE001 - somebody's object must not fail somebody's test
            said = source if isinstance(source, (str, os.PathLike)) else type(source).__name__
            text = trim(f"{plain(name or str(said))}: {error}", TEXT)
            self.words.setdefault("unattached", []).append(text)
            self.note(f"not attached: {text}")
            return
        self.words.setdefault("attachments", []).append(kept)
        inner = self._here(follows=follows)
        if inner is not None:
            inner.files.append(kept["sha256"])

    def turn(self) -> list[OpenStep]:
        """A phase is over: its steps."""
        steps = self.steps[self._told :]
        self._told = len(self.steps)
        self._place = object()  # a fixture's step may stay open until teardown; what comes meanwhile is no part of it
        return steps


_recording: Recording | None = None
_inner: ContextVar[OpenStep | None] = ContextVar("pytest_tmsreport_step", default=None)


def record(recording: Recording | None) -> None:
    """From now on, what is said goes there; None: nowhere."""
    global _recording  # noqa: PLW0603 - a process runs one test at a time
    _recording = recording
    _inner.set(None)


def running() -> Recording | None:
    """What the attempt that runs now is recorded in, where it is."""
    return _recording


def end(begun: OpenStep, error: BaseException | None) -> None:
    """Ends a step that `Recording.begin` began, on whichever thread; `error` is what left it."""
    recording = _recording
    if recording is not None:
        begun.duration = recording.clock() - begun.start
    if error is not None and not isinstance(error, GeneratorExit):
        blame(begun, error)
    if begun.around or _inner.get() is begun:
        _inner.set(begun.outer)


def blame(ended: OpenStep, error: BaseException) -> None:
    """Says what became of a step, also where that is found out after its end."""
    ended.outcome = _outcome_of(error)
    ended.message = trim(_message_of(error), TEXT)


class step:  # noqa: N801 - reads as a word of the language: `with tms.step("open cart"):`
    """A named, timed part of a test: a `with` block, or a decorator of a function, method, generator or coroutine.

    `title` of a decorator may hold the function's arguments: `@step("pay {amount}")`. `expected` and `data` are texts.
    Steps nest; each thread, task and generator has its own place in the nest (see `carry` for a bare thread). An
    exception that leaves the block fails the step (`pytest.skip` skips it, `pytest.xfail` makes it xfailed), and
    goes on.
    """

    def __init__(self, title: str, *, expected: str = "", data: Any = "") -> None:
        self._title = title
        self._expected = expected
        self._data = data
        self._open: list[OpenStep | None] = []
        self._outer: OpenStep | None = None

    def __enter__(self) -> step:  # noqa: PYI034 - Self needs Python 3.11
        recording = _recording
        begun = None
        self._outer = _inner.get()
        if recording is not None:
            begun = recording.begin(str(self._title), str(self._expected), readable(self._data, TEXT))
        self._open.append(begun)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        begun = self._open.pop()
        if begun is not None:
            is_here = _inner.get() is begun  # else it ends in another context, whose place in the nest is its own
            end(begun, error)
            if is_here:
                _inner.set(self._outer)

    def __call__(self, function: Function) -> Function:
        decorated: Function = _decorated(function, self)
        return decorated

    def of_call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> step:
        """This step for one call of a function, the arguments in its title."""
        title = self._title
        if _recording is not None and "{" in title:
            title = _filled(title, function, args, kwargs)
        return step(title, expected=self._expected, data=self._data)

    @contextmanager
    def left(self) -> Iterator[None]:
        """While a generator waits at a `yield`, what its caller does is no part of its step."""
        _inner.set(self._outer)
        try:
            yield
        finally:
            self._outer = _inner.get()
            _inner.set(self._open[-1])


def carry(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, to be run in a bare thread: its steps stand within the step that is open here and now."""
    context = copy_context()
    return lambda *args, **kwargs: context.copy().run(function, *args, **kwargs)


def attach(source: Any, name: str = "", mime: str = "") -> None:
    """Adds a file to the result, or to the step that is open here, as it is now.

    `source` is a path, bytes, an open file, a PIL image, a matplotlib figure, or a text where a `name` is given. Links,
    folders, devices and pipes are refused. What cannot be kept is a note of the result, never an error.
    """
    if _recording is not None:
        _recording.attach(source, str(name), str(mime))


def note(text: str) -> None:
    """Adds words to the result."""
    if _recording is not None:
        _recording.note(str(text))


def field(name: str, value: Any) -> None:
    """Sets a field of the result; the last value counts."""
    _update("fields", {str(name): readable(value, TEXT)})


def tag(*tags: str) -> None:
    """Adds tags."""
    _extend("tags", [trim(str(each), TITLE) for each in tags])


def link(url: str, name: str = "", kind: str = "link") -> None:
    """Adds a web address; `kind` is `issue` or `link`."""
    _extend("links", [{"url": str(url), "name": str(name), "kind": str(kind)}])


def title(text: str) -> None:
    """Replaces the test's title."""
    if _recording is not None:
        _recording.words["title"] = trim(str(text), TITLE)


def description(text: str) -> None:
    """Replaces the test's description."""
    if _recording is not None:
        _recording.words["description"] = trim(str(text), TEXT)


def suite(*path: str) -> None:
    """Replaces the names of the suites that the test stands in, the outermost first."""
    if _recording is not None:
        _recording.words["suite"] = [trim(str(each), TITLE) for each in path]


def parameter(name: str, value: Any) -> None:
    """Adds a parameter, or replaces one."""
    _update("parameters", {str(name): readable(value)})


def hide(name: str) -> None:
    """Leaves a parameter out of the result."""
    _extend("hidden", [name])


def case(*ids: str | int, **ids_of: str | int | Sequence[str | int]) -> None:
    """Files the test under these cases, as the mark does: positional ids for every destination, keywords for one."""
    if _recording is not None:
        mark: dict[str, list[str]] = {"": [str(each) for each in ids]} if ids else {}
        for name, value in ids_of.items():
            is_dialect = name.startswith("@")  # another plugin's words
            if _recording.names is not None and name not in _recording.names and not is_dialect:
                _extend("wrong", [f"{name}= is neither a destination nor a vendor"])
            mark[name] = [str(each) for each in (value if isinstance(value, (list, tuple)) else (value,))]
        _recording.words["ids"] = [mark, *_recording.words.get("ids", ())]


def _update(key: str, values: dict[str, str]) -> None:
    if _recording is not None:
        _recording.words.setdefault(key, {}).update(values)


def _extend(key: str, values: list[Any]) -> None:
    if _recording is not None:
        held = _recording.words.setdefault(key, [])
        held += [value for value in values if value not in held]


def _decorated(function: Any, made: step) -> Any:
    if inspect.isasyncgenfunction(function):
        return _async_generator(function, made)
    if inspect.isgeneratorfunction(function):
        return _generator(function, made)
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            with made.of_call(function, args, kwargs):
                return await function(*args, **kwargs)

        return awaited

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        with made.of_call(function, args, kwargs):
            return function(*args, **kwargs)

    return called


def _generator(function: Any, made: step) -> Any:
    @functools.wraps(function)
    def generated(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        advance = functools.partial(next, inner)
        with made.of_call(function, args, kwargs) as here, closing(inner):
            while True:
                try:
                    value = advance()
                except StopIteration as end:
                    return end.value
                with here.left():
                    try:
                        advance = functools.partial(inner.send, (yield value))
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - thrown in by the caller, and meant for the function
                        advance = functools.partial(inner.throw, error)

    return generated


def _async_generator(function: Any, made: step) -> Any:
    @functools.wraps(function)
    async def generated(*args: Any, **kwargs: Any) -> Any:
        inner = function(*args, **kwargs)
        advance = functools.partial(inner.asend, None)
        with made.of_call(function, args, kwargs) as here:
            async with aclosing(inner):
                while True:
                    try:
                        value = await advance()
                    except StopAsyncIteration:
                        return
                    with here.left():
                        try:
                            advance = functools.partial(inner.asend, (yield value))
                        except GeneratorExit:
                            raise
                        except BaseException as error:  # noqa: BLE001 - as above
                            advance = functools.partial(inner.athrow, error)

    return generated


def _filled(template: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
        bound.apply_defaults()
        return template.format_map({name: readable(value) for name, value in bound.arguments.items()})
    except Exception:  # noqa: BLE001 - a title that cannot be filled is shown as it is
        return template


def _outcome_of(error: BaseException) -> Outcome:
    pytest = sys.modules.get("pytest")
    unittest = sys.modules.get("unittest")
    if pytest is not None and isinstance(error, pytest.xfail.Exception):
        return Outcome.XFAILED
    if pytest is not None and isinstance(error, pytest.skip.Exception):
        return Outcome.SKIPPED
    if unittest is not None and isinstance(error, unittest.SkipTest):
        return Outcome.SKIPPED
    return Outcome.FAILED


def _message_of(error: BaseException) -> str:
    try:
        text = str(getattr(error, "msg", None) or error)
    except Exception:  # noqa: BLE001 - somebody's __str__
        text = ""
    if _outcome_of(error) is not Outcome.FAILED:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
