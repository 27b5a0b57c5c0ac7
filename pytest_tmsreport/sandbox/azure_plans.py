"""Azure's test plans as its stand-in holds them: plans, suites, cases, and the points of cases in configurations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request

from .azure_answers import Row, continued, listing, missing
from .azure_fields import HERE, PLAN, ROOT, Rules
from .box import Box
from .site import Refused, Route, json_body

AUTOMATED = "Microsoft.VSTS.TCM.AutomatedTestName"


@dataclass(frozen=True)
class Point:
    """A case in a configuration, as a suite of a plan holds it."""

    id: int
    case: int
    configuration: int
    plan: int
    suite: int


class Plans:
    """The endpoints of the area `testplan`, and what they remember: one plan is there from the start."""

    def __init__(self, box: Box, rules: Rules) -> None:
        self._box = box
        self._rules = rules
        self._ids = itertools.count(1000)
        self._plans: dict[int, Row] = {PLAN: {"id": PLAN, "name": "Regression", "root": ROOT}}
        self._parents: dict[int, int] = {ROOT: 0, **dict.fromkeys(rules.suites, ROOT)}
        self.points = [
            Point(900 + case, case, 1, PLAN, suite) for suite, cases in rules.suites.items() for case in cases
        ]

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", f"{HERE}/testplan/configurations", self.configurations),
            ("GET", f"{HERE}/testplan/plans", self.plans),
            ("POST", f"{HERE}/testplan/plans", self.create_plan),
            ("GET", f"{HERE}/testplan/plans/<int:plan>", self.plan),
            ("POST", f"{HERE}/testplan/plans/<int:plan>/suites", self.create_suite),
            ("GET", f"{HERE}/testplan/plans/<int:plan>/suites/<int:suite>/testcase", self.cases),
            ("POST", f"{HERE}/testplan/plans/<int:plan>/suites/<int:suite>/testcase", self.add_cases),
        )

    def configurations(self, project: str) -> Response:
        rows = [{"id": key, "name": name, "state": "active"} for key, name in self._rules.configurations.items()]
        return continued(rows, self._rules.page)

    def plans(self, project: str) -> Response:
        self._licensed()
        return continued([self._plan(plan) for plan in self._plans.values()], self._rules.page)

    def plan(self, project: str, plan: int) -> Response:
        return jsonify(self._plan(self.known(plan)))

    def create_plan(self, project: str) -> Response:
        self._licensed()
        name = _named(json_body())
        with self._box.lock:
            plan, root = next(self._ids), next(self._ids)
            self._plans[plan] = {"id": plan, "name": name, "root": root}
            self._parents[root] = 0
        return jsonify(self._plan(self._plans[plan]))

    def create_suite(self, project: str, plan: int) -> Response:
        self.known(plan)
        body = json_body()
        parent = body.get("parentSuite", {}).get("id") if isinstance(body, dict) else None
        if parent not in self._parents:
            raise missing(f"Test suite {parent}")
        with self._box.lock:
            suite = next(self._ids)
            self._parents[suite] = parent
        row = {"id": suite, "name": _named(body), "suiteType": "staticTestSuite", "parentSuite": {"id": parent}}
        return jsonify({**row, "plan": {"id": plan}})

    def cases(self, project: str, plan: int, suite: int) -> Response:
        asked = request.args
        suites = self._below(plan, suite) if asked.get("isRecursive", "").lower() == "true" else [suite]
        self._known_suite(plan, suite)
        by_case: dict[tuple[int, int], list[Point]] = {}
        for point in self.points:
            if point.suite in suites and point.plan == plan:
                by_case.setdefault((point.suite, point.case), []).append(point)
        wanted = asked.get("witFields", "").split(",")
        return continued([self._case(case, points, wanted) for (_, case), points in by_case.items()], self._rules.page)

    def add_cases(self, project: str, plan: int, suite: int) -> Response:
        self._known_suite(plan, suite)
        body = json_body()
        rows = body if isinstance(body, list) else []
        added = []
        with self._box.lock:
            for row in rows:
                case = row["workItem"]["id"]
                if not 1 <= case <= self._rules.cases:
                    raise missing(f"Test case {case}")
                chosen = [each["configurationId"] for each in row.get("pointAssignments", [])] or [1]
                points = [Point(next(self._ids), case, number, plan, suite) for number in chosen]
                self.points += points
                added.append(self._case(case, points, []))
        return listing(added)

    def _case(self, case: int, points: Iterable[Point], wanted: list[str]) -> Row:
        item: Row = {"id": case, "name": f"Case {case}", "workItemFields": []}
        if AUTOMATED in wanted and case in self._rules.automated:
            item["workItemFields"] = [{AUTOMATED: self._rules.automated[case]}]
        names = self._rules.configurations
        assigned = [
            {"id": each.id, "configurationId": each.configuration, "configurationName": names[each.configuration]}
            for each in points
        ]
        return {"workItem": item, "pointAssignments": assigned}

    def _plan(self, plan: Row) -> Row:
        root = {"id": plan["root"], "name": plan["name"]}
        return {"id": plan["id"], "name": plan["name"], "state": "Active", "rootSuite": root}

    def _below(self, plan: int, suite: int) -> list[int]:
        children = [child for child, parent in self._parents.items() if parent == suite]
        return [suite, *(each for child in children for each in self._below(plan, child))]

    def _licensed(self) -> None:
        if not self._rules.has_test_plans:
            raise Refused(403, "You are not authorized to access this API: it needs a licence of Azure Test Plans.")

    def known(self, plan: int) -> Row:
        self._licensed()
        if plan not in self._plans:
            raise missing(f"Test plan {plan}")
        return self._plans[plan]

    def _known_suite(self, plan: int, suite: int) -> None:
        if suite not in self._below(plan, self.known(plan)["root"]):
            raise missing(f"Test suite {suite}")


def _named(body: Any) -> str:
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str):
        raise Refused(400, "name is required.")
    return name
