"""Xray Cloud beside the import: its GraphQL, and Tests made in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NotFound, PermanentError, dig
from ..model import Result
from ..paging import Offset, Params
from ..render import segment
from ._xray_json import definition, new_test

if TYPE_CHECKING:
    from ..client import Client, Reply

CREATE = """mutation ($environments: [String], $jira: JSON!) {
  createTestExecution(testEnvironments: $environments, jira: $jira) { testExecution { jira(fields: ["key"]) } }
}"""
EXECUTIONS = """query ($jql: String!) {
  getTestExecutions(jql: $jql, limit: 100) { results { jira(fields: ["key", "description"]) } }
}"""
TESTS = """query ($jql: String!, $limit: Int!, $start: Int) {
  getTests(jql: $jql, limit: $limit, start: $start) { total results { unstructured jira(fields: ["key"]) } }
}"""
PLANNED = """query ($jql: String!, $limit: Int!, $start: Int) {
  getTestPlans(jql: $jql, limit: 1) { results {
    tests(limit: $limit, start: $start) { total results { unstructured jira(fields: ["key", "summary"]) } }
  } }
}"""
RECORDED = """query ($jql: String!, $limit: Int!, $start: Int) {
  getTestExecutions(jql: $jql, limit: 1) { results { testRuns(limit: $limit, start: $start) {
    total results { status { name } test { unstructured jira(fields: ["key", "summary"]) } }
  } } }
}"""
TESTS_OF = """query ($jql: String!) {
  getTestExecutions(jql: $jql, limit: 1) { results { issueId tests(limit: 1) { total } } }
}"""
DELETE = "mutation ($id: String!) { deleteTestExecution(issueId: $id) }"
PROJECT = (
    "query ($project: String!) { getProjectSettings(projectIdOrKey: $project) { projectId } getStatuses { name } }"
)
TESTS_A_JOB = 1000


def create(http: Client, fields: Mapping[str, Any], environments: Sequence[str], find: Callable[[], str | None]) -> str:
    """Makes a Test Execution of Jira's fields and returns its key; `find` looks for it where the answer was lost."""

    def recover() -> Any:
        key = find()
        return {"data": {"createTestExecution": {"testExecution": {"jira": {"key": key}}}}} if key else None

    variables = {"environments": list(environments), "jira": {"fields": fields}}
    return ask(http, CREATE, variables, recover).pick("data.createTestExecution.testExecution.jira.key", str)


def executions(http: Client, jql: str) -> list[tuple[str, str]]:
    """Key and description of the Test Executions that a query finds."""
    rows = ask(http, EXECUTIONS, {"jql": jql}).pick("data.getTestExecutions.results", list)
    return [(str(dig(row, "jira.key")), str(dig(row, "jira.description"))) for row in rows]


def discard(http: Client, key: str) -> None:
    """Removes a Test Execution without Tests. Raises PermanentError for one that has some."""
    found = ask(http, TESTS_OF, {"jql": f'key = "{key}"'})
    if found.pick("data.getTestExecutions.results.0.tests.total", int):
        raise PermanentError("it holds results", vendor=http.vendor.name, remedy="look at both executions")
    ask(http, DELETE, {"id": found.pick("data.getTestExecutions.results.0.issueId", str)})


def statuses(http: Client, project: str) -> list[str]:
    """The names of the statuses. Raises PermanentError for an unknown project."""
    reply = ask(http, PROJECT, {"project": project})
    reply.pick("data.getProjectSettings.projectId", str)
    return [str(dig(row, "name")) for row in reply.pick("data.getStatuses", list)]


def tests(http: Client, jql: str) -> list[str]:
    """The keys of the Tests that a query finds."""
    return [str(dig(row, "jira.key")) for row in _tests(http, jql)]


def ask(http: Client, query: str, variables: Mapping[str, Any], recover: Callable[[], Any] | None = None) -> Reply:
    """A GraphQL answer. Raises PermanentError where it holds errors, whatever its HTTP status says."""
    reply = http.post("graphql", json={"query": query, "variables": variables}, recover=recover)
    if dig(reply.body, "errors"):
        raise PermanentError(
            f"GraphQL: {http.vendor.errors.words(reply.body)}",
            vendor=http.vendor.name,
            request="POST graphql",
            status=200,
            body=reply.body,
            remedy="check `project`, `run_id`, and the fields that Jira requires",
        )
    return reply


def keys_in_bulk(http: Client, project: str, folder: str, results: Sequence[Result]) -> dict[str, str]:
    """Definition -> key of Generic Tests; those that the project lacks are made in `folder`.

    Raises Doubtful where the answer to that was lost, PermanentError where not all were made.
    """
    keys = dict(_known(http, project))
    missing = {each: result for result in results if (each := definition(result)) not in keys}
    for start in range(0, len(missing), TESTS_A_JOB):
        part = list(missing)[start : start + TESTS_A_JOB]
        tests = [new_test(missing[each], project, folder) for each in part]
        job = http.post("import/test/bulk", json=tests, repeat=False).pick("jobId", str)
        path = f"import/test/bulk/{segment(job)}/status"
        done = http.poll(path, lambda body: dig(body, "status") not in ("pending", "working"))
        rows = dig(done.body, "result.issues") or []
        made = {dig(row, "elementNumber"): str(dig(row, "key")) for row in rows}
        if done.body and len(made) != len(part):
            words = f"{len(made)} of {len(part)} Tests were made: {dig(done.body, 'result.errors')}"
            raise PermanentError(
                words, vendor=http.vendor.name, remedy="check `folder` and what Jira requires of a Test"
            )
        keys.update(zip(part, (made[number] for number in sorted(made)), strict=False))
    return keys


def planned(http: Client, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The Tests of a Test Plan, and no status. Raises NotFound where there is no such plan."""
    return ((test, "") for test in _held(http, PLANNED, "getTestPlans", "tests", key))


def recorded(http: Client, key: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The Tests of a Test Execution, and their statuses. Raises NotFound where there is no such execution."""
    runs = _held(http, RECORDED, "getTestExecutions", "testRuns", key)
    return ((dig(run, "test") or {}, str(dig(run, "status.name"))) for run in runs)


def _held(http: Client, query: str, kind: str, what: str, key: str) -> Iterator[dict[str, Any]]:
    def page(asked: Params) -> Reply:
        try:
            reply = ask(http, query, {"jql": f'key = "{key}"', **asked})
        except PermanentError as error:
            if key not in error.text:  # Jira says of an unknown key that it does not exist
                raise
            raise _missing(http, key, error.text) from error
        if dig(reply.body, f"data.{kind}.results") == []:
            raise _missing(http, key, "it is another issue")
        return reply

    place = f"data.{kind}.results.0.{what}"
    return http.rows("graphql", Offset("start", total=f"{place}.total"), f"{place}.results", ask=page)


def _missing(http: Client, key: str, why: str) -> NotFound:
    remedy = "check the key, and that the API key's user may see the issue"
    return NotFound(f"there is no {key}: {why}", vendor=http.vendor.name, request="POST graphql", remedy=remedy)


def _known(http: Client, project: str) -> Iterator[tuple[str, str]]:
    tests = _tests(http, f'project = "{project}"')
    return ((str(dig(row, "unstructured")), str(dig(row, "jira.key"))) for row in tests if dig(row, "unstructured"))


def _tests(http: Client, jql: str) -> Iterator[dict[str, Any]]:
    def page(asked: Params) -> Reply:
        return ask(http, TESTS, {"jql": jql, **asked})

    return http.rows("graphql", Offset("start", total="data.getTests.total"), "data.getTests.results", ask=page)
