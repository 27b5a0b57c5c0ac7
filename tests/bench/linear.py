"""How CPU time grows with the suite, at one destination and at three: a table, and a plot, `cost.svg`.

In seconds, the median of sessions in turns; the sender is a process of its own. Three are Qase, TestRail and Xray.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from . import suites
from .plot import draw
from .reporters import BARE, OURS, OURS_THRICE, TOOLS, Reporter
from .sessions import Cost, Session, place
from .standin import standing_in

PLOT = Path(__file__).with_name("cost.svg")
ALONE = "pytest alone"
ONE, THREE = "with ours, 1 destination", "with ours, 3 destinations"
SENDER_1, SENDER_3 = "the sender, 1 destination", "the sender, 3 destinations"
COLUMNS = ("CPU seconds of a suite of", ALONE, ONE, THREE, SENDER_1, SENDER_3)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


@dataclass(frozen=True)
class Sizes:
    """How many tests, and how many turns; where the plot goes, if there is to be one."""

    tests: tuple[int, ...] = (1_000, 10_000, 50_000)
    turns: int = 3
    plot: Path | None = PLOT


SHORT = Sizes(tests=(100, 300), turns=1, plot=None)


def measure(_names: Collection[str], sizes: Sizes, tell: Callable[[str], None]) -> None:
    """Prints a row for each size, and draws all of them."""
    lines: dict[str, list[tuple[float, float]]] = {name: [] for name in COLUMNS[1:]}
    with place() as folder:
        tell(HEAD)
        for tests in sizes.tests:
            row = _seconds(suites.write_mapped(Path(folder) / str(tests), tests), tests, sizes.turns)
            for name, seconds in row.items():
                lines[name].append((tests, seconds))
            tell(f"| {tests:,} tests | {' | '.join(f'{seconds:.1f}' for seconds in row.values())} |")
    if sizes.plot:
        sizes.plot.write_text(draw("CPU seconds", "tests", lines), encoding="utf-8")


def _seconds(suite: Path, tests: int, turns: int) -> dict[str, float]:
    """By the name of a line."""
    found: dict[str, list[float]] = {name: [] for name in COLUMNS[1:]}
    for _ in range(turns):
        alone = _cost(suite, BARE, 0)
        one = _cost(suite, OURS, tests)
        three = _cost(suite, OURS_THRICE, len(TOOLS) * tests)
        found[ALONE].append(alone.cpu_s)
        found[ONE].append(one.cpu_s)
        found[THREE].append(three.cpu_s)
        found[SENDER_1].append(one.sender_cpu_s)
        found[SENDER_3].append(three.sender_cpu_s)
    return {name: median(values) for name, values in found.items()}


def _cost(suite: Path, reporter: Reporter, results: int) -> Cost:
    """Of a session from which so many results arrive."""
    with standing_in(*TOOLS) as tools:
        cost = Session(reporter, suite, tools.url).cost()
    assert tools.arrived.results == results, f"{tools.arrived.results} of {results} results have arrived"
    return cost
