"""What others make of Zephyr Scale: its OpenAPI files, pytest-zephyr-scale-integration and zephyr-python-api.

Then the failings of that plugin that were measured, each as a session of ours that does better.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import requests
import yaml  # type: ignore[import-untyped]
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from pytest_tmsreport.client import Client
from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Link, Outcome, Result, Run, Step
from pytest_tmsreport.sandbox import zephyr as zephyr_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sandbox.zephyr_fields import PROJECT_ID, TOKEN, Rules
from pytest_tmsreport.testing import FakeTime, make_results
from pytest_tmsreport.upload import Conditions, upload
from pytest_tmsreport.vendors.zephyr import Zephyr

HERE = Path(__file__).resolve()
SPECS = HERE.parents[3] / "shared" / "specs"
CLOUD_SPEC, DC_SPEC = SPECS / "zephyr-scale-cloud-openapi-v2.yaml", SPECS / "zephyr-scale-server-openapi-v1.json"
PLUGIN = ("pytest-zephyr-scale-integration==0.1.32", "pytest-xdist==3.8.0")
CLIENT = ("zephyr-python-api==0.1.0", "requests")
needs_specs = pytest.mark.skipif(not CLOUD_SPEC.is_file(), reason="needs ../shared/specs, Zephyr Scale's OpenAPI files")

CLOUD = Zephyr(
    name="zephyr",
    kind="zephyr",
    token=TOKEN,
    project="SHOP",
    folder="Nightly/Smoke",
    plan="SHOP-P3",
    version="10012",
    environment="Chrome",
    executed_by="712020:abc",
    cycle_fields={"Team": "Cart"},
    custom_fields={"severity": "Severity"},
    steps="results",
)
DC = replace(CLOUD, product="dc", url="https://jira.acme.test", version="2.4", iteration="7")
RUN = Run(
    id="20260914-100211-0a1b2c3d", name="nightly «main» #42", start=1789380131.0, description="https://ci.test/42"
)
FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789380132.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    ids=({"": ("T12", "shop-t13")},),
    fields={"severity": "critical", "layer": "e2e"},
    links=(Link("https://jira.test/browse/SHOP-1", "SHOP-1", "issue"),),
    steps=(Step(title="open cart", start=1789380132.5), Step(title="pay", outcome=Outcome.FAILED)),
)


class Recorder(WsgiAdapter):
    """The sandbox in the place of Zephyr; keeps every request, its body as bytes, and its answer."""

    def __init__(self) -> None:
        cases = {f"SHOP-T{number}": f"Case {number}" for number in range(1, 21)}
        super().__init__(zephyr_sandbox.create(Rules(cases=cases)).app)
        self.seen: list[tuple[requests.PreparedRequest, requests.Response]] = []
        self.loses = ""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body: Any = request.body
        if hasattr(body, "read"):
            request.body = body.read()
        answer = super().send(request, *args, **kwargs)
        kept = requests.Response()
        kept.status_code, kept.headers, kept._content = answer.status_code, answer.headers, answer.content
        self.seen.append((request, kept))
        if self.loses and f"{request.method} {request.path_url}".endswith(self.loses):
            self.loses = ""
            raise requests.exceptions.ConnectionError("the answer was lost")
        return answer


def everything(folder: Path, vendor: Zephyr) -> list[tuple[requests.PreparedRequest, requests.Response]]:
    """Every request of uploads that use all there is, to the very addresses of Zephyr, and its answer."""
    recorder, time = Recorder(), FakeTime()
    client = Client(vendor, transport=recorder, sleep=time.sleep, clock=time)
    modes = (vendor, replace(vendor, mode="import", status={"skipped": "Failed", "xfailed": "Failed"}))
    for place, each in enumerate(modes):
        journal = Journal(folder / str(place), RUN, {"zephyr": "zephyr"})
        shot = journal.attach("shot.png", "image/png", b"pixels")
        others = [replace(one, ids=({"": (f"T{number}",)},)) for number, one in enumerate(make_results(7), 1)]
        bad = replace(others[0], id="bad", ids=({"": ("T99999",)},))
        for result in (replace(FULL, attachments=(shot,)), *others, bad):
            journal.write(result)
        journal.end(exitstatus=1, not_run=[])
        recorder.loses = ("POST /v2/testexecutions", "POST /rest/atm/1.0/testrun")[not vendor.is_cloud]
        conditions = Conditions(transport=recorder, sleep=time.sleep, clock=time)
        (tally,) = upload(RunFolder(journal.folder), [each], conditions)
        assert (tally.delivered, tally.refused, tally.reason) == (8, 1, ""), tally
        each.verify(client)
        for _, check in each.checks(client):
            check()
        each.read_run(client, tally.run_id)
    key = vendor.open_run(client, replace(RUN, key="build-7"))
    vendor.find_run(client, replace(RUN, key="build-7"))
    for plan in ("SHOP-P3", key, "SHOP-70", "/"):
        assert vendor.planned(client, plan) or plan == key
    if vendor.is_cloud:
        vendor.finish_shard(client, key, 1, 2)
        vendor.close_run(client, key)
    else:
        vendor.discard_run(client, key)
    return recorder.seen


def _pattern(path: str) -> str:
    """An address without its keys and numbers."""
    return re.sub("[A-Z]+-[A-Z]?[0-9]+|SHOP|[0-9]{3,}", "…", path)


# The vendor's own specification of the Cloud


@cache
def cloud_spec() -> OpenAPI:
    """It says that every folder has a parent: those at the top cannot. Nor is JSON in a form `style: form`."""
    held: Any = yaml.safe_load(CLOUD_SPEC.read_text(encoding="utf-8"))
    body = held["paths"]["/automations/executions/custom"]["post"]["requestBody"]["content"]["multipart/form-data"]
    body["encoding"] = {"testCycle": {"contentType": "application/json"}}
    for schema in held["components"]["schemas"].values():
        fields = schema.get("properties", {})
        if {"parentId", "index"} <= set(fields):
            fields["parentId"] = {"type": "integer", "nullable": True}
    return OpenAPI.from_dict(held)


@needs_specs
def test_every_request_to_the_cloud_and_every_answer_of_the_sandbox_is_as_the_specification_says(
    tmp_path: Path,
) -> None:
    spec = cloud_spec()
    seen = everything(tmp_path, CLOUD)
    for request, answer in seen:
        asked = RequestsOpenAPIRequest(request)
        spec.validate_request(asked)
        spec.validate_response(asked, RequestsOpenAPIResponse(answer))
    met = {f"{request.method} {_pattern(request.path_url.partition('?')[0])}" for request, _ in seen}
    assert met == {
        "GET /v2/projects/…",
        "GET /v2/statuses",
        "GET /v2/environments",
        "GET /v2/folders",
        "POST /v2/folders",
        "GET /v2/testcycles",
        "POST /v2/testcycles",
        "GET /v2/testcycles/…",
        "PUT /v2/testcycles/…",
        "GET /v2/testcycles/…/links",
        "POST /v2/testcycles/…/links/weblinks",
        "GET /v2/testplans/…",
        "POST /v2/testplans/…/links/testcycles",
        "GET /v2/testexecutions",
        "POST /v2/testexecutions",
        "GET /v2/testcases",
        "GET /v2/testcases/…",
        "GET /v2/issuelinks/…/testcases",
        "POST /v2/automations/executions/custom",
    }


def _without_token(request: requests.PreparedRequest) -> None:
    del request.headers["Authorization"]


def _with_a_short_key(request: requests.PreparedRequest) -> None:
    request.body = json.dumps({**json.loads(request.body or b""), "testCaseKey": "12"}).encode()


def _without_status(request: requests.PreparedRequest) -> None:
    body = json.loads(request.body or b"")
    del body["statusName"]
    request.body = json.dumps(body).encode()


@needs_specs
@pytest.mark.parametrize("spoil", [_without_token, _with_a_short_key, _without_status])
def test_the_specification_does_refuse_what_is_wrong(
    tmp_path: Path, spoil: Callable[[requests.PreparedRequest], None]
) -> None:
    seen = everything(tmp_path, CLOUD)
    request = next(each for each, _ in seen if (each.method, each.path_url) == ("POST", "/v2/testexecutions"))
    spoil(request)
    with pytest.raises(OpenAPIError):
        cloud_spec().validate_request(RequestsOpenAPIRequest(request))


# The specification of Data Center: addresses, methods, parameters and statuses; of bodies it says nothing


@needs_specs
def test_every_request_to_data_center_and_the_status_of_every_answer_are_in_the_specification(tmp_path: Path) -> None:
    held = json.loads(DC_SPEC.read_text(encoding="utf-8"))["paths"]
    paths = {re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): methods for path, methods in held.items()}
    met = set()
    for request, answer in everything(tmp_path, DC):
        path, _, query = request.path_url.partition("?")
        if not path.startswith("/rest/atm/1.0"):
            assert path == "/rest/api/2/project/SHOP"  # Jira's own
            continue
        inner = path.removeprefix("/rest/atm/1.0")
        found = [held.get(inner, {}), *(methods for rule, methods in paths.items() if rule.fullmatch(inner))]
        method = str(request.method).lower()
        operation = next(each[method] for each in found if method in each)
        # `environment` and `userKey` are required there, and "to be optionally matched" in the same breath
        names = {each["name"] for each in operation.get("parameters", ())} | {"autoCreateTestCases"}
        assert {pair.partition("=")[0] for pair in query.split("&") if pair} <= names, path
        assert str(answer.status_code) in {*operation["responses"], "404", "400"}, path
        met.add(f"{request.method} {_pattern(inner)}")
    assert met == {
        "GET /environments",
        "POST /folder",
        "GET /testcase/search",
        "GET /testplan/…",
        "POST /testrun",
        "GET /testrun/search",
        "GET /testrun/…",
        "DELETE /testrun/…",
        "GET /testrun/…/testresults",
        "POST /testrun/…/testresults",
        "POST /testresult/…/attachments",
        "GET /issuelink/…/testcases",
        "POST /automation/execution/…",
    }


# Tools of others against our sandbox


@pytest.fixture
def served() -> Iterator[Served]:
    """Zephyr's sandbox on a free port of loopback."""
    with serve([zephyr_sandbox.create(Rules(steps={"SHOP-T4": 3}))]) as running:
        yield running


@pytest.fixture
def box(served: Served) -> Box:
    return served.boxes["zephyr"]


def test_a_client_of_others_finds_in_the_sandbox_what_it_knows_from_zephyr(
    judges: Callable[..., Path], served: Served, tmp_path: Path
) -> None:
    file = tmp_path / "results.zip"
    case = {"source": "t.test_a", "result": "Passed", "testCase": {"key": "SHOP-T5"}}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("results.json", json.dumps({"version": 1, "executions": [case]}))
    python = judges("zephyr-python-api", *CLIENT)
    done = subprocess.run(
        [python, "-I", HERE.parent / "judges" / "zephyr_client.py"],
        input=json.dumps({"url": served.url_of("zephyr"), "token": TOKEN, "file": str(file)}),
        env={name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "projects": ["SHOP"],
        "statuses": ["Not Executed", "In Progress", "Done"],
        "folders": ["Nightly"],
        "environments": ["Chrome", "Firefox"],
        "cycles": ["by the client", "Automated test cycle"],
        "case": "SHOP-T7",
        "executions": ["SHOP-T1/versions/1", "SHOP-T2/versions/1"],
        "imported": 1,
        "issue": ["SHOP-T1", "SHOP-T2"],
        "healthy": "",
        "refused": ["Error 404", "Error 400", "Error 401"],
        "server": {
            "items": ["SHOP-T1", "SHOP-T2"],
            "results": ["Pass", "Fail"],
            "found": ["by the client"],
            "cases": ["SHOP-T3"],
            "environments": ["Chrome", "Firefox"],
            "ids": 2,
            "refused": ["Error 404", "Error 400", "Error 400"],
        },
    }


SUITE = """
    import pytest

    @pytest.fixture
    def broken_setup():
        raise RuntimeError("setup")

    @pytest.fixture
    def broken_teardown():
        yield
        raise RuntimeError("teardown")

    def test_SHOP_T1_passed(): pass
    def test_SHOP_T2_failed(): assert 1 == 2
    def test_SHOP_T3_setup(broken_setup): pass

    @pytest.mark.parametrize("number", [1, 2, 3])
    def test_SHOP_T4(number): assert number != 2

    def test_SHOP_T5_teardown(broken_teardown): pass

    @pytest.mark.skip(reason="not here")
    def test_SHOP_T6_skipped(): pass

    def test_SHOP_T7_skipped_inside(): pytest.skip("not now")

    @pytest.mark.xfail(reason="known")
    def test_SHOP_T8_xfailed(): assert 1 == 2

    @pytest.mark.xfail(run=False, reason="hangs")
    def test_SHOP_T9_not_run(): pass
"""
Theirs = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def theirs(judges: Callable[..., Path], served: Served, tmp_path: Path) -> Theirs:
    """Runs a suite with pytest-zephyr-scale-integration, which reports to the sandbox."""
    python = judges("pytest-zephyr-scale-integration", *PLUGIN)

    def run(suite: str, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "theirs" / "test_suite.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(suite))
        foreign = re.compile("PYTEST_|JIRA_|FOLDER_|.*proxy", re.IGNORECASE)
        kept = {key: value for key, value in os.environ.items() if not foreign.match(key)}
        own = {"JIRA_PROJECT_ID": str(PROJECT_ID), "JIRA_URL": served.url_of("zephyr"), **environ}
        return subprocess.run(
            [
                python,
                "-m",
                "pytest",
                "-pno:cacheprovider" if "-p" in args else "-q",
                "--zephyr",
                "--jira_token",
                TOKEN,
                *args,
            ],
            cwd=path.parent,
            env={**kept, **own},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def statuses(box: Box) -> dict[str, str]:
    return {result.cases[0]: result.status for result in box.results.values()}


def test_the_incumbent_works_against_our_sandbox(theirs: Theirs, box: Box) -> None:
    done = theirs(SUITE, "--zephyr_test_run_name", "nightly", FOLDER_NAME="Smoke")
    assert done.returncode == 1, done.stdout + done.stderr
    (run,) = box.runs.values()
    assert run.title == "nightly"
    assert statuses(box) == {  # no word of setup errors and skip marks; a broken teardown passes, what is skipped fails
        "SHOP-T1": "Pass",
        "SHOP-T2": "Fail",
        "SHOP-T4": "Fail",
        "SHOP-T5": "Pass",
        "SHOP-T7": "Fail",
        "SHOP-T8": "Fail",
    }
    scripts = [each.body for each in box.requests if each.path.endswith("/testscriptresult")]
    assert [[row["testResultStatusId"] for row in body] for body in scripts] == [[3, 4, 3]]


def test_the_incumbent_joins_a_cycle_by_its_number(theirs: Theirs, box: Box) -> None:
    theirs(SUITE)
    made = next(each.body["testRunId"] for each in box.requests if each.path.endswith("/bulk/save"))
    theirs("def test_T2(): pass\n", "--zephyr_test_run_id", str(made))
    assert len(box.runs) == 1
    assert statuses(box)["SHOP-T2"] == "Pass"


def test_one_fault_costs_the_incumbent_everything_and_shows_its_token(theirs: Theirs, served: Served, box: Box) -> None:
    served.troubles.add("503*1@tests/1.0/testresult")
    done = theirs(SUITE)
    assert set(statuses(box).values()) == {"Not Executed"}
    assert "HTTPError" in done.stdout + done.stderr
    assert TOKEN in done.stdout + done.stderr


def test_every_worker_of_the_incumbent_makes_a_cycle(theirs: Theirs, box: Box) -> None:
    theirs(SUITE, "-n2")
    assert len(box.runs) > 1


# What goes wrong with the incumbent, with ours


@pytest.fixture(params=["cloud", pytest.param("dc", marks=pytest.mark.long)])
def product(request: pytest.FixtureRequest) -> str:
    """Which Zephyr; what Data Center does otherwise shows in memory each time."""
    return str(request.param)


def report(project: Any, product: str, suite: str, *args: str) -> Any:
    """Runs a suite in a session of ours that reports to the sandbox."""
    project.settings(f"""
        [tmsreport:zephyr]
        product = {product}
    """)
    project.write("test_suite.py", suite)
    return project.pytest("--tms-to", "zephyr", *args)


def test_every_outcome_is_told_as_it_was_in_one_cycle(project: Any, box: Box, product: str, workers: str) -> None:
    assert report(project, product, SUITE, workers).status == 1
    assert statuses(box) == {
        "SHOP-T1": "Pass",
        "SHOP-T2": "Fail",
        "SHOP-T3": "Fail",
        "SHOP-T4": "Fail",
        "SHOP-T5": "Fail",
        "SHOP-T6": "Not Executed",
        "SHOP-T7": "Not Executed",
        "SHOP-T8": "Not Executed",
        "SHOP-T9": "Not Executed",
    }
    assert len(box.runs) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        "lost-answer*1",
        *(pytest.param(each, marks=pytest.mark.long) for each in ["503*1", "429=1*1", "429=none*1", "reset*1"]),
    ],
)
def test_one_fault_costs_nothing_and_shows_no_token(
    project: Any, served: Served, box: Box, product: str, trouble: str
) -> None:
    served.troubles.add(f"{trouble}@{'testexecutions' if product == 'cloud' else 'testresults'}")
    done = report(project, product, SUITE)
    assert (len(box.results), len(box.runs)) == (9, 1)
    assert TOKEN not in done.out + done.err


@pytest.mark.long
def test_a_server_that_cannot_be_reached_stops_no_test_and_keeps_every_result(project: Any, product: str) -> None:
    project.environ["TMSREPORT_ZEPHYR_URL"] = "http://127.0.0.1:9"
    project.environ["TMSREPORT_DEADLINE_S"] = "2"
    done = report(project, product, SUITE)
    assert done.status == 1
    assert "zephyr: 0 delivered, 11 kept" in done.out


def test_a_wrong_token_is_said_aloud_and_everything_is_kept(project: Any, box: Box, product: str) -> None:
    project.environ["TMSREPORT_ZEPHYR_TOKEN"] = "revoked-token"
    done = report(project, product, SUITE)
    assert "zephyr: 0 delivered, 11 kept" in done.out
    assert "make a new one" in done.out
    assert not box.results


@pytest.mark.long
def test_a_worker_that_dies_costs_nothing(project: Any, box: Box, product: str) -> None:
    crash = """
        import os

        def test_SHOP_T1(): pass
        def test_SHOP_T2(): os._exit(1)
        def test_SHOP_T3(): pass
        def test_SHOP_T4(): pass
    """
    report(project, product, crash, "-n2")
    assert statuses(box) == {"SHOP-T1": "Pass", "SHOP-T2": "Fail", "SHOP-T3": "Pass", "SHOP-T4": "Pass"}


def test_a_pass_after_a_failure_is_a_pass(project: Any, box: Box, product: str) -> None:
    project.neighbours = ("rerunfailures",)
    flaky = """
        import pathlib

        def test_SHOP_T1():
            seen = pathlib.Path("seen")
            was_there = seen.exists()
            seen.touch()
            assert was_there
    """
    report(project, product, flaky, "--reruns", "2")
    assert statuses(box) == {"SHOP-T1": "Pass"}


def test_a_case_that_does_not_exist_costs_its_own_result(project: Any, box: Box, product: str) -> None:
    done = report(project, product, "def test_SHOP_T1(): pass\ndef test_SHOP_T99999(): pass\n")
    assert statuses(box) == {"SHOP-T1": "Pass"}
    assert "zephyr: 1 delivered, 0 kept, 1 refused" in done.out
    assert "there is no case SHOP-T99999" in done.out


def test_the_variables_of_the_incumbent_lead_to_data_center(project: Any, served: Served, box: Box) -> None:
    del project.environ["TMSREPORT_ZEPHYR_URL"]
    project.environ |= {"JIRA_URL": served.url_of("zephyr"), "FOLDER_NAME": "Smoke"}
    report(project, "dc", "def test_SHOP_T1(): pass\n")
    assert statuses(box) == {"SHOP-T1": "Pass"}
    (run,) = box.runs.values()
    assert run.body["folder"] == "/Smoke"


def test_a_suite_written_for_the_incumbent_reports_with_a_setting_in_place_of_its_rule(project: Any, box: Box) -> None:
    project.settings("""
        [tmsreport:zephyr]
        product = dc
        names = (?P<case>T[0-9]+)
    """)
    project.write("test_suite.py", "def test_T1(): pass\ndef test_pay_T2(): assert 0\n")
    project.pytest("--tms-to", "zephyr")
    assert statuses(box) == {"SHOP-T1": "Pass", "SHOP-T2": "Fail"}
