"""Deselects the tests that neither a plan nor a run asks for, in every process alike."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from . import dialects
from .config import Config, load
from .covering import Covering, not_run
from .dialects._marks import VENDORS
from .errors import ConfigError, SelectionError
from .guard import Guard
from .journal import NAME, encode
from .markers import Marks
from .masking import MASK
from .planning import Kind, Wish, case_from, choose
from .render import count, plain
from .sender import Origin, revived
from .sources import source_of
from .vendor import Case, Vendor, find, is_secret

KEY = "tmsreport_selection"
"""Where xdist carries what was chosen to the workers, and what came of it back: JSON as a text."""
SHOWN = 10
"""The most cases without a test that the summary names."""
OPTIONS: Mapping[str, Kind] = {"tms_plan": "plan", "tms_run": "run", "tms_rerun_failed": "failed"}


def chosen_by(config: pytest.Config, wanted: Config | None, origin: Origin) -> dict[str, Any] | None:
    """What the options, or else `select` of the destinations, come to, as plain data; None where all tests run.

    `wanted` is what the session reports to, if it does. Raises pytest.UsageError with a remedy where it cannot be found
    out, and ends the session as one without tests where nothing has failed.
    """
    option, root = config.option, config.rootpath
    try:
        wishes = list(_of_options(option, wanted, root, origin))
        names = dict.fromkeys([*(wish.destination for wish in wishes), *option.tms_to])
        if wishes or wanted is None:
            wanted = load(root, origin.environ, sets=option.tms_set, only=tuple(names))
        wishes = wishes or list(_of_settings(wanted, root, origin, option.tms_set))
        if not wishes:
            return None
        chosen = choose(wishes, wanted, origin, root)
    except (ConfigError, SelectionError) as error:
        raise pytest.UsageError(f"tmsreport: {error}") from error
    if not any(chosen.cases.values()):
        pytest.exit(f"tmsreport: nothing to run: {_listed(wishes)}: nothing", int(pytest.ExitCode.NO_TESTS_COLLECTED))
    return {
        "wishes": wishes,
        "vendors": [_without_secrets(vendor) for vendor in chosen.vendors],
        "cases": {name: [case._asdict() for case in cases] for name, cases in chosen.cases.items()},
        "names": sorted(wanted.vendor_names()),
        "unmapped": wanted.settings.unmapped,
        "read_marks": wanted.settings.read_marks,
    }


def _of_options(option: Any, wanted: Config | None, root: Path, origin: Origin) -> Iterable[Wish]:
    for name, kind in OPTIONS.items():
        for text in getattr(option, name):
            destination, colon, id_ = text.partition(":")
            if not (colon and NAME.fullmatch(destination)):
                destination, id_ = _only_destination(text, name, wanted, option, root, origin), text
            if not id_.strip():
                raise ConfigError(f"--{name.replace('_', '-')} {text}: say which, as {destination or 'NAME'}:ID")
            yield Wish(destination, kind, id_.strip())


def _only_destination(  # noqa: PLR0913, PLR0917 - all that it takes
    text: str, name: str, wanted: Config | None, option: Any, root: Path, origin: Origin
) -> str:
    known = list((wanted or load(root, origin.environ, sets=option.tms_set, only=option.tms_to)).wanted)
    if len(known) != 1:
        several = f", one of: {', '.join(known)}" if known else ""
        raise ConfigError(f"--{name.replace('_', '-')} {text}: say whose, as NAME:{text}{several}")
    return known[0]


def _of_settings(wanted: Config, root: Path, origin: Origin, sets: Sequence[str]) -> Iterable[Wish]:
    for name in wanted.wanted if "" in wanted.problems else wanted.problems:
        if _is_selecting(name, root, origin, sets):  # else more would run than was asked for
            raise ConfigError(
                f"`select` of {name} cannot be followed: {wanted.problems.get(name) or wanted.problems['']}"
            )
    for vendor in wanted.destinations:
        if vendor.select == "all":
            continue
        key = "plan" if vendor.select == "plan" else "run_id"
        id_ = getattr(vendor, key, "")
        if not id_:
            raise ConfigError(f"`select = {vendor.select}` of {vendor.name} needs `{key}`")
        yield Wish(vendor.name, vendor.select, str(id_))


def _is_selecting(name: str, root: Path, origin: Origin, sets: Sequence[str]) -> bool:
    try:
        found = source_of(root, origin.environ, sets).look_up(name, "select")
    except ConfigError:  # the file cannot be read: nobody knows what it says
        return False
    return found is not None and found[0] != "all"


def _without_secrets(vendor: Vendor) -> dict[str, Any]:
    """A vendor's settings for a worker, which only reads marks, and may be on another machine."""
    hidden = {key for key, entry in type(vendor).__dataclass_fields__.items() if is_secret(entry)}
    return {key: MASK if key in hidden and value else value for key, value in asdict(vendor).items()}


class Selection:
    """Listens in every process: those that collect tests deselect, the one that was started by a person sums up."""

    def __init__(self, config: pytest.Config, given: Mapping[str, Any]) -> None:
        """`given` is what `chosen_by` has found."""
        self._config = config
        self._given = given
        self._output = getattr(config, "workeroutput", None)  # a worker's: xdist hands it to the controller
        self._wishes = [Wish(*each) for each in given["wishes"]]
        self._cases = {name: [case_from(each) for each in cases] for name, cases in given["cases"].items()}
        self._guard = Guard()
        self._marks = Marks(config, given["names"], dialects.find(given["read_marks"]))
        vendors = [find(each["kind"])(**revived(each)) for each in given["vendors"]]
        config.stash.setdefault(VENDORS, frozenset(vendor.kind for vendor in vendors))
        self._planned = [Covering.of(vendor, self._cases[vendor.name]) for vendor in vendors]
        self._outcome: dict[str, Any] | None = None
        self._is_said = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[KEY] = encode(self._given)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        told = getattr(node, "workeroutput", {}).get(KEY)
        if told:  # all workers have seen the same tests
            self._outcome = self._outcome or json.loads(told)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Before `-k`, `-m` and whatever else deselects: a case that those leave out is not one without a test."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        covered: dict[str, set[int]] = {planned.vendor.name: set() for planned in self._planned}
        unmapped = 0
        for item in items:
            cases: dict[str, set[int]] | None = None
            with self._guard("finding the cases of a test"):
                cases = self._cases_of(item)
                for name, found in cases.items():
                    covered[name] |= found
                unmapped += not cases
            if cases is None:  # it cannot be told, and a note says so: rather run it than leave it out
                is_wanted = True
            elif not cases:
                is_wanted = self._given["unmapped"] == "keep"
            else:
                is_wanted = any(cases.values())
            (kept if is_wanted else dropped).append(item)
        self._outcome = {
            "collected": len(items),
            "selected": len(kept),
            "unmapped": unmapped,
            "uncovered": {name: sorted({*range(len(self._cases[name]))} - found) for name, found in covered.items()},
            "notes": list(self._guard.notes),
        }
        if self._output is not None:
            self._output[KEY] = encode(self._outcome)
        if dropped:
            items[:] = kept
            config.hook.pytest_deselected(items=dropped)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._config.pluginmanager.has_plugin("tmsreport-reporter"):
            terminalreporter.write_sep("=", "test management")
        for line in self._summary():
            terminalreporter.write_line(line)
        self._is_said = True

    def pytest_unconfigure(self) -> None:
        """Speaks where there is no terminal plugin."""
        if not self._is_said and self._output is None and self._outcome:
            sys.stderr.write("".join(f"{line}\n" for line in self._summary()))

    def _cases_of(self, item: pytest.Item) -> dict[str, set[int]]:
        """Destination -> the planned cases of a test there, for each that knows a case of it, planned or not."""
        words = self._marks.words(item)
        result = not_run(item.nodeid, words.ids if words else [])
        found = {planned.vendor.name: planned.find(result) for planned in self._planned}
        return {name: cases for name, cases in found.items() if cases is not None}

    def _summary(self) -> Iterable[str]:
        outcome = self._outcome
        if outcome is None:
            yield f"selected: no test was collected, by {_listed(self._wishes)}"
            return
        number = sum(len(cases) for cases in self._cases.values())
        tests = f"{outcome['selected']} of {count(outcome['collected'], 'test')}"
        yield f"selected: {tests}, by {_listed(self._wishes)} ({count(number, 'case')})"
        if outcome["unmapped"]:
            is_kept = self._given["unmapped"] == "keep"
            words = "selected all the same (`unmapped = keep`)" if is_kept else "left out (`unmapped = drop`)"
            yield f"  without a case: {count(outcome['unmapped'], 'test')}, {words}"
        bare = [self._cases[name][at] for name, places in outcome["uncovered"].items() for at in places]
        if bare:
            shown = ", ".join(_called(case) for case in bare[:SHOWN])
            more = f" and {len(bare) - SHOWN} more" if len(bare) > SHOWN else ""
            yield f"  without a test here: {count(len(bare), 'case')}: {shown}{more}"
        for note in outcome["notes"]:
            yield f"  note: {plain(note, 500)}"


def _called(case: Case) -> str:
    """What a person calls a case: some tools know it by the name of its test alone."""
    words = [*(*case.ids, *case.names)[:1], case.title]
    return plain(" ".join(word for word in words if word), 120)


def _listed(wishes: Sequence[Wish]) -> str:
    return plain(" and ".join(map(str, wishes)), 500)
