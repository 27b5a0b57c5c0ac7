"""TestRail's test plans: entries that hold runs, one for each configuration."""

from __future__ import annotations

import uuid

from flask import Response, jsonify, request

from .checks import each, record
from .testrail_answers import Row, checked, invalid
from .testrail_fields import PROJECT, run_fields
from .testrail_store import Store, plan_row


class Plans:
    """The methods that make, change and complete plans and their entries."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._fields = run_fields(store.rules)

    def add_plan(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        body = checked(record({"name": self._fields["name"]}, self._fields))
        with self._store.box.lock:
            key = next(self._store.ids)
            self._store.plans[key] = plan_row(body, key)
            return jsonify(self._shown(self._store.plans[key]))

    def get_plan(self, plan_id: int) -> Response:
        return jsonify(self._shown(self._known_plan(plan_id)))

    def close_plan(self, plan_id: int) -> Response:
        plan = self._known_plan(plan_id)
        for run in self._store.runs.values():
            if run["plan_id"] == plan_id:
                self._store.close_run(run)
        plan["is_completed"] = True
        return jsonify(self._shown(plan))

    def add_plan_entry(self, plan_id: int) -> Response:
        plan = self._known_plan(plan_id)
        inner = {**self._fields, "runs": each(record({}, self._fields))}
        body = checked(record({"suite_id": self._fields["suite_id"]}, inner))
        name = body.get("name") or self._store.rules.suites[body["suite_id"]]
        with self._store.box.lock:
            entry_id = str(uuid.uuid4())
            entry: Row = {"id": entry_id, "name": name, "runs": []}
            for part in body.get("runs") or [{}]:
                run = self._store.add_run({**body, **part, "name": name}, request.url_root)
                run.update(plan_id=plan_id, entry_id=entry_id)
                entry["runs"].append(run["id"])
            plan["entries"].append({**entry, "suite_id": body["suite_id"], "description": body.get("description")})
            return jsonify(self._shown(plan)["entries"][-1])

    def update_plan_entry(self, plan_id: int, entry_id: str) -> Response:
        plan = self._known_plan(plan_id)
        entry = _entry(plan, entry_id)
        body = checked(record({}, self._fields))
        self._store.update_runs([self._store.changeable_run(run) for run in entry["runs"]], body)
        return jsonify(_entry(self._shown(plan), entry_id))

    def delete_plan_entry(self, plan_id: int, entry_id: str) -> Response:
        plan = self._known_plan(plan_id)
        entry = _entry(plan, entry_id)
        plan["entries"].remove(entry)
        self._store.delete_runs(entry["runs"])
        return jsonify({})

    def _known_plan(self, plan_id: int) -> Row:
        if plan_id not in self._store.plans:
            raise invalid("plan_id", "is not a valid test plan")
        return self._store.plans[plan_id]

    def _shown(self, plan: Row) -> Row:
        entries = [
            {**entry, "runs": [self._store.counted(self._store.runs[run]) for run in entry["runs"]]}
            for entry in plan["entries"]
        ]
        return {**plan, "project_id": PROJECT, "entries": entries}


def _entry(plan: Row, entry_id: str) -> Row:
    """An entry of a plan. Raises Refused where there is none of that id."""
    found: Row | None = next((entry for entry in plan["entries"] if entry["id"] == entry_id), None)
    if found is None:
        raise invalid("entry_id", "is not a valid entry of the test plan")
    return found
