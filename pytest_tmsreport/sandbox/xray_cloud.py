"""Xray Cloud's API v2: tokens, imports, and the jobs that make Tests; its GraphQL is next door."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify

from .box import Refusal
from .site import Refused, Route, json_body
from .xray_fields import CLIENT_ID, TOKEN, bulk_test
from .xray_graphql import GraphQLError, execute
from .xray_import import take_import
from .xray_jira import reference
from .xray_queries import Queries
from .xray_store import Store


@dataclass
class _Job:
    """A bulk creation of Tests; `asked` counts the questions for its state."""

    result: dict[str, Any]
    asked: int = 0


class Cloud:
    """The endpoints below `/api/v2`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules
        self._queries = Queries(store)
        self._tokens: dict[str, float] = {}
        self._jobs: dict[str, _Job] = {}

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("POST", "/api/v2/authenticate", self.authenticate),
            ("POST", "/api/v2/graphql", self.graphql),
            ("POST", "/api/v2/import/execution", self.import_execution),
            ("POST", "/api/v2/import/test/bulk", self.create_tests),
            ("GET", "/api/v2/import/test/bulk/<job>/status", self.job),
        )

    def knows(self, token: str) -> bool:
        """True for a token that was given and has not run out."""
        return self._tokens.get(token, 0.0) > self._store.clock()

    def authenticate(self) -> Response:
        given = json_body()
        if not isinstance(given, dict) or not {"client_id", "client_secret"} <= set(given):
            return self._plain(400, "Bad Request")
        if (given["client_id"], given["client_secret"]) != (CLIENT_ID, self._rules.client_secret):
            return self._plain(401, "Invalid client credentials!")
        with self._box.lock:
            token = f"{TOKEN}-{len(self._tokens) + 1}"
            self._tokens[token] = self._store.clock() + self._rules.token_lifetime_s
        return Response(
            f'"{token}"', mimetype="application/json"
        )  # and nothing else: clients take off the quotes alone

    def graphql(self) -> Response:
        body = json_body()
        query, variables = (body.get("query"), body.get("variables") or {}) if isinstance(body, dict) else (None, {})
        if not isinstance(query, str) or not isinstance(variables, dict):
            raise Refused(400, "Must provide query string.")
        try:
            with self._box.lock:
                return jsonify({"data": execute(query, variables, self._queries.roots())})
        except GraphQLError as error:
            self._box.refuse(Refusal("POST /graphql", 200, str(error)))
            return jsonify({"errors": [{"message": str(error), "path": list(error.path)}], "data": None})

    def import_execution(self) -> Response:
        execution, _ = take_import(self._store, "cloud")
        return jsonify(reference(execution))

    def create_tests(self) -> Response:
        rows = json_body()
        if not isinstance(rows, list) or not 1 <= len(rows) <= 1000:
            raise Refused(400, "A request may hold 1 to 1000 tests.")
        with self._box.lock:
            if any(job.asked < self._rules.job_polls for job in self._jobs.values()):
                raise Refused(400, "A job to import tests is already in progress for this user.")
            result: dict[str, list[Any]] = {"errors": [], "issues": [], "warnings": []}
            for number, row in enumerate(rows):
                faults = list(bulk_test()(row, ""))
                if faults:
                    result["errors"].append({"elementNumber": number, "errors": dict(faults)})
                    continue
                issue = self._store.add_issue("Test", row["fields"], definition=row.get("unstructured_def"))
                result["issues"].append({"elementNumber": number, **reference(issue)})
            job = f"job-{len(self._jobs) + 1}"
            self._jobs[job] = _Job(result)
        return jsonify({"jobId": job})

    def job(self, job: str) -> Response:
        with self._box.lock:
            found = self._jobs.get(job)
            if found is None:
                raise Refused(404, f"Job {job} not found.")
            found.asked += 1
            if found.asked <= self._rules.job_polls:
                return jsonify({"status": "pending" if found.asked == 1 else "working"})
        errors, issues = found.result["errors"], found.result["issues"]
        status = "successful" if not errors else "partially_successful" if issues else "unsuccessful"
        return jsonify({"status": status, "result": found.result})

    def _plain(self, status: int, words: str) -> Response:
        self._box.refuse(Refusal("POST /authenticate", status, words))
        return Response(words, status, mimetype="text/plain")
