"""TestRail's own command line, a client and a plugin of other people: each works on the sandbox as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_tmsreport.client import Client
from pytest_tmsreport.model import Outcome, Result, Run
from pytest_tmsreport.sandbox import testrail as testrail_sandbox
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sandbox.testrail_fields import PROJECT, TOKEN, USER
from pytest_tmsreport.testing import make_results
from pytest_tmsreport.vendors.testrail import TestRail

if TYPE_CHECKING:
    Judges = Callable[..., Path]

SCRIPTS = Path(__file__).resolve().parent / "judges"
TRCLI = ("trcli==1.15.3",)
CLIENT = ("testrail-api==1.14.0",)
PLUGIN = ("pytest-testrail==3.1.1", "pytest==8.4.2")
SUITE = """
import pytest

class TestCart:
    @pytest.mark.parametrize("colour", ["red", "a<b"])
    def test_add(self, colour):
        pass

    def test_fails(self):
        assert 1 == 2

    @pytest.mark.skip(reason="not here")
    def test_is_skipped(self):
        pass
"""
MARKED = """
import pytest
from pytest_testrail.plugin import pytestrail

@pytestrail.case("C1", "C2")
def test_passes():
    pass

@pytestrail.case("C3")
@pytestrail.defect("BUG-1")
def test_fails():
    assert 1 == 2

@pytestrail.case("C4")
def test_is_skipped():
    pytest.skip("not here")
"""


@pytest.fixture
def served() -> Iterator[Served]:
    with serve([testrail_sandbox.create()]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["testrail"]


@pytest.fixture
def ours(served: Served) -> Iterator[tuple[TestRail, Client]]:
    vendor = TestRail(
        name="testrail",
        kind="testrail",
        url=served.url_of("testrail"),
        user=USER,
        token=TOKEN,
        project=PROJECT,
        create_cases=True,
    )
    client = Client(vendor)
    yield vendor, client
    client.close()


def environ(home: Path, **more: str) -> Mapping[str, str]:
    """Without proxies, and without a way to the world: the command line looks for newer versions of itself."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "SYSTEMROOT")}
    return {**kept, "HOME": str(home), "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1", **more}


def run(*command: str | Path, cwd: Path, standard_input: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, cwd=cwd, env=environ(cwd), input=standard_input, capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)  # noqa: T201 - shown where the test fails
    return done


def junit(folder: Path) -> Path:
    """A report of pytest's own, as the command line wants it."""
    (folder / "test_shop.py").write_text(SUITE)
    run(sys.executable, "-m", "pytest", "-q", "-pno:asyncio", "--junitxml=report.xml", "test_shop.py", cwd=folder)
    return folder / "report.xml"


def trcli(python: Path, url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    login = ("-h", url, "--project", "Shop", "--username", USER, "--key", TOKEN)
    report = ("parse_junit", "-f", str(junit(folder)), "--title", "by trcli")
    return run(python, "-c", "from trcli.cli import cli; cli()", "-y", *login, *report, *more, cwd=folder)


def suite_in_our_words() -> list[Result]:
    """The tests of the suite as ours would report them, none with a case id."""
    names = ("test_add[red]", "test_add[a<b]", "test_fails", "test_is_skipped")
    return [
        replace(each, nodeid=f"test_shop.py::TestCart::{name}", ids=(), suite=("shop",))
        for each, name in zip(make_results(4, outcome=Outcome.PASSED), names, strict=True)
    ]


def test_the_official_command_line_makes_cases_and_a_run_and_reports_into_it(
    judges: Judges, served: Served, box: Box, tmp_path: Path
) -> None:
    done = trcli(judges("trcli", *TRCLI), served.url_of("testrail"), tmp_path, "--suite-id", "1")
    assert done.returncode == 0
    assert box.counts() == {"passed": 2, "failed": 1, "retest": 1}
    assert box.refusals == []
    assert [each.title for each in box.runs.values()] == ["by trcli"]


def test_ours_finds_the_cases_that_the_official_command_line_made(
    judges: Judges, served: Served, ours: tuple[TestRail, Client], tmp_path: Path
) -> None:
    trcli(judges("trcli", *TRCLI), served.url_of("testrail"), tmp_path, "--suite-id", "1")
    vendor, client = ours
    found = replace(vendor, create_cases=False).resolve(client, suite_in_our_words())
    assert len(found) == 4
    assert len(set(found.values())) == 4


def test_the_official_command_line_finds_the_cases_that_ours_made(
    judges: Judges, served: Served, box: Box, ours: tuple[TestRail, Client], tmp_path: Path
) -> None:
    vendor, client = ours
    made = vendor.resolve(client, suite_in_our_words())
    done = trcli(judges("trcli", *TRCLI), served.url_of("testrail"), tmp_path)
    assert done.returncode == 0
    assert not [each for each in box.requests if "/add_case/" in each.query]
    assert {each.cases for each in box.results.values()} == set(made.values())


def test_the_official_command_line_joins_the_run_that_ours_opened(
    judges: Judges, served: Served, box: Box, ours: tuple[TestRail, Client], tmp_path: Path
) -> None:
    vendor, client = ours
    run_id = vendor.open_run(client, Run(id="r1", name="ours", start=0.0, case_ids=("1", "2")))
    done = trcli(judges("trcli", *TRCLI), served.url_of("testrail"), tmp_path, "--run-id", run_id, "--suite-id", "1")
    assert done.returncode == 0
    assert {each.run for each in box.results.values()} == {run_id}
    assert len(box.runs) == 1


def test_a_client_finds_in_the_sandbox_what_it_knows_from_testrail(
    judges: Judges, served: Served, box: Box, tmp_path: Path
) -> None:
    file = tmp_path / "log.txt"
    file.write_text("hello")
    question = {"url": served.url_of("testrail"), "user": USER, "token": TOKEN, "project": PROJECT, "file": str(file)}
    script = SCRIPTS / "testrail_client.py"
    done = run(judges("testrail-api", *CLIENT), script, cwd=tmp_path, standard_input=json.dumps(question))
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "user": USER,
        "projects": [PROJECT],
        "statuses": {
            "1": "passed",
            "2": "blocked",
            "3": "untested",
            "4": "retest",
            "5": "failed",
            "6": "custom_status1",
        },
        "section": [0, 1, True],
        "case": "a.b",
        "pages": [250, 250, 1],
        "all cases": 1001,
        "results": [[1, "1m 5s", None], [5, None, "B-1"]],
        "one": [4, "again"],
        "file": True,
        "entry": [1, 3],
        "tests": [[False, 1], [False, 4], [False, 3], [True, 5]],
        "planned": [1, 2, 3],
        "counts": [1, 1, 1, 1],
        "of run": True,
        "closed": True,
        "refused": {
            "unknown case": 400,
            "untested": 400,
            "no time": 400,
            "closed run": 400,
            "unknown run": 400,
            "wrong token": 401,
        },
    }
    assert [file.size for file in box.attachments.values()] == [5]


def test_the_old_plugin_reports_into_the_sandbox(judges: Judges, served: Served, box: Box, tmp_path: Path) -> None:
    python = judges("pytest-testrail", *PLUGIN)
    (tmp_path / "test_marked.py").write_text(MARKED)
    login = (f"--tr-url={served.url_of('testrail')}", f"--tr-email={USER}", f"--tr-api-key={TOKEN}")
    where = (f"--tr-testrun-project-id={PROJECT}", "--tr-testrun-suite-id=1", "--tr-testrun-name=by pytest-testrail")
    done = run(python, "-m", "pytest", "-q", "--testrail", *login, *where, "test_marked.py", cwd=tmp_path)
    assert "1 failed, 1 passed, 1 skipped" in done.stdout
    assert box.counts() == {"passed": 2, "failed": 1, "blocked": 1}
    assert box.refusals == []
    assert [each.title for each in box.runs.values()] == ["by pytest-testrail"]
