"""The sandbox answers as the vendor's documentation says, in memory and on loopback, and tells what arrived."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import pytest
import requests
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from requests_toolbelt import MultipartEncoder  # type: ignore[import-untyped]

from pytest_tmsreport.client import Client
from pytest_tmsreport.errors import ConfigError
from pytest_tmsreport.model import Outcome, Result, Run
from pytest_tmsreport.sandbox import catalog, command, qase
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.qase_fields import TOKEN, Rules
from pytest_tmsreport.sandbox.server import Served, serve
from pytest_tmsreport.sandbox.trouble import Troubles, parse
from pytest_tmsreport.vendors.qase import Qase

SPECS = Path(__file__).resolve().parents[2] / "shared" / "specs"
START = 1_789_372_931.0
RUN = {"title": "nightly", "is_autotest": True, "start_time": "2026-09-14 08:02:11", "tags": ["pytest"]}
FULL_RESULT = {
    "id": "8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    "title": "checkout with card",
    "signature": "tests::checkout.py::test_card::{currency:eur}",
    "testops_ids": [12],
    "execution": {
        "status": "failed",
        "start_time": START + 0.12,
        "end_time": START + 1.48,
        "duration": 1360,
        "stacktrace": "tests/checkout.py:41: AssertionError",
        "thread": "gw0",
    },
    "fields": {"severity": "critical", "tags": "smoke,payments"},
    "params": {"currency": "EUR"},
    "param_groups": [],
    "relations": {"suite": {"data": [{"title": "tests"}, {"title": "checkout"}]}},
    "steps_type": "classic",
    "steps": [
        {"data": {"action": "open cart"}, "execution": {"status": "passed", "duration": 300}, "steps": []},
        {
            "data": {"action": "pay", "expected_result": "receipt shown"},
            "execution": {"status": "failed", "duration": 900, "comment": "timeout"},
            "steps": [{"data": {"action": "enter pin"}, "execution": {"status": "failed"}}],
        },
    ],
    "attachments": [],
    "message": "AssertionError: receipt missing",
    "defect": False,
    "something_new": 1,
}


@dataclass
class Reached:
    """A Qase sandbox as a client reaches it."""

    session: requests.Session
    url: str
    box: Box
    troubles: Troubles

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(f"{self.url}/{path}", **{"timeout": 60, **more})

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        return self.session.post(f"{self.url}/{path}", json=body, **{"timeout": 60, **more})

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.session.patch(f"{self.url}/{path}", json=body, timeout=60)

    def delete(self, path: str) -> requests.Response:
        return self.session.delete(f"{self.url}/{path}", timeout=60)

    def open_run(self, **fields: Any) -> str:
        return str(self.post("v1/run/SHOP", {**RUN, **fields}).json()["result"]["id"])

    def send(self, *results: Any, run: str = "1") -> requests.Response:
        return self.post(f"v2/SHOP/run/{run}/results", {"results": results})

    def upload(self, *contents: bytes, field: str = "file[]") -> requests.Response:
        parts = [(field, (f"{index}.txt", content, "text/plain")) for index, content in enumerate(contents)]
        return self.session.post(f"{self.url}/v1/attachment/SHOP", files=parts, timeout=60)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@contextmanager
def in_memory(
    rules: Rules | None = None, troubles: Sequence[str] = (), clock: FakeClock | None = None
) -> Iterator[Reached]:
    sandbox = qase.create(rules, clock=clock or FakeClock())
    mount = Mount([sandbox], troubles)
    with requests.Session() as session:
        session.mount("http://", WsgiAdapter(mount))
        session.headers["Token"] = (rules or Rules()).token
        yield Reached(session, "http://sandbox.test/qase", sandbox.box, mount.troubles)


@contextmanager
def on_loopback(
    rules: Rules | None = None, troubles: Sequence[str] = (), clock: FakeClock | None = None
) -> Iterator[Reached]:
    sandbox = qase.create(rules, clock=clock or FakeClock())
    with serve([sandbox], troubles=troubles) as served, requests.Session() as session:
        session.trust_env = False
        session.headers["Token"] = (rules or Rules()).token
        yield Reached(session, served.url_of("qase"), served.boxes["qase"], served.troubles)


Transport = Callable[..., AbstractContextManager[Reached]]
both_transports = pytest.mark.parametrize("transport", [in_memory, on_loopback])


@pytest.fixture
def reached() -> Iterator[Reached]:
    with in_memory() as found:
        yield found


def result(**fields: Any) -> dict[str, Any]:
    return {"title": "pays", "execution": {"status": "passed"}, **fields}


def wrong_fields(answer: requests.Response) -> set[str]:
    body = answer.json()
    assert (body["status"], body["errorMessage"]) == (False, "Data is invalid.")
    return {entry["field"] for entry in body["errorFields"]}


# What the API answers


@both_transports
def test_a_whole_session_arrives(transport: Transport) -> None:
    with transport() as qase_:
        assert qase_.get("v1/project/SHOP").json()["result"]["code"] == "SHOP"
        run = qase_.open_run(plan_id=7, environment_slug="staging", milestone_id=3, configurations=[11])
        uploaded = qase_.upload(b"log", b"\x00\x01").json()["result"]
        hashes = [row["hash"] for row in uploaded]
        answer = qase_.send({**FULL_RESULT, "attachments": hashes}, result(), run=run)
        assert (answer.status_code, answer.json()) == (202, {"status": True})
        assert qase_.post(f"v1/run/SHOP/{run}/complete").json() == {"status": True}
        assert qase_.box.counts() == {"failed": 1, "passed": 1}
        assert [file.sha256 for file in qase_.box.attachments.values()] == [
            hashlib.sha256(content).hexdigest() for content in (b"log", b"\x00\x01")
        ]
        assert [row["filename"] for row in uploaded] == ["0.txt", "1.txt"]
        assert qase_.box.runs[run].end == START
        assert not qase_.box.refusals


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_is_refused_before_anything_else(reached: Reached, token: str) -> None:
    answer = reached.get("v1/project/NONE", headers={"Token": token})
    assert (answer.status_code, answer.json()) == (401, {"status": False, "errorMessage": "API token is invalid."})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "v1/project/NONE", 404),
        ("GET", "v1/run/NONE", 404),
        ("POST", "v1/run/NONE", 404),
        ("GET", "v1/run/SHOP/99", 404),
        ("GET", "v1/run/SHOP/none", 404),
        ("POST", "v1/run/SHOP/99/complete", 404),
        ("POST", "v2/SHOP/run/99/results", 404),
        ("POST", "v2/SHOP/run/99/result", 404),
        ("POST", "v1/attachment/NONE", 404),
        ("GET", "v1/configuration/NONE", 404),
        ("GET", "v1/case/SHOP/0", 404),
        ("GET", "v1/plan/SHOP/8", 404),
        ("GET", "v3/project/SHOP", 404),
        ("DELETE", "v1/project/SHOP", 405),
        ("GET", "v2/SHOP/run/1/results", 405),
        ("OPTIONS", "v1/project/SHOP", 405),
    ],
)
def test_what_does_not_exist_is_refused_in_the_shape_of_qase(
    reached: Reached, method: str, path: str, status: int
) -> None:
    answer = reached.session.request(method, f"{reached.url}/{path}", json={}, timeout=60)
    assert answer.status_code == status
    assert answer.json()["status"] is False
    assert isinstance(answer.json()["errorMessage"], str)
    assert bool(answer.headers.get("Allow")) == (status == 405)


def test_project_codes_are_read_in_any_case_and_runs_belong_to_their_project() -> None:
    with in_memory(Rules(projects=("SHOP", "WEB"))) as qase_:
        run = qase_.open_run()
        assert qase_.get(f"v1/run/shop/{run}").status_code == 200
        assert qase_.get(f"v1/run/WEB/{run}").status_code == 404
        assert [each["code"] for each in qase_.get("v1/project").json()["result"]["entities"]] == ["SHOP", "WEB"]
        assert qase_.get("v1/project/shop").json()["result"]["counts"]["runs"] == {"total": 1, "active": 1}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", None),
        ("title", ""),
        ("title", "x" * 256),
        ("title", 5),
        ("description", "x" * 10_001),
        ("description", None),
        ("include_all_cases", "yes"),
        ("is_autotest", 1),
        ("cases.0", [0]),
        ("cases", 7),
        ("environment_id", 0),
        ("environment_id", 99),
        ("environment_slug", "nowhere"),
        ("environment_slug", "x" * 256),
        ("environment_slug", ["staging"]),
        ("milestone_id", 4),
        ("milestone_id", True),
        ("plan_id", 8),
        ("plan_id", "7"),
        ("author_id", 0),
        ("tags.1", ["a", 5]),
        ("configurations.0", [999]),
        ("custom_field.3", {"3": 1}),
        ("custom_field.three", {"three": "1"}),
        ("start_time", "yesterday"),
        ("end_time", 5),
        ("is_cloud", "no"),
        ("cloud_run_config.browser", {"browser": "lynx"}),
    ],
)
def test_a_wrong_field_of_a_run_is_named(reached: Reached, field: str, value: Any) -> None:
    answer = reached.post("v1/run/SHOP", {**RUN, field.partition(".")[0]: value})
    assert answer.status_code == 422
    assert wrong_fields(answer) == {field}
    assert not reached.box.runs


def test_every_field_of_a_run_is_taken_and_told_again(reached: Reached) -> None:
    run = reached.open_run(
        description="why",
        cases=[4],
        environment_id=2,
        milestone_id=3,
        plan_id=7,
        author_id=1,
        configurations=[11, 12],
        custom_field={"5": "blue"},
        end_time="2026-09-14T08:05:00Z",
        include_all_cases=False,
        is_cloud=False,
        cloud_run_config={"browser": "firefox"},
    )
    reached.send(FULL_RESULT, run=run)
    entity = reached.get(f"v1/run/SHOP/{run}", params={"include": "cases"}).json()["result"]
    assert entity == {
        "id": 1,
        "run_id": 1,
        "title": "nightly",
        "description": "why",
        "status": 0,
        "status_text": "in_progress",
        "start_time": "2026-09-14T08:02:11+00:00",
        "end_time": None,
        "public": False,
        "stats": {"total": 1, "statuses": {"failed": 1}},
        "time_spent": 1360,
        "elapsed_time": 0,
        "environment": {"title": "Production", "description": "", "slug": "production", "host": ""},
        "milestone": {"title": "Release", "description": ""},
        "custom_fields": [{"id": 5, "value": "blue"}],
        "tags": [{"title": "pytest", "internal_id": 1}],
        "plan_id": 7,
        "configurations": [11, 12],
        "cases": [1, 2, 3, 4, 12],
    }
    assert "cases" not in reached.get(f"v1/run/SHOP/{run}").json()["result"]


def test_runs_are_listed_newest_first_in_pages(reached: Reached) -> None:
    for number in range(12):
        reached.open_run(title=f"{'nightly' if number % 2 else 'Smoke'} {number}")
    reached.post("v1/run/SHOP/2/complete")
    first = reached.get("v1/run/SHOP").json()["result"]
    assert (first["total"], first["filtered"], first["count"]) == (12, 12, 10)
    assert [run["id"] for run in first["entities"]] == list(range(12, 2, -1))
    rest = reached.get("v1/run/SHOP", params={"limit": 100, "offset": 10}).json()["result"]
    assert [run["id"] for run in rest["entities"]] == [2, 1]
    found = reached.get("v1/run/SHOP", params={"search": "smoke", "limit": 2}).json()["result"]
    assert (found["total"], found["filtered"], found["count"]) == (12, 6, 2)
    ended = reached.get("v1/run/SHOP", params={"status": "passed,failed"}).json()["result"]
    assert [run["id"] for run in ended["entities"]] == [2]
    active = reached.get("v1/run/SHOP", params={"status": "active"}).json()["result"]
    assert active["filtered"] == 11


def test_a_run_is_changed_where_it_is_said_and_nowhere_else(reached: Reached) -> None:
    reached.open_run(title="nightly", tags=["a"], description="first")
    assert reached.patch("v1/run/SHOP/1", {"description": "second", "tags": None}).status_code == 200
    run = reached.get("v1/run/SHOP/1").json()["result"]
    assert (run["title"], run["description"], [tag["title"] for tag in run["tags"]]) == ("nightly", "second", ["a"])
    assert wrong_fields(reached.patch("v1/run/SHOP/1", {"description": "x" * 10_001})) == {"description"}
    assert reached.patch("v1/run/SHOP/2", {}).status_code == 404


def test_a_run_is_deleted_with_its_results_and_its_number_is_not_given_again(reached: Reached) -> None:
    reached.open_run()
    reached.send(result())
    assert reached.delete("v1/run/SHOP/1").json() == {"status": True, "result": {"id": 1}}
    assert reached.delete("v1/run/SHOP/1").status_code == 404
    assert reached.box.results == {}
    assert reached.open_run() == "2"


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "101"), ("limit", "all"), ("offset", "-1"), ("offset", "100001"), ("status", "sleepy")],
)
def test_a_wrong_question_for_runs_is_refused(reached: Reached, name: str, value: str) -> None:
    answer = reached.get("v1/run/SHOP", params={name: value})
    assert answer.status_code == 400
    assert wrong_fields(answer) == {name}


@pytest.mark.parametrize(("status", "text"), [("passed", "passed"), ("failed", "failed"), ("invalid", "failed")])
def test_a_run_is_completed_once(reached: Reached, status: str, text: str) -> None:
    run = reached.open_run()
    reached.send(result(execution={"status": status}))
    assert reached.post(f"v1/run/SHOP/{run}/complete").status_code == 200
    entity = reached.get(f"v1/run/SHOP/{run}").json()["result"]
    assert (entity["status"], entity["status_text"], entity["end_time"]) == (1, text, "2026-09-14T08:02:11+00:00")
    assert reached.post(f"v1/run/SHOP/{run}/complete").status_code == 422


@pytest.mark.parametrize(("takes", "status"), [(True, 202), (False, 400)])
def test_a_completed_run_takes_results_where_the_rules_say_so(takes: bool, status: int) -> None:
    with in_memory(Rules(takes_results_when_completed=takes)) as qase_:
        run = qase_.open_run()
        qase_.post(f"v1/run/SHOP/{run}/complete")
        assert qase_.send(result()).status_code == status


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("", 5),
        ("title", {"title": None}),
        ("title", {"title": ""}),
        ("execution", {"execution": None}),
        ("execution", {"execution": "passed"}),
        ("execution.status", {"execution": {}}),
        ("execution.status", {"execution": {"status": "great"}}),
        ("execution.start_time", {"execution": {"status": "passed", "start_time": "now"}}),
        ("execution.end_time", {"execution": {"status": "passed", "end_time": True}}),
        ("execution.end_time", {"execution": {"status": "passed", "end_time": START - 90_000}}),
        ("execution.duration", {"execution": {"status": "passed", "duration": 1.5}}),
        ("execution.duration", {"execution": {"status": "passed", "duration": -1}}),
        ("execution.stacktrace", {"execution": {"status": "passed", "stacktrace": []}}),
        ("execution.thread", {"execution": {"status": "passed", "thread": 3}}),
        ("execution.error_context", {"execution": {"status": "passed", "error_context": 3}}),
        ("id", {"id": 5}),
        ("signature", {"signature": None}),
        ("testops_id", {"testops_id": 0}),
        ("testops_id", {"testops_id": "C7"}),
        ("testops_ids", {"testops_ids": 7}),
        ("testops_ids.1", {"testops_ids": [7, 0]}),
        ("testops_ids", {"testops_ids": [7], "testops_id": 7}),
        ("fields.author", {"fields": {"author": 7}}),
        ("fields", {"fields": None}),
        ("params.n", {"params": {"n": 1}}),
        ("param_groups.0", {"param_groups": ["n"]}),
        ("attachments.0", {"attachments": ["no-such-hash"]}),
        ("relations.suite.data", {"relations": {"suite": {}}}),
        ("relations.suite.data.0.title", {"relations": {"suite": {"data": [{}]}}}),
        ("relations.suite.data.0.public_id", {"relations": {"suite": {"data": [{"title": "a", "public_id": "b"}]}}}),
        ("steps_type", {"steps_type": "odd"}),
        ("steps", {"steps": {}}),
        ("steps.0.data", {"steps": [{"execution": {"status": "passed"}}]}),
        ("steps.0.data.action", {"steps": [{"data": {}, "execution": {"status": "passed"}}]}),
        ("steps.0.execution.status", {"steps": [{"data": {"action": "a"}, "execution": {"status": "invalid"}}]}),
        (
            "steps.0.steps.0.data.action",
            {
                "steps": [
                    {
                        "data": {"action": "a"},
                        "execution": {"status": "passed"},
                        "steps": [{"data": {"action": 1}, "execution": {"status": "passed"}}],
                    }
                ]
            },
        ),
        ("message", {"message": 5}),
        ("defect", {"defect": "yes"}),
    ],
)
def test_a_wrong_field_of_a_result_is_named_and_refuses_the_whole_batch(
    reached: Reached, field: str, wrong: Any
) -> None:
    reached.open_run()
    item = {**result(), **wrong} if isinstance(wrong, dict) else wrong
    answer = reached.send(result(title="fine"), item)
    assert answer.status_code == 422
    assert wrong_fields(answer) == {f"results.1.{field}".rstrip(".")}
    assert not reached.box.results
    assert [(refusal.status, refusal.request) for refusal in reached.box.refusals] == [
        (422, "POST /qase/v2/SHOP/run/1/results")
    ]


def test_every_culprit_of_a_batch_is_named_at_once(reached: Reached) -> None:
    reached.open_run()
    answer = reached.send(result(title=""), result(), result(title="b", execution={"status": "odd"}, defect=1))
    assert wrong_fields(answer) == {"results.0.title", "results.2.execution.status", "results.2.defect"}
    assert [refusal.what for refusal in reached.box.refusals] == ["results.0", "b"]
    assert "defect must be true or false" in reached.box.refusals[1].reason


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"results": 5}', b'{"results": [NaN]}', b'"text"'])
def test_a_body_that_is_no_batch_is_refused(reached: Reached, body: bytes) -> None:
    reached.open_run()
    answer = reached.session.post(f"{reached.url}/v2/SHOP/run/1/results", data=body, timeout=60)
    assert answer.status_code in (400, 422)
    assert answer.json()["status"] is False


def test_the_workspace_decides_which_statuses_and_cases_there_are() -> None:
    with in_memory(Rules(statuses=("retest",), cases={12: "pays"})) as qase_:
        qase_.open_run()
        assert qase_.send(result(execution={"status": "retest"}, testops_ids=[12])).status_code == 202
        assert wrong_fields(qase_.send(result(testops_ids=[12, 13]))) == {"results.0.testops_ids.1"}
        assert wrong_fields(qase_.send(result(testops_id=13))) == {"results.0.testops_id"}
        assert qase_.get("v1/case/SHOP/12").json()["result"] == {"id": 12, "title": "pays"}
        assert qase_.get("v1/case/SHOP/13").status_code == 404
        assert qase_.get("v1/case/SHOP", params={"search": "PAY"}).json()["result"]["filtered"] == 1


def test_a_result_may_end_a_while_before_its_run_starts() -> None:
    early = {"status": "passed", "end_time": START - 60}
    with in_memory() as lenient, in_memory(Rules(earliest_s=0)) as strict:
        for each in (lenient, strict):
            each.open_run()
        assert lenient.send(result(execution=early)).status_code == 202
        assert wrong_fields(strict.send(result(execution=early))) == {"results.0.execution.end_time"}


@both_transports
def test_the_same_result_sent_twice_is_one_result(transport: Transport) -> None:
    with transport() as qase_:
        qase_.open_run()
        qase_.send(result(id="a", title="first"), result(id="a", title="in the same batch"))
        qase_.send(result(id="a", title="again"), result(id="b"))
        assert [each.title for each in qase_.box.results.values()] == ["first", "pays"]
        assert qase_.box.repeats == 2


def test_results_without_an_id_are_all_kept(reached: Reached) -> None:
    reached.open_run()
    reached.send(result(), result())
    reached.send(result())
    assert len(reached.box.results) == 3


def test_a_single_result_is_answered_with_its_case_and_hash(reached: Reached) -> None:
    reached.open_run()
    with_case = reached.post("v2/SHOP/run/1/result", result(id="a", testops_id=12))
    again = reached.post("v2/SHOP/run/1/result", result(id="a", testops_id=12))
    without = reached.post("v2/SHOP/run/1/result", result())
    assert (with_case.status_code, with_case.json()["result"]["case_id"]) == (202, 12)
    assert again.json() == with_case.json()
    assert without.json()["result"]["case_id"] is None
    assert wrong_fields(reached.post("v2/SHOP/run/1/result", result(title=None))) == {"title"}


def test_a_batch_of_200_is_taken_and_one_more_is_refused(reached: Reached) -> None:
    reached.open_run()
    assert reached.send(*[result()] * 201).status_code == 413
    assert not reached.box.results
    assert reached.send(*[result()] * 200).status_code == 202


def test_a_body_over_the_limit_of_bytes_is_refused() -> None:
    with in_memory(Rules(max_bytes=1000)) as qase_:
        qase_.open_run()
        assert qase_.send(result(message="x" * 1000)).status_code == 413
        assert qase_.send(result(message="x" * 500)).status_code == 202


def test_long_error_contexts_are_cut_and_too_many_are_refused() -> None:
    with in_memory(Rules(max_bytes=2**24)) as qase_:
        qase_.open_run()
        long = result(execution={"status": "failed", "error_context": "x" * 300_000})
        assert qase_.send(long).status_code == 202
        [kept] = qase_.box.results.values()
        assert len(kept.body["execution"]["error_context"]) == 262_144
        assert qase_.send(*[long] * 14).status_code == 413


def test_attachments_keep_to_their_limits() -> None:
    rules = Rules(file_bytes=10, files_bytes=600, files_per_request=2, storage=15)
    with in_memory(rules) as qase_:
        assert qase_.upload(b"x" * 11).status_code == 413
        assert qase_.upload(b"1", b"2", b"3").status_code == 413
        assert qase_.upload(b"x" * 700).status_code == 413
        assert qase_.upload(b"x" * 10).status_code == 200
        full = qase_.upload(b"x" * 6)
        assert (full.status_code, full.json()["status"]) == (507, False)
        assert wrong_fields(qase_.upload(b"x", field="file")) == {"file"}
        assert qase_.post("v1/attachment/SHOP", {}).status_code == 400
        assert len(qase_.box.attachments) == 1
        assert qase_.box.requests[0].body == {
            "parts": [
                {
                    "field": "file[]",
                    "filename": "0.txt",
                    "mime": "text/plain",
                    "size": 11,
                    "sha256": hashlib.sha256(b"x" * 11).hexdigest(),
                }
            ]
        }


def test_the_same_file_uploaded_twice_has_two_hashes(reached: Reached) -> None:
    rows = [*reached.upload(b"x", b"x").json()["result"], *reached.upload(b"x").json()["result"]]
    assert len({row["hash"] for row in rows}) == 3
    assert (rows[0]["mime"], rows[0]["extension"]) == ("text/plain", "txt")


def test_configurations_can_be_listed_and_made(reached: Reached) -> None:
    group = reached.post("v1/configuration/SHOP/group", {"title": "System"}).json()["result"]["id"]
    value = reached.post("v1/configuration/SHOP", {"title": "Linux", "group_id": group}).json()["result"]["id"]
    listing = reached.get("v1/configuration/SHOP", params={"limit": 100, "offset": 0}).json()["result"]
    assert (listing["total"], listing["filtered"], listing["count"]) == (2, 2, 2)
    assert listing["entities"] == [
        {
            "id": 1,
            "title": "Browser",
            "configurations": [{"id": 11, "title": "Chrome"}, {"id": 12, "title": "Firefox"}],
        },
        {"id": group, "title": "System", "configurations": [{"id": value, "title": "Linux"}]},
    ]
    assert reached.open_run(configurations=[value])
    assert wrong_fields(reached.post("v1/configuration/SHOP/group", {})) == {"title"}
    unknown = reached.post("v1/configuration/SHOP", {"title": "x" * 256, "group_id": 99})
    assert wrong_fields(unknown) == {"title", "group_id"}


def test_plans_and_their_cases_can_be_read(reached: Reached) -> None:
    plan = reached.get("v1/plan/SHOP/7").json()["result"]
    assert [case["case_id"] for case in plan["cases"]] == [1, 2, 3]
    assert reached.get("v1/plan/SHOP").json()["result"]["entities"][0]["cases_count"] == 3
    assert [case["id"] for case in reached.get("v1/case/SHOP").json()["result"]["entities"]] == [1, 2, 3]
    assert reached.get("v1/case/SHOP/99").json()["result"]["title"] == "Case 99"


def test_more_requests_than_allowed_in_a_minute_are_told_how_long_to_wait() -> None:
    clock = FakeClock()
    with in_memory(Rules(requests_per_minute=2), clock=clock) as qase_:
        first = qase_.get("v1/project/SHOP")
        assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("2", "1")
        clock.now += 20.5
        assert qase_.get("v1/project/SHOP").headers["X-RateLimit-Remaining"] == "0"
        refused = qase_.get("v1/project/SHOP")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
        assert refused.json() == {"status": False, "errorMessage": "API rate limit exceeded."}
        clock.now += 39.5
        assert qase_.get("v1/project/SHOP").status_code == 200
        assert qase_.get("v1/project/SHOP").status_code == 429
        assert qase_.get("v1/project/SHOP", headers={"Token": "wrong"}).status_code == 401
        assert [refusal.status for refusal in qase_.box.refusals] == [401]


def test_the_usual_limit_is_600_requests_a_minute(reached: Reached) -> None:
    assert reached.get("v1/project/SHOP").headers["X-RateLimit-Limit"] == "600"


# What is kept of it


def test_no_secret_stays_in_the_box(reached: Reached) -> None:
    reached.open_run(title=f"with {TOKEN}")
    reached.send(result(title=TOKEN, params={TOKEN: TOKEN}), run="1")
    reached.get("v1/run/SHOP", params={"search": TOKEN})
    reached.get(f"v1/project/{TOKEN}")
    reached.send(result(title=f"bad {TOKEN}", defect=5))
    assert TOKEN not in json.dumps(reached.box.to_json())
    assert TOKEN not in "\n".join(reached.box.summary())
    assert TOKEN not in repr(reached.box)
    assert TOKEN not in reached.get("").text
    assert [seen.held_secret for seen in reached.box.requests] == [True] * 5
    reached.get("v1/project/SHOP")
    assert not reached.box.requests[-1].held_secret


def test_requests_are_kept_with_their_answer(reached: Reached) -> None:
    reached.open_run()
    reached.troubles.add("503*1", "lost-answer")
    reached.get("v1/run/SHOP", params={"limit": 1})
    with pytest.raises(requests.exceptions.ConnectionError):
        reached.get("v1/project/SHOP")
    kept = [(each.method, each.path, each.query, each.status, each.trouble) for each in reached.box.requests]
    assert kept == [
        ("POST", "/qase/v1/run/SHOP", "", 200, ""),
        ("GET", "/qase/v1/run/SHOP", "limit=1", 503, "503*1"),
        ("GET", "/qase/v1/project/SHOP", "", 0, "lost-answer"),
    ]
    assert reached.box.requests[0].body == RUN


def test_a_body_that_is_no_json_is_kept_by_size_and_hash(reached: Reached) -> None:
    headers = {"Content-Type": "text/csv"}
    reached.session.post(f"{reached.url}/v1/run/SHOP", data=b"a,b", headers=headers, timeout=60)
    sha256 = hashlib.sha256(b"a,b").hexdigest()
    assert reached.box.requests[0].body == {"content": "text/csv", "size": 3, "sha256": sha256}


def test_the_summary_says_what_arrived_and_what_did_not(reached: Reached) -> None:
    reached.open_run(title="night\x1b[31mly")
    reached.send(result(id="a"), result(execution={"status": "failed"}))
    reached.send(result(id="a"))
    reached.send(result(title="wrong", testops_ids=[0]))
    reached.upload(b"12345")
    reached.post("v1/run/SHOP/1/complete")
    assert reached.box.summary() == [
        (
            "qase: 2 results (1 failed, 1 passed), 1 result sent again and taken once, 1 file (5 bytes), "
            "6 requests (1 answered 422)"
        ),
        "  run 1 'nightly', completed: 2 results (1 failed, 1 passed)",
        "  refused 'wrong': 422 results.0.testops_ids.0 must be at least 1 (POST /qase/v2/SHOP/run/1/results)",
    ]


def test_the_summary_names_the_first_refusals_only(reached: Reached) -> None:
    for _ in range(13):
        reached.get("v1/project/NONE")
    lines = reached.box.summary()
    assert len(lines) == 12
    assert lines[-1] == "  … and 3 more refusals"


@both_transports
def test_a_person_sees_what_arrived_without_a_token(transport: Transport) -> None:
    with transport() as qase_:
        run = qase_.open_run(title="<script>alert(1)</script>")
        qase_.send(result(title="<b>pays</b>", testops_ids=[12]), run=run)
        asked = len(qase_.box.requests)
        link = Qase(project="SHOP", url=qase_.url, web_url=qase_.url, token=TOKEN).run_url(run)
        for url in (link, qase_.url, qase_.url.removesuffix("qase")):
            shown = qase_.session.get(url, headers={"Token": ""}, timeout=60)
            assert (shown.status_code, shown.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
            assert "&lt;b&gt;pays&lt;/b&gt;" in shown.text
            assert "<script>" not in shown.text
        assert "No such run" in qase_.session.get(f"{link[:-1]}2", timeout=60).text
        assert len(qase_.box.requests) == asked


def test_nothing_is_mounted_at_another_name(reached: Reached) -> None:
    answer = reached.session.get("http://sandbox.test/acme/v1", timeout=60)
    assert (answer.status_code, answer.text) == (404, "Nothing is mounted at /acme; try /qase\n")


# Trouble


@both_transports
def test_statuses_come_as_often_as_asked_for(transport: Transport) -> None:
    with transport(troubles=["429*2", "503*1"]) as qase_:
        answers = [qase_.get("v1/project/SHOP") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [429, 429, 503, 200]
        assert [answer.headers.get("Retry-After") for answer in answers] == ["1", "1", None, None]
        assert answers[0].json() == {"status": False, "errorMessage": "429*2 is asked for"}


@both_transports
def test_a_status_without_a_number_holds_until_it_is_cleared(transport: Transport) -> None:
    with transport(troubles=["401"]) as qase_:
        assert [qase_.get("v1/project/SHOP").status_code for _ in range(3)] == [401] * 3
        qase_.troubles.clear()
        assert qase_.get("v1/project/SHOP").status_code == 200


@both_transports
def test_trouble_keeps_to_its_path(transport: Transport) -> None:
    with transport(troubles=["503*1@results", "401@/acme/", "500*1@limit=3"]) as qase_:
        qase_.open_run()
        assert qase_.send(result()).status_code == 503
        assert qase_.send(result()).status_code == 202
        assert qase_.get("v1/run/SHOP", params={"limit": 3}).status_code == 500


@both_transports
def test_html_comes_in_place_of_json(transport: Transport) -> None:
    with transport(troubles=["html"]) as qase_:
        answer = qase_.post("v1/run/SHOP", RUN)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert answer.text.startswith("<!doctype html>")
        assert not qase_.box.runs


@both_transports
def test_a_reset_comes_before_the_request_does_anything(transport: Transport) -> None:
    with transport(troubles=["reset"]) as qase_:
        with pytest.raises(requests.exceptions.ConnectionError):
            qase_.post("v1/run/SHOP", RUN)
        assert (len(qase_.box.requests), qase_.box.runs) == (1, {})
        assert qase_.open_run() == "1"


@both_transports
def test_a_lost_answer_has_done_its_work(transport: Transport) -> None:
    with transport(troubles=["lost-answer@/v1/run"]) as qase_:
        with pytest.raises(requests.exceptions.ConnectionError):
            qase_.post("v1/run/SHOP", RUN)
        assert list(qase_.box.runs) == ["1"]
        assert qase_.open_run() == "2"


@both_transports
def test_a_hanging_request_ends_with_the_patience_of_the_client(transport: Transport) -> None:
    with transport(troubles=["hang*2"]) as qase_:
        for _ in range(2):
            with pytest.raises(requests.exceptions.ReadTimeout):
                qase_.post("v1/run/SHOP", RUN, timeout=(60, 0.05))
        assert not qase_.box.runs
        assert qase_.open_run() == "1"


@both_transports
def test_trouble_begins_after_so_many_requests_of_its_path(transport: Transport) -> None:
    with transport(troubles=["401+2@project"]) as qase_:
        qase_.open_run()
        assert [qase_.get("v1/project/SHOP").status_code for _ in range(4)] == [200, 200, 401, 401]


@both_transports
def test_a_time_to_wait_is_told_in_seconds_as_a_date_or_not_at_all(transport: Transport) -> None:
    with transport(troubles=["429=30*1", "503=date*1", "429=none*1", "503*1"]) as qase_:
        told = [qase_.get("v1/project/SHOP").headers.get("Retry-After") for _ in range(4)]
        assert (told[0], told[2], told[3]) == ("30", None, None)
        assert parsedate_to_datetime(str(told[1]))


@both_transports
def test_an_error_may_stand_inside_a_success(transport: Transport) -> None:
    with transport(troubles=["200*1"]) as qase_:
        answer = qase_.post("v1/run/SHOP", RUN)
        assert (answer.status_code, answer.json()["status"], qase_.box.runs) == (200, False, {})


@both_transports
@pytest.mark.parametrize(
    ("spec", "mime", "content"),
    [
        ("empty*1", "application/json", b""),
        ("torn*1", "application/json", b'{"status":true,"result":{"id":1}'),
        ("odd*1", "application/json", b"{}"),
        ("text*1", "text/plain", b'{"status":true,"result":{"id":1}}\n'),
        ("flood*1", "application/json", b" " * 100),
    ],
)
def test_an_answer_is_spoiled_when_its_request_has_done_its_work(
    transport: Transport, spec: str, mime: str, content: bytes
) -> None:
    with transport(troubles=[spec]) as qase_:
        answer = qase_.session.post(f"{qase_.url}/v1/run/SHOP", json=RUN, stream=True, timeout=60)
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (200, mime)
        assert next(answer.iter_content(100), b"") == content
        answer.close()
        assert list(qase_.box.runs) == ["1"]


@both_transports
@pytest.mark.parametrize(
    ("spec", "error"),
    [
        ("gzip*1", requests.exceptions.ContentDecodingError),
        ("headers*1", requests.exceptions.ConnectionError),
        ("drip*1", requests.exceptions.ConnectionError),
    ],
)
def test_an_answer_that_cannot_be_read_comes_when_its_request_has_done_its_work(
    transport: Transport, spec: str, error: type[Exception]
) -> None:
    with transport(troubles=[spec]) as qase_:
        with pytest.raises((error, requests.exceptions.ReadTimeout)):
            qase_.post("v1/run/SHOP", RUN, timeout=(60, 0.5))
        assert list(qase_.box.runs) == ["1"]


@both_transports
def test_a_redirect_leads_to_another_host_and_has_done_nothing(transport: Transport) -> None:
    with transport(troubles=["redirect*1"]) as qase_:
        answer = qase_.post("v1/run/SHOP", RUN, allow_redirects=False)
        assert (answer.status_code, qase_.box.runs) == (307, {})
        assert urlsplit(answer.headers["Location"]).hostname == "localhost"


def test_a_connection_is_closed_after_the_answer_without_a_word() -> None:
    with serve([qase.create()], troubles=["close"]) as served, connected(served) as connection:
        connection.request("GET", "/qase/v1/project/SHOP")
        answer = connection.getresponse()
        assert answer.read()
        assert (answer.headers["Connection"], connection.sock.recv(1)) == (None, b"")


def _send_and_listen(connection: http.client.HTTPConnection, body: bytes) -> None:
    """A reset shows in either, as the server is fast or slow."""
    connection.endheaders(body)
    connection.getresponse()


def test_a_reset_does_not_wait_for_the_body() -> None:
    with serve([qase.create()], troubles=["reset"]) as served, connected(served) as connection:
        connection.putrequest("POST", "/qase/v1/run/SHOP")
        connection.putheader("Content-Length", "1000")
        with pytest.raises(ConnectionResetError):
            _send_and_listen(connection, b"the first of it")


def test_in_memory_nobody_waits_for_a_slow_answer() -> None:
    mount = Mount([qase.create()], ["slow=3600"])
    waits: list[float] = []
    with requests.Session() as session:
        session.mount("http://", WsgiAdapter(mount, slow=waits.append))
        assert session.get("http://sandbox.test/qase/v1/project", timeout=60).status_code == 401
    assert waits == [3600.0]


def test_on_loopback_a_slow_answer_comes_in_the_end() -> None:
    with on_loopback(troubles=["slow=0.01"]) as qase_:
        assert qase_.get("v1/project/SHOP").status_code == 200
        assert qase_.box.requests[0].trouble == "slow=0.01"


@pytest.mark.parametrize(
    ("spec", "kind", "amount", "left", "path"),
    [
        ("429*3", "status", 429, 3, ""),
        (" 503*2@results ", "status", 503, 2, "results"),
        ("401@/vansah", "status", 401, float("inf"), "/vansah"),
        ("html", "html", 0, float("inf"), ""),
        ("slow=0.2", "slow", 0.2, float("inf"), ""),
        ("slow=1*2", "slow", 1, 2, ""),
        ("reset", "reset", 0, 1, ""),
        ("lost-answer*4@x@y", "lost-answer", 0, 4, "x@y"),
        ("hang@/a*b", "hang", 0, 1, "/a*b"),
        ("200*1", "status", 200, 1, ""),
        ("drip@a+b", "drip", 0, float("inf"), "a+b"),
    ],
)
def test_trouble_is_read(spec: str, kind: str, amount: float, left: float, path: str) -> None:
    found = parse(spec)
    assert (found.kind, found.amount, found.left, found.path) == (kind, amount, left, path)


@pytest.mark.parametrize(
    ("spec", "after", "wait"),
    [
        ("401+4", 4, "none"),
        ("429*3+2@results", 2, "1"),
        ("429=30", 0, "30"),
        ("503=date*2", 0, "date"),
        ("429=none", 0, "none"),
    ],
)
def test_trouble_says_when_it_begins_and_how_long_to_wait(spec: str, after: int, wait: str) -> None:
    found = parse(spec)
    assert (found.after, found.wait) == (after, wait)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("", "it names no trouble"),
        ("*3", "it names no trouble"),
        ("302", "'302' is no trouble"),
        ("503=soon", "'503=soon' is no trouble"),
        ("html=3", "'html=3' is no trouble"),
        ("401+", "a number above zero must follow the +"),
        ("401+-2", "a number above zero must follow the +"),
        ("4290", "'4290' is no trouble"),
        ("rest", "'rest' is no trouble"),
        ("429*", "a number above zero must follow the *"),
        ("429*0", "a number above zero must follow the *"),
        ("429*-1", "a number above zero must follow the *"),
        ("503@", "no path follows the @"),
        ("slow", "slow=SECONDS takes a number"),
        ("slow=", "slow=SECONDS takes a number"),
        ("slow=-1", "slow=SECONDS takes a number"),
        ("slow=nan", "slow=SECONDS takes a number"),
    ],
)
def test_trouble_that_cannot_be_read_says_what_is_allowed(spec: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Troubles(["429*3", spec])
    assert str(caught.value).startswith(f"--trouble {spec!r} cannot be read: {why}; it is WHAT[*TIMES][+AFTER]")
    assert "lost-answer" in str(caught.value)


# The two transports


def test_an_answer_in_memory_streams(reached: Reached) -> None:
    answer = reached.get("v1/project/SHOP", stream=True)
    parts = list(answer.iter_content(10))
    assert len(parts) > 2
    assert json.loads(b"".join(parts))["status"] is True
    assert reached.get("v1/project/SHOP", stream=True).raw.read(2) == b'{"'
    answer.close()


@both_transports
@pytest.mark.parametrize("kind", ["encoder", "file", "text", "iterator"])
def test_a_body_may_be_given_in_every_way_that_requests_knows(transport: Transport, kind: str) -> None:
    text = json.dumps(RUN)
    with transport() as qase_:
        path = "v1/run/SHOP"
        headers = {"Content-Type": "application/json"}
        data: Any
        if kind == "encoder":
            data = MultipartEncoder([("file[]", ("a.txt", io.BytesIO(b"x" * 100_000), "text/plain"))])
            path, headers = "v1/attachment/SHOP", {"Content-Type": data.content_type}
        elif kind == "file":
            data = io.BytesIO(text.encode())
        else:
            data = text if kind == "text" else iter([text.encode()[:10], text.encode()[10:]])
        answer = qase_.session.post(f"{qase_.url}/{path}", data=data, headers=headers, timeout=60)
        assert answer.json()["status"] is True


@both_transports
def test_paths_keep_their_letters(transport: Transport) -> None:
    with transport() as qase_:
        assert qase_.get("v1/project/caf%C3%A9%20a").status_code == 404
        assert qase_.box.requests[0].path == "/qase/v1/project/café a"


def test_a_connection_is_kept_also_after_a_refused_body() -> None:
    headers = {"Token": TOKEN, "Content-Type": "application/json"}
    with serve([qase.create()]) as served, connected(served) as connection:
        kept = connection.sock
        for method, path, body in (
            ("POST", "/qase/v1/run/NONE", b"x" * 100_000),
            ("GET", "/qase/v1/project/SHOP", None),
            ("HEAD", "/qase/v1/project/SHOP", None),
            ("POST", "/qase/v1/run/SHOP", json.dumps(RUN).encode()),
        ):
            connection.request(method, path, body, headers)
            connection.getresponse().read()
            assert connection.sock is kept
        assert [each.status for each in served.boxes["qase"].requests] == [404, 200, 200, 200]
        assert served.connections() == 1


def test_a_reset_on_loopback_is_a_reset() -> None:
    with serve([qase.create()], troubles=["reset"]) as served, connected(served) as connection:
        connection.request("GET", "/qase/v1/project/SHOP")
        with pytest.raises(ConnectionResetError):
            connection.getresponse()


def test_a_lost_answer_on_loopback_is_an_orderly_end() -> None:
    with serve([qase.create()], troubles=["lost-answer"]) as served, connected(served) as connection:
        connection.request("GET", "/qase/v1/project/SHOP")
        with pytest.raises(http.client.RemoteDisconnected, match="without response"):
            connection.getresponse()


def test_leaving_the_server_ends_kept_and_hanging_connections_and_every_thread() -> None:
    before = set(threading.enumerate())
    with ExitStack() as clients:
        with serve([qase.create()], troubles=["hang@/hang", "slow=3600@/slow"]) as served:
            kept, hanging, slow = (clients.enter_context(connected(served)) for _ in range(3))
            for connection, path in ((kept, "/qase/v1"), (hanging, "/qase/hang"), (slow, "/qase/slow")):
                connection.request("GET", path)
            assert kept.getresponse().read()
            while len(served.boxes["qase"].requests) < 3:
                os.sched_yield()
        assert set(threading.enumerate()) == before
        for connection in (kept, hanging):
            assert connection.sock.recv(1) == b""


def test_a_hanging_request_ends_when_its_client_leaves() -> None:
    with serve([qase.create()], troubles=["hang"]) as served:
        before = set(threading.enumerate())
        with connected(served) as connection:
            connection.request("GET", "/qase/v1/project/SHOP")
            while not served.boxes["qase"].requests:
                os.sched_yield()
        while set(threading.enumerate()) - before:
            os.sched_yield()


def test_several_threads_may_send_at_once() -> None:
    with on_loopback() as qase_:
        run = qase_.open_run()

        def send(worker: int) -> None:
            for number in range(10):
                qase_.send(result(id=f"{worker}-{number}"), result(id="shared"), run=run)

        threads = [threading.Thread(target=send, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(qase_.box.results) == 41
        assert qase_.box.repeats == 39


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} cannot be used: .*--port"), serve([], port=port):
            pass
    with pytest.raises(ConfigError, match="port 99999 cannot be used"), serve([], port=99_999):
        pass


def test_a_wanted_port_is_used() -> None:
    with serve([qase.create()]) as served:
        port = int(served.url.rpartition(":")[2])
    with serve([qase.create()], port=port) as served:
        assert served.url == f"http://127.0.0.1:{port}"


@contextmanager
def connected(served: Served) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=60)
    connection.connect()
    try:
        yield connection
    finally:
        connection.close()


# Our own client, and the vendor's own specification


@dataclass(frozen=True)
class MadeUpFile:
    """A file that needs no journal."""

    name: str
    content: bytes
    mime: str = "text/plain"

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.content)


def test_the_plugins_own_vendor_is_understood() -> None:
    sandbox = qase.create(clock=FakeClock())
    vendor = Qase(
        name="qase",
        kind="qase",
        url="http://sandbox.test/qase",
        token=TOKEN,
        project="SHOP",
        environment="staging",
        plan=7,
        milestone=3,
        configurations={"Browser": "Chrome", "System": "Linux"},
    )
    http_ = Client(vendor, transport=WsgiAdapter(Mount([sandbox])))
    vendor.verify(http_)
    run = Run(id="20260914-080211-00c0ffee", name="nightly", start=START, tags=("pytest",))
    run_id = vendor.open_run(http_, run)
    assert vendor.find_run(http_, run) == run_id
    hashes = vendor.attach(http_, run_id, [MadeUpFile("a.txt", b"a"), MadeUpFile("b.txt", b"b")])
    assert list(hashes) == list(sandbox.box.attachments)
    passed = Result(
        id="r1", nodeid="test_a.py::test_a", title="a", outcome=Outcome.PASSED, start=START, duration=1, case_ids=("7",)
    )
    vendor.send(http_, run_id, [passed])
    vendor.close_run(http_, run_id)
    http_.close()
    assert sandbox.box.counts() == {"passed": 1}
    assert not sandbox.box.refusals
    assert not any(seen.held_secret for seen in sandbox.box.requests)


REQUESTS: dict[str, Callable[[Reached], requests.Response]] = {
    "projects": lambda qase_: qase_.get("v1/project"),
    "project": lambda qase_: qase_.get("v1/project/SHOP"),
    "unknown project": lambda qase_: qase_.get("v1/project/NONE"),
    "wrong token": lambda qase_: qase_.get("v1/project/SHOP", headers={"Token": "wrong"}),
    "runs": lambda qase_: qase_.get("v1/run/SHOP", params={"search": "night", "include": "cases"}),
    "wrong runs": lambda qase_: qase_.get("v1/run/SHOP", params={"limit": 0}),
    "create run": lambda qase_: qase_.post("v1/run/SHOP", {**RUN, "milestone_id": 3, "environment_slug": "staging"}),
    "wrong run": lambda qase_: qase_.post("v1/run/SHOP", {}),
    "run": lambda qase_: qase_.get("v1/run/SHOP/1", params={"include": "cases"}),
    "completed run": lambda qase_: qase_.get("v1/run/SHOP/2"),
    "update run": lambda qase_: qase_.patch("v1/run/SHOP/1", {"description": "more"}),
    "wrong update": lambda qase_: qase_.patch("v1/run/SHOP/1", {"title": 7}),
    "delete run": lambda qase_: qase_.delete("v1/run/SHOP/1"),
    "complete": lambda qase_: qase_.post("v1/run/SHOP/1/complete"),
    "complete again": lambda qase_: qase_.post("v1/run/SHOP/2/complete"),
    "results": lambda qase_: qase_.send(FULL_RESULT),
    "wrong results": lambda qase_: qase_.send(result(title=None)),
    "too many results": lambda qase_: qase_.send(*[result()] * 201),
    "result": lambda qase_: qase_.post("v2/SHOP/run/1/result", FULL_RESULT),
    "result without case": lambda qase_: qase_.post("v2/SHOP/run/1/result", result()),
    "attachments": lambda qase_: qase_.upload(b"a", b"b"),
    "configurations": lambda qase_: qase_.get("v1/configuration/SHOP"),
    "create group": lambda qase_: qase_.post("v1/configuration/SHOP/group", {"title": "System"}),
    "create value": lambda qase_: qase_.post("v1/configuration/SHOP", {"title": "Edge", "group_id": 1}),
    "cases": lambda qase_: qase_.get("v1/case/SHOP"),
    "case": lambda qase_: qase_.get("v1/case/SHOP/1"),
    "plans": lambda qase_: qase_.get("v1/plan/SHOP"),
    "plan": lambda qase_: qase_.get("v1/plan/SHOP/7"),
    "too many requests": lambda qase_: qase_.get("v1/run/SHOP"),
}


@cache
def specification(version: str, url: str) -> OpenAPI:
    spec = json.loads((SPECS / f"qase-{version}.json").read_text(encoding="utf-8"))
    return OpenAPI.from_dict({**spec, "servers": [{"url": f"{url}/{version}"}]})


@pytest.mark.skipif(not SPECS.is_dir(), reason="needs ../shared/specs, Qase's own OpenAPI files")
@pytest.mark.parametrize("name", REQUESTS)
def test_answers_are_what_qases_own_specification_says(name: str, reached: Reached) -> None:
    reached.open_run(custom_field={"5": "blue"})
    reached.open_run(description="ended")
    reached.send(FULL_RESULT, run="2")
    reached.post("v1/run/SHOP/2/complete")
    if name == "too many requests":
        reached.troubles.add("429*1")
    answer = REQUESTS[name](reached)
    judge = specification("v2" if "/v2/" in str(answer.url) else "v1", reached.url)
    judge.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))
    assert answer.ok != name.startswith(("unknown", "wrong", "too many", "complete again"))


# Around a command


def test_vendors_are_found_by_the_name_of_their_module() -> None:
    assert "qase" in catalog.names()
    assert catalog.create("qase").name == "qase"


def test_an_unknown_vendor_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no sandbox for 'qsae'; did you mean `qase`\?"):
        catalog.create("qsae")
    with pytest.raises(ConfigError, match=r"no sandbox for 'box'; There is one for: .*qase"):
        command.run(["box"], port=0, troubles=[], json_file=None, command=["true"])


def test_the_environment_is_all_that_a_destination_needs() -> None:
    with serve([qase.create()]) as served:
        assert served.environment == {
            "TMSREPORT_QASE_URL": f"{served.url}/qase",
            "TMSREPORT_QASE_WEB_URL": f"{served.url}/qase",
            "TMSREPORT_QASE_TOKEN": TOKEN,
            "TMSREPORT_QASE_PROJECT": "SHOP",
        }


REPORTER = """
import json, os, sys, urllib.request
def post(path, body):
    request = urllib.request.Request(
        os.environ["TMSREPORT_QASE_URL"] + path,
        json.dumps(body).encode(),
        {"Token": os.environ["TMSREPORT_QASE_TOKEN"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
project, token = os.environ["TMSREPORT_QASE_PROJECT"], os.environ["TMSREPORT_QASE_TOKEN"]
run = post(f"/v1/run/{project}", {"title": "nightly " + token})["result"]["id"]
result = {"id": "a", "title": "pays", "execution": {"status": "passed"}}
post(f"/v2/{project}/run/{run}/results", {"results": [result]})
print("reported")
sys.exit(3)
"""


def test_a_command_reports_without_settings_and_its_status_comes_back(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    file = tmp_path / "arrived.json"
    status = command.run([], port=0, troubles=[], json_file=file, command=[sys.executable, "-c", REPORTER])
    shown = capfd.readouterr()
    assert (status, shown.err) == (3, "")
    lines = shown.out.splitlines()
    assert lines[0] == "reported"
    place = lines.index("qase: 1 result (1 passed), 2 requests")
    assert lines[place + 1] == "  run 1 'nightly ***', open: 1 result (1 passed)"
    text = file.read_text(encoding="utf-8")
    assert TOKEN not in text
    assert TOKEN not in shown.out
    found = json.loads(text)["qase"]
    assert found["counts"] == {"passed": 1}
    assert [(each["method"], each["path"], each["body"]) for each in found["requests"]] == [
        ("POST", "/qase/v1/run/SHOP", {"title": "nightly ***"}),
        (
            "POST",
            "/qase/v2/SHOP/run/1/results",
            {"results": [{"id": "a", "title": "pays", "execution": {"status": "passed"}}]},
        ),
    ]


def test_trouble_meets_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    status = command.run(
        ["qase"], port=0, troubles=["503*1@/v1/run"], json_file=None, command=[sys.executable, "-c", REPORTER]
    )
    shown = capfd.readouterr()
    assert status == 1
    assert "HTTP Error 503" in shown.err
    assert shown.out == "qase: 0 results, 1 request (1 answered 503)\n"


def test_a_command_that_a_signal_ends_counts_as_shells_count() -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert command.run(["qase"], port=0, troubles=[], json_file=None, command=[sys.executable, "-c", code]) == 143


def test_a_command_that_cannot_be_started_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    status = command.run(["qase"], port=0, troubles=[], json_file=None, command=["no-such-program-at-all"])
    assert status == 127
    assert "cannot start 'no-such-program-at-all'" in capfd.readouterr().err


def test_a_folder_that_is_not_there_is_named_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "none" / "arrived.json"
    touched = tmp_path / "touched"
    with pytest.raises(ConfigError, match="there is no such folder"):
        command.run(["qase"], port=0, troubles=[], json_file=file, command=["touch", str(touched)])
    assert not touched.exists()


def test_a_file_that_cannot_be_written_does_not_hide_the_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for code, expected in (("raise SystemExit(3)", 3), ("", 1)):
        run = [sys.executable, "-c", code]
        assert command.run(["qase"], port=0, troubles=[], json_file=tmp_path, command=run) == expected
        assert f"cannot write {tmp_path}" in capfd.readouterr().err


def test_without_flask_the_extra_is_named() -> None:
    code = """
    import sys
    sys.modules["flask"] = None
    from pytest_tmsreport.errors import ConfigError
    from pytest_tmsreport.sandbox import command
    try:
        command.run([], port=0, troubles=[], json_file=None, command=["true"])
    except ConfigError as error:
        print(error)
    """
    assert python(code) == "the sandbox needs Flask: pip install 'pytest-tmsreport[sandbox]'\n"


def test_ctrl_c_is_for_the_command_and_what_arrived_is_said_after_it() -> None:
    code = """
    import signal, sys
    from pytest_tmsreport.sandbox import command
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = '''
    import signal
    signal.signal(signal.SIGINT, lambda *_: exit(7))
    print("ready", flush=True)
    signal.pause()
    '''
    import textwrap
    child = [sys.executable, "-c", textwrap.dedent(child)]
    sys.exit(command.run(["qase"], port=0, troubles=[], json_file=None, command=child))
    """
    with started(code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (7, "qase: 0 results, 0 requests\n", "")


def test_without_a_command_it_serves_until_ctrl_c(tmp_path: Path) -> None:
    file = tmp_path / "arrived.json"
    code = f"""
    import pathlib, signal, sys
    from pytest_tmsreport.sandbox import command
    signal.signal(signal.SIGINT, signal.default_int_handler)
    file = pathlib.Path({str(file)!r})
    sys.exit(command.run(["qase"], port=0, troubles=[], json_file=file, command=[]))
    """
    with started(code) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(5)]
        exports = dict(re.findall(r"^export (\w+)=(.*)$", "".join(lines[:4]), re.MULTILINE))
        assert f"shown at {exports['TMSREPORT_QASE_URL'].removesuffix('qase')} ;" in lines[4]
        with requests.Session() as session:
            session.trust_env = False
            url = f"{exports['TMSREPORT_QASE_URL']}/v1/project/{exports['TMSREPORT_QASE_PROJECT']}"
            answer = session.get(url, headers={"Token": exports["TMSREPORT_QASE_TOKEN"]}, timeout=60)
            assert answer.status_code == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest, errors) == (0, "qase: 0 results, 1 request\n", "")
    assert len(json.loads(file.read_text(encoding="utf-8"))["qase"]["requests"]) == 1


def python(code: str) -> str:
    arguments = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(arguments, check=True, capture_output=True, text=True, timeout=60).stdout


@contextmanager
def started(code: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
