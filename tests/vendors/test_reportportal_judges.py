"""ReportPortal's official client and its pytest plugin: each works on the sandbox as it is."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.client import Client
from pytest_tmsreport.model import Outcome, Run
from pytest_tmsreport.sandbox import reportportal as reportportal_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.reportportal import PASSWORD, PROJECT, TOKEN, USER
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.vendors.reportportal import ReportPortal

if TYPE_CHECKING:
    Judges = Callable[..., Path]

SCRIPTS = Path(__file__).resolve().parent / "judges"
# 5.6.13 asks for a certifi that not every index has
PLUGIN = ("pytest-reportportal==5.6.12", "pytest==9.2.0")
MARKED = """
import pytest

@pytest.mark.tc_id("C1")
@pytest.mark.smoke
def test_passes():
    pass

@pytest.mark.parametrize("a", [1, 2])
def test_values(a):
    assert a == 1

@pytest.mark.issue(issue_id="BUG-1", reason="known", issue_type="PB")
def test_known():
    assert False

class TestMore:
    def test_is_skipped(self):
        pytest.skip("not here")
"""


@pytest.fixture
def served() -> Iterator[Served]:
    with serve([reportportal_sandbox.create()]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["reportportal"]


@pytest.fixture
def ours(served: Served) -> Iterator[tuple[ReportPortal, Client]]:
    vendor = ReportPortal(
        name="reportportal", kind="reportportal", url=served.url_of("reportportal"), token=TOKEN, project=PROJECT
    )
    client = Client(vendor)
    yield vendor, client
    client.close()


def run(*command: str | Path, cwd: Path, standard_input: str | None = None) -> subprocess.CompletedProcess[str]:
    """Without a way to the world: the client tells its makers of each session."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT")}
    environ: Mapping[str, str] = {**kept, "HOME": str(cwd), "NO_PROXY": "127.0.0.1", "AGENT_NO_ANALYTICS": "1"}
    done = subprocess.run(
        command, cwd=cwd, env=environ, input=standard_input, capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)  # noqa: T201 - shown where the test fails
    return done


def report(python: Path, served: Served, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """A session of their plugin."""
    settings = {"endpoint": served.url_of("reportportal"), "project": PROJECT, "api_key": TOKEN, "launch": "theirs"}
    lines = [f"rp_{name} = {value}" for name, value in settings.items()]
    (folder / "pytest.ini").write_text("\n".join(["[pytest]", "markers = smoke", *lines, *more]))
    (folder / "test_marked.py").write_text(MARKED)
    return run(python, "-m", "pytest", "-q", "--reportportal", "-p", "no:cacheprovider", cwd=folder)


def test_the_official_client_finds_in_the_sandbox_what_it_knows_from_reportportal(
    judges: Judges, served: Served, box: Box, ours: tuple[ReportPortal, Client], tmp_path: Path
) -> None:
    vendor, client = ours
    opened = vendor.open_run(client, Run(id="r1", name="ours", start=0.0))
    question = {"url": served.url_of("reportportal"), "token": TOKEN, "project": PROJECT, "join": opened}
    question |= {"user": USER, "password": PASSWORD}
    script = SCRIPTS / "reportportal_official.py"
    done = run(judges("reportportal", *PLUGIN), script, cwd=tmp_path, standard_input=json.dumps(question))
    assert done.returncode == 0
    heard = json.loads(done.stdout)
    launch = heard.pop("launch")
    number = heard.pop("link").rpartition("/")
    assert number[0] == "#shop/launches/all"
    assert heard == {
        "ids": True,
        "finished": None,
        "info": "5.15.1",
        "defects": ["AUTOMATION_BUG", "NO_DEFECT", "PRODUCT_BUG", "SYSTEM_ISSUE", "TO_INVESTIGATE"],
        "launch info": {
            "uuid": launch,
            "status": "PASSED",
            "name": "by reportportal-client",
            "mode": "DEFAULT",
        },
        "item": True,
        "unknown item": None,
        "signed in": True,
        "stranger": None,
    }
    (shown,) = box.results_of(launch)
    assert (shown.status, shown.title) == ("PASSED", "test_pay")
    (failed,) = shown.body["retries"]
    assert failed["end"]["issue"]["issueType"] == "pb001"
    assert [each["message"] for each in failed["logs"]] == ["shot"]
    assert [(file.name, file.size) for file in box.attachments.values()] == [("shot.png", 6)]
    assert [each.title for each in box.results_of(opened)] == ["theirs"]
    assert box.runs[opened].end is None


def test_the_official_plugin_reports_into_the_sandbox(judges: Judges, served: Served, box: Box, tmp_path: Path) -> None:
    done = report(judges("reportportal", *PLUGIN), served, tmp_path)
    assert "2 failed, 2 passed, 1 skipped" in done.stdout
    assert box.refusals == []
    (launch,) = box.runs.values()
    assert (launch.title, launch.end is not None) == ("theirs", True)
    assert {each.title.rpartition("::")[2]: each.status for each in box.results.values()} == {
        "test_passes": "PASSED",
        "test_values[1]": "PASSED",
        "test_values[2]": "FAILED",
        "test_known": "FAILED",
        "test_is_skipped": "SKIPPED",
    }


@pytest.mark.parametrize("tree", ["True", "False"])
def test_ours_reads_what_failed_in_a_launch_of_the_official_plugin(
    judges: Judges, served: Served, box: Box, ours: tuple[ReportPortal, Client], tmp_path: Path, tree: str
) -> None:
    report(judges("reportportal", *PLUGIN), served, tmp_path, f"rp_hierarchy_code = {tree}")
    vendor, client = ours
    (launch,) = box.runs
    failed = [case for case in vendor.recorded(client, launch) if case.has_failed]
    assert {case.names for case in failed} == {("test_marked.py::test_known",), ("test_marked.py::test_values[2]",)}
    assert ("C1",) in {case.ids for case in vendor.recorded(client, launch)}


def test_ours_says_of_a_test_what_the_official_plugin_says(
    judges: Judges, served: Served, box: Box, ours: tuple[ReportPortal, Client], tmp_path: Path
) -> None:
    report(judges("reportportal", *PLUGIN), served, tmp_path, "rp_hierarchy_code = True")
    theirs = {each.title: each.body["start"] for each in box.results.values()}["test_values[2]"]
    vendor, client = ours
    (result,) = make_results(
        1,
        nodeid="test_marked.py::test_values[2]",
        title="test_values",
        parameters={"a": "2"},
        outcome=Outcome.PASSED,
        ids=(),
    )
    opened = vendor.open_run(client, Run(id="r1", name="ours", start=0.0))
    vendor.send(client, opened, [result])
    (own,) = box.results_of(opened)
    keys = ("name", "codeRef", "parameters")
    assert {key: own.body["start"].get(key) for key in keys} == {key: theirs.get(key) for key in keys}
    assert {own.body["start"]["type"], theirs["type"].lower()} == {"step"}
