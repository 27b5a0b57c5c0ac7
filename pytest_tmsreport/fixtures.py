"""Fixtures become steps, where the setting `fixtures` asks for it.

Reported is what is defined below the rootdir: those of pytest and of installed plugins say nothing about the test.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import pytest

from .guard import Guard
from .recorder import OpenStep, blame, end, running
from .render import readable

INSTALLED = {"site-packages", "dist-packages"}
"""Folders of packages that are not the project's, also where its environment lies below the rootdir."""
Definition = pytest.FixtureDef[Any]


class _Live(NamedTuple):
    """A fixture that is set up: its title, and how many finalizers it had before."""

    title: str
    finalizers: int


class Fixtures:
    """Listens wherever tests run. A fixture is a step of the phase that sets it up, and of the one that tears it down.

    It changes neither what pytest runs nor in which order: before a teardown it adds a finalizer that runs first.
    """

    def __init__(self, root: Path, guard: Guard) -> None:
        self._root = os.path.realpath(root)
        self._guard = guard
        self._is_ours = functools.cache(self._lies_below)
        self._live: dict[Definition, _Live] = {}
        self._ending: dict[Definition, OpenStep] = {}
        self._ended: dict[Definition, OpenStep] = {}

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)  # a new wrapper would stand in the traceback of every failure
    def pytest_fixture_setup(
        self, fixturedef: Definition, request: pytest.FixtureRequest
    ) -> Generator[None, Any, None]:
        begun: OpenStep | None = None
        with self._guard("reporting a fixture"):
            code = _code(fixturedef.func)
            if code is not None and self._is_ours(code.co_filename):
                title = fixturedef.argname
                title += f"[{readable(request.param)}]" if hasattr(request, "param") else ""
                self._live[fixturedef] = _Live(title, _finalizers(fixturedef))
                begun = _begin(title)
        outcome = yield
        if begun is not None:
            with self._guard("reporting a fixture"):
                end(begun, outcome.exception)
                if fixturedef.scope != "function":
                    self._await(fixturedef)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        self._ended.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Not at setup: a fixture may hand out a function that adds finalizers while the test runs."""
        with self._guard("reporting a fixture"):
            for fixturedef in self._live:
                if fixturedef.scope == "function":
                    self._await(fixturedef)

    def pytest_fixture_post_finalizer(self, fixturedef: Definition) -> None:
        with self._guard("reporting a fixture"):
            self._live.pop(fixturedef, None)
            ending = self._ending.pop(fixturedef, None)
            if ending is not None:
                end(ending, None)
                self._ended[fixturedef] = ending

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """pytest keeps what a teardown raises until all of them are over."""
        if call.excinfo is not None and self._ended:
            with self._guard("reporting a fixture"):
                for fixturedef, error in _culprits(call.excinfo.value):
                    if fixturedef in self._ended:
                        blame(self._ended[fixturedef], error)

    def _await(self, fixturedef: Definition) -> None:
        """Hears of the teardown, where there is something to tear down."""
        is_set_up = fixturedef.cached_result is not None  # after a rerun it may not be, and must be left alone
        if is_set_up and _finalizers(fixturedef) > self._live[fixturedef].finalizers:
            fixturedef.addfinalizer(functools.partial(self._begin_teardown, fixturedef))

    def _begin_teardown(self, fixturedef: Definition) -> None:
        with self._guard("reporting a fixture"):
            begun = _begin(f"teardown of {self._live[fixturedef].title}") if fixturedef in self._live else None
            if begun is not None:
                self._ending[fixturedef] = begun

    def _lies_below(self, file: str) -> bool:
        path = Path(os.path.realpath(file))
        return path.is_relative_to(self._root) and not INSTALLED & {*path.relative_to(self._root).parts}


def _begin(title: str) -> OpenStep | None:
    recording = running()
    return recording.begin(title, "", "", around=True) if recording is not None else None


def _code(function: Callable[..., Any]) -> CodeType | None:
    function = inspect.unwrap(function)
    while isinstance(function, functools.partial):
        function = inspect.unwrap(function.func)
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _finalizers(fixturedef: Definition) -> int:
    """How many finalizers a fixture has of its own: those that end other fixtures first are not counted."""
    found = getattr(fixturedef, "_finalizers", ())  # pytest tells it in no other way
    owners = [getattr(getattr(each, "func", None), "__self__", None) for each in found]
    return sum(not isinstance(owner, pytest.FixtureDef) for owner in owners)


def _culprits(error: BaseException) -> Iterator[tuple[Definition, BaseException]]:
    """The fixtures whose teardown raised, and what: the innermost that a traceback went through."""
    found = None
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_name == "finish":
            owner = frame.f_locals.get("self")
            found = owner if isinstance(owner, pytest.FixtureDef) else found
        traceback = traceback.tb_next
    if found is not None:
        yield found, error
    else:
        for inner in getattr(error, "exceptions", ()):  # a group that pytest made of several
            yield from _culprits(inner)
