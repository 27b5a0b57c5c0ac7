"""Subtests as steps, whoever offers them: pytest, the plugin that had them before, and unittest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

SUITE = """
import unittest

import pytest
import pytest_tmsreport as tms


def test_parts(subtests):
    with tms.step("before"):
        pass
    for number in range(3):
        with subtests.test("part", number=number), tms.step("look"):
            tms.attach(str(number).encode(), name="seen.bin")
            assert number != 1, "too odd"
    with subtests.test():
        pytest.skip("not here")
    with subtests.test(msg="named", colour="tea green"):
        pytest.xfail("known")
    with tms.step("after"):
        pass


@pytest.fixture
def checked(subtests):
    with subtests.test("in a fixture"):
        yield


def test_of_a_fixture(checked):
    pass


class TestPieces(unittest.TestCase):
    def test_pieces(self):
        with tms.step("before"):
            pass
        with self.subTest("outer", number=1):
            with self.subTest(inner=2):
                with tms.step("look"):
                    pass
            self.assertEqual(1, 2)
        with self.subTest():
            self.skipTest("not here")
        with tms.step("after"):
            pass
"""
PARTS = [
    "passed: before",
    "passed: part (number=0)",
    "  passed: look",
    "failed: part (number=1): AssertionError: too odd\nassert 1 != 1",
    "  failed: look: AssertionError: too odd\nassert 1 != 1",
    "passed: part (number=2)",
    "  passed: look",
    "skipped: subtest: not here",
    "xfailed: named (colour=tea green): known",
    "passed: after",
]
PIECES = [
    "passed: before",
    "failed: outer (number=1): AssertionError: 1 != 2",
    "  passed: (inner=2)",
    "    passed: look",
    "skipped: subtest: not here",
    "passed: after",
]


BESIDE = ("pytest==8.3.5", "pytest-subtests==0.14.2")


@pytest.fixture(params=["pytest", "plugin"])
def subtests_of(request: pytest.FixtureRequest, project: Project) -> str:
    """Who offers the fixture `subtests`: pytest, or the plugin that had it before."""
    if request.param == "plugin":
        project.move(request.getfixturevalue("beside")("pytest-subtests", *BESIDE))
    elif not hasattr(pytest, "Subtests"):
        pytest.skip("subtests are part of pytest 9")
    return str(request.param)


@pytest.mark.usefixtures("subtests_of")
def test_a_subtest_is_a_step_that_holds_what_is_said_within_it(project: Project, workers: str) -> None:
    project.write("test_parts.py", SUITE)
    ran = project.report(workers)

    assert ran.steps("test_parts.py::test_parts") == PARTS
    assert ran.steps("test_parts.py::TestPieces::test_pieces") == PIECES
    result = ran.last["test_parts.py::test_parts"]
    files = {file.sha256: ran.text(file) for file in result.attachments}
    assert [[files[each] for each in step.steps[0].files] for step in result.steps[1:4]] == [["0"], ["1"], ["2"]]
    starts = [step.start for step in result.steps]
    assert starts == sorted(starts)
    assert sum(step.duration for step in result.steps) <= result.phases["call"].duration
    assert {nodeid.rpartition("::")[2]: result.outcome.value for nodeid, result in ran.last.items()} == {
        "test_parts": "failed",
        "test_of_a_fixture": "passed",
        "test_pieces": "failed",
    }
    assert len(ran.results) == len(project.arrived) == 3


@pytest.mark.usefixtures("subtests_of")
def test_what_pytest_says_of_subtests_is_the_same_with_and_without(project: Project) -> None:
    project.write("test_parts.py", SUITE)
    arguments = ("--full-trace", "-vv", "-rA", "-p", "no:cacheprovider")
    told = [
        [line for line in ran.out.splitlines() if line.startswith(("test_parts.py:", "E  ", "SUB", "FAILED", "PASSED"))]
        for ran in (project.pytest(*arguments), project.report(*arguments))
    ]
    assert told[0] == told[1]
    assert len(told[0]) > 10


def test_a_thousand_subtests_cost_their_reports_no_more_than_a_few(project: Project) -> None:
    """What was said so far does not travel with each of them again."""
    if not hasattr(pytest, "Subtests"):
        pytest.skip("subtests are part of pytest 9")
    project.write(
        "conftest.py",
        """
        import os

        def pytest_runtest_logreport(report):
            if "PYTEST_XDIST_WORKER" not in os.environ:
                return
            with open("sizes.txt", "a") as file:
                print(len(getattr(report, "tmsreport", "")), file=file)
        """,
    )
    project.write(
        "test_parts.py",
        """
        def test_parts(subtests):
            for number in range(1000):
                with subtests.test("part", number=number):
                    pass
        """,
    )
    ran = project.report("-n1")
    assert len(ran.steps("test_parts.py::test_parts")) == 1000
    sizes = [int(line) for line in (project.root / "sizes.txt").read_text().split()]
    assert len(sizes) == 1003
    assert sum(sizes) < 2 * max(sizes)


def test_a_fixture_that_happens_to_be_called_subtests_is_left_alone(project: Project) -> None:
    project.write(
        "test_parts.py",
        """
        import pytest

        class Own:
            def test(self, word):
                return word

        @pytest.fixture
        def subtests():
            return Own()

        def test_parts(subtests):
            assert vars(subtests) == {}
            assert subtests.test("x") == "x"
        """,
    )
    ran = project.report()
    assert ran.status == 0
    assert ran.steps("test_parts.py::test_parts") == []
