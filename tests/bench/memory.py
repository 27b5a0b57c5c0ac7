"""What a session takes of memory and disk as it grows, over pytest alone.

Memory is the most that the tests' process has had at a time, in MiB, and likewise the sender, a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from . import suites
from .reporters import BARE, OURS
from .sessions import Session, place
from .standin import standing_in

COLUMNS = ("tests", "bare, MiB", "over it", "the sender", "journal, bytes a passing test", "its files")
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
            bare = Session(BARE, suite).cost()
            with standing_in("qase") as tool:
                ours = Session(OURS, suite, tool.url).cost()
            assert tool.arrived.results == tests, f"{tool.arrived.results} of {tests} results have arrived"
            over = f"+{ours.peak_mib - bare.peak_mib:.1f}"
            parts = [f"{tests:,}", f"{bare.peak_mib:.0f}", over, f"{ours.sender_mib:.0f}"]
            tell(f"| {' | '.join([*parts, f'{ours.passing_bytes:.0f}', str(ours.files)])} |")
