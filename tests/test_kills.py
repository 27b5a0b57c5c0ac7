"""Rounds of `kill -9`: whoever dies, and whenever, every test that has ended is at the tool, once, in one run.

A round is a victim, a way to run and a moment, all of them drawn from its seed. Four rounds are run by default, fifty
with `-m faults`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from conftest import Project

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
ROUNDS, SHORT = 50, 4
TESTS = 40
SUITE = f"""
import pathlib
import threading

import pytest


@pytest.fixture
def note(request):
    with open("begun", "a") as file:
        file.write(f"{{request.node.nodeid}}\\n")
    yield
    with open("ended", "a") as file:
        file.write(f"{{request.node.nodeid}}\\n")


@pytest.mark.parametrize("number", range({TESTS}))
def test_some(note, number):
    threading.Event().wait(0.01)
    assert number % 7


def test_waits_for_the_kill(note):
    while not pathlib.Path("killed").exists():
        threading.Event().wait(0.02)
"""


class Round(NamedTuple):
    """Who is killed, with or without workers, streaming or not, and at which moment: a count of results."""

    seed: int
    victim: str
    workers: str
    is_streaming: bool
    moment: int

    def __str__(self) -> str:
        stream = "stream" if self.is_streaming else "end"
        return f"seed{self.seed}-{self.victim}-{self.workers.strip('-')}-{stream}-at{self.moment}"


FIRST = [("pytest", "-n2", True), ("sender", "-n0", True), ("worker", "-n2", True), ("group", "-n2", False)]
ALL = [
    *product(("pytest", "sender", "group"), ("-n0", "-n2"), (False, True)),
    *product(["worker"], ["-n2"], (False, True)),
]
WAYS = [*FIRST, *(way for way in ALL if way not in FIRST)]


def drawn(seed: int) -> Round:
    """The round of a seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    victim, workers, is_streaming = WAYS[seed % len(WAYS)]
    return Round(seed, victim, workers, is_streaming, chance.randrange(TESTS // 2 if victim == "sender" else TESTS - 5))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    wanted = metafunc.config.getoption("markexpr")
    is_all = "faults" in wanted and "not faults" not in wanted
    rounds = map(drawn, range(ROUNDS if is_all else SHORT))
    marks = [pytest.mark.faults] if is_all else []
    metafunc.parametrize("chosen", [pytest.param(each, marks=marks, id=str(each)) for each in rounds])


def test_whoever_is_killed_every_test_that_has_ended_arrives_once(project: Project, chosen: Round) -> None:
    project.write("test_some.py", SUITE)
    options = ["--tms-stream", "--tms-set", "stream_s=0.1"] if chosen.is_streaming else []
    small = ["--tms-set", "qase.batch_size=3", "--tms-set", "qase.parallel=1"]
    if chosen.victim == "sender":
        project.served.troubles.add("slow=0.1")  # so that it is at work for a while
    process = project.start_pytest("--tms-to", "qase", chosen.workers, *options, *small)
    if chosen.victim == "sender" and not chosen.is_streaming:
        (project.root / "killed").touch()  # its time comes when the tests have ended
    project.wait_for(process, lambda: is_time(project, chosen))
    VICTIMS[chosen.victim](project, process)
    (project.root / "killed").touch()
    process.communicate(timeout=60)
    (folder,) = project.journals()
    project.served.troubles.clear()
    project.wait_until(lambda: not project.processes())
    sent = project.run(sys.executable, "-m", "pytest_tmsreport", "send")

    assert sent.status == 0, sent.out
    results = {result.id: result.nodeid for result in folder.results()}
    assert sorted(result.id for result in project.arrived) == sorted(results)
    assert sorted(results.values()) == sorted(set(results.values()))
    assert [run.end is None for run in project.box.runs.values()] == [False] * bool(results)
    begun, ended = (noted(project, name) for name in ("begun", "ended"))
    if chosen.victim in ("sender", "worker"):  # the session has gone on
        assert len(results) == TESTS + 1
    else:
        assert chosen.moment <= len(results) <= TESTS
        assert set(results.values()) <= ended
        assert chosen.workers == "-n2" or len(ended - set(results.values())) <= 1
    assert begun >= ended


def is_time(project: Project, chosen: Round) -> bool:
    """True when as many results as the round says are at the tool, or on disk where it is not about the sender."""
    if chosen.victim == "sender":
        return bool(project.box.requests) and len(project.arrived) >= chosen.moment
    folders = project.journals()
    return bool(folders) and sum(1 for _ in folders[0].results()) >= chosen.moment


def noted(project: Project, name: str) -> set[str]:
    """The tests that have left a note of their own."""
    path = project.root / name
    return set(path.read_text().splitlines()) if path.exists() else set()


def kill_pytest(_: Project, process: subprocess.Popen[str]) -> None:
    process.kill()


def kill_sender(project: Project, _: subprocess.Popen[str]) -> None:
    os.kill(project.sender(), signal.SIGKILL)


def kill_worker(_: Project, process: subprocess.Popen[str]) -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)


def kill_group(project: Project, process: subprocess.Popen[str]) -> None:
    """As a machine does it, or a CI that ends a job: also what has left the group."""
    os.killpg(process.pid, signal.SIGKILL)
    for number in project.processes():
        with suppress(ProcessLookupError):  # the group is on its way out
            os.kill(number, signal.SIGKILL)


VICTIMS: dict[str, Callable[[Project, subprocess.Popen[str]], None]] = {
    "pytest": kill_pytest,
    "sender": kill_sender,
    "worker": kill_worker,
    "group": kill_group,
}
