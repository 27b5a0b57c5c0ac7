"""Subtests become steps: those of pytest's fixture `subtests`, of the plugin that had it before, and of unittest.

Reports of subtests tell neither when one began nor, for unittest, how long it took, so the step stands around the
subtest itself: what is said within it nests, and its time is ours.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from .guard import Guard
from .recorder import step
from .render import readable

if TYPE_CHECKING:
    from .witness import Witness

HOMES = ("_pytest.subtests", "pytest_subtests.plugin")


class Subtests:
    """Listens wherever tests run, once there is a test that may have subtests."""

    def __init__(self, manager: pytest.PytestPluginManager, witness: Witness, guard: Guard) -> None:
        self._manager = manager
        self._witness = witness
        self._guard = guard

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        with self._guard("listening to subtests"):
            if any(map(_may_have_some, session.items)):
                self._manager.register(_Listener(self._witness, self._guard), "tmsreport-subtests-listener")


class _Listener:
    def __init__(self, witness: Witness, guard: Guard) -> None:
        self._witness = witness
        self._guard = guard

    @pytest.hookimpl(hookwrapper=True)  # a new wrapper would stand in the traceback of every failure
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, None]:
        outcome = yield
        if fixturedef.argname == "subtests" and outcome.exception is None:
            with self._guard("listening to subtests"):
                if fixturedef.func.__module__ in HOMES:
                    _listen(outcome.get_result(), "test")

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)  # as above
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        with self._guard("listening to subtests"):
            if _is_of_unittest(item):
                _listen(getattr(item, "instance", None), "subTest")
        self._witness.is_within = True
        yield
        self._witness.is_within = False


def _may_have_some(item: pytest.Item) -> bool:
    return "subtests" in getattr(item, "fixturenames", ()) or _is_of_unittest(item)


def _is_of_unittest(item: pytest.Item) -> bool:
    unittest, cls = sys.modules.get("unittest"), getattr(item, "cls", None)
    return unittest is not None and cls is not None and issubclass(cls, unittest.TestCase)


def name_of(message: object, values: Mapping[str, str]) -> str:
    """What a subtest is called: its message, and its values in parentheses."""
    told = ", ".join(f"{key}={value}" for key, value in values.items())
    return " ".join(part for part in (str(message or ""), f"({told})" if told else "") if part)


def _listen(owner: Any, method: str) -> None:
    """The owner's own method, from now on with a step; its class stays as it is."""
    if method not in vars(owner):
        setattr(owner, method, functools.partial(_Subtest, getattr(owner, method)))


class _Subtest:
    """A subtest as its owner makes it, and a step that lasts as long."""

    def __init__(self, inner: Callable[..., AbstractContextManager[Any]], /, *args: Any, **kwargs: Any) -> None:
        self._inner = inner(*args, **kwargs)
        self._args, self._kwargs = args, kwargs
        self._step: step | None = None

    def __enter__(self) -> Any:
        __tracebackhide__ = True
        entered = self._inner.__enter__()
        values = {key: readable(value) for key, value in self._kwargs.items() if key != "msg"}
        message = self._args[0] if self._args else self._kwargs.get("msg")
        self._step = step(name_of("" if message is None else readable(message), values) or "subtest").__enter__()
        return entered

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        __tracebackhide__ = True
        if self._step is not None:
            self._step.__exit__(kind, error, traceback)
        return self._inner.__exit__(kind, error, traceback)
