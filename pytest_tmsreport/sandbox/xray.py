"""Xray for Jira, as its documents describe it: Cloud with its token and GraphQL, Data Center with Jira's own API."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import ArrivedFile, ArrivedRequest, ArrivedResult, ArrivedRun, Box, Refusal
from .checks import both, each, record, text
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app
from .xray_fields import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    EXECUTION,
    KEY,
    PLAN,
    PROJECT,
    TOKEN,
    USER,
    Product,
    Rules,
    bulk_test,
    execution_import,
    issue_create,
    statuses,
)
from .xray_graphql import GraphQLError, Json, execute, page

__all__ = ["Rules", "create", "environment", "error_body"]

FIELDS = ("key", "id", "project", "issuetype", "summary", "description")
"""What JQL can ask for here."""
MADE_HERE = 90_000
"""Issues that are made get higher numbers; lower ones are Tests that were there before."""


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A Jira with one project and both products; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = _Box("xray", secrets=(rules.client_secret, rules.access_token, rules.password, TOKEN))
    return Sandbox(box, _Jira(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `xray` at that address: Cloud, and Data Center with `product = dc`."""
    return {
        "TMSREPORT_XRAY_URL": url,
        "TMSREPORT_XRAY_JIRA_URL": url,
        "TMSREPORT_XRAY_CLIENT_ID": CLIENT_ID,
        "TMSREPORT_XRAY_CLIENT_SECRET": CLIENT_SECRET,
        "TMSREPORT_XRAY_TOKEN": ACCESS_TOKEN,
        "TMSREPORT_XRAY_PROJECT": PROJECT,
    }


def error_body(status: int, text: str) -> dict[str, Any]:  # noqa: ARG001 - Xray's shape has no place for it
    """The JSON of an error."""
    return {"error": text}


class _Box(Box):
    """Where the one request that brings the client's secret is no leak."""

    def record(self, request: ArrivedRequest) -> ArrivedRequest:
        kept = super().record(request)
        kept.held_secret = kept.held_secret and not request.path.endswith("/authenticate")
        return kept


@dataclass
class _Issue:
    """A Jira issue; `definition` is that of a Generic Test, `unseen` how many searches still pass it over."""

    id: str
    key: str
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)
    definition: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    unseen: int = 0


@dataclass
class _Job:
    """A bulk creation of Tests; `asked` counts the questions for its state."""

    result: dict[str, Any]
    asked: int = 0


class _Jira:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.per_5_minutes, clock, window_s=300.0)
        self._tokens: dict[str, float] = {}
        self._issues: dict[str, _Issue] = {}
        self._numbers = itertools.count(1)
        self._jobs: dict[str, _Job] = {}
        self._plans: dict[str, list[str]] = {key: list(tests) for key, tests in rules.plans.items()}
        for number, key in enumerate(rules.plans, 1):  # not counted with what is made
            self._issues[key] = _Issue(str(9000 + number), key, PLAN, {"summary": f"Plan {key}"})
        for key, definition in (rules.tests or {}).items():
            self._add_issue("Test", {"summary": definition or key}, definition=definition, key=key)

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit, run_page="/browse/<run_id>")
        for method, path, view in (
            ("POST", "/api/v2/authenticate", self.authenticate),
            ("POST", "/api/v2/graphql", self.graphql),
            ("POST", "/api/v2/import/execution", self.import_to_cloud),
            ("POST", "/api/v2/import/test/bulk", self.create_tests),
            ("GET", "/api/v2/import/test/bulk/<job>/status", self.job),
            ("POST", "/rest/raven/2.0/import/execution", self.import_to_dc),
            ("GET", "/rest/raven/2.0/api/settings/teststatuses", self.statuses),
            ("GET", "/rest/raven/2.0/api/testexec/<key>/test", self.tests_of),
            ("GET", "/rest/raven/2.0/api/testplan/<key>/test", self.planned),
            ("POST", "/rest/raven/2.0/api/testplan/<key>/test", self.plan_tests),
            ("GET", "/rest/api/2/myself", lambda: jsonify({"name": USER})),
            ("GET", "/rest/api/2/project/<key>", self.project),
            ("GET", "/rest/api/2/search", self.search),
            ("POST", "/rest/api/2/issue", self.create_issue),
            ("GET", "/rest/api/2/issue/<key>", self.issue),
            ("DELETE", "/rest/api/2/issue/<key>", self.delete_issue),
            ("GET", "/rest/api/2/issue/<key>/properties", self.properties),
            ("PUT", "/rest/api/2/issue/<key>/properties/<name>", self.set_property),
            ("POST", "/rest/api/2/issue/<key>/transitions", self.move),
        ):
            endpoint = f"{method} {path}".replace(".", "_")
            app.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
        return app

    # Cloud

    def authenticate(self) -> Response:
        given = json_body()
        if not isinstance(given, dict) or not {"client_id", "client_secret"} <= set(given):
            return self._plain(400, "Bad Request")
        if (given["client_id"], given["client_secret"]) != (CLIENT_ID, self._rules.client_secret):
            return self._plain(401, "Invalid client credentials!")
        with self._box.lock:
            token = f"{TOKEN}-{len(self._tokens) + 1}"
            self._tokens[token] = self._clock() + self._rules.token_lifetime_s
        return Response(
            f'"{token}"', mimetype="application/json"
        )  # and nothing else: clients take off the quotes alone

    def graphql(self) -> Response:
        body = json_body()
        query, variables = (body.get("query"), body.get("variables") or {}) if isinstance(body, dict) else (None, {})
        if not isinstance(query, str) or not isinstance(variables, dict):
            raise Refused(400, "Must provide query string.")
        roots: dict[str, dict[str, Callable[..., Any]]] = {
            "query": {
                "getTests": self._get_tests,
                "getTestExecutions": self._get_executions,
                "getTestPlans": self._get_plans,
                "getProjectSettings": self._get_project_settings,
                "getStatuses": self._get_statuses,
            },
            "mutation": {
                "createTestExecution": self._create_execution,
                "createTestPlan": self._create_plan,
                "deleteTestExecution": self._delete_execution,
            },
        }
        try:
            with self._box.lock:
                return jsonify({"data": execute(query, variables, roots)})
        except GraphQLError as error:
            self._box.refuse(Refusal("POST /graphql", 200, str(error)))
            return jsonify({"errors": [{"message": str(error), "path": list(error.path)}], "data": None})

    def import_to_cloud(self) -> Response:
        execution, _ = self._import("cloud")
        return jsonify(_reference(execution))

    def create_tests(self) -> Response:
        rows = json_body()
        if not isinstance(rows, list) or not 1 <= len(rows) <= 1000:
            raise Refused(400, "A request may hold 1 to 1000 tests.")
        with self._box.lock:
            if any(job.asked < self._rules.job_polls for job in self._jobs.values()):
                raise Refused(400, "A job to import tests is already in progress for this user.")
            result: dict[str, list[Any]] = {"errors": [], "issues": [], "warnings": []}
            for number, row in enumerate(rows):
                faults = list(bulk_test()(row, ""))
                if faults:
                    result["errors"].append({"elementNumber": number, "errors": dict(faults)})
                    continue
                issue = self._add_issue("Test", row["fields"], definition=row.get("unstructured_def"))
                result["issues"].append({"elementNumber": number, **_reference(issue)})
            job = f"job-{len(self._jobs) + 1}"
            self._jobs[job] = _Job(result)
        return jsonify({"jobId": job})

    def job(self, job: str) -> Response:
        with self._box.lock:
            found = self._jobs.get(job)
            if found is None:
                raise Refused(404, f"Job {job} not found.")
            found.asked += 1
            if found.asked <= self._rules.job_polls:
                return jsonify({"status": "pending" if found.asked == 1 else "working"})
        errors, issues = found.result["errors"], found.result["issues"]
        status = "successful" if not errors else "partially_successful" if issues else "unsuccessful"
        return jsonify({"status": status, "result": found.result})

    def _get_tests(self, limit: int, jql: str = "", start: int = 0) -> dict[str, Any]:
        return page(limit, start, [self._test(issue) for issue in self._found(jql, "Test")])

    def _get_executions(self, limit: int, jql: str = "", start: int = 0) -> dict[str, Any]:
        return page(limit, start, [self._execution(issue) for issue in self._found(jql, EXECUTION)])

    def _get_plans(self, limit: int, jql: str = "", start: int = 0) -> dict[str, Any]:
        return page(limit, start, [self._plan(issue) for issue in self._found(jql, PLAN)])

    def _get_project_settings(self, projectIdOrKey: str) -> dict[str, Any] | None:  # noqa: N803 - Xray's
        if projectIdOrKey not in self._rules.projects:
            raise GraphQLError(f"Project {projectIdOrKey} not found.", "getProjectSettings")
        return {"projectId": "10000", "testEnvironments": []}

    def _get_statuses(self) -> list[dict[str, Any]]:
        return [{"name": name, "description": "", "color": ""} for name in statuses(self._rules, "cloud")]

    def _create_execution(
        self,
        jira: dict[str, Any],
        testEnvironments: list[str] | None = None,  # noqa: N803
        testIssueIds: list[str] | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        faults = list(record({"fields": issue_create(self._rules)})(jira, ""))
        if faults:
            words = "; ".join(" ".join(fault) for fault in faults)
            raise GraphQLError(f"Error assembling issue data: {words}", "createTestExecution")
        made = self._add_issue(EXECUTION, {**jira["fields"], "environments": testEnvironments or []})
        execution = self._execution(made)
        return {"testExecution": execution, "warnings": [], "createdTestEnvironments": testEnvironments or []}

    def _create_plan(self, jira: dict[str, Any], testIssueIds: list[str] | None = None) -> dict[str, Any]:  # noqa: N803
        faults = list(record({"fields": issue_create(self._rules)})(jira, ""))
        keys = {issue.id: issue.key for issue in self._issues.values() if issue.kind == "Test"}
        faults += [(f"testIssueIds.{id_}", "is no Test") for id_ in testIssueIds or () if id_ not in keys]
        if faults:
            words = "; ".join(" ".join(fault) for fault in faults)
            raise GraphQLError(f"Error assembling issue data: {words}", "createTestPlan")
        made = self._add_issue(PLAN, jira["fields"])
        self._plans[made.key] = [keys[id_] for id_ in testIssueIds or ()]
        return {"testPlan": self._plan(made), "warnings": []}

    def _plan(self, issue: _Issue) -> dict[str, Any]:
        def tests(limit: int, start: int = 0) -> dict[str, Any]:
            return page(limit, start, [self._test(self._known("Test", key)) for key in self._plans[issue.key]])

        return {"issueId": issue.id, "jira": lambda fields: _jira(issue, fields), "tests": tests}

    def _delete_execution(self, issueId: str) -> str:  # noqa: N803
        found = next((each for each in self._issues.values() if each.id == issueId and each.kind == EXECUTION), None)
        if found is None:
            raise GraphQLError(f"Test Execution with id {issueId} not found.", "deleteTestExecution")
        self._remove(found)
        return "Test Execution was deleted successfully."

    def _test(self, issue: _Issue) -> dict[str, Any]:
        return {"issueId": issue.id, "unstructured": issue.definition, "jira": lambda fields: _jira(issue, fields)}

    def _execution(self, issue: _Issue) -> dict[str, Any]:
        def test_runs(limit: int, start: int = 0) -> dict[str, Any]:
            return page(limit, start, [self._test_run(each) for each in self._box.results_of(issue.key)])

        def tests(limit: int, start: int = 0) -> dict[str, Any]:
            return page(limit, start, [self._test(self._known("Test", each.id)) for each in results])

        results = self._box.results_of(issue.key)
        return {
            "issueId": issue.id,
            "projectId": "10000",
            "testEnvironments": issue.fields.get("environments", []),
            "jira": lambda fields: _jira(issue, fields),
            "testRuns": test_runs,
            "tests": tests,
        }

    def _test_run(self, result: ArrivedResult) -> dict[str, Any]:
        return {
            "id": f"{result.run}/{result.id}",
            "status": {"name": result.status},
            "comment": result.body.get("comment"),
            "startedOn": result.body.get("start"),
            "finishedOn": result.body.get("finish"),
            "defects": result.body.get("defects", []),
            "test": self._test(self._known("Test", result.id)),
        }

    # Data Center

    def import_to_dc(self) -> Response:
        execution, made = self._import("dc")
        return jsonify(
            {
                "testExecIssue": _reference(execution),
                "testIssues": {"success": [_reference(issue) for issue in made]},
                "infoMessages": [],
            }
        )

    def statuses(self) -> Response:
        names = statuses(self._rules, "dc")
        return jsonify([{"id": number, "rank": number, "name": name} for number, name in enumerate(names)])

    def tests_of(self, key: str) -> Response:
        self._known(EXECUTION, key, status=404)
        shown = self._page(self._box.results_of(key))
        return jsonify([{"id": at, "key": row.id, "rank": at, "status": row.status} for at, row in shown])

    def planned(self, key: str) -> Response:
        self._known(PLAN, key, status=404)
        shown = self._page(self._plans[key])
        return jsonify([{"id": at, "key": test, "rank": at, "latestStatus": "TODO"} for at, test in shown])

    def plan_tests(self, key: str) -> Response:
        self._known(PLAN, key, status=404)
        body = json_body()
        faults = list(record({}, {"add": each(text()), "remove": each(text())})(body, ""))
        if faults:
            raise Refused(400, " ".join(faults[0]))
        with self._box.lock:
            added = [self._known("Test", test).key for test in body.get("add", [])]
            kept = [test for test in self._plans[key] if test not in body.get("remove", [])]
            self._plans[key] = list(dict.fromkeys([*kept, *added]))
        return jsonify([])

    def _page(self, rows: list[Any]) -> list[tuple[int, Any]]:
        """The rows that are asked for, each with its place."""
        most = self._rules.page_rows
        limit = min(int(request.args.get("limit", most)), most)
        start = limit * (int(request.args.get("page", 1)) - 1)
        return list(enumerate(rows))[start : start + limit]

    def project(self, key: str) -> Response:
        if key not in self._rules.projects:
            return _jira_refusal(404, f"No project could be found with key '{key}'.")
        return jsonify({"id": "10000", "key": key, "name": key})

    def search(self) -> Response:
        try:
            with self._box.lock:
                found = self._found(request.args.get("jql", ""), "")
        except GraphQLError as error:
            return _jira_refusal(400, str(error))
        wanted = request.args.get("fields", "").split(",")
        rows = [{"id": each.id, "key": each.key, "fields": _jira(each, wanted)} for each in found]
        return jsonify({"startAt": 0, "maxResults": 50, "total": len(rows), "issues": rows[:50]})

    def create_issue(self) -> Response:
        body = json_body()
        faults = list(record({"fields": both(record({"issuetype": record({})}), issue_create(self._rules))})(body, ""))
        if faults:
            errors = {path.removeprefix("fields."): fault for path, fault in faults}
            self._box.refuse(Refusal("POST /rest/api/2/issue", 400, str(errors)))
            return _jira_refusal(400, **errors)
        with self._box.lock:
            kind = body["fields"]["issuetype"]["name"]
            made = self._add_issue(kind, body["fields"])
            if kind == PLAN:
                self._plans[made.key] = []
        answer = jsonify(_reference(made))
        answer.status_code = 201
        return answer

    def issue(self, key: str) -> Response:
        found = self._issues.get(key)
        if found is None:
            return _jira_refusal(404, "Issue Does Not Exist")
        return jsonify({"id": found.id, "key": key, "fields": _jira(found, request.args.get("fields", "").split(","))})

    def delete_issue(self, key: str) -> Response:
        with self._box.lock:
            found = self._issues.get(key)
            if found is None:
                return _jira_refusal(404, "Issue Does Not Exist")
            self._remove(found)
        return Response(status=204)

    def properties(self, key: str) -> Response:
        found = self._issues.get(key)
        if found is None:
            return _jira_refusal(404, "Issue Does Not Exist")
        where = f"{request.url_root}rest/api/2/issue/{key}/properties"
        return jsonify({"keys": [{"key": name, "self": f"{where}/{name}"} for name in found.properties]})

    def set_property(self, key: str, name: str) -> Response:
        found = self._issues.get(key)
        if found is None:
            return _jira_refusal(404, "Issue Does Not Exist")
        with self._box.lock:
            is_new = name not in found.properties
            found.properties[name] = json_body()
        return Response(status=201 if is_new else 200)

    def move(self, key: str) -> Response:
        body = json_body()
        wanted = body.get("transition", {}).get("id") if isinstance(body, dict) else None
        run = self._box.runs.get(key)
        if run is None:
            return _jira_refusal(404, "Issue Does Not Exist")
        if wanted not in self._rules.transitions or run.end is not None:
            return _jira_refusal(400, f"It seems that the transition {wanted} is not valid for this issue.")
        run.end = self._clock()
        return Response(status=204)

    # Both

    def _admit(self) -> None:
        is_cloud = request.path.startswith("/api/v2/")
        if (request.content_length or 0) > self._rules.max_bytes:
            raise Refused(413, f"A request may hold {self._rules.max_bytes} bytes.")
        if is_cloud and self._rate.take()[1]:
            raise Refused(429, "Too many requests, please try again later.")  # Cloud documents no Retry-After
        if request.path == "/api/v2/authenticate":
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if is_cloud:
            is_known = scheme == "Bearer" and self._tokens.get(given, 0.0) > self._clock()
        elif scheme == "Basic":
            pair = f"{USER}:{self._rules.password}".encode()
            is_known = given == base64.b64encode(pair).decode()
        else:
            is_known = scheme == "Bearer" and given == self._rules.access_token
        if not is_known:
            raise Refused(401, "Authentication failed. Invalid or expired token.")

    def _import(self, product: Product) -> tuple[_Issue, list[_Issue]]:
        """All of the body, or nothing: one wrong test refuses the whole import."""
        body = json_body()
        faults = list(execution_import(self._rules, product, self._plans)(body, ""))
        if faults:
            raise _refusal(body, faults)
        with self._box.lock:
            info = body.get("info", {})
            self._check_keys(body["tests"])
            if body.get("testExecutionKey"):
                execution = self._known(EXECUTION, body["testExecutionKey"])
            else:
                execution = self._new_execution(info, body["tests"])
            execution.fields.update({key: held for key, held in info.items() if key != "project"})
            made: list[_Issue] = []
            for test in body["tests"]:
                self._keep(execution, test, made)
        return execution, made

    def _check_keys(self, tests: list[dict[str, Any]]) -> None:
        seen: set[str] = set()
        for test in tests:
            key = test.get("testKey")
            if key is None and "testInfo" not in test:
                raise Refused(400, "Each test needs a testKey or a testInfo.")
            what = key or test["testInfo"].get("definition") or test["testInfo"]["summary"]
            if key is not None:
                self._known("Test", key)
            if what in seen:
                raise Refused(400, f"The Test {what} stands more than once in the results.", culprits=[(what, "twice")])
            seen.add(what)

    def _new_execution(self, info: dict[str, Any], tests: list[dict[str, Any]]) -> _Issue:
        first = next((test["testKey"] for test in tests if test.get("testKey")), "")
        project = info.get("project") or first.partition("-")[0]
        if not project:
            raise Refused(400, "Error assembling issue data: project is required")
        if self._rules.required:
            raise Refused(400, f"Error assembling issue data: {self._rules.required[0]} is required")
        summary = info.get("summary") or "Execution results"
        return self._add_issue(EXECUTION, {**info, "summary": summary, "project": {"key": project}})

    def _keep(self, execution: _Issue, test: dict[str, Any], made: list[_Issue]) -> None:
        key = test.get("testKey") or self._matched(test["testInfo"], made)
        files = [entry for name in ("evidence", "evidences") for entry in test.get(name, [])]
        for entry in files:
            content = base64.b64decode(entry["data"])
            sha256 = hashlib.sha256(content).hexdigest()
            file = ArrivedFile(
                f"{execution.key}/{key}/{sha256}", entry["filename"], entry["contentType"], len(content), sha256
            )
            self._box.add_attachment(file)
        title = self._known("Test", key).fields.get("summary", key)
        if self._box.results.pop((execution.key, key), None):  # the later import of a Test overwrites the earlier
            self._box.repeats += 1
        self._box.add_result(ArrivedResult(key, execution.key, test["status"], title, (key,), test))

    def _matched(self, wanted: Mapping[str, Any], made: list[_Issue]) -> str:
        """The Test of that definition (Generic) or summary; made where there is none."""
        is_generic = wanted.get("type", wanted.get("testType")) == "Generic"
        for issue in self._issues.values():
            mine = issue.definition if is_generic else issue.fields.get("summary")
            theirs = wanted.get("definition") if is_generic else wanted["summary"]
            if issue.kind == "Test" and mine == theirs and issue.key.startswith(f"{wanted['projectKey']}-"):
                return issue.key
        fields = {**wanted, "project": {"key": wanted["projectKey"]}}
        made.append(self._add_issue("Test", fields, definition=wanted.get("definition")))
        return made[-1].key

    def _known(self, kind: str, key: str, *, status: int = 400) -> _Issue:
        found = self._find(kind, key)
        if found is None:
            words = f"{kind} issue with key {key} not found"
            raise Refused(status, words, culprits=[(key, words)])
        return found

    def _find(self, kind: str, key: str) -> _Issue | None:
        found = self._issues.get(key)
        if found is None and kind == "Test" and self._rules.tests is None and KEY.fullmatch(key):
            project, _, number = key.partition("-")
            if project in self._rules.projects and int(number) < MADE_HERE:
                found = self._add_issue("Test", {"summary": f"Test {key}"}, key=key)
        return found if found is not None and found.kind == kind else None

    def _add_issue(self, kind: str, fields: dict[str, Any], *, definition: str | None = None, key: str = "") -> _Issue:
        number = next(self._numbers)
        project = (fields.get("project") or {}).get("key", self._rules.projects[0])
        issue = _Issue(str(10_000 + number), key or f"{project}-{MADE_HERE + number}", kind, fields, definition)
        issue.unseen = self._rules.search_lag if kind == EXECUTION else 0
        self._issues[issue.key] = issue
        if kind == EXECUTION:
            self._box.add_run(ArrivedRun(issue.key, fields["summary"], self._clock(), project, fields))
        return issue

    def _remove(self, issue: _Issue) -> None:
        del self._issues[issue.key]
        self._box.runs.pop(issue.key, None)
        for key in [key for key in self._box.results if key[0] == issue.key]:
            del self._box.results[key]

    def _found(self, jql: str, kind: str) -> list[_Issue]:
        """The issues that a query names; raises GraphQLError for one that Jira would refuse."""
        checks = []
        for clause in filter(None, re.split(r"\s+AND\s+(?=\w+\s*(?:=|~|in\b))", jql, flags=re.IGNORECASE)):
            parsed = re.fullmatch(r"\s*(\w+)\s*(=|~|in\b)\s*(.+?)\s*", clause, re.IGNORECASE | re.DOTALL)
            if not parsed:
                raise GraphQLError(f"Error in the JQL Query: {clause!r}")
            name, operator, raw = parsed[1].lower(), parsed[2].lower(), parsed[3]
            values = [_unquoted(part) for part in raw.strip("()").split(",")] if operator == "in" else [_unquoted(raw)]
            if name == "key":
                for value in values:
                    if value not in self._issues and not self._find("Test", value):
                        raise GraphQLError(f"An issue with key '{value}' does not exist for field 'key'.")
            elif name not in FIELDS:
                raise GraphQLError(f"Field '{name}' does not exist or you do not have permission to view it.")
            elif name == "project" and not set(values) <= set(self._rules.projects):
                raise GraphQLError(f"The value '{values[0]}' does not exist for the field 'project'.")
            checks.append((name, operator, values))
        found = [issue for issue in self._issues.values() if kind in ("", issue.kind)]
        found = [issue for issue in found if all(_matches(issue, *check) for check in checks)]
        seen = [issue for issue in found if not issue.unseen]
        for issue in found:
            issue.unseen = max(issue.unseen - 1, 0)
        return seen

    def _plain(self, status: int, words: str) -> Response:
        self._box.refuse(Refusal("POST /authenticate", status, words))
        return Response(words, status, mimetype="text/plain")


def _matches(issue: _Issue, name: str, operator: str, values: list[str]) -> bool:
    held = {
        "key": issue.key,
        "id": issue.id,
        "project": issue.key.rpartition("-")[0],
        "issuetype": issue.kind,
        "summary": str(issue.fields.get("summary", "")),
        "description": str(issue.fields.get("description", "")),
    }[name]
    if operator != "~":
        return held in values
    words = values[0]
    is_phrase = words.startswith('"') and words.endswith('"')
    wanted = [words.strip('"')] if is_phrase else words.split()
    return all(each.lower() in held.lower() for each in wanted)


def _unquoted(raw: str) -> str:
    raw = raw.strip()
    return re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw[:1] == raw[-1:] and raw[:1] in ('"', "'") else raw


def _jira(issue: _Issue, fields: list[str]) -> Json:
    known = {"key": issue.key, "issuetype": {"name": issue.kind}, **issue.fields}
    return Json({name: known.get(name) for name in fields})


def _reference(issue: _Issue) -> dict[str, str]:
    return {"id": issue.id, "key": issue.key, "self": f"{request.url_root}rest/api/2/issue/{issue.id}"}


def _jira_refusal(status: int, *messages: str, **errors: str) -> Response:
    answer = jsonify({"errorMessages": list(messages), "errors": errors})
    answer.status_code = status
    return answer


def _refusal(body: Any, faults: list[tuple[str, str]]) -> Refused:
    """Xray says what is wrong first; the box says it of every test."""
    culprits = []
    for path, fault in faults:
        found = re.match(r"tests\.(\d+)", path)
        test = body["tests"][int(found[1])] if found else {}
        what = test.get("testKey") if isinstance(test, dict) else None
        culprits.append((str(what or path), f"{path} {fault}"))
    is_sentence = faults[0][1].startswith("Issue with key")
    return Refused(400, faults[0][1] if is_sentence else " ".join(faults[0]), culprits=culprits)
