"""ReportPortal's stand-in refuses what the server refuses, with its codes, and by v2 tells nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import Client as Browser
from werkzeug.test import TestResponse

from pytest_tmsreport.sandbox import reportportal as reportportal_sandbox
from pytest_tmsreport.sandbox.reportportal import TOKEN, Rules
from pytest_tmsreport.sandbox.site import Sandbox

LAUNCH, SUITE, TEST, STEP = "launch-1", "suite-1", "test-1", "step-1"
BODY = {"startTime": 1000, "launchUuid": LAUNCH}


class Server:
    """The stand-in, with a launch, a suite, a test and a step in it."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.sandbox: Sandbox = reportportal_sandbox.create(rules)
        self.box = self.sandbox.box
        self._browser = Browser(self.sandbox.app)
        self.ask("POST", "v1/shop/launch", {"name": "nightly", "startTime": 1000, "uuid": LAUNCH})
        self.start(SUITE, "", type="SUITE")
        self.start(TEST, f"/{SUITE}")
        self.start(STEP, f"/{TEST}", hasStats=False)

    def ask(self, method: str, path: str, body: Any = None, *, token: str = TOKEN, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"}
        return self._browser.open(f"/api/{path}", method=method, json=body, headers=headers, **more)

    def form(self, api: str, rows: Any, *files: tuple[str, bytes]) -> TestResponse:

        data = {"json_request_part": json.dumps(rows), "file": [(BytesIO(content), name) for name, content in files]}
        headers = {"Authorization": f"Bearer {TOKEN}"}
        kind = "multipart/form-data"
        return self._browser.post(f"/api/{api}/shop/log", data=data, headers=headers, content_type=kind)

    def start(self, own: str, above: str, api: str = "v1", **more: Any) -> TestResponse:
        return self.ask("POST", f"{api}/shop/item{above}", {**BODY, "name": own, "type": "step", "uuid": own, **more})

    def end(self, own: str, api: str = "v1", **more: Any) -> TestResponse:
        return self.ask("PUT", f"{api}/shop/item/{own}", {"endTime": 2000, "launchUuid": LAUNCH, **more})

    def read(self, path: str) -> Any:
        return self.ask("GET", f"v1/shop/{path}").get_json()


@pytest.fixture
def server() -> Server:
    return Server()


def again(server: Server) -> TestResponse:
    server.end(TEST, status="passed")
    return server.end(TEST, status="passed")


def below_a_retry(server: Server) -> TestResponse:
    server.start("second", f"/{SUITE}", name=TEST, startTime=1500, retry=True)
    return server.start("child", f"/{TEST}", hasStats=False)


def finish_twice(server: Server) -> TestResponse:
    server.ask("PUT", f"v1/shop/launch/{LAUNCH}/finish", {"endTime": 3000})
    return server.ask("PUT", f"v1/shop/launch/{LAUNCH}/finish", {"endTime": 3000})


REFUSALS: dict[str, tuple[Callable[[Server], TestResponse], int, int]] = {
    "no name": (lambda server: server.start("a", "", name=" "), 400, 4001),
    "odd type": (lambda server: server.start("a", "", type="chapter"), 400, 4001),
    "no time": (lambda server: server.start("a", "", startTime="soon"), 400, 4001),
    "empty value": (lambda server: server.start("a", "", attributes=[{"key": "a", "value": ""}]), 400, 4001),
    "many attributes": (lambda server: server.start("a", "", attributes=[{"value": "a"}] * 257), 400, 4001),
    "half a ticket": (
        lambda server: server.end(
            TEST, status="failed", issue={"issueType": "pb001", "externalSystemIssues": [{"ticketId": "1"}]}
        ),
        400,
        4001,
    ),
    "unknown launch": (lambda server: server.start("a", "", launchUuid="other"), 404, 4041),
    "unknown parent": (lambda server: server.start("a", "/other"), 404, 4043),
    "unknown item": (lambda server: server.end("other", status="passed"), 404, 4043),
    "nothing to retry": (lambda server: server.start("a", f"/{SUITE}", retry=True), 404, 4043),
    "retry at the root": (lambda server: server.start("a", "", retry=True), 400, 4001),
    "suite as a retry": (lambda server: server.start("a", f"/{SUITE}", retry=True, type="suite"), 400, 40036),
    "below a retry": (below_a_retry, 400, 40041),
    "test in a step": (lambda server: server.start("a", f"/{STEP}"), 400, 4001),
    "before its parent": (lambda server: server.start("a", f"/{SUITE}", startTime=999), 406, 40025),
    "before its launch": (lambda server: server.start("a", "", startTime=999), 406, 40025),
    "ends before it starts": (lambda server: server.end(TEST, status="passed", endTime=999), 406, 40021),
    "finished twice": (again, 406, 40018),
    "launch finished twice": (finish_twice, 406, 40022),
    "no status": (lambda server: server.end(STEP), 400, 40019),
    "odd status": (lambda server: server.end(TEST, status="fine"), 406, 4065),
    "odd defect": (lambda server: server.end(TEST, status="failed", issue={"issueType": "zz"}), 404, 40416),
    "there already": (lambda server: server.start(TEST, f"/{SUITE}"), 500, 5000),
    "other project": (lambda server: server.ask("GET", "v1/other/settings"), 404, 4040),
    "log of nothing": (
        lambda server: server.ask("POST", "v1/shop/log/entry", {"launchUuid": "other", "time": 1000}),
        404,
        4041,
    ),
    "odd level": (
        lambda server: server.ask("POST", "v1/shop/log/entry", {"launchUuid": LAUNCH, "time": 1000, "level": "x"}),
        400,
        4001,
    ),
    "no logs": (lambda server: server.form("v1", []), 400, 4001),
    "items of no launch": (lambda server: server.ask("GET", "v1/shop/item"), 400, 4001),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_the_server_refuses_is_refused_with_its_code(server: Server, what: str) -> None:
    do, status, code = REFUSALS[what]
    answer = do(server)
    assert (answer.status_code, answer.get_json()["errorCode"]) == (status, code)
    assert answer.get_json()["message"]


def test_a_wrong_key_is_refused(server: Server) -> None:
    answer = server.ask("GET", "v1/shop/settings", token="wrong")
    assert (answer.status_code, answer.get_json()["error"]) == (401, "unauthorized")


def test_v2_promises_what_v1_refuses_and_puts_it_aside(server: Server) -> None:
    assert server.start(TEST, f"/{SUITE}", "v2").status_code == 201
    assert server.end(TEST, "v2", status="passed").status_code == 200
    assert server.end(TEST, "v2", status="failed").status_code == 200
    assert [refusal.status for refusal in server.box.refusals] == [500, 406]
    assert {result.status for result in server.box.results.values()} == {"PASSED"}
    assert server.start("a", "", "v2", name="").status_code == 400  # but for what needs no look at anything


def test_v2_waits_for_parents_that_come_later(server: Server) -> None:
    assert server.end("late", "v2", status="passed").status_code == 200
    assert server.start("late", "/above", "v2").get_json() == {"id": "late"}
    assert server.box.results == {}
    server.start("above", "", "v2", type="suite")
    assert [result.id for result in server.box.results.values()] == ["late"]
    assert server.box.refusals == []


def test_what_is_in_progress_when_its_launch_ends_is_interrupted(server: Server) -> None:
    server.ask("PUT", f"v1/shop/launch/{LAUNCH}/finish", {"endTime": 3000})
    assert [result.status for result in server.box.results.values()] == ["INTERRUPTED"]
    assert server.read(f"item/uuid/{SUITE}")["status"] == "FAILED"
    assert server.read(f"launch/uuid/{LAUNCH}")["status"] == "FAILED"


def test_each_entry_of_a_log_has_an_answer_of_its_own(server: Server) -> None:
    row = {"launchUuid": LAUNCH, "itemUuid": TEST, "time": "2026-03-02T10:00:00.5+0000", "level": "error"}
    rows = [
        {**row, "message": "fine"},
        {**row, "file": {"name": "a.txt"}},
        {**row, "file": {"name": "b.txt"}},
        {**row, "level": "!"},
        {**row, "file": {"name": "a.txt"}},
    ]
    answer = server.form("v1", rows, ("a.txt", b"one"), ("a.txt", b"two"))
    assert answer.status_code == 201
    assert ["id" in each for each in answer.get_json()["responses"]] == [True, True, False, False, True]
    assert [file.size for file in server.box.attachments.values()] == [3, 3]


def test_a_page_holds_300_items_at_most(server: Server) -> None:
    for number in range(310):
        server.start(f"t{number}", f"/{SUITE}", "v2")
    number = server.read(f"launch/uuid/{LAUNCH}")["id"]
    asked = f"item?filter.eq.launchId={number}&filter.eq.hasStats=true&page.size=1000"
    first, second = server.read(asked), server.read(f"{asked}&page.page=2")
    assert (len(first["content"]), len(second["content"])) == (300, 12)
    assert first["page"] == {"number": 1, "size": 300, "totalElements": 312, "totalPages": 2}


def test_a_queue_that_is_behind_answers_before_it_knows() -> None:
    server = Server(Rules(behind=1))
    server.start("late", f"/{SUITE}", "v2")
    assert server.ask("GET", "v1/shop/item/uuid/late").status_code == 404
    server.end("late", "v2", status="passed")
    assert server.read("item/uuid/late")["status"] == "IN_PROGRESS"
