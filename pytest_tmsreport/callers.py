"""Calls what a `conftest.py` implements of our hooks, one implementation after the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from .guard import Guard
from .journal import encode
from .model import Result, Run

Value = TypeVar("Value", Result, Run)
ANY = (Exception, pytest.fail.Exception, pytest.skip.Exception)
"""What a hook may raise: what ends a test is no Exception to pytest."""
HOOKS = ("pytest_tmsreport_run", "pytest_tmsreport_result")


class Callers:
    """The implementations that were there before collection.

    Those of conftest files that load while tests are collected would be called without xdist, and never with it: they
    are called in no mode, and named by `late`.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._manager = config.pluginmanager
        self._early: dict[str, list[Callable[..., list[Any]]]] = {}
        self._known: set[Any] = set()

    def freeze(self) -> None:
        """Takes what is there now."""
        plugins = {id(plugin): plugin for plugin in self._manager.get_plugins()}
        self._known = set(plugins)
        for name in HOOKS:
            owners = [each.plugin for each in reversed(getattr(self._manager.hook, name).get_hookimpls())]
            self._early[name] = [
                self._manager.subset_hook_caller(name, [other for other in plugins.values() if other is not owner])
                for owner in owners
            ]

    def late(self) -> list[str]:
        """What to say of the implementations that came too late."""
        found = []
        for name in HOOKS:
            for each in getattr(self._manager.hook, name).get_hookimpls():
                if id(each.plugin) not in self._known:
                    place = getattr(each.plugin, "__file__", each.plugin_name)
                    found.append(
                        f"{name} in {place} is not called: move it to a conftest.py of the rootdir or of testpaths"
                    )
        return found

    def listen(self, name: str) -> bool:
        """True where there is an implementation."""
        return bool(self._early.get(name))

    def apply(self, name: str, argument: str, value: Value, guard: Guard) -> Value | None:
        """The value as every implementation in turn leaves it; None where one answers False."""
        for caller in self._early.get(name, ()):
            try:  # one by one: the others count all the same
                answer = next(iter(caller(**{argument: value})), None)
                if answer is False and isinstance(value, Result):
                    return None
                if answer is not None:
                    value = _checked(answer, value)
            except ANY as error:  # noqa: PERF203 - somebody's hook must not cost a result
                guard.note(f"{name} raised {type(error).__name__}: {error}; the {argument} is reported unchanged")
        return value


def _checked(answer: Any, value: Value) -> Value:
    if not isinstance(answer, type(value)):
        raise TypeError(f"it returned {type(answer).__name__}, not {type(value).__name__}")
    return type(value).from_json({**json.loads(encode(answer)), "id": value.id})
