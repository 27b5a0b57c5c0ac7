"""Vansah Test Management for Jira, as its help pages and its official command-line tool show it: API v2."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box, Refusal, read_json
from .checks import Check
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app
from .vansah_fields import (
    ISSUE,
    NAME,
    PROJECT,
    RESULTS,
    TOKEN,
    Rules,
    in_folder,
    log_create,
    log_update,
    report,
    run_create,
)

__all__ = ["TOKEN", "Rules", "create", "environment", "error_body"]

PAGE_LIMIT = 100
TARGETS = {"jiraIssueKey": "issue", "testFolderPath": "folder", "standardTestPlanKey": "plannedRun"}
CODES = {401: 1204, 403: 1102, 429: 1313}
WORDS = {"passed": "PASSED", "failed": "FAILED", "skipped": "N/A", "pending": "UNTESTED", "undefined": "UNTESTED"}


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A workspace; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("vansah", secrets=(rules.token,))
    return Sandbox(box, _Workspace(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `vansah` at that address."""
    return {
        "TMSREPORT_VANSAH_URL": url,
        "TMSREPORT_VANSAH_TOKEN": TOKEN,
        "TMSREPORT_VANSAH_PROJECT": PROJECT,
        "TMSREPORT_VANSAH_ASSET": ISSUE,
    }


def error_body(status: int, text: str) -> dict[str, Any]:
    """The JSON of an error."""
    code = {"errorCode": CODES[status]} if status in CODES else {}
    return {"success": False, **code, "message": text}


class _Workspace:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_minute, clock)
        self._logs: dict[str, tuple[str, int]] = {}  # log -> run and step

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit)
        for method, path, view in (
            ("GET", "/api/v2/testFolders", self.folders),
            ("GET", "/api/v2/testCase/list/testScripts", self.script),
            ("POST", "/api/v2/cucumber/import", self.add_report),
            ("POST", "/api/v2/run", self.add_run),
            ("POST", "/api/v2/logs", self.add_log),
            ("PUT", "/api/v2/logs/<log_id>", self.change_log),
        ):
            endpoint = f"{method} {path}".replace(".", "_")
            app.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
        app.add_url_rule("/api/v1/<path:_>", "v1", self.old, methods=["GET", "POST", "PUT", "DELETE"])
        return app

    def folders(self) -> Response:
        self._in_project(request.args)
        kind, start, limit = (request.args.get(key, "") for key in ("type", "startAt", "limit"))
        if kind not in ("list", "issue"):
            raise self._refused(1002, "type must be list or issue")
        if not (start.isdecimal() and limit.isdecimal() and 1 <= int(limit) <= PAGE_LIMIT):
            raise self._refused(1003, "Invalid offset or limit")
        names = self._rules.folders if kind == "list" else self._rules.issues
        rows = [
            {
                "identifier": _hash(name),
                "name": name.rpartition("/")[2],
                "parentIdentifier": _hash(name.rpartition("/")[0]) if "/" in name else None,
            }
            for name in names
        ]
        shown = rows[int(start) : int(start) + int(limit)]
        return jsonify({"success": True, "data": shown, "pagination": {"total": len(rows)}})

    def script(self) -> Response:
        key = request.args.get("caseKey", "")
        steps = [{"number": number, "identifier": _hash(f"{key} {number}")} for number in self._steps(key)]
        return jsonify({"success": True, "data": {"steps": steps}})

    def add_report(self) -> Response:
        form = request.form
        file = request.files.get("Testpath")
        if form.get("Testformat") != "Cucumber_json" or file is None:
            raise self._refused(1002, "Testformat and Testpath are required")
        self._in_project(form)
        target = self._target(form)
        self._known_names(
            {key[:-4]: form[key] for key in ("sprintName", "releaseName", "environmentName") if key in form}
        )
        content = file.read()
        if len(content) > self._rules.import_bytes:
            raise Refused(413, f"A report may hold {self._rules.import_bytes} bytes.")
        try:
            features = read_json(content)
        except (ValueError, RecursionError) as error:
            raise self._refused(1310, "The report file is no JSON.") from error
        self._check(report(), features)
        scenarios = [
            element
            for feature in features
            for element in feature["elements"]
            if element.get("type", "scenario") != "background"
        ]
        return jsonify(self._import(target, dict(form), scenarios))

    def add_run(self) -> Response:
        body = self._checked(run_create(self._rules))
        asset = body["asset"]
        where = asset["folderPath" if asset["type"] == "folder" else "key"]
        target = self._known_asset(asset["type"], where, str(asset.get("iteration", 1)))
        self._known_names({kind: entry["name"] for kind, entry in body.get("properties", {}).items()})
        key = body["case"]["key"]
        numbers = self._steps(key)
        with self._box.lock:
            known = () if self._rules.takes_duplicates else self._box.results_of(target)
            if any(key in result.cases for result in known):
                raise self._refused(1309, f"Duplicate data: {key} has a run already")
            run = self._keep(target, key, RESULTS[body.get("result", {"id": 3})["id"]], key, body)
            logs = [self._keep_log(run, number) for number in numbers] if self._rules.makes_logs else []
        self._keep_files(body)
        rows = [{"identifier": log, "step": {"number": number}} for log, number in zip(logs, numbers, strict=False)]
        data = {"run": {"identifier": run, **({"logs": rows} if rows else {})}}
        return jsonify({"success": True, "message": "A new Test Run created.", "data": data})

    def add_log(self) -> Response:
        body = self._checked(log_create(self._rules))
        run, number = body["run"]["identifier"], body["step"]["number"]
        with self._box.lock:
            places = [(target, run) for target in self._box.runs]
            found = next((self._box.results[place] for place in places if place in self._box.results), None)
            if found is None:
                raise self._refused(1105, f"Test run {run} not found")
            if number not in self._steps(found.cases[0]):
                raise self._refused(1306, f"Step {number} is not in the script of {found.cases[0]}")
            log = self._keep_log(run, number)
        self._keep_files(body)
        return jsonify({"success": True, "message": "Log created.", "data": {"log": {"identifier": log}}})

    def change_log(self, log_id: str) -> Response:
        body = self._checked(log_update(self._rules))
        if log_id not in self._logs:
            raise self._refused(1105, f"Log {log_id} not found")
        self._keep_files(body)
        return jsonify({"success": True, "message": "Log updated.", "data": {"log": {"identifier": log_id}}})

    def old(self, _: str) -> Response:
        raise Refused(401, "Access denied: the JWT has no claim 'iss'.", more={"errorCode": 1203})

    def _admit(self) -> None:
        if request.headers.get("Authorization") != self._rules.token:
            raise Refused(401, "Invalid token.")
        if self._rate.take()[1]:
            raise Refused(429, "API token rate limit exceeded.")

    def _import(self, target: str, form: dict[str, str], scenarios: list[dict[str, Any]]) -> dict[str, Any]:
        found = [(self._case_of(scenario), scenario) for scenario in scenarios]
        tagged = [(key, scenario) for key, scenario in found if key]
        unknown = [key for key, _ in tagged if not self._is_case(key)]
        if unknown and self._rules.refuses_unknown_cases:
            raise self._refused(1105, f"Test case not found: {', '.join(unknown)}")
        for key in unknown:
            self._box.refuse(Refusal("POST cucumber/import", 200, "test case not found", key))
        rows = []
        with self._box.lock:
            for key, scenario in tagged:
                if key in unknown:
                    continue
                statuses = {step["result"]["status"] for step in scenario["steps"]}
                status = WORDS[next(word for word in ("failed", *WORDS) if word in statuses or word == "undefined")]
                self._keep(target, key, status, scenario["name"], {**form, "scenario": scenario})
                self._keep_embeddings(scenario)
                rows.append({"testCaseKey": key, "status": status})
        counts = {"imported": len(rows), "failed": len(unknown), "skipped": len(found) - len(tagged)}
        errors = {"errors": [f"{key}: test case not found" for key in unknown]} if unknown else {}
        return {"success": True, **counts, "testRuns": rows, "message": "Import completed.", **errors}

    def _target(self, form: Mapping[str, str]) -> str:
        """What an import is for; an advanced plan comes with an issue or folder as its context."""
        named = [(key, form[key]) for key in TARGETS if form.get(key)]
        plan = form.get("advancedTestPlanKey", "")
        if len(named) != 1 or (plan and named[0][0] == "standardTestPlanKey"):
            raise self._refused(1002, f"One of {', '.join(TARGETS)} is required")
        ((field, value),) = named
        target = self._known_asset(TARGETS[field], value, form.get("iterationNumber", "1"))
        return self._known_plan(self._rules.advanced_plans, plan, form.get("iterationNumber", "1")) if plan else target

    def _known_asset(self, kind: str, value: str, iteration: str) -> str:
        if kind == "plannedRun":
            return self._known_plan(self._rules.plans, value, iteration)
        if in_folder(value) not in (self._rules.folders if kind == "folder" else self._rules.issues):
            raise self._refused(1105, f"The {kind} {value} was not found")
        return in_folder(value)

    def _known_plan(self, plans: Mapping[str, int], plan: str, iteration: str) -> str:
        if plan not in plans:
            raise self._refused(1105, f"The test plan {plan} was not found")
        if not (iteration.isdecimal() and 1 <= int(iteration) <= plans[plan]):
            raise self._refused(1105, f"Iteration {iteration} of {plan} was not found")
        return plan

    def _known_names(self, names: Mapping[str, str]) -> None:
        rules = self._rules
        known = {"sprint": rules.sprints, "release": rules.releases, "environment": rules.environments}
        for kind, name in names.items():
            self._check(NAME, name, kind)
            if name not in known[kind]:
                raise self._refused(1105, f"The {kind} {name} was not found")

    def _in_project(self, values: Mapping[str, str]) -> None:
        if not values.get("projectKey"):
            raise self._refused(1002, "Please provide space information")
        if values["projectKey"] != self._rules.project:
            raise self._refused(1105, f"Space {values['projectKey']} not found")

    def _case_of(self, scenario: dict[str, Any]) -> str:
        names = [tag["name"] for tag in scenario.get("tags", [])]
        return next((name[1:] for name in names if re.fullmatch(r"@[A-Z][A-Z0-9_]*-C\d+", name)), "")

    def _is_case(self, key: str) -> bool:
        if self._rules.cases is not None:
            return key in self._rules.cases
        return bool(re.fullmatch(rf"{self._rules.project}-C[1-9]\d*", key))

    def _steps(self, key: str) -> range:
        if not self._is_case(key):
            raise self._refused(1105, f"Test case {key} not found")
        return range(1, 1 + (self._rules.steps if self._rules.cases is None else self._rules.cases[key]))

    def _keep(self, target: str, key: str, status: str, title: str, body: Any) -> str:
        """Holds a run of Vansah, which is a result to everybody else; `target` stands for the run."""
        if target not in self._box.runs:
            self._box.add_run(ArrivedRun(target, target, self._clock(), self._rules.project))
        run = _hash(f"run {len(self._box.results)}")
        self._box.add_result(ArrivedResult(run, target, status, title, (key,), body))
        return run

    def _keep_log(self, run: str, number: int) -> str:
        log = _hash(f"log {len(self._logs)}")
        self._logs[log] = run, number
        return log

    def _keep_files(self, body: dict[str, Any]) -> None:
        for entry in body.get("attachments", []):
            self._keep_file(f"{entry['name']}.{entry['extension']}", "", entry["file"])

    def _keep_embeddings(self, scenario: dict[str, Any]) -> None:
        for step in scenario["steps"]:
            for entry in step.get("embeddings", []):
                self._keep_file(entry.get("name", ""), entry["mime_type"], entry["data"])

    def _keep_file(self, name: str, mime: str, data: str) -> None:
        content = base64.b64decode(data)
        key = _hash(f"file {len(self._box.attachments)}")
        self._box.add_attachment(ArrivedFile(key, name, mime, len(content), hashlib.sha256(content).hexdigest()))

    def _checked(self, check: Check) -> Any:
        body = json_body()
        self._check(check, body)
        return body

    def _check(self, check: Check, value: Any, path: str = "") -> None:
        faults = list(check(value, path))
        if faults:
            is_space = any(where.startswith("project") for where, _ in faults)
            words = "; ".join(_said(faults))
            raise self._refused(1306, f"Please provide space information: {words}" if is_space else words)

    def _refused(self, code: int, text: str) -> Refused:
        status = 200 if self._rules.fails_inside_200 else 400
        return Refused(status, text, more={"errorCode": code})


def _said(faults: list[tuple[str, str]]) -> Iterator[str]:
    for path, fault in faults[:10]:
        yield f"{path} {fault}".strip()


def _hash(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "replace")).hexdigest()[:24]
