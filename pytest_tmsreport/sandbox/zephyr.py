"""Zephyr Scale for Jira, as its documents describe it: Cloud's API v2, Data Center's ATM, and what its pages ask."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from flask import has_request_context, request

from .box import Box
from .rate import RateLimit
from .site import Refused, Sandbox, add_routes, new_app
from .zephyr_cloud import Cloud
from .zephyr_dc import DataCenter
from .zephyr_fields import PROJECT, TOKEN, USER, Rules
from .zephyr_internal import Internal
from .zephyr_site import Site

__all__ = ["Rules", "create", "environment", "error_body"]


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A Jira with one project and both products; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = Box("zephyr", secrets=(rules.token, rules.password))
    site = Site(box, rules, clock)
    rate = RateLimit(rules.requests_per_minute, clock)

    def admit() -> None:
        _, wait = rate.take() if rules.requests_per_minute else (1, 0.0)
        if wait:
            raise Refused(429, "Too Many Requests", headers={"Retry-After": str(int(wait) + 1)})
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        pair = base64.b64encode(f"{USER}:{rules.password}".encode()).decode()
        is_basic = scheme == "Basic" and given == pair and request.path.startswith("/rest/")
        if not is_basic and (scheme, given) != ("Bearer", rules.token):
            raise Refused(401, "Unauthorized")

    app = new_app(box, error_body, admit, run_page="/page/<run_id>")
    for part in (Cloud(site), DataCenter(site), Internal(site)):
        add_routes(app, part.routes())
    return Sandbox(box, app, error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `zephyr` at that address: Cloud, and Data Center with `product = dc`."""
    return {"TMSREPORT_ZEPHYR_URL": url, "TMSREPORT_ZEPHYR_TOKEN": TOKEN, "TMSREPORT_ZEPHYR_PROJECT": PROJECT}


def error_body(status: int, text: str) -> dict[str, Any]:
    """The JSON of an error: Cloud's, or that of a Jira server."""
    if has_request_context() and request.path.startswith("/rest/"):
        if status == 401:
            return {"status": {"statusCode": status, "message": text}}
        return {"errorMessages": [text] if text else []}
    return {"errorCode": status, "message": text}
