"""Xray's sandbox answers as its documents say, where no other test asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from pytest_tmsreport.sandbox import xray
from pytest_tmsreport.sandbox.adapter import WsgiAdapter
from pytest_tmsreport.sandbox.box import Box
from pytest_tmsreport.sandbox.mount import Mount
from pytest_tmsreport.sandbox.xray_fields import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, PASSWORD, USER, Rules

FILE = {"data": "aGVsbG8=", "filename": "log.txt", "contentType": "text/plain"}
GOOD = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 1_789_372_931.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Reached:
    """The sandbox as a client reaches it."""

    rules: Rules = field(default_factory=Rules)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        sandbox = xray.create(self.rules, clock=self.clock)
        self.box: Box = sandbox.box
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", WsgiAdapter(Mount([sandbox])))

    def ask(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        method = "GET" if body is None else "POST"
        return self.session.request(method, f"http://sandbox.test/xray/{path}", json=body, timeout=60, **more)

    def cloud(self) -> Reached:
        token = self.ask("api/v2/authenticate", GOOD).json()
        self.session.headers["Authorization"] = f"Bearer {token}"
        return self

    def dc(self) -> Reached:
        self.session.headers["Authorization"] = f"Bearer {ACCESS_TOKEN}"
        return self

    def graphql(self, query: str, **variables: Any) -> Any:
        return self.ask("api/v2/graphql", {"query": query, "variables": variables}).json()


@pytest.fixture
def reached() -> Iterator[Reached]:
    found = Reached()
    with found.session:
        yield found


def test_a_token_is_a_json_string_that_ends_after_a_day(reached: Reached) -> None:
    query = {"query": "{ getStatuses { name } }"}
    assert reached.ask("api/v2/graphql", query).status_code == 401
    reached.cloud()
    assert reached.ask("api/v2/graphql", query).status_code == 200
    reached.clock.now += 24 * 3600
    assert reached.ask("api/v2/graphql", query).status_code == 401


@pytest.mark.parametrize(("body", "status"), [({}, 400), ([], 400), ({**GOOD, "client_secret": "x"}, 401)])
def test_a_wrong_pair_is_refused_in_plain_text(reached: Reached, body: Any, status: int) -> None:
    answer = reached.ask("api/v2/authenticate", body)
    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (status, "text/plain")


def test_data_center_takes_a_personal_token_or_user_and_password(reached: Reached) -> None:
    assert reached.ask("rest/api/2/myself").status_code == 401
    assert reached.ask("rest/api/2/myself", auth=(USER, "wrong")).status_code == 401
    assert reached.ask("rest/api/2/myself", auth=(USER, PASSWORD)).status_code == 200
    assert reached.dc().ask("rest/api/2/myself").status_code == 200


def test_cloud_takes_300_requests_in_five_minutes_and_names_no_time_to_wait(reached: Reached) -> None:
    for _ in range(300):
        reached.ask("api/v2/authenticate", {})
    refused = reached.ask("api/v2/authenticate", {})
    assert (refused.status_code, refused.headers.get("Retry-After")) == (429, None)
    reached.clock.now += 300
    assert reached.ask("api/v2/authenticate", {}).status_code == 400


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ getStatuses { nam } }", 'Cannot query field "nam"'),
        ("{ getStatus { name } }", 'Cannot query field "getStatus"'),
        ("{ getStatuses }", "must have a selection"),
        ("{ getStatuses { name { x } } }", "has no subfields"),
        ("{ getTests { total } }", "Wrong arguments"),
        ("{ getTests(limit: 101) { total } }", "from 1 to 100"),
        ("{ getTests(limit: $n) { total } }", '"$n" is not defined'),
        ("query ($n: Int!) { getTests(limit: $n) { total } }", "was not provided"),
        ("mutation { getStatuses { name } }", 'on type "Mutation"'),
        ("{ getStatuses { name }", "Syntax Error"),
        ("{ getStatuses { name } } }", "Syntax Error"),
        ("{ getStatuses { %name } }", "Syntax Error"),
        ('{ getTests(limit: 1, jql: "key = NONE-1") { total } }', "does not exist for field 'key'"),
        ('{ getTests(limit: 1, jql: "project = NONE") { total } }', "does not exist for the field 'project'"),
        ('{ getTests(limit: 1, jql: "colour = red") { total } }', "Field 'colour' does not exist"),
    ],
)
def test_what_is_wrong_in_graphql_is_an_error_inside_a_200(reached: Reached, query: str, words: str) -> None:
    answer = reached.cloud().graphql(query)
    assert answer["data"] is None
    assert words in answer["errors"][0]["message"]


def test_graphql_reads_back_what_was_imported(reached: Reached) -> None:
    tests = [{"testKey": "SHOP-1", "status": "PASSED", "comment": "fine"}, {"testKey": "SHOP-2", "status": "FAIL"}]
    answer = reached.cloud().ask("api/v2/import/execution", {"info": {"summary": "nightly"}, "tests": tests})
    key = answer.json()["key"]
    assert set(answer.json()) == {"id", "key", "self"}
    found = reached.graphql(
        """query Read($jql: String) {  # a comment, a name, and a nested connection
             getTestExecutions(jql: $jql, limit: 1) {
               total
               results { testRuns(limit: 100) { results { status { name } test { jira(fields: ["key"]) } } } }
             }
           }""",
        jql=f"key in ({key})",
    )
    rows = found["data"]["getTestExecutions"]["results"][0]["testRuns"]["results"]
    assert rows == [
        {"status": {"name": "PASSED"}, "test": {"jira": {"key": "SHOP-1"}}},
        {"status": {"name": "FAIL"}, "test": {"jira": {"key": "SHOP-2"}}},
    ]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"testKey": "ABC-99", "status": "PASS"}, "Test issue with key ABC-99 not found"),
        ({"testKey": "SHOP-1"}, "status is required"),
        ({"testKey": "SHOP-1", "status": "SKIPPED"}, "is no status"),
        ({"status": "PASS"}, "testKey or a testInfo"),
        ({"testKey": "SHOP-1", "status": "PASS", "start": "2026-11-20 02:00:03"}, "ISO 8601"),
        ({"testKey": "SHOP-1", "status": "PASS", "start": "2026-11-20T02:00:03"}, "ISO 8601"),
        ({"testKey": "SHOP-1", "status": "PASS", "evidences": [{**FILE, "data": "?"}]}, "base64"),
        ({"testKey": "SHOP-1", "status": "PASS", "customFields": [{"name": "severity", "value": "x"}]}, "custom field"),
        ({"testKey": "SHOP-1", "status": "PASS", "iterations": [{"name": "a"}]}, "iterations.0.status is required"),
    ],
)
def test_one_wrong_test_refuses_the_whole_import(reached: Reached, test: dict[str, Any], words: str) -> None:
    tests = [{"testKey": "SHOP-9", "status": "PASS"}, test]
    answer = reached.dc().ask("rest/raven/2.0/import/execution", {"info": {"project": "SHOP"}, "tests": tests})
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert not reached.box.results
    assert not reached.box.runs


def test_a_test_stands_once_in_an_import_and_a_later_import_overwrites_it(reached: Reached) -> None:
    test = {"testKey": "SHOP-1", "status": "PASS"}
    reached.dc()
    assert reached.ask("rest/raven/2.0/import/execution", {"tests": [test, test]}).status_code == 400
    key = reached.ask("rest/raven/2.0/import/execution", {"tests": [test]}).json()["testExecIssue"]["key"]
    again = {"testExecutionKey": key, "tests": [{**test, "status": "FAIL"}]}
    assert reached.ask("rest/raven/2.0/import/execution", again).status_code == 200
    assert (reached.box.counts(), reached.box.repeats) == ({"FAIL": 1}, 1)
    assert reached.ask(f"rest/raven/2.0/api/testexec/{key}/test").json() == [
        {"id": 0, "key": "SHOP-1", "rank": 0, "status": "FAIL"}
    ]


def test_an_execution_that_is_not_there_takes_no_results(reached: Reached) -> None:
    body = {"testExecutionKey": "SHOP-1", "tests": [{"testKey": "SHOP-1", "status": "PASS"}]}
    answer = reached.dc().ask("rest/raven/2.0/import/execution", body)
    assert (answer.status_code, "SHOP-1" in answer.json()["error"]) == (400, True)


def test_without_a_key_the_project_must_be_said(reached: Reached) -> None:
    answer = reached.dc().ask("rest/raven/2.0/import/execution", {"info": {}, "tests": []})
    assert answer.json() == {"error": "Error assembling issue data: project is required"}


def test_jira_names_every_wrong_field(reached: Reached) -> None:
    fields = {"project": {"key": "NONE"}, "issuetype": {"name": "Bug"}, "summary": "a\nb", "customfield_1": "x"}
    answer = reached.dc().ask("rest/api/2/issue", {"fields": fields})
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"project.key", "issuetype.name", "summary"}
    fields = {"project": {"key": "SHOP"}, "issuetype": {"name": "Test Execution"}, "summary": "a", "customfield_1": "x"}
    assert "customfield_1" in reached.ask("rest/api/2/issue", {"fields": fields}).json()["errors"]


def test_a_second_job_waits_for_the_first(reached: Reached) -> None:
    row = {"testtype": "Generic", "fields": {"summary": "a", "project": {"key": "SHOP"}}, "unstructured_def": "a.b"}
    reached.cloud()
    job = reached.ask("api/v2/import/test/bulk", [row, {}]).json()["jobId"]
    assert reached.ask("api/v2/import/test/bulk", [row]).status_code == 400
    path = f"api/v2/import/test/bulk/{job}/status"
    assert [reached.ask(path).json()["status"] for _ in range(3)] == ["pending", "working", "partially_successful"]
    done = reached.ask(path).json()["result"]
    assert [issue["elementNumber"] for issue in done["issues"]] == [0]
    assert [error["elementNumber"] for error in done["errors"]] == [1]
    assert reached.ask("api/v2/import/test/bulk/none/status").status_code == 404
    assert reached.ask("api/v2/import/test/bulk", []).status_code == 400


def test_no_secret_stays_in_the_box(reached: Reached) -> None:
    reached.cloud().graphql(f'{{ getTests(limit: 1, jql: "summary ~ {CLIENT_SECRET}") {{ total }} }}')
    assert CLIENT_SECRET not in str(reached.box.to_json())
    assert [each.held_secret for each in reached.box.requests] == [False, True]
