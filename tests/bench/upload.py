"""What sending 10,000 results takes: requests, connections, and seconds from the last test's end to that of pytest.

The stand-in for Qase is a process of its own; its CPU time, which is part of the seconds, is told. Of 50,000 results it
is told how soon the first are there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from . import suites
from .reporters import BARE, OURS
from .sessions import Session, place, span
from .standin import Arrived, standing_in

COLUMNS = (
    "results",
    "latency, ms",
    "requests",
    "connections",
    "seconds after the last test",
    "over bare",
    "CPU of the stand-in, s",
    "first results after, s",
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
LATENCIES_S = (0.0, 0.1)


@dataclass(frozen=True)
class Sizes:
    """How many results, how many for the first of many to leave, and how many turns."""

    results: int = 10_000
    many: int = 50_000
    turns: int = 3


SHORT = Sizes(results=201, many=201, turns=1)


def measure(_names: Collection[str], sizes: Sizes, tell: Callable[[str], None]) -> None:
    """Prints a row for each latency, and one for the larger suite."""
    with place() as folder:
        tell(HEAD)
        suite = suites.write(Path(folder) / "some", sizes.results)
        bare = [_after(Session(BARE, suite))[0] for _ in range(sizes.turns)]
        for latency_s in LATENCIES_S:
            tell(_row(suite, sizes.results, latency_s, sizes.turns, bare))
        if sizes.many != sizes.results:
            many = suites.write(Path(folder) / "many", sizes.many)
            tell(_row(many, sizes.many, 0.0, 1, [_after(Session(BARE, many))[0]]))


def _row(suite: Path, results: int, latency_s: float, turns: int, bare: list[float]) -> str:
    troubles = [f"slow={latency_s}"] if latency_s else []
    after, first, cpu, arrived = [], [], [], Arrived()
    for _ in range(turns):
        with standing_in("qase", troubles=troubles) as tool:
            seconds, last_test = _after(Session(OURS, suite, tool.url))
        arrived = tool.arrived
        assert arrived.results == results, f"{arrived.results} of {results} results have arrived"
        after.append(seconds)
        first.append(arrived.first - last_test)
        cpu.append(arrived.cpu_s)
    over = [mine - theirs for mine, theirs in zip(after, bare, strict=True)]
    parts = [f"{results:,}", f"{latency_s * 1000:.0f}", str(arrived.requests), str(arrived.connections)]
    return f"| {' | '.join([*parts, *(span(each, 2) for each in (after, over, cpu, first))])} |"


def _after(session: Session) -> tuple[float, float]:
    """Seconds from the end of the last test to that of the session, and when the last test ended, in epoch seconds."""
    cost = session.cost()
    return cost.ended - cost.last_test, cost.last_test
