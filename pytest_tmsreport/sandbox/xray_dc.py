"""Xray Data Center's own API, below `/rest/raven`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Response, jsonify, request

from .checks import each, record, text
from .site import Refused, Route, json_body
from .xray_fields import EXECUTION, PLAN, statuses
from .xray_import import take_import
from .xray_jira import reference
from .xray_store import Store


class DataCenter:
    """The endpoints below `/rest/raven/2.0`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("POST", "/rest/raven/2.0/import/execution", self.import_execution),
            ("GET", "/rest/raven/2.0/api/settings/teststatuses", self.statuses),
            ("GET", "/rest/raven/2.0/api/testexec/<key>/test", self.tests_of),
            ("GET", "/rest/raven/2.0/api/testplan/<key>/test", self.planned),
            ("POST", "/rest/raven/2.0/api/testplan/<key>/test", self.plan_tests),
        )

    def import_execution(self) -> Response:
        execution, made = take_import(self._store, "dc")
        return jsonify(
            {
                "testExecIssue": reference(execution),
                "testIssues": {"success": [reference(issue) for issue in made]},
                "infoMessages": [],
            }
        )

    def statuses(self) -> Response:
        names = statuses(self._rules, "dc")
        return jsonify([{"id": number, "rank": number, "name": name} for number, name in enumerate(names)])

    def tests_of(self, key: str) -> Response:
        self._store.known(EXECUTION, key, status=404)
        shown = self._page(self._box.results_of(key))
        return jsonify([{"id": at, "key": row.id, "rank": at, "status": row.status} for at, row in shown])

    def planned(self, key: str) -> Response:
        self._store.known(PLAN, key, status=404)
        shown = self._page(self._store.plans[key])
        return jsonify([{"id": at, "key": test, "rank": at, "latestStatus": "TODO"} for at, test in shown])

    def plan_tests(self, key: str) -> Response:
        self._store.known(PLAN, key, status=404)
        body = json_body()
        faults = list(record({}, {"add": each(text()), "remove": each(text())})(body, ""))
        if faults:
            raise Refused(400, " ".join(faults[0]))
        with self._box.lock:
            added = [self._store.known("Test", test).key for test in body.get("add", [])]
            kept = [test for test in self._store.plans[key] if test not in body.get("remove", [])]
            self._store.plans[key] = list(dict.fromkeys([*kept, *added]))
        return jsonify([])

    def _page(self, rows: list[Any]) -> list[tuple[int, Any]]:
        """The rows that are asked for, each with its place."""
        most = self._rules.page_rows
        limit = min(int(request.args.get("limit", most)), most)
        start = limit * (int(request.args.get("page", 1)) - 1)
        return list(enumerate(rows))[start : start + limit]
