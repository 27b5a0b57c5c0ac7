"""What Zephyr Scale's own pages ask a Jira server: `rest/tests/1.0`, of which pytest-zephyr-scale-integration lives.

No document describes it; this is what that plugin asks for, and what it reads of the answers.
"""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify, request

from .box import ArrivedResult
from .checks import each, record, text, whole
from .site import Refused, Route, json_body
from .zephyr_fields import PROJECT, PROJECT_ID, USER
from .zephyr_site import Case, Cycle, Execution, Row, Site

TESTS = "/rest/tests/1.0"


class Internal:
    """The endpoints of the pages."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        project = f"{TESTS}/project/<int:project>"
        return (
            ("GET", "/rest/api/2/user/search", lambda: jsonify([{"key": USER, "name": USER}])),
            ("GET", project, self.project),
            ("GET", f"{project}/testresultstatus", lambda project: self.statuses(project, "TEST_EXECUTION")),
            ("GET", f"{project}/testrunstatus", lambda project: self.statuses(project, "TEST_CYCLE")),
            ("GET", f"{project}/foldertree/testrun", self.folders),
            ("POST", f"{TESTS}/folder/testrun", self.add_folder),
            ("POST", f"{TESTS}/testrun", self.add_run),
            ("GET", f"{TESTS}/testcase/<key>", self.case),
            ("PUT", f"{TESTS}/testrunitem/bulk/save", self.add_items),
            ("GET", f"{TESTS}/testrun/<int:number>/testrunitems", self.items),
            ("GET", f"{TESTS}/testrun/<int:number>/testresults", self.script_results),
            ("PUT", f"{TESTS}/testresult", self.change_results),
            ("PUT", f"{TESTS}/testscriptresult", self.change_script_results),
        )

    def project(self, project: int) -> Response:
        _know(project)
        return jsonify({"id": project, "key": PROJECT})

    def statuses(self, project: int, kind: str) -> Response:
        _know(project)
        return jsonify([{"id": number, "name": name} for name, number in self._site.statuses[kind].items()])

    def folders(self, project: int) -> Response:
        _know(project)

        def tree(parent: int) -> list[Row]:
            rows = [row for row in self._site.folders.values() if (row["kind"], row["parent"]) == ("TEST_RUN", parent)]
            return [{"id": row["id"], "name": row["name"], "children": tree(row["id"])} for row in rows]

        return jsonify({"id": None, "name": None, "children": tree(0)})

    def add_folder(self) -> Response:
        body = _body({"name": text(shortest=1), "projectId": whole()})
        _know(body["projectId"])
        return jsonify({"id": self._site.add_folder(body["name"], "TEST_RUN", 0)})

    def add_run(self) -> Response:
        body = _body({"name": text(shortest=1), "projectId": whole()}, {"folderId": whole(least=1)})
        _know(body["projectId"])
        made = self._site.add_cycle(body["name"], body)
        return jsonify({"id": made.id, "key": made.key})

    def case(self, key: str) -> Response:
        found = self._site.case(key)
        if found is None:
            raise Refused(404, f"The test case {key} was not found")
        return jsonify({"id": found.id})

    def add_items(self) -> Response:
        item = record({"lastTestResult": record({"testCaseId": whole(least=1)}, {"assignedTo": text()})})
        body = _body({"testRunId": whole(least=1), "addedTestRunItems": each(item)})
        cycle = self._cycle(body["testRunId"])
        by_id = {case.id: case for case in self._site.cases()}
        for row in body["addedTestRunItems"]:
            case: Case | None = by_id.get(row["lastTestResult"]["testCaseId"])
            if case is None:
                raise Refused(400, f"The test case {row['lastTestResult']['testCaseId']} was not found")
            self._site.add_execution(cycle, case, {}, row)
        return jsonify([])

    def items(self, number: int) -> Response:
        cycle = self._cycle(number)
        rows = [
            {"id": found.id, "$lastTestResult": {"id": found.id, "testCase": {"key": found.case}}}
            for found in self._site.last_of(cycle.key).values()
        ]
        return jsonify({"testRunItems": rows})

    def script_results(self, number: int) -> Response:
        """A script for each set of a case's parameters, as many as it has steps."""
        self._cycle(number)
        found = self._execution(request.args.get("itemId", 0, type=int))
        sets = range(1, self._site.rules.steps.get(found.case, 0) + 1)
        return jsonify([{"testScriptResults": [{"id": 10 * found.id + each, "parameterSetId": each} for each in sets]}])

    def change_results(self) -> Response:
        names = {number: name for name, number in self._site.statuses["TEST_EXECUTION"].items()}
        check = each(record({"id": whole(least=1), "testResultStatusId": whole(least=1)}, {"userKey": text()}))
        body = json_body()
        faults = list(check(body, ""))
        if faults:
            raise Refused(400, "; ".join(" ".join(fault) for fault in faults))
        with self._site.box.lock:
            for row in body:
                found = self._execution(row["id"])
                found.status = names[row["testResultStatusId"]]
                known = (found.cycle, str(found.id))
                self._site.box.results.pop(known, None)
                case = self._site.case(found.case)
                title = case.name if case else ""
                self._site.box.add_result(ArrivedResult(known[1], known[0], found.status, title, (found.case,), row))
        return jsonify([])

    def change_script_results(self) -> Response:
        if not isinstance(json_body(), list):
            raise Refused(400, "a list is wanted")
        return jsonify([])

    def _cycle(self, number: int) -> Cycle:
        found = self._site.cycle(str(number))
        if found is None:
            raise Refused(404, f"The test cycle {number} was not found")
        return found

    def _execution(self, number: int) -> Execution:
        if number not in self._site.executions:
            raise Refused(404, f"The test result {number} was not found")
        return self._site.executions[number]


def _know(project: int) -> None:
    if project != PROJECT_ID:
        raise Refused(404, f"The project {project} was not found")


def _body(required: Row, optional: Row | None = None) -> Row:
    body = json_body()
    faults = list(record(required, optional)(body, ""))
    if faults:
        raise Refused(400, "; ".join(" ".join(fault) for fault in faults))
    known: Row = body
    return known
