"""TestRail's sections and cases."""

from __future__ import annotations

from flask import Response, jsonify, request

from .checks import each, record
from .site import Refused
from .testrail_answers import checked, invalid, page
from .testrail_fields import case_fields, section_fields
from .testrail_store import Store


class Cases:
    """The methods that list, make and take away sections and cases."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = store.rules

    def get_sections(self, project_id: int) -> Response:
        suite = self._asked_suite(project_id)
        rows = [row for row in self._store.sections.values() if row["suite_id"] == suite]
        return page(self._rules, "sections", rows)

    def add_section(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        body = checked(section_fields(self._rules.suites, self._store.sections))
        return jsonify(self._store.add_section(body))

    def delete_section(self, section_id: int) -> Response:
        self._know_section(section_id)
        self._store.delete_section(section_id)
        return jsonify({})

    def get_cases(self, project_id: int) -> Response:
        suite = self._asked_suite(project_id)
        wanted = {key: int(request.args[key]) for key in ("section_id", "type_id") if key in request.args}
        title = request.args.get("filter", "").lower()
        rows = [
            case
            for case in self._store.cases.values()
            if case["suite_id"] == suite
            and title in case["title"].lower()
            and all(case[key] == value for key, value in wanted.items())
        ]
        return page(self._rules, "cases", rows)

    def get_case(self, case_id: int) -> Response:
        if case_id not in self._store.cases:
            raise invalid("case_id", "is not a valid test case")
        return jsonify(self._store.cases[case_id])

    def add_case(self, section_id: int) -> Response:
        self._know_section(section_id)
        return jsonify(self._store.add_cases(section_id, [checked(case_fields(self._rules))])[0])

    def add_cases(self, section_id: int) -> Response:
        if self._rules.is_old:
            raise Refused(404, "No route is found for this method.")
        self._know_section(section_id)
        body = checked(record({"cases": each(case_fields(self._rules))}))
        return jsonify({"cases": self._store.add_cases(section_id, body["cases"])})

    def _know_section(self, section_id: int) -> None:
        if section_id not in self._store.sections:
            raise invalid("section_id", "is not a valid section")

    def _asked_suite(self, project_id: int) -> int:
        self._store.know_project(project_id)
        return self._store.named_suite(int(request.args["suite_id"]) if "suite_id" in request.args else None)
