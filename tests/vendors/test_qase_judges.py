"""What Qase itself makes of our requests and of the sandbox: its OpenAPI files, and its official Python clients."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from openapi_core.exceptions import OpenAPIError

from pytest_tmsreport.client import Client
from pytest_tmsreport.journal import Journal, RunFolder
from pytest_tmsreport.model import Link, Outcome, Result, Run
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.qase_fields import TOKEN
from pytest_tmsreport.sandbox.server import serve
from pytest_tmsreport.testing import FakeTime, make_results
from pytest_tmsreport.upload import Conditions, upload
from pytest_tmsreport.vendors.qase import Qase

HERE = Path(__file__).resolve()
SPECS = HERE.parents[3] / "shared" / "specs"
CLIENTS = ("qase-api-client==2.0.14", "qase-api-v2-client==2.0.8")

QASE = Qase(
    name="qase",
    kind="qase",
    token=TOKEN,
    project="SHOP",
    environment="staging",
    milestone=3,
    plan=7,
    configurations={"Browser": "Firefox", "System": "Linux"},
    defect=True,
)
RUN = Run(
    id="20260914-100211-0a1b2c3d",
    name="nightly «main» #42",
    start=1789380131.0,
    description="https://ci.test/42",
    tags=("pytest", "nightly"),
)
FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card[EUR-]",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789380132.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    traceback="tests/checkout.py:41: AssertionError",
    ids=({"": ("C12", "shop-13")},),
    suite=("tests", "checkout", "TestCard"),
    parameters={"currency": "EUR", "voucher": ""},
    description="pays with a card",
    tags=("smoke", "payments"),
    fields={"severity": "critical", "priority": "high", "layer": "e2e", "own field": "yes"},
    links=(Link("https://bugs.test/1", "BUG-1", "issue"),),
    worker="gw0",
    attempt=2,
    earlier=("TimeoutError: no receipt",),
)


class Recorder(WsgiAdapter):
    """The sandbox in the place of api.qase.io; keeps every request, its body as bytes."""

    def __init__(self) -> None:
        super().__init__(qase_sandbox.create().app)
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        body: Any = request.body
        if hasattr(body, "read"):
            request.body = body.read()
        self.sent.append(request)
        return super().send(request, *args, **kwargs)


class LosesRuns(Recorder):
    """Loses the first answer to opening a run, so that the run has to be looked up."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        is_first = not any(each.method == "POST" and each.path_url == "/v1/run/SHOP" for each in self.sent)
        answer = super().send(request, *args, **kwargs)
        if is_first and (request.method, request.path_url) == ("POST", "/v1/run/SHOP"):
            raise requests.exceptions.ConnectionError("the answer was lost")
        return answer


@pytest.fixture
def sent(tmp_path: Path) -> list[requests.PreparedRequest]:
    """Every request of an upload that uses all there is, to the very addresses of Qase."""
    journal = Journal(tmp_path / "run", RUN, {"qase": "qase"})
    files = tuple(journal.attach(f"{name}.txt", "text/plain", name.encode()) for name in ("log", "naïve «file»"))
    bare, *others = make_results(9)
    for result in (replace(FULL, attachments=files), replace(bare, ids=(), suite=(), message=""), *others):
        journal.write(result)
    journal.end(exitstatus=1, not_run=[])
    recorder = LosesRuns()
    time = FakeTime()
    conditions = Conditions(transport=recorder, sleep=time.sleep, clock=time)
    (tally,) = upload(RunFolder(journal.folder), [QASE], conditions)
    assert (tally.delivered, tally.notes, tally.reason) == (10, [], "")
    client = Client(QASE, transport=recorder)
    QASE.verify(client)
    QASE.read_run(client, tally.run_id)
    assert [case.ids[0] for case in QASE.planned(client, "7")] == ["SHOP-1", "SHOP-2", "SHOP-3"]
    assert "SHOP-12" in [case.ids[0] for case in QASE.recorded(client, tally.run_id) if case.has_failed]
    QASE.finish_shard(client, tally.run_id, 1, 2)
    QASE.discard_run(client, QASE.open_run(client, replace(RUN, key="build-7")))
    return recorder.sent


def test_an_upload_that_uses_all_there_is_meets_every_address(sent: list[requests.PreparedRequest]) -> None:
    assert {f"{request.method} {str(request.url).partition('?')[0]}" for request in sent} == {
        "GET https://api.qase.io/v1/configuration/SHOP",
        "POST https://api.qase.io/v1/configuration/SHOP/group",
        "POST https://api.qase.io/v1/configuration/SHOP",
        "POST https://api.qase.io/v1/run/SHOP",
        "GET https://api.qase.io/v1/run/SHOP",
        "POST https://api.qase.io/v1/attachment/SHOP",
        "POST https://api.qase.io/v2/SHOP/run/1/results",
        "POST https://api.qase.io/v1/run/SHOP/1/complete",
        "GET https://api.qase.io/v1/project/SHOP",
        "GET https://api.qase.io/v1/run/SHOP/1",
        "GET https://api.qase.io/v1/plan/SHOP/7",
        "GET https://api.qase.io/v1/result/SHOP",
        "PATCH https://api.qase.io/v1/run/SHOP/1",
        "GET https://api.qase.io/v1/run/SHOP/2",
        "DELETE https://api.qase.io/v1/run/SHOP/2",
    }


# The vendor's own specification


needs_specs = pytest.mark.skipif(not SPECS.is_dir(), reason="needs ../shared/specs, Qase's own OpenAPI files")


@cache
def specification(version: str) -> OpenAPI:
    return OpenAPI.from_file_path(str(SPECS / f"qase-{version}.json"))


def spec_of(request: requests.PreparedRequest) -> OpenAPI:
    return specification("v2" if request.path_url.startswith("/v2/") else "v1")


@needs_specs
def test_every_request_is_what_qases_own_specification_asks_for(sent: list[requests.PreparedRequest]) -> None:
    for request in sent:
        spec_of(request).validate_request(RequestsOpenAPIRequest(request))


@needs_specs
def test_files_stand_in_the_field_that_the_specification_names(sent: list[requests.PreparedRequest]) -> None:
    (upload_,) = [request for request in sent if "/attachment/" in request.path_url]
    body: Any = spec_of(upload_).unmarshal_request(RequestsOpenAPIRequest(upload_)).body
    assert [bytes(each) for each in body["file[]"]] == [b"log", "naïve «file»".encode()]


def _without_token(request: requests.PreparedRequest) -> None:
    del request.headers["Token"]


def _with_a_word_for_a_number(request: requests.PreparedRequest) -> None:
    body = json.loads(request.body or b"")
    body["results"][0]["testops_ids"] = ["C12"]
    request.body = json.dumps(body).encode()


def _without_status(request: requests.PreparedRequest) -> None:
    body = json.loads(request.body or b"")
    del body["results"][0]["execution"]["status"]
    request.body = json.dumps(body).encode()


@needs_specs
@pytest.mark.parametrize("spoil", [_without_token, _with_a_word_for_a_number, _without_status])
def test_the_specification_does_refuse_what_is_wrong(
    sent: list[requests.PreparedRequest], spoil: Callable[[requests.PreparedRequest], None]
) -> None:
    (request,) = [each for each in sent if each.path_url.endswith("/results")]
    spoil(request)
    with pytest.raises(OpenAPIError):
        spec_of(request).validate_request(RequestsOpenAPIRequest(request))


# The vendor's own clients


@pytest.fixture(scope="session")
def judge(judges: Callable[..., Path]) -> Path:
    return judges("qase", *CLIENTS)


def ask(judge: Path, question: dict[str, Any]) -> Any:
    script = HERE.parent / "judges" / "qase_official.py"
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        [judge, "-I", script], input=json.dumps(question), capture_output=True, text=True, check=False, env=direct
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def without_nulls(value: Any) -> Any:
    """The value without keys that hold null: the models leave them out where they mean nothing."""
    if isinstance(value, dict):
        return {key: without_nulls(held) for key, held in value.items() if held is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def bodies(sent: list[requests.PreparedRequest]) -> list[tuple[str, Any]]:
    kinds = {
        "/v1/run/SHOP": "run",
        "/v1/configuration/SHOP/group": "group",
        "/v1/configuration/SHOP": "configuration",
        "/v2/SHOP/run/1/results": "results",
    }
    return [
        (kinds[request.path_url], json.loads(request.body or b""))
        for request in sent
        if request.method == "POST" and request.path_url in kinds
    ]


def test_the_official_models_hold_all_that_we_send_and_nothing_else(
    judge: Path, sent: list[requests.PreparedRequest]
) -> None:
    ours = bodies(sent)
    assert {kind for kind, _ in ours} == {"run", "group", "configuration", "results"}
    for (kind, body), verdict in zip(ours, ask(judge, {"bodies": ours}), strict=True):
        assert verdict.get("refused") is None, (kind, verdict)
        assert without_nulls(verdict["held"]) == without_nulls(body), kind


def test_the_official_models_do_refuse_what_is_wrong(judge: Path) -> None:
    wrong = [
        ("run", {"title": "x" * 256}),
        ("run", {"title": "nightly", "plan_id": 0}),
        ("results", {"results": [{"title": "a", "execution": {"status": "passed", "duration": 0.5}}]}),
        ("results", {"results": [{"title": "a", "execution": {"status": "passed"}, "testops_ids": ["7"]}]}),
    ]
    assert all("refused" in verdict for verdict in ask(judge, {"bodies": wrong}))


def test_the_official_clients_find_in_the_sandbox_what_they_know_from_qase(judge: Path) -> None:
    with serve([qase_sandbox.create()]) as served:
        told = ask(judge, {"url": served.url_of("qase"), "token": TOKEN})
        box = served.boxes["qase"]
    assert told == {
        "project": "SHOP",
        "groups": ["Browser", "System"],
        "run_id": 1,
        "files": ["log.txt", "shot.png"],
        "bulk": True,
        "single": True,
        "listed": [[1, "by the official client", "in_progress"]],
        "plan": [3, 5],
        "results": [2, [[1, "passed"], [2, "passed"]]],
        "completed": True,
        "read": [1, 2, [1, 2]],
        "refused": {"wrong token": 401, "unknown project": 404, "unknown run": 404, "unknown status": 422},
    }
    assert box.counts() == {"passed": 1, "failed": 1}
    assert [file.size for file in box.attachments.values()] == [5, 3]
    assert box.runs["1"].end is not None
