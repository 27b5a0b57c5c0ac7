"""Several vendors' sandboxes as one WSGI application, each below `/<vendor>`, with trouble on demand."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import get_input_stream

from . import page
from .box import ArrivedRequest, read_json
from .trouble import Hang, LostAnswer, Reset, Trouble, Troubles

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from .site import Sandbox

PAUSE = "tmsreport.pause"
"""The key of the environ under which a transport says how it waits: a function of seconds."""
CHUNKED = ("HTTP_TRANSFER_ENCODING", "wsgi.input_terminated")
"""What is no longer so once the body is read."""
LOGIN_PAGE = "<!doctype html><html><title>Log in</title><form>Please log in to go on.</form></html>"


class Answer(NamedTuple):
    """What a WSGI application answered."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


class Mount:
    """A WSGI application; it raises a kind of `NoAnswer` where the client is to get none.

    `troubles` is a queue to which more can be added at any time.
    """

    def __init__(self, sandboxes: Iterable[Sandbox], troubles: Iterable[str] = ()) -> None:
        """Raises ConfigError for a trouble that cannot be read."""
        self.sandboxes = {sandbox.name: sandbox for sandbox in sandboxes}
        self.troubles = Troubles(troubles)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            body = get_input_stream(environ).read()
        except ClientDisconnected as error:
            raise Reset("the client left in the middle of its request") from error
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")  # its bytes as Latin-1, as WSGI has it
        name, _, rest = path[1:].partition("/")
        inner = {
            **{key: value for key, value in environ.items() if key not in CHUNKED},
            "SCRIPT_NAME": f"{environ.get('SCRIPT_NAME', '')}/{name}",
            "PATH_INFO": f"/{rest}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        return self._answer(name, path, inner, body)(inner, start_response)

    def _answer(self, name: str, path: str, environ: WSGIEnvironment, body: bytes) -> Response:
        sandbox = self.sandboxes.get(name)
        if path == "/":
            boxes = [each.box for each in self.sandboxes.values()]
            return Response(page.render(boxes), mimetype="text/html")
        if sandbox is None:
            known = ", ".join(f"/{each}" for each in self.sandboxes)
            return Response(f"Nothing is mounted at /{name}; try {known}\n", 404, mimetype="text/plain")
        if sandbox.is_page(environ):
            return Response.from_app(sandbox.app, environ, buffered=True)
        path = path.encode("latin-1").decode("utf-8", "replace")
        query = environ.get("QUERY_STRING", "")
        request = ArrivedRequest(environ["REQUEST_METHOD"], path, query, _content(environ, body))
        kept = sandbox.box.record(request)
        environ["wsgi.input"].seek(0)
        trouble = self.troubles.take(f"{path}?{query}" if query else path)
        if trouble is None:
            answer = Response.from_app(sandbox.app, environ, buffered=True)
        else:
            kept.trouble = trouble.spec
            answer = _troubled(trouble, sandbox, environ)
        kept.status = answer.status_code
        return answer


def call(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Calls a WSGI application for a transport; lets `NoAnswer` through."""
    answer = Response.from_app(app, environ, buffered=True)
    code, _, reason = answer.status.partition(" ")
    return Answer(int(code), reason, list(answer.headers), answer.get_data())


def _troubled(trouble: Trouble, sandbox: Sandbox, environ: WSGIEnvironment) -> Response:
    if trouble.kind == "reset":
        raise Reset("the connection was reset before the request was read")
    if trouble.kind == "hang":
        raise Hang("the server does not answer")
    if trouble.kind == "html":
        return Response(LOGIN_PAGE, mimetype="text/html")
    if trouble.kind == "status":
        status = int(trouble.amount)
        text = json.dumps(sandbox.error_body(status, f"{trouble.spec} is asked for"))
        return Response(text, status, {"Retry-After": "1"} if status == 429 else {}, mimetype="application/json")
    if trouble.kind == "slow":
        environ.get(PAUSE, _no_pause)(trouble.amount)
    answer = Response.from_app(sandbox.app, environ, buffered=True)
    if trouble.kind == "lost-answer":
        raise LostAnswer("the connection was closed before the answer")
    return answer


def _no_pause(seconds: float) -> None:
    """In memory, and in a foreign server, nobody waits."""


def _content(environ: WSGIEnvironment, body: bytes) -> Any:
    """A request's body as it is recorded."""
    if not body:
        return None
    request = Request(environ)
    if request.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
        values = [{"field": key, "value": value} for key, value in request.form.items(multi=True)]
        files = [
            {"field": key, "filename": file.filename, "mime": file.mimetype, **_size(file.read())}
            for key, file in request.files.items(multi=True)
        ]
        request.close()
        return {"parts": values + files}
    try:
        return read_json(body)
    except (ValueError, RecursionError):
        return {"content": request.mimetype, **_size(body)}


def _size(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
