"""Xray for Jira, as its documents describe it: Cloud with its token and GraphQL, Data Center with Jira's own API."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, request

from .box import ArrivedRequest, Box
from .rate import RateLimit
from .site import Refused, Sandbox, add_routes, new_app
from .xray_cloud import Cloud
from .xray_dc import DataCenter
from .xray_fields import ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET, PROJECT, TOKEN, USER, Rules
from .xray_jira import Jira
from .xray_store import Store


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """A Jira with one project and both products; `clock` is in epoch seconds."""
    rules = rules or Rules()
    box = _Box("xray", secrets=(rules.client_secret, rules.access_token, rules.password, TOKEN))
    return Sandbox(box, _app(box, rules, clock), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `xray` at that address: Cloud, and Data Center with `product = dc`."""
    return {
        "TMSREPORT_XRAY_URL": url,
        "TMSREPORT_XRAY_JIRA_URL": url,
        "TMSREPORT_XRAY_CLIENT_ID": CLIENT_ID,
        "TMSREPORT_XRAY_CLIENT_SECRET": CLIENT_SECRET,
        "TMSREPORT_XRAY_TOKEN": ACCESS_TOKEN,
        "TMSREPORT_XRAY_PROJECT": PROJECT,
    }


def error_body(status: int, text: str) -> dict[str, Any]:  # noqa: ARG001 - Xray's shape has no place for it
    """The JSON of an error."""
    return {"error": text}


class _Box(Box):
    """Where the one request that brings the client's secret is no leak."""

    def record(self, request: ArrivedRequest) -> ArrivedRequest:
        kept = super().record(request)
        kept.held_secret = kept.held_secret and not request.path.endswith("/authenticate")
        return kept


def _app(box: Box, rules: Rules, clock: Callable[[], float]) -> Flask:
    store = Store(box, rules, clock)
    cloud = Cloud(store)
    rate = RateLimit(rules.per_5_minutes, clock, window_s=300.0)
    app = new_app(box, error_body, lambda: _admit(rules, rate, cloud), run_page="/browse/<run_id>")
    for part in (cloud, DataCenter(store), Jira(store)):
        add_routes(app, part.routes())
    return app


def _admit(rules: Rules, rate: RateLimit, cloud: Cloud) -> None:
    is_cloud = request.path.startswith("/api/v2/")
    if (request.content_length or 0) > rules.max_bytes:
        raise Refused(413, f"A request may hold {rules.max_bytes} bytes.")
    if is_cloud and rate.take()[1]:
        raise Refused(429, "Too many requests, please try again later.")  # Cloud documents no Retry-After
    if request.path == "/api/v2/authenticate":
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if is_cloud:
        is_known = scheme == "Bearer" and cloud.knows(given)
    elif scheme == "Basic":
        pair = f"{USER}:{rules.password}".encode()
        is_known = given == base64.b64encode(pair).decode()
    else:
        is_known = scheme == "Bearer" and given == rules.access_token
    if not is_known:
        raise Refused(401, "Authentication failed. Invalid or expired token.")
