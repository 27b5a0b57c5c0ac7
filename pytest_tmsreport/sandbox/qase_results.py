"""Qase's results: taken by API v2, all of a batch or none, and listed by v1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from flask import Response, request

from .box import ArrivedResult, ArrivedRun
from .qase_answers import done, hashed, invalid, listing, refusal
from .qase_fields import result_create
from .qase_store import Store
from .site import Refused, Route, json_body

ERROR_CONTEXT, ERROR_CONTEXTS = 262_144, 4_194_304
"""Characters of `execution.error_context`: more in one are cut off, more in a batch are refused."""
LEFT_OUT: dict[str, Any] = {
    "testops_ids": None,
    "fields": {},
    "attachments": [],
    "steps": [],
    "params": {},
    "relations": {},
    "message": None,
}
"""What a result holds that says nothing of it."""


class Results:
    """The endpoints that take and list results."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules
        self._fields = result_create(store.rules, store.box.attachments)

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("POST", "/v2/<code>/run/<int:run_id>/results", self.add_results),
            ("POST", "/v2/<code>/run/<int:run_id>/result", self.add_result),
            ("GET", "/v1/result/<code>", self.results),
        )

    def add_results(self, code: str, run_id: int) -> Response:
        run = self._open_run(code, run_id)
        body = json_body()
        results = body.get("results") if isinstance(body, dict) else None
        if not isinstance(results, list):
            raise invalid("results", "must be a list")
        if len(results) > self._rules.batch_size:
            raise Refused(413, f"A request may hold {self._rules.batch_size} results, not {len(results)}.")
        self._add(run, results, "results.{}")
        return done(status=202)

    def add_result(self, code: str, run_id: int) -> Response:
        run = self._open_run(code, run_id)
        kept = self._add(run, [json_body()], "")[0]
        return done({"case_id": int(kept.cases[0]) if kept.cases else None, "hash": hashed(kept.id)}, status=202)

    def results(self, code: str) -> Response:
        """Without the results that name no case: what Qase makes of those is not known."""
        code, asked = self._store.known_project(code), request.args
        words = asked.get("status", "").split(",")
        with self._box.lock:
            of_run = [row for row in self._box.results.values() if asked.get("run", row.run) == row.run]
        found = [row for row in of_run if "status" not in asked or row.status in words]
        return listing([_result(row, case) for row in found for case in row.cases], total=len(of_run))

    def _open_run(self, code: str, run_id: int) -> ArrivedRun:
        run = self._store.known_run(code, run_id)
        if run.end is not None and not self._rules.takes_results_when_completed:
            raise Refused(400, "Test run is completed and takes no results.")
        if (request.content_length or 0) > self._rules.max_bytes:
            raise Refused(413, f"A request may hold {self._rules.max_bytes} bytes.")
        return run

    def _add(self, run: ArrivedRun, items: list[Any], where: str) -> list[ArrivedResult]:
        """All of them, or none: Qase refuses a whole batch for one wrong field."""
        faults: list[tuple[str, str]] = []
        culprits = []
        for index, item in enumerate(items):
            path = where.format(index)
            of_item = [*self._fields(item, path), *self._late(run, item, path)]
            faults += of_item
            if of_item:
                title = item.get("title") if isinstance(item, dict) else None
                culprits.append((str(title or path), "; ".join(" ".join(fault) for fault in of_item)))
        if faults:
            raise refusal(faults, culprits)
        contexts = [item["execution"].get("error_context") or "" for item in items]
        if sum(map(len, contexts)) > ERROR_CONTEXTS:
            raise Refused(413, f"The error contexts of a request may hold {ERROR_CONTEXTS} characters.")
        kept = []
        with self._box.lock:
            for item, context in zip(items, contexts, strict=True):
                if len(context) > ERROR_CONTEXT:
                    item["execution"]["error_context"] = context[:ERROR_CONTEXT]
                named = item.get("testops_ids") or ([item["testops_id"]] if item.get("testops_id") else [])
                key = item.get("id") or hashed(f"result {len(self._box.results)}")
                cases = tuple(map(str, named))
                body = {**LEFT_OUT, **item}
                result = ArrivedResult(key, run.id, body["execution"]["status"], body["title"], cases, body)
                self._box.add_result(result)
                kept.append(self._box.results[run.id, key])
        return kept

    def _late(self, run: ArrivedRun, item: Any, path: str) -> Iterator[tuple[str, str]]:
        execution = item.get("execution") if isinstance(item, dict) else None
        end = execution.get("end_time") if isinstance(execution, dict) else None
        if isinstance(end, (int, float)) and end < run.start - self._rules.earliest_s:
            yield f"{path}.execution.end_time".lstrip("."), "must not be earlier than the start of the run"


def _result(row: ArrivedResult, case: str) -> dict[str, Any]:
    execution = row.body["execution"]
    return {
        "hash": hashed(row.id),
        "run_id": int(row.run),
        "case_id": int(case),
        "status": row.status,
        "comment": row.body.get("message"),
        "stacktrace": execution.get("stacktrace"),
        "is_api_result": True,
        "time_spent_ms": execution.get("duration") or 0,
        "end_time": None,
        "attachments": [],
        "steps": [],
    }
