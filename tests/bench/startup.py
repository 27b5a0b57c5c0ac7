"""What a session costs that has one test, over pytest alone: with a reporter installed, and with it at work.

The plugin is loaded by `-p`, and no other, so that it alone is measured; the server, where it needs one, is at hand.
Times are taken in turns of all that are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import suites
from .reporters import BARE, Reporter, named, row_of
from .sessions import Session, is_countable, place, span
from .standin import standing_in

COLUMNS = (
    "start-up over bare",
    "ms, off",
    "modules, off",
    "M instructions, off",
    "ms, on",
    "modules, on",
    "M instructions, on",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


@dataclass(frozen=True)
class Sizes:
    """How many turns are taken."""

    turns: int = 11


SHORT = Sizes(turns=1)


def measure(names: Collection[str], sizes: Sizes, tell: Callable[[str], None]) -> None:
    """Prints a row for each reporter, ours first."""
    with place() as folder, standing_in("qase", "reportportal") as tools, standing_in() as anybody:
        tell(HEAD)
        for number, reporter in enumerate(named(names)):
            url = anybody.url if reporter.is_content else tools.url
            cells = partial(_cells, folder=Path(folder) / str(number), url=url, turns=sizes.turns)
            tell(row_of(reporter, cells, len(COLUMNS)))


def _cells(reporter: Reporter, folder: Path, url: str, turns: int) -> list[str]:
    sessions = [
        Session(each, suites.write(folder / name, 1), url, is_on=is_on, python=reporter.python)
        for each, name, is_on in ((BARE, "bare", True), (reporter, "off", False), (reporter, "on", True))
    ]
    costs = [session.cost() for session in sessions]  # also has all of it compiled
    took = [_turn(sessions, turn) for turn in range(turns)]
    parts = []
    for index, (session, cost) in enumerate(zip(sessions[1:], costs[1:], strict=True), 1):
        ms = [1000 * (each[index] - each[0]) for each in took]
        more = cost.modules - costs[0].modules
        ours = sum(name.startswith("pytest_tmsreport") for name in more)
        counted = (session.instructions() - sessions[0].instructions()) / 1e6 if is_countable() else None
        modules = f"{len(more)}, {ours} of them its own" if ours else str(len(more))
        parts += [span(ms), modules, f"{counted:,.0f}" if counted is not None else ""]
    return parts


def _turn(sessions: list[Session], turn: int) -> dict[int, float]:
    """Seconds of each, in an order that changes."""
    order = range(len(sessions)) if turn % 2 == 0 else reversed(range(len(sessions)))
    return {index: sessions[index].seconds() for index in order}
