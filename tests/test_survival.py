"""Whatever tests, servers and kills do to a session, no result is lost and nothing of ours is left running."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project, Ran

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
ONE = "def test_one(): pass\n"


def finish(project: Project, ran: Ran) -> Ran:
    """Runs the command that the summary names."""
    return project.run(*shlex.split(ran.line("send the rest: ").removeprefix("send the rest: ")))


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_a_killed_session_leaves_every_finished_test_to_be_sent(project: Project, workers: str) -> None:
    project.write(
        "test_killed.py",
        """
        import pathlib, threading, time
        import pytest

        @pytest.mark.tms("C5")
        def test_a():
            assert False

        @pytest.mark.parametrize("number", range(3))
        def test_b(number):
            pass

        def test_c(request):
            pathlib.Path("reached").touch()
            threading.Event().wait()

        def test_d():
            threading.Event().wait()
        """,
    )
    process = project.start_pytest("--tms-to", "qase", workers)
    project.wait_for(process, (project.root / "reached").exists)
    (folder,) = project.journals()
    project.wait_for(process, lambda: len(list(folder.results())) == 4)  # a worker's reports come a little later
    project.kill(process)

    assert folder.end() is None
    assert not project.box.requests
    sent = project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert sent.status == 0
    assert [result.title for result in project.arrived] == ["test_a", "test_b", "test_b", "test_b"]
    assert [result.cases for result in project.arrived if result.status == "failed"] == [("5",)]
    (run,) = project.box.runs.values()
    assert run.end is not None
    assert project.run(sys.executable, "-m", "pytest_tmsreport", "send").status == 0
    assert len(project.arrived) == 4


HOSTILE = """
import builtins
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid

import pytest
import requests


def broken(*args, **kwargs):
    raise AssertionError("patched")


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (requests, "get"),
        (requests.Session, "send"),
        (socket, "socket"),
        (socket.socket, "connect"),
        (subprocess, "Popen"),
        (subprocess.Popen, "__init__"),
        (os, "fsync"),
        (os, "urandom"),
        (json, "dumps"),
        (json, "loads"),
        (json.JSONEncoder, "default"),
        (uuid, "uuid4"),
        (random, "random"),
        (threading, "Thread"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_patches(monkeypatch, owner, name):
    monkeypatch.setattr(owner, name, broken)


def test_patches_the_clock(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "perf_counter", lambda: 0.0)


def test_patches_what_opens(monkeypatch):
    monkeypatch.setattr(builtins, "open", broken)


def test_closes_its_streams(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)


def test_ignores_its_children():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    assert not subprocess.call([sys.executable, "-c", ""]) is None
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def test_leaves_another_environment(tmp_path):
    os.environ.clear()
    os.environ["PYTHONPATH"] = os.environ["PYTHONHOME"] = "/nowhere"
    os.environ["HTTP_PROXY"] = os.environ["http_proxy"] = "http://127.0.0.1:9"
    os.environ["TMSREPORT_QASE_TOKEN"] = "another-token"


def test_leaves_another_folder(tmp_path):
    place = tmp_path / "gone"
    place.mkdir()
    os.chdir(place)
    place.rmdir()


def test_leaves_a_clock_that_stands():
    time.monotonic = time.time = lambda: 0.0


def test_leaves_another_path():
    sys.path[:] = []


def test_leaves_a_false_module():
    sys.modules["requests"] = sys.modules["tenacity"] = None


def test_leaves_a_thread():
    threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


@pytest.mark.parametrize("moment", [(), ("--tms-stream", "--tms-set", "stream_s=0")], ids=["end", "stream"])
def test_a_suite_that_breaks_what_it_can_is_reported_all_the_same(
    project: Project, workers: str, moment: tuple[str, ...]
) -> None:
    project.neighbours = ("socket",)
    project.write("test_hostile.py", HOSTILE)
    ran = project.report(workers, *moment, "--disable-socket", *(["--allow-unix-socket"] if workers == "-n2" else []))

    assert ran.status == 0
    assert len(project.arrived) == 24
    assert project.box.counts() == {"passed": 24}
    assert ran.line("qase: ").startswith("qase: 24 delivered, 0 kept, 0 refused, 0 without case | run 1 ")


def test_modules_of_the_project_that_are_named_as_ours_need_not_be_there_for_the_sender(project: Project) -> None:
    for name in ("requests", "tenacity", "json", "click"):
        project.write(f"{name}.py", "raise RuntimeError('a module of the project')\n")
    project.write("tests/test_one.py", ONE)
    project.write("tests/conftest.py", "import sys\nsys.path.insert(0, '')\n")
    ran = project.ended(project.start(str(Path(sys.executable).with_name("pytest")), "--tms-to", "qase"))

    assert ran.line("qase: ").startswith("qase: 1 delivered")


@on_linux
def test_nothing_of_ours_runs_when_pytest_has_returned(project: Project) -> None:
    project.write("test_one.py", ONE)
    ran = project.report("-n2")

    assert project.processes() == {}
    assert ran.line("qase: ").startswith("qase: 1 delivered")


@on_linux
def test_a_server_that_hangs_costs_the_deadline_and_no_result(project: Project) -> None:
    project.write("test_one.py", ONE)
    project.served.troubles.add("hang*9")
    ran = project.report("--tms-set", "deadline_s=1")

    assert project.processes() == {}
    assert ran.status == 0
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | ")
    assert ran.line("reason: ")
    project.served.troubles.clear()
    assert finish(project, ran).status == 0
    assert [result.title for result in project.arrived] == ["test_one"]
    assert len(project.box.runs) == 1


def test_a_sender_that_cannot_start_is_reported_and_loses_nothing(project: Project) -> None:
    project.write("test_one.py", ONE)
    project.write("conftest.py", "import sys\n\nsys.executable = '/nowhere/python'\n")
    ran = project.report("-p", "no:xdist")

    assert ran.status == 0
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | 0 requests,")
    assert "the sender cannot be started: " in ran.line("reason: ")
    sent = project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert sent.status == 0
    assert [result.title for result in project.arrived] == ["test_one"]


@on_linux
def test_a_sender_that_is_killed_is_reported_and_loses_nothing(project: Project) -> None:
    project.write("test_one.py", ONE)
    project.served.troubles.add("hang")
    process = project.start_pytest("--tms-to", "qase")
    project.wait_for(process, lambda: bool(project.box.requests))
    os.kill(project.sender(), signal.SIGKILL)
    ran = project.ended(process)

    assert ran.status == 0
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | ")
    assert "the sender ended with status -9" in ran.line("reason: ")
    assert finish(project, ran).status == 0
    assert [result.title for result in project.arrived] == ["test_one"]


@on_linux
def test_ctrl_c_while_results_are_sent_keeps_them(project: Project) -> None:
    project.write("test_one.py", ONE)
    project.served.troubles.add("hang")
    process = project.start_pytest("--tms-to", "qase")
    project.wait_for(process, lambda: bool(project.box.requests))
    os.killpg(process.pid, signal.SIGINT)
    ran = project.ended(process)

    assert project.processes() == {}
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | ")
    assert "interrupted while sending" in ran.line("reason: ")
    assert finish(project, ran).status == 0
    assert [result.title for result in project.arrived] == ["test_one"]


@on_linux
def test_ctrl_c_again_while_the_sender_is_being_ended_still_says_what_is_kept(project: Project) -> None:
    project.write("test_one.py", ONE)
    project.served.troubles.add("hang")
    process = project.start_pytest("--tms-to", "qase")
    project.wait_for(process, lambda: bool(project.box.requests))
    before = pipes(process.pid)
    os.kill(process.pid, signal.SIGINT)
    project.wait_for(process, lambda: pipes(process.pid) < before)  # the sender has been told to end
    os.kill(process.pid, signal.SIGINT)
    ran = project.ended(process)

    assert project.processes() == {}
    assert ran.line("qase: ").startswith("qase: 0 delivered, 1 kept, 0 refused, 0 without case | no run | ")
    assert finish(project, ran).status == 0
    assert [result.title for result in project.arrived] == ["test_one"]


def pipes(pid: int) -> int:
    """How many ends of pipes a process has open."""
    found = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found += str(path.readlink()).startswith("pipe:")
    return found
