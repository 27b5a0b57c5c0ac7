"""Azure's work items and builds, as far as test runs refer to them."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify, request

from .azure_answers import Row, id_in, missing
from .azure_fields import HERE, Rules
from .site import Refused, Route

BUGS = range(20_000, 30_000)


class Items:
    """The endpoints that tell which there are."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", f"{HERE}/wit/workitems", self.work_items),
            ("GET", f"{HERE}/build/builds/<int:build>", self.build),
        )

    def work_items(self, project: str) -> Response:
        asked = request.args.get("ids", "").split(",")
        if len(asked) > 200 or not all(text.isdecimal() for text in asked):
            raise Refused(400, "ids must be at most 200 numbers.")
        if request.args.get("errorPolicy") != "omit":
            raise Refused(404, "A work item does not exist.")
        kinds = {int(text): "Test Case" if int(text) <= self._rules.cases else "Bug" for text in asked}
        there = {number: kind for number, kind in kinds.items() if kind == "Test Case" or number in BUGS}
        rows = [{"id": key, "fields": {"System.WorkItemType": kind}} for key, kind in there.items()]
        return jsonify({"count": len(rows), "value": rows})

    def build(self, project: str, build: int) -> Response:
        if build >= 10_000:
            raise missing(f"Build {build}")
        return jsonify({"id": build, "buildNumber": f"2026.{build}"})


def know_items(rules: Rules, row: Row) -> None:
    """Raises Refused for a work item of a result that does not exist."""
    case = id_in(row, "testCase")
    if case and not (case.isdecimal() and 1 <= int(case) <= rules.cases):
        title = str(row.get("testCaseTitle", ""))
        raise missing(f"Test case {case}", culprits=[(title, f"Test case {case} not found.")])
    for bug in row.get("associatedBugs", []):
        if not (bug["id"].isdecimal() and int(bug["id"]) in BUGS):
            raise Refused(404, f"TF401232: Work item {bug['id']} does not exist, or you cannot read it.")
