"""TestRail, as its API v2 articles and its official command line describe it."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from flask import Flask, request

from .box import Box
from .rate import RateLimit
from .site import Refused, Sandbox, new_app
from .testrail_cases import Cases
from .testrail_fields import PROJECT, TOKEN, USER, Rules
from .testrail_plans import Plans
from .testrail_project import Project
from .testrail_results import Results
from .testrail_runs import Runs
from .testrail_store import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """An instance with one project; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("testrail", secrets=(rules.token,))
    return _Site(box, _app(box, rules, clock), error_body, environment)


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


def _app(box: Box, rules: Rules, clock: Callable[[], float]) -> Flask:
    rate = RateLimit(rules.requests_per_minute, clock)
    app = new_app(box, error_body, lambda: _admit(rules, rate), run_page="/runs/view/<run_id>")
    store = Store(box, rules, clock)
    for part in (Project(store), Cases(store), Runs(store), Plans(store), Results(store)):
        _add_views(app, part)
    inner = app.wsgi_app

    def at_index(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return inner(_routed(environ), start_response)

    app.wsgi_app = at_index  # type: ignore[method-assign]
    return app


def _add_views(app: Flask, part: object) -> None:
    """Every public method is TestRail's of the same name, with its arguments in the path: `get_case(case_id)`."""
    for name, view in inspect.getmembers(part, inspect.ismethod):
        if name.startswith("_"):
            continue
        arguments = inspect.signature(view).parameters.values()
        places = (f"<{'int:' if each.annotation == 'int' else ''}{each.name}>" for each in arguments)
        path = "/".join(["/api/v2", name, *places])
        method = "GET" if name.startswith("get_") else "POST"
        app.add_url_rule(path, f"api {name}", view, methods=[method], provide_automatic_options=False)


def _admit(rules: Rules, rate: RateLimit) -> None:
    login = request.authorization
    if login is None or (login.username, login.password) != (rules.user, rules.token):
        raise Refused(401, "Authentication failed: wrong user, password or API key.")
    is_file = "/add_attachment" in request.path
    if not is_file and request.mimetype != "application/json":
        raise Refused(400, "The header Content-Type is missing or is not application/json.")
    if not is_file and (request.content_length or 0) > rules.max_bytes:
        raise Refused(413, f"A request may hold {rules.max_bytes} bytes.")
    _, wait_s = rate.take()
    if wait_s:
        raise Refused(429, "API rate limit reached.", headers={"Retry-After": str(math.ceil(wait_s))})
