"""With xdist, what arrives is what would arrive without it; a dead worker costs nothing but its own test."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from execnet.script import socketserver

from pytest_tmsreport.model import Result

if TYPE_CHECKING:
    from conftest import Project

VARIED = """
import enum
import logging
import unittest

import pytest

pytestmark = pytest.mark.tms("C1", fields={"layer": "unit"})


class Way(enum.Enum):
    IN = 1


class Opaque:
    pass


class Rude:
    def __repr__(self):
        raise ValueError("no")


@pytest.mark.parametrize("value", [1, "text", Way.IN, Opaque, Opaque(), Rude(), None, 2.5, ("a", 1)])
def test_values(value):
    assert value == 1, "not one"


@pytest.mark.tms("C7", qase="C8", title="A title", suite=["Cart", "Prices"], tags=["quick"], links="https://x.test/1")
def test_marked():
    pass


@pytest.mark.skip(reason="by mark")
def test_skipped():
    pass


@pytest.mark.xfail(strict=True, reason="thought broken")
def test_xpasses():
    pass


@pytest.mark.tms(nothing="X1")
def test_marked_wrongly():
    pass


@pytest.mark.tms(ignore=True)
def test_ignored():
    pass


class TestCart:
    pytestmark = pytest.mark.tms("C2")

    def test_prints(self):
        print("out")
        logging.getLogger().warning("log")
        assert False

    @pytest.mark.parametrize("number", range(20))
    def test_many(self, number):
        pass


class TestOfUnittest(unittest.TestCase):
    def test_fails(self):
        self.fail("thus")


def test_example():
    '''
    >>> 1 + 1
    2
    '''
"""


ADDRESS = re.compile("0x[0-9a-f]+")


def gist(results: list[Result]) -> list[tuple[Any, ...]]:
    """All that does not depend on the time, the process and the addresses of objects in it."""
    return sorted(
        (
            each.nodeid,
            each.outcome.value,
            each.title,
            each.suite,
            ADDRESS.sub("", each.message),
            ADDRESS.sub("", each.traceback),
            str(each.ids),
            sorted(each.parameters.items()),
            each.tags,
            sorted(each.fields.items()),
            str(each.links),
            [file.name for file in each.attachments],
            sorted(each.phases),
            each.attempt,
        )
        for each in results
    )


def test_the_same_results_arrive_in_one_run_with_and_without_workers(project: Project) -> None:
    project.write("shop/test_varied.py", VARIED)
    project.write("shop/test_more.py", "import pytest\npytest.importorskip('no_such_module_anywhere')\n")
    arguments = ["--doctest-modules", "--tms-set", "capture=all"]
    alone = project.report(*arguments)
    assert len(alone.results) == 38
    assert {result.worker for result in alone.results} == {""}

    for distribution in ("load", "worksteal"):
        together = project.report("-n2", "--dist", distribution, *arguments)
        assert gist(alone.results) == gist(together.results)
        assert {result.worker for result in together.results} <= {"gw0", "gw1", ""}
        assert {result.worker for result in together.results} & {"gw0", "gw1"}
        for start in ("left out", "wrong mark"):
            assert alone.line(start) == together.line(start)
    assert [len(project.box.results_of(run)) for run in project.box.runs] == [38] * 3


CRASHING = """
import os
import pathlib

import pytest


@pytest.fixture
def deadly():
    os._exit(3)


@pytest.mark.tms("C1")
@pytest.mark.parametrize("way", ["in the call"])
def test_dies(way):
    os._exit(3)


@pytest.mark.tms("C2", title="Dies early")
def test_dies_in_setup(deadly):
    pass


@pytest.mark.parametrize("number", range(12))
def test_lives(number):
    pass
"""


@pytest.mark.parametrize("reruns", [(), ("--reruns", "1")], ids=["plain", "reruns"])
def test_a_test_that_kills_its_worker_is_an_error_under_its_case(project: Project, reruns: tuple[str, ...]) -> None:
    project.neighbours = ("rerunfailures",) if reruns else ()
    project.write("test_crash.py", CRASHING)
    ran = project.report("-n2", *reruns)

    found = {nodeid.removeprefix("test_crash.py::"): result for nodeid, result in ran.last.items()}
    bad = {
        name: (result.outcome.value, result.title, result.ids, dict(result.parameters))
        for name, result in found.items()
        if result.outcome.value != "passed"
    }
    assert bad == {
        "test_dies[in the call]": ("error", "test_dies", ({"": ("C1",)},), {"way": "in the call"}),
        "test_dies_in_setup": ("error", "Dies early", ({"": ("C2",)},), {}),
    }
    assert all("crashed while running" in found[name].message for name in bad)
    assert sum(name.startswith("test_lives") for name in found) == 12
    assert len(project.arrived) == 14
    again = [found[name].attempt - 1 for name in bad]  # rerunfailures may hear of a crash too late to repeat the test
    assert [len(found[name].earlier) for name in bad] == again
    assert set(again) <= ({0, 1} if reruns else {0})
    assert len(ran.results) == 14 + sum(again)
    assert sorted(result.cases for result in project.arrived if result.cases) == [("1",), ("2",)]
    assert ran.not_run == []
    assert ran.line("qase: ").startswith("qase: 14 delivered, 0 kept,")
    assert not [name for name in project.files() if "gw" in name]


def test_what_a_dead_worker_leaves_is_named_where_none_replaces_it(project: Project) -> None:
    project.write("test_dead.py", "import os\ndef test_1(): pass\ndef test_2(): os._exit(3)\ndef test_3(): pass\n")
    ran = project.report("-n1", "--max-worker-restart", "0")

    assert [(result.title, result.outcome.value) for result in ran.results] == [
        ("test_1", "passed"),
        ("test_2", "error"),
    ]
    assert ran.not_run == ["test_dead.py::test_3"]
    assert ran.line("never ran: 1 test: test_dead.py::test_3")
    assert ran.line("qase: ").startswith("qase: 2 delivered, 0 kept,")


def test_a_run_on_each_of_several_workers_loses_nothing(project: Project) -> None:
    project.write("test_two.py", "def test_1(): pass\ndef test_2(): assert False\n")
    ran = project.report("--dist", "each", "--tx", "2*popen")

    assert sorted((result.title, result.outcome.value, result.worker) for result in ran.results) == [
        ("test_1", "passed", "gw0"),
        ("test_1", "passed", "gw1"),
        ("test_2", "failed", "gw0"),
        ("test_2", "failed", "gw1"),
    ]
    assert len(project.arrived) == 4
    assert ran.not_run == []


FAR = """
import os

import pytest

import pytest_tmsreport as tms


@pytest.mark.tms("C1")
def test_small_file(tmp_path):
    (tmp_path / "small.log").write_text("hello")
    tms.attach(tmp_path / "small.log")


def test_large_file(tmp_path):
    (tmp_path / "large.bin").write_bytes(b"x" * (2**20 + 1))
    tms.attach(tmp_path / "large.bin")


@pytest.mark.parametrize("number", range(6))
def test_many(number):
    assert number != 3
"""
CRASH_IN_SETUP = """
import os

import pytest


@pytest.fixture
def deadly():
    os._exit(3)


@pytest.mark.tms("C7")
def test_dies(deadly):
    pass


def test_lives():
    pass
"""
NOT_SHARED = "/proc/self/cwd/.tmsreport"
"""A folder of journals that is another one in each working directory, as on machines of their own."""
on_linux = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """A function that starts execnet's server in a folder of its own, and returns the `--tx` that leads to it."""
    running: list[subprocess.Popen[str]] = []

    def start() -> str:
        place = tmp_path / f"machine {len(running)}"
        place.mkdir()
        command = [sys.executable, "-u", socketserver.__file__, "127.0.0.1:0"]
        process = subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        running.append(process)
        assert process.stdout
        found = re.search(r"\('127.0.0.1', (\d+)\)", process.stdout.readline())
        assert found
        return f"--tx=socket=127.0.0.1:{found[1]}"

    yield start
    for process in running:
        process.kill()
        process.communicate()


def far(project: Project, *options: str) -> tuple[str, ...]:
    """The arguments of a session whose workers get the project by rsync."""
    return ("-pno:cacheprovider", "--dist=load", *options, f"--rsyncdir={project.root}", str(project.root))


def check_far(project: Project, large: int) -> None:
    """Each test of `FAR` arrived once, in one run; `large` files of more than 1 MiB came with them."""
    assert len(project.box.runs) == 1
    assert sorted(result.title for result in project.arrived) == sorted(
        ["test_small_file", "test_large_file", *["test_many"] * 6]
    )
    assert project.box.counts() == {"passed": 7, "failed": 1}
    sizes = [file.size for file in project.box.attachments.values() if not file.name.startswith("Captured")]
    assert sorted(sizes) == [5, *[2**20 + 1] * large]
    assert [result.cases for result in project.arrived if result.title == "test_small_file"] == [("1",)]


def test_workers_behind_a_socket_report_into_one_run(project: Project, listening: Callable[[], str]) -> None:
    project.write("test_far.py", FAR)
    ran = project.report(*far(project, listening(), listening()))
    assert ran.line("qase: ").startswith("qase: 8 delivered, 0 kept")
    check_far(project, large=1)  # on this machine they see the run folder
    assert {result.worker for result in ran.results} == {"gw0", "gw1"}
    assert {result.nodeid.partition("::")[0] for result in ran.results} == {"test_far.py"}


@on_linux
@pytest.mark.parametrize("kind", ["socket", "popen"])
def test_from_a_machine_without_the_run_folder_small_files_travel_and_large_ones_are_named(
    project: Project, listening: Callable[[], str], tmp_path: Path, kind: str
) -> None:
    project.environ["TMSREPORT_DIR"] = NOT_SHARED
    project.write("test_far.py", FAR)
    (tmp_path / "elsewhere").mkdir()
    workers = [listening(), listening()] if kind == "socket" else [f"--tx=2*popen//chdir={tmp_path / 'elsewhere'}"]
    ran = project.report(*far(project, *workers))
    assert ran.line("qase: ").startswith("qase: 8 delivered, 0 kept")
    check_far(project, large=0)
    assert {result.worker for result in ran.results} == {"gw0", "gw1"}
    (large,) = (result for result in ran.results if result.title == "test_large_file")
    told = "large.bin: it has 1048577 bytes, a worker that shares no folder with the journal can send 1048576"
    assert told in large.notes[0]
    assert not list(tmp_path.glob("machine*/**/*.jsonl"))
    assert not list((tmp_path / "elsewhere").glob("**/*.jsonl"))


@on_linux
def test_a_crash_on_a_machine_without_the_run_folder_is_an_error_and_its_lost_marks_are_named(
    project: Project, tmp_path: Path
) -> None:
    project.environ["TMSREPORT_DIR"] = NOT_SHARED
    project.write("test_crash.py", CRASH_IN_SETUP)
    (tmp_path / "elsewhere").mkdir()
    ran = project.report(*far(project, f"--tx=2*popen//chdir={tmp_path / 'elsewhere'}"))
    assert {result.title: (result.outcome.value, result.ids) for result in ran.results} == {
        "test_dies": ("error", ()),
        "test_lives": ("passed", ()),
    }
    assert len(project.arrived) == 2
    line = ran.line("note: test_crash.py::test_dies")
    assert "died on a machine that shares no folder, so that its marks are not known" in line


def test_another_interpreter_is_a_worker_like_any_other(project: Project) -> None:
    project.write("test_far.py", FAR)
    ran = project.report("-pno:cacheprovider", "--dist=load", f"--tx=2*popen//python={sys.executable}")
    assert ran.line("qase: ").startswith("qase: 8 delivered, 0 kept")
    check_far(project, large=1)
    assert {result.worker for result in ran.results} == {"gw0", "gw1"}
