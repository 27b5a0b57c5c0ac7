"""Every outcome that pytest knows arrives as what it is, with and without xdist."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Project

SUITE = """
import doctest
import unittest

import pytest


@pytest.fixture
def broken():
    raise ValueError("no database")


@pytest.fixture
def untidy():
    yield
    raise OSError("cannot clean up")


@pytest.fixture
def absent():
    pytest.skip("no device here")


def test_passes():
    pass


def test_fails():
    assert 1 == 2, "one is not two"


def test_cannot_be_set_up(broken):
    pass


def test_leaves_a_mess(untidy):
    pass


def test_fails_and_leaves_a_mess(untidy):
    assert False, "first this"


def test_skips_and_leaves_a_mess(untidy):
    pytest.skip("not today")


@pytest.mark.xfail(reason="known bug")
def test_xfails_and_leaves_a_mess(untidy):
    assert False


@pytest.mark.xfail(reason="known bug")
def test_xpasses_and_leaves_a_mess(untidy):
    pass


def test_xfails_by_a_call_and_leaves_a_mess(untidy):
    pytest.xfail("gave up")


@pytest.mark.skip(reason="by mark")
def test_is_skipped_by_a_mark():
    pass


@pytest.mark.skipif(True, reason="by condition")
def test_is_skipped_by_a_condition():
    pass


def test_is_skipped_in_setup(absent):
    pass


def test_is_skipped_in_its_body():
    pytest.skip("in the body")


def test_is_skipped_for_want_of_a_module():
    pytest.importorskip("no_such_module_anywhere")


@pytest.mark.xfail(reason="bug 17")
def test_xfails():
    assert False


@pytest.mark.xfail(run=False, reason="would hang")
def test_xfails_without_running():
    raise SystemExit


def test_xfails_by_a_call():
    pytest.xfail("gave up")


@pytest.mark.xfail(raises=KeyError, reason="a key is missing")
def test_xfails_as_it_should():
    {}["x"]


@pytest.mark.xfail(raises=KeyError, reason="a key is missing")
def test_xfails_otherwise_than_it_should():
    raise TypeError("not that")


@pytest.mark.xfail(reason="in setup")
def test_xfails_in_setup(broken):
    pass


@pytest.mark.xfail(reason="thought broken")
def test_xpasses():
    pass


@pytest.mark.xfail(strict=True, reason="thought broken")
def test_xpasses_where_that_is_a_failure():
    pass


@pytest.mark.parametrize("number", [1, 2])
def test_with_a_parameter(number):
    assert number == 1


def test_ends_with_a_system_exit():
    raise SystemExit("left")


class TestInAClass:
    def test_passes(self):
        pass

    class TestWithin:
        @pytest.mark.parametrize("way", ["in", "out"])
        def test_fails(self, way):
            assert way == "in"


class TestOfUnittest(unittest.TestCase):
    def test_passes(self):
        pass

    def test_fails(self):
        self.assertEqual(1, 2)

    @unittest.expectedFailure
    def test_expects_a_failure(self):
        self.fail("as thought")

    @unittest.expectedFailure
    def test_expects_a_failure_in_vain(self):
        pass

    @unittest.skip("by decorator")
    def test_is_skipped(self):
        pass

    def test_skips(self):
        self.skipTest("by call")


class TestOfAsyncUnittest(unittest.IsolatedAsyncioTestCase):
    async def test_fails(self):
        self.assertEqual(1, 2)


class TestOfUnittestWithoutAClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise ValueError("no class")

    def test_never_begins(self):
        pass


@pytest.mark.asyncio
async def test_asynchronous_passes():
    pass


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [3])
async def test_asynchronous_fails(number):
    assert number == 4


@pytest.mark.asyncio
async def test_asynchronous_skips():
    pytest.skip("later")


def works():
    '''
    >>> 1 + 1
    2
    '''


def lies():
    '''
    >>> 1 + 1
    3
    '''


def breaks():
    '''
    >>> 1 / 0
    1
    '''


def is_left_out():
    '''
    >>> 1 + 1  # doctest: +SKIP
    3
    '''
"""

OUTCOMES = {
    "test_passes": ("passed", ""),
    "test_fails": ("failed", "AssertionError: one is not two\nassert 1 == 2"),
    "test_cannot_be_set_up": ("error", "setup failed: ValueError: no database"),
    "test_leaves_a_mess": ("error", "teardown failed: OSError: cannot clean up"),
    "test_fails_and_leaves_a_mess": (
        "failed",
        "AssertionError: first this\nassert False\nteardown failed: OSError: cannot clean up",
    ),
    "test_skips_and_leaves_a_mess": ("error", "not today\nteardown failed: OSError: cannot clean up"),
    "test_xfails_and_leaves_a_mess": ("xfailed", "known bug\nteardown failed: OSError: cannot clean up"),
    "test_xpasses_and_leaves_a_mess": ("xfailed", "known bug\nteardown failed: OSError: cannot clean up"),
    "test_xfails_by_a_call_and_leaves_a_mess": ("error", "gave up\nteardown failed: OSError: cannot clean up"),
    "test_is_skipped_by_a_mark": ("skipped", "by mark"),
    "test_is_skipped_by_a_condition": ("skipped", "by condition"),
    "test_is_skipped_in_setup": ("skipped", "no device here"),
    "test_is_skipped_in_its_body": ("skipped", "in the body"),
    "test_is_skipped_for_want_of_a_module": (
        "skipped",
        "could not import 'no_such_module_anywhere': No module named 'no_such_module_anywhere'",
    ),
    "test_xfails": ("xfailed", "bug 17"),
    "test_xfails_without_running": ("xfailed", "[NOTRUN] would hang"),
    "test_xfails_by_a_call": ("xfailed", "gave up"),
    "test_xfails_as_it_should": ("xfailed", "a key is missing"),
    "test_xfails_otherwise_than_it_should": ("failed", "TypeError: not that"),
    "test_xfails_in_setup": ("xfailed", "in setup"),
    "test_xpasses": ("xpassed", "thought broken"),
    "test_xpasses_where_that_is_a_failure": ("failed", "[XPASS(strict)] thought broken"),
    "test_with_a_parameter[1]": ("passed", ""),
    "test_with_a_parameter[2]": ("failed", "assert 2 == 1"),
    "test_ends_with_a_system_exit": ("failed", "SystemExit: left"),
    "TestInAClass::test_passes": ("passed", ""),
    "TestInAClass::TestWithin::test_fails[in]": ("passed", ""),
    "TestInAClass::TestWithin::test_fails[out]": (
        "failed",
        "AssertionError: assert 'out' == 'in'\n  \n  - in\n  + out",
    ),
    "TestOfUnittest::test_passes": ("passed", ""),
    "TestOfUnittest::test_fails": ("failed", "AssertionError: 1 != 2"),
    "TestOfUnittest::test_expects_a_failure": ("xfailed", ""),
    "TestOfUnittest::test_expects_a_failure_in_vain": ("failed", "Failed: Unexpected success"),
    "TestOfUnittest::test_is_skipped": ("skipped", "by decorator"),
    "TestOfUnittest::test_skips": ("skipped", "by call"),
    "TestOfAsyncUnittest::test_fails": ("failed", "AssertionError: 1 != 2"),
    "TestOfUnittestWithoutAClass::test_never_begins": ("error", "setup failed: ValueError: no class"),
    "test_asynchronous_passes": ("passed", ""),
    "test_asynchronous_fails[3]": ("failed", "assert 3 == 4"),
    "test_asynchronous_skips": ("skipped", "later"),
    "test_all.works": ("passed", ""),
    "test_all.lies": ("failed", "Expected:\n    3\nGot:\n    2"),
    "test_all.breaks": ("failed", "UNEXPECTED EXCEPTION: ZeroDivisionError('division by zero')"),
    "test_all.is_left_out": ("skipped", "all tests skipped by +SKIP option"),
}
STATUSES = {
    "passed": "passed",
    "failed": "failed",
    "error": "invalid",
    "skipped": "skipped",
    "xfailed": "skipped",
    "xpassed": "passed",
}
"""Qase's word for each outcome."""


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_every_outcome_arrives_once_as_what_it_is(project: Project, workers: str) -> None:
    project.neighbours = ("asyncio",)
    project.settings("asyncio_default_fixture_loop_scope = function\n")
    project.write("shop/test_all.py", SUITE)
    ran = project.report(workers, "--doctest-modules")

    found = {nodeid.removeprefix("shop/test_all.py::"): result for nodeid, result in ran.last.items()}
    assert {nodeid: (result.outcome.value, result.message) for nodeid, result in found.items()} == OUTCOMES
    assert len(ran.results) == len(OUTCOMES)
    sent = {result.id: result for result in project.arrived}
    assert sorted(sent) == sorted(result.id for result in ran.results)
    assert len(project.box.runs) == 1
    for result in ran.results:
        assert sent[result.id].status == STATUSES[result.outcome.value]
        assert bool(result.traceback) is result.outcome.is_bad
        assert "[gw" not in result.traceback
    assert len(project.box.requests) == 3  # the run, its results, its end
    assert ran.status == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_each_attempt_is_a_result_and_the_last_one_counts(project: Project, workers: str) -> None:
    project.neighbours = ("rerunfailures",)
    project.write(
        "test_reruns.py",
        """
        import pytest

        TIMES = {}

        def again(name):
            TIMES[name] = TIMES.get(name, 0) + 1
            return TIMES[name]

        @pytest.fixture
        def slow_start():
            assert again("setup") == 2, "not up yet"

        def test_passes_at_last():
            print("try", again("flaky"))
            assert TIMES["flaky"] == 3, f"try {TIMES['flaky']}"

        def test_never_passes():
            assert again("never") == 0

        def test_starts_slowly(slow_start):
            pass

        def test_passes_at_once():
            pass
        """,
    )
    ran = project.report(workers, "--reruns", "2", "--tms-set", "capture=all")

    attempts: dict[str, list[tuple[int, str, bool, str]]] = {}
    for each in ran.results:
        name = each.nodeid.removeprefix("test_reruns.py::")
        attempts.setdefault(name, []).append((each.attempt, each.outcome.value, each.superseded, each.message))
    assert attempts == {
        "test_passes_at_last": [
            (1, "failed", True, "AssertionError: try 1\nassert 1 == 3"),
            (2, "failed", True, "AssertionError: try 2\nassert 2 == 3"),
            (3, "passed", False, ""),
        ],
        "test_never_passes": [
            (1, "failed", True, "AssertionError: assert 1 == 0\n +  where 1 = again('never')"),
            (2, "failed", True, "AssertionError: assert 2 == 0\n +  where 2 = again('never')"),
            (3, "failed", False, "AssertionError: assert 3 == 0\n +  where 3 = again('never')"),
        ],
        "test_starts_slowly": [
            (1, "error", True, "setup failed: AssertionError: not up yet\nassert 1 == 2\n +  where 1 = again('setup')"),
            (2, "passed", False, ""),
        ],
        "test_passes_at_once": [(1, "passed", False, "")],
    }
    flaky = ran.last["test_reruns.py::test_passes_at_last"]
    assert flaky.is_flaky
    assert flaky.earlier == ("AssertionError: try 1\nassert 1 == 3", "AssertionError: try 2\nassert 2 == 3")
    assert len(project.arrived) == 4
    (sent,) = (each for each in project.arrived if each.id == flaky.id)
    assert sent.status == "passed"
    assert sent.body["message"].startswith("flaky: passed on attempt 3\nattempt 1: AssertionError: try 1")
    printed = [
        [(file.name, ran.text(file)) for file in each.attachments] for each in ran.results if each.title == flaky.title
    ]
    assert printed == [[("Captured stdout call.txt", f"try {number}\n")] for number in (1, 2, 3)]


def test_an_attempt_whose_successor_is_interrupted_arrives_though_it_is_all_there_is(project: Project) -> None:
    project.neighbours = ("rerunfailures",)
    project.write(
        "test_once.py",
        """
        TIMES = []

        def test_fails_and_hangs():
            TIMES.append(1)
            if len(TIMES) == 2:
                raise KeyboardInterrupt
            assert False, "a real failure"
        """,
    )
    ran = project.report("--reruns", "1")
    assert ran.status == pytest.ExitCode.INTERRUPTED
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept,")
    assert [result.status for result in project.arrived] == ["failed"]
    assert [result.superseded for result in ran.results] == [True]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_failed_subtest_fails_its_test(project: Project, workers: str) -> None:
    if not hasattr(pytest, "Subtests"):
        pytest.skip("subtests are part of pytest 9")
    project.write(
        "test_parts.py",
        """
        import unittest

        import pytest

        def test_one_fails(subtests):
            for number in range(3):
                with subtests.test("part", number=number):
                    print("in", number)
                    assert number != 1

        def test_all_pass(subtests):
            with subtests.test("part"):
                pass

        def test_one_is_skipped(subtests):
            with subtests.test("part"):
                pytest.skip("not here")

        @pytest.mark.xfail(reason="known")
        def test_one_xfails(subtests):
            with subtests.test("part"):
                assert False

        def test_one_fails_and_then_the_test(subtests):
            with subtests.test("part"):
                assert False, "inner"
            assert False, "outer"

        class TestOfUnittest(unittest.TestCase):
            def test_one_fails(self):
                for number in range(2):
                    with self.subTest("piece", number=number):
                        self.assertEqual(number, 0)
        """,
    )
    ran = project.report(workers)

    found = {nodeid.removeprefix("test_parts.py::"): result for nodeid, result in ran.last.items()}
    assert {name: (result.outcome.value, result.message) for name, result in found.items()} == {
        "test_one_fails": ("failed", "subtest part (number=1): assert 1 != 1"),
        "test_all_pass": ("passed", ""),
        "test_one_is_skipped": ("passed", ""),
        "test_one_xfails": ("xfailed", "known"),
        "test_one_fails_and_then_the_test": (
            "failed",
            "subtest part: AssertionError: inner\nassert False\nAssertionError: outer\nassert False",
        ),
        "TestOfUnittest::test_one_fails": ("failed", "subtest piece (number=1): AssertionError: 1 != 0"),
    }
    assert len(ran.results) == len(project.arrived) == 6
    assert "assert number != 1" in found["test_one_fails"].traceback
    texts = [ran.text(file) for file in found["test_one_fails"].attachments]
    assert "".join(texts).split("in ") == ["", "0\n", "1\n", "2\n"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_module_that_is_not_collected_is_a_result_of_its_own(project: Project, workers: str) -> None:
    project.write("unit/test_broken.py", "import no_such_module_anywhere\n")
    project.write("unit/test_unreadable.py", "def test_(:\n")
    project.write("unit/test_optional.py", "import pytest\npytest.importorskip('no_such_module_anywhere')\n")
    project.write(
        "unit/test_elsewhere.py", "import pytest\npytest.skip('not on this system', allow_module_level=True)\n"
    )
    project.write("unit/test_good.py", "def test_good(): pass\n")
    ran = project.report(workers, "--continue-on-collection-errors")

    found = {nodeid: (result.outcome.value, result.title) for nodeid, result in ran.last.items()}
    assert found == {
        "unit/test_broken.py": ("error", "unit/test_broken.py"),
        "unit/test_unreadable.py": ("error", "unit/test_unreadable.py"),
        "unit/test_optional.py": ("skipped", "unit/test_optional.py"),
        "unit/test_elsewhere.py": ("skipped", "unit/test_elsewhere.py"),
        "unit/test_good.py::test_good": ("passed", "test_good"),
    }
    assert len(ran.results) == len(project.arrived) == 5
    broken = ran.last["unit/test_broken.py"]
    assert broken.message == "not collected: ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    assert broken.suite == ("unit",)
    assert "test_broken.py:1" in broken.traceback
    assert ran.last["unit/test_elsewhere.py"].message == "not on this system"


def test_a_module_that_is_not_collected_stops_the_session_and_is_reported(project: Project) -> None:
    project.write("test_broken.py", "import no_such_module_anywhere\n")
    project.write("test_good.py", "def test_good(): pass\n")
    ran = project.report()

    assert ran.status == pytest.ExitCode.INTERRUPTED
    assert [result.nodeid for result in ran.results] == ["test_broken.py"]
    assert ran.not_run == ["test_good.py::test_good"]
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept, 0 refused, 0 without case | run 1 ")


FOUR = """
def test_1(): pass
def test_2(): {second}
def test_3(): pass
def test_4(): pass
"""


def test_what_never_ran_after_the_first_failure_is_named(project: Project) -> None:
    project.write("test_four.py", FOUR.format(second="assert False"))
    ran = project.report("-x")

    assert [(result.title, result.outcome.value) for result in ran.results] == [
        ("test_1", "passed"),
        ("test_2", "failed"),
    ]
    assert ran.not_run == ["test_four.py::test_3", "test_four.py::test_4"]
    assert ran.line("never ran") == "never ran: 2 tests: test_four.py::test_3, test_four.py::test_4"
    assert len(project.arrived) == 2
    assert ran.status == pytest.ExitCode.TESTS_FAILED


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_ctrl_c_keeps_what_has_ended_and_sends_it(project: Project, workers: str) -> None:
    project.write(
        "test_four.py",
        """
        import pathlib, threading

        import pytest

        def test_1(): pass

        def test_2(request):
            pathlib.Path("reached").touch()
            threading.Event().wait()

        @pytest.mark.parametrize("number", range(3))
        def test_3(number):
            threading.Event().wait()
        """,
    )
    process = project.start_pytest("--tms-to", "qase", workers)
    project.wait_for(process, (project.root / "reached").exists)
    os.killpg(process.pid, signal.SIGINT)
    ran = project.ended(process)

    assert ran.status == pytest.ExitCode.INTERRUPTED
    assert [(result.title, result.outcome.value) for result in ran.results] == [("test_1", "passed")]
    assert [result.title for result in project.arrived] == ["test_1"]
    assert len(ran.not_run) == 4
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept,")


def test_an_exit_keeps_what_has_ended_and_sends_it(project: Project) -> None:
    project.write("test_four.py", "import pytest" + FOUR.format(second="pytest.exit('enough', returncode=7)"))
    ran = project.report()

    assert ran.status == 7
    assert [result.title for result in project.arrived] == ["test_1"]
    assert ran.not_run == [f"test_four.py::test_{number}" for number in (2, 3, 4)]
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept,")


@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_an_internal_error_keeps_what_has_ended_and_sends_it(project: Project, workers: str) -> None:
    project.write("test_four.py", FOUR.format(second="pass"))
    project.write(
        "conftest.py",
        """
        def pytest_runtest_logstart(nodeid):
            if "test_3" in nodeid:
                raise RuntimeError("a broken plugin")
        """,
    )
    ran = project.report(workers)

    assert ran.status == pytest.ExitCode.INTERNAL_ERROR
    assert [result.title for result in project.arrived] == ["test_1", "test_2"]
    assert ran.not_run == ["test_four.py::test_3", "test_four.py::test_4"]
    assert ran.line("qase: ").startswith("qase: 2 delivered, 0 kept,")
