"""Azure DevOps with one project, as its documents describe it: test runs, results, attachments and test plans."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, jsonify, request

from ..render import utc
from .azure_fields import (
    FIRST_RESULT,
    ORGANIZATION,
    PIPELINE_TOKEN,
    PROJECT,
    TOKEN,
    Rules,
    attachment,
    epoch_of,
    places,
    result,
    run_create,
    run_update,
)
from .azure_plans import Plans, Point, continued, listing, missing
from .box import ArrivedFile, ArrivedResult, ArrivedRun, Box
from .checks import Check, each
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["PIPELINE_TOKEN", "TOKEN", "Rules", "create", "environment", "error_body"]

ISO = "%Y-%m-%dT%H:%M:%S.%fZ"
WEEK_S = 7 * 86_400
BUGS = range(20_000, 30_000)
SIGN_IN = "<!doctype html><html><title>Azure DevOps Services | Sign In</title></html>"
Row = dict[str, Any]


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """An organization with one project and one plan; `clock` is in epoch seconds."""
    box = Box("azure", secrets=(TOKEN, PIPELINE_TOKEN))
    return Sandbox(box, _Azure(box, rules or Rules(), clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `azure` at that address."""
    return {
        "TMSREPORT_AZURE_URL": f"{url}/{ORGANIZATION}",
        "TMSREPORT_AZURE_PROJECT": PROJECT,
        "TMSREPORT_AZURE_TOKEN": TOKEN,
    }


def error_body(status: int, text: str) -> Row:
    """The JSON of an error."""
    name = "VssServiceResponseException" if status >= 500 else "VssServiceException"
    return {
        "$id": "1",
        "innerException": None,
        "message": text,
        "typeName": f"Microsoft.VisualStudio.Services.Common.{name}, Microsoft.VisualStudio.Services.Common",
        "typeKey": name,
        "errorCode": 0,
        "eventId": 3000,
    }


@dataclass
class _Run:
    """A run as it is now; `slots` are the results that it has made for points: their ids and what is known of them."""

    id: int
    fields: Row
    state: str
    updated: float
    slots: dict[int, Row] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_RESULT))
    revision: int = 1


class _Azure:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_5_minutes, clock, window_s=300.0)
        self._runs: dict[int, _Run] = {}
        self._numbers = itertools.count(1)
        self._ids = itertools.count(1)
        self._plans = Plans(box, rules)
        self._files: dict[str, list[Row]] = {}

    def app(self) -> Flask:
        run_page = "/<organization>/<project>/_TestManagement/Runs"
        app = new_app(self._box, error_body, self._admit, run_page=run_page)
        here = f"/{ORGANIZATION}/<project>/_apis"
        for method, path, view in (
            ("OPTIONS", f"/{ORGANIZATION}/_apis", lambda: listing(places())),
            ("GET", f"/{ORGANIZATION}/_apis/resourceareas", lambda: listing([])),
            ("GET", f"{here}/test/runs", self.runs),
            ("POST", f"{here}/test/runs", self.create_run),
            ("GET", f"{here}/test/runs/<int:run>", self.run),
            ("PATCH", f"{here}/test/runs/<int:run>", self.update_run),
            ("DELETE", f"{here}/test/runs/<int:run>", self.delete_run),
            ("GET", f"{here}/test/runs/<int:run>/statistics", self.statistics),
            ("GET", f"{here}/test/runs/<int:run>/results", self.results),
            ("POST", f"{here}/test/runs/<int:run>/results", self.add_results),
            ("PATCH", f"{here}/test/runs/<int:run>/results", self.update_results),
            ("GET", f"{here}/test/runs/<int:run>/results/<int:row>", self.result),
            ("GET", f"{here}/test/runs/<int:run>/attachments", self.files),
            ("POST", f"{here}/test/runs/<int:run>/attachments", self.attach),
            ("GET", f"{here}/test/runs/<int:run>/results/<int:row>/attachments", self.files),
            ("POST", f"{here}/test/runs/<int:run>/results/<int:row>/attachments", self.attach),
            ("GET", f"{here}/wit/workitems", self.work_items),
            ("GET", f"{here}/build/builds/<int:build>", self.build),
            ("GET", f"{here}/testplan/configurations", self._plans.configurations),
            ("GET", f"{here}/testplan/plans", self._plans.plans),
            ("POST", f"{here}/testplan/plans", self._plans.create_plan),
            ("GET", f"{here}/testplan/plans/<int:plan>", self._plans.plan),
            ("POST", f"{here}/testplan/plans/<int:plan>/suites", self._plans.create_suite),
            ("GET", f"{here}/testplan/plans/<int:plan>/suites/<int:suite>/testcase", self._plans.cases),
            ("POST", f"{here}/testplan/plans/<int:plan>/suites/<int:suite>/testcase", self._plans.add_cases),
        ):
            app.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
        app.after_request(_with_limits)
        app.wsgi_app = _AnyCase(app.wsgi_app)  # type: ignore[method-assign]
        return app

    # Runs

    def work_items(self, project: str) -> Response:
        asked = request.args.get("ids", "").split(",")
        if len(asked) > 200 or not all(text.isdecimal() for text in asked):
            raise Refused(400, "ids must be at most 200 numbers.")
        if request.args.get("errorPolicy") != "omit":
            raise Refused(404, "A work item does not exist.")
        kinds = {int(text): "Test Case" if int(text) <= self._rules.cases else "Bug" for text in asked}
        there = {number: kind for number, kind in kinds.items() if kind == "Test Case" or 20_000 <= number < 30_000}
        rows = [{"id": key, "fields": {"System.WorkItemType": kind}} for key, kind in there.items()]
        return jsonify({"count": len(rows), "value": rows})

    def build(self, project: str, build: int) -> Response:
        if build >= 10_000:
            raise missing(f"Build {build}")
        return jsonify({"id": build, "buildNumber": f"2026.{build}"})

    def runs(self, project: str) -> Response:
        asked = request.args
        with self._box.lock:
            found = list(self._runs.values())
        if "minLastUpdatedDate" in asked or "maxLastUpdatedDate" in asked:
            return self._query(found)
        wants_details = asked.get("includeRunDetails", "").lower() == "true"
        if "planId" in asked:
            found = [run for run in found if _id_in(run.fields, "plan") == asked["planId"]]
        if asked.get("automated", "").lower() == "true":
            found = [run for run in found if run.fields.get("automated")]
        return listing([self._run(run, with_comment=wants_details) for run in _part(found, 100)])

    def _query(self, found: list[_Run]) -> Response:
        """Runs by when they were last changed, 7 days at most, 100 at once, with a token for more."""
        asked = request.args
        first, last = (epoch_of(asked.get(f"{end}LastUpdatedDate", "")) for end in ("min", "max"))
        if first is None or last is None or not 0 <= last - first <= WEEK_S:
            raise Refused(400, "The difference between minLastUpdatedDate and maxLastUpdatedDate is 7 days at most.")
        found = [run for run in found if first <= run.updated <= last]
        if "state" in asked:
            found = [run for run in found if run.state.lower() == asked["state"].lower()]
        if "planIds" in asked:
            found = [run for run in found if _id_in(run.fields, "plan") in asked["planIds"].split(",")]
        if asked.get("isAutomated", "").lower() == "true":
            found = [run for run in found if run.fields.get("automated")]
        rows = [self._run(run, with_comment=self._rules.lists_comments) for run in found]
        return continued(rows, min(int(asked.get("$top", 100)), 100))

    def create_run(self, project: str) -> Response:
        body = _checked(run_create())
        with self._box.lock:
            points = self._points_of(body)
            run = _Run(next(self._numbers), body, body.get("state", "NotStarted"), self._clock())
            run.slots = {next(run.numbers): self._slot(point) for point in points}
            self._runs[run.id] = run
            start = epoch_of(body.get("startDate", "")) or self._clock()
            self._box.add_run(ArrivedRun(str(run.id), body["name"], start, project, body))
        return jsonify(self._run(run))

    def run(self, project: str, run: int) -> Response:
        return jsonify(self._run(self._known(run)))

    def update_run(self, project: str, run: int) -> Response:
        body = _checked(run_update())
        found = self._known(run)
        with self._box.lock:
            found.fields = {**found.fields, **{key: value for key, value in body.items() if key != "state"}}
            found.state = body.get("state", found.state)
            found.updated = self._clock()
            found.revision += 1
            arrived = self._box.runs[str(run)]
            arrived.end = self._clock() if found.state in ("Completed", "Aborted") else None
        return jsonify(self._run(found))

    def delete_run(self, project: str, run: int) -> Response:
        self._known(run)
        if not self._rules.may_delete:
            raise Refused(403, "You do not have permission to delete test runs.")
        with self._box.lock:
            del self._runs[run], self._box.runs[str(run)]
            for key in [key for key in self._box.results if key[0] == str(run)]:
                del self._box.results[key]
        return Response(status=200)  # as the specification has it, and nothing with it

    def statistics(self, project: str, run: int) -> Response:
        self._known(run)
        counts = self._box.counts(self._box.results_of(str(run)))
        rows = [{"state": "Completed", "outcome": outcome, "count": count} for outcome, count in counts.items()]
        return jsonify({"run": {"id": str(run)}, "runStatistics": rows})

    # Results

    def results(self, project: str, run: int) -> Response:
        details = request.args.get("detailsToInclude", "none").lower()
        most = 1000 if details == "none" else 200
        if int(request.args.get("$top", 0)) > most:
            raise Refused(400, f"$top may be {most} at most with these details.")
        found = self._rows(self._known(run))
        wanted = {each.lower() for each in request.args.get("outcomes", "").split(",") if each}
        rows = [row for row in found if not wanted or str(row.get("outcome")).lower() in wanted]
        return listing([self._shown(row, details) for row in _part(rows, most)])

    def result(self, project: str, run: int, row: int) -> Response:
        found = next((each for each in self._rows(self._known(run)) if each["id"] == row), None)
        if found is None:
            raise missing(f"Test result {row}")
        return jsonify(self._shown(found, request.args.get("detailsToInclude", "none").lower()))

    def add_results(self, project: str, run: int) -> Response:
        found = self._known(run)
        rows = self._batch(is_new=True)
        is_planned = "plan" in found.fields
        with self._box.lock:
            points = [self._point(row, found) for row in rows] if is_planned else []
            for row in rows:
                self._check_items(row)
            ids = [next(found.numbers) for _ in rows]
            for index, (row, row_id) in enumerate(zip(rows, ids, strict=True)):
                if is_planned:
                    found.slots[row_id] = self._slot(points[index])
                self._keep(found, row_id, row)
        return listing([self._reference(found, row_id) for row_id in ids])

    def update_results(self, project: str, run: int) -> Response:
        found = self._known(run)
        rows = self._batch(is_new=False)
        with self._box.lock:
            known = {row["id"] for row in self._rows(found)}
            for row in rows:
                if row["id"] not in known:
                    raise missing(f"Test result {row['id']}")
                self._check_items(row)
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
        rows: list[Row] = _checked(each(result(is_new=is_new)), body)
        return rows

    def _check_items(self, row: Row) -> None:
        """Raises Refused for a work item that does not exist."""
        case = _id_in(row, "testCase")
        if case and not (case.isdecimal() and 1 <= int(case) <= self._rules.cases):
            title = str(row.get("testCaseTitle", ""))
            raise missing(f"Test case {case}", culprits=[(title, f"Test case {case} not found.")])
        for bug in row.get("associatedBugs", []):
            if not (bug["id"].isdecimal() and int(bug["id"]) in BUGS):
                raise Refused(404, f"TF401232: Work item {bug['id']} does not exist, or you cannot read it.")

    def _point(self, row: Row, run: _Run) -> Point:
        wanted = _id_in(row, "testPoint") or "0"
        plan = _id_in(run.fields, "plan")
        found = next((each for each in self._plans.points if (str(each.id), str(each.plan)) == (wanted, plan)), None)
        if found is None:
            raise missing(f"Test point {wanted}")
        return found

    def _keep(self, run: _Run, row_id: int, row: Row) -> None:
        slot = run.slots.get(row_id, {})
        case = _id_in(slot, "testCase") or _id_in(row, "testCase")
        key = (str(run.id), str(row_id))
        before = self._box.results.pop(key, None)
        self._box.repeats += before is not None
        merged = {**(before.body if before else {}), **slot, **row, "id": row_id}
        title = str(merged.get("testCaseTitle", ""))
        outcome = str(merged.get("outcome", "Unspecified"))
        self._box.add_result(ArrivedResult(key[1], key[0], outcome, title, (case,) if case else (), merged))
        run.updated = self._clock()
        run.revision += 1

    def _rows(self, run: _Run) -> list[Row]:
        with self._box.lock:
            arrived = {int(each.id): each.body for each in self._box.results_of(str(run.id))}
        open_slots = {key: {**slot, "id": key} for key, slot in run.slots.items()}
        return [row for _, row in sorted({**open_slots, **arrived}.items())]

    def _shown(self, row: Row, details: str) -> Row:
        left_out = set() if details == "subresults" else {"subResults"}
        if not self._rules.lists_points and details != "point":
            left_out.add("testPoint")
        return {key: value for key, value in row.items() if key not in left_out}

    def _slot(self, point: Point) -> Row:
        configuration = {"id": str(point.configuration), "name": self._rules.configurations[point.configuration]}
        found: Row = {
            "state": "Pending",
            "outcome": "Unspecified",
            "testCase": {"id": str(point.case)},
            "testPoint": {"id": str(point.id)},
            "testCaseTitle": f"Case {point.case}",
            "configuration": configuration,
        }
        if point.case in self._rules.automated:
            found["automatedTestName"] = self._rules.automated[point.case]
        return found

    def _reference(self, run: _Run, row_id: int) -> Row:
        return {"id": row_id, "url": f"{self._url(f'test/Runs/{run.id}/Results/{row_id}')}"}

    # Attachments

    def files(self, project: str, run: int, row: int = 0) -> Response:
        self._known(run)
        return listing(self._files.get(f"{run}/{row}", []))

    def attach(self, project: str, run: int, row: int = 0) -> Response:
        found = self._known(run)
        if row and row not in [each["id"] for each in self._rows(found)]:
            raise missing(f"Test result {row}")
        if (request.content_length or 0) > self._rules.max_file_bytes:
            raise Refused(413, "The request is too large.")
        body = _checked(attachment())
        try:
            content = base64.b64decode(body["stream"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused(400, "The stream is not valid base64.") from error
        with self._box.lock:
            number = next(self._ids)
            url = self._url(f"test/Runs/{run}/{f'Results/{row}/' if row else ''}Attachments/{number}")
            entry = {"id": number, "url": url, "fileName": body["fileName"], "size": len(content)}
            entry |= {"comment": body.get("comment", ""), "attachmentType": "generalAttachment"}
            self._files.setdefault(f"{run}/{row}", []).append(entry)
            is_ours = not row and body["fileName"].startswith("pytest-tmsreport-done-")
            if not is_ours:  # a note of a machine is no file of a result
                sha256 = hashlib.sha256(content).hexdigest()
                mime = entry["comment"].partition(",")[0]
                self._box.add_attachment(ArrivedFile(str(number), entry["fileName"], mime, len(content), sha256))
        return jsonify({"id": number, "url": url})

    # What they share

    def _admit(self) -> None:
        left, wait = self._rate.take()
        g.limits = {"X-RateLimit-Resource": "TestManagement/Sandbox", "X-RateLimit-Remaining": str(left)}
        g.limits |= {"X-RateLimit-Limit": str(self._rate.per_minute), "X-RateLimit-Reset": f"{self._clock() + 300:.0f}"}
        if wait:
            text = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource"
            raise Refused(429, f"{text} 'Concurrency'.", headers={"Retry-After": f"{wait:.0f}"})
        if left < self._rate.per_minute // 20:
            g.limits |= {"Retry-After": "5", "X-RateLimit-Delay": "0.5"}
        personal = base64.b64encode(f":{TOKEN}".encode()).decode()
        given = re.sub(r"^Basic ([\w+/=]+)$", _without_user, request.headers.get("Authorization", ""))
        if given not in (f"Basic {personal}", f"Bearer {PIPELINE_TOKEN}", f"Basic {_pipeline_as_password()}"):
            raise self._not_signed_in()
        if request.method == "OPTIONS":
            return
        version = request.args.get("api-version") or _version_in(request.headers.get("Accept", ""))
        if not version:
            more = {"typeKey": "VssVersionNotSpecifiedException"}
            raise Refused(400, f'No api-version was supplied for the "{request.method}" request.', more=more)
        if not re.fullmatch(r"[1-7]\.[0-2](-preview(\.\d+)?)?", version):
            more = {"typeKey": "VssVersionOutOfRangeException"}
            raise Refused(400, f"The requested REST API version of {version} is out of range.", more=more)
        project = (request.view_args or {}).get("project", PROJECT)
        if project != PROJECT:
            words = f"TF200016: The following project does not exist: {project}. Verify that the name is correct."
            raise Refused(404, words, more={"typeKey": "ProjectDoesNotExistWithNameException"})

    def _not_signed_in(self) -> Refused:
        headers = {"Location": "https://spsprodneu1.vssps.visualstudio.com/_signin"}
        text = "TF400813: The user '' is not authorized to access this resource."
        return Refused(self._rules.sign_in, text, headers=headers if self._rules.sign_in == 302 else None)

    def _known(self, run: int) -> _Run:
        if run not in self._runs:
            raise missing(f"Test run {run}")
        return self._runs[run]

    def _points_of(self, body: Row) -> list[Point]:
        """The points that a new run is made of. Raises Refused for one that is not in its plan."""
        plan = _id_in(body, "plan")
        if not plan:
            return []
        self._plans.known(int(plan) if plan.isdecimal() else 0)
        known = {point.id: point for point in self._plans.points if str(point.plan) == plan}
        for wanted in body.get("pointIds", []):
            if wanted not in known:
                raise missing(f"Test point {wanted}")
        return [known[wanted] for wanted in body.get("pointIds", [])]

    def _run(self, run: _Run, *, with_comment: bool = True) -> Row:
        rows = self._rows(run)
        outcomes = [row.get("outcome") for row in rows if row.get("state", "Completed") == "Completed"]
        found: Row = {
            "id": run.id,
            "name": run.fields["name"],
            "isAutomated": bool(run.fields.get("automated")),
            "state": run.state,
            "totalTests": len(rows),
            "incompleteTests": len(rows) - len(outcomes),
            "passedTests": outcomes.count("Passed"),
            "unanalyzedTests": outcomes.count("Failed"),
            "revision": run.revision,
            "lastUpdatedDate": utc(run.updated, ISO),
            "url": self._url(f"test/Runs/{run.id}"),
            "webAccessUrl": f"{self._root()}/_TestManagement/Runs?runId={run.id}&_a=runCharts",
            "startedDate": run.fields.get("startedDate") or run.fields.get("startDate"),
            "completedDate": run.fields.get("completedDate") or run.fields.get("completeDate"),
            **{key: run.fields[key] for key in ("plan", "build", "tags", "pipelineReference") if key in run.fields},
        }
        if with_comment and "comment" in run.fields:
            found["comment"] = run.fields["comment"]
        return {key: value for key, value in found.items() if value is not None}

    def _root(self) -> str:
        return f"{request.url_root.rstrip('/')}/{ORGANIZATION}/{PROJECT}"

    def _url(self, path: str) -> str:
        return f"{self._root()}/_apis/{path}"


class _AnyCase:
    """Paths of the API in small letters: Azure takes them in any."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        before, marker, after = environ["PATH_INFO"].partition("/_apis")
        return self._inner({**environ, "PATH_INFO": f"{before}{marker}{after.lower()}"}, start_response)


def _with_limits(answer: Response) -> Response:
    if answer.status_code in (203, 302):  # the sign-in page is what it comes with
        answer.set_data(SIGN_IN)
        answer.mimetype = "text/html"
    for name, value in g.get("limits", {}).items():
        answer.headers.setdefault(name, value)
    return answer


def _part(rows: list[Any], most: int) -> list[Any]:
    start = int(request.args.get("$skip", 0))
    return rows[start : start + int(request.args.get("$top", most))]


def _checked(check: Check, body: Any = None) -> Any:
    body = json_body() if body is None else body
    faults = list(check(body, ""))
    if faults:
        path, fault = faults[0]
        culprits = [(_title(body, where), f"{where} {why}") for where, why in faults]
        raise Refused(400, f"{path} {fault}.", more={"typeKey": "InvalidPropertyException"}, culprits=culprits)
    return body


def _title(body: Any, path: str) -> str:
    index = path.partition(".")[0]
    row = body[int(index)] if isinstance(body, list) and index.isdecimal() else body
    return str(row.get("testCaseTitle", "")) if isinstance(row, dict) else ""


def _id_in(row: Row, key: str) -> str:
    held = row.get(key)
    return str(held.get("id", "")) if isinstance(held, dict) else ""


def _version_in(accept: str) -> str:
    found = re.search(r"api-version=([\w.-]+)", accept)
    return found[1] if found else ""


def _without_user(found: re.Match[str]) -> str:
    """A basic login without its user, of whom nobody asks."""
    try:
        secret = base64.b64decode(found[1]).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return found[0]
    return f"Basic {base64.b64encode(f':{secret}'.encode()).decode()}"


def _pipeline_as_password() -> str:
    return base64.b64encode(f":{PIPELINE_TOKEN}".encode()).decode()
