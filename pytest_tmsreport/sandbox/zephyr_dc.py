"""Zephyr Scale Server and Data Center: `rest/atm/1.0` below the address of Jira."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flask import Response, jsonify, request

from .checks import Check, each, one_of, record, text
from .site import Refused, Route, json_body
from .zephyr_fields import PROJECT, PROJECT_ID, USER, test_result, test_run, words
from .zephyr_site import Case, Cycle, Row, Site

ATM = "/rest/atm/1.0"
KINDS = ("TEST_CASE", "TEST_PLAN", "TEST_RUN")
_CLAUSE = re.compile(r'(\w+) (=|IN) (?:"([^"]*)"|\(([^)]*)\))')


class DataCenter:
    """The endpoints of Zephyr, and those of Jira that go with them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rules = site.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/rest/api/2/myself", lambda: jsonify({"key": USER, "name": USER})),
            ("GET", "/rest/api/2/project/<key>", self.project),
            ("GET", f"{ATM}/healthcheck", lambda: jsonify({})),
            ("GET", f"{ATM}/environments", self.environments),
            ("POST", f"{ATM}/folder", self.add_folder),
            ("GET", f"{ATM}/testcase/search", self.search_cases),
            ("GET", f"{ATM}/testcase/<key>", self.case),
            ("GET", f"{ATM}/testplan/<key>", self.plan),
            ("POST", f"{ATM}/testrun", self.add_run),
            ("GET", f"{ATM}/testrun/search", self.search_runs),
            ("GET", f"{ATM}/testrun/<key>", self.run),
            ("DELETE", f"{ATM}/testrun/<key>", self.delete_run),
            ("GET", f"{ATM}/testrun/<key>/testresults", self.results),
            ("POST", f"{ATM}/testrun/<key>/testresults", self.add_results),
            ("POST", f"{ATM}/testresult/<int:number>/attachments", self.attach),
            ("GET", f"{ATM}/issuelink/<key>/testcases", self.cases_of_issue),
            ("POST", f"{ATM}/automation/execution/<key>", self.take_import),
        )

    def project(self, key: str) -> Response:
        if key not in (PROJECT, str(PROJECT_ID)):
            raise Refused(404, f"No project could be found with key '{key}'.")
        return jsonify({"id": str(PROJECT_ID), "key": PROJECT, "name": PROJECT})

    def environments(self) -> Response:
        _know_project(request.args.get("projectKey", ""))
        names = self._rules.environments
        return jsonify([{"id": number, "name": name, "description": ""} for number, name in enumerate(names, 1)])

    def add_folder(self) -> Response:
        body = _checked(record({"projectKey": text(), "name": text(shortest=2), "type": one_of(KINDS)}))
        _know_project(body["projectKey"])
        path, kind = body["name"], body["type"]
        outer, _, name = path.rpartition("/")
        parent = self._site.folder_at(outer, kind)
        if not path.startswith("/") or (outer and not parent):
            raise _not_found(outer or path, "name")
        if self._site.folder_at(path, kind):
            raise Refused(400, f"The folder {path} already exists.")
        return _made({"id": self._site.add_folder(name, kind, parent)})

    def search_cases(self) -> Response:
        found = self._site.cases()
        for name, values in _query():
            if name == "key":
                found = [case for key in values if (case := self._site.case(key)) is not None]
            elif name == "folder":
                numbers = {self._folder(path, "TEST_CASE") for path in values}
                found = [case for case in found if case.folder in numbers]
            elif name == "name":
                found = [case for case in found if case.name in values]
        return _page([_shown({"key": case.key, "name": case.name, "projectKey": PROJECT}) for case in found])

    def case(self, key: str) -> Response:
        found = self._site.case(key)
        if found is None:
            raise Refused(404, "")
        return jsonify(_shown({"key": key, "name": found.name, "projectKey": PROJECT}))

    def plan(self, key: str) -> Response:
        cycles = self._known_plan(key)
        runs = [{"key": each, "name": self._known(each).name} for each in cycles]
        return jsonify(_shown({"key": key, "name": f"Plan {key}", "projectKey": PROJECT, "testRuns": runs}))

    def add_run(self) -> Response:
        body = _checked(test_run(self._rules))
        cases = [self._case_of(item["testCaseKey"]) for item in body.get("items", [])]
        if body.get("folder"):
            self._folder(body["folder"], "TEST_RUN")
        if body.get("testPlanKey") and body["testPlanKey"] not in self._site.plans:
            raise _not_found(body["testPlanKey"], "testPlanKey")
        for item in body.get("items", []):
            self._check_words(item)
        made = self._site.add_cycle(body["name"], {name: held for name, held in body.items() if name != "items"})
        made.items += dict.fromkeys(case.key for case in cases)
        if body.get("testPlanKey"):
            self._site.plans[body["testPlanKey"]].append(made.key)
        for case, item in zip(cases, body.get("items", []), strict=True):
            if "status" in item:
                self._add_result(made, case, item)
        return _made({"key": made.key})

    def search_runs(self) -> Response:
        found = list(self._site.cycles.values())
        for name, values in _query():
            if name == "folder":
                paths = {path for path in values if self._folder(path, "TEST_RUN")}
                found = [each for each in found if each.fields.get("folder") in paths]
        return _page([_shown(self._run(each)) for each in found])

    def run(self, key: str) -> Response:
        return jsonify(_shown(self._run(self._known(key))))

    def delete_run(self, key: str) -> Response:
        self._site.remove(self._known(key))
        return Response(status=204)

    def results(self, key: str) -> Response:
        known = self._known(key)
        last = self._site.last_of(key)
        run = {case for case, _ in last}
        rows: list[Row] = [{"testCaseKey": case, "status": "Not Executed"} for case in known.items if case not in run]
        for found in self._site.executions_of(key):
            row = {"id": found.id, "testCaseKey": found.case, "status": found.status, "comment": found.comment}
            rows.append({**row, "environment": found.environment or None, "automated": False})
        return jsonify(rows)

    def add_results(self, key: str) -> Response:
        """All of them, or none."""
        known = self._known(key)
        body = _checked(each(test_result(self._rules)))
        cases = [self._case_of(row["testCaseKey"]) for row in body]
        for row in body:
            self._check_words(row)
            if row["testCaseKey"] not in known.items and not self._rules.adds_cases:
                why = f"The key {row['testCaseKey']} was not found for field testCaseKey on test run {key}."
                raise Refused(400, why, culprits=[(row["testCaseKey"], why)])
        ids = [{"id": self._add_result(known, case, row)} for case, row in zip(cases, body, strict=True)]
        answer = jsonify(ids)
        answer.status_code = 201
        return answer

    def attach(self, number: int) -> Response:
        if request.headers.get("X-Atlassian-Token") not in ("nocheck", "no-check"):
            raise Refused(403, "XSRF check failed")
        if number not in self._site.executions:
            raise Refused(404, "")
        file = request.files.get("file")
        if file is None:
            raise Refused(400, "There is no file in the form.")
        made = self._site.add_file(file.filename or "", file.mimetype, file.read())
        return _made({"id": str(made)})

    def cases_of_issue(self, key: str) -> Response:
        if key not in self._rules.issues:
            raise Refused(404, "")
        return jsonify([{"key": each} for each in self._rules.issues[key]])

    def take_import(self, key: str) -> Response:
        _know_project(key)

        def fields(described: Row) -> Row:
            faults = list(test_run(self._rules)({"projectKey": PROJECT, "name": "x", **described}, ""))
            if faults:
                raise Refused(400, words(faults))
            if described.get("folder"):
                self._folder(described["folder"], "TEST_RUN")
            return described

        made = self._site.take_import(fields)
        return _made({"testCycle": {"id": made.id, "key": made.key, "url": f"{request.url_root}browse/{made.key}"}})

    def _add_result(self, cycle: Cycle, case: Case, row: Row) -> int:
        said = {
            "status": row.get("status"),
            "environment": row.get("environment"),
            "comment": row.get("comment"),
            "end": row.get("actualEndDate"),
        }
        return self._site.add_execution(cycle, case, said, row).id

    def _check_words(self, row: Row) -> None:
        named = [row.get("status"), *(step["status"] for step in row.get("scriptResults", []))]
        for name in filter(None, named):
            if name not in self._site.statuses["TEST_EXECUTION"]:
                raise self._wrong(row, f"The value {name} was not found for field status on project {PROJECT}.")
        if row.get("environment", "") not in ("", *self._rules.environments):
            value = row["environment"]
            raise self._wrong(row, f"The value {value} was not found for field environment on project {PROJECT}.")
        for key in row.get("issueLinks", []):
            if not re.fullmatch(rf"{PROJECT}-\d+", key):
                raise self._wrong(row, f"The key {key} was not found for field issueLinks.")

    def _wrong(self, row: Row, why: str) -> Refused:
        return Refused(400, why, culprits=[(row["testCaseKey"], why)])

    def _case_of(self, key: str) -> Case:
        found = self._site.case(key)
        if found is None:
            why = f"The key {key} was not found for field testCaseKey."
            said = why if self._rules.names_culprits else "Some parameters are invalid or not found."
            raise Refused(400, said, culprits=[(key, why)])
        return found

    def _folder(self, path: str, kind: str) -> int:
        number = self._site.folder_at(path, kind)
        if not number and path != "/":
            raise _not_found(path, "folder")
        return number

    def _known(self, key: str) -> Cycle:
        found = self._site.cycles.get(key)
        if found is None:
            raise Refused(404, "")
        return found

    def _known_plan(self, key: str) -> list[str]:
        if key not in self._site.plans:
            raise Refused(404, "")
        return self._site.plans[key]

    def _run(self, cycle: Cycle) -> Row:
        last = {found.case: found for found in self._site.executions_of(cycle.key)}
        items = [
            {
                "testCaseKey": case,
                "status": last[case].status if case in last else "Not Executed",
                "environment": (last[case].environment or None) if case in last else None,
            }
            for case in cycle.items
        ]
        is_over = bool(items) and all(item["status"] != "Not Executed" for item in items)
        status = "Done" if is_over else "Not Executed" if not last else "In Progress"
        held = {name: cycle.fields.get(name) for name in ("folder", "version", "iteration", "owner")}
        return {
            "key": cycle.key,
            "name": cycle.name,
            "projectKey": PROJECT,
            "status": status,
            **{name: value for name, value in held.items() if value},
            "items": items,
        }


def _know_project(key: str) -> None:
    if key != PROJECT:
        raise _not_found(key, "projectKey")


def _not_found(value: str, name: str) -> Refused:
    return Refused(400, f"The value {value} was not found for field {name} on project {PROJECT}.")


def _checked(check: Check) -> Any:
    body = json_body()
    faults = list(check(body, ""))
    if faults:
        raise Refused(400, words(faults))
    return body


def _made(body: Row) -> Response:
    answer = jsonify(body)
    answer.status_code = 201
    return answer


def _query() -> list[tuple[str, list[str]]]:
    """The clauses of a query, whose blanks and quotes are very strict."""
    found = []
    for clause in filter(None, request.args.get("query", "").split(" AND ")):
        parsed = _CLAUSE.fullmatch(clause)
        if parsed is None:
            raise Refused(400, f"The query is invalid: {clause}")
        values = [parsed[3]] if parsed[3] is not None else re.findall(r'"([^"]*)"', parsed[4])
        if parsed[1] == "projectKey":
            for value in values:
                _know_project(value)
        found.append((parsed[1], values))
    return found


def _shown(row: Row) -> Row:
    wanted = request.args.get("fields", "")
    return {name: value for name, value in row.items() if name in wanted.split(",")} if wanted else row


def _page(rows: list[Row]) -> Response:
    start, size = request.args.get("startAt", 0, type=int), request.args.get("maxResults", 200, type=int)
    return jsonify(rows[start : start + size])
