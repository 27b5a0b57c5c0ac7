"""What a session takes of memory, disk and CPU time as it grows to 100,000 tests, over pytest alone.

Memory is the most that the tests' process has had at a time, in MiB, and likewise the sender, a process of its own.
Failures are not printed: for each of them pytest looks through the reports of all tests, which takes it minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from . import suites
from .reporters import BARE, OURS
from .sessions import Session, place
from .standin import standing_in

COLUMNS = (
    *("tests", "bare, MiB", "over it", "the sender", "journal, bytes a passing test", "its files"),
    *("bare, CPU s", "CPU over it", "CPU of the sender", "requests", "connections"),
)
QUIET = ("--tb=no",)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


@dataclass(frozen=True)
class Sizes:
    """How many tests."""

    tests: tuple[int, ...] = (10_000, 50_000, 100_000)


SHORT = Sizes(tests=(100, 300))


def measure(_names: Collection[str], sizes: Sizes, tell: Callable[[str], None]) -> None:
    """Prints a row for each size."""
    with place() as folder:
        tell(HEAD)
        for tests in sizes.tests:
            suite = suites.write(Path(folder) / str(tests), tests)
            bare = Session(BARE, suite, options=QUIET).cost()
            with standing_in("qase") as tool:
                ours = Session(OURS, suite, tool.url, options=QUIET).cost()
            arrived = tool.arrived
            assert arrived.results == tests, f"{arrived.results} of {tests} results have arrived"
            over = f"+{ours.peak_mib - bare.peak_mib:.1f}"
            parts = [f"{tests:,}", f"{bare.peak_mib:.0f}", over, f"{ours.sender_mib:.0f}"]
            parts += [f"{ours.passing_bytes:.0f}", str(ours.files)]
            parts += [f"{bare.cpu_s:.1f}", f"+{ours.cpu_s - bare.cpu_s:.1f}", f"{ours.sender_cpu_s:.1f}"]
            tell(f"| {' | '.join([*parts, str(arrived.requests), str(arrived.connections)])} |")
