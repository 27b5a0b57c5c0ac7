"""Stands before another plugin's functions, so that they do what they did and we hear of it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import ExitStack
from types import ModuleType
from typing import Any

import pytest

from ..recorder import step

ENTERED = "_tmsreport_step"
"""Where a context manager of theirs keeps the step of ours that it has begun."""
WAITING = pytest.StashKey[list[Any]]()
"""Where pytest's configuration keeps what waits for a module: whoever runs tests has it `look` before each."""


class Ears:
    """What stands before functions of a module, until all of it is taken away.

    What it runs for us goes through `guard`: a failing ear is a note, and the function is called all the same.
    """

    def __init__(self, guard: Any, module: str) -> None:
        self._guard = guard
        self._doing = f"hearing what a test says to {module}"
        self._stack = ExitStack()

    def on(self, owner: Any, name: str, hear: Callable[..., None]) -> None:
        """Has `hear` called with the arguments of each call of a function, which is called next."""

        def made(function: Any) -> Any:
            @functools.wraps(function)
            def called(*args: Any, **kwargs: Any) -> Any:
                __tracebackhide__ = True
                with self._guard(self._doing):
                    hear(*args, **kwargs)
                return function(*args, **kwargs)

            return called

        self._replace(owner, name, made)

    def on_steps(self, owner: Any, step_of: Callable[[Any], Callable[[], step] | None]) -> None:
        """Goes in and out of a step of ours with each context manager of a class.

        `step_of` is asked of a manager before it is entered; what it returns makes the step when it is. None: no step.
        """

        def entering(enter: Any) -> Any:
            def entered(manager: Any) -> Any:
                __tracebackhide__ = True
                make = None
                with self._guard(self._doing):
                    make = step_of(manager)
                value = enter(manager)
                with self._guard(self._doing):
                    if make is not None:
                        begun = make()
                        begun.__enter__()
                        setattr(manager, ENTERED, begun)
                return value

            return entered

        def leaving(leave: Any) -> Any:
            def left(manager: Any, *error: Any) -> Any:
                __tracebackhide__ = True
                with self._guard(self._doing):
                    begun = vars(manager).pop(ENTERED, None)
                    if begun is not None:
                        begun.__exit__(*error)
                return leave(manager, *error)

            return left

        self._replace(owner, "__enter__", entering)
        self._replace(owner, "__exit__", leaving)

    def until_closed(self, undo: Callable[..., Any], *args: Any) -> None:
        """Has something else undone with all the rest."""
        self._stack.callback(undo, *args)

    def close(self) -> None:
        """Takes all of it away, the last first."""
        self._stack.close()

    def _replace(self, owner: Any, name: str, made: Callable[[Any], Any]) -> None:
        own = vars(owner)
        before = [own[name]] if name in own else []
        ours = made(getattr(owner, name))
        set_ = staticmethod(ours) if before and isinstance(before[0], staticmethod) else ours
        setattr(owner, name, set_)

        def put_back() -> None:
            if vars(owner).get(name) is not set_:
                return  # somebody else's replacement stands around ours, which has nobody to tell any more
            if before:
                setattr(owner, name, before[0])
            else:
                delattr(owner, name)

        self._stack.callback(put_back)


def once_imported(
    config: Any, guard: Any, module: str, begin: Callable[[ModuleType, Ears], None]
) -> Callable[[], None]:
    """Has `begin` called as soon as somebody has imported the module; returns what ends it.

    We never import it ourselves: a suite that does not use it shall not pay for it. It is looked for now and before
    each test, so the test that is the first to import it is not heard.
    """
    waiting = _Waiting(guard, module, begin)
    waiting.look()
    config.stash.setdefault(WAITING, []).append(waiting)
    return waiting.ears.close


class _Waiting:
    def __init__(self, guard: Any, module: str, begin: Callable[[ModuleType, Ears], None]) -> None:
        self.ears = Ears(guard, module)
        self._guard = guard
        self.module = module
        self._begin: Callable[[ModuleType, Ears], None] | None = begin

    def look(self) -> None:
        """Begins where the module is there now."""
        begin = self._begin
        if begin is not None and self.module in sys.modules:
            self._begin = None
            with self._guard(f"listening to {self.module}"):
                begin(sys.modules[self.module], self.ears)
