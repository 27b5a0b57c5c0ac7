"""What a result tells: title, suite, parameters, times, messages, and what the test printed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.collector import shortened
from pytest_tmsreport.journal import LINE_BYTES, line_of, record_of
from pytest_tmsreport.model import Outcome, Result
from pytest_tmsreport.testing import make_results

if TYPE_CHECKING:
    from conftest import Project, Ran


def test_parameters_are_readable_and_the_same_in_every_session(project: Project) -> None:
    project.write(
        "test_values.py",
        """
        import enum
        import functools

        import pytest

        class Way(enum.Enum):
            IN = 1

        class Opaque:
            pass

        class Rude:
            def __repr__(self):
                raise ValueError("no")

        class Shy:
            def __repr__(self):
                pytest.skip("not connected")

        class Weird:
            def __repr__(self):
                return 7

        VALUES = {
            "number": 1, "text": "plain text", "enum": Way.IN, "class": Opaque, "object": Opaque(), "rude": Rude(),
            "shy": Shy(),
            "weird": Weird(), "none": None, "tuple": ("a", 2), "function": len, "partial": functools.partial(len),
            "lambda": lambda: 0, "long": "x" * 100_000, "inner": [Opaque()], "empty": "", "lines": "a\\nb",
            "nul": "a\\0b", "surrogate": "a\\udc80b", "coloured": "\\x1b[31mred\\x1b[0m",
        }

        @pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
        @pytest.mark.parametrize("also", [True])
        def test_values(value, also):
            pass
        """,
    )
    ran = project.report("-n2")

    found = {result.nodeid.partition("[")[2].rpartition("-")[2][:-1]: result.parameters for result in ran.results}
    assert {parameters.pop("also") for parameters in map(dict, found.values())} == {"True"}
    values = {name: parameters["value"] for name, parameters in found.items()}
    longest = values.pop("long")
    assert 200 < len(longest) <= 250
    assert "characters left out" in longest
    assert values == {
        "number": "1",
        "text": "plain text",
        "enum": "IN",
        "class": "Opaque",
        "object": "Opaque",
        "rude": "Rude",
        "shy": "Shy",
        "weird": "Weird",
        "none": "None",
        "tuple": "('a', 2)",
        "function": "len",
        "partial": "partial",
        "lambda": "<lambda>",
        "inner": "[<test_values.Opaque object>]",
        "empty": "",
        "lines": "a\nb",
        "nul": "a␀b",
        "surrogate": "a?b",
        "coloured": "red",
    }
    assert len(project.arrived) == 20


def test_a_title_and_a_suite_come_from_where_the_test_stands(project: Project) -> None:
    test = "def test_one(): pass\nclass TestCart:\n    class TestSum:\n        def test_two(self): pass\n"
    project.write("test_top.py", test)
    project.write("unit/shop/test_deep.py", test)
    ran = project.report()

    assert {(result.title, result.suite) for result in ran.results} == {
        ("test_one", ("test_top",)),
        ("test_two", ("test_top", "TestCart", "TestSum")),
        ("test_one", ("unit", "shop", "test_deep")),
        ("test_two", ("unit", "shop", "test_deep", "TestCart", "TestSum")),
    }


def test_times_are_those_of_the_world_whatever_a_test_does_to_its_clock(project: Project) -> None:
    project.write(
        "test_time.py",
        """
        import time

        import freezegun
        import pytest

        @pytest.fixture
        def frozen():
            with freezegun.freeze_time("2001-01-01"):
                yield

        def test_frozen(frozen):
            assert time.time() == 978307200

        @freezegun.freeze_time("2040-01-01", tick=True)
        def test_in_the_future():
            assert time.time() > 2_000_000_000

        def test_moves_and_leaves_it_so():
            time.time = time.perf_counter = lambda: 5.0

        def test_afterwards():
            assert time.time() == 5.0
        """,
    )
    before = time.time()
    ran = project.report()
    after = time.time()

    assert len(ran.results) == len(project.arrived) == 4
    for result in ran.results:
        assert result.outcome.value == "passed"
        phases = [result.phases[name] for name in ("setup", "call", "teardown")]
        assert before - 1 < result.start == phases[0].start
        assert result.end < after + 1
        assert all(phase.duration >= 0 for phase in phases)
        assert phases[0].start <= phases[1].start <= phases[2].start
        assert result.duration == pytest.approx(sum(phase.duration for phase in phases), abs=0.5)


PRINTING = """
import logging
import os
import sys

import pytest


@pytest.fixture
def loud():
    print("out of setup")
    logging.getLogger("shop").warning("log of setup")
    yield
    print("out of teardown")


def test_fails(loud):
    print("out of call")
    print("err of call", file=sys.stderr)
    os.write(1, b"straight out\\n")
    print("\\x1b[31mred\\x1b[0m a\\0b end")
    logging.getLogger("shop").error("log of call")
    assert "\\x1b[31mred\\x1b[0m" == "a\\0b"


def test_passes(loud):
    print("quietly")
"""


def printed(ran: Ran, result: Result) -> dict[str, str]:
    """File name -> content."""
    names = [file.name for file in result.attachments]
    assert len(set(names)) == len(names)
    return {file.name: ran.text(file) for file in result.attachments}


@pytest.mark.parametrize("capture", ["failed", "all", "none"])
def test_what_a_test_printed_is_kept_phase_by_phase(project: Project, capture: str) -> None:
    project.write("test_printing.py", PRINTING)
    project.settings(f"[tmsreport]\ncapture = {capture}\n")
    ran = project.report("-n2" if capture == "all" else "-n0")

    failed, passed = (ran.last[f"test_printing.py::{name}"] for name in ("test_fails", "test_passes"))
    setup = {"Captured stdout setup.txt": "out of setup\n"}
    teardown = {"Captured stdout teardown.txt": "out of teardown\n"}
    of_failed = printed(ran, failed)
    logs = [of_failed.pop(f"Captured log {phase}.txt", "") for phase in ("setup", "call")]
    call = {
        "Captured stdout call.txt": "out of call\nstraight out\nred a␀b end\n",
        "Captured stderr call.txt": "err of call\n",
    }
    assert of_failed == ({} if capture == "none" else {**setup, **call, **teardown})
    assert ["log of setup" in logs[0], "log of call" in logs[1]] == [capture != "none"] * 2
    quiet = {**setup, "Captured stdout call.txt": "quietly\n", **teardown}
    of_passed = printed(ran, passed)
    of_passed.pop("Captured log setup.txt", None)
    assert of_passed == (quiet if capture == "all" else {})
    sent = {result.title: result.body["attachments"] for result in project.arrived}
    assert [len(sent[result.title]) for result in (failed, passed)] == [
        len(result.attachments) for result in (failed, passed)
    ]
    assert "\x1b" not in failed.message + failed.traceback


def test_strange_characters_survive_the_way(project: Project, workers: str) -> None:
    # A lone surrogate in a failure ends any session of xdist, with or without us: execnet does not carry it.
    surrogate = "\\udc80" if workers == "-n0" else "?"
    project.write(
        "test_strange.py",
        """
        import pytest

        class Strange(Exception):
            def __str__(self):
                return "NUL \\0, surrogate \\udc80, escape \\x1b[31mred\\x1b[0m, wide \\N{SNOWMAN}"

        def test_raises():
            raise Strange

        def test_skips():
            pytest.skip("NUL \\0, surrogate \\udc80, escape \\x1b[31mred\\x1b[0m, wide \\N{SNOWMAN}")

        @pytest.mark.xfail(reason="NUL \\0, surrogate \\udc80, escape \\x1b[31mred\\x1b[0m, wide \\N{SNOWMAN}")
        def test_xfails():
            assert False

        def test_says_much():
            raise ValueError("x" * 1_000_000)

        def test_exits_strangely():
            raise BaseException("neither an error nor an exit")
        """.replace("\\udc80", surrogate),
    )
    ran = project.report(workers)

    found = {result.title: result for result in ran.results}
    text = "NUL ␀, surrogate {}, escape red, wide ☃"
    assert found["test_skips"].message in (text.format("?"), text.format("\\udc80"))
    assert found["test_xfails"].message in (text.format("?"), text.format("\\udc80"))
    assert found["test_raises"].message.endswith(("wide ☃", "red, wide ☃"))
    assert len(found["test_says_much"].message) <= 8_000
    assert len(found["test_says_much"].traceback) <= 64_000
    assert "characters left out" in found["test_says_much"].message
    assert len(project.arrived) == len(found) == 5
    assert {result.id for result in project.arrived} == {result.id for result in ran.results}


PROPERTIES = """
import os

import pytest
import pytest_tmsreport as tms


@pytest.fixture
def version(record_property):
    record_property("version", 1)
    yield
    record_property("closed", True)


@pytest.mark.tms(fields={"layer": "api"})
def test_records(version, record_property):
    record_property("browser", "firefox")
    record_property("browser", "chrome")
    record_property("layer", "property")
    record_property("pair", ["a", 2])
    record_property("browser size", None)
    record_property("priority", "property")
    tms.field("priority", "said")


def test_of_another_plugin(request):
    request.node.user_properties += [("one", "1"), "no pair", ("a", "b", "c"), (7, "seven")]


def test_cannot_be_set_up(record_property, missing):
    pass
"""


def test_properties_are_fields_and_what_is_said_to_us_wins(project: Project, workers: str) -> None:
    project.write("test_properties.py", PROPERTIES)
    ran = project.report(workers)

    assert {result.title: result.fields for result in ran.results} == {
        "test_records": {
            "version": "1",
            "closed": "True",
            "browser": "chrome",
            "layer": "api",
            "pair": "['a', 2]",
            "browser size": "None",
            "priority": "said",
        },
        "test_of_another_plugin": {"one": "1", "7": "seven"},
        "test_cannot_be_set_up": {},
    }
    sent = next(arrived.body["fields"] for arrived in project.arrived if arrived.title == "test_records")
    assert sent["browser"] == "chrome"


@pytest.mark.parametrize(
    "attribute", ["context = 'payments'", "node = item", "sections.append(('one', 'two', 'three'))"]
)
def test_what_a_conftest_puts_on_its_reports_costs_no_result(project: Project, attribute: str) -> None:
    project.write(
        "conftest.py",
        f"""
        import pytest

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(item):
            outcome = yield
            report = outcome.get_result()
            report.{attribute}
        """,
    )
    project.write("test_one.py", "def test_passes(): print('heard')")
    ran = project.report("--tms-set", "on_loss=fail", "--tms-set", "capture=all")
    assert [result.status for result in project.arrived] == ["passed"]
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept,")
    assert "note:" not in ran.out
    assert ran.status == 0


def test_a_test_that_cannot_be_understood_counts_as_lost_and_takes_no_other_with_it(project: Project) -> None:
    project.write(
        "conftest.py",
        """
        import pytest

        class Broken:
            def __str__(self):
                raise RuntimeError("no words")

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(item, call):
            outcome = yield
            if call.when == "call" and item.name != "test_passes":
                outcome.get_result().wasxfail = Broken()
        """,
    )
    project.write("test_some.py", "def test_one(): pass\ndef test_passes(): pass\ndef test_two(): pass\n")
    ran = project.report("-p", "no:skipping", "-q", "-q", "--tms-set", "on_loss=fail")
    assert [result.status for result in project.arrived] == ["passed"]
    assert ran.line("LOST: ") == "LOST: 2 results could not be written to the journal"
    assert ran.line("note: hearing of a test failed: RuntimeError: no words (2 times)")
    assert ran.status == 10


def test_a_test_that_says_more_than_a_journal_holds_is_reported_with_less(project: Project, workers: str) -> None:
    project.write(
        "test_talk.py",
        """
        import pytest_tmsreport as tms

        def test_steps():
            for number in range(120):
                with tms.step(f"call {number}", data="\N{SNOWMAN}" * 9_000):
                    pass
            assert False, "no answer"
        """,
    )
    ran = project.report(workers, "--tms-set", "on_loss=fail")
    talks = ran.last["test_talk.py::test_steps"]
    assert [step.title for step in talks.steps] == [f"call {number}" for number in range(120)]
    assert {len(step.data) for step in talks.steps} == {1_000}
    assert talks.notes == ("it says more than a journal holds: each text is cut at 1000 characters",)
    assert talks.message == "AssertionError: no answer\nassert False"
    assert ran.line("qase: ").startswith("qase: 1 delivered, 0 kept,")
    assert "LOST" not in ran.out


def test_what_says_too_much_in_small_parts_keeps_its_outcome_message_and_cases() -> None:
    (result,) = make_results(1, tags=("x" * 100,) * 50_000, outcome=Outcome.FAILED)
    *_, record = shortened(record_of(result))
    assert len(line_of(record)) < LINE_BYTES
    last = Result.from_json(json.loads(line_of(record)))
    assert (last.outcome, last.message, last.ids) == (result.outcome, result.message, result.ids)
    assert last.notes == ("it says more than a journal holds: its steps, fields and links are left out",)


@pytest.mark.parametrize(
    ("workers", "end"),
    [("-n0", "pytest.exit('enough')"), ("-n2", "pytest.exit('enough')"), ("-n2", "os._exit(7)")],
    ids=["exit", "exit of a worker", "crash of a worker"],
)
def test_what_a_test_said_before_its_teardown_ended_everything_is_kept(
    project: Project, workers: str, end: str
) -> None:
    project.write(
        "test_leaving.py",
        f"""
        import os

        import pytest
        import pytest_tmsreport as tms

        @pytest.fixture
        def abrupt():
            yield
            {end}

        @pytest.mark.tms("7")
        def test_leaves(abrupt):
            tms.note("said on the way")
            with tms.step("half way"):
                pass
        """,
    )
    ran = project.report(workers)

    (result,) = ran.results
    assert result.ids == ({"": ("7",)},)
    assert result.notes == ("said on the way",)
    assert [step.title for step in result.steps] == ["half way"]
    assert set(result.durations) >= {"setup", "call"}
    assert [arrived.cases for arrived in project.arrived] == [("7",)]
