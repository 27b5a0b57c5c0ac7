"""Azure Test Plans in whole sessions: what a pipeline tells of itself, one run for all workers, troubles."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.errors import TransientError
from pytest_tmsreport.sandbox import azure as azure_sandbox
from pytest_tmsreport.sandbox.azure_fields import PIPELINE_TOKEN, TOKEN
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.vendors.azure import Azure

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
import pytest_tmsreport as tms

@pytest.fixture
def broken():
    raise ValueError("no database")

@pytest.fixture
def untidy():
    yield
    raise OSError("cannot clean up")

@pytest.mark.tms("1")
def test_setup(broken):
    pass

@pytest.mark.tms("2")
def test_teardown(untidy):
    pass

@pytest.mark.tms("3")
@pytest.mark.skip(reason="by mark")
def test_skipped():
    pass

@pytest.mark.tms("4")
@pytest.mark.xfail(run=False, reason="would hang")
def test_xfailed():
    pass

@pytest.mark.tms("5", links=[{"url": "AB#20017", "kind": "issue"}])
def test_steps():
    with tms.step("open cart"):
        with tms.step("add tea"):
            assert 1 == 2

def test_without_case():
    pass
"""


@pytest.fixture
def served() -> Iterator[Served]:
    """Azure's sandbox on a free port of loopback."""
    with serve([azure_sandbox.create()]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["azure"]


def report(project: Project, *args: str) -> Ran:
    return project.pytest("--tms-to", "azure", *args)


@pytest.mark.parametrize("plan", [pytest.param("", marks=pytest.mark.long), "31"])
def test_workers_share_one_run(project: Project, box: Box, plan: str) -> None:
    project.environ["TMSREPORT_AZURE_PLAN"] = plan
    project.write("test_many.py", SIXTY)
    ran = report(project, "-n2")
    assert ran.status == 0
    assert len(box.runs) == 1
    assert Counter(result.cases for result in box.results.values()) == {(str(n),): 1 for n in range(1, 61)}
    assert "azure: 60 delivered, 0 kept, 0 refused, 0 without case" in ran.out
    assert "_TestManagement/Runs?runId=1&_a=runCharts" in ran.out


@pytest.mark.parametrize(
    ("plan", "trouble"),
    [
        ("", "lost-answer*1@results"),
        ("31", "reset*1@results"),
        *(
            pytest.param(plan, trouble, marks=pytest.mark.long)
            for plan in ("", "31")
            for trouble in ["503*1@results", "reset*1@results", "lost-answer*1@results", "429*1", "html*1@runs"]
            if (plan, trouble) not in {("", "lost-answer*1@results"), ("31", "reset*1@results")}
        ),
    ],
)
def test_one_trouble_costs_none_of_sixty_and_doubles_none(
    project: Project, served: Served, box: Box, trouble: str, plan: str
) -> None:
    project.environ["TMSREPORT_AZURE_PLAN"] = plan
    served.troubles.add(trouble)
    project.write("test_many.py", SIXTY)
    assert report(project).status == 0
    assert len(box.runs) == 1
    assert Counter(result.cases for result in box.results.values()) == {(str(n),): 1 for n in range(1, 61)}


def test_every_outcome_is_told_as_it_was(project: Project, box: Box, workers: str) -> None:
    project.write("test_outcomes.py", OUTCOMES)
    report(project, workers)
    told = {result.title: result for result in box.results.values()}
    assert {title: (result.cases, result.status) for title, result in told.items()} == {
        "test_setup": (("1",), "Failed"),
        "test_teardown": (("2",), "Failed"),
        "test_skipped": (("3",), "NotExecuted"),
        "test_xfailed": (("4",), "NotExecuted"),
        "test_steps": (("5",), "Failed"),
        "test_without_case": ((), "Passed"),
    }
    assert "no database" in told["test_setup"].body["errorMessage"]
    assert "cannot clean up" in told["test_teardown"].body["errorMessage"]
    assert "by mark" in told["test_skipped"].body["errorMessage"]
    steps = told["test_steps"].body
    assert steps["associatedBugs"] == [{"id": "20017"}]
    assert [(each["displayName"], each["outcome"]) for each in steps["subResults"]] == [("open cart", "Failed")]


def test_a_pipeline_is_found_by_its_own_variables(project: Project, served: Served, box: Box) -> None:
    for key in ("URL", "PROJECT", "TOKEN"):
        del project.environ[f"TMSREPORT_AZURE_{key}"]
    project.environ |= {
        "TF_BUILD": "True",
        "SYSTEM_COLLECTIONURI": f"{served.url_of('azure')}/acme/",
        "SYSTEM_TEAMPROJECT": "Shop",
        "SYSTEM_ACCESSTOKEN": PIPELINE_TOKEN,
        "SYSTEM_STAGENAME": "Test",
        "SYSTEM_PHASENAME": "linux",
        "SYSTEM_JOBNAME": "py313",
        "BUILD_BUILDID": "5544",
        "BUILD_BUILDNUMBER": "20260914.3",
        "BUILD_SOURCEBRANCH": "refs/heads/main",
        "BUILD_SOURCEVERSION": "4be1c02",
    }
    project.write("test_many.py", SIXTY)
    ran = report(project)
    assert "azure: 60 delivered" in ran.out
    (run,) = box.runs.values()
    assert run.body["build"] == {"id": "5544"}
    assert run.body["pipelineReference"] == {
        "pipelineId": 5544,
        "stageReference": {"stageName": "Test"},
        "phaseReference": {"phaseName": "linux"},
        "jobReference": {"jobName": "py313"},
    }
    assert "branch main, commit 4be1c02, build 20260914.3" in run.body["comment"]
    assert "buildId=5544" in run.body["comment"]


def test_a_personal_token_of_the_command_line_client_is_found(project: Project) -> None:
    project.environ["AZURE_DEVOPS_EXT_PAT"] = project.environ.pop("TMSREPORT_AZURE_TOKEN")
    project.environ["SYSTEM_ACCESSTOKEN"] = "the-weaker-of-two"
    project.write("test_many.py", SIXTY)
    assert "azure: 60 delivered" in report(project).out


def test_a_wrong_token_is_said_aloud_and_everything_is_kept_for_later(project: Project, box: Box) -> None:
    project.write("test_many.py", SIXTY)
    project.environ["TMSREPORT_AZURE_TOKEN"] = "revoked-token"
    ran = report(project)
    assert "azure: 0 delivered, 60 kept, 0 refused, 0 without case" in ran.out
    assert "make a new token" in ran.out
    project.environ["TMSREPORT_AZURE_TOKEN"] = TOKEN
    project.run(sys.executable, "-m", "pytest_tmsreport", "send")
    assert len(box.results) == 60
    assert len(box.runs) == 1


@pytest.mark.parametrize("code", Azure.errors.codes)
def test_explain_says_what_every_code_means(code: int | str, capsys: pytest.CaptureFixture[str]) -> None:
    from pytest_tmsreport.cli import main

    fault = Azure.errors.codes[code]
    main(["explain", "azure", str(code)], standalone_mode=False)
    told = capsys.readouterr().out
    assert f"Azure Test Plans {code}: {fault.meaning}" in told
    assert fault.remedy in told
    assert issubclass(fault.kind, TransientError) is ("what the plugin does: retried" in told)
