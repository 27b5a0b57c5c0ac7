"""ReportPortal, as its guides for reporters and the source of service-api 5 describe it: v1, and v2 behind a queue."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import Box, Refusal, read_json
from .checks import Check
from .reportportal_fields import (
    CLIENT,
    DEFECTS,
    ITEM,
    ITEM_END,
    LAUNCH,
    LAUNCH_END,
    LOG,
    PASSWORD,
    PROJECT,
    TOKEN,
    USER,
    Rules,
)
from .reportportal_store import Item, Launch, Row, Store, refused
from .site import Refused, Sandbox, json_body, new_app

__all__ = ["CLIENT", "PASSWORD", "PROJECT", "TOKEN", "USER", "Rules", "create", "environment", "error_body"]

UNKNOWN = (4041, 4043)
"""What the queue waits for: it may still come."""


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A server with one project; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("reportportal", secrets=(rules.token, rules.password))
    return Sandbox(box, _Server(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `reportportal` at that address."""
    return {
        "TMSREPORT_REPORTPORTAL_URL": url,
        "TMSREPORT_REPORTPORTAL_TOKEN": TOKEN,
        "TMSREPORT_REPORTPORTAL_PROJECT": PROJECT,
    }


def error_body(status: int, text: str) -> dict[str, Any]:
    """The JSON of an error that ReportPortal's own codes are added to; a gateway's has none."""
    if status == 401:
        return {"error": "unauthorized", "error_description": text}
    return {"message": text, **({"errorCode": 5000} if status < 400 else {})}


class _Queue:
    """What v2 has promised: done in order, tried again while something is unknown, put aside where it is refused."""

    def __init__(self, box: Box, behind: int) -> None:
        self._box = box
        self._behind = behind
        self._waiting: list[tuple[str, Callable[[], object]]] = []

    def put(self, what: str, work: Callable[[], object]) -> None:
        self._waiting.append((what, work))
        self.work(self._behind)

    def work(self, behind: int = 0) -> None:
        """Does all but the last `behind`, as long as something gets done."""
        is_moving = True
        while is_moving:
            due = self._waiting[: len(self._waiting) - behind] if behind else list(self._waiting)
            is_moving = any([self._try(each) for each in due])  # noqa: C419 - each is to be tried

    def _try(self, each: tuple[str, Callable[[], object]]) -> bool:
        what, work = each
        try:
            work()
        except Refused as error:
            if error.more.get("errorCode") in UNKNOWN:
                return False
            self._box.refuse(Refusal(f"put aside: {what}", error.status, error.text))
        self._waiting.remove(each)
        return True


class _Server:
    """The endpoints."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._store = Store(box, rules, clock)
        self._tokens = [rules.token]
        self._queue = _Queue(box, rules.behind)

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit, run_page="/ui/<run_id>")
        for method, path, view in (
            ("POST", "/uat/sso/oauth/token", self.sign_in),
            ("GET", "/composite/info", self.info),
            ("GET", "/api/info", self.info),
            ("GET", "/api/users", self.user),
            ("GET", "/api/v1/project/<project>", self.project),
            ("GET", "/api/v1/<project>/settings", self.settings),
            ("POST", "/api/<any(v1,v2):api>/<project>/launch", self.start_launch),
            ("PUT", "/api/<any(v1,v2):api>/<project>/launch/<own>/finish", self.finish_launch),
            ("POST", "/api/<any(v1,v2):api>/<project>/item", self.start_item),
            ("POST", "/api/<any(v1,v2):api>/<project>/item/<above>", self.start_item),
            ("PUT", "/api/<any(v1,v2):api>/<project>/item/<own>", self.finish_item),
            ("POST", "/api/<any(v1,v2):api>/<project>/log", self.add_logs),
            ("POST", "/api/<any(v1,v2):api>/<project>/log/entry", self.add_log),
            ("GET", "/api/v1/<project>/launch", self.launches),
            ("GET", "/api/v1/<project>/launch/<int:number>", self.launch_by_number),
            ("GET", "/api/v1/<project>/launch/uuid/<own>", self.launch),
            ("GET", "/api/v1/<project>/item", self.items),
            ("GET", "/api/v1/<project>/item/uuid/<own>", self.item),
            ("PUT", "/api/v1/<project>/item/<int:number>/update", self.update_item),
            ("GET", "/api/v1/<project>/log/uuid/<own>", self.log),
        ):
            app.add_url_rule(path, f"{method} {path}".replace(".", "_"), view, methods=[method])
        return app

    def sign_in(self) -> Response:
        """A token for a password (RFC 6749, 4.3)."""
        told = (request.form.get("username"), request.form.get("password"), request.form.get("client_id"))
        if request.form.get("grant_type") != "password" or told != (USER, self._rules.password, CLIENT):
            raise Refused(401, "Bad credentials")
        self._tokens.append(f"oauth-{len(self._tokens)}-{self._rules.token}")
        return _answer({"access_token": self._tokens[-1], "token_type": "bearer", "expires_in": 600})

    def info(self) -> Response:
        return jsonify({"build": {"version": "5.15.1", "name": "API Service"}, "environment": {}})

    def user(self) -> Response:
        projects = {self._rules.project: {"projectRole": "PROJECT_MANAGER"}}
        return jsonify({"userId": "ci", "email": "ci@shop.test", "assignedProjects": projects})

    def project(self, project: str) -> Response:
        return jsonify({"projectId": 1, "projectName": project})

    def settings(self, project: str) -> Response:
        rows = {
            group: [{"locator": locator, "typeRef": group, "shortName": short, "longName": long}]
            for group, (locator, short, long) in DEFECTS.items()
        }
        return jsonify({"project": 1, "subTypes": rows})

    def start_launch(self, api: str, project: str) -> Response:
        body = self._checked(LAUNCH)
        if api == "v2":
            body["uuid"] = body.get("uuid") or str(uuid.uuid4())
            return self._later("start launch", lambda: self._store.start_launch(body), {"id": body["uuid"]}, 201)
        with self._box.lock:
            launch = self._store.start_launch(body)
        return _answer({"id": launch.id, "number": launch.number}, 201)

    def finish_launch(self, api: str, project: str, own: str) -> Response:
        body = self._checked(LAUNCH_END)
        if api == "v2":
            return self._later("finish launch", lambda: self._store.finish_launch(own, body), {"id": own})
        with self._box.lock:
            launch = self._store.finish_launch(own, body)
        link = f"{request.url_root}ui/#{project}/launches/all/{launch.number}"
        return _answer({"id": own, "number": launch.number, "link": link})

    def start_item(self, api: str, project: str, above: str = "") -> Response:
        body = self._checked(ITEM)
        if api == "v2":
            body["uuid"] = body.get("uuid") or str(uuid.uuid4())
            return self._later("start item", lambda: self._store.start_item(body, above), {"id": body["uuid"]}, 201)
        with self._box.lock:
            item = self._store.start_item(body, above)
        return _answer({"id": item.id, "uniqueId": f"auto:{item.number}"}, 201)

    def finish_item(self, api: str, project: str, own: str) -> Response:
        body = self._checked(ITEM_END)
        answer = {"message": f"TestItem with ID = '{own}' successfully finished."}
        if api == "v2":
            return self._later("finish item", lambda: self._store.finish_item(own, body), answer)
        with self._box.lock:
            self._store.finish_item(own, body)
        return _answer(answer)

    def add_log(self, api: str, project: str) -> Response:
        return _answer({"id": self._add(api, self._checked(LOG), None)}, 201)

    def add_logs(self, api: str, project: str) -> Response:
        if (request.content_length or 0) > self._rules.request_bytes:
            raise refused(413, 4001, f"A request may hold {self._rules.request_bytes} bytes.")
        if request.mimetype != "multipart/form-data":  # as it was before there was /entry
            return self.add_log(api, project)
        part = request.form.get("json_request_part") or ""
        try:
            rows = read_json(part.encode())
        except (ValueError, RecursionError) as error:
            raise refused(400, 4001, "Incorrect Request. json_request_part is no JSON.") from error
        if not isinstance(rows, list) or not rows:
            raise refused(400, 4001, "Incorrect Request. json_request_part holds no log.")
        files = [(file.filename or "", file.mimetype, file.read()) for file in request.files.getlist("file")]
        return _answer({"responses": [self._entry(api, row, files) for row in rows]}, 201)

    def _entry(self, api: str, row: Row, files: list[tuple[str, str, bytes]]) -> Row:
        """The answer for one of many: what is wrong with it is said there."""
        try:
            _check(LOG, row)
            name = (row.get("file") or {}).get("name")
            file = next((each for each in files if each[0] == name), None)
            if name and file is None:
                raise refused(400, 4002, f"Binary data cannot be saved. There is no request part with name {name}")
            if file is not None:
                files.remove(file)
                if len(file[2]) > self._rules.file_bytes:
                    raise refused(400, 4002, f"Binary data cannot be saved. {name} is too large")
            return {"id": self._add(api, row, file)}
        except Refused as error:
            self._box.refuse(Refusal(f"{request.method} {request.path}", error.status, error.text, "log"))
            return {"message": error.text, "stackTrace": "com.epam.reportportal"}

    def _add(self, api: str, row: Row, file: tuple[str, str, bytes] | None) -> str:
        row["uuid"] = row.get("uuid") or str(uuid.uuid4())
        with self._box.lock:
            if api == "v1":
                self._store.check_log(row)
                return self._store.add_log(row, file)
            self._queue.put("log", lambda: self._log_later(row, file))
        return str(row["uuid"])

    def _log_later(self, row: Row, file: tuple[str, str, bytes] | None) -> None:
        if row.get("itemUuid"):
            self._store.item(str(row["itemUuid"]))
        else:
            self._store.launch(str(row["launchUuid"]))
        self._store.add_log(row, file)

    def launches(self, project: str) -> Response:
        name = request.args.get("filter.eq.name")
        rows = [each for each in self._store.launches.values() if name in (None, each.body["name"])]
        rows.sort(key=lambda each: each.start, reverse="desc" in request.args.get("page.sort", ""))
        return self._page(map(_launch_row, rows))

    def launch_by_number(self, project: str, number: int) -> Response:
        found = next((each for each in self._store.launches.values() if each.number == number), None)
        return jsonify(_launch_row(found or self._store.launch(str(number))))

    def launch(self, project: str, own: str) -> Response:
        return jsonify(_launch_row(self._store.launch(own)))

    def items(self, project: str) -> Response:
        asked = request.args
        number = asked.get("filter.eq.launchId")
        if not number:
            raise refused(400, 4001, "Incorrect Request. Launch ID is required")
        rows = [
            each for each in self._store.items.values() if str(each.launch.number) == number and not each.followed_by
        ]
        if "filter.eq.hasStats" in asked:
            rows = [each for each in rows if each.has_stats is (asked["filter.eq.hasStats"] == "true")]
        if "filter.in.status" in asked:
            rows = [each for each in rows if each.status in asked["filter.in.status"].split(",")]
        return self._page(map(_item_row, rows))

    def item(self, project: str, own: str) -> Response:
        return jsonify(_item_row(self._store.item(own)))

    def update_item(self, project: str, number: int) -> Response:
        found = next((each for each in self._store.items.values() if each.number == number), None)
        item = found or self._store.item(str(number))
        body = json_body()
        item.body |= {key: body[key] for key in ("description", "attributes") if body.get(key) is not None}
        return _answer({"message": f"TestItem with ID = '{number}' successfully updated."})

    def log(self, project: str, own: str) -> Response:
        found = self._store.logs.get(own)
        if found is None:
            raise refused(404, 40411, f"Log '{own}' not found. Did you use correct Log ID?")
        return jsonify({"id": found["id"], "uuid": own, "message": found.get("message")})

    def _page(self, rows: Iterable[Row]) -> Response:
        every = list(rows)
        size, number = int(request.args.get("page.size", 20)), int(request.args.get("page.page", 1))
        size = max(1, min(size, self._rules.page_size))
        pages = max(1, -(-len(every) // size))
        counts = {"number": number, "size": size, "totalElements": len(every), "totalPages": pages}
        return jsonify({"content": every[(number - 1) * size : number * size], "page": counts})

    def _later(self, what: str, work: Callable[[], object], answer: Row, status: int = 200) -> Response:
        with self._box.lock:
            self._queue.put(what, work)
        return _answer(answer, status)

    def _admit(self) -> None:
        if request.path in ("/api/info", "/composite/info", "/uat/sso/oauth/token"):
            return
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise Refused(401, "Full authentication is required to access this resource")
        project = (request.view_args or {}).get("project")
        if project is not None and project.lower() != self._rules.project:
            raise refused(404, 4040, f"Project '{project}' not found. Did you use correct project name?")

    def _checked(self, check: Check) -> Row:
        body = json_body()
        _check(check, body)
        found: Row = body
        return found


def _check(check: Check, body: Any) -> None:
    faults = list(check(body, ""))
    if faults:
        words = "; ".join(f"Field '{path}' {fault}" for path, fault in faults)
        raise refused(400, 4001, f"Incorrect Request. [{words}]")


def _answer(body: Row, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def _launch_row(launch: Launch) -> Row:
    attributes = [each for each in launch.body.get("attributes") or () if not each.get("system")]
    return {
        "id": launch.number,
        "uuid": launch.id,
        "number": 1,
        "name": launch.body["name"],
        "description": launch.body.get("description"),
        "startTime": launch.start,
        "endTime": launch.end,
        "status": launch.status,
        "attributes": attributes,
        "mode": str(launch.body.get("mode") or "DEFAULT").upper(),
        "rerun": launch.is_rerun,
    }


def _item_row(item: Item) -> Row:
    keys = ("name", "codeRef", "description", "parameters")
    return {
        "id": item.number,
        "uuid": item.id,
        **{key: item.body.get(key) for key in keys},
        "type": str(item.body["type"]).upper(),
        "startTime": item.start,
        "status": item.status,
        "issue": item.end.get("issue"),
        "testCaseId": item.test_case,
        "hasChildren": bool(item.inner),
        "hasStats": item.has_stats,
        "launchId": item.launch.number,
        "path": item.path,
        "attributes": [each for each in item.body.get("attributes") or () if not each.get("system")],
        "retries": [_item_row(each) for each in item.retries],
    }
