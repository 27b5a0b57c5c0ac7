"""The sender in the background for real: nobody's child, followed by its lock, and ended with the session or before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_tmsreport.background import Background
from pytest_tmsreport.config import Settings
from pytest_tmsreport.journal import Journal, RunFolder, is_held
from pytest_tmsreport.model import Run
from pytest_tmsreport.pending import survey
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.qase_fields import TOKEN
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sender import LOG, Origin, job
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.vendors.qase import Qase

RUN = Run(id="20260914-100211-0a1b2c3d", name="nightly", start=1789380131.0)
PATIENCE_S = 60.0
"""How long something that must happen soon is waited for before the test gives up."""
pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes of POSIX")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture
def served() -> Iterator[Served]:
    with serve([qase_sandbox.create()]) as running:
        yield running


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Of a session that goes on, with three results."""
    made = Journal(tmp_path / "run", RUN, {"qase": "qase"})
    for result in make_results(3):
        made.write(result)
    return made


@pytest.fixture
def start(served: Served, journal: Journal, tmp_path: Path) -> Iterator[Callable[..., Background]]:
    """Starts senders of that session, and ends those that a test leaves behind."""
    started: list[Background] = []

    def start_one(origin: Origin | None = None, deadline_s: float = PATIENCE_S, stream_s: float = 0.0) -> Background:
        work = job([make_vendor(served)], Settings())
        origin = origin or make_origin(tmp_path)
        started.append(Background(journal.folder, origin, work, deadline_s, stream_s))
        return started[-1]

    yield start_one
    journal._lines.close()
    for sender in started:
        sender._process.kill()
        sender.stop()


def make_vendor(served: Served) -> Qase:
    return Qase(name="qase", kind="qase", url=served.url_of("qase"), token=TOKEN, project="SHOP")


def make_origin(cwd: Path) -> Origin:
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return Origin.here(sys.path, direct, str(cwd))


def wait_until(is_so: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < ends, "it took too long"
        threading.Event().wait(0.02)


def finish(sender: Background) -> tuple[dict[str, Any], str]:
    """The tally of the one destination, if there is one, and why it did not end well."""
    found = [tally for event in sender.events() for tally in event.get("tallies", ())]
    return (found or [{}])[0], sender.stop()


def test_it_delivers_while_the_session_goes_on_and_ends_after_it(
    start: Callable[..., Background], served: Served, journal: Journal
) -> None:
    sender = start()
    box = served.boxes["qase"]
    wait_until(lambda: len(box.results) == 3)
    assert [run.end for run in box.runs.values()] == [None]
    journal.write(make_results(4)[3])
    journal.end(exitstatus=0, not_run=[])
    tally, why = finish(sender)
    assert why == ""
    assert (tally["before"] + tally["delivered"], tally["kept"], tally["reason"]) == (4, 0, "")
    assert [run.end is None for run in box.runs.values()] == [False]
    assert (len(box.results), box.repeats) == (4, 0)


@on_linux
def test_it_is_nobody_that_can_be_waited_for_and_has_a_session_of_its_own(start: Callable[..., Background]) -> None:
    sender = start()
    with pytest.raises(ChildProcessError):
        os.waitpid(sender._process.pid, os.WNOHANG)
    parent = int(Path(f"/proc/{sender._process.pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent != os.getpid()
    assert os.getsid(sender._process.pid) != os.getsid(0)


@on_linux
def test_nothing_is_open_towards_it_and_its_secret_is_in_neither_its_arguments_nor_a_file(
    start: Callable[..., Background], served: Served, journal: Journal
) -> None:
    before = set(Path("/proc/self/fd").iterdir())
    sender = start()
    assert set(Path("/proc/self/fd").iterdir()) == before
    wait_until(lambda: bool(served.boxes["qase"].requests))
    for name in ("cmdline", "environ"):
        assert TOKEN.encode() not in Path(f"/proc/{sender._process.pid}/{name}").read_bytes()
    files = [path for path in journal.folder.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if TOKEN.encode() in path.read_bytes()]


def test_its_log_is_held_as_long_as_it_lives(start: Callable[..., Background], journal: Journal) -> None:
    sender = start()
    assert is_held(journal.folder / LOG)
    os.kill(sender._process.pid, signal.SIGKILL)
    wait_until(lambda: not is_held(journal.folder / LOG))
    tally, why = finish(sender)
    assert (tally, why) == ({}, "")


def test_one_that_hangs_is_stopped_and_everything_is_kept(
    start: Callable[..., Background], served: Served, journal: Journal
) -> None:
    served.troubles.add("hang*9")
    sender = start()
    wait_until(lambda: bool(served.boxes["qase"].requests))
    journal.end(exitstatus=0, not_run=[])
    assert sender.stop() == "the sender did not end in time and was stopped"
    assert not is_held(journal.folder / LOG)
    assert survey(RunFolder(journal.folder), make_vendor(served)).pending == 3


def test_one_that_waits_for_a_server_ends_by_itself_when_it_is_told_to(
    start: Callable[..., Background], served: Served
) -> None:
    served.troubles.add("429")
    sender = start(deadline_s=600.0)
    wait_until(lambda: bool(served.boxes["qase"].requests))
    sender.stop()
    tally, _ = finish(sender)
    assert (tally["kept"], tally["delivered"]) == (3, 0)


def test_one_whose_interpreter_is_missing_is_an_error_of_the_system(
    start: Callable[..., Background], tmp_path: Path
) -> None:
    with pytest.raises(OSError, match="no-such-python"):
        start(origin=make_origin(tmp_path)._replace(executable=str(tmp_path / "no-such-python")))


def test_one_that_is_no_python_is_an_error_of_the_system(
    start: Callable[..., Background], tmp_path: Path, journal: Journal
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'this is no Python' >&2\n")
    program.chmod(0o700)
    with pytest.raises(OSError, match="this is no Python"):
        start(origin=make_origin(tmp_path)._replace(executable=str(program)))
    assert not is_held(journal.folder / LOG)


def test_one_whose_packages_are_gone_ends_at_once_and_leaves_its_words(
    start: Callable[..., Background], tmp_path: Path, journal: Journal
) -> None:
    tally, _ = finish(start(origin=make_origin(tmp_path)._replace(path=())))
    assert tally == {}
    assert "ModuleNotFoundError" in (journal.folder / LOG).read_text()


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_tmsreport.background import Background
from pytest_tmsreport.config import Settings
from pytest_tmsreport.journal import Journal
from pytest_tmsreport.model import Run
from pytest_tmsreport.sender import Origin, job
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.vendors.qase import Qase

folder, url, token = sys.argv[1:]
vendor = Qase(name="qase", kind="qase", url=url, token=token, project="SHOP")
run = Run(id="20260914-100211-0a1b2c3d", name="nightly", start=1789380131.0)
journal = Journal(Path(folder), run, {"qase": "qase"})
Background(Path(folder), Origin.here(sys.path, {}, "/nowhere"), job([vendor], Settings()), 600, 600)
for result in make_results(5):
    journal.write(result)
if os.fork() == 0:  # what a test has forked lives on, and has the journal open
    signal.pause()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_delivers_to_the_end_of_the_journal_when_the_session_is_killed(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    session = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), served.url_of("qase"), TOKEN], start_new_session=True
    )
    try:
        assert session.wait(PATIENCE_S) == -signal.SIGKILL
        wait_until(lambda: not is_held(folder / LOG))
        box = served.boxes["qase"]
        assert len(box.results) == 5
        assert [run.end for run in box.runs.values()] == [None]
    finally:
        os.killpg(session.pid, signal.SIGKILL)
