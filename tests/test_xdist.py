"""With xdist, what arrives is what would arrive without it; a dead worker costs nothing but its own test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

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

    for distribution in ("load", "loadscope", "worksteal"):
        together = project.report("-n2", "--dist", distribution, *arguments)
        assert gist(alone.results) == gist(together.results)
        assert {result.worker for result in together.results} <= {"gw0", "gw1", ""}
        assert {result.worker for result in together.results} & {"gw0", "gw1"}
        for start in ("left out", "wrong mark"):
            assert alone.line(start) == together.line(start)
    assert [len(project.box.results_of(run)) for run in project.box.runs] == [38] * 4


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
