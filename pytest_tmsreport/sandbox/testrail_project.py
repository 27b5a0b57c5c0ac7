"""What a TestRail instance tells of itself: who asks, the project, its suites and milestones, statuses and fields."""

from __future__ import annotations

from flask import Response, jsonify, request

from .testrail_answers import Row, invalid, page
from .testrail_fields import PROJECT, SEVERAL, STATUSES, UNTESTED
from .testrail_store import Store


class Project:
    """The methods that change nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rules = store.rules

    def get_current_user(self) -> Response:
        return jsonify(self._user())

    def get_user_by_email(self) -> Response:
        if request.args.get("email") != self._rules.user:
            raise invalid("email", "is not a valid email address")
        return jsonify(self._user())

    def get_projects(self) -> Response:
        return page(self._rules, "projects", [self._project()])

    def get_project(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        return jsonify(self._project())

    def get_suites(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        return page(self._rules, "suites", [self._suite(key) for key in self._rules.suites])

    def get_suite(self, suite_id: int) -> Response:
        if suite_id not in self._rules.suites:
            raise invalid("suite_id", "is not a valid test suite")
        return jsonify(self._suite(suite_id))

    def get_statuses(self) -> Response:
        return jsonify(
            [
                {
                    "id": key,
                    "name": name,
                    "label": name.replace("custom_status1", "skipped").title(),
                    "is_system": key in STATUSES,
                    "is_untested": key == UNTESTED,
                    "is_final": key not in (UNTESTED, 4),
                }
                for key, name in self._store.statuses.items()
            ]
        )

    def get_case_fields(self) -> Response:
        name = self._rules.automation_field
        context = {"is_global": False, "project_ids": [PROJECT]}
        field = {"id": 1, "type_id": 1, "name": "automation_id", "system_name": name, "label": "Automation ID"}
        return jsonify([{**field, "is_active": True, "configs": [{"context": context}]}] if name else [])

    def get_result_fields(self) -> Response:
        fields = {"type_id": 1, "is_active": True, "configs": []}
        return jsonify([{"id": key, "system_name": name, **fields} for key, name in self._rules.result_fields.items()])

    def get_case_types(self) -> Response:
        return jsonify([{"id": 3, "name": "Automated", "is_default": True}])

    def get_priorities(self) -> Response:
        return jsonify([{"id": 2, "name": "Medium", "short_name": "Medium", "priority": 2, "is_default": True}])

    def get_templates(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        return jsonify([{"id": 1, "name": "Test Case (Text)", "is_default": True}])

    def get_milestones(self, project_id: int) -> Response:
        self._store.know_project(project_id)
        rows = [{"id": key, "name": name} for key, name in self._rules.milestones.items()]
        return page(self._rules, "milestones", rows)

    def _project(self) -> Row:
        return {
            "id": PROJECT,
            "name": "Shop",
            "announcement": None,
            "is_completed": False,
            "suite_mode": self._rules.suite_mode,
            "url": f"{request.url_root}index.php?/projects/overview/{PROJECT}",
        }

    def _suite(self, key: int) -> Row:
        is_master = key == next(iter(self._rules.suites))
        kinds = {"is_master": is_master, "is_baseline": not is_master and self._rules.suite_mode != SEVERAL}
        return {"id": key, "name": self._rules.suites[key], "project_id": PROJECT, "is_completed": False, **kinds}

    def _user(self) -> Row:
        return {"id": 1, "name": "Sandbox", "email": self._rules.user, "is_active": True}
