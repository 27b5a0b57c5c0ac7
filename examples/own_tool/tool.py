"""A home-made tool for test results, as a team may have one: `python tool.py` serves it on this machine until Ctrl-C.

It keeps everything in memory, wants a login, counts its runs and rows, answers errors in a shape of its own, and knows
one plan. `tmsreport.toml` beside it is all that pytest-tmsreport has to be told of it.
"""

from __future__ import annotations

import base64
import sys
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

KEY = "a-key-of-the-team"
SESSION = "a-session-of-an-hour"
OUTCOMES = ("green", "red", "grey")
PLANS = {7: ("cart-1", "cart-2", "till-1")}
A_PAGE = 2


class Trouble(Exception):  # noqa: N818 - the tool's own word
    """What the tool answers in place of what was wanted."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.answer = status, {"ok": False, "error": {"code": code, "text": text}}


class Tool:
    """Runs, and the rows of all of them; both count from 1."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []

    def login(self) -> Response:
        if request.get_json() != {"key": KEY}:
            raise Trouble(401, "E01", "wrong key")
        return fine({"session": SESSION})

    def open_run(self) -> Response:
        self.runs.append({"number": len(self.runs) + 1, "is_open": True, **request.get_json()})
        return fine({"number": len(self.runs)})

    def list_runs(self) -> Response:
        return page(self.runs)

    def finish(self, number: int) -> Response:
        self.run_of(number)["is_open"] = False
        return fine({})

    def take(self, number: int) -> Response:
        self.run_of(number)
        results = request.get_json()["results"]
        for each in results:
            if each["outcome"] not in OUTCOMES:
                raise Trouble(422, "E22", f"{each['outcome']!r} is no outcome")
        return fine([{"row": self.row_of(number, each)["row"]} for each in results])

    def attach(self, row: int) -> Response:
        body = request.get_json()
        files = self.rows[row - 1]["files"]
        files.append([body["name"], len(base64.b64decode(body["content"]))])
        return fine({"file": f"{row}/{len(files)}"})

    def list_rows(self) -> Response:
        return fine(self.rows)

    def cases(self, number: int) -> Response:
        if number not in PLANS:
            raise Trouble(404, "E04", f"there is no plan {number}")
        return page([{"case": case} for case in PLANS[number]])

    def run_of(self, number: int) -> dict[str, Any]:
        if not 1 <= number <= len(self.runs):
            raise Trouble(404, "E04", f"there is no run {number}")
        return self.runs[number - 1]

    def row_of(self, number: int, result: dict[str, Any]) -> dict[str, Any]:
        """The row of a result: a key that comes again is the same result."""
        found = next((row for row in self.rows if row["key"] == result["key"]), None)
        if found is None:
            found = {"row": len(self.rows) + 1, "run": number, "files": [], **result}
            self.rows.append(found)
        return found


def create() -> Flask:
    """The tool, without any runs."""
    app, tool = Flask(__name__), Tool()
    app.before_request(admit)
    app.register_error_handler(Trouble, trouble)
    for method, path, answer in (
        ("POST", "/api/login", tool.login),
        ("POST", "/api/runs", tool.open_run),
        ("GET", "/api/runs", tool.list_runs),
        ("POST", "/api/runs/<int:number>/finish", tool.finish),
        ("POST", "/api/runs/<int:number>/results", tool.take),
        ("POST", "/api/rows/<int:row>/files", tool.attach),
        ("GET", "/api/rows", tool.list_rows),
        ("GET", "/api/plans/<int:number>/cases", tool.cases),
    ):
        app.add_url_rule(path, f"{method} {path}", answer, methods=[method])
    return app


def admit() -> None:
    if request.path != "/api/login" and request.headers.get("Authorization") != f"Bearer {SESSION}":
        raise Trouble(401, "E01", "no session")


def trouble(error: Trouble) -> tuple[Response, int]:
    status, body = error.answer
    return jsonify(body), status


def fine(data: Any) -> Response:
    return jsonify({"ok": True, "data": data})


def page(entries: list[dict[str, Any]]) -> Response:
    first = A_PAGE * (int(request.args.get("page", 1)) - 1)
    pages = -(-len(entries) // A_PAGE)
    return jsonify({"ok": True, "data": entries[first : first + A_PAGE], "pages": pages})


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(sys.argv[1]) if sys.argv[1:] else 8800, create(), threaded=True)
    sys.stdout.write(f"http://127.0.0.1:{server.port}/api\n")
    sys.stdout.flush()
    server.serve_forever()
