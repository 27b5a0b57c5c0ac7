"""Zephyr Scale Cloud's projects, with the statuses, environments, folders and cases that results refer to."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, jsonify, request

from .checks import one_of, record, text, whole
from .site import Refused, Route
from .zephyr_cloud_answers import case_link, checked, know_project, known_case, link, made, page, project_link
from .zephyr_fields import PROJECT, PROJECT_ID
from .zephyr_site import Case, Row, Site

KINDS = ("TEST_CASE", "TEST_PLAN", "TEST_CYCLE")


class Cases:
    """The endpoints for what results refer to."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rules = site.rules

    def routes(self) -> Iterable[Route]:
        """Method, path and view of each."""
        return (
            ("GET", "/v2/projects", self.projects),
            ("GET", "/v2/projects/<key>", self.project),
            ("GET", "/v2/statuses", self.statuses),
            ("GET", "/v2/statuses/<int:number>", self.status),
            ("GET", "/v2/environments", self.environments),
            ("GET", "/v2/folders", self.folders),
            ("POST", "/v2/folders", self.add_folder),
            ("GET", "/v2/testcases", self.cases),
            ("POST", "/v2/testcases", self.add_case),
            ("GET", "/v2/testcases/<key>", self.case),
            ("GET", "/v2/issuelinks/<key>/testcases", self.cases_of_issue),
        )

    def projects(self) -> Response:
        return page(self._rules, [self._project()])

    def project(self, key: str) -> Response:
        know_project(key)
        return jsonify(self._project())

    def statuses(self) -> Response:
        know_project(request.args.get("projectKey", PROJECT))
        kind = request.args.get("statusType")
        return page(
            self._rules,
            [
                self._status(number, name)
                for each, names in self._site.statuses.items()
                for name, number in names.items()
                if kind in (None, each)
            ],
        )

    def status(self, number: int) -> Response:
        for names in self._site.statuses.values():
            for name, each in names.items():
                if each == number:
                    return jsonify(self._status(number, name))
        raise Refused(404, f"Status {number} was not found")

    def environments(self) -> Response:
        know_project(request.args.get("projectKey", PROJECT))
        return page(
            self._rules,
            [
                {"id": number, "project": project_link(), "name": name, "description": "", "index": number}
                for number, name in enumerate(self._rules.environments, 1)
            ],
        )

    def folders(self) -> Response:
        know_project(request.args.get("projectKey", PROJECT))
        kind = request.args.get("folderType")
        rows = [each for each in self._site.folders.values() if kind in (None, each["kind"])]
        return page(
            self._rules,
            [
                {
                    "id": each["id"],
                    "parentId": each["parent"] or None,
                    "name": each["name"],
                    "index": 0,
                    "folderType": each["kind"],
                    "project": project_link(),
                }
                for each in rows
            ],
        )

    def add_folder(self) -> Response:
        body = checked(
            record(
                {"name": text(shortest=1, longest=255), "projectKey": text(), "folderType": one_of(KINDS)},
                {"parentId": whole(least=1)},
            )
        )
        know_project(body["projectKey"])
        parent = body.get("parentId", 0)
        if parent and parent not in self._site.folders:
            raise Refused(404, f"Folder {parent} was not found")
        name, kind = body["name"], body["folderType"]
        known = ((each["name"], each["kind"], each["parent"]) for each in self._site.folders.values())
        if (name, kind, parent) in known:
            raise Refused(400, f"There is a folder {name!r} already")
        number = self._site.add_folder(name, kind, parent)
        return made({"id": number, "self": link(f"folders/{number}")})

    def cases(self) -> Response:
        know_project(request.args.get("projectKey", PROJECT))
        folder = request.args.get("folderId", 0, type=int)
        cases = [each for each in self._site.cases() if folder in (0, each.folder)]
        return page(self._rules, cases, self._case)

    def add_case(self) -> Response:
        body = checked(record({"projectKey": text(), "name": text(shortest=1, longest=255)}))
        know_project(body["projectKey"])
        added = self._site.add_case(body["name"])
        return made({"id": added.id, "self": link(f"testcases/{added.key}"), "key": added.key})

    def case(self, key: str) -> Response:
        return jsonify(self._case(known_case(self._site, key)))

    def cases_of_issue(self, key: str) -> Response:
        if key not in self._rules.issues:
            raise Refused(404, f"The issue {key} was not found")
        cases = [known_case(self._site, each) for each in self._rules.issues[key]]
        return jsonify([{"key": each.key, "version": 1, "self": case_link(each)["self"]} for each in cases])

    def _project(self) -> Row:
        return {"id": 1, "jiraProjectId": PROJECT_ID, "key": PROJECT, "enabled": self._rules.is_enabled}

    def _status(self, number: int, name: str) -> Row:
        return {
            "id": number,
            "project": project_link(),
            "name": name,
            "description": None,
            "index": number,
            "color": "#888888",
            "archived": False,
            "default": name == "Not Executed",
        }

    def _case(self, case: Case) -> Row:
        reference = {"id": 1, "self": link("priorities/1")}
        fields = {
            "id": case.id,
            "key": case.key,
            "name": case.name,
            "project": project_link(),
            "createdOn": "2026-09-01T08:00:00Z",
            "objective": None,
            "precondition": None,
            "estimatedTime": None,
            "labels": [],
            "priority": reference,
            "status": {"id": 1, "self": link("statuses/1")},
            "customFields": {},
        }
        if case.folder:
            fields["folder"] = {"id": case.folder, "self": link(f"folders/{case.folder}")}
        return fields
