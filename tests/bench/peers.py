"""Ours and the plugin that teams use today, in turns: the same suite, the same sandbox, the same trouble."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pytest_tmsreport.model import Outcome
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import serve

from .contests import CONTESTS, Contender, Contest, write_suite
from .environments import python_with

FOREIGN = re.compile("PYTEST_|TMSREPORT_|QASE_|XRAY_|ZEPHYR_|TCMS_|RP_|CI$|.*proxy", re.IGNORECASE)
MOST_S = 300
MARKS = {
    Outcome.PASSED: "pass",
    Outcome.FAILED: "assert 1 == 2",
    Outcome.SKIPPED: '@pytest.mark.skip(reason="not here")\n---\npass',
    Outcome.XFAILED: '@pytest.mark.xfail(reason="known")\n---\nassert 1 == 2',
    Outcome.XPASSED: "@pytest.mark.xfail\n---\npass",
    Outcome.ERROR: "breaks_before",
}
OUTCOMES = (
    (Outcome.PASSED, MARKS[Outcome.PASSED]),
    (Outcome.FAILED, MARKS[Outcome.FAILED]),
    (Outcome.ERROR, MARKS[Outcome.ERROR]),
    (Outcome.ERROR, "breaks_after"),
    (Outcome.SKIPPED, MARKS[Outcome.SKIPPED]),
    (Outcome.SKIPPED, 'pytest.skip("not today")'),
    (Outcome.XFAILED, MARKS[Outcome.XFAILED]),
    (Outcome.XFAILED, '@pytest.mark.xfail(run=False, reason="hangs")\n---\nassert 1 == 2'),
    (Outcome.XPASSED, MARKS[Outcome.XPASSED]),
)
GOOD, BAD = {"passed", "pass"}, {"failed", "fail", "error", "invalid"}
"""The words of the tools; every other one says that nothing is known of the test."""
RIGHT = {
    Outcome.PASSED: {"good"},
    Outcome.FAILED: {"bad"},
    Outcome.ERROR: {"bad"},
    Outcome.SKIPPED: {"other"},
    Outcome.XFAILED: {"good", "other"},
    Outcome.XPASSED: {"good", "bad", "other"},
}
"""What counts as right: generous where tools and teams differ."""
COLUMNS = (
    *("tool", "reporter", "requests", "seconds", "runs of `-n 4`", "lost to one 503", "doubled by it"),
    *("lost with a worker", "lost to a kill", "wrong statuses", "start-up when off"),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


@dataclass(frozen=True)
class Sizes:
    """How large the measurements are; `rounds` is how often what takes time is taken, in turns."""

    plain: int = 300
    few: int = 40
    rounds: int = 3
    latency_s: float = 0.03


SHORT = Sizes(plain=20, few=12, rounds=1)


class Session(NamedTuple):
    """What a session cost and brought."""

    seconds: float
    box: Box

    counts_cases: bool

    @property
    def shown(self) -> dict[str, set[str]]:
        """The cases of which something arrived, and what the tool shows of each."""
        found: dict[str, set[str]] = {}
        for each in self.box.results.values():
            cases = () if self.counts_cases else each.cases
            found.setdefault(number(cases, each.title), set()).add(_kind(each.status))
        return found


@dataclass
class Score:
    """A row of the table. What is lost is out of as many as were run."""

    tool: str
    name: str
    requests: int = 0
    seconds: list[float] = field(default_factory=list)
    runs: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    doubled: int = 0
    wrong: str = ""
    off_ms: list[float] = field(default_factory=list)

    def row(self) -> str:
        parts = [self.tool, self.name, str(self.requests), _span(self.seconds, 1), str(self.runs)]
        parts += [self.lost["503"], str(self.doubled), self.lost["worker"], self.lost["kill"], self.wrong]
        return f"| {' | '.join([*parts, f'{_span(self.off_ms, 0)} ms'])} |"


def measure(tools: Collection[str], sizes: Sizes, tell: Callable[[str], None]) -> list[Score]:
    """Both reporters of each tool, in turns. Raises CannotInstallError."""
    scores = []
    tell(HEAD)
    for contest in CONTESTS:
        if tools and contest.tool not in tools:
            continue
        pair = [(each, Score(contest.tool, each.name)) for each in (contest.ours, contest.theirs)]
        with tempfile.TemporaryDirectory() as place:
            rigs = [(Rig(contest, each, Path(place) / str(index)), score) for index, (each, score) in enumerate(pair)]
            for turn in range(sizes.rounds):
                for rig, score in rigs if turn % 2 == 0 else reversed(rigs):
                    rig.plain(sizes, score)
                    rig.off(score)
            for rig, score in rigs:
                for part in (rig.workers, rig.unavailable, rig.crash, rig.kill, rig.outcomes):
                    part(sizes, score)
                tell(score.row())
                scores.append(score)
    return scores


@dataclass
class Rig:
    """One reporter, and a place to run it."""

    contest: Contest
    who: Contender
    place: Path
    _sessions: int = 0

    def plain(self, sizes: Sizes, score: Score) -> None:
        """A suite of passing tests, at a server that takes its time."""
        ran = self.run(dict.fromkeys(range(1, sizes.plain + 1), "pass"), f"slow={sizes.latency_s}")
        score.seconds.append(ran.seconds)
        score.requests = len(ran.box.requests)

    def off(self, score: Score) -> None:
        """One test, installed and not asked for, over the same with no plugin loaded at all."""
        bare = self.run({1: "pass"}, is_on=False, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
        score.off_ms.append(1000 * (self.run({1: "pass"}, is_on=False).seconds - bare.seconds))

    def workers(self, sizes: Sizes, score: Score) -> None:
        score.runs = len(self.run(dict.fromkeys(range(1, sizes.few + 1), "pass"), options=("-n4",)).box.runs)

    def unavailable(self, sizes: Sizes, score: Score) -> None:
        """The first request that brings results is answered with 503, once."""
        tests = dict.fromkeys(range(1, sizes.few + 1), "pass")
        after = f"+{self.who.before}" if self.who.before else ""
        ran = self.run(tests, f"503*1{after}@{self.who.results}")
        score.lost["503"] = _lost(tests, ran.shown)
        score.doubled = len(ran.box.results) - len(ran.shown)

    def crash(self, sizes: Sizes, score: Score) -> None:
        """The process of a worker ends in the middle of a test; what other tests left undone is no loss."""
        tests = {**dict.fromkeys(range(1, sizes.few + 1), "pass"), sizes.few // 2: "os._exit(1)"}
        score.lost["worker"] = _lost(tests, self.run(tests, options=("-n2",)).shown)

    def kill(self, sizes: Sizes, score: Score) -> None:
        """`kill -9` half way; ours then says `tmsreport send`, which the others have not."""
        half = sizes.few // 2
        tests = {**dict.fromkeys(range(1, sizes.few + 1), "pass"), half + 1: "os.kill(os.getpid(), 9)"}
        ran = self.run(tests, ends="send")
        score.lost["kill"] = _lost(dict.fromkeys(range(1, half + 1)), ran.shown)

    def outcomes(self, _sizes: Sizes, score: Score) -> None:
        """Each outcome once: what the tool then shows, held against what pytest said."""
        tests = {place: body for place, (_, body) in enumerate(OUTCOMES, 1)}
        shown = self.run(tests).shown
        wrong = [
            place
            for place, (outcome, _) in enumerate(OUTCOMES, 1)
            if not shown.get(str(place)) or not shown[str(place)] <= RIGHT[outcome]
        ]
        score.wrong = f"{len(wrong)} of {len(OUTCOMES)}"

    def run(
        self,
        tests: Mapping[int, str],
        *troubles: str,
        options: tuple[str, ...] = (),
        is_on: bool = True,
        ends: str = "",
        **variables: str,
    ) -> Session:
        """A session in a new folder, at a new sandbox."""
        python = python_with("peers", *self.who.requirements)
        self._sessions += 1
        folder = self.place / str(self._sessions)
        with serve([self.contest.sandbox()], troubles=troubles) as served:
            write_suite(folder, self.who, served.url, tests)
            kept = {name: value for name, value in os.environ.items() if not FOREIGN.match(name)}
            environ = {**kept, **self.who.environ(served), **variables}
            on = self.who.on(served) if is_on else ()
            command: list[str | Path] = [python, "-m", "pytest", "-q", *options, *on]
            began = time.perf_counter()
            _ran(command, folder, environ)
            seconds = time.perf_counter() - began
            if ends and self.who.is_ours:
                _ran([python, "-m", "pytest_tmsreport", ends], folder, environ)
            return Session(seconds, served.boxes[self.contest.tool], self.contest.counts_cases)


def _ran(command: list[str | Path], folder: Path, environ: Mapping[str, str]) -> None:
    subprocess.run(
        command,
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def number(cases: tuple[str, ...], title: str) -> str:
    """The number of the case that a result is about, which stands last in its id or title."""
    found = re.findall(r"\d+", " ".join(cases) or title)
    return str(int(found[-1])) if found else ""


def _kind(status: str) -> str:
    word = status.lower()
    return "good" if word in GOOD else "bad" if word in BAD else "other"


def _lost(tests: Mapping[int, object], shown: Mapping[str, set[str]]) -> str:
    """How many of tests that pass or fail the tool says nothing of."""
    told = [each for each in tests if shown.get(str(each), set()) & {"good", "bad"}]
    return f"{len(tests) - len(told)} of {len(tests)}"


def _span(values: list[float], digits: int) -> str:
    """The median, with the least and the most where there are several."""
    middle = f"{median(values):.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.{digits}f}-{max(values):.{digits}f})"
