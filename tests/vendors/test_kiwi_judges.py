"""tcms-api and kiwitcms-pytest-plugin: each works on the sandbox as it is, and finds there what ours has made."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.sandbox import kiwi as kiwi_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.kiwi_fields import PASSWORD, PRODUCT, USER
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project, Ran

    Judges = Callable[..., Path]

SCRIPT = Path(__file__).resolve().parent / "judges" / "kiwi_read.py"
API = ("tcms-api==15.0", "setuptools<81")
PLUGIN = ("kiwitcms-pytest-plugin==15.4", *API, "pytest==8.4.2")
SUITE = '''
import pytest

@pytest.fixture
def broken():
    raise ValueError("no database")

@pytest.fixture
def untidy():
    yield
    raise OSError("cannot clean up")

@pytest.mark.parametrize("colour", ["red", "a<b>"])
def test_add(colour):
    """Adds a colour."""
    assert colour == "red"

def test_setup(broken):
    pass

def test_teardown(untidy):
    pass

@pytest.mark.skip(reason="not here")
def test_skipped():
    pass

@pytest.mark.xfail(reason="known")
def test_xfailed():
    assert False
'''
SIXTY = """
import pytest

@pytest.mark.parametrize("number", range(60))
def test_many(number):
    pass
"""


@pytest.fixture
def served() -> Iterator[Served]:
    """Kiwi TCMS's sandbox on a free port of loopback."""
    with serve([kiwi_sandbox.create()]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["kiwi"]


@pytest.fixture
def read(judges: Judges, served: Served) -> Callable[[], Any]:
    """What tcms-api reads of the product."""
    told = {"url": f"{served.url_of('kiwi')}/xml-rpc/", "user": USER, "password": PASSWORD, "product": PRODUCT}

    def reading() -> Any:
        command = [str(judges("tcms-api", *API)), str(SCRIPT)]
        done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return reading


def plugin(judges: Judges, served: Served, folder: Path) -> subprocess.CompletedProcess[str]:
    """A session with kiwitcms-pytest-plugin."""
    url = f"{served.url_of('kiwi')}/xml-rpc/"
    (folder / ".tcms.conf").write_text(f"[tcms]\nurl = {url}\nusername = {USER}\npassword = {PASSWORD}\n")
    named = {"TCMS_PRODUCT": PRODUCT, "TCMS_PRODUCT_VERSION": "1.0", "TCMS_BUILD": "41"}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT")}
    done = subprocess.run(
        [judges("kiwitcms-pytest-plugin", *PLUGIN), "-m", "pytest", "-q", "-p", "tcms_pytest_plugin", "--kiwitcms"],
        cwd=folder,
        env={**kept, **named, "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)  # noqa: T201 - shown where the test fails
    return done


def report(project: Project, *args: str) -> Ran:
    return project.pytest("--tms-to", "kiwi", *args)


def test_the_plugin_reports_into_the_sandbox_and_ours_goes_on_in_its_plan_and_cases(
    judges: Judges, served: Served, box: Box, project: Project, read: Callable[[], Any]
) -> None:
    project.write("test_shop.py", SUITE)
    done = plugin(judges, served, project.root)
    assert "1 failed, 2 passed, 1 skipped, 1 xfailed, 2 errors" in done.stdout
    assert box.refusals == []
    theirs = read()
    assert len(theirs["runs"]) == 1
    told = {"TMSREPORT_KIWI_VERSION": "1.0", "TMSREPORT_KIWI_BUILD": "41", "TMSREPORT_KIWI_PARAMETER_CASES": "true"}
    project.environ.update(told)
    assert "kiwi: 6 delivered, 0 kept, 0 refused, 0 without case" in report(project).out
    ours = read()
    assert (ours["cases"], ours["plans"], ours["in plans"]) == (theirs["cases"], theirs["plans"], theirs["in plans"])
    assert [run["build__name"] for run in ours["runs"]] == ["41", "41"]
    first, second = ({row["case"]: row["status"] for row in run["executions"]} for run in ours["runs"])
    assert first.keys() == second.keys()
    differences = {
        case.rpartition("::")[2]: (first[case], second[case]) for case in first if first[case] != second[case]
    }
    # They have no word for an error: setup and teardown are failures to them.
    assert differences == {"test_setup": ("FAILED", "ERROR"), "test_teardown": ("FAILED", "ERROR")}


def test_what_ours_sends_is_what_the_official_client_reads(
    project: Project, read: Callable[[], Any], workers: str
) -> None:
    project.write("test_shop.py", SUITE)
    report(project, workers)
    (run,) = read()["runs"]
    assert Counter(row["status"] for row in run["executions"]) == {"FAILED": 1, "ERROR": 2, "WAIVED": 2}
    told = {row["case"].rpartition("::")[2]: row for row in run["executions"]}
    assert "no database" in told["test_setup"]["comments"][0]
    assert "cannot clean up" in told["test_teardown"]["comments"][0]
    assert "not here" in told["test_skipped"]["comments"][0]
    assert "colour: a<b>" in told["test_add"]["comments"][0]
    assert run["is_ended"]


# What others' reporters lose or get wrong


@pytest.mark.long
def test_workers_share_one_run_and_sixty_tests_take_few_requests(project: Project, box: Box) -> None:
    project.environ["TMSREPORT_KIWI_PARAMETER_CASES"] = "true"
    project.write("test_many.py", SIXTY)
    ran = report(project, "-n2")
    assert (ran.status, len(box.runs), len(box.results)) == (0, 1, 60)
    assert len(box.requests) < 30  # theirs takes seven for each test


@pytest.mark.parametrize(
    "trouble",
    [
        "lost-answer*1@TestExecution.update",
        *(pytest.param(each, marks=pytest.mark.long) for each in ["503*1", "reset*1", "429*1", "html*1"]),
    ],
)
def test_one_trouble_costs_none_of_sixty_and_doubles_none(
    project: Project, served: Served, box: Box, trouble: str
) -> None:
    project.environ["TMSREPORT_KIWI_PARAMETER_CASES"] = "true"
    served.troubles.add(trouble)
    project.write("test_many.py", SIXTY)
    assert report(project).status == 0
    assert (len(box.runs), len(box.results)) == (1, 60)
    assert {len(result.body["comments"]) for result in box.results.values()} == {1}


@pytest.mark.long
def test_a_server_that_is_away_ends_no_session(project: Project) -> None:
    project.environ.update({"TMSREPORT_KIWI_URL": "http://127.0.0.1:9", "TMSREPORT_DEADLINE_S": "1"})
    project.write("test_shop.py", "def test_it(): pass\n")
    ran = report(project)
    assert ran.status == 0
    assert "1 passed" in ran.out
    assert "kiwi: 0 delivered, 1 kept" in ran.out


def test_data_of_one_test_make_one_case_and_none_of_it_is_lost(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    for _ in range(2):
        assert "kiwi: 60 delivered" in report(project).out
    assert {result.title for result in box.results.values()} == {"test_many.py::test_many"}
    assert len({result.cases for result in box.results.values()}) == 1
    for result in box.results.values():
        assert all(f"test_many[number={number}]" in result.body["comments"][0] for number in range(1, 60))


def test_the_variables_of_the_official_plugins_are_enough(project: Project, box: Box) -> None:
    for ours, theirs in {"URL": "API_URL", "USER": "USERNAME", "PASSWORD": "PASSWORD", "PRODUCT": "PRODUCT"}.items():
        project.environ[f"TCMS_{theirs}"] = project.environ.pop(f"TMSREPORT_KIWI_{ours}")
    project.environ |= {"TCMS_PRODUCT_VERSION": "2.0", "TCMS_BUILD": "77"}
    project.write("test_shop.py", "def test_it(): pass\n")
    assert report(project).status == 0
    assert len(box.results) == 1
