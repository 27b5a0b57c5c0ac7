"""Long lists: read to their end, whatever the style, and never beyond it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from pytest_tmsreport.client import Client, Reply
from pytest_tmsreport.errors import PermanentError
from pytest_tmsreport.paging import MOST_PAGES, Link, Offset, Pages, Paging, Token
from pytest_tmsreport.testing import Canned, FakeTime
from pytest_tmsreport.vendors.qase import Qase

QASE = Qase(name="qase", kind="qase", url="https://tms.test/api", token="tok-1", project="SHOP", requests_per_minute=0)
ROWS = [{"id": number} for number in range(7)]
Answer = Callable[[Mapping[str, str]], tuple[Any, Mapping[str, str]]]


class Lists(Canned):
    """Answers each request by its parameters."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(200, b"")
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        params = {name: values[0] for name, values in parse_qs(urlsplit(str(request.url)).query).items()}
        body, headers = self._answer(params)
        self._body = json.dumps(body).encode()
        self._headers = {"Content-Type": "application/json", **headers}
        return super().send(request, *args, **kwargs)


def read(answer: Answer, paging: Paging, at: str = "rows") -> tuple[list[dict[str, Any]], list[str]]:
    """The rows, and what was asked."""
    server = Lists(answer)
    time = FakeTime()
    client = Client(QASE, transport=server, sleep=time.sleep, clock=time)
    return list(client.rows("things", paging, at, params={"of": "SHOP"})), server.paths


def part(params: Mapping[str, str], offset: str = "offset", limit: str = "limit") -> list[dict[str, int]]:
    start = int(params.get(offset, 0))
    return ROWS[start : start + int(params.get(limit, 3))]


def numbered(params: Mapping[str, str], start: int) -> list[dict[str, int]]:
    first = (int(params["page"]) - start) * int(params["per_page"])
    return ROWS[first : first + int(params["per_page"])]


@pytest.mark.parametrize(
    ("paging", "answer", "number"),
    [
        (Offset(size=3), lambda asked: ({"rows": part(asked)}, {}), 3),
        (Offset(size=3, total="meta.total"), lambda asked: ({"rows": part(asked), "meta": {"total": 7}}, {}), 3),
        (Offset(size=7, total="total"), lambda asked: ({"rows": part(asked), "total": "7"}, {}), 1),
        (
            Offset("startAt", "maxResults", 3, is_last="isLast"),
            lambda asked: (
                {"rows": part(asked, "startAt", "maxResults"), "isLast": int(asked["startAt"]) >= 6},
                {},
            ),
            3,
        ),
        (
            Offset(size=3, more="next", bare_first=True),
            lambda asked: ({"rows": part(asked), "next": None if asked.get("offset") == "6" else "/more"}, {}),
            3,
        ),
        (Pages(size=3), lambda asked: ({"rows": numbered(asked, 1)}, {}), 3),
        (Pages(size=4, until_empty=True), lambda asked: ({"rows": numbered({**asked, "per_page": "3"}, 1)}, {}), 4),
        (Pages(size=3, start=0, last="pages"), lambda asked: ({"rows": numbered(asked, 0), "pages": 3}, {}), 3),
        (Pages(size=3, total="total_items"), lambda asked: ({"rows": numbered(asked, 1), "total_items": 7}, {}), 3),
        (Pages(size=3, last="meta.last_page"), lambda _: (ROWS, {}), 1),
        (
            Pages(size=3, total="total_items", until_empty=True),
            lambda asked: ({"rows": numbered(asked, 1)}, {}),
            4,
        ),
        (
            Pages(size=3, total="total_items", until_empty=True),
            lambda asked: ({"rows": numbered(asked, 1), "total_items": 7}, {}),
            3,
        ),
        (
            Link("links.next", {"limit": 3}),
            lambda asked: (
                {
                    "rows": part(asked),
                    "links": {"next": None}
                    if int(asked.get("offset", 0)) >= 6
                    else {
                        "next": f"https://tms.test/api/things?of=SHOP&limit=3&offset={int(asked.get('offset', 0)) + 3}"
                    },
                },
                {},
            ),
            3,
        ),
        (
            Token("continuationToken", header="x-next"),
            lambda asked: (
                {"rows": part({"offset": asked.get("continuationToken", "0")})},
                {"X-Next": str(int(asked.get("continuationToken", 0)) + 3)} if "6" not in asked.values() else {},
            ),
            3,
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_list_is_read_to_its_end_and_no_further(paging: Paging, answer: Answer, number: int) -> None:
    rows, asked = read(answer, paging)
    assert rows == ROWS
    assert len(asked) == number
    assert all("of=SHOP" in each for each in asked)


def test_the_next_page_of_an_older_server_is_asked_for_without_parameters_it_does_not_know() -> None:
    rows, asked = read(lambda _: (ROWS, {}), Offset(size=3, more="next", bare_first=True))
    assert rows == ROWS
    assert asked == ["GET /api/things?of=SHOP"]


def test_a_page_that_is_not_simply_read_is_fetched_as_its_tool_wants() -> None:
    server = Lists(lambda _: ({"data": {"rows": ROWS[:3], "total": 3}}, {}))
    client = Client(QASE, transport=server)
    asked: list[dict[str, Any]] = []

    def ask(page: Mapping[str, str | int]) -> Reply:
        asked.append(dict(page))
        return client.post("graphql", json={"variables": dict(page)})

    rows = client.rows("graphql", Offset("start", size=3, total="data.total"), "data.rows", ask=ask)
    assert list(rows) == ROWS[:3]
    assert asked == [{"limit": 3, "start": 0}]
    assert server.paths == ["POST /api/graphql"]


@pytest.mark.parametrize("paging", [Offset(size=7), Pages(size=7), Link("next"), Token("token", path="next")], ids=str)
def test_a_server_that_shows_the_same_page_again_and_again_has_shown_them_all(paging: Paging) -> None:
    rows, asked = read(lambda _: ({"rows": ROWS, "next": "?page=2"}, {}), paging)
    assert rows == ROWS
    assert len(asked) == 2


def test_a_server_that_says_there_is_more_and_shows_nothing_has_shown_them_all() -> None:
    rows, asked = read(lambda asked: ({"rows": part(asked), "total": 10**9}, {}), Offset(size=7, total="total"))
    assert rows == ROWS
    assert len(asked) == 2


def test_a_list_without_an_end_is_an_error() -> None:
    pages = iter(range(10**9))
    with pytest.raises(PermanentError, match=f"the list has no end: {MOST_PAGES} rows") as caught:
        read(lambda _: ({"rows": [{"id": next(pages)}], "next": "x"}, {}), Token("token", path="next"))
    assert caught.value.remedy


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/api/things?page=2",
        "https://tms.test@evil.test/api/things?page=2",
        "//evil.test/api/things?page=2",
        "https://tms.test/api/../admin?page=2",
        "/admin?page=2",
        "../../admin",
        "https://[tms/api",
    ],
)
def test_a_next_page_on_another_host_or_path_is_not_asked_for(link: str) -> None:
    asked: list[str] = []

    def answer(params: Mapping[str, str]) -> tuple[Any, Mapping[str, str]]:
        asked.append(str(params))
        return {"rows": ROWS, "next": link}, {}

    with pytest.raises(PermanentError, match="cannot be read on"):
        read(answer, Link("next"))
    assert len(asked) == 1


@pytest.mark.parametrize("total", [None, "many", -1, True, [7], {"is": 7}, "9" * 5000])
def test_a_number_of_rows_that_is_none_is_said(total: Any) -> None:
    with pytest.raises(PermanentError, match="cannot be read on"):
        read(lambda asked: ({"rows": part(asked), "total": total}, {}), Offset(size=3, total="total"))


@pytest.mark.parametrize("body", [{}, {"rows": None}, {"rows": "seven"}, {"rows": {"0": 1}}])
def test_an_answer_without_rows_is_no_empty_list(body: Any) -> None:
    with pytest.raises(PermanentError, match="the answer holds no list at 'rows'"):
        read(lambda _: (body, {}), Offset())


def test_what_is_no_row_is_passed_over() -> None:
    assert read(lambda _: ({"rows": [None, 7, "x", {"id": 1}, []]}, {}), Offset())[0] == [{"id": 1}]
