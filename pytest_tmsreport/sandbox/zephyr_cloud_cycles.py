"""Zephyr Scale Cloud's test cycles, their links, and the plans that hold them."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify, request

from .checks import record, text
from .site import Refused, Route
from .zephyr_cloud_answers import checked, know_project, known_cycle, link, made, page, project_link
from .zephyr_fields import PROJECT, changed_cycle, cycle
from .zephyr_site import Cycle, Row, Site

_VERSION = (("jiraProjectVersion", "versions", "jiraProjectVersion"),)


class Cycles:
    """The endpoints for cycles and plans."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rules = site.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/v2/testcycles", self.cycles),
            ("POST", "/v2/testcycles", self.add_cycle),
            ("GET", "/v2/testcycles/<key>", self.cycle),
            ("PUT", "/v2/testcycles/<key>", self.change_cycle),
            ("GET", "/v2/testcycles/<key>/links", self.links),
            ("POST", "/v2/testcycles/<key>/links/weblinks", self.add_link),
            ("GET", "/v2/testplans/<key>", self.plan),
            ("POST", "/v2/testplans/<key>/links/testcycles", self.add_to_plan),
        )

    def cycles(self) -> Response:
        know_project(request.args.get("projectKey", PROJECT))
        folder = request.args.get("folderId", 0, type=int)
        rows = [each for each in self._site.cycles.values() if folder in (0, each.fields.get("folderId"))]
        return page(self._rules, rows, self._cycle)

    def add_cycle(self) -> Response:
        body = checked(cycle(self._rules, self._site.folders))
        added = self._site.add_cycle(body["name"], body, status=body.get("statusName", "Not Executed"))
        return made({"id": added.id, "self": link(f"testcycles/{added.key}"), "key": added.key})

    def cycle(self, key: str) -> Response:
        return jsonify(self._cycle(known_cycle(self._site, key)))

    def change_cycle(self, key: str) -> Response:
        """What the body leaves out is cleared."""
        known = known_cycle(self._site, key)
        body = checked(changed_cycle(self._rules))
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
        return jsonify(self._links(known_cycle(self._site, key)))

    def add_link(self, key: str) -> Response:
        known = known_cycle(self._site, key)
        body = checked(record({"url": text(shortest=1)}, {"description": text()}))
        number = next(self._site.ids)
        known.links.append({**body, "id": number, "self": link(f"links/{number}"), "type": "RELATED"})
        return made({"id": number, "self": link(f"links/{number}")})

    def plan(self, key: str) -> Response:
        cycles = [known_cycle(self._site, each) for each in self._known_plan(key)]
        links = [
            {
                "id": number,
                "self": link(f"links/{number}"),
                "testCycleId": each.id,
                "type": "RELATED",
                "target": link(f"testcycles/{each.id}"),
            }
            for number, each in enumerate(cycles, 1)
        ]
        reference = {"id": 1, "self": link("statuses/1")}
        return jsonify(
            {
                "id": 1,
                "key": key,
                "name": f"Plan {key}",
                "objective": None,
                "project": project_link(),
                "status": reference,
                "customFields": {},
                "labels": [],
                "links": {"webLinks": [], "issues": [], "testCycles": links},
            }
        )

    def add_to_plan(self, key: str) -> Response:
        plan = self._known_plan(key)
        body = checked(record({"testCycleIdOrKey": text(shortest=1)}))
        known = known_cycle(self._site, body["testCycleIdOrKey"])
        plan.append(known.key)
        known.plans.append(key)
        number = next(self._site.ids)
        return made({"id": number, "self": link(f"links/{number}")})

    def _cycle(self, cycle: Cycle) -> Row:
        number = self._site.statuses["TEST_CYCLE"][cycle.status]
        held = cycle.fields
        fields = {
            "id": cycle.id,
            "key": cycle.key,
            "name": cycle.name,
            "project": project_link(),
            "status": {"id": number, "self": link(f"statuses/{number}")},
            "description": held.get("description"),
            "plannedStartDate": held.get("plannedStartDate"),
            "plannedEndDate": held.get("plannedEndDate"),
            "customFields": {name: held.get("customFields", {}).get(name) for name in self._rules.cycle_fields},
            "links": self._links(cycle),
        }
        for name, path, theirs in (("folder", "folders", "folderId"), *_VERSION):
            if held.get(theirs):
                fields[name] = {"id": held[theirs], "self": link(f"{path}/{held[theirs]}")}
        return fields

    def _links(self, cycle: Cycle) -> Row:
        return {
            "self": link(f"testcycles/{cycle.key}/links"),
            "issues": [],
            "webLinks": list(cycle.links),
            "testPlans": [
                {"id": 1, "self": link("links/1"), "testPlanId": 1, "type": "RELATED", "target": link("testplans/1")}
                for _ in cycle.plans
            ],
        }

    def _known_plan(self, key: str) -> list[str]:
        if key not in self._site.plans:
            raise Refused(404, f"The test plan {key} was not found")
        return self._site.plans[key]
