"""pytest-bdd, 7 and later: feature, scenario and tags say what the test is, Given, When and Then are its steps.

Source: pytest-bdd's hooks, and its `scenario.py` and `parser.py` of 7.0, 8.1 and 9.0. It is never imported from here.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from ..recorder import step
from ..render import readable
from ..words import Words

MARKS = ()
NO_TAGS = ("qase.",)
"""What tags begin with that are words for the plugin of a tool, which has a dialect of its own."""
EXAMPLE = "_pytest_bdd_example"
"""The parameter that holds a row of a scenario outline: column -> value."""


def read(item: Any, marks: Mapping[str, Sequence[Any]]) -> Words | None:
    """The words of a scenario."""
    scenario = _scenario_of(getattr(item, "obj", None))
    if scenario is None:
        return None
    feature, rule = scenario.feature, getattr(scenario, "rule", None)
    example = getattr(getattr(item, "callspec", None), "params", {}).get(EXAMPLE) or {}
    tables = scenario.examples if isinstance(scenario.examples, list) else []
    tags = {*feature.tags, *(rule.tags if rule else ()), *scenario.tags}
    tags |= {tag for table in tables for tag in table.tags if tag in marks}  # of the table that the row is from
    return Words(
        title=_filled(scenario.name, example),
        suite=tuple(part.name for part in (feature, rule) if part and part.name),
        description="\n\n".join(inspect.cleandoc(part.description) for part in (feature, scenario) if part.description),
        tags=tuple(sorted(tag for tag in tags if not tag.startswith(NO_TAGS))),
        parameters={str(name): readable(value) for name, value in example.items()},
        hidden=(EXAMPLE,),
    )


def knows_unmarked(_config: Any) -> bool:
    """A scenario is known by its function."""
    return "pytest_bdd" in sys.modules


def listen(config: Any, guard: Any) -> Callable[[], None] | None:
    """Hears each step of a scenario, where pytest-bdd is active."""
    caller = getattr(config.hook, "pytest_bdd_before_step", None)
    if caller is None or not caller.has_spec():
        return None
    listener = _Listener(guard)
    config.pluginmanager.register(listener, "tmsreport-bdd")
    return lambda: config.pluginmanager.unregister(listener)


class _Listener:
    """Reports the steps of the scenario that runs; those that were not reached are skipped."""

    def __init__(self, guard: Any) -> None:
        self._guard = guard
        self._open: step | None = None
        self._begun = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_before_scenario(self) -> None:
        self._open, self._begun = None, 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_before_step(self, step: Any) -> None:
        self._begin(step)

    @pytest.hookimpl(tryfirst=True)
    def pytest_bdd_step_func_lookup_error(self, step: Any) -> None:
        self._begin(step)

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_after_step(self) -> None:
        self._end(None)

    @pytest.hookimpl(trylast=True)
    def pytest_bdd_after_scenario(self, scenario: Any) -> None:
        """Called where an exception is on its way, too: of `pytest.fail` and `pytest.skip` no other hook tells."""
        self._end(sys.exc_info()[1])
        with self._guard("reporting what a scenario did not reach"):
            for each in scenario.steps[self._begun :]:
                self._begin(each)
                self._end(pytest.skip.Exception("not reached"))

    def _begin(self, said: Any) -> None:
        self._begun += 1
        with self._guard("reporting a step of a scenario"):
            name, _, more = str(said.name).partition("\n")  # before 8 a docstring or table was part of the name
            title = f"{said.keyword.strip()} {name}"
            parts = [more, getattr(said, "docstring", None), _as_text(getattr(said, "datatable", None))]
            self._open = step(title, data="\n".join(part for part in parts if part)).__enter__()

    def _end(self, error: BaseException | None) -> None:
        with self._guard("reporting a step of a scenario"):
            ended, self._open = self._open, None
            if ended is not None:
                ended.__exit__(type(error) if error else None, error, None)


def _scenario_of(function: Any) -> Any:
    found = getattr(function, "__scenario__", None)
    home = sys.modules.get("pytest_bdd.scenario")
    if found is None and home is not None and inspect.isfunction(function):  # from 9 on
        found = getattr(home, "scenario_wrapper_template_registry", {}).get(function)
    return found


def _filled(title: str, example: Mapping[str, Any]) -> str:
    for name, value in example.items():
        title = title.replace(f"<{name}>", str(value))
    return title


def _as_text(table: Any) -> str:
    rows = table.raw() if table is not None else ()
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
