"""Lantern's stand-in: a small Flask app that behaves as its documentation says, refusals included."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from flask import Flask, Response, jsonify, request

from pytest_tmsreport.sandbox.box import ArrivedFile, ArrivedResult, ArrivedRun, Box
from pytest_tmsreport.sandbox.site import Refused, Sandbox, json_body, new_app

TOKEN = "stand-in-token"
PROJECT = "SHOP"
STATUSES = ("lit", "dark", "broken", "idle")


def create() -> Sandbox:
    """A server with one project, whose cases are numbers."""
    box = Box("lantern", secrets=(TOKEN,))
    return Sandbox(box, _Server(box).app(), error_body, environment)


class _Server:
    """The addresses, and what the box is told of them."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def app(self) -> Flask:
        app = new_app(self._box, error_body, self.admit, run_page="/runs/<run_id>")
        for method, path, view in (
            ("GET", "/v1/projects/<project>", self.project),
            ("POST", "/v1/projects/<project>/runs", self.open_run),
            ("GET", "/v1/runs/<run_id>", self.run),
            ("POST", "/v1/runs/<run_id>/results", self.add_results),
            ("POST", "/v1/runs/<run_id>/files", self.add_file),
            ("POST", "/v1/runs/<run_id>/close", self.close_run),
        ):
            app.add_url_rule(path, f"{method} {path.replace('.', '_')}", view, methods=[method])
        return app

    def admit(self) -> None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "the token is not known")

    def project(self, project: str) -> Response:
        if project != PROJECT:
            raise Refused(404, f"there is no project {project}")
        return jsonify(code=project)

    def open_run(self, project: str) -> Response:
        self.project(project)
        body = json_body()
        with self._box.lock:
            same = [run for run in self._box.runs.values() if run.body["own_id"] == body["own_id"]]
            if same:  # an id that comes again is the same run
                return jsonify(id=same[0].id)
            number = str(len(self._box.runs) + 1)
            self._box.add_run(ArrivedRun(number, body["title"], time.time(), project, body))
        return jsonify(id=number)

    def run(self, run_id: str) -> Response:
        return jsonify(id=self._run(run_id).id)

    def add_results(self, run_id: str) -> Response:
        self._run(run_id)
        rows = json_body()
        wrong = [(number, row["title"], fault) for number, row in enumerate(rows) if (fault := fault_of(row))]
        if wrong:
            words = "; ".join(f"result {number}: {fault}" for number, _, fault in wrong)
            raise Refused(422, words, culprits=[(title, fault) for _, title, fault in wrong])
        for row in rows:
            cases = tuple(row["cases"])
            self._box.add_result(ArrivedResult(row["own_id"], run_id, row["status"], row["title"], cases, row))
        return jsonify(ids=[row["own_id"] for row in rows])

    def add_file(self, run_id: str) -> Response:
        self._run(run_id)
        file = request.files["file"]
        content = file.read()
        sha256 = hashlib.sha256(content).hexdigest()
        self._box.add_attachment(ArrivedFile(sha256, str(file.filename), file.mimetype, len(content), sha256))
        return jsonify(id=sha256)

    def close_run(self, run_id: str) -> Response:
        run = self._run(run_id)
        run.end = run.end or time.time()
        return jsonify(id=run.id)

    def _run(self, run_id: str) -> ArrivedRun:
        if run_id not in self._box.runs:
            raise Refused(404, f"there is no run {run_id}")
        return self._box.runs[run_id]


def fault_of(row: dict[str, Any]) -> str:
    """What is wrong with a result; empty where nothing is."""
    if row["status"] not in STATUSES:
        return f"unknown status {row['status']!r}"
    return next((f"{case!r} is no case" for case in row["cases"] if not case.isdecimal()), "")


def error_body(status: int, text: str) -> dict[str, Any]:
    """The JSON of an error, as Lantern has it."""
    return {"error": {"code": f"L-{status}", "text": text}}


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `lantern` at that address."""
    return {"TMSREPORT_LANTERN_URL": url, "TMSREPORT_LANTERN_TOKEN": TOKEN, "TMSREPORT_LANTERN_PROJECT": PROJECT}
