"""What other people's TestRail reporters lose or get wrong arrives here, in whole sessions."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project, Ran

SIXTY = """
import pytest

@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.tms(f"C{n}")) for n in range(1, 61)])
def test_many(number):
    pass
"""
OUTCOMES = """
import pytest

@pytest.fixture
def broken():
    raise ValueError("no database")

@pytest.fixture
def untidy():
    yield
    raise OSError("cannot clean up")

@pytest.mark.tms("C1")
def test_setup(broken):
    pass

@pytest.mark.tms("C2")
def test_teardown(untidy):
    pass

@pytest.mark.tms("C3")
@pytest.mark.skip(reason="by mark")
def test_skipped():
    pass

@pytest.mark.tms("C4")
@pytest.mark.xfail(run=False, reason="would hang")
def test_xfailed():
    pass

@pytest.mark.tms("C5")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_one_case(number):
    assert number != 2

@pytest.mark.tms("C6")
def test_subtests(subtests):
    with subtests.test("bad"):
        assert False
    with subtests.test("good"):
        pass
"""
PASSED, RETEST, FAILED = "passed", "retest", "failed"


@pytest.fixture
def served() -> Iterator[Served]:
    """TestRail's sandbox on a free port of loopback."""
    with serve([testrail_sandbox.create()]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["testrail"]


def report(project: Project, *args: str) -> Ran:
    return project.pytest("--tms-to", "testrail", *args)


def test_workers_share_one_run(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    ran = report(project, "-n2")
    assert ran.status == 0
    assert len(box.runs) == 1
    assert Counter(result.cases for result in box.results.values()) == {(str(n),): 1 for n in range(1, 61)}
    assert "testrail: 60 delivered, 0 kept, 0 refused, 0 without case" in ran.out


@pytest.mark.parametrize(
    "trouble",
    [
        "lost-answer*1@add_results",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ["503*1@add_results", "reset*1@add_results", "429*1", "html*1@add_run"]
        ),
    ],
)
def test_one_trouble_costs_none_of_sixty_and_doubles_none(
    project: Project, served: Served, box: Box, trouble: str
) -> None:
    served.troubles.add(trouble)
    project.write("test_many.py", SIXTY)
    assert report(project).status == 0
    assert len(box.runs) == 1
    assert Counter(result.cases for result in box.results.values()) == {(str(n),): 1 for n in range(1, 61)}


def test_every_outcome_is_told_as_it_was(project: Project, box: Box, workers: str) -> None:
    project.write("test_outcomes.py", OUTCOMES)
    report(project, workers)
    told = {result.cases: (result.status, result.body["comment"]) for result in box.results.values()}
    assert {case: status for (case,), (status, _) in told.items()} == {
        "1": FAILED,
        "2": FAILED,
        "3": RETEST,
        "4": RETEST,
        "5": FAILED,
        "6": FAILED,
    }
    assert "no database" in told["1",][1]
    assert "cannot clean up" in told["2",][1]
    assert "by mark" in told["3",][1]
    assert "passed: test_one_case" in told["5",][1]


def test_an_unknown_case_costs_its_own_result_and_neither_the_others_nor_the_run(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY.replace("range(1, 61)", "[*range(1, 60), 90001]"))
    ran = report(project)
    assert len(box.results) == 59
    assert len(box.runs) == 1
    assert not [each for each in box.requests if "delete" in each.query]
    assert "testrail: 59 delivered, 0 kept, 1 refused, 0 without case" in ran.out
    assert "C90001" in ran.out


def test_a_wrong_key_is_said_aloud_and_everything_is_kept_for_later(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    key = project.environ.pop("TMSREPORT_TESTRAIL_TOKEN")
    project.environ["TMSREPORT_TESTRAIL_TOKEN"] = "revoked-key"
    ran = report(project)
    assert "testrail: 0 delivered, 60 kept, 0 refused, 0 without case" in ran.out
    assert "make a new API key" in ran.out
    project.environ["TMSREPORT_TESTRAIL_TOKEN"] = key
    project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert len(box.results) == 60
    assert len(box.runs) == 1


def test_a_test_without_a_case_gets_one_and_keeps_it(project: Project, box: Box, workers: str) -> None:
    project.write("tests/test_shop.py", "class TestCart:\n    def test_add(self): pass\n    def test_sum(self): pass\n")
    report(project, workers)
    report(project, workers)
    assert len(box.runs) == 2
    assert len({result.cases for result in box.results.values()}) == 2
    assert len(box.results) == 4
    sent = [each.query for each in box.requests]
    assert len([query for query in sent if "/add_cases/" in query]) == 1


def test_a_destination_is_found_by_the_variables_of_other_tools(project: Project, box: Box) -> None:
    for ours, theirs in {"URL": "TR_CLI_HOST", "USER": "TESTRAIL_EMAIL", "TOKEN": "TR_CLI_KEY"}.items():
        project.environ[theirs] = project.environ.pop(f"TMSREPORT_TESTRAIL_{ours}")
    project.environ["TR_CLI_PROJECT_ID"] = project.environ.pop("TMSREPORT_TESTRAIL_PROJECT")
    project.write("test_many.py", SIXTY)
    assert report(project).status == 0
    assert len(box.results) == 60
