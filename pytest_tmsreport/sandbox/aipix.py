"""aipix VMS, as its API description and its mobile SDK show it: sign-in, cameras and their marks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, Response, jsonify, request

from .box import ArrivedResult, ArrivedRun, Box
from .checks import Check, record, text
from .rate import RateLimit
from .site import Refused, Sandbox, json_body, new_app

TOKEN = "eyJhaXBpeCI6InNhbmRib3gifQ.0123456789"  # noqa: S105 - of the sandbox
LOGIN, PASSWORD = "qa-bot", "s3cret-password"
CAMERA, NAME = 17, "CI wall"
RIGHTS = ("marks-index", "marks-store")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
WORDS = {
    "en": "Unauthenticated.",
    "ru": "\u041d\u0435 \u0430\u0432\u0442\u043e\u0440\u0438\u0437\u043e\u0432\u0430\u043d.",
}
PER_PAGE = 25


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What this VMS holds and allows.

    `cameras` maps ids to names; their archive begins with the time `archive_from`. `sessions` are those that are open
    already. `wraps` puts single resources into `data`, `whole_seconds` keeps no fractions of a mark's times.
    """

    token: str = field(default=TOKEN, repr=False)
    permissions: tuple[str, ...] = RIGHTS
    cameras: Mapping[int, str] = field(default_factory=lambda: {CAMERA: NAME, 18: "CI wall, left"})
    archive_from: str = "2020-01-01T00:00:00.000000Z"
    sessions: tuple[str, ...] = ()
    sessions_limit: int = 2
    wants_captcha: bool = False
    has_licence: bool = True
    wraps: bool = False
    whole_seconds: bool = False
    requests_per_minute: int = 600


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A VMS; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("aipix", secrets=(rules.token, PASSWORD))
    return Sandbox(box, _Vms(box, rules, clock).app(), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `aipix` at that address."""
    return {"TMSREPORT_AIPIX_URL": url, "TMSREPORT_AIPIX_TOKEN": TOKEN, "TMSREPORT_AIPIX_CAMERA": str(CAMERA)}


def error_body(_: int, words: str) -> dict[str, Any]:
    """The JSON of an error."""
    return {"message": words}


class _Vms:
    """The endpoints, and what they remember beside the box."""

    def __init__(self, box: Box, rules: Rules, clock: Callable[[], float]) -> None:
        self._box = box
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_minute, clock)
        self._sessions = list(rules.sessions)
        self._marks: dict[int, list[dict[str, Any]]] = {camera: [] for camera in rules.cameras}

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self._admit)
        for method, path, view in (
            ("POST", "/api/v1/token", self.log_in),
            ("POST", "/api/v1/logout", self.log_out),
            ("GET", "/api/v1/static/basic", self.basics),
            ("GET", "/api/v1/users/self", self.user),
            ("GET", "/api/v1/cameras", self.cameras),
            ("GET", "/api/v1/cameras/<int:camera>", self.camera),
            ("GET", "/api/v1/cameras/<int:camera>/marks", self.marks),
            ("POST", "/api/v1/cameras/<int:camera>/marks", self.add_mark),
            ("GET", "/api/v1/marks", self.all_marks),
        ):
            endpoint = f"{method} {path}"
            app.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
        app.after_request(_as_html)
        return app

    def log_in(self) -> Response:
        body = json_body()
        if self._rules.wants_captcha:
            raise _invalid({"captcha": ["The captcha field is required."]})
        if (body.get("login"), body.get("password")) != (LOGIN, PASSWORD):
            raise Refused(401, WORDS["en"])
        with self._box.lock:
            if body.get("session_id") in self._sessions:
                self._sessions.remove(body["session_id"])
            if len(self._sessions) >= self._rules.sessions_limit:
                rows = [{"id": each, "ip": "192.0.2.7", "client": "web"} for each in self._sessions]
                more = {"sessions": rows, "sessions_limit": self._rules.sessions_limit}
                raise Refused(419, "Too many sessions.", more=more)
            self._sessions.append("ours")
        return jsonify({"access_token": self._rules.token, "user": self._user()})

    def log_out(self) -> Response:
        with self._box.lock:
            if "ours" in self._sessions:
                self._sessions.remove("ours")
        return Response("", 204)

    def basics(self) -> Response:
        return jsonify({"available_locales": ["en", "ru"], "is_captcha_available": True, "version": "24.03"})

    def user(self) -> Response:
        return self._single(self._user())

    def cameras(self) -> Response:
        search = request.args.get("search", "")
        if search and len(search) < 3:
            raise _invalid({"search": ["The search must be at least 3 characters."]})
        return _page([self._camera(each) for each, name in self._rules.cameras.items() if search in name])

    def camera(self, camera: int) -> Response:
        self._known(camera)
        return self._single(self._camera(camera))

    def marks(self, camera: int) -> Response:
        self._known(camera)
        self._allowed("marks-index")
        start, end = request.args.get("from", ""), request.args.get("to", "9999")
        return jsonify([mark for mark in self._marks[camera] if start <= mark["to"] and mark["from"] <= end])

    def all_marks(self) -> Response:
        self._allowed("marks-index")
        return _page([mark for marks in self._marks.values() for mark in marks])

    def add_mark(self, camera: int) -> Response:
        self._known(camera)
        self._allowed("marks-store")
        if not self._rules.has_licence:
            raise Refused(402, "The licence has expired.")
        body = json_body()
        faults: dict[str, list[str]] = {}
        for path, fault in MARK(body, ""):
            faults.setdefault(path, []).append(f"The {path} {fault}.")
        for key in ("from", "to"):
            if key not in faults and key in body and not re.fullmatch(TIME, body[key]):
                faults[key] = [f"The {key} does not match the format Y-m-d\\TH:i:s.u\\Z."]
        if not faults and body["from"] < self._rules.archive_from:
            faults["from"] = ["There is no archive for this period."]
        if faults:
            raise _invalid(faults)
        kept = (
            {key: re.sub(r"\.\d{6}", ".000000", body[key]) for key in ("from", "to")}
            if self._rules.whole_seconds
            else {}
        )
        with self._box.lock:
            number = 9001 + sum(map(len, self._marks.values()))
            mark = {"to": body["from"], **body, **kept, "id": number, "type": "mark", "camera_id": camera}
            self._marks[camera].append(mark)
            if str(camera) not in self._box.runs:
                now = self._clock()
                self._box.add_run(ArrivedRun(str(camera), self._rules.cameras[camera], now, end=now))
            word = body["title"].partition(" ")[0]
            status = word if word in ("FAILED", "ERROR") else "mark"
            self._box.add_result(ArrivedResult(str(number), str(camera), status, body["title"], (), body))
        answer = self._single(mark)
        answer.status_code = 201
        return answer

    def _admit(self) -> None:
        if self._rate.take()[1]:
            raise Refused(429, "Too Many Attempts.")
        is_open = (request.endpoint or "").endswith(("/token", "/static/basic"))
        if not is_open and request.headers.get("Authorization") != f"Bearer {self._rules.token}":
            raise Refused(401, WORDS.get(request.headers.get("Hl", request.args.get("hl", "en")), WORDS["en"]))

    def _known(self, camera: int) -> None:
        if camera not in self._rules.cameras:
            raise Refused(404, "No query results for model [Camera].")

    def _allowed(self, right: str) -> None:
        if right not in self._rules.permissions:
            raise Refused(403, "This action is unauthorized.")

    def _camera(self, camera: int) -> dict[str, Any]:
        return {"id": camera, "name": self._rules.cameras[camera], "status": "active"}

    def _user(self) -> dict[str, Any]:
        rights = [{"id": number, "name": name} for number, name in enumerate(self._rules.permissions, 9)]
        return {"id": 41, "login": LOGIN, "name": "QA bot", "permissions": rights}

    def _single(self, body: dict[str, Any]) -> Response:
        return jsonify({"data": body} if self._rules.wraps else body)


MARK: Check = record({"title": text(shortest=1, longest=255), "from": text()}, {"to": text()})


def _invalid(errors: Mapping[str, list[str]]) -> Refused:
    return Refused(422, "The given data was invalid.", more={"errors": errors})


def _page(rows: list[dict[str, Any]]) -> Response:
    """A page of a list, with links and meta."""
    page, size = (int(request.args.get(key, usual)) for key, usual in (("page", 1), ("per_page", PER_PAGE)))
    last = max(-(-len(rows) // size), 1)
    here = f"{request.base_url}?page="
    links = {"first": f"{here}1", "last": f"{here}{last}", "next": f"{here}{page + 1}" if page < last else None}
    meta = {"current_page": page, "last_page": last, "path": request.base_url, "per_page": size, "total": len(rows)}
    return jsonify({"data": rows[(page - 1) * size : page * size], "links": links, "meta": meta})


def _as_html(answer: Response) -> Response:
    """Who does not accept JSON gets errors as pages."""
    if answer.status_code >= 400 and "application/json" not in request.headers.get("Accept", ""):
        answer.set_data(f"<!doctype html><html><title>{answer.status_code}</title></html>")
        answer.mimetype = "text/html"
    return answer
