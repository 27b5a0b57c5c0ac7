"""Suites that carry marks of several plugins: each tool gets its own, and the plugins do beside ours what they did."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_tmsreport.sandbox import catalog
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sandbox.testrail_fields import PROJECT, TOKEN, USER

if TYPE_CHECKING:
    from conftest import Project, Ran

VENDORS = ("qase", "testrail", "vansah", "xray")
JIRA = ("pytest-testrail==3.1.1", "pytest-jira-xray==0.9.4", "pytest-jira==0.4.0")
OTHERS = ("pytestomatio==2.13.0", "pytest-spiratest==2.1.1", "pytest-reportportal==5.6.12")


@pytest.fixture
def served() -> Iterator[Served]:
    """The sandboxes of all four tools."""
    with serve([catalog.create(name) for name in VENDORS]) as running:
        yield running


MARKED = """
import pytest


@pytest.mark.qase_id(id=1)
@pytest.mark.testrail(ids=("C2",))
@pytest.mark.xray("SHOP-3")
@pytest.mark.spira_id(4)
@pytest.mark.testomatio("@T00000005")
@pytest.mark.tc_id("6")
class TestMarked:
    def test_theirs(self):
        pass

    @pytest.mark.tms(testrail="C12", vansah="DEMO-C7")
    def test_ours_for_two(self):
        pass

    @pytest.mark.qase_ignore()
    def test_unknown_to_qase(self):
        pass
"""


def test_each_tool_takes_the_ids_of_its_own_plugin(project: Project) -> None:
    project.settings("[tmsreport:qase]\n[tmsreport:testrail]\n[tmsreport:xray]\n[tmsreport:vansah]\n")
    project.write("test_marked.py", MARKED)
    ran = project.pytest("--strict-markers", "--tms")

    assert ran.status == 0
    boxes = project.served.boxes
    assert sorted(result.cases for result in boxes["qase"].results.values()) == [("1",), ("1",)]
    assert {result.cases for result in boxes["testrail"].results.values()} == {("2",), ("12",)}
    assert {result.id for result in boxes["xray"].results.values()} == {"SHOP-3"}
    assert {result.cases for result in boxes["vansah"].results.values()} == {("DEMO-C7",)}
    assert ran.out.count("1 result left out by a mark of the tool's own plugin") == 1


def test_marks_chooses_whose_ids_count_and_read_marks_whose_words_are_heard(project: Project) -> None:
    project.settings("""
        [tmsreport]
        read_marks = spira reportportal
        [tmsreport:qase]
        marks = qase reportportal spira
    """)
    project.write("test_marked.py", MARKED)
    ran = project.report()

    assert [result.cases for result in project.arrived] == [("6",)] * 3
    assert {key for result in ran.results for mark in result.ids for key in mark if key.startswith("@")} == {
        "@spira",
        "@reportportal",
    }


ISSUES = """
import pytest
from pytest_testrail.plugin import pytestrail


@pytest.fixture
def broken():
    raise ValueError


@pytestrail.case("C1", "C2")
@pytestrail.defect("SHOP-12")
@pytest.mark.xray("SHOP-1", defects=["SHOP-13"])
def test_passes():
    pass


@pytest.mark.jira("SHOP-14", run=False)
@pytestrail.case("C3")
class TestOfAClass:
    @pytest.mark.xray("SHOP-2")
    def test_fails(self):
        assert 1 == 2

    @pytest.mark.parametrize("number", [1, 2])
    @pytest.mark.skip(reason="not today")
    def test_skips(self, number):
        pass

    def test_cannot_start(self, broken):
        pass
"""


def test_plugins_for_jira_and_testrail_do_the_same_beside_ours(
    project: Project, served: Served, beside: Callable[..., Path]
) -> None:
    project.python = beside("plugins-for-jira", *JIRA)
    project.write("pytest.ini", "[pytest]\nmarkers =\n    testrail\n    testrail_defects\n")
    project.write("test_suite.py", ISSUES)
    options = (
        *("--testrail", f"--tr-url={served.url_of('testrail')}", f"--tr-email={USER}", f"--tr-api-key={TOKEN}"),
        *(f"--tr-testrun-project-id={PROJECT}", "--tr-testrun-suite-id=1", "--tr-testrun-name=theirs"),
        *("--jira-xray", "--xraypath=theirs.json", "--jira", "--jira-url=http://127.0.0.1:9"),
        *("--jira-connection-error-strategy=ignore", "--jira-connection-retry-total=0", "-p", "no:cacheprovider"),
    )

    def theirs(ran: Ran) -> Any:
        box = served.boxes["testrail"]
        run = max((each for each in box.runs.values() if each.title == "theirs"), key=lambda each: int(each.id)).id
        told = [(each.cases, each.status, each.body.get("defects")) for each in box.results.values() if each.run == run]
        xray = json.loads(re.sub("0x[0-9a-f]+", "", (project.root / "theirs.json").read_text()))
        return ran.status, ran.printed, sorted(told), xray["tests"]

    alone = theirs(project.pytest(*options))
    project.move(project.python)
    ran = project.pytest(*options, "--tms-to=testrail", "--tms-to=xray")

    assert theirs(ran) == alone
    (run,) = [each.id for each in served.boxes["testrail"].runs.values() if each.title != "theirs"]
    ours = {
        each.cases: each.body.get("defects") for each in served.boxes["testrail"].results.values() if each.run == run
    }
    assert ours == {("1",): "SHOP-12,SHOP-13", ("2",): "SHOP-12,SHOP-13", ("3",): "SHOP-14"}
    assert {
        each.id: each.body.get("defects") for each in served.boxes["xray"].results.values() if each.id < "SHOP-3"
    } == {
        "SHOP-1": ["SHOP-12", "SHOP-13"],
        "SHOP-2": ["SHOP-14"],
    }
    assert {link.url for link in ran.last["test_suite.py::TestOfAClass::test_fails"].links} == {
        "http://127.0.0.1:9/browse/SHOP-14"
    }


OTHER = """
import pytest


@pytest.mark.testomatio("@T00000001")
@pytest.mark.testomatio_tags("smoke")
@pytest.mark.spira_id(2)
@pytest.mark.tc_id("3")
@pytest.mark.name("By its name")
@pytest.mark.issue(issue_id="SHOP-1", reason="Known.")
def test_marked():
    pass


def test_fails():
    assert 1 == 2
"""


def test_the_plugins_of_three_other_tools_do_the_same_beside_ours(
    project: Project, beside: Callable[..., Path]
) -> None:
    project.python = beside("three-plugins", *OTHERS)
    project.write(
        "pytest.ini", "[pytest]\nmarkers =\n    spira_id\nrp_project = shop\nrp_endpoint = http://127.0.0.1:9\n"
    )
    project.write("spira.cfg", "[credentials]\nurl = http://127.0.0.1:9\n[settings]\nbatch_mode = false\n")
    project.write("test_suite.py", OTHER)
    alone = project.pytest("--spira-dry-run", "-p", "no:cacheprovider")
    project.move(project.python)
    project.environ["TMSREPORT_QASE_MARKS"] = "spira"
    ran = project.report("--spira-dry-run", "-p", "no:cacheprovider")

    assert (ran.status, ran.printed) == (alone.status, alone.printed)
    marked = ran.last["test_suite.py::test_marked"]
    assert {key: ids for mark in marked.ids for key, ids in mark.items()} == {
        "@testomatio": ("T00000001",),
        "@spira": ("2",),
        "@reportportal": ("3",),
    }
    assert (marked.title, marked.tags, marked.notes) == ("By its name", ("smoke",), ("Known.",))
    assert [result.cases for result in project.arrived] == [("2",), ()]
