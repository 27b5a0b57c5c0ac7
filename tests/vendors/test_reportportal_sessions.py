"""What pytest-reportportal loses, delays or gets wrong arrives here, in whole sessions."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.sandbox import reportportal as reportportal_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve

if TYPE_CHECKING:
    from conftest import Project, Ran

SIXTY = """
import pytest

@pytest.mark.parametrize("number", range(60))
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

def test_setup(broken):
    pass

def test_teardown(untidy):
    pass

@pytest.mark.skip(reason="by mark")
def test_skipped():
    pass

@pytest.mark.xfail(run=False, reason="would hang")
def test_xfailed():
    pass

def test_after_a_skip():
    pass

def test_subtests(subtests):
    with subtests.test("bad"):
        assert False
"""
AGAIN = """
import pytest

COUNT = []

@pytest.mark.flaky(reruns=3)
def test_flaky():
    COUNT.append(1)
    assert len(COUNT) == 3

def test_steady():
    pass
"""
HOSTILE = """
import builtins
import logging

import requests


def test_takes_everything_away(monkeypatch):
    def no(*_, **__):
        raise OSError("not for you")
    monkeypatch.setattr(builtins, "open", no)
    monkeypatch.setattr(requests.Session, "request", no)
    monkeypatch.setattr(logging.Logger, "handle", no)


def test_after_it():
    pass
"""


@pytest.fixture
def served() -> Iterator[Served]:
    """ReportPortal's sandbox on a free port of loopback."""
    with serve([reportportal_sandbox.create()]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["reportportal"]


def report(project: Project, *args: str) -> Ran:
    return project.pytest("--tms-to", "reportportal", *args)


def shown(box: Box) -> dict[str, str]:
    return {result.title: result.status for result in box.results.values()}


@pytest.mark.long
def test_workers_share_one_launch_that_is_finished(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    ran = report(project, "-n2")
    assert ran.status == 0
    assert [run.end is not None for run in box.runs.values()] == [True]
    assert shown(box) == {f"test_many[{number}]": "PASSED" for number in range(60)}
    assert "reportportal: 60 delivered, 0 kept, 0 refused, 0 without case" in ran.out
    assert box.refusals == []


@pytest.mark.parametrize(
    "trouble",
    [
        "lost-answer*1@launch",
        "401+30",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in ["503*1+10", "503*2@item/", "429*3+20", "429=none*1@item/", "reset*1+15"]
        ),
    ],
)
def test_one_trouble_costs_none_of_sixty_and_doubles_none(
    project: Project, served: Served, box: Box, trouble: str
) -> None:
    served.troubles.add(trouble)
    project.write("test_many.py", SIXTY)
    ran = report(project)
    assert ran.status == 0
    if trouble.startswith("401"):
        assert "what to do: make a new key in the profile" in ran.out
        served.troubles.clear()
        project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert len(box.runs) == 1
    assert Counter(result.title for result in box.results.values()) == {f"test_many[{n}]": 1 for n in range(60)}
    assert [run.end is not None for run in box.runs.values()] == [True]


def test_every_outcome_is_told_as_it_was_and_skips_are_no_defects(project: Project, box: Box, workers: str) -> None:
    project.write("test_outcomes.py", OUTCOMES)
    report(project, workers)
    assert shown(box) == {
        "test_setup": "FAILED",
        "test_teardown": "FAILED",
        "test_skipped": "SKIPPED",
        "test_xfailed": "SKIPPED",
        "test_after_a_skip": "PASSED",
        "test_subtests": "FAILED",
    }
    said = {result.title: [each["message"] for each in result.body["logs"]] for result in box.results.values()}
    assert "no database" in said["test_setup"][0]
    assert "cannot clean up" in said["test_teardown"][0]
    assert said["test_skipped"] == ["by mark"]
    issues = {result.title: result.body["end"].get("issue") for result in box.results.values()}
    assert issues["test_skipped"] == issues["test_xfailed"] == {"issueType": "NOT_ISSUE"}


def test_reruns_are_retries_and_leave_nothing_in_progress(project: Project, box: Box, workers: str) -> None:
    project.neighbours = ("rerunfailures",)
    project.write("test_again.py", AGAIN)
    report(project, workers)
    (flaky,) = [result for result in box.results.values() if result.title == "test_flaky"]
    assert (flaky.status, len(flaky.body["retries"]), len(box.results)) == ("PASSED", 2, 2)
    assert [run.end is not None for run in box.runs.values()] == [True]
    started = {each.body["uuid"] for each in box.requests if each.method == "POST" and "/item" in each.path}
    ended = {each.path.rpartition("/")[2] for each in box.requests if each.method == "PUT"}
    assert started <= ended


def test_a_session_that_stops_early_finishes_its_launch(project: Project, box: Box) -> None:
    project.write("test_stops.py", "def test_one(): assert False\ndef test_two(): pass\n")
    report(project, "-x")
    assert shown(box) == {"test_one": "FAILED"}
    assert [run.end is not None for run in box.runs.values()] == [True]


def test_a_worker_that_dies_leaves_no_item_in_progress(project: Project, box: Box) -> None:
    project.write(
        "test_dies.py", "import os\ndef test_one(): pass\ndef test_dies(): os._exit(1)\ndef test_two(): pass\n"
    )
    report(project, "-n1")
    assert shown(box) == {"test_one": "PASSED", "test_dies": "FAILED", "test_two": "PASSED"}
    assert [run.end is not None for run in box.runs.values()] == [True]


def test_tests_that_patch_open_requests_and_logging_meet_nothing_of_ours(project: Project, box: Box) -> None:
    project.write("test_hostile.py", HOSTILE)
    assert report(project).status == 0
    assert shown(box) == {"test_takes_everything_away": "PASSED", "test_after_it": "PASSED"}


@pytest.mark.long
def test_a_server_that_is_not_there_costs_no_test_and_no_result(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    url = project.environ.pop("TMSREPORT_REPORTPORTAL_URL")
    project.environ |= {"TMSREPORT_REPORTPORTAL_URL": "http://127.0.0.1:9", "TMSREPORT_DEADLINE_S": "1"}
    ran = report(project)
    assert ran.status == 0
    assert "reportportal: 0 delivered, 60 kept" in ran.out
    project.environ |= {"TMSREPORT_REPORTPORTAL_URL": url, "TMSREPORT_DEADLINE_S": "60"}
    project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert len(box.results) == 60


@pytest.mark.long
def test_several_machines_report_into_one_launch(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    project.environ |= {"TMSREPORT_RUN_KEY": "build-7", "TMSREPORT_SHARDS": "2"}
    for shard, names in ((1, "1 or 2"), (2, "not 1 and not 2")):
        project.environ["TMSREPORT_SHARD"] = str(shard)
        report(project, "-k", names)
    assert len(box.results) == 60
    assert [run.end is not None for run in box.runs.values()] == [True]


def test_a_live_launch_fills_while_tests_run(project: Project, box: Box) -> None:
    project.write(
        "test_live.py",
        """
        import json, os, urllib.request

        URL = os.environ["TMSREPORT_REPORTPORTAL_URL"] + "/api/v1/shop/"
        HEADERS = {"Authorization": "Bearer " + os.environ["TMSREPORT_REPORTPORTAL_TOKEN"]}

        def read(path):
            with urllib.request.urlopen(urllib.request.Request(URL + path, headers=HEADERS)) as answer:
                return json.load(answer)["content"]

        def test_first(): pass

        def test_sees_the_first():
            while True:
                for launch in read("launch"):
                    items = read(f"item?filter.eq.launchId={launch['id']}&page.size=300")
                    if any(item["name"] == "test_first" and item["status"] == "PASSED" for item in items):
                        assert launch["status"] == "IN_PROGRESS"
                        return
        """,
    )
    project.environ["TMSREPORT_STREAM_S"] = "1"
    assert report(project, "--tms-stream").status == 0
    assert shown(box) == {"test_first": "PASSED", "test_sees_the_first": "PASSED"}
    assert [run.end is not None for run in box.runs.values()] == [True]


def test_a_destination_is_found_by_the_variables_of_the_official_plugin(project: Project, box: Box) -> None:
    theirs = {"URL": "RP_ENDPOINT", "TOKEN": "RP_API_KEY", "PROJECT": "RP_PROJECT"}
    for ours, name in theirs.items():
        project.environ[name] = project.environ.pop(f"TMSREPORT_REPORTPORTAL_{ours}")
    project.environ["RP_MODE"] = "DEBUG"
    project.write(
        "test_marked.py",
        """
        import pytest

        @pytest.mark.tc_id("C1")
        @pytest.mark.issue(issue_id="BUG-1", reason="known", issue_type="PB")
        @pytest.mark.smoke
        def test_known(): assert False
        """,
    )
    ran = report(project)
    assert "reportportal: 1 delivered" in ran.out
    (result,) = box.results.values()
    assert (result.cases, result.body["start"]["attributes"]) == (("C1",), [{"value": "smoke"}])
    assert result.body["end"]["issue"] == {"issueType": "pb001", "comment": "known"}
    assert [run.body["mode"] for run in box.runs.values()] == ["DEBUG"]
