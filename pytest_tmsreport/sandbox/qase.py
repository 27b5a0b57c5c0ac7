"""Qase TestOps, as its OpenAPI files and developer pages describe it: v1 for what surrounds results, v2 for results."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from .box import Box
from .qase_attachments import Attachments
from .qase_fields import PROJECT, TOKEN, Rules
from .qase_project import Project
from .qase_results import Results
from .qase_runs import Runs
from .qase_store import Store
from .rate import RateLimit
from .site import Refused, Sandbox, add_routes, new_app


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A workspace; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("qase", secrets=(rules.token,))
    return Sandbox(box, _app(box, rules, clock), error_body, environment)


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


def _app(box: Box, rules: Rules, clock: Callable[[], float]) -> Flask:
    rate = RateLimit(rules.requests_per_minute, clock)
    app = new_app(box, error_body, lambda: _admit(rules, rate), run_page="/run/<code>/dashboard/<run_id>")
    store = Store(box, rules, clock)
    for part in (Project(store), Runs(store), Results(store), Attachments(store)):
        add_routes(app, part.routes())

    def with_limits(answer: Response) -> Response:
        if "qase.remaining" in request.environ:
            answer.headers["X-RateLimit-Limit"] = str(rate.per_minute)
            answer.headers["X-RateLimit-Remaining"] = str(request.environ["qase.remaining"])
        return answer

    app.after_request(with_limits)
    return app


def _admit(rules: Rules, rate: RateLimit) -> None:
    if request.headers.get("Token") != rules.token:
        raise Refused(401, "API token is invalid.")
    request.environ["qase.remaining"], wait_s = rate.take()
    if wait_s:
        raise Refused(429, "API rate limit exceeded.", headers={"Retry-After": str(math.ceil(wait_s))})
