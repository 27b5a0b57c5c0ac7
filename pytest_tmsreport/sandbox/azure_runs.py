"""Azure's test runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from flask import Response, jsonify, request

from ..render import utc
from .azure_answers import Row, checked, continued, id_in, listing, missing, part, root, url
from .azure_fields import HERE, epoch_of, run_create, run_update
from .azure_plans import Plans, Point
from .azure_store import Run, Store
from .box import ArrivedRun
from .site import Refused, Route

ISO = "%Y-%m-%dT%H:%M:%S.%fZ"
WEEK_S = 7 * 86_400


class Runs:
    """The endpoints that list, make, change and take away runs."""

    def __init__(self, store: Store, plans: Plans) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules
        self._plans = plans
        self._numbers = itertools.count(1)

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", f"{HERE}/test/runs", self.runs),
            ("POST", f"{HERE}/test/runs", self.create_run),
            ("GET", f"{HERE}/test/runs/<int:run>", self.run),
            ("PATCH", f"{HERE}/test/runs/<int:run>", self.update_run),
            ("DELETE", f"{HERE}/test/runs/<int:run>", self.delete_run),
            ("GET", f"{HERE}/test/runs/<int:run>/statistics", self.statistics),
        )

    def runs(self, project: str) -> Response:
        asked = request.args
        with self._box.lock:
            found = list(self._store.runs.values())
        if "minLastUpdatedDate" in asked or "maxLastUpdatedDate" in asked:
            return self._query(found)
        wants_details = asked.get("includeRunDetails", "").lower() == "true"
        if "planId" in asked:
            found = [run for run in found if id_in(run.fields, "plan") == asked["planId"]]
        if asked.get("automated", "").lower() == "true":
            found = [run for run in found if run.fields.get("automated")]
        return listing([self._run(run, with_comment=wants_details) for run in part(found, 100)])

    def _query(self, found: list[Run]) -> Response:
        """Runs by when they were last changed, 7 days at most, 100 at once, with a token for more."""
        asked = request.args
        first, last = (epoch_of(asked.get(f"{end}LastUpdatedDate", "")) for end in ("min", "max"))
        if first is None or last is None or not 0 <= last - first <= WEEK_S:
            raise Refused(400, "The difference between minLastUpdatedDate and maxLastUpdatedDate is 7 days at most.")
        found = [run for run in found if first <= run.updated <= last]
        if "state" in asked:
            found = [run for run in found if run.state.lower() == asked["state"].lower()]
        if "planIds" in asked:
            found = [run for run in found if id_in(run.fields, "plan") in asked["planIds"].split(",")]
        if asked.get("isAutomated", "").lower() == "true":
            found = [run for run in found if run.fields.get("automated")]
        rows = [self._run(run, with_comment=self._rules.lists_comments) for run in found]
        return continued(rows, min(int(asked.get("$top", 100)), 100))

    def create_run(self, project: str) -> Response:
        body = checked(run_create())
        with self._box.lock:
            points = self._points_of(body)
            run = Run(next(self._numbers), body, body.get("state", "NotStarted"), self._store.clock())
            run.slots = {next(run.numbers): self._store.slot(point) for point in points}
            self._store.runs[run.id] = run
            start = epoch_of(body.get("startDate", "")) or self._store.clock()
            self._box.add_run(ArrivedRun(str(run.id), body["name"], start, project, body))
        return jsonify(self._run(run))

    def run(self, project: str, run: int) -> Response:
        return jsonify(self._run(self._store.known(run)))

    def update_run(self, project: str, run: int) -> Response:
        body = checked(run_update())
        found = self._store.known(run)
        with self._box.lock:
            found.fields = {**found.fields, **{key: value for key, value in body.items() if key != "state"}}
            found.state = body.get("state", found.state)
            found.updated = self._store.clock()
            found.revision += 1
            arrived = self._box.runs[str(run)]
            arrived.end = self._store.clock() if found.state in ("Completed", "Aborted") else None
        return jsonify(self._run(found))

    def delete_run(self, project: str, run: int) -> Response:
        self._store.known(run)
        if not self._rules.may_delete:
            raise Refused(403, "You do not have permission to delete test runs.")
        with self._box.lock:
            del self._store.runs[run]
            self._box.remove_run(str(run))
        return Response(status=200)  # as the specification has it, and nothing with it

    def statistics(self, project: str, run: int) -> Response:
        self._store.known(run)
        counts = self._box.counts(self._box.results_of(str(run)))
        rows = [{"state": "Completed", "outcome": outcome, "count": count} for outcome, count in counts.items()]
        return jsonify({"run": {"id": str(run)}, "runStatistics": rows})

    def _points_of(self, body: Row) -> list[Point]:
        """The points that a new run is made of. Raises Refused for one that is not in its plan."""
        plan = id_in(body, "plan")
        if not plan:
            return []
        self._plans.known(int(plan) if plan.isdecimal() else 0)
        known = {point.id: point for point in self._plans.points if str(point.plan) == plan}
        for wanted in body.get("pointIds", []):
            if wanted not in known:
                raise missing(f"Test point {wanted}")
        return [known[wanted] for wanted in body.get("pointIds", [])]

    def _run(self, run: Run, *, with_comment: bool = True) -> Row:
        rows = self._store.rows(run)
        outcomes = [row.get("outcome") for row in rows if row.get("state", "Completed") == "Completed"]
        found: Row = {
            "id": run.id,
            "name": run.fields["name"],
            "isAutomated": bool(run.fields.get("automated")),
            "state": run.state,
            "totalTests": len(rows),
            "incompleteTests": len(rows) - len(outcomes),
            "passedTests": outcomes.count("Passed"),
            "unanalyzedTests": outcomes.count("Failed"),
            "revision": run.revision,
            "lastUpdatedDate": utc(run.updated, ISO),
            "url": url(f"test/Runs/{run.id}"),
            "webAccessUrl": f"{root()}/_TestManagement/Runs?runId={run.id}&_a=runCharts",
            "startedDate": run.fields.get("startedDate") or run.fields.get("startDate"),
            "completedDate": run.fields.get("completedDate") or run.fields.get("completeDate"),
            **{key: run.fields[key] for key in ("plan", "build", "tags", "pipelineReference") if key in run.fields},
        }
        if with_comment and "comment" in run.fields:
            found["comment"] = run.fields["comment"]
        return {key: value for key, value in found.items() if value is not None}
