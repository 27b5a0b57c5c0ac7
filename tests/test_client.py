"""One conversation: how it is signed, paced, repeated and judged, and what it never does."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import logging
import math
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from pytest_tmsreport.client import ANSWER_BYTES, FIRST_WAIT_S, LONGEST_WAIT_S, Client, Network, Request
from pytest_tmsreport.errors import (
    AuthError,
    NotFound,
    PermanentError,
    RateLimited,
    Rejected,
    TransientError,
)
from pytest_tmsreport.model import Run
from pytest_tmsreport.pacing import Pacer
from pytest_tmsreport.sandbox import qase as qase_sandbox
from pytest_tmsreport.sandbox.qase_fields import TOKEN
from pytest_tmsreport.sandbox.server import serve
from pytest_tmsreport.testing import Canned, FakeTime
from pytest_tmsreport.vendor import Content
from pytest_tmsreport.vendors.azure import Azure
from pytest_tmsreport.vendors.kiwi import Kiwi
from pytest_tmsreport.vendors.qase import Qase

Step = tuple[int, bytes, Mapping[str, str]] | Exception

SECRET = "tok-5f2e9c81-secret"
QASE = Qase(name="qase", kind="qase", url="https://tms.test", token=SECRET, project="SHOP")
FINE: Step = (200, b'{"status": true, "result": {"id": 7}}', {})
RUN = Run(id="20260914-100211-0a1b2c3d", name="nightly", start=1789380131.0)


class Script(BaseAdapter):
    """Answers each request with the next step, and again and again with the last; keeps what was sent."""

    def __init__(self, *steps: Step) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []
        self._steps = steps

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        step = self._steps[min(len(self.sent), len(self._steps) - 1)]
        self.sent.append(request)
        if isinstance(step, Exception):
            raise step
        return Canned(*step).send(request, *args, **kwargs)

    def close(self) -> None:
        """There is nothing to close."""


def make_client(transport: BaseAdapter | None, time: FakeTime | None = None, **changes: Any) -> Client:
    time = time or FakeTime()
    deadline_s = changes.pop("deadline_s", math.inf)
    vendor = changes.pop("vendor", QASE)
    ends = time() + deadline_s
    return Client(vendor, transport=transport, sleep=time.sleep, clock=time, deadline=lambda: ends, **changes)


def told(status: int, **headers: str) -> Step:
    return status, b'{"status": false, "errorMessage": "not now"}', {k.replace("_", "-"): v for k, v in headers.items()}


def test_every_request_is_signed_with_the_token() -> None:
    script = Script(FINE)
    client = make_client(script)
    client.get("v1/project/SHOP")
    client.post("v1/run/SHOP", json={"title": "nightly"})
    client.post("v1/run/SHOP/1/complete")
    assert [request.headers["Token"] for request in script.sent] == [SECRET] * 3


def test_a_netrc_file_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine tms.test login somebody password else\ndefault login anybody password else\n", "ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    script = Script(FINE)
    make_client(script).get("v1/project/SHOP")
    assert "Authorization" not in script.sent[0].headers


def test_the_token_is_in_no_address() -> None:
    script = Script(FINE)
    make_client(script).get("v1/run/SHOP", params={"search": "a & b", "limit": 100})
    assert script.sent[0].url == "https://tms.test/v1/run/SHOP?search=a+%26+b&limit=100"


def test_json_goes_out_as_compact_ascii() -> None:
    script = Script(FINE)
    make_client(script).post("v1/run/SHOP", json={"title": "Zürich \ud800", "tags": []})
    assert script.sent[0].body == b'{"title":"Z\\u00fcrich \\ud800","tags":[]}'
    assert script.sent[0].headers["Content-Type"] == "application/json"


def test_an_address_with_a_slash_at_its_end_is_no_other_address() -> None:
    script = Script(FINE)
    make_client(script, vendor=replace(QASE, url="https://tms.test/api/")).get("v1/project/SHOP")
    assert script.sent[0].url == "https://tms.test/api/v1/project/SHOP"


def test_a_rehearsal_sends_nothing_and_shows_every_request() -> None:
    script = Script(FINE)
    seen: list[Request] = []
    client = make_client(script, rehearse=seen.append)
    assert client.post("v1/run/SHOP", json={"title": "nightly"}).pick("result.id", int) == 0
    assert client.get("v1/run/SHOP/7").pick("result.title", str) == ""
    assert [str(request) for request in seen] == ["POST v1/run/SHOP", "GET v1/run/SHOP/7"]
    assert script.sent == []


@pytest.mark.parametrize("status", [429, 503, 408, 500])
def test_the_wait_is_the_one_the_server_asks_for(status: int) -> None:
    time = FakeTime()
    make_client(Script(told(status, Retry_After="7.5"), FINE), time).get("v1/project/SHOP")
    assert [seconds for seconds in time.slept if seconds] == [7.5]


def test_a_wait_given_as_a_date_is_counted_from_the_servers_own_clock() -> None:
    time = FakeTime()
    dated = told(503, Retry_After="Wed, 21 Oct 2015 07:28:30 GMT", Date="Wed, 21 Oct 2015 07:28:00 GMT")
    make_client(Script(dated, FINE), time).get("v1/project/SHOP")
    assert [seconds for seconds in time.slept if seconds] == [30.0]


def test_a_date_that_is_over_is_no_wait() -> None:
    time = FakeTime()
    make_client(Script(told(429, Retry_After=formatdate(1e9, usegmt=True)), FINE), time).get("v1/project/SHOP")
    assert time() == 1000.0


def test_a_date_beyond_the_deadline_is_not_waited_for() -> None:
    time = FakeTime()
    script = Script(told(429, Retry_After="Fri, 01 Jan 2999 00:00:00 GMT"))
    with pytest.raises(RateLimited):
        make_client(script, time, deadline_s=600).get("v1/project/SHOP")
    assert (len(script.sent), time()) == (1, 1000.0)


def test_a_negative_wait_is_none() -> None:
    time = FakeTime()
    make_client(Script(told(429, Retry_After="-5"), FINE), time).get("v1/project/SHOP")
    assert time() == 1000.0


@pytest.mark.parametrize("said", ["soon", "nan", "inf", "-inf", "9" * 400, "", "Wed, 99 Foo 2015", "12 s", "²"])
def test_a_rate_limit_without_a_readable_wait_takes_the_vendors_own(said: str) -> None:
    time = FakeTime()
    make_client(Script(told(429, Retry_After=said), FINE), time).get("v1/project/SHOP")
    assert [seconds for seconds in time.slept if seconds] == [60.0]


def test_a_rate_limit_without_a_word_takes_the_vendors_own_wait() -> None:
    time = FakeTime()
    make_client(Script(told(429), FINE), time).get("v1/project/SHOP")
    assert [seconds for seconds in time.slept if seconds] == [60.0]


def test_a_huge_wait_ends_the_conversation_at_once() -> None:
    time = FakeTime()
    script = Script(told(429, Retry_After="1e300"))
    with pytest.raises(RateLimited, match="not now"):
        make_client(script, time, deadline_s=120).get("v1/project/SHOP")
    assert (len(script.sent), time()) == (1, 1000.0)


def test_a_pause_that_is_asked_for_beside_a_success_is_kept_before_the_next_request() -> None:
    time = FakeTime()
    client = make_client(Script((200, b'{"result": {"id": 7}}', {"Retry-After": "7"}), FINE), time)
    client.get("anything")
    assert time.slept == []
    client.get("anything")
    assert time.slept == [7.0]


def test_a_pause_beside_a_success_that_would_outlast_the_deadline_costs_nothing() -> None:
    time = FakeTime()
    client = make_client(Script((200, b'{"result": {"id": 7}}', {"Retry-After": "700"}), FINE), time, deadline_s=60)
    client.get("anything")
    assert client.get("anything").pick("result.id", int) == 7
    assert time.slept == []


@pytest.mark.parametrize("status", [203, 302])
def test_a_login_page_is_no_passing_trouble_where_the_tool_says_so(status: int) -> None:
    vendor = Azure(name="azure", kind="azure", url="https://tms.test/acme", token=SECRET, project="Shop")
    script = Script((status, b"<html>sign in</html>", {"Location": "https://login.test/"}))
    with pytest.raises(AuthError, match="sign-in page"):
        make_client(script, vendor=vendor).get("anything")
    assert len(script.sent) == 1


def test_waits_grow_and_are_drawn_at_random_from_zero_to_a_bound() -> None:
    rounds = []
    for _ in range(100):
        time = FakeTime()
        make_client(Script(*[told(503)] * 10, FINE), time).get("v1/project/SHOP")
        rounds.append(time.slept)
    for number, waits in enumerate(zip(*rounds, strict=True)):
        bound = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**number)
        assert 0 <= min(waits) < bound / 2 < max(waits) <= bound


def test_the_deadline_bounds_all_waiting_and_the_last_error_is_raised() -> None:
    time = FakeTime()
    script = Script(told(500), told(502), told(503))
    with pytest.raises(TransientError) as caught:
        make_client(script, time, deadline_s=100).get("v1/project/SHOP")
    assert caught.value.status == 503
    assert len(script.sent) > 3
    assert time() < 1100


def test_a_request_is_sent_even_where_the_deadline_is_over() -> None:
    script = Script(FINE)
    make_client(script, deadline_s=-1).get("v1/project/SHOP")
    assert len(script.sent) == 1


def test_a_permanent_error_is_not_repeated() -> None:
    script = Script(told(404, Retry_After="1"))
    with pytest.raises(NotFound):
        make_client(script).get("v1/project/NOPE")
    assert len(script.sent) == 1


def test_no_minute_sees_more_requests_than_the_limit() -> None:
    time = FakeTime()
    client = make_client(Script(FINE), time, vendor=replace(QASE, requests_per_minute=3))
    at = []
    for _ in range(10):
        client.get("v1/project/SHOP")
        at.append(time())
    assert at == [1000.0] * 3 + [1060.0] * 3 + [1120.0] * 3 + [1180.0]


def test_what_the_server_asks_one_thread_to_wait_holds_the_others_of_that_token() -> None:
    time = FakeTime()
    pacer = Pacer(600, time)
    with pytest.raises(RateLimited):
        make_client(Script(told(429, Retry_After="30")), time, pacer=pacer, deadline_s=10).get("v1/project/SHOP")
    assert time() == 1000.0
    make_client(Script(FINE), time, pacer=pacer).get("v1/project/DEMO")
    assert time() == 1030.0


def test_a_hold_that_outlasts_the_deadline_ends_at_once_and_sends_nothing() -> None:
    time = FakeTime()
    pacer = Pacer(600, time)
    pacer.hold(100)
    script = Script(FINE)
    with pytest.raises(RateLimited, match="100 s"):
        make_client(script, time, pacer=pacer, deadline_s=80).get("v1/project/SHOP")
    assert (script.sent, time()) == ([], 1000.0)


DEEP = b"[" * 100_000
BROKEN_GZIP = (200, gzip.compress(b"{}")[:10] + b"\xff" * 20, {"Content-Encoding": "gzip"})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("step", "words"),
    [
        ((200, b"<!DOCTYPE html><title>Log in</title>", {"Content-Type": "text/html"}), "an HTML page"),
        ((200, b"  <html><body>hello", {"Content-Type": "application/json"}), "an HTML page"),
        ((200, b"", {}), "an empty answer"),
        ((204, b"", {}), "an empty answer"),
        ((200, b" \r\n ", {}), "an empty answer"),
        ((200, b'{"status": tr', {}), "broken JSON"),
        ((200, DEEP, {}), "broken JSON"),
        ((200, b"all is well", {"Content-Type": "text/plain"}), "'all is well'"),
        ((200, b"null", {}), "'null'"),
        ((200, b'"fine"', {}), "'\"fine\"'"),
        ((200, b"42", {}), "'42'"),
        ((200, b"\xff\xfe\x00", {}), "in place of JSON"),
        ((200, b'{"status": true}', {"Content-Length": "90"}), "IncompleteRead"),
        (BROKEN_GZIP, "decompressing"),
        ((200, b"x" * (ANSWER_BYTES + 1), {}), f"longer than {ANSWER_BYTES} bytes"),
        ((200, gzip.compress(b" " * (ANSWER_BYTES + 1)), {"Content-Encoding": "gzip"}), "longer than"),
    ],
    ids=lambda value: None if isinstance(value, tuple) else str(value),
)
def test_an_answer_that_is_not_json_is_an_error_that_says_so(method: str, step: Step, words: str) -> None:
    client = make_client(Script(step), deadline_s=0)
    with pytest.raises(TransientError) as caught:
        client.get("v1/run/SHOP/7") if method == "GET" else client.post("v1/run/SHOP", json={})
    assert words in str(caught.value)
    assert f"({method} v1/run/SHOP" in str(caught.value)
    assert "check `url`" in caught.value.remedy


@pytest.mark.parametrize(
    "body",
    [b"[]", b"{}", b'{"result": null}', b'{"result": []}', b'{"result": {"id": "7"}}', b'{"result": {"id": true}}'],
)
def test_json_of_another_shape_is_an_error_that_names_what_is_missing(body: bytes) -> None:
    script = Script((200, body, {}))
    reply = make_client(script).post("v1/run/SHOP", json={})
    with pytest.raises(PermanentError, match=r"holds no int at 'result.id' \(POST v1/run/SHOP\)"):
        reply.pick("result.id", int)


def test_json_under_a_wrong_content_type_is_read_all_the_same() -> None:
    script = Script((200, b'{"status": true, "result": {"id": 7}}', {"Content-Type": "text/html"}))
    assert make_client(script).get("v1/run/SHOP/7").pick("result.id", int) == 7


def test_a_failure_inside_a_success_is_a_refusal_in_the_servers_words() -> None:
    script = Script((200, b'{"status": false, "errorMessage": "Data is invalid."}', {}))
    with pytest.raises(Rejected, match=r"Data is invalid\."):
        make_client(script).post("v1/run/SHOP", json={})
    assert len(script.sent) == 1


@pytest.mark.parametrize("depth", [100, 400, 900, 5000])
def test_an_error_nested_however_deeply_is_an_error_of_the_server(depth: int) -> None:
    body = b'{"status": false, "errorMessage": ' + b"[" * depth + b"1" + b"]" * depth + b"}"
    with pytest.raises(Rejected):
        make_client(Script((422, body, {}))).post("v1/run/SHOP", json={})


def test_an_html_page_of_a_gateway_is_told_from_the_tools_own_error() -> None:
    with pytest.raises(TransientError, match="an HTML page in place of JSON") as caught:
        make_client(Script((502, b"<html>Bad gateway</html>", {})), deadline_s=0).get("v1/project/SHOP")
    assert caught.value.status == 502


def test_an_answer_that_trickles_in_is_given_up() -> None:
    time = FakeTime()

    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            time.now += 10
            return super().read(500)

    class Slow(Canned):
        def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
            response = super().send(request, *args, **kwargs)
            response.raw = HTTPResponse(Trickle(b" " * 100_000), preload_content=False)
            return response

    with pytest.raises(TransientError, match="not whole"):
        make_client(Slow(200, b""), time, deadline_s=90).get("v1/project/SHOP")
    assert time() < 1200


def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    said = json.dumps({"errorMessage": "\x1b[2J\x1b]0;owned\x07no\r\nsuch\x9b case\u202e"}).encode()
    with pytest.raises(Rejected) as caught:
        make_client(Script((422, said, {}))).post("v1/run/SHOP", json={})
    assert str(caught.value).isprintable()
    assert "no such case" in str(caught.value)


def test_what_a_proxy_says_cannot_steer_the_terminal_either() -> None:
    with pytest.raises(TransientError) as caught:
        make_client(Script((200, b"\x1b[2Jgone\x07", {"Content-Type": "text/plain"})), deadline_s=0).get("v1/project")
    assert str(caught.value).isprintable()


def test_the_log_has_method_path_status_and_time_but_neither_body_nor_token(caplog: pytest.LogCaptureFixture) -> None:
    with serve([qase_sandbox.create()]) as served, caplog.at_level(logging.DEBUG):
        client = make_client(None, vendor=replace(QASE, url=served.url_of("qase"), token=TOKEN))
        client.post("v1/run/SHOP", json={"title": "a private title"})
        client.close()
    assert any(record.message.startswith("POST v1/run/SHOP 200 ") for record in caplog.records)
    assert all(record.message.endswith(" ms") for record in caplog.records if record.name == "pytest_tmsreport")
    assert TOKEN not in caplog.text
    assert "private" not in caplog.text


@pytest.mark.parametrize(
    ("step", "is_lost"),
    [
        (requests.exceptions.ConnectionError("reset by peer"), True),
        (requests.exceptions.ReadTimeout("no answer"), True),
        (requests.exceptions.ConnectTimeout("no connection"), False),
        ((500, b"", {}), True),
        ((502, b"<html>", {}), True),
        ((504, b"<html>", {}), True),
        ((200, b"<html>", {}), True),
        ((200, b'{"status": tr', {}), True),
        (told(429, Retry_After="0"), False),
        (told(408), False),
    ],
)
def test_what_may_have_arrived_is_looked_up_before_it_is_written_again(step: Step, is_lost: bool) -> None:
    script = Script(step, FINE)
    looked = []
    make_client(script).post("v1/run/SHOP", json={}, recover=lambda: looked.append(1))
    assert (len(looked), len(script.sent)) == (int(is_lost), 2)


def test_what_has_arrived_is_not_written_again() -> None:
    script = Script(requests.exceptions.ReadTimeout("no answer"))
    reply = make_client(script).post("v1/run/SHOP", json={}, recover=lambda: {"result": {"id": 12}})
    assert reply.pick("result.id", int) == 12
    assert len(script.sent) == 1


def test_once_lost_it_is_looked_up_before_each_further_attempt() -> None:
    script = Script(requests.exceptions.ReadTimeout("no answer"), told(429, Retry_After="0"), FINE)
    looked = []
    make_client(script).post("v1/run/SHOP", json={}, recover=lambda: looked.append(1))
    assert (len(looked), len(script.sent)) == (2, 3)


@pytest.mark.parametrize("trouble", ["lost-answer", "reset", "500*1"])
def test_a_run_is_made_once_over_a_real_connection_whatever_is_lost(trouble: str) -> None:
    with serve([qase_sandbox.create()], troubles=[trouble]) as served:
        client = make_client(None, vendor=replace(QASE, url=served.url_of("qase"), token=TOKEN))
        run_id = client.vendor.open_run(client, RUN)
        client.close()
        assert list(served.boxes["qase"].runs) == [run_id]


def test_a_refused_connection_has_delivered_nothing_and_says_where_it_went() -> None:
    looked = []
    with closed_port() as port:
        client = make_client(None, deadline_s=5, vendor=replace(QASE, url=f"http://127.0.0.1:{port}"))
        with pytest.raises(TransientError, match=f"127.0.0.1:{port}: .*refused") as caught:
            client.post("v1/run/SHOP", json={}, recover=lambda: looked.append(1))
    assert looked == []
    assert caught.value.answered
    assert "check `url` and the network" in caught.value.remedy


def test_an_error_of_the_network_is_not_blamed_on_the_error_that_was_being_handled() -> None:
    with closed_port() as port:
        client = make_client(None, deadline_s=0, vendor=replace(QASE, url=f"http://127.0.0.1:{port}"))
        try:
            make_client(Script(told(404))).get("v1/project/NOPE")
        except NotFound:
            with pytest.raises(TransientError, match="refused"):
                client.get("v1/project/SHOP")


def test_a_host_that_does_not_exist_has_received_nothing() -> None:
    client = make_client(None, deadline_s=0, vendor=replace(QASE, url="http://nowhere.invalid"))
    with pytest.raises(TransientError, match=r"nowhere\.invalid") as caught:
        client.post("v1/run/SHOP", json={})
    assert caught.value.answered


@dataclass
class Seen:
    """What arrived at a small server: request lines and headers."""

    url: str = ""
    lines: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)


@contextmanager
def answering(
    status: int, body: bytes = b"{}", headers: Sequence[tuple[str, str]] = (), tls: ssl.SSLContext | None = None
) -> Iterator[Seen]:
    """A server on loopback that answers everything alike."""
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.lines.append(self.requestline)
            seen.headers.append(CaseInsensitiveDict(self.headers.items()))
            self.send_response(status)
            for key, value in (*headers, ("Content-Length", str(len(body)))):
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name that the base class looks for

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            if tls is None:
                return connection, address
            try:
                return tls.wrap_socket(connection, server_side=True), address
            except OSError:  # the client does not trust us: what a test waits for
                connection.close()
                raise

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        seen.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def closed_port() -> Iterator[int]:
    """A port of our own on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed_and_the_token_goes_to_no_other_host(status: int, method: str) -> None:
    with answering(200) as other, answering(status, headers=[("Location", f"{other.url}/stolen")]) as first:
        client = make_client(None, vendor=replace(QASE, url=first.url))
        with pytest.raises(PermanentError, match="another address") as caught:
            client.get("v1/project/SHOP") if method == "GET" else client.post("v1/run/SHOP", json={})
        client.close()
    assert (other.lines, len(first.lines)) == ([], 1)
    assert (caught.value.status, caught.value.remedy) == (status, "correct `url`")


def test_cookies_are_not_kept() -> None:
    with answering(200, headers=[("Set-Cookie", "session=1; Path=/")]) as seen:
        client = make_client(None, vendor=replace(QASE, url=seen.url))
        client.get("v1/project/SHOP")
        client.get("v1/project/SHOP")
        client.close()
    assert len(seen.headers) == 2
    assert not any("Cookie" in headers for headers in seen.headers)


def test_the_proxy_of_the_settings_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with answering(200) as proxy:
        client = make_client(None, vendor=replace(QASE, url="http://tms.test"), network=Network(proxy=proxy.url))
        client.get("v1/project/SHOP")
        client.close()
    assert proxy.lines == ["GET http://tms.test/v1/project/SHOP HTTP/1.1"]


def test_a_proxy_that_refuses_is_named_as_the_reason_and_has_received_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    looked = []
    with closed_port() as port:
        network = Network(proxy=f"http://somebody:pa55word@127.0.0.1:{port}")
        client = make_client(None, deadline_s=5, vendor=replace(QASE, url="http://tms.test"), network=network)
        with pytest.raises(TransientError, match=r"the proxy failed: .*refused") as caught:
            client.post("v1/run/SHOP", json={}, recover=lambda: looked.append(1))
    assert "check `proxy`" in caught.value.remedy
    assert "pa55word" not in str(caught.value)
    assert looked == []


@pytest.mark.parametrize(
    ("network", "word"),
    [
        (Network(proxy="http://"), "`proxy`"),
        (Network(proxy="socks9://127.0.0.1:1"), "`proxy`"),
        (Network(ca_bundle="/no/such/bundle.pem"), "`ca_bundle`"),
        (Network(client_cert="/no/such/certificate.pem"), "`client_cert`"),
    ],
)
def test_settings_of_the_network_that_cannot_work_are_told_at_once(network: Network, word: str) -> None:
    client = make_client(None, network=network)
    with pytest.raises(PermanentError) as caught:
        client.get("v1/project/SHOP")
    assert word in caught.value.remedy


def test_a_certificate_that_nobody_vouches_for_is_told_at_once_with_the_setting_that_helps(
    tls: ssl.SSLContext,
) -> None:
    with answering(200, tls=tls) as seen:
        client = make_client(None, vendor=replace(QASE, url=seen.url))
        with pytest.raises(PermanentError, match="certificate") as caught:
            client.get("v1/project/SHOP")
        client.close()
    assert "`ca_bundle`" in caught.value.remedy
    assert seen.lines == []


def test_the_users_own_ca_is_trusted(tls: ssl.SSLContext, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")  # the settings win
    with answering(200, tls=tls) as seen:
        network = Network(ca_bundle=str(certificate / "cert.pem"))
        client = make_client(None, vendor=replace(QASE, url=seen.url), network=network)
        client.get("v1/project/SHOP")
        client.close()
    assert seen.headers[0]["Token"] == SECRET


def test_a_client_certificate_is_shown_to_a_server_that_asks_for_one(tls: ssl.SSLContext, certificate: Path) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(certificate / "cert.pem")
    with answering(200, tls=tls) as seen:
        network = Network(ca_bundle=str(certificate / "cert.pem"), client_cert=str(certificate / "both.pem"))
        client = make_client(None, vendor=replace(QASE, url=seen.url), network=network)
        client.get("v1/project/SHOP")
        client.close()
    assert len(seen.lines) == 1


def test_a_handshake_that_breaks_off_is_an_error_of_the_network_and_none_of_trust() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = listening.getsockname()[1]
        client = make_client(None, vendor=replace(QASE, url=f"https://127.0.0.1:{port}"), deadline_s=0)
        with pytest.raises(TransientError, match="no usable answer"):
            client.get("v1/project/SHOP")
        thread.join()


@dataclass(frozen=True)
class LargeFile:
    """A stored file whose reads are measured."""

    path: Path
    reads: list[int]
    name: str = "video.mp4"
    mime: str = "video/mp4"

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def open(self) -> BinaryIO:
        reads = self.reads

        class Measured(io.FileIO):
            def read(self, size: int | None = -1, /) -> bytes:
                part = super().read(-1 if size is None else size) or b""
                reads.append(len(part))
                return part

        return Measured(self.path)


def test_a_large_file_is_sent_in_small_pieces_and_arrives_whole(tmp_path: Path) -> None:
    path = tmp_path / "stored"
    content = hashlib.sha256(b"seed").digest() * (20 * 2**20 // 32)
    path.write_bytes(content)
    file = LargeFile(path, [])
    with serve([qase_sandbox.create()]) as served:
        client = make_client(None, vendor=replace(QASE, url=served.url_of("qase"), token=TOKEN))
        (remote,) = client.vendor.attach(client, "1", [file])
        client.close()
        arrived = served.boxes["qase"].attachments[remote]
    assert (arrived.name, arrived.mime, arrived.size) == ("video.mp4", "video/mp4", len(content))
    assert arrived.sha256 == hashlib.sha256(content).hexdigest()
    assert sum(file.reads) == len(content)
    assert max(file.reads) <= 2**20


@pytest.mark.parametrize("trouble", ["lost-answer", "reset"])
def test_a_file_is_sent_whole_again_when_its_answer_was_lost_or_it_was_cut_short(tmp_path: Path, trouble: str) -> None:
    path = tmp_path / "stored"
    path.write_bytes(b"hello" * 1_000_000)
    with serve([qase_sandbox.create()], troubles=[trouble]) as served:
        client = make_client(None, vendor=replace(QASE, url=served.url_of("qase"), token=TOKEN))
        client.vendor.attach(client, "1", [LargeFile(path, [])])
        client.close()
        files = served.boxes["qase"].attachments.values()
    assert {file.sha256 for file in files} == {hashlib.sha256(b"hello" * 1_000_000).hexdigest()}


def test_a_dry_run_shows_the_fields_and_the_json_of_a_form() -> None:
    report = Content("pytest.json", "application/json", b'[{"name": "token-of-mine"}]')
    request = Request("POST", "import", None, None, [("file", report)], {"project": "DEMO"})
    assert request.shown(lambda text: text.replace("token-of-mine", "***")) == [
        "POST import",
        "  project: DEMO",
        "  file: file pytest.json, application/json, 27 bytes",
        "  [",
        "    {",
        '      "name": "***"',
        "    }",
        "  ]",
    ]


KIWI = Kiwi(name="kiwi", kind="kiwi", url="https://tms.test", user="ci", password=SECRET, product="Shop")
CALLS: list[dict[str, Any]] = [
    {"jsonrpc": "2.0", "id": number, "method": "Product.filter", "params": [{}]} for number in (1, 2)
]


def answers(*entries: Mapping[str, Any]) -> Step:
    return 200, json.dumps([{"id": number, **entry} for number, entry in enumerate(entries, 1)]).encode(), {}


def signed(key: str) -> Step:
    return 200, json.dumps({"id": 1, "result": key}).encode(), {}


SHUT = {"error": {"code": -32603, "message": "Authentication failed when calling"}}
BUSY = {"error": {"code": -32603, "message": "database is locked"}}


def test_a_token_may_go_as_a_cookie_and_is_fetched_again_once_where_a_batch_is_shut_out() -> None:
    script = Script(signed("one"), answers(SHUT, SHUT), signed("two"), answers({"result": 1}, {"result": 2}))
    assert make_client(script, vendor=KIWI).post("json-rpc/", json=CALLS).pick("1.result", int) == 2
    assert [request.headers.get("Cookie") for request in script.sent] == [
        *(None, "sessionid=one"),
        *(None, "sessionid=two"),
    ]
    script = Script(signed("one"), answers(SHUT, SHUT), signed("two"), answers(SHUT, SHUT))
    with pytest.raises(AuthError, match="lacks a right"):
        make_client(script, vendor=KIWI).post("json-rpc/", json=CALLS)
    assert len(script.sent) == 4


def test_a_batch_that_may_be_tried_again_is_looked_at_before() -> None:
    script = Script(signed("one"), answers({"result": 1}, BUSY), answers({"result": 1}, {"result": 2}))
    looked: list[int] = []
    reply = make_client(script, vendor=KIWI).post("json-rpc/", json=CALLS, recover=lambda: looked.append(1))
    assert (reply.pick("1.result", int), looked) == (2, [1])
