"""Zephyr Scale Cloud's test executions, one by one or imported, and files with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from flask import Response, jsonify, request

from .site import Refused, Route
from .zephyr_cloud_answers import (
    case_link,
    checked,
    know_project,
    known_case,
    known_cycle,
    link,
    made,
    page,
    project_link,
)
from .zephyr_fields import PROJECT, cycle, execution, words
from .zephyr_site import Execution, Row, Site


class Executions:
    """The endpoints for what became of cases."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rules = site.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/v2/testexecutions", self.executions),
            ("POST", "/v2/testexecutions", self.add_execution),
            ("GET", "/v2/testexecutions/<key>", self.execution),
            ("POST", "/v2/testexecutions/<key>/attachments/<path:name>", self.attach),
            ("POST", "/v2/automations/executions/custom", self.take_import),
        )

    def executions(self) -> Response:
        asked = request.args
        know_project(asked.get("projectKey", PROJECT))
        rows = list(self._site.executions.values())
        if "testCycle" in asked:
            key = known_cycle(self._site, asked["testCycle"]).key
            is_last = asked.get("onlyLastExecutions") == "true"
            rows = list(self._site.last_of(key).values()) if is_last else self._site.executions_of(key)
        if "testCase" in asked:
            known_case(self._site, asked["testCase"])
            rows = [each for each in rows if each.case == asked["testCase"]]
        return page(self._rules, rows, self._execution)

    def execution(self, key: str) -> Response:
        return jsonify(self._execution(self._known_execution(key)))

    def add_execution(self) -> Response:
        body = checked(execution(self._rules))
        case, known = known_case(self._site, body["testCaseKey"]), known_cycle(self._site, body["testCycleKey"])
        if known.status == "Done" and self._rules.refuses_when_done:
            raise Refused(400, f"The test cycle {known.key} is done", culprits=[(case.key, "the cycle is done")])
        steps = body.get("testScriptResults", [])
        for name in (body["statusName"], *(step["statusName"] for step in steps)):
            if name not in self._site.statuses["TEST_EXECUTION"]:
                why = f"The status {name!r} was not found in the project {PROJECT}"
                raise Refused(422, why, culprits=[(case.key, why)])
        if body.get("environmentName", "") not in ("", *self._rules.environments):
            raise Refused(422, f"The environment {body['environmentName']!r} was not found in the project {PROJECT}")
        if steps and len(steps) != self._rules.steps.get(case.key, len(steps)):
            why = f"The test case {case.key} has {self._rules.steps[case.key]} steps, not {len(steps)}"
            raise Refused(422, why, culprits=[(case.key, why)])
        said = {
            "status": body["statusName"],
            "environment": body.get("environmentName"),
            "comment": body.get("comment"),
            "end": body.get("actualEndDate"),
        }
        added = self._site.add_execution(known, case, said, body)
        answer = made({"id": added.id, "self": link(f"testexecutions/{added.id}")})
        answer.headers["Location"] = link(f"testexecutions/{added.id}")
        return answer

    def attach(self, key: str, name: str) -> Response:
        if not self._rules.has_files:
            raise Refused(404, "Not Found")
        self._known_execution(key)
        if not 1 <= len(name) <= 255 or re.search(r"[/\\\x00]|\.\.", unquote(name)):
            raise Refused(400, f"{name!r} is no name for a file")
        mime = request.headers.get("Content-Type", "")
        return made({"id": self._site.add_file(name, mime, request.get_data()), "name": name})

    def take_import(self) -> Response:
        know_project(request.args.get("projectKey", ""))

        def fields(described: Row) -> Row:
            faults = list(cycle(self._rules, self._site.folders)({"projectKey": PROJECT, "name": "x", **described}, ""))
            if faults:
                raise Refused(400, words(faults))
            return described

        added = self._site.take_import(fields)
        return jsonify({"testCycle": {"id": added.id, "url": link(f"testcycles/{added.key}"), "key": added.key}})

    def _execution(self, found: Execution) -> Row:
        case, known = known_case(self._site, found.case), known_cycle(self._site, found.cycle)
        number = self._site.statuses["TEST_EXECUTION"][found.status]
        fields = {
            "id": found.id,
            "key": f"{PROJECT}-E{found.id}",
            "project": project_link(),
            "testCase": case_link(case),
            "testExecutionStatus": {"id": number, "self": link(f"statuses/{number}")},
            "estimatedTime": None,
            "executionTime": found.body.get("executionTime"),
            "executedById": found.body.get("executedById"),
            "assignedToId": found.body.get("assignedToId"),
            "comment": found.comment,
            "automated": True,
            "testCycle": {"id": known.id, "self": link(f"testcycles/{known.id}")},
            "customFields": found.body.get("customFields", {}),
            "links": {"self": link(f"testexecutions/{found.id}/links"), "issues": []},
        }
        if found.end:
            fields["actualEndDate"] = found.end
        if found.environment:
            place = self._rules.environments.index(found.environment) + 1
            fields["environment"] = {"id": place, "self": link(f"environments/{place}")}
        return fields

    def _known_execution(self, key: str) -> Execution:
        found = self._site.executions.get(int(re.sub(r"\D", "", key.rpartition("-")[2]) or 0))
        if found is None:
            raise Refused(404, f"The test execution {key} was not found")
        return found
