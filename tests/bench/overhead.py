"""What a test costs, over pytest alone: thousands of instructions, of the tests' process and of the sender.

A figure is that of a suite of 1,000 tests less that of one of 200 (other people's reporters: 300 and 100), by test,
less the same of pytest without any plugin. See `sessions` for what is counted, and what is not. Steps are ten to a
test, and timed by CPU in turns of a session with them and one without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from . import suites
from .reporters import BARE, OURS, OURS_THRICE, Reporter, named, row_of
from .sessions import Session, place, span
from .standin import standing_in

XDIST = ("-pxdist.plugin", "-pxdist.looponfail", "-n2")
COLUMNS = ("k instructions a test", "off", "on", "on, `-n2`", "a step", "a step, us")
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
Count = Callable[[], float]


@dataclass(frozen=True)
class Sizes:
    """How many tests, fewer and more, of ours and of others; steps a test, and those of ours that are timed."""

    ours: tuple[int, int] = (200, 1000)
    theirs: tuple[int, int] = (100, 300)
    stepping: int = 100
    steps: int = 10
    timed_steps: int = 50
    turns: int = 5


SHORT = Sizes(ours=(20, 100), theirs=(20, 60), stepping=20, timed_steps=20, turns=1)


def measure(names: Collection[str], sizes: Sizes, tell: Callable[[str], None]) -> None:
    """Prints a row for each reporter, ours first. Raises CannotMeasureError."""
    with place() as folder, standing_in("qase", "testrail", "xray", "reportportal") as tools, standing_in() as anybody:
        meter = Meter(Path(folder), sizes, tools.url, anybody.url)
        tell(HEAD)
        tell(f"| {BARE.name}: all of it | | {_k(meter.bare(sizes.ours))} | | | |")
        for reporter in named(names):
            tell(row_of(reporter, meter.cells, len(COLUMNS)))
        if OURS in named(names):
            tell(meter.of_the_sender())


@dataclass
class Meter:
    """Counts in new suites, as many sessions at once as there are processors: no count hangs on who else is at work."""

    folder: Path
    sizes: Sizes
    tools: str
    anybody: str
    _bare: dict[tuple[int, int], float] = field(default_factory=dict)
    _made: int = 0

    def bare(self, sizes: tuple[int, int]) -> float:
        """What a test costs without any plugin."""
        if sizes not in self._bare:
            self._bare[sizes] = _per_test(_all(self._counts(BARE, sizes)))
        return self._bare[sizes]

    def cells(self, reporter: Reporter) -> list[str]:
        """The figures of a reporter. Raises CannotInstallError."""
        assert reporter.python
        sizes = self.sizes.ours if reporter is OURS else self.sizes.theirs
        counts = {"on": self._counts(reporter, sizes)}
        if reporter.plugins:
            counts["off"] = self._counts(reporter, sizes, is_on=False)
        if reporter is OURS:
            counts["bare -n2"] = self._counts(BARE, sizes, XDIST)
            counts["-n2"] = self._counts(OURS, sizes, XDIST)
        if reporter.step:
            counts["steps"] = {steps: self._stepping(reporter, steps).instructions for steps in (0, self.sizes.steps)}
        flat = {(what, size): count for what, pair in counts.items() for size, count in pair.items()}
        found = _all(flat)
        figures = {what: _per_test({size: found[what, size] for size in pair}) for what, pair in counts.items()}
        bare = self.bare(sizes)
        on = figures["on"] - bare
        workers = figures["-n2"] - figures["bare -n2"] if "-n2" in figures else None
        return [
            _k(figures["off"] - bare) if "off" in figures else "",
            _k(on),
            f"{_k(workers)}: {workers / on:.2f} times" if workers is not None else "",
            _k(figures["steps"] / self.sizes.stepping, 1) if "steps" in figures else "",
            self._timed_step(reporter) if reporter.step else "",
        ]

    def of_the_sender(self) -> str:
        """What a result costs it, at one tool and at each further one."""
        one = {size: self._session(OURS, suites.write_mapped, size).instructions_of_sender for size in self.sizes.ours}
        three = {
            size: self._session(OURS_THRICE, suites.write_mapped, size).instructions_of_sender
            for size in self.sizes.ours
        }
        found = _all({**{(1, size): count for size, count in one.items()}, **{(3, s): c for s, c in three.items()}})
        once, thrice = (_per_test({size: found[tools, size] for size in self.sizes.ours}) for tools in (1, 3))
        return (
            f"\nThe sender: {_k(once)} k instructions for a result delivered to Qase, "
            f"{_k((thrice - once) / 2)} k for each further tool (TestRail and Xray)."
        )

    def _counts(
        self, reporter: Reporter, sizes: tuple[int, int], options: tuple[str, ...] = (), *, is_on: bool = True
    ) -> dict[int, Count]:
        found: dict[int, Count] = {}
        for size in sizes:
            session = self._session(reporter, suites.write, size, options, is_on=is_on)
            found[size] = partial(session.instructions, with_workers=bool(options))
        return found

    def _stepping(self, reporter: Reporter, steps: int) -> Session:
        step = reporter.step if steps else ""
        write = partial(suites.write_stepping, steps=steps or self.sizes.steps, step=step)
        return self._session(reporter, write, self.sizes.stepping)

    def _timed_step(self, reporter: Reporter) -> str:
        """CPU, not seconds: others are at work here, too."""
        steps = self.sizes.timed_steps if reporter is OURS else self.sizes.steps
        tests = self.sizes.stepping
        write = partial(suites.write_stepping, steps=steps)
        pair = [self._session(reporter, partial(write, step=step), tests) for step in (reporter.step, "")]
        took = []
        for _ in range(self.sizes.turns):
            with_them, without = (session.cost().cpu_s for session in pair)
            took.append((with_them - without) / tests / steps * 1e6)
        return span(took)

    def _session(
        self,
        reporter: Reporter,
        write: Callable[[Path, int], Path],
        size: int,
        options: tuple[str, ...] = (),
        *,
        is_on: bool = True,
    ) -> Session:
        self._made += 1
        folder = write(self.folder / str(self._made), size)
        url = self.anybody if reporter.is_content else self.tools
        return Session(reporter, folder, url, is_on=is_on, options=options)


def _all(counts: Mapping[Any, Count]) -> dict[Any, float]:
    """All of these, as many at once as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(counts, pool.map(lambda count: count(), counts.values()), strict=True))


def _per_test(counts: Mapping[int, float]) -> float:
    """Of suites of two sizes, the difference by test: what is done once falls out."""
    (few, small), (many, large) = sorted(counts.items())
    return (large - small) / (many - few)


def _k(count: float, digits: int = 0) -> str:
    return f"{count / 1000:,.{digits}f}"
