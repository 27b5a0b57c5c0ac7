"""Azure's test results."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify, request

from .azure_answers import Row, checked, id_in, listing, missing, part, url
from .azure_fields import HERE, result
from .azure_items import know_items
from .azure_plans import Plans, Point
from .azure_store import Run, Store
from .box import ArrivedResult
from .checks import each
from .site import Refused, Route, json_body


class Results:
    """The endpoints that list, take and change results."""

    def __init__(self, store: Store, plans: Plans) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules
        self._plans = plans

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", f"{HERE}/test/runs/<int:run>/results", self.results),
            ("POST", f"{HERE}/test/runs/<int:run>/results", self.add_results),
            ("PATCH", f"{HERE}/test/runs/<int:run>/results", self.update_results),
            ("GET", f"{HERE}/test/runs/<int:run>/results/<int:row>", self.result),
        )

    def results(self, project: str, run: int) -> Response:
        details = request.args.get("detailsToInclude", "none").lower()
        most = 1000 if details == "none" else 200
        if int(request.args.get("$top", 0)) > most:
            raise Refused(400, f"$top may be {most} at most with these details.")
        found = self._store.rows(self._store.known(run))
        wanted = {each.lower() for each in request.args.get("outcomes", "").split(",") if each}
        rows = [row for row in found if not wanted or str(row.get("outcome")).lower() in wanted]
        return listing([self._shown(row, details) for row in part(rows, most)])

    def result(self, project: str, run: int, row: int) -> Response:
        found = next((each for each in self._store.rows(self._store.known(run)) if each["id"] == row), None)
        if found is None:
            raise missing(f"Test result {row}")
        return jsonify(self._shown(found, request.args.get("detailsToInclude", "none").lower()))

    def add_results(self, project: str, run: int) -> Response:
        found = self._store.known(run)
        rows = self._batch(is_new=True)
        is_planned = "plan" in found.fields
        with self._box.lock:
            points = [self._point(row, found) for row in rows] if is_planned else []
            for row in rows:
                know_items(self._rules, row)
            ids = [next(found.numbers) for _ in rows]
            for index, (row, row_id) in enumerate(zip(rows, ids, strict=True)):
                if is_planned:
                    found.slots[row_id] = self._store.slot(points[index])
                self._keep(found, row_id, row)
        return listing([self._reference(found, row_id) for row_id in ids])

    def update_results(self, project: str, run: int) -> Response:
        found = self._store.known(run)
        rows = self._batch(is_new=False)
        with self._box.lock:
            known = {row["id"] for row in self._store.rows(found)}
            for row in rows:
                if row["id"] not in known:
                    raise missing(f"Test result {row['id']}")
                know_items(self._rules, row)
            for row in rows:
                self._keep(found, row["id"], row)
        return listing([self._reference(found, row["id"]) for row in rows])

    def _batch(self, *, is_new: bool) -> list[Row]:
        if (request.content_length or 0) > self._rules.max_file_bytes:
            raise Refused(413, "The request is too large.")
        body = json_body()
        if not isinstance(body, list) or not body:
            raise Refused(400, "Value cannot be null. Parameter name: results")
        if len(body) > self._rules.max_results:
            raise Refused(413, f"A request may hold {self._rules.max_results} results.")
        rows: list[Row] = checked(each(result(is_new=is_new)), body)
        return rows

    def _point(self, row: Row, run: Run) -> Point:
        wanted = id_in(row, "testPoint") or "0"
        plan = id_in(run.fields, "plan")
        found = next((each for each in self._plans.points if (str(each.id), str(each.plan)) == (wanted, plan)), None)
        if found is None:
            raise missing(f"Test point {wanted}")
        return found

    def _keep(self, run: Run, row_id: int, row: Row) -> None:
        slot = run.slots.get(row_id, {})
        case = id_in(slot, "testCase") or id_in(row, "testCase")
        key = (str(run.id), str(row_id))
        before = self._box.results.pop(key, None)
        self._box.repeats += before is not None
        merged = {**(before.body if before else {}), **slot, **row, "id": row_id}
        title = str(merged.get("testCaseTitle", ""))
        outcome = str(merged.get("outcome", "Unspecified"))
        self._box.add_result(ArrivedResult(key[1], key[0], outcome, title, (case,) if case else (), merged))
        run.updated = self._store.clock()
        run.revision += 1

    def _shown(self, row: Row, details: str) -> Row:
        left_out = set() if details == "subresults" else {"subResults"}
        if not self._rules.lists_points and details != "point":
            left_out.add("testPoint")
        return {key: value for key, value in row.items() if key not in left_out}

    def _reference(self, run: Run, row_id: int) -> Row:
        return {"id": row_id, "url": f"{url(f'test/Runs/{run.id}/Results/{row_id}')}"}
