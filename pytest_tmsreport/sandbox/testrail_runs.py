"""TestRail's test runs."""

from __future__ import annotations

from flask import Response, jsonify, request

from .checks import record
from .site import Refused
from .testrail_answers import Row, checked, page
from .testrail_fields import run_fields
from .testrail_store import Store


class Runs:
    """The methods that list, make, change, complete and take away runs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = store.rules
        self._fields = run_fields(store.rules)

    def get_runs(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        runs = [self._store.counted(row) for row in reversed(self._store.runs.values()) if row["plan_id"] is None]
        if "is_completed" in request.args:
            runs = [run for run in runs if str(int(run["is_completed"])) == request.args["is_completed"]]
        return page(self._rules, "runs", runs)

    def get_run(self, run_id: int) -> Response:
        return self._told(self._store.known_run(run_id))

    def add_run(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        body = checked(record({"name": self._fields["name"]}, self._fields))
        with self._store.box.lock:
            return self._told(self._store.add_run(body, request.url_root))

    def update_run(self, run_id: int) -> Response:
        run = self._store.changeable_run(run_id)
        if run["plan_id"] is not None:
            raise Refused(400, "The test run belongs to a test plan: update the plan's entry.")
        self._store.update_runs([run], checked(record({}, self._fields)))
        return self._told(run)

    def update_run_in_plan_entry(self, run_id: int) -> Response:
        run = self._store.changeable_run(run_id)
        if run["plan_id"] is None or not run["config_ids"]:
            raise Refused(400, "The test run is no configuration of a test plan's entry.")
        self._store.update_runs([run], checked(record({}, self._fields)))
        return self._told(run)

    def close_run(self, run_id: int) -> Response:
        run = self._store.changeable_run(run_id)
        if run["plan_id"] is not None:
            raise Refused(400, "The test run belongs to a test plan: close the plan.")
        self._store.close_run(run)
        return self._told(run)

    def delete_run(self, run_id: int) -> Response:
        if self._store.known_run(run_id)["plan_id"] is not None:
            raise Refused(400, "The test run belongs to a test plan: delete the plan's entry.")
        self._store.delete_runs([run_id])
        return jsonify({})

    def _told(self, run: Row) -> Response:
        return jsonify(self._store.counted(run))
