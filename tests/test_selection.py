"""Only what a plan asks for, or what has failed in a run: whole sessions."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from pytest_tmsreport.sandbox import azure as azure_sandbox
from pytest_tmsreport.sandbox import azure_fields, kiwi_fields, qase_fields, testrail_fields, xray_fields, zephyr_fields
from pytest_tmsreport.sandbox import kiwi as kiwi_sandbox
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox import xray as xray_sandbox
from pytest_tmsreport.sandbox import zephyr as zephyr_sandbox
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project

    from pytest_tmsreport.sandbox.site import Sandbox

ROOT = Path(__file__).resolve().parents[1]
PLAN = tuple(range(20, 2001, 20))
MANY = """
import pytest

@pytest.mark.parametrize("number", [pytest.param(n, marks=pytest.mark.tms(f"C{n}")) for n in range(1, 2001)])
def test_many(number):
    assert number % 20 == 0, "is not in the plan"
"""
FEW = """
import pytest

@pytest.mark.tms("C1")
class TestCart:
    def test_adds(self):
        pass

    @pytest.mark.tms("C5")
    def test_removes(self):
        pass

@pytest.mark.tms("C2", "C6")
@pytest.mark.parametrize("country", ["DE", "FR"])
def test_tax(country):
    pass

@pytest.mark.tms("C7")
def test_unplanned():
    pass

def test_without_a_case():
    pass
"""
PLANNED = ["test_few.py::TestCart::test_adds", "test_few.py::test_tax[DE]", "test_few.py::test_tax[FR]"]


@pytest.fixture
def served() -> Iterator[Served]:
    rules = qase_fields.Rules(plans={7: (1, 2, 3), 8: (), 9: PLAN, 10: tuple(range(101, 116))})
    with serve([qase_sandbox.create(rules), testrail_sandbox.create()]) as running:
        yield running


@pytest.fixture
def few(project: Project) -> Project:
    """A project with a few tests; the first plan names some of their cases."""
    project.write("test_few.py", FEW)
    return project


def test_of_two_thousand_tests_the_hundred_of_the_plan_run_and_arrive(project: Project, workers: str) -> None:
    project.write("test_many.py", MANY)
    ran = project.report("--tms-plan", "9", workers)
    assert ran.status == 0
    assert sorted(ran.last) == sorted(f"test_many.py::test_many[{number}]" for number in PLAN)
    assert sorted(int(case) for result in project.arrived for case in result.cases) == list(PLAN)
    assert ran.line("selected:") == "selected: 100 of 2000 tests, by plan 9 of qase (100 cases)"
    assert ran.not_run == []


@dataclass(frozen=True)
class Tool:
    """A tool with a plan of a hundred cases, of those in `MANY`."""

    name: str
    create: Callable[[], Sandbox]
    plan: str
    environ: Mapping[str, str] = field(default_factory=dict)
    mark: str = "C{n}"
    prepare: Callable[[str], None] | None = None


def plan_of_kiwi(url: str) -> None:
    """Makes the plan through the API, as a person would by hand."""
    with requests.Session() as session:

        def call(method: str, *params: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return session.post(f"{url}/json-rpc/", json=body, timeout=10).json()["result"]

        session.headers["Cookie"] = f"sessionid={call('Auth.login', kiwi_fields.USER, kiwi_fields.PASSWORD)}"
        plan = call("TestPlan.create", {"name": "A hundred", "product": 1, "product_version": 1, "type": 1})["id"]
        for number in PLAN:
            call("TestPlan.add_case", plan, number)


ZEPHYR = zephyr_fields.Rules(issues={"SHOP-70": tuple(f"SHOP-T{number}" for number in PLAN)})
AZURE = azure_fields.Rules(suites={33: range(20, 2001, 20)})
KIWI = kiwi_fields.Rules(cases=2000)
XRAY = xray_fields.Rules(plans={"SHOP-90070": tuple(f"SHOP-{number}" for number in PLAN)})
TOOLS = (
    Tool("testrail", lambda: testrail_sandbox.create(testrail_fields.Rules(cases=2000, planned={8: PLAN})), "R8"),
    Tool("xray", lambda: xray_sandbox.create(XRAY), "SHOP-90070"),
    Tool("xray", lambda: xray_sandbox.create(XRAY), "90070", {"TMSREPORT_XRAY_PRODUCT": "dc"}),
    Tool("zephyr", lambda: zephyr_sandbox.create(ZEPHYR), "SHOP-70", {"TMSREPORT_ZEPHYR_PRODUCT": "dc"}),
    Tool("zephyr", lambda: zephyr_sandbox.create(ZEPHYR), "SHOP-70"),
    Tool("azure", lambda: azure_sandbox.create(AZURE), "31/33", {"TMSREPORT_AZURE_PLAN": "31/33"}, "{n}"),
    Tool("kiwi", lambda: kiwi_sandbox.create(KIWI), "A hundred", mark="{n}", prepare=plan_of_kiwi),
)


@pytest.mark.parametrize(
    "tool",
    [
        pytest.param(tool, id=name, marks=[] if name in ("testrail", "zephyr cloud", "kiwi") else [pytest.mark.long])
        for tool, name in zip(
            TOOLS,
            ("testrail", "xray cloud", "xray dc", "zephyr dc", "zephyr cloud", "azure", "kiwi"),
            strict=True,
        )
    ],
)
def test_it_is_so_at_each_tool_that_lists_its_plans(project: Project, tool: Tool, workers: str) -> None:
    project.write("test_many.py", MANY.replace("C{n}", tool.mark).replace("range(1, 2001)", "range(10, 2001, 10)"))
    with serve([tool.create()]) as served:
        project.environ |= {**served.environment, **tool.environ}
        if tool.prepare:
            tool.prepare(served.url_of(tool.name))
        ran = project.pytest("--tms-to", tool.name, "--tms-plan", tool.plan, workers)
        again = project.pytest(
            "--tms-to", tool.name, "--tms-run", ran.line(tool.name).split()[12], workers, "--co", "-q"
        )
        box = served.boxes[tool.name]
    assert ran.status == 0
    assert sorted(ran.last) == sorted(f"test_many.py::test_many[{number}]" for number in PLAN)
    assert sorted(int(re.sub(r"\D", "", result.cases[0])) for result in box.results.values()) == list(PLAN)
    assert f"selected: 100 of 200 tests, by plan {tool.plan} of {tool.name} (100 cases)" in ran.out
    assert "selected: 100 of 200 tests, by run" in again.out


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_test_runs_where_any_of_its_cases_is_planned_and_the_nearest_mark_counts(few: Project, workers: str) -> None:
    ran = few.report("--tms-plan", "qase:7", workers)
    assert ran.status == 0
    assert sorted(ran.last) == PLANNED
    assert ran.line("selected:") == "selected: 3 of 6 tests, by plan 7 of qase (3 cases)"
    assert ran.line("without a case:") == "without a case: 1 test, left out (`unmapped = drop`)"
    assert ran.line("without a test here:") == "without a test here: 1 case: SHOP-3"


@pytest.mark.parametrize(
    ("options", "status", "ran"),
    [
        pytest.param(["--tms-set", "unmapped=keep"], 0, [*PLANNED, "test_few.py::test_without_a_case"], id="unmapped"),
        pytest.param(["-k", "adds"], 0, PLANNED[:1], id="by a word"),
        pytest.param(["-k", "unplanned"], 5, [], id="by a word that no planned test has"),
        pytest.param(["test_few.py::test_tax[FR]", "test_few.py::test_unplanned"], 0, PLANNED[2:], id="by node ids"),
        pytest.param(["--tms-plan", "qase:10", "test_few.py::test_tax[DE]"], 0, PLANNED[1:2], id="two plans"),
    ],
)
def test_what_else_selects_goes_on_doing_so(few: Project, options: list[str], status: int, ran: list[str]) -> None:
    found = few.report("--tms-plan", "7", *options)
    assert found.status == status
    assert sorted(found.last) == sorted(ran)
    assert "without a test here" not in found.out or "SHOP-1 " not in found.out


def test_what_pytest_lists_is_what_would_run_and_nothing_is_reported(few: Project) -> None:
    for options in (["--tms-plan", "qase:7"], ["--tms-to", "qase", "--tms-set", "qase.plan=7", *SELECT]):
        ran = few.pytest("--collect-only", "-q", *options)
        assert ran.status == 0
        assert [line for line in ran.out.splitlines() if "::" in line] == PLANNED
        assert "without a test here: 1 case: SHOP-3" in ran.out
    assert few.box.runs == {}
    assert few.journals() == []


SELECT = ("--tms-set", "qase.select=plan")


def test_without_a_word_on_reporting_nothing_is_reported(few: Project, workers: str) -> None:
    ran = few.pytest("--tms-plan", "qase:7", workers)
    assert ran.status == 0
    assert "3 passed" in ran.out
    assert ran.line("selected:").startswith("selected: 3 of 6 tests")
    assert (few.box.runs, few.journals()) == ({}, [])
    assert [request.method for request in few.box.requests] == ["GET"]  # however many workers there are


def test_without_a_terminal_it_is_said_all_the_same(few: Project, workers: str) -> None:
    ran = few.report("--tms-plan", "7", "-p", "no:terminal", workers)
    assert sorted(ran.last) == PLANNED
    assert "selected: 3 of 6 tests" in ran.err


def test_a_plan_of_the_settings_selects_nothing_unless_they_say_so(few: Project) -> None:
    few.settings("[tmsreport:qase]\nplan = 7\n")
    assert len(few.report().results) == 6
    few.settings("[tmsreport:qase]\nplan = 7\nselect = plan\n")
    ran = few.report()
    assert sorted(ran.last) == PLANNED
    assert [run.body["plan_id"] for run in few.box.runs.values()] == [7, 7]
    assert sorted(few.report("--tms-plan", "10", "--tms-set", "unmapped=keep").last) == [
        "test_few.py::test_without_a_case"
    ]


def test_the_tests_of_what_failed_in_a_run_run_again(project: Project, workers: str) -> None:
    project.write("test_many.py", MANY.replace("2001", "101"))
    first = project.report(workers)
    assert first.status == 1
    project.write("test_many.py", MANY.replace("2001", "101").replace("% 20 == 0", "> 0"))
    again = project.report("--tms-rerun-failed", "1", workers)
    assert sorted(again.last) == sorted(nodeid for nodeid, result in first.last.items() if result.outcome.is_bad)
    assert len(again.last) == 95
    done = project.report("--tms-rerun-failed", "2", workers)
    assert done.status == 5
    assert "nothing to run: what failed in run 2 of qase: nothing" in done.err
    assert sorted(project.report("--tms-run", "2", workers).last) == sorted(again.last)


@pytest.mark.parametrize(
    ("options", "trouble", "said", "remedy"),
    [
        (["qase:8"], "", "plan 8 of qase holds no case, so that nothing would run", "add cases to it"),
        (["qase:77"], "", "plan 77 of qase cannot be read: 404", "check"),
        (["qase:7"], "401", "plan 7 of qase cannot be read: 401 the token is wrong", "make a new token"),
        (["qase:7", "--tms-set", "deadline_s=1"], "503", "plan 7 of qase cannot be read: 503", "later"),
        (["qase:7", "--tms-set", "deadline_s=1"], "html", "plan 7 of qase cannot be read: 200", "check `url`"),
        (
            ["qase:7", "--tms-set", "qase.url=http://127.0.0.1:9", "--tms-set", "deadline_s=1"],
            "",
            "no usable answer",
            "url",
        ),
        (["qsae:7"], "", "qsae: there is no such destination; did you mean `qase`?", ""),
        (["7"], "", "--tms-plan 7: say whose, as NAME:7", ""),
        (["vansah:DEMO-P3"], "", "Vansah offers no list of the cases of a plan", "choose tests with `-m` or `-k`"),
        (["xray:SHOP-1"], "", "plan SHOP-1 of xray cannot be read: `project` is missing", "TMSREPORT_XRAY_PROJECT"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_plan_that_cannot_be_had_ends_the_session_before_the_first_test(
    few: Project, options: list[str], trouble: str, said: str, remedy: str
) -> None:
    few.environ |= {
        "TMSREPORT_VANSAH_TOKEN": "t",
        "TMSREPORT_VANSAH_PROJECT": "DEMO",
        "TMSREPORT_VANSAH_ASSET": "DEMO-9",
    }
    if trouble:
        few.served.troubles.add(trouble)
    ran = few.pytest("--tms-plan", *options)
    assert ran.status == 4
    assert said in ran.err
    assert remedy in ran.err
    assert "Traceback" not in ran.out + ran.err
    assert few.journals() == []
    assert few.environ["TMSREPORT_QASE_TOKEN"] not in ran.out + ran.err


def test_a_plan_that_cannot_be_had_reports_nothing_under_xdist_either(few: Project) -> None:
    ran = few.report("--tms-plan", "77", "-n2")
    assert ran.status == 4
    assert "plan 77 of qase cannot be read" in ran.err
    assert (few.box.runs, few.journals()) == ({}, [])


def test_settings_that_cannot_be_followed_run_nothing(few: Project) -> None:
    few.settings("[tmsreport:qase]\nselect = plan\n")
    assert "`select = plan` of qase needs `plan`" in few.report().err
    del few.environ["TMSREPORT_QASE_TOKEN"]
    ran = few.report()
    assert ran.status == 4
    assert "`select` of qase cannot be followed: `token` is missing" in ran.err


def test_no_more_than_ten_cases_without_a_test_are_named(few: Project, workers: str) -> None:
    ran = few.report("--tms-plan", "10", workers)
    assert ran.status == 5
    names = ", ".join(f"SHOP-{number}" for number in range(101, 111))
    assert ran.line("without a test here:") == f"without a test here: 15 cases: {names} and 5 more"
    assert few.box.runs == {}


NAMED = """
import pytest

class TestCart:
    @pytest.mark.parametrize("colour", ["red", "blue"])
    def test_add(self, colour):
        pass

    @pytest.mark.parametrize("colour", ["red", "blue"])
    def test_remove(self, colour):
        pass

@pytest.mark.qase_id(1)
def test_of_another_plugin():
    pass

@pytest.mark.tms(nightly="C2", qase="C1")
def test_of_a_destination():
    pass

@pytest.mark.tms("C4")
def test_with_an_id_of_its_own():
    pass
"""


def test_a_test_without_an_id_is_found_by_its_name_and_one_with_an_id_is_not(project: Project) -> None:
    project.write("tests/test_named.py", NAMED)
    names = ["tests.test_named.TestCart.test_add[red]", "tests.test_named.TestCart.test_remove"]
    names.append("tests/test_named.py::test_with_an_id_of_its_own")
    rules = testrail_fields.Rules(automation=dict(enumerate(names, 1)))
    with serve([testrail_sandbox.create(rules)]) as served:
        project.environ |= served.environment
        ran = project.pytest("--tms-plan", "testrail:8", "--co", "-q")
    found = [line.partition("::")[2] for line in ran.out.splitlines() if line.startswith("tests/")]
    assert found == ["TestCart::test_add[red]", "TestCart::test_remove[red]", "TestCart::test_remove[blue]"]


def test_a_plan_of_one_tool_selects_what_is_reported_to_another(project: Project) -> None:
    project.write("test_named.py", NAMED)
    with serve([testrail_sandbox.create()]) as served:
        project.environ |= served.environment
        ran = project.pytest("--tms-to", "testrail", "--tms-plan", "qase:7")
        assert len(served.boxes["testrail"].results) == 2
    assert sorted(ran.last) == ["test_named.py::test_of_a_destination", "test_named.py::test_of_another_plugin"]
    assert project.box.runs == {}


def test_ids_count_that_are_meant_for_the_destination_whose_plan_it_is(project: Project) -> None:
    project.write("test_named.py", NAMED)
    project.settings("[tmsreport:nightly]\nvendor = qase\nproject = SHOP\n")
    own = {key.replace("QASE", "NIGHTLY"): value for key, value in project.environ.items() if "REPORT_QASE" in key}
    project.environ |= own
    ran = project.pytest("--tms", "--tms-plan", "7", "-rA")
    assert "without a test here: 2 cases: SHOP-1, SHOP-3" not in ran.out  # another plugin's mark says SHOP-1
    assert "without a test here: 1 case: SHOP-3" in ran.out
    assert len(ran.results) == 2


@pytest.mark.parametrize(
    ("tool", "plan", "said"),
    [
        ("qase", "7", "selected: 4 of 12 tests, by plan 7 of qase (3 cases)"),
        *(
            pytest.param(*given, marks=pytest.mark.long)
            for given in [
                ("testrail", "8", "selected: 4 of 12 tests, by plan 8 of testrail (3 cases)"),
                ("xray", "SHOP-90070", "selected: 4 of 12 tests, by plan SHOP-90070 of xray (3 cases)"),
                ("zephyr", "SHOP-70", "selected: 2 of 12 tests, by plan SHOP-70 of zephyr (2 cases)"),
                ("azure", "31", "selected: 11 of 12 tests, by plan 31 of azure (100 cases)"),
            ]
        ),
    ],
)
def test_the_readmes_way_to_try_a_plan_works_with_every_sandbox(
    project: Project, tool: str, plan: str, said: str
) -> None:
    shutil.copytree(ROOT / "examples" / "shop", project.root / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    here = (sys.executable, "-m")
    command = ("pytest_tmsreport", "sandbox", tool, "--", *here, "pytest", "shop", "--tms-to", tool, "--tms-plan", plan)
    ran = project.run(*here, *command)
    assert ran.status == 0
    assert said in ran.out


def test_the_tests_cannot_tell_that_a_plan_was_read(project: Project) -> None:
    project.write(
        "test_lonely.py",
        """
        import os, sys
        import pytest

        @pytest.mark.tms("C1")
        def test_is_alone():
            assert not {"requests", "urllib3"} & {*sys.modules}
            with pytest.raises(ChildProcessError):
                os.wait()

        @pytest.mark.tms("C2")
        def test_knows_no_secret(request):
            given = getattr(request.config, "workerinput", {})
            assert os.environ["TMSREPORT_QASE_TOKEN"] not in str(given)
        """,
    )
    for workers in ("-n0", "-n2"):
        assert "2 passed" in project.pytest("--tms-plan", "qase:7", workers).out
