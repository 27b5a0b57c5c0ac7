"""Zephyr Scale Cloud's API v2, as its OpenAPI file describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote, urlencode

from flask import Response, jsonify, request

from .checks import Check, one_of, record, text, whole
from .site import Refused, json_body
from .zephyr_fields import PROJECT, PROJECT_ID, changed_cycle, cycle, execution, words
from .zephyr_site import Case, Cycle, Execution, Row, Site

View = Callable[..., Response]
KINDS = ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE")


class Cloud:
    """The endpoints below `/v2`."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rules = site.rules

    def routes(self) -> Iterable[tuple[str, str, View]]:
        """Method, path and view of each."""
        return (
            ("GET", "/v2/healthcheck", lambda: Response("", 200, mimetype="application/json")),
            ("GET", "/v2/projects", self.projects),
            ("GET", "/v2/projects/<key>", self.project),
            ("GET", "/v2/statuses", self.statuses),
            ("GET", "/v2/statuses/<int:number>", self.status),
            ("GET", "/v2/environments", self.environments),
            ("GET", "/v2/folders", self.folders),
            ("POST", "/v2/folders", self.add_folder),
            ("GET", "/v2/testcases", self.cases),
            ("POST", "/v2/testcases", self.add_case),
            ("GET", "/v2/testcases/<key>", self.case),
            ("GET", "/v2/testcycles", self.cycles),
            ("POST", "/v2/testcycles", self.add_cycle),
            ("GET", "/v2/testcycles/<key>", self.cycle),
            ("PUT", "/v2/testcycles/<key>", self.change_cycle),
            ("GET", "/v2/testcycles/<key>/links", self.links),
            ("POST", "/v2/testcycles/<key>/links/weblinks", self.add_link),
            ("GET", "/v2/testplans/<key>", self.plan),
            ("POST", "/v2/testplans/<key>/links/testcycles", self.add_to_plan),
            ("GET", "/v2/testexecutions", self.executions),
            ("POST", "/v2/testexecutions", self.add_execution),
            ("GET", "/v2/testexecutions/<key>", self.execution),
            ("POST", "/v2/testexecutions/<key>/attachments/<path:name>", self.attach),
            ("GET", "/v2/issuelinks/<key>/testcases", self.cases_of_issue),
            ("POST", "/v2/automations/executions/custom", self.take_import),
        )

    def projects(self) -> Response:
        return self._page([self._project()])

    def project(self, key: str) -> Response:
        self._know_project(key)
        return jsonify(self._project())

    def statuses(self) -> Response:
        self._know_project(request.args.get("projectKey", PROJECT))
        kind = request.args.get("statusType")
        return self._page(
            [
                self._status(number, name)
                for each, names in self._site.statuses.items()
                for name, number in names.items()
                if kind in (None, each)
            ]
        )

    def status(self, number: int) -> Response:
        for names in self._site.statuses.values():
            for name, each in names.items():
                if each == number:
                    return jsonify(self._status(number, name))
        raise Refused(404, f"Status {number} was not found")

    def environments(self) -> Response:
        self._know_project(request.args.get("projectKey", PROJECT))
        return self._page(
            [
                {"id": number, "project": _project_link(), "name": name, "description": "", "index": number}
                for number, name in enumerate(self._rules.environments, 1)
            ]
        )

    def folders(self) -> Response:
        self._know_project(request.args.get("projectKey", PROJECT))
        kind = request.args.get("folderType")
        rows = [each for each in self._site.folders.values() if kind in (None, each["kind"])]
        return self._page(
            [
                {
                    "id": each["id"],
                    "parentId": each["parent"] or None,
                    "name": each["name"],
                    "index": 0,
                    "folderType": each["kind"],
                    "project": _project_link(),
                }
                for each in rows
            ]
        )

    def add_folder(self) -> Response:
        body = _checked(
            record(
                {"name": text(shortest=1, longest=255), "projectKey": text(), "folderType": one_of(KINDS)},
                {"parentId": whole(least=1)},
            )
        )
        self._know_project(body["projectKey"])
        parent = body.get("parentId", 0)
        if parent and parent not in self._site.folders:
            raise Refused(404, f"Folder {parent} was not found")
        name, kind = body["name"], body["folderType"]
        known = ((each["name"], each["kind"], each["parent"]) for each in self._site.folders.values())
        if (name, kind, parent) in known:
            raise Refused(400, f"There is a folder {name!r} already")
        number = self._site.add_folder(name, kind, parent)
        return _made({"id": number, "self": _self(f"folders/{number}")})

    def cases(self) -> Response:
        self._know_project(request.args.get("projectKey", PROJECT))
        folder = request.args.get("folderId", 0, type=int)
        cases = [each for each in self._site.cases() if folder in (0, each.folder)]
        return self._page(cases, self._case)

    def add_case(self) -> Response:
        body = _checked(record({"projectKey": text(), "name": text(shortest=1, longest=255)}))
        self._know_project(body["projectKey"])
        made = self._site.add_case(body["name"])
        return _made({"id": made.id, "self": _self(f"testcases/{made.key}"), "key": made.key})

    def case(self, key: str) -> Response:
        return jsonify(self._case(self._known_case(key)))

    def cycles(self) -> Response:
        self._know_project(request.args.get("projectKey", PROJECT))
        folder = request.args.get("folderId", 0, type=int)
        rows = [each for each in self._site.cycles.values() if folder in (0, each.fields.get("folderId"))]
        return self._page(rows, self._cycle)

    def add_cycle(self) -> Response:
        body = _checked(cycle(self._rules, self._site.folders))
        made = self._site.add_cycle(body["name"], body, status=body.get("statusName", "Not Executed"))
        return _made({"id": made.id, "self": _self(f"testcycles/{made.key}"), "key": made.key})

    def cycle(self, key: str) -> Response:
        return jsonify(self._cycle(self._known_cycle(key)))

    def change_cycle(self, key: str) -> Response:
        """What the body leaves out is cleared."""
        known = self._known_cycle(key)
        body = _checked(changed_cycle(self._rules))
        names = {number: name for name, number in self._site.statuses["TEST_CYCLE"].items()}
        if body["status"]["id"] not in names:
            raise Refused(404, f"Status {body['status']['id']} was not found")
        known.name = body["name"]
        kept = ("description", "plannedStartDate", "plannedEndDate", "customFields")
        known.fields = {name: body[name] for name in kept if body.get(name) is not None}
        if body.get("folder"):
            known.fields["folderId"] = body["folder"]["id"]
        if body.get("jiraProjectVersion"):
            known.fields["jiraProjectVersion"] = body["jiraProjectVersion"]["id"]
        self._site.finish(known, names[body["status"]["id"]])
        return Response("", 200, mimetype="application/json")

    def links(self, key: str) -> Response:
        return jsonify(self._links(self._known_cycle(key)))

    def add_link(self, key: str) -> Response:
        known = self._known_cycle(key)
        body = _checked(record({"url": text(shortest=1)}, {"description": text()}))
        number = next(self._site.ids)
        known.links.append({**body, "id": number, "self": _self(f"links/{number}"), "type": "RELATED"})
        return _made({"id": number, "self": _self(f"links/{number}")})

    def plan(self, key: str) -> Response:
        cycles = [self._known_cycle(each) for each in self._known_plan(key)]
        links = [
            {
                "id": number,
                "self": _self(f"links/{number}"),
                "testCycleId": each.id,
                "type": "RELATED",
                "target": _self(f"testcycles/{each.id}"),
            }
            for number, each in enumerate(cycles, 1)
        ]
        reference = {"id": 1, "self": _self("statuses/1")}
        return jsonify(
            {
                "id": 1,
                "key": key,
                "name": f"Plan {key}",
                "objective": None,
                "project": _project_link(),
                "status": reference,
                "customFields": {},
                "labels": [],
                "links": {"webLinks": [], "issues": [], "testCycles": links},
            }
        )

    def add_to_plan(self, key: str) -> Response:
        plan = self._known_plan(key)
        body = _checked(record({"testCycleIdOrKey": text(shortest=1)}))
        known = self._known_cycle(body["testCycleIdOrKey"])
        plan.append(known.key)
        known.plans.append(key)
        number = next(self._site.ids)
        return _made({"id": number, "self": _self(f"links/{number}")})

    def executions(self) -> Response:
        asked = request.args
        self._know_project(asked.get("projectKey", PROJECT))
        rows = list(self._site.executions.values())
        if "testCycle" in asked:
            key = self._known_cycle(asked["testCycle"]).key
            is_last = asked.get("onlyLastExecutions") == "true"
            rows = list(self._site.last_of(key).values()) if is_last else self._site.executions_of(key)
        if "testCase" in asked:
            self._known_case(asked["testCase"])
            rows = [each for each in rows if each.case == asked["testCase"]]
        return self._page(rows, self._execution)

    def execution(self, key: str) -> Response:
        return jsonify(self._execution(self._known_execution(key)))

    def add_execution(self) -> Response:
        body = _checked(execution(self._rules))
        case, known = self._known_case(body["testCaseKey"]), self._known_cycle(body["testCycleKey"])
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
        made = self._site.add_execution(known, case, said, body)
        answer = _made({"id": made.id, "self": _self(f"testexecutions/{made.id}")})
        answer.headers["Location"] = _self(f"testexecutions/{made.id}")
        return answer

    def attach(self, key: str, name: str) -> Response:
        if not self._rules.has_files:
            raise Refused(404, "Not Found")
        self._known_execution(key)
        if not 1 <= len(name) <= 255 or re.search(r"[/\\\x00]|\.\.", unquote(name)):
            raise Refused(400, f"{name!r} is no name for a file")
        mime = request.headers.get("Content-Type", "")
        return _made({"id": self._site.add_file(name, mime, request.get_data()), "name": name})

    def cases_of_issue(self, key: str) -> Response:
        if key not in self._rules.issues:
            raise Refused(404, f"The issue {key} was not found")
        cases = [self._known_case(each) for each in self._rules.issues[key]]
        return jsonify([{"key": each.key, "version": 1, "self": _case_link(each)["self"]} for each in cases])

    def take_import(self) -> Response:
        self._know_project(request.args.get("projectKey", ""))

        def fields(described: Row) -> Row:
            faults = list(cycle(self._rules, self._site.folders)({"projectKey": PROJECT, "name": "x", **described}, ""))
            if faults:
                raise Refused(400, words(faults))
            return described

        made = self._site.take_import(fields)
        return jsonify({"testCycle": {"id": made.id, "url": _self(f"testcycles/{made.key}"), "key": made.key}})

    def _page(self, rows: list[Any], shown: Callable[[Any], Row] = lambda row: row) -> Response:
        start = request.args.get("startAt", 0, type=int)
        size = request.args.get("maxResults", 10, type=int)
        if size < 1 or start < 0 or start % size:
            raise Refused(400, "startAt must be a multiple of maxResults")
        size = min(size, self._rules.fewer)
        page = rows[start : start + size]
        is_last = start + size >= len(rows)
        query = urlencode({**request.args, "maxResults": size, "startAt": start + size})
        return jsonify(
            {
                "next": None if is_last else f"{request.base_url}?{query}",
                "startAt": start,
                "maxResults": size,
                "total": len(rows),
                "isLast": is_last,
                "values": [shown(row) for row in page],
            }
        )

    def _project(self) -> Row:
        return {"id": 1, "jiraProjectId": PROJECT_ID, "key": PROJECT, "enabled": self._rules.is_enabled}

    def _status(self, number: int, name: str) -> Row:
        return {
            "id": number,
            "project": _project_link(),
            "name": name,
            "description": None,
            "index": number,
            "color": "#888888",
            "archived": False,
            "default": name == "Not Executed",
        }

    def _case(self, case: Case) -> Row:
        reference = {"id": 1, "self": _self("priorities/1")}
        fields = {
            "id": case.id,
            "key": case.key,
            "name": case.name,
            "project": _project_link(),
            "createdOn": "2026-09-01T08:00:00Z",
            "objective": None,
            "precondition": None,
            "estimatedTime": None,
            "labels": [],
            "priority": reference,
            "status": {"id": 1, "self": _self("statuses/1")},
            "customFields": {},
        }
        if case.folder:
            fields["folder"] = {"id": case.folder, "self": _self(f"folders/{case.folder}")}
        return fields

    def _cycle(self, cycle: Cycle) -> Row:
        number = self._site.statuses["TEST_CYCLE"][cycle.status]
        held = cycle.fields
        fields = {
            "id": cycle.id,
            "key": cycle.key,
            "name": cycle.name,
            "project": _project_link(),
            "status": {"id": number, "self": _self(f"statuses/{number}")},
            "description": held.get("description"),
            "plannedStartDate": held.get("plannedStartDate"),
            "plannedEndDate": held.get("plannedEndDate"),
            "customFields": {name: held.get("customFields", {}).get(name) for name in self._rules.cycle_fields},
            "links": self._links(cycle),
        }
        for name, path, theirs in (("folder", "folders", "folderId"), *_VERSION):
            if held.get(theirs):
                fields[name] = {"id": held[theirs], "self": _self(f"{path}/{held[theirs]}")}
        return fields

    def _links(self, cycle: Cycle) -> Row:
        return {
            "self": _self(f"testcycles/{cycle.key}/links"),
            "issues": [],
            "webLinks": list(cycle.links),
            "testPlans": [
                {"id": 1, "self": _self("links/1"), "testPlanId": 1, "type": "RELATED", "target": _self("testplans/1")}
                for _ in cycle.plans
            ],
        }

    def _execution(self, found: Execution) -> Row:
        case, known = self._known_case(found.case), self._known_cycle(found.cycle)
        number = self._site.statuses["TEST_EXECUTION"][found.status]
        fields = {
            "id": found.id,
            "key": f"{PROJECT}-E{found.id}",
            "project": _project_link(),
            "testCase": _case_link(case),
            "testExecutionStatus": {"id": number, "self": _self(f"statuses/{number}")},
            "estimatedTime": None,
            "executionTime": found.body.get("executionTime"),
            "executedById": found.body.get("executedById"),
            "assignedToId": found.body.get("assignedToId"),
            "comment": found.comment,
            "automated": True,
            "testCycle": {"id": known.id, "self": _self(f"testcycles/{known.id}")},
            "customFields": found.body.get("customFields", {}),
            "links": {"self": _self(f"testexecutions/{found.id}/links"), "issues": []},
        }
        if found.end:
            fields["actualEndDate"] = found.end
        if found.environment:
            place = self._rules.environments.index(found.environment) + 1
            fields["environment"] = {"id": place, "self": _self(f"environments/{place}")}
        return fields

    def _know_project(self, key: str) -> None:
        if key not in (PROJECT, str(PROJECT_ID)):
            raise Refused(404, f"The project {key} was not found")

    def _known_case(self, key: str) -> Case:
        found = self._site.case(key)
        if found is None:
            why = f"The test case {key} was not found"
            raise Refused(404, why, culprits=[(key, why)])
        return found

    def _known_cycle(self, key: str) -> Cycle:
        found = self._site.cycle(key)
        if found is None:
            raise Refused(404, f"The test cycle {key} was not found")
        return found

    def _known_plan(self, key: str) -> list[str]:
        if key not in self._site.plans:
            raise Refused(404, f"The test plan {key} was not found")
        return self._site.plans[key]

    def _known_execution(self, key: str) -> Execution:
        found = self._site.executions.get(int(re.sub(r"\D", "", key.rpartition("-")[2]) or 0))
        if found is None:
            raise Refused(404, f"The test execution {key} was not found")
        return found


_VERSION = (("jiraProjectVersion", "versions", "jiraProjectVersion"),)


def _checked(check: Check) -> Row:
    body = json_body()
    faults = list(check(body, ""))
    if faults:
        what = str(body.get("testCaseKey") or "") if isinstance(body, dict) else ""
        raise Refused(400, words(faults), culprits=[(what, words(faults))])
    known: Row = body
    return known


def _made(body: Row) -> Response:
    answer = jsonify(body)
    answer.status_code = 201
    return answer


def _self(path: str) -> str:
    return f"{request.url_root}v2/{path}"


def _project_link() -> Row:
    return {"id": 1, "self": _self("projects/1")}


def _case_link(case: Case) -> Row:
    return {"id": case.id, "self": _self(f"testcases/{case.key}/versions/1")}
