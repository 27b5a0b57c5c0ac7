"""Qase TestOps, as its OpenAPI files and developer pages describe it: v1 for what surrounds results, v2 for results."""

from __future__ import annotations

import hashlib
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box
from .checks import Check, both, each, one_of, record, whole
from .qase_fields import PROJECT, TITLE, TOKEN, Rules, moment, result_create, run_create, run_update
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app

__all__ = ["TOKEN", "Rules", "create", "environment", "error_body"]

IN_PROGRESS, COMPLETED = 0, 1
ERROR_CONTEXT, ERROR_CONTEXTS = 262_144, 4_194_304
"""Characters of `execution.error_context`: more in one are cut off, more in a batch are refused."""


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A workspace; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("qase", secrets=(rules.token,))
    return Sandbox(box, _Workspace(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `qase` at that address."""
    return {
        "TMSREPORT_QASE_URL": url,
        "TMSREPORT_QASE_WEB_URL": url,
        "TMSREPORT_QASE_TOKEN": TOKEN,
        "TMSREPORT_QASE_PROJECT": PROJECT,
    }


def error_body(status: int, text: str) -> dict[str, Any]:  # noqa: ARG001 - Qase's shape has no place for it
    """The JSON of an error."""
    return {"status": False, "errorMessage": text}


class _Workspace:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_minute, clock)
        self._run_ids = itertools.count(1)
        self._plans = dict(rules.plans)
        self._groups: dict[int, str] = {}
        self._values: dict[int, tuple[int, str]] = {}
        for title, values in rules.configurations.items():
            group = self._add_group(title)
            for value in values:
                self._add_value(value, group)
        self._run = run_create(rules, self._values, self._plans)
        self._result = result_create(rules, box.attachments)

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit, run_page="/run/<code>/dashboard/<run_id>")
        for method, path, view in (
            ("GET", "/v1/project", self.projects),
            ("GET", "/v1/project/<code>", self.project),
            ("GET", "/v1/run/<code>", self.runs),
            ("POST", "/v1/run/<code>", self.create_run),
            ("GET", "/v1/run/<code>/<int:run_id>", self.run),
            ("PATCH", "/v1/run/<code>/<int:run_id>", self.update_run),
            ("DELETE", "/v1/run/<code>/<int:run_id>", self.delete_run),
            ("POST", "/v1/run/<code>/<int:run_id>/complete", self.complete),
            ("POST", "/v2/<code>/run/<int:run_id>/results", self.add_results),
            ("POST", "/v2/<code>/run/<int:run_id>/result", self.add_result),
            ("POST", "/v1/attachment/<code>", self.add_attachments),
            ("GET", "/v1/configuration/<code>", self.configurations),
            ("POST", "/v1/configuration/<code>/group", self.create_group),
            ("POST", "/v1/configuration/<code>", self.create_value),
            ("GET", "/v1/case/<code>", self.cases),
            ("GET", "/v1/case/<code>/<int:case_id>", self.case),
            ("GET", "/v1/result/<code>", self.results),
            ("GET", "/v1/milestone/<code>/<int:milestone_id>", self.milestone),
            ("GET", "/v1/environment/<code>", self.environments),
            ("GET", "/v1/plan/<code>", self.plans),
            ("POST", "/v1/plan/<code>", self.create_plan),
            ("GET", "/v1/plan/<code>/<int:plan_id>", self.plan),
        ):
            endpoint = f"{method} {path}".replace(".", "_")
            app.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
        app.after_request(self._add_limits)
        return app

    def projects(self) -> Response:
        return _listing([self._project(code) for code in self._rules.projects])

    def project(self, code: str) -> Response:
        return _done(self._project(self._known_project(code)))

    def runs(self, code: str) -> Response:
        code = self._known_project(code)
        asked = request.args
        with self._box.lock:
            every = [self._run_entity(run) for run in self._box.runs.values() if run.project == code]
        found = [run for run in reversed(every) if asked.get("search", "").lower() in run["title"].lower()]
        if "status" in asked:
            words = {_STATUS_WORDS.get(word, word) for word in asked["status"].split(",")}
            if not words <= set(_STATUS_WORDS.values()):
                raise _invalid("status", f"must be of {', '.join(_STATUS_WORDS)}", status=400)
            found = [run for run in found if run["status_text"] in words]
        return _listing(found, total=len(every))

    def create_run(self, code: str) -> Response:
        code = self._known_project(code)
        body = json_body()
        faults = list(self._run(body, ""))
        if faults:
            raise _refusal(faults)
        with self._box.lock:
            run_id = next(self._run_ids)
            start = moment(body.get("start_time") or "") or self._clock()
            self._box.add_run(ArrivedRun(str(run_id), body["title"], start, code, body))
        return _done({"id": run_id})

    def run(self, code: str, run_id: int) -> Response:
        return _done(self._run_entity(self._known_run(code, run_id)))

    def update_run(self, code: str, run_id: int) -> Response:
        body = json_body()
        faults = list(run_update(self._rules, self._values)(body, ""))
        if faults:
            raise _refusal(faults, status=400)
        with self._box.lock:
            run = self._known_run(code, run_id)
            run.body = {**run.body, **self._box.mask({key: value for key, value in body.items() if value is not None})}
            run.title = run.body["title"]
        return _done()

    def delete_run(self, code: str, run_id: int) -> Response:
        with self._box.lock:
            run = self._known_run(code, run_id)
            del self._box.runs[run.id]
            for key in [key for key in self._box.results if key[0] == run.id]:
                del self._box.results[key]
        return _done({"id": run_id})

    def complete(self, code: str, run_id: int) -> Response:
        with self._box.lock:
            run = self._known_run(code, run_id)
            if run.end is not None:
                raise Refused(422, "Test run is already completed.")
            run.end = self._clock()
        return _done()

    def add_results(self, code: str, run_id: int) -> Response:
        run = self._open_run(code, run_id)
        body = json_body()
        results = body.get("results") if isinstance(body, dict) else None
        if not isinstance(results, list):
            raise _invalid("results", "must be a list")
        if len(results) > self._rules.batch_size:
            raise Refused(413, f"A request may hold {self._rules.batch_size} results, not {len(results)}.")
        self._add(run, results, "results.{}")
        return _done(status=202)

    def add_result(self, code: str, run_id: int) -> Response:
        run = self._open_run(code, run_id)
        kept = self._add(run, [json_body()], "")[0]
        return _done({"case_id": int(kept.cases[0]) if kept.cases else None, "hash": _hash(kept.id)}, status=202)

    def results(self, code: str) -> Response:
        """Without the results that name no case: what Qase makes of those is not known."""
        code, asked = self._known_project(code), request.args
        words = asked.get("status", "").split(",")
        with self._box.lock:
            of_run = [row for row in self._box.results.values() if asked.get("run", row.run) == row.run]
        found = [row for row in of_run if "status" not in asked or row.status in words]
        return _listing([_result(row, case) for row in found for case in row.cases], total=len(of_run))

    def add_attachments(self, code: str) -> Response:
        self._known_project(code)
        rules = self._rules
        if (request.content_length or 0) > rules.files_bytes:
            raise Refused(413, f"A request may hold {rules.files_bytes} bytes.")
        files = [(file, file.read()) for file in request.files.getlist("file[]")]
        if not files:
            raise _invalid("file", "is required", status=400)
        if len(files) > rules.files_per_request:
            raise Refused(413, f"A request may hold {rules.files_per_request} files, not {len(files)}.")
        for file, content in files:
            if len(content) > rules.file_bytes:
                raise Refused(413, f"{file.filename} is larger than {rules.file_bytes} bytes.")
        with self._box.lock:
            stored = sum(file.size for file in self._box.attachments.values())
            if stored + sum(len(content) for _, content in files) > rules.storage:
                raise Refused(507, "There is no space left in the storage of your workspace.")
            rows = [self._store(file.filename or "", file.mimetype, content) for file, content in files]
        return _done(rows)

    def configurations(self, code: str) -> Response:
        self._known_project(code)
        with self._box.lock:
            groups = [
                {"id": group, "title": title, "configurations": self._values_of(group)}
                for group, title in self._groups.items()
            ]
        return _listing(groups, is_paged=False)

    def create_group(self, code: str) -> Response:
        self._known_project(code)
        body = _checked(record({"title": TITLE}))
        with self._box.lock:
            return _done({"id": self._add_group(body["title"])})

    def create_value(self, code: str) -> Response:
        self._known_project(code)
        body = _checked(record({"title": TITLE, "group_id": both(whole(), one_of(self._groups, "is unknown"))}))
        with self._box.lock:
            return _done({"id": self._add_value(body["title"], body["group_id"])})

    def cases(self, code: str) -> Response:
        self._known_project(code)
        search = request.args.get("search", "").lower()
        entities: list[dict[str, Any]] = [{"id": key, "title": title} for key, title in self._titles().items()]
        return _listing([case for case in entities if search in case["title"].lower()], total=len(entities))

    def case(self, code: str, case_id: int) -> Response:
        self._known_project(code)
        if case_id not in self._titles() and (self._rules.cases is not None or case_id < 1):
            raise Refused(404, "Test case not found.")
        return _done({"id": case_id, "title": self._titles().get(case_id, f"Case {case_id}")})

    def milestone(self, code: str, milestone_id: int) -> Response:
        self._known_project(code)
        if milestone_id not in self._rules.milestones:
            raise Refused(404, "Milestone not found.")
        return _done({"id": milestone_id, "title": self._rules.milestones[milestone_id], "status": "active"})

    def environments(self, code: str) -> Response:
        self._known_project(code)
        known = self._rules.environments.items()
        return _listing([{"id": number, "slug": slug, "title": slug.title()} for slug, number in known])

    def plans(self, code: str) -> Response:
        self._known_project(code)
        return _listing([_plan(plan, cases) for plan, cases in self._plans.items()])

    def create_plan(self, code: str) -> Response:
        self._known_project(code)
        body = _checked(record({"title": TITLE, "cases": each(whole(least=1))}))
        with self._box.lock:
            key = max(self._plans, default=0) + 1
            self._plans[key] = tuple(body["cases"])
        return _done({"id": key})

    def plan(self, code: str, plan_id: int) -> Response:
        self._known_project(code)
        if plan_id not in self._plans:
            raise Refused(404, "Test plan not found.")
        cases = self._plans[plan_id]
        return _done({**_plan(plan_id, cases), "cases": [{"case_id": case, "assignee_id": None} for case in cases]})

    def _admit(self) -> None:
        if request.headers.get("Token") != self._rules.token:
            raise Refused(401, "API token is invalid.")
        request.environ["qase.remaining"], wait_s = self._rate.take()
        if wait_s:
            raise Refused(429, "API rate limit exceeded.", headers={"Retry-After": str(math.ceil(wait_s))})

    def _add_limits(self, answer: Response) -> Response:
        if "qase.remaining" in request.environ:
            answer.headers["X-RateLimit-Limit"] = str(self._rate.per_minute)
            answer.headers["X-RateLimit-Remaining"] = str(request.environ["qase.remaining"])
        return answer

    def _known_project(self, code: str) -> str:
        if code.upper() not in self._rules.projects:
            raise Refused(404, "Project not found.")
        return code.upper()

    def _known_run(self, code: str, run_id: int) -> ArrivedRun:
        project = self._known_project(code)
        run = self._box.runs.get(str(run_id))
        if run is None or run.project != project:
            raise Refused(404, "Test run not found.")
        return run

    def _open_run(self, code: str, run_id: int) -> ArrivedRun:
        run = self._known_run(code, run_id)
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
            of_item = [*self._result(item, path), *self._late(run, item, path)]
            faults += of_item
            if of_item:
                title = item.get("title") if isinstance(item, dict) else None
                culprits.append((str(title or path), "; ".join(" ".join(fault) for fault in of_item)))
        if faults:
            raise _refusal(faults, culprits)
        contexts = [item["execution"].get("error_context") or "" for item in items]
        if sum(map(len, contexts)) > ERROR_CONTEXTS:
            raise Refused(413, f"The error contexts of a request may hold {ERROR_CONTEXTS} characters.")
        kept = []
        with self._box.lock:
            for item, context in zip(items, contexts, strict=True):
                if len(context) > ERROR_CONTEXT:
                    item["execution"]["error_context"] = context[:ERROR_CONTEXT]
                named = item.get("testops_ids") or ([item["testops_id"]] if item.get("testops_id") else [])
                key = item.get("id") or _hash(f"result {len(self._box.results)}")
                cases = tuple(map(str, named))
                result = ArrivedResult(key, run.id, item["execution"]["status"], item["title"], cases, item)
                self._box.add_result(result)
                kept.append(self._box.results[run.id, key])
        return kept

    def _late(self, run: ArrivedRun, item: Any, path: str) -> Iterator[tuple[str, str]]:
        execution = item.get("execution") if isinstance(item, dict) else None
        end = execution.get("end_time") if isinstance(execution, dict) else None
        if isinstance(end, (int, float)) and end < run.start - self._rules.earliest_s:
            yield f"{path}.execution.end_time".lstrip("."), "must not be earlier than the start of the run"

    def _store(self, name: str, mime: str, content: bytes) -> dict[str, str]:
        sha256 = hashlib.sha256(content).hexdigest()
        key = _hash(f"file {len(self._box.attachments)} {sha256}")
        self._box.add_attachment(ArrivedFile(key, name, mime, len(content), sha256))
        return {
            "hash": key,
            "filename": name,
            "mime": mime,
            "extension": name.rpartition(".")[2] if "." in name else "",
            "url": f"{request.url_root}attachment/{key}",
            "team": "sandbox",
        }

    def _project(self, code: str) -> dict[str, Any]:
        with self._box.lock:
            runs = [run for run in self._box.runs.values() if run.project == code]
        active = sum(run.end is None for run in runs)
        counts = {
            "cases": len(self._titles()),
            "suites": 0,
            "milestones": len(self._rules.milestones),
            "runs": {"total": len(runs), "active": active},
            "defects": {"total": 0, "open": 0},
        }
        return {"title": f"Project {code}", "code": code, "counts": counts}

    def _run_entity(self, run: ArrivedRun) -> dict[str, Any]:
        results = self._box.results_of(run.id)
        statuses = self._box.counts(results)
        body = run.body
        ended = "failed" if statuses.get("failed") or statuses.get("invalid") else "passed"
        entity = {
            "id": int(run.id),
            "run_id": int(run.id),
            "title": run.title,
            "description": body.get("description"),
            "status": IN_PROGRESS if run.end is None else COMPLETED,
            "status_text": "in_progress" if run.end is None else ended,
            "start_time": _iso(run.start),
            "end_time": None if run.end is None else _iso(run.end),
            "public": False,
            "stats": {"total": len(results), "statuses": statuses},
            "time_spent": sum(result.body["execution"].get("duration") or 0 for result in results),
            "elapsed_time": 0 if run.end is None else max(round(1000 * (run.end - run.start)), 0),
            "environment": self._environment(body),
            "milestone": None,
            "custom_fields": [{"id": int(key), "value": value} for key, value in body.get("custom_field", {}).items()],
            "tags": [{"title": tag, "internal_id": index} for index, tag in enumerate(body.get("tags", []), 1)],
            "plan_id": body.get("plan_id"),
            "configurations": body.get("configurations", []),
        }
        if "milestone_id" in body:
            entity["milestone"] = {"title": self._rules.milestones[body["milestone_id"]], "description": ""}
        if "cases" in request.args.get("include", "").split(","):
            named = [int(case) for result in results for case in result.cases]
            planned = self._plans.get(body.get("plan_id"), ())
            entity["cases"] = sorted({*body.get("cases", []), *planned, *named})
        return entity

    def _environment(self, body: dict[str, Any]) -> dict[str, str] | None:
        for slug, number in self._rules.environments.items():
            if slug == body.get("environment_slug") or number == body.get("environment_id"):
                return {"title": slug.title(), "description": "", "slug": slug, "host": ""}
        return None

    def _titles(self) -> Mapping[int, str]:
        if self._rules.cases is not None:
            return self._rules.cases
        return {case: f"Case {case}" for case in sorted({case for plan in self._plans.values() for case in plan})}

    def _add_group(self, title: str) -> int:
        self._groups[len(self._groups) + 1] = title
        return len(self._groups)

    def _add_value(self, title: str, group: int) -> int:
        key = 11 + len(self._values)
        self._values[key] = (group, title)
        return key

    def _values_of(self, group: int) -> list[dict[str, Any]]:
        return [{"id": key, "title": title} for key, (owner, title) in self._values.items() if owner == group]


_STATUS_WORDS = {
    "in_progress": "in_progress",
    "passed": "passed",
    "failed": "failed",
    "aborted": "aborted",
    "active": "in_progress",
    "complete": "passed",
    "abort": "aborted",
}


def _result(row: ArrivedResult, case: str) -> dict[str, Any]:
    execution = row.body["execution"]
    return {
        "hash": _hash(row.id),
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


def _done(result: Any = None, *, status: int = 200) -> Response:
    answer = jsonify({"status": True} if result is None else {"status": True, "result": result})
    answer.status_code = status
    return answer


def _listing(rows: list[Any], *, total: int | None = None, is_paged: bool = True) -> Response:
    limit, offset = (_asked("limit", 10, 1, 100), _asked("offset", 0, 0, 100_000)) if is_paged else (len(rows), 0)
    shown = rows[offset : offset + limit]
    counts = {"total": len(rows) if total is None else total, "filtered": len(rows), "count": len(shown)}
    return _done({**counts, "entities": shown})


def _asked(name: str, default: int, least: int, most: int) -> int:
    raw = request.args.get(name, str(default))
    if not (raw.isdecimal() and least <= int(raw) <= most):
        raise _invalid(name, f"must be an integer from {least} to {most}", status=400)
    return int(raw)


def _checked(check: Check) -> Any:
    body = json_body()
    faults = list(check(body, ""))
    if faults:
        raise _refusal(faults)
    return body


def _invalid(name: str, fault: str, *, status: int = 422) -> Refused:
    return _refusal([(name, fault)], status=status)


def _refusal(
    faults: list[tuple[str, str]], culprits: list[tuple[str, str]] | None = None, status: int = 422
) -> Refused:
    fields = [{"field": path, "error": f"The {path} {fault}."} for path, fault in faults]
    named = culprits or [("", "; ".join(f"{path} {fault}" for path, fault in faults))]
    return Refused(status, "Data is invalid.", more={"errorFields": fields}, culprits=named)


def _iso(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, tz=timezone.utc).isoformat(timespec="seconds")


def _hash(of: str) -> str:
    return hashlib.sha256(of.encode("utf-8", "replace")).hexdigest()[:40]


def _plan(plan_id: int, cases: tuple[int, ...]) -> dict[str, Any]:
    return {"id": plan_id, "title": f"Plan {plan_id}", "description": None, "cases_count": len(cases)}
