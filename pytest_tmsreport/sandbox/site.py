"""What every vendor's sandbox app has in common: errors in the vendor's own shape, a gate, and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import Rule

from . import page
from .box import Box, Refusal, read_json

PAGE = "page"
TOO_MANY_REQUESTS = 429
Route = tuple[str, str, Callable[..., Response]]
"""Method, path and view of an address."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault of this program
    """An answer that is an error.

    `more` is added to the vendor's error body; `culprits` pairs what is refused (a result's title) with the reason,
    where that is not the request as a whole.
    """

    def __init__(
        self,
        status: int,
        text: str,
        *,
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        culprits: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.more = more or {}
        self.headers = headers or {}
        self.culprits = culprits


def json_body() -> Any:
    """The JSON of the request at hand; raises Refused (400) where it holds none."""
    try:
        return read_json(request.get_data())
    except (ValueError, RecursionError) as error:
        raise Refused(400, "The body of the request is no JSON.") from error


@dataclass(frozen=True)
class Sandbox:
    """One vendor's stand-in.

    `error_body(status, text)` is the JSON of an error; `environment(url)` the variables with which `--tms-to` finds the
    stand-in at that address without any settings.
    """

    box: Box
    app: Flask
    error_body: Callable[[int, str], Any]
    environment: Callable[[str], Mapping[str, str]]

    @property
    def name(self) -> str:
        """The vendor's name, and its first segment in every path."""
        return self.box.vendor

    def is_page(self, environ: dict[str, Any]) -> bool:
        """True for a request of a person's browser, which is no part of what arrived."""
        try:
            endpoint, _ = self.app.url_map.bind_to_environ(environ).match()
        except HTTPException:
            return False
        return str(endpoint).startswith(PAGE)


class _Address(Rule):
    """An address that is only looked up."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        """Takes the place of what makes URLs of it, which is most of the time that an app takes to be made.

        Werkzeug promises no such method: without it an app is only made as slowly as any.
        """
        return lambda *_: ("", "")


class _App(Flask):
    url_rule_class = _Address


def new_app(
    box: Box,
    error_body: Callable[[int, str], Any],
    admit: Callable[[], None],
    *,
    run_page: str = "",
) -> Flask:
    """A Flask app whose errors, unknown paths and wrong methods included, have the vendor's shape.

    `admit` raises Refused for a request that is not let in; `run_page` is the rule of the link to a run, `<run_id>`
    in it.
    """
    app = _App(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]

    def gate() -> None:
        if not (request.endpoint or "").startswith(PAGE):
            admit()

    def refuse(error: Refused) -> Response:
        where = f"{request.method} {request.script_root}{request.path}"
        if error.status != TOO_MANY_REQUESTS:  # that is only put off
            for what, reason in error.culprits or [("", error.text)]:
                box.refuse(Refusal(where, error.status, reason, what))
        body = error_body(error.status, error.text)
        answer = jsonify({**body, **error.more} if isinstance(body, dict) else body)
        answer.status_code = error.status
        answer.headers.extend(error.headers)
        return answer

    def refuse_by_http(error: HTTPException) -> Response:
        methods = error.valid_methods if isinstance(error, MethodNotAllowed) else None
        headers = {"Allow": ", ".join(methods)} if methods else {}
        return refuse(Refused(error.code or 500, error.name, headers=headers))

    def show(run_id: str = "", **_: str) -> str:
        return page.render([box], run_id)

    app.before_request(gate)
    app.register_error_handler(Refused, refuse)
    app.register_error_handler(HTTPException, refuse_by_http)
    app.add_url_rule("/", PAGE, show)
    if run_page:
        app.add_url_rule(run_page, f"{PAGE} of a run", show)
    return app


def add_routes(app: Flask, routes: Iterable[Route]) -> None:
    """Adds addresses, of which none answers to a method but its own."""
    for method, path, view in routes:
        endpoint = f"{method} {path}".replace(".", "_")
        app.add_url_rule(path, endpoint, view, methods=[method], provide_automatic_options=False)
