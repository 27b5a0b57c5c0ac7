"""Jira's own API, as far as clients of Xray need it: projects, issues with their properties, and searches."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify, request

from .box import Refusal
from .checks import both, record
from .site import Route, json_body
from .xray_fields import PLAN, USER, issue_create
from .xray_graphql import GraphQLError, Json
from .xray_jql import search
from .xray_store import Issue, Store


class Jira:
    """The endpoints below `/rest/api/2`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._box = store.box
        self._rules = store.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/rest/api/2/myself", lambda: jsonify({"name": USER})),
            ("GET", "/rest/api/2/project/<key>", self.project),
            ("GET", "/rest/api/2/search", self.search),
            ("POST", "/rest/api/2/issue", self.create_issue),
            ("GET", "/rest/api/2/issue/<key>", self.issue),
            ("DELETE", "/rest/api/2/issue/<key>", self.delete_issue),
            ("GET", "/rest/api/2/issue/<key>/properties", self.properties),
            ("PUT", "/rest/api/2/issue/<key>/properties/<name>", self.set_property),
            ("POST", "/rest/api/2/issue/<key>/transitions", self.move),
        )

    def project(self, key: str) -> Response:
        if key not in self._rules.projects:
            return _refusal(404, f"No project could be found with key '{key}'.")
        return jsonify({"id": "10000", "key": key, "name": key})

    def search(self) -> Response:
        try:
            with self._box.lock:
                found = search(self._store, request.args.get("jql", ""), "")
        except GraphQLError as error:
            return _refusal(400, str(error))
        wanted = request.args.get("fields", "").split(",")
        rows = [{"id": each.id, "key": each.key, "fields": shown(each, wanted)} for each in found]
        return jsonify({"startAt": 0, "maxResults": 50, "total": len(rows), "issues": rows[:50]})

    def create_issue(self) -> Response:
        body = json_body()
        faults = list(record({"fields": both(record({"issuetype": record({})}), issue_create(self._rules))})(body, ""))
        if faults:
            errors = {path.removeprefix("fields."): fault for path, fault in faults}
            self._box.refuse(Refusal("POST /rest/api/2/issue", 400, str(errors)))
            return _refusal(400, **errors)
        with self._box.lock:
            kind = body["fields"]["issuetype"]["name"]
            made = self._store.add_issue(kind, body["fields"])
            if kind == PLAN:
                self._store.plans[made.key] = []
        answer = jsonify(reference(made))
        answer.status_code = 201
        return answer

    def issue(self, key: str) -> Response:
        found = self._store.issues.get(key)
        if found is None:
            return _refusal(404, "Issue Does Not Exist")
        return jsonify({"id": found.id, "key": key, "fields": shown(found, request.args.get("fields", "").split(","))})

    def delete_issue(self, key: str) -> Response:
        with self._box.lock:
            found = self._store.issues.get(key)
            if found is None:
                return _refusal(404, "Issue Does Not Exist")
            self._store.remove(found)
        return Response(status=204)

    def properties(self, key: str) -> Response:
        found = self._store.issues.get(key)
        if found is None:
            return _refusal(404, "Issue Does Not Exist")
        where = f"{request.url_root}rest/api/2/issue/{key}/properties"
        return jsonify({"keys": [{"key": name, "self": f"{where}/{name}"} for name in found.properties]})

    def set_property(self, key: str, name: str) -> Response:
        found = self._store.issues.get(key)
        if found is None:
            return _refusal(404, "Issue Does Not Exist")
        with self._box.lock:
            is_new = name not in found.properties
            found.properties[name] = json_body()
        return Response(status=201 if is_new else 200)

    def move(self, key: str) -> Response:
        body = json_body()
        wanted = body.get("transition", {}).get("id") if isinstance(body, dict) else None
        run = self._box.runs.get(key)
        if run is None:
            return _refusal(404, "Issue Does Not Exist")
        if wanted not in self._rules.transitions or run.end is not None:
            return _refusal(400, f"It seems that the transition {wanted} is not valid for this issue.")
        run.end = self._store.clock()
        return Response(status=204)


def shown(issue: Issue, fields: list[str]) -> Json:
    """What Jira answers of an issue: these fields of it."""
    known = {"key": issue.key, "issuetype": {"name": issue.kind}, **issue.fields}
    return Json({name: known.get(name) for name in fields})


def reference(issue: Issue) -> dict[str, str]:
    """How an answer names an issue."""
    return {"id": issue.id, "key": issue.key, "self": f"{request.url_root}rest/api/2/issue/{issue.id}"}


def _refusal(status: int, *messages: str, **errors: str) -> Response:
    answer = jsonify({"errorMessages": list(messages), "errors": errors})
    answer.status_code = status
    return answer
