"""TestRail, as its API v2 articles and its official command line describe it."""

from __future__ import annotations

import hashlib
import itertools
import math
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from flask import Flask, Response, jsonify, request

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box
from .checks import Check, each, record
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app
from .testrail_fields import (
    AN_ID,
    PROJECT,
    SEVERAL,
    STATUSES,
    TOKEN,
    UNTESTED,
    USER,
    Rules,
    case_fields,
    result_fields,
    run_fields,
    section_fields,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["PROJECT", "TOKEN", "USER", "Rules", "create", "environment", "error_body"]

PAGE_ROWS = 250
FIRST_PLANNED = 901
"""The run of the first plan that has one from the start; those that are made get higher numbers."""
Row = dict[str, Any]


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """An instance with one project; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("testrail", secrets=(rules.token,))
    return _Site(box, _Instance(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `testrail` at that address."""
    return {
        "TMSREPORT_TESTRAIL_URL": url,
        "TMSREPORT_TESTRAIL_USER": USER,
        "TMSREPORT_TESTRAIL_TOKEN": TOKEN,
        "TMSREPORT_TESTRAIL_PROJECT": str(PROJECT),
        "TMSREPORT_TESTRAIL_CREATE_CASES": "true",
    }


def error_body(status: int, text: str) -> dict[str, Any]:  # noqa: ARG001 - TestRail's shape has no place for it
    """The JSON of an error."""
    return {"error": text}


class _Site(Sandbox):
    """A sandbox whose every address is `index.php` with the path as its query."""

    def is_page(self, environ: WSGIEnvironment) -> bool:
        return super().is_page(_routed(environ))


def _routed(environ: WSGIEnvironment) -> WSGIEnvironment:
    """The environ with the path where WSGI has it: `?/api/v2/get_cases/1&limit=2` is a path and its query."""
    if environ.get("PATH_INFO") != "/index.php":
        return environ
    path, _, query = environ.get("QUERY_STRING", "").partition("&")
    inner = unquote_plus(path).encode().decode("latin-1")
    return {**environ, "PATH_INFO": inner or "/", "QUERY_STRING": query}


class _Instance:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_minute, clock)
        self._ids = itertools.count(1001)
        self._statuses = {**STATUSES, **rules.statuses}
        first = next(iter(rules.suites))
        self._sections: dict[int, Row] = {
            suite: _section(suite, "Test cases", suite, None, 0) for suite in rules.suites
        }
        self._cases: dict[int, Row] = {}
        for number in range(1, rules.cases + 1):
            own = {rules.automation_field: rules.automation.get(number)} if rules.automation_field else {}
            self._cases[number] = self._case(number, first, {"title": f"Case {number}", **own})
        self._runs: dict[int, Row] = {}
        self._chosen: dict[int, set[int]] = {}  # run -> its cases, where it does not include all
        self._tests: dict[int, tuple[int, int]] = {}  # test -> run and case
        self._test_ids: dict[tuple[int, int], int] = {}
        self._results: dict[int, Row] = {}
        self._files: dict[str, Row] = {}
        self._plans: dict[int, Row] = {key: self._plan({"name": name}, key) for key, name in rules.plans.items()}
        for run_id, (plan, cases) in enumerate(rules.planned.items(), FIRST_PLANNED):
            self._add_planned(run_id, self._plans[plan], set(cases), first)

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit, run_page="/runs/view/<run_id>")
        inner = app.wsgi_app

        def at_index(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return inner(_routed(environ), start_response)

        app.wsgi_app = at_index  # type: ignore[method-assign]
        for method, names in _ENDPOINTS.items():
            for name, parameters in names.items():
                path = "/".join(["/api/v2", name, *(f"<int:{parameter}>" for parameter in parameters)])
                path = path.replace("<int:entry_id>", "<entry_id>")
                view = getattr(self, name)
                app.add_url_rule(path, f"api {name}", view, methods=[method], provide_automatic_options=False)
        return app

    def get_current_user(self) -> Response:
        return jsonify(self._user())

    def get_user_by_email(self) -> Response:
        if request.args.get("email") != self._rules.user:
            raise _invalid("email", "is not a valid email address")
        return jsonify(self._user())

    def get_projects(self) -> Response:
        return self._page("projects", [self._project()])

    def get_project(self, project_id: int) -> Response:
        self._know_project(project_id)
        return jsonify(self._project())

    def get_suites(self, project_id: int) -> Response:
        self._know_project(project_id)
        return self._page("suites", [self._suite(key) for key in self._rules.suites])

    def get_suite(self, suite_id: int) -> Response:
        if suite_id not in self._rules.suites:
            raise _invalid("suite_id", "is not a valid test suite")
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
                for key, name in self._statuses.items()
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
        self._know_project(project_id)
        return jsonify([{"id": 1, "name": "Test Case (Text)", "is_default": True}])

    def get_milestones(self, project_id: int) -> Response:
        self._know_project(project_id)
        return self._page("milestones", [{"id": key, "name": name} for key, name in self._rules.milestones.items()])

    def get_sections(self, project_id: int) -> Response:
        suite = self._asked_suite(project_id)
        return self._page("sections", [row for row in self._sections.values() if row["suite_id"] == suite])

    def add_section(self, project_id: int) -> Response:
        self._know_project(project_id)
        body = _checked(section_fields(self._rules.suites, self._sections))
        with self._box.lock:
            parent = self._sections.get(body.get("parent_id") or 0)
            suite = parent["suite_id"] if parent else self._named_suite(body.get("suite_id"))
            key, depth = next(self._ids), parent["depth"] + 1 if parent else 0
            self._sections[key] = _section(key, body["name"], suite, body.get("parent_id"), depth)
            return jsonify(self._sections[key])

    def delete_section(self, section_id: int) -> Response:
        self._know_section(section_id)
        with self._box.lock:
            del self._sections[section_id]
            self._cases = {key: case for key, case in self._cases.items() if case["section_id"] != section_id}
        return jsonify({})

    def get_cases(self, project_id: int) -> Response:
        suite = self._asked_suite(project_id)
        wanted = {key: int(request.args[key]) for key in ("section_id", "type_id") if key in request.args}
        title = request.args.get("filter", "").lower()
        return self._page(
            "cases",
            [
                case
                for case in self._cases.values()
                if case["suite_id"] == suite
                and title in case["title"].lower()
                and all(case[key] == value for key, value in wanted.items())
            ],
        )

    def get_case(self, case_id: int) -> Response:
        if case_id not in self._cases:
            raise _invalid("case_id", "is not a valid test case")
        return jsonify(self._cases[case_id])

    def add_case(self, section_id: int) -> Response:
        self._know_section(section_id)
        return jsonify(self._added(section_id, [_checked(case_fields(self._rules))])[0])

    def add_cases(self, section_id: int) -> Response:
        if self._rules.is_old:
            raise Refused(404, "No route is found for this method.")
        self._know_section(section_id)
        body = _checked(record({"cases": each(case_fields(self._rules))}))
        return jsonify({"cases": self._added(section_id, body["cases"])})

    def get_runs(self, project_id: int) -> Response:
        self._know_project(project_id)
        runs = [self._run(row) for row in reversed(self._runs.values()) if row["plan_id"] is None]
        if "is_completed" in request.args:
            runs = [run for run in runs if str(int(run["is_completed"])) == request.args["is_completed"]]
        return self._page("runs", runs)

    def get_run(self, run_id: int) -> Response:
        return jsonify(self._run(self._known_run(run_id)))

    def add_run(self, project_id: int) -> Response:
        self._know_project(project_id)
        body = _checked(record({"name": self._of_run()["name"]}, self._of_run()))
        with self._box.lock:
            return jsonify(self._run(self._opened(body)))

    def update_run(self, run_id: int) -> Response:
        run = self._open_run(run_id)
        if run["plan_id"] is not None:
            raise Refused(400, "The test run belongs to a test plan: update the plan's entry.")
        self._update([run], _checked(record({}, self._of_run())))
        return jsonify(self._run(run))

    def close_run(self, run_id: int) -> Response:
        run = self._open_run(run_id)
        if run["plan_id"] is not None:
            raise Refused(400, "The test run belongs to a test plan: close the plan.")
        self._close(run)
        return jsonify(self._run(run))

    def delete_run(self, run_id: int) -> Response:
        if self._known_run(run_id)["plan_id"] is not None:
            raise Refused(400, "The test run belongs to a test plan: delete the plan's entry.")
        return self._delete([run_id])

    def add_plan(self, project_id: int) -> Response:
        self._know_project(project_id)
        body = _checked(record({"name": self._of_run()["name"]}, self._of_run()))
        with self._box.lock:
            key = next(self._ids)
            self._plans[key] = self._plan(body, key)
            return jsonify(self._shown(self._plans[key]))

    def get_plan(self, plan_id: int) -> Response:
        return jsonify(self._shown(self._known_plan(plan_id)))

    def add_plan_entry(self, plan_id: int) -> Response:
        plan = self._known_plan(plan_id)
        inner = {**self._of_run(), "runs": each(record({}, self._of_run()))}
        body = _checked(record({"suite_id": self._of_run()["suite_id"]}, inner))
        with self._box.lock:
            entry_id = str(uuid.uuid4())
            entry: Row = {"id": entry_id, "name": body.get("name") or self._rules.suites[body["suite_id"]], "runs": []}
            for part in body.get("runs") or [{}]:
                run = self._opened({**body, **part, "name": entry["name"]})
                run.update(plan_id=plan_id, entry_id=entry_id)
                entry["runs"].append(run["id"])
            plan["entries"].append({**entry, "suite_id": body["suite_id"], "description": body.get("description")})
            return jsonify(self._shown(plan)["entries"][-1])

    def update_plan_entry(self, plan_id: int, entry_id: str) -> Response:
        plan = self._known_plan(plan_id)
        entry = next((each for each in plan["entries"] if each["id"] == entry_id), None)
        if entry is None:
            raise _invalid("entry_id", "is not a valid entry of the test plan")
        body = _checked(record({}, self._of_run()))
        self._update([self._open_run(run) for run in entry["runs"]], body)
        return jsonify(next(each for each in self._shown(plan)["entries"] if each["id"] == entry_id))

    def delete_plan_entry(self, plan_id: int, entry_id: str) -> Response:
        plan = self._known_plan(plan_id)
        entry = next((each for each in plan["entries"] if each["id"] == entry_id), None)
        if entry is None:
            raise _invalid("entry_id", "is not a valid entry of the test plan")
        plan["entries"].remove(entry)
        return self._delete(entry["runs"])

    def update_run_in_plan_entry(self, run_id: int) -> Response:
        run = self._open_run(run_id)
        if run["plan_id"] is None or not run["config_ids"]:
            raise Refused(400, "The test run is no configuration of a test plan's entry.")
        self._update([run], _checked(record({}, self._of_run())))
        return jsonify(self._run(run))

    def close_plan(self, plan_id: int) -> Response:
        plan = self._known_plan(plan_id)
        for run in self._runs.values():
            if run["plan_id"] == plan_id:
                self._close(run)
        plan["is_completed"] = True
        return jsonify(self._shown(plan))

    def get_tests(self, run_id: int) -> Response:
        run = self._known_run(run_id)
        tests = []
        with self._box.lock:
            latest = {row["test_id"]: row["status_id"] for row in self._results.values()}
            for case in sorted(self._cases_of(run)):
                test = self._test(run["id"], case)
                own = {key: value for key, value in self._cases[case].items() if key not in ("id", "section_id")}
                row = {"id": test, "case_id": case, "run_id": run["id"], "status_id": latest.get(test, UNTESTED)}
                tests.append({**own, **row})
        if "status_id" in request.args:
            tests = [test for test in tests if str(test["status_id"]) in request.args["status_id"].split(",")]
        return self._page("tests", tests)

    def get_results(self, test_id: int) -> Response:
        return self._listed([test_id])

    def get_results_for_case(self, run_id: int, case_id: int) -> Response:
        return self._listed([self._known_test(self._known_run(run_id), case_id)])

    def get_results_for_run(self, run_id: int) -> Response:
        run = self._known_run(run_id)
        return self._listed([self._test(run["id"], case) for case in self._cases_of(run)])

    def add_result(self, test_id: int) -> Response:
        run_id, _ = self._tests.get(test_id, (0, 0))
        body = self._of_result({})
        return self._add(self._open_run(run_id), [{**body, "test_id": test_id}])[0]

    def add_result_for_case(self, run_id: int, case_id: int) -> Response:
        body = self._of_result({})
        return self._add(self._open_run(run_id), [{**body, "case_id": case_id}])[0]

    def add_results(self, run_id: int) -> Response:
        return self._add(self._open_run(run_id), self._of_results("test_id"))[1]

    def add_results_for_cases(self, run_id: int) -> Response:
        return self._add(self._open_run(run_id), self._of_results("case_id"))[1]

    def add_attachment_to_result(self, result_id: int) -> Response:
        if result_id not in self._results:
            raise _invalid("result_id", "is not a valid test result")
        return self._attached({"result_id": result_id, "test_id": self._results[result_id]["test_id"]})

    def add_attachment_to_run(self, run_id: int) -> Response:
        return self._attached({"run_id": self._known_run(run_id)["id"]})

    def get_attachments_for_run(self, run_id: int) -> Response:
        self._known_run(run_id)
        return self._page("attachments", [row for row in self._files.values() if self._run_of(row) == run_id])

    def get_attachments_for_test(self, test_id: int) -> Response:
        return jsonify([row for row in self._files.values() if row.get("test_id") == test_id])

    def _admit(self) -> None:
        login = request.authorization
        if login is None or (login.username, login.password) != (self._rules.user, self._rules.token):
            raise Refused(401, "Authentication failed: wrong user, password or API key.")
        is_file = "/add_attachment" in request.path
        if not is_file and request.mimetype != "application/json":
            raise Refused(400, "The header Content-Type is missing or is not application/json.")
        if not is_file and (request.content_length or 0) > self._rules.max_bytes:
            raise Refused(413, f"A request may hold {self._rules.max_bytes} bytes.")
        _, wait_s = self._rate.take()
        if wait_s:
            raise Refused(429, "API rate limit reached.", headers={"Retry-After": str(math.ceil(wait_s))})

    def _page(self, key: str, rows: list[Row]) -> Response:
        if self._rules.is_old:
            return jsonify(rows)
        limit, offset = _asked("limit", PAGE_ROWS, 1, PAGE_ROWS), _asked("offset", 0, 0, 10**9)
        shown = rows[offset : offset + limit]
        kept = "".join(f"&{name}={value}" for name, value in request.args.items() if name not in ("limit", "offset"))

        def link(start: int) -> str | None:
            return f"{request.path}{kept}&limit={limit}&offset={start}" if 0 <= start < len(rows) else None

        links = {"next": link(offset + limit), "prev": link(offset - limit)}
        return jsonify({"offset": offset, "limit": limit, "size": len(shown), "_links": links, key: shown})

    def _listed(self, tests: Iterable[int]) -> Response:
        wanted = set(tests)
        rows = [row for row in reversed(self._results.values()) if row["test_id"] in wanted]
        return self._page("results", rows)

    def _know_project(self, project_id: int) -> None:
        if project_id != PROJECT:
            raise _invalid("project_id", "is not a valid or accessible project")

    def _know_section(self, section_id: int) -> None:
        if section_id not in self._sections:
            raise _invalid("section_id", "is not a valid section")

    def _known_run(self, run_id: int) -> Row:
        if run_id not in self._runs:
            raise _invalid("run_id", "is not a valid test run")
        return self._runs[run_id]

    def _open_run(self, run_id: int) -> Row:
        run = self._known_run(run_id)
        if run["is_completed"]:
            raise Refused(400, "The test run is completed and cannot be changed.")
        return run

    def _known_plan(self, plan_id: int) -> Row:
        if plan_id not in self._plans:
            raise _invalid("plan_id", "is not a valid test plan")
        return self._plans[plan_id]

    def _known_test(self, run: Row, case: int) -> int:
        if case not in self._cases_of(run):
            raise _unknown_case(f"case C{case}")
        return self._test(run["id"], case)

    def _asked_suite(self, project_id: int) -> int:
        self._know_project(project_id)
        return self._named_suite(int(request.args["suite_id"]) if "suite_id" in request.args else None)

    def _named_suite(self, suite: int | None) -> int:
        if suite is None and self._rules.suite_mode == SEVERAL:
            raise _invalid("suite_id", "is a required field")
        if suite is not None and suite not in self._rules.suites:
            raise _invalid("suite_id", "is not a valid test suite")
        return suite or next(iter(self._rules.suites))

    def _of_run(self) -> dict[str, Check]:
        return run_fields(self._rules, self._rules.suites, self._rules.milestones)

    def _of_result(self, required: Mapping[str, Check]) -> Row:
        fields = result_fields(self._statuses)
        body: Row = _checked(record({**required, "status_id": fields["status_id"]}, fields))
        return body

    def _of_results(self, key: str) -> list[Row]:
        fields = result_fields(self._statuses)
        row = record({key: AN_ID, "status_id": fields["status_id"]}, fields)
        rows: list[Row] = _checked(record({"results": each(row)}))["results"]
        if not rows:
            raise _invalid("results", "cannot be empty but no valid tests or cases found")
        return rows

    def _add_planned(self, key: int, plan: Row, cases: set[int], suite: int) -> None:
        """A run that is there before anybody reports, and so is not in the box."""
        entry_id = str(uuid.UUID(int=key))
        self._chosen[key] = cases
        self._runs[key] = {
            **self._run_row(key, suite, {"name": plan["name"], "include_all": False}, ""),
            "plan_id": plan["id"],
            "entry_id": entry_id,
        }
        entry = {"id": entry_id, "name": plan["name"], "runs": [key], "suite_id": suite, "description": None}
        plan["entries"].append(entry)

    def _opened(self, body: Row) -> Row:
        key = next(self._ids)
        suite = self._named_suite(int(body["suite_id"]) if body.get("suite_id") else None)
        self._chosen[key] = self._valid(body.get("case_ids") or [], suite)
        self._runs[key] = run = self._run_row(key, suite, body, request.url_root)
        self._box.add_run(ArrivedRun(str(key), body["name"], self._clock(), str(PROJECT), body))
        return run

    def _run_row(self, key: int, suite: int, body: Row, root: str) -> Row:
        return {
            "id": key,
            "suite_id": suite,
            "name": body["name"],
            "description": body.get("description"),
            "milestone_id": body.get("milestone_id"),
            "assignedto_id": body.get("assignedto_id"),
            "include_all": body.get("include_all", True),
            "is_completed": False,
            "completed_on": None,
            "config": ", ".join(self._rules.configs[each] for each in body.get("config_ids") or []) or None,
            "config_ids": body.get("config_ids") or [],
            "project_id": PROJECT,
            "plan_id": None,
            "entry_id": None,
            "refs": body.get("refs"),
            "created_on": round(self._clock()),
            "created_by": 1,
            "url": f"{root}index.php?/runs/view/{key}",
        }

    def _delete(self, runs: list[int]) -> Response:
        with self._box.lock:
            for run in runs:
                del self._runs[run], self._box.runs[str(run)]
                for key in [key for key, row in self._results.items() if self._tests[row["test_id"]][0] == run]:
                    del self._results[key], self._box.results[str(run), str(key)]
        return jsonify({})

    def _update(self, runs: list[Row], body: Row) -> None:
        with self._box.lock:
            chosen = {run["id"]: self._valid(body.get("case_ids") or [], run["suite_id"]) for run in runs}
            for run in runs:
                run.update({key: body[key] for key in body if key in run and key not in ("suite_id", "config_ids")})
                if "case_ids" in body:
                    self._chosen[run["id"]] = chosen[run["id"]]

    def _valid(self, cases: list[int], suite: int) -> set[int]:
        known = {case for case in cases if case in self._cases and self._cases[case]["suite_id"] == suite}
        if known != set(cases) and self._rules.unknown_in_run == "refused":
            raise _invalid("case_ids", "contains one or more cases that are not part of the test suite")
        return known

    def _cases_of(self, run: Row) -> set[int]:
        if run["include_all"]:
            return {key for key, case in self._cases.items() if case["suite_id"] == run["suite_id"]}
        return self._chosen[run["id"]]

    def _test(self, run: int, case: int) -> int:
        with self._box.lock:
            if (run, case) not in self._test_ids:
                self._test_ids[run, case] = next(self._ids)
                self._tests[self._test_ids[run, case]] = run, case
            return self._test_ids[run, case]

    def _add(self, run: Row, rows: list[Row]) -> tuple[Response, Response]:
        """All of them, or none; the answer to one, and to many."""
        with self._box.lock:
            cases = self._cases_of(run)
            placed = [self._placed(run, row) for row in rows]
            for row, case in zip(rows, placed, strict=True):
                if case not in cases:
                    raise _unknown_case(f"case C{case}" if "case_id" in row else f"test T{row['test_id']}")
            answer = [self._kept(run["id"], case, row) for row, case in zip(rows, placed, strict=True)]
        return jsonify(answer[0]), jsonify(answer)

    def _placed(self, run: Row, row: Row) -> int:
        if "case_id" in row:
            return int(row["case_id"])
        of_run, case = self._tests.get(row["test_id"], (0, 0))
        return case if of_run == run["id"] else 0

    def _kept(self, run: int, case: int, row: Row) -> Row:
        key = next(self._ids)
        texts = {name: row.get(name) for name in ("comment", "version", "elapsed", "defects", "assignedto_id")}
        custom = {name: value for name, value in row.items() if name.startswith("custom_")}
        made = {"id": key, "test_id": self._test(run, case), "status_id": row["status_id"]}
        self._results[key] = {**made, "created_by": 1, "created_on": round(self._clock()), **texts, **custom}
        title, status = self._cases[case]["title"], self._statuses[row["status_id"]]
        self._box.add_result(ArrivedResult(str(key), str(run), status, title, (str(case),), row))
        return self._results[key]

    def _attached(self, of: Row) -> Response:
        file = request.files.get("attachment")
        if file is None:
            raise _invalid("attachment", "is a required field")
        content = file.read()
        if len(content) > self._rules.file_bytes:
            raise Refused(413, f"A file may hold {self._rules.file_bytes} bytes.")
        with self._box.lock:
            key: int | str = str(uuid.uuid4()) if self._rules.has_text_ids else next(self._ids)
            name, sha256 = file.filename or "", hashlib.sha256(content).hexdigest()
            self._files[str(key)] = {"id": key, "name": name, "filename": name, "size": len(content), **of}
            self._box.add_attachment(ArrivedFile(str(key), name, file.mimetype, len(content), sha256))
        return jsonify({"attachment_id": key})

    def _run_of(self, file: Row) -> int:
        return int(file.get("run_id") or self._tests.get(file["test_id"], (0, 0))[0])

    def _close(self, run: Row) -> None:
        run.update(is_completed=True, completed_on=round(self._clock()))
        self._box.runs[str(run["id"])].end = self._clock()

    def _added(self, section: int, bodies: list[Row]) -> list[Row]:
        with self._box.lock:
            made = [self._case(next(self._ids), section, body) for body in bodies]
            self._cases.update({case["id"]: case for case in made})
        return made

    def _case(self, key: int, section: int, body: Row) -> Row:
        custom = {name: value for name, value in body.items() if name.startswith("custom_")}
        fixed = {"template_id": 1, "type_id": 3, "priority_id": 2, "milestone_id": None, "refs": None}
        given = {name: body.get(name) or value for name, value in fixed.items()}
        place = {"id": key, "title": body["title"], "section_id": section}
        return {**place, "suite_id": self._sections[section]["suite_id"], **given, **custom}

    def _run(self, row: Row) -> Row:
        with self._box.lock:
            tests = {self._test(row["id"], case) for case in self._cases_of(row)}
            latest = {each["test_id"]: each["status_id"] for each in self._results.values() if each["test_id"] in tests}
        counts = dict.fromkeys((f"{name}_count" for name in self._statuses.values()), 0)
        for status in latest.values():
            counts[f"{self._statuses[status]}_count"] += 1
        return {**row, **counts, "untested_count": len(tests) - len(latest)}

    def _plan(self, body: Row, key: int) -> Row:
        fields = {"description": body.get("description"), "milestone_id": body.get("milestone_id")}
        return {"id": key, "name": body["name"], **fields, "is_completed": False, "entries": []}

    def _shown(self, plan: Row) -> Row:
        entries = [
            {**entry, "runs": [self._run(self._runs[run]) for run in entry["runs"]]} for entry in plan["entries"]
        ]
        return {**plan, "project_id": PROJECT, "entries": entries}

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


_PROJECT, _RUN, _PLAN = ("project_id",), ("run_id",), ("plan_id",)
_ENDPOINTS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "GET": {
        **dict.fromkeys(("get_current_user", "get_user_by_email", "get_projects", "get_statuses"), ()),
        **dict.fromkeys(("get_case_fields", "get_result_fields", "get_case_types", "get_priorities"), ()),
        **dict.fromkeys(("get_project", "get_suites", "get_templates", "get_milestones"), _PROJECT),
        **dict.fromkeys(("get_sections", "get_cases", "get_runs"), _PROJECT),
        **dict.fromkeys(("get_run", "get_tests", "get_results_for_run", "get_attachments_for_run"), _RUN),
        **dict.fromkeys(("get_results", "get_attachments_for_test"), ("test_id",)),
        "get_suite": ("suite_id",),
        "get_case": ("case_id",),
        "get_plan": _PLAN,
        "get_results_for_case": ("run_id", "case_id"),
    },
    "POST": {
        **dict.fromkeys(("add_section", "add_run", "add_plan"), _PROJECT),
        **dict.fromkeys(("add_case", "add_cases", "delete_section"), ("section_id",)),
        **dict.fromkeys(("update_run", "close_run", "update_run_in_plan_entry", "delete_run"), _RUN),
        **dict.fromkeys(("add_results", "add_results_for_cases", "add_attachment_to_run"), _RUN),
        **dict.fromkeys(("add_plan_entry", "close_plan"), _PLAN),
        **dict.fromkeys(("update_plan_entry", "delete_plan_entry"), ("plan_id", "entry_id")),
        "add_result": ("test_id",),
        "add_result_for_case": ("run_id", "case_id"),
        "add_attachment_to_result": ("result_id",),
    },
}


def _section(key: int, name: str, suite: int, parent: int | None, depth: int) -> Row:
    return {"id": key, "name": name, "suite_id": suite, "parent_id": parent, "depth": depth, "description": None}


def _checked(check: Check) -> Any:
    body = json_body()
    for path, fault in check(body, ""):
        raise _invalid(path, fault.replace("is required", "is a required field"))
    return body


def _invalid(path: str, fault: str) -> Refused:
    return Refused(400, f"Field :{path} {fault}.")


def _unknown_case(what: str) -> Refused:
    reason = f"{what} unknown or not part of the test run"
    text = f"Field :results contains one or more invalid results ({reason})"
    return Refused(400, text, culprits=[(what.rsplit(maxsplit=1)[-1], reason)])


def _asked(name: str, default: int, least: int, most: int) -> int:
    raw = request.args.get(name, str(default))
    if not (raw.isdecimal() and least <= int(raw) <= most):
        raise _invalid(name, f"must be from {least} to {most}")
    return int(raw)
