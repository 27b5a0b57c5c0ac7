"""TestRail's sandbox keeps the rules that other people's tools do not come to meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from pytest_tmsreport.sandbox import testrail
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.testrail_fields import TOKEN, USER, Rules

HERE = "http://sandbox.test/testrail/index.php?/"
JSON = {"Content-Type": "application/json"}

Reach = Callable[..., "Reached"]


class Reached:
    """An instance as a client reaches it."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.sandbox = testrail.create(rules)
        self.session = requests.Session()
        self.session.mount("http://", WsgiAdapter(Mount([self.sandbox])))
        self.session.auth = (USER, TOKEN)
        self.session.headers.update(JSON)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.session.get(f"{HERE}api/v2/{path}", timeout=60, **more)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.session.post(f"{HERE}api/v2/{path}", json=body, timeout=60)

    def run(self, **fields: Any) -> int:
        return int(self.post("add_run/7", {"name": "nightly", **fields}).json()["id"])


@pytest.fixture
def reach() -> Iterator[Reach]:
    made: list[Reached] = []

    def reached(rules: Rules | None = None) -> Reached:
        made.append(Reached(rules))
        return made[-1]

    yield reached
    for each in made:
        each.session.close()


def test_reading_without_the_type_of_content_is_refused(reach: Reach) -> None:
    here = reach()
    del here.session.headers["Content-Type"]
    answer = here.get("get_statuses")
    assert answer.status_code == 400
    assert "Content-Type" in answer.json()["error"]


@pytest.mark.parametrize("auth", [(USER, "wrong"), ("someone@else.test", TOKEN)])
def test_a_stranger_is_not_let_in(reach: Reach, auth: tuple[str, str]) -> None:
    answer = reach().get("get_statuses", auth=auth)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("more", ["&limit=0", "&limit=251", "&offset=-1", "&limit=x"])
def test_a_page_has_1_to_250_rows(reach: Reach, more: str) -> None:
    assert reach().get(f"get_cases/7{more}").status_code == 400


def test_a_listing_tells_where_it_goes_on(reach: Reach) -> None:
    here = reach(Rules(cases=300))
    first = here.get("get_cases/7&suite_id=1").json()
    assert (first["offset"], first["limit"], first["size"], len(first["cases"])) == (0, 250, 250, 250)
    assert first["_links"] == {"next": "/api/v2/get_cases/7&suite_id=1&limit=250&offset=250", "prev": None}
    last = here.session.get(HERE + first["_links"]["next"].lstrip("/"), timeout=60).json()
    assert (last["size"], last["_links"]["next"]) == (50, None)


@pytest.mark.parametrize("path", ["get_nothing", "add_run", "get_run/1/2", "get_tests/1?limit=250"])
def test_an_address_that_leads_nowhere_is_404(reach: Reach, path: str) -> None:
    answer = reach().get(path)
    assert answer.status_code in (404, 405)
    assert "error" in answer.json()


def test_one_unknown_case_refuses_the_whole_batch_and_is_named(reach: Reach) -> None:
    here = reach()
    run = here.run(include_all=False, case_ids=[1, 2])
    rows = [{"case_id": case, "status_id": 1} for case in (1, 3, 2)]
    answer = here.post(f"add_results_for_cases/{run}", {"results": rows})
    assert answer.status_code == 400
    assert "(case C3 unknown or not part of the test run)" in answer.json()["error"]
    assert here.sandbox.box.results == {}


def test_a_case_that_is_taken_out_of_a_run_takes_its_results_along(reach: Reach) -> None:
    here = reach()
    run = here.run(include_all=False, case_ids=[1, 2])
    here.post(f"add_results_for_cases/{run}", {"results": [{"case_id": 1, "status_id": 5}]})
    here.post(f"update_run/{run}", {"case_ids": [2]})
    assert here.get(f"get_results_for_run/{run}").json()["results"] == []
    assert here.get(f"get_run/{run}").json()["failed_count"] == 0


@pytest.mark.parametrize("elapsed", ["0s", "1.5s", "250ms", "soon", "", "5s 1m"])
def test_a_time_span_that_is_none_is_refused(reach: Reach, elapsed: str) -> None:
    here = reach()
    rows = [{"case_id": 1, "status_id": 1, "elapsed": elapsed}]
    assert here.post(f"add_results_for_cases/{here.run()}", {"results": rows}).status_code == 400


@pytest.mark.parametrize("body", [{}, {"results": []}, {"results": [{"case_id": 1}]}, {"results": [{"status_id": 1}]}])
def test_a_result_needs_a_case_and_a_status(reach: Reach, body: Any) -> None:
    here = reach()
    assert here.post(f"add_results_for_cases/{here.run()}", body).status_code == 400


def test_a_bare_list_of_cases_is_refused(reach: Reach) -> None:
    assert reach().post("add_cases/1", [{"title": "a"}]).status_code == 400


def test_a_rate_limit_says_how_long_to_wait(reach: Reach) -> None:
    here = reach(Rules(requests_per_minute=1))
    assert here.get("get_statuses").status_code == 200
    answer = here.get("get_statuses")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_the_page_of_a_run_is_for_people_and_is_no_request_of_a_client(reach: Reach) -> None:
    here = reach()
    run = here.run()
    link = here.get(f"get_run/{run}").json()["url"]
    before = len(here.sandbox.box.requests)
    page = requests.Session()
    page.mount("http://", WsgiAdapter(Mount([here.sandbox])))
    answer = page.get(link, timeout=60)
    page.close()
    assert answer.status_code == 200
    assert "nightly" in answer.text
    assert len(here.sandbox.box.requests) == before
