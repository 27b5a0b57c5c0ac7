"""A tool described in TOML: a twin of Qase, held against Qase's own vendor and sandbox, and what can be wrong."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from pytest_tmsreport.auth import Header, TokenExchange, basic, bearer
from pytest_tmsreport.client import Client
from pytest_tmsreport.errors import AuthError, ConfigError, PermanentError, RateLimited, Rejected, TransientError
from pytest_tmsreport.model import Link, Outcome, Result, Step
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.qase_fields import TOKEN
from pytest_tmsreport.testing import Canned, Desk, VendorContract, make_results
from pytest_tmsreport.vendors.qase import Qase
from pytest_tmsreport.vendors.rest import Rest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

README = Path(__file__).resolve().parents[2] / "README.md"
TWIN = """
label = "Qase, by TOML"
auth = { header = "Token" }
run_url = "https://app.qase.io/run/SHOP/dashboard/{run_id}"

[errors]
message = ["errorMessage", "message", "error"]
details = "errorFields"
success = "status"

[errors.codes]
401 = { kind = "AuthError", meaning = "the token is wrong", remedy = "make a new token" }
429 = { kind = "RateLimited", meaning = "too many requests", remedy = "lower `parallel`", wait_s = 60 }

[calls.open_run]
request = "POST v1/run/SHOP"
id = "result.id"

[calls.open_run.body]
title = "{run.name|cut:255}"
description = "{run.mark}"
is_autotest = true
start_time = "{run.start|date}"
tags = "{run.tags}"

[calls.find_run]
request = "GET v1/run/SHOP"
params = { status = "in_progress" }
rows = "result.entities"
run = "description"
id = "id"
paging = { style = "offset", size = 100, total = "result.filtered" }

[calls.discard_run]
request = "DELETE v1/run/SHOP/{run_id}"

[calls.read_run]
request = "GET v1/run/SHOP/{run_id}"

[calls.close_run]
request = "POST v1/run/SHOP/{run_id}/complete"

[calls.verify]
request = "GET v1/project/SHOP"

[calls.attach]
request = "POST v1/attachment/SHOP"
when = "before"
field = "file[]"
rows = "result"
id = "hash"
per_request = 20

[calls.send]
request = "POST v2/SHOP/run/{run_id}/results"
body = { results = "{items}" }
repeatable = true

[calls.send.item]
id = "{id}"
title = "{title|cut:255}"
signature = "{nodeid|lower}"
testops_ids = "{cases|without:C|number}"
attachments = "{files}"
steps_type = "classic"
steps = "{steps}"
params = "{parameters}"
relations = { suite = { data = "{suite|each:title}" } }
message = "{words}"
fields = { "*" = "{fields}", description = "{description}", tags = "{tags|join:,}" }

[calls.send.item.execution]
status = "{status}"
start_time = "{start}"
end_time = "{end}"
duration = "{duration|ms}"
stacktrace = "{traceback}"
thread = "{worker}"

[calls.send.step]
data = { action = "{title}", expected_result = "{expected}", input_data = "{data}" }
steps = "{steps|keep}"

[calls.send.step.execution]
status = "{status}"
start_time = "{start}"
end_time = "{end}"
duration = "{milliseconds}"
comment = "{message}"
"""
STATUS = {"error": "invalid", "xfailed": "skipped", "xpassed": "passed"}


def twin(**values: Any) -> Rest:
    """Qase, as its users would describe it."""
    described = values.pop("described", None) or tomllib.loads(TWIN)
    usual: dict[str, Any] = {"url": "https://api.qase.test/qase", "token": TOKEN, "batch_size": 200, "status": STATUS}
    return Rest(name="acme", kind="rest", described=described, **{**usual, **values})


QASE = Qase(name="acme", kind="qase", url="https://api.qase.test/qase", token=TOKEN, project="SHOP")
FULL = Result(
    id="8e7a2c0e-5a0a-4f0e-9d4f-2b6a6f5f9c11",
    nodeid="tests/checkout.py::TestCard::test_card",
    title="test_card",
    outcome=Outcome.FAILED,
    start=1789380132.1204,
    duration=1.3604,
    message="AssertionError: receipt missing",
    traceback="tests/checkout.py:41: AssertionError",
    ids=({"": ("C12", "13")},),
    suite=("tests", "checkout", "TestCard"),
    description="pays with a card",
    tags=("smoke", "payments"),
    fields={"severity": "critical", "layer": "e2e"},
    links=(Link("https://bugs.test/1", "BUG-1", "issue"),),
    worker="gw0",
    attempt=2,
    earlier=("TimeoutError: no receipt",),
    steps=(
        Step(
            title="pays",
            start=1789380132.2,
            duration=0.5,
            outcome=Outcome.PASSED,
            steps=(Step(title="types", start=1789380132.3, duration=0.1, expected="a number", outcome=Outcome.FAILED),),
        ),
    ),
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The description with one value replaced; None takes it away."""
    table = copy.deepcopy(tomllib.loads(TWIN))
    *outer, last = path.split("/")
    inner = table
    for key in outer:
        inner = inner.setdefault(key, {})
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return table


class TestTwinOfQase(VendorContract):
    vendor = twin()
    sandbox = staticmethod(qase_sandbox.create)

    def test_what_it_sends_is_what_the_vendor_in_python_sends(self, desk: Desk) -> None:
        log = desk.journal.attach("log.txt", "text/plain", b"hello")
        results = [replace(FULL, attachments=(log,)), replace(FULL, id=FULL.id[::-1], ids=(), links=(), earlier=())]
        desk.write(*results)
        bodies = []
        for vendor in (QASE, self.vendor):
            own = Desk(desk.folder.path.parent / vendor.kind, vendor, qase_sandbox.create())
            log = own.journal.attach("log.txt", "text/plain", b"hello")
            own.write(*results)
            assert own.send().delivered == 2
            bodies.append([(each.method, each.path, each.body) for each in own.box.requests])
        assert bodies[0] == bodies[1]

    def test_the_codes_of_its_table_are_those_of_the_description(self) -> None:
        table = self.vendor.errors
        assert table.codes[429].wait_s == 60.0
        assert [fault.kind for fault in table.codes.values()] == [AuthError, RateLimited]

    def test_it_can_what_is_described_and_nothing_else(self) -> None:
        described = {"attach", "close_run", "discard_run", "find_run", "open_run", "read_run", "send", "verify"}
        optional = {"finish_shard", "planned", "received", "recorded", "resolve", "blame"}
        assert {each for each in described | optional if self.vendor.can(each)} == described
        assert self.vendor.run_url("7/8") == "https://app.qase.io/run/SHOP/dashboard/7%2F8"


@pytest.fixture
def tool(tmp_path: Path) -> Iterator[Desk]:
    """The twin at its desk."""
    made = Desk(tmp_path, twin(), qase_sandbox.create())
    yield made
    made.journal.end(exitstatus=0, not_run=[])


def sent(desk: Desk, **values: Any) -> list[Any]:
    """The bodies that a vendor sends for the full result to a tool that takes everything."""
    vendor = twin(**values)
    taker = Canned(200, b'{"status": true, "data": {"id": 7}, "rows": [{"id": 8}]}')
    bodies: list[Any] = []
    client = desk.client(taker)
    client._rehearse = bodies.append
    vendor.send(client, "5", [replace(FULL, case_ids=("C12", "13"))])
    return bodies


def test_without_an_item_each_result_is_a_request_of_its_own(tool: Desk) -> None:
    described = {
        "calls": {"send": {"request": "PUT runs/{run_id}/tests/{case}", "body": {"outcome": "{outcome|upper}"}}}
    }
    vendor = twin(described=described)
    assert replace(vendor).batch_size == 200
    assert Rest(name="a", kind="rest", token="t", url="https://a.test", described=described).batch_size == 1
    (request,) = sent(tool, described=described)
    assert (request.method, request.path, request.json) == ("PUT", "runs/5/tests/C12", {"outcome": "FAILED"})


@pytest.mark.parametrize(
    ("auth", "made"),
    [
        (None, bearer("s3cret")),
        ({"bearer": True}, bearer("s3cret")),
        ({"header": "X-Key", "value": "Key {token}"}, Header("X-Key", "Key s3cret")),
        ({"basic": "ci@acme.test"}, basic("ci@acme.test", "s3cret")),
        (
            {"exchange": "POST auth/login", "body": {"key": "{token}"}, "token": "data.jwt", "lifetime_s": 60},
            TokenExchange("auth/login", {"key": "s3cret"}, 60.0, "data.jwt"),
        ),
    ],
)
def test_it_is_signed_as_described(auth: Any, made: Any) -> None:
    assert twin(described=changed("auth", auth), token="s3cret").auth == made


def test_a_tool_without_tokens_needs_none_and_the_others_do() -> None:
    assert twin(described=changed("auth", {"none": True}), token="").secrets() == [""]
    with pytest.raises(ConfigError, match="TMSREPORT_ACME_TOKEN"):
        twin(token="")


@pytest.mark.parametrize(
    ("success", "body", "is_fine"),
    [
        ("ok", {"ok": True}, True),
        ("ok", {"ok": False}, False),
        ("ok", {"ok": 0}, False),
        ("code == 0", {"code": 0}, True),
        ("code == 0", {"code": 5301}, False),
        ("code == 0", {}, False),
        ("status == success", {"status": "success"}, True),
        ("status == 'success'", {"status": "error"}, False),
        ("success == true", {"success": True}, True),
    ],
)
def test_a_success_is_what_the_description_says(success: str, body: Any, is_fine: bool) -> None:
    assert twin(described=changed("errors/success", success)).errors.failed_inside(body) is not is_fine


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("calls/send", None, "[acme.calls] there is no `send`"),
        ("calls/sent", {"request": "GET x"}, "[acme.calls] there is no call `sent`; did you mean `send`?"),
        ("calls/send/request", None, "[acme.calls.send] `request` is missing"),
        ("calls/send/request", "FETCH x", "it must be a method and a path"),
        (
            "calls/send/request",
            "POST runs/{run}/x",
            "[acme.calls.send] request: there is no {run} here; did you mean {run_id}?",
        ),
        ("calls/send/culprits", "errors", "[acme.calls.send] there is no key `culprits`; known are:"),
        ("calls/send/itme", {}, "there is no key `itme`; did you mean `item`?"),
        (
            "calls/send/item/title",
            "{titel}",
            "[acme.calls.send] item.title: there is no {titel} here; did you mean {title}?",
        ),
        ("calls/send/item/title", "{title|cutt:80}", "there is no filter `cutt`; did you mean `cut`?"),
        ("calls/send/item/title", "{title|cut}", "the filter `cut` needs a number: `cut:500`"),
        ("calls/send/item/title", "{title|ms}", "the filters of {title|ms} make nothing of it"),
        ("calls/send/item/title", "{title", "a lone '{'"),
        ("calls/send/item/id", "{id|lower:7}", "the filter `lower` takes no `:7`"),
        ("calls/send/body", {"results": []}, "`item` goes nowhere: `body` must hold {items}"),
        ("calls/send/item", None, "`body` holds {items}, and `item` is missing"),
        ("calls/open_run/id", None, "[acme.calls.open_run] `id` is missing"),
        ("calls/open_run/body/title", "{title}", "there is no {title} here"),
        ("calls/open_run", "POST runs", "[acme.calls.open_run] it is 'POST runs'; it must be a table"),
        ("calls/attach/when", "later", "`when` is 'later'; it can be before or after"),
        ("calls/read_run/request", "DELETE runs/{run_id}", "nothing is removed here"),
        ("calls/find_run/paging/style", "cursor", "`style` is 'cursor'; it can be offset, pages, link, token"),
        ("calls/find_run/paging/sise", 7, "there is no key `sise`; did you mean `size`?"),
        ("auth", {"bearr": True}, "[acme] auth: it must hold one of"),
        ("auth", {"header": "X", "valeu": "{token}"}, "there is no key `valeu`; did you mean `value`?"),
        ("auth", {"header": "X", "value": "{tokn}"}, "there is no {tokn} here; did you mean {token}?"),
        ("errors/codes/E1", "TransientEror", "codes.E1: `kind` is 'TransientEror'; did you mean TransientError?"),
        ("errors/succes", "ok", "[acme.errors] there is no key `succes`; did you mean `success`?"),
        ("errors/success", "code = 0", "it must be a path, or such as code == 0"),
        ("run_url", "https://x.test/{id}", "run_url: there is no {id} here"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_the_nearest_right_word(path: str, value: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        twin(described=changed(path, value))
    assert said in str(caught.value)


def test_the_tool_that_the_readme_describes_can_be_told_of_results(tool: Desk) -> None:
    text = README.read_text(encoding="utf-8").partition("```toml\n[acme]\n")[2].partition("```")[0]
    table = tomllib.loads(f"[acme]\n{text}")["acme"]
    vendor = Rest(
        name="acme",
        kind="rest",
        url=table.pop("url"),
        token="t",
        status=table.pop("status"),
        described={key: value for key, value in table.items() if key in Rest.described_by},
    )
    asked: list[Any] = []
    client = tool.client(Canned(200, b'{"code": 0}'))
    client._rehearse = asked.append
    vendor.open_run(client, tool.run)
    vendor.send(client, "5", [replace(FULL, case_ids=("C12",))])
    assert asked[0].json == {"title": tool.run.name, "note": f"pytest-tmsreport {tool.run.id}"}
    assert asked[1].json == {
        "results": [
            {
                "test": "C12",
                "status": "FAIL",
                "at": "2026-09-14T10:02:12.120Z",
                "ms": 1360,
                "why": "AssertionError: receipt missing",
            }
        ]
    }
    assert vendor.errors.failed_inside({"code": 7})


def test_a_section_that_describes_nothing_says_what_is_missing() -> None:
    with pytest.raises(ConfigError, match=r"add \[acme\.calls\.send\] to tmsreport\.toml"):
        Rest(name="acme", kind="rest", token="t")


class TestTakesNoIds(VendorContract):
    """The same tool, described as one that takes no ids of ours, and cannot be asked what it has."""

    vendor = twin(
        described={
            **tomllib.loads(TWIN),
            "calls": {
                **{key: call for key, call in tomllib.loads(TWIN)["calls"].items() if key != "send"},
                "send": {**tomllib.loads(TWIN)["calls"]["send"], "repeatable": False},
            },
        }
    )
    sandbox = staticmethod(qase_sandbox.create)

    def test_what_nobody_can_tell_is_kept_and_said(self, desk: Desk) -> None:
        desk.write(*make_results(3))
        desk.mount.troubles.add("lost-answer@/results")
        tally = desk.send()
        assert (tally.kept, tally.doubtful) == (3, 3)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"result": {}}', b'{"result": {"id": null}}', b'{"result": {"id": true}}', b"[]"]
)
def test_an_answer_without_an_id_is_no_run(body: bytes, tool: Desk) -> None:
    with pytest.raises(PermanentError, match=r"holds no id at 'result\.id'"):
        tool.vendor.open_run(tool.client(Canned(200, body)), tool.run)


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthError), (422, Rejected), (429, RateLimited), (503, TransientError)]
)
def test_what_the_description_does_not_name_means_what_http_says(status: int, kind: type, tool: Desk) -> None:
    with pytest.raises(kind):
        tool.vendor.verify(tool.client(Canned(status, b"{}"), deadline_s=1))


class Shows(Canned):
    """Loses the answer to the first batch, and then shows what has arrived, two rows a page."""

    def __init__(self, arrived: Sequence[str]) -> None:
        super().__init__(200, b"")
        self._rows = [
            {"number": 70 + place, "note": f"see pytest-tmsreport {each}"} for place, each in enumerate(arrived)
        ]
        self._is_lost = False

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer: Any = {"rows": [{"number": 1}, {"number": 2}, {"number": 3}]}
        if request.method == "GET":
            page = int(parse_qs(urlsplit(str(request.url)).query)["page"][0])
            answer = {"rows": self._rows[2 * page - 2 : 2 * page], "pages": -(-len(self._rows) // 2)}
        self._body = json.dumps(answer).encode()
        if request.method == "POST" and not self._is_lost:
            self._is_lost = True
            raise requests.exceptions.ConnectionError("the answer was lost")
        return super().send(request, *args, **kwargs)


READS_BACK = {
    "calls": {
        "send": {
            "request": "POST runs/{run_id}/rows",
            "body": {"rows": "{items}"},
            "item": {"note": "see {mark}"},
            "rows": "rows",
            "id": "number",
        },
        "received": {
            "request": "GET runs/{run_id}/rows",
            "rows": "rows",
            "result": "note",
            "id": "number",
            "paging": {"style": "pages", "size": 2, "last": "pages"},
        },
    }
}


@pytest.mark.parametrize(
    ("arrived", "ids", "posts"), [((0, 1, 2), ["70", "71", "72"], 1), ((), ["1", "2", "3"], 2)], ids=["all", "nothing"]
)
def test_after_a_lost_answer_the_tool_is_asked_what_it_has(
    tool: Desk, arrived: Sequence[int], ids: list[str], posts: int
) -> None:
    results = make_results(3)
    server = Shows([results[place].id for place in arrived])
    vendor = twin(described=READS_BACK)
    assert vendor.send(Client(vendor, transport=server, sleep=tool.time.sleep, clock=tool.time), "5", results) == ids
    assert [path.partition(" ")[0] for path in server.paths].count("POST") == posts - 1  # the lost one is not listed


def test_where_a_part_has_arrived_the_rest_waits_for_the_next_upload(tool: Desk) -> None:
    results = make_results(3)
    server = Shows([results[1].id])
    vendor = twin(described=READS_BACK)
    client = Client(vendor, transport=server, sleep=tool.time.sleep, clock=tool.time, deadline=lambda: 1100.0)
    with pytest.raises(TransientError, match="1 of 3 results of a request whose answer was lost are there"):
        vendor.send(client, "5", results)
    assert not [path for path in server.paths if path.startswith("POST")]
