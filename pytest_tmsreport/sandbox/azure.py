"""Azure DevOps with one project, as its documents describe it: test runs, results, attachments and test plans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask

from .azure_answers import listing
from .azure_attachments import Attachments
from .azure_fields import ORGANIZATION, PIPELINE_TOKEN, PROJECT, TOKEN, Rules, places
from .azure_gate import Gate, with_limits
from .azure_items import Items
from .azure_plans import Plans
from .azure_results import Results
from .azure_runs import Runs
from .azure_store import Store
from .box import Box
from .site import Sandbox, add_routes, new_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def create(rules: Rules | None = None, *, clock: Callable[[], float] = time.time) -> Sandbox:
    """An organization with one project and one plan; `clock` is in epoch seconds."""
    box = Box("azure", secrets=(TOKEN, PIPELINE_TOKEN))
    return Sandbox(box, _app(box, rules or Rules(), clock), error_body, environment)


def environment(url: str) -> dict[str, str]:
    """The variables of a destination `azure` at that address."""
    return {
        "TMSREPORT_AZURE_URL": f"{url}/{ORGANIZATION}",
        "TMSREPORT_AZURE_PROJECT": PROJECT,
        "TMSREPORT_AZURE_TOKEN": TOKEN,
    }


def error_body(status: int, text: str) -> dict[str, Any]:
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


def _app(box: Box, rules: Rules, clock: Callable[[], float]) -> Flask:
    app = new_app(box, error_body, Gate(rules, clock).admit, run_page="/<organization>/<project>/_TestManagement/Runs")
    add_routes(
        app,
        (
            ("OPTIONS", f"/{ORGANIZATION}/_apis", lambda: listing(places())),
            ("GET", f"/{ORGANIZATION}/_apis/resourceareas", lambda: listing([])),
        ),
    )
    plans, store = Plans(box, rules), Store(box, rules, clock)
    for part in (Runs(store, plans), Results(store, plans), Attachments(store), Items(rules), plans):
        add_routes(app, part.routes())
    app.after_request(with_limits)
    app.wsgi_app = _AnyCase(app.wsgi_app)  # type: ignore[method-assign]
    return app


class _AnyCase:
    """Paths of the API in small letters: Azure takes them in any."""

    def __init__(self, inner: WSGIApplication) -> None:
        self._inner = inner

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        before, marker, after = environ["PATH_INFO"].partition("/_apis")
        return self._inner({**environ, "PATH_INFO": f"{before}{marker}{after.lower()}"}, start_response)
