"""Qase's test runs."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from flask import Response, request

from .box import ArrivedRun
from .qase_answers import done, invalid, iso, listing, refusal
from .qase_fields import moment, run_create, run_update
from .qase_store import Store
from .site import Refused, Route, json_body

IN_PROGRESS, COMPLETED = 0, 1
_STATUS_WORDS = {
    "in_progress": "in_progress",
    "passed": "passed",
    "failed": "failed",
    "aborted": "aborted",
    "active": "in_progress",
    "complete": "passed",
    "abort": "aborted",
}


class Runs:
    """The endpoints that list, make, change, complete and take away runs."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules
        self._ids = itertools.count(1)
        self._fields = run_create(store.rules, store.values, store.plans)

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/v1/run/<code>", self.runs),
            ("POST", "/v1/run/<code>", self.create_run),
            ("GET", "/v1/run/<code>/<int:run_id>", self.run),
            ("PATCH", "/v1/run/<code>/<int:run_id>", self.update_run),
            ("DELETE", "/v1/run/<code>/<int:run_id>", self.delete_run),
            ("POST", "/v1/run/<code>/<int:run_id>/complete", self.complete),
        )

    def runs(self, code: str) -> Response:
        code = self._store.known_project(code)
        asked = request.args
        with self._box.lock:
            every = [self._entity(run) for run in self._box.runs.values() if run.project == code]
        found = [run for run in reversed(every) if asked.get("search", "").lower() in run["title"].lower()]
        if "status" in asked:
            words = {_STATUS_WORDS.get(word, word) for word in asked["status"].split(",")}
            if not words <= set(_STATUS_WORDS.values()):
                raise invalid("status", f"must be of {', '.join(_STATUS_WORDS)}", status=400)
            found = [run for run in found if run["status_text"] in words]
        return listing(found, total=len(every))

    def create_run(self, code: str) -> Response:
        code = self._store.known_project(code)
        body = json_body()
        faults = list(self._fields(body, ""))
        if faults:
            raise refusal(faults)
        with self._box.lock:
            run_id = next(self._ids)
            start = moment(body.get("start_time") or "") or self._store.clock()
            self._box.add_run(ArrivedRun(str(run_id), body["title"], start, code, body))
        return done({"id": run_id})

    def run(self, code: str, run_id: int) -> Response:
        return done(self._entity(self._store.known_run(code, run_id)))

    def update_run(self, code: str, run_id: int) -> Response:
        body = json_body()
        faults = list(run_update(self._rules, self._store.values)(body, ""))
        if faults:
            raise refusal(faults, status=400)
        with self._box.lock:
            run = self._store.known_run(code, run_id)
            run.body = {**run.body, **self._box.mask({key: value for key, value in body.items() if value is not None})}
            run.title = run.body["title"]
        return done()

    def delete_run(self, code: str, run_id: int) -> Response:
        with self._box.lock:
            run = self._store.known_run(code, run_id)
            self._box.remove_run(run.id)
        return done({"id": run_id})

    def complete(self, code: str, run_id: int) -> Response:
        with self._box.lock:
            run = self._store.known_run(code, run_id)
            if run.end is not None:
                raise Refused(422, "Test run is already completed.")
            run.end = self._store.clock()
        return done()

    def _entity(self, run: ArrivedRun) -> dict[str, Any]:
        results = self._box.results_of(run.id)
        statuses = self._box.counts(results)
        body = run.body
        ended = "failed" if statuses.get("failed") or statuses.get("invalid") else "passed"
        entity = {
            "id": int(run.id),
            "run_id": int(run.id),
            "title": run.title,
            "description": body.get("description"),
            "status": IN_PROGRESS if run.end is None else COMPLETED,
            "status_text": "in_progress" if run.end is None else ended,
            "start_time": iso(run.start),
            "end_time": None if run.end is None else iso(run.end),
            "public": False,
            "stats": {"total": len(results), "statuses": statuses},
            "time_spent": sum(result.body["execution"].get("duration") or 0 for result in results),
            "elapsed_time": 0 if run.end is None else max(round(1000 * (run.end - run.start)), 0),
            "environment": self._environment(body),
            "milestone": None,
            "custom_fields": [{"id": int(key), "value": value} for key, value in body.get("custom_field", {}).items()],
            "tags": [{"title": tag, "internal_id": index} for index, tag in enumerate(body.get("tags", []), 1)],
            "plan_id": body.get("plan_id"),
            "configurations": body.get("configurations", []),
        }
        if "milestone_id" in body:
            entity["milestone"] = {"title": self._rules.milestones[body["milestone_id"]], "description": ""}
        if "cases" in request.args.get("include", "").split(","):
            named = [int(case) for result in results for case in result.cases]
            planned = self._store.plans.get(body.get("plan_id"), ())
            entity["cases"] = sorted({*body.get("cases", []), *planned, *named})
        return entity

    def _environment(self, body: dict[str, Any]) -> dict[str, str] | None:
        for slug, number in self._rules.environments.items():
            if slug == body.get("environment_slug") or number == body.get("environment_id"):
                return {"title": slug.title(), "description": "", "slug": slug, "host": ""}
        return None
