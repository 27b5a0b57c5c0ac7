"""Several vendors' sandboxes as one WSGI application, each below `/<vendor>`, with trouble on demand."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import get_input_stream

from . import page
from .box import ArrivedRequest, read_json
from .trouble import Drip, EndlessHeaders, Hang, LostAnswer, Reset, Trouble, Troubles

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from .site import Sandbox

PAUSE = "tmsreport.pause"
"""The key of the environ under which a transport says how it waits: a function of seconds."""
CLOSE = "tmsreport.close"
"""Likewise how it closes a connection after the answer, unannounced."""
CHUNKED = ("HTTP_TRANSFER_ENCODING", "wsgi.input_terminated")
"""What is no longer so once the body is read."""
FLOOD_BYTES = 100_000_000
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
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")  # its bytes as Latin-1, as WSGI has it
        name, _, rest = path[1:].partition("/")
        inner = {**environ, "SCRIPT_NAME": f"{environ.get('SCRIPT_NAME', '')}/{name}", "PATH_INFO": f"/{rest}"}
        sandbox = self.sandboxes.get(name)
        if sandbox is not None and not sandbox.is_page(inner):
            return self._answer(sandbox, path, inner)(inner, start_response)
        _read(inner)
        return self._show(name, path, inner)(inner, start_response)

    def _show(self, name: str, path: str, environ: WSGIEnvironment) -> Response:
        """A page for a person."""
        if path == "/":
            boxes = [each.box for each in self.sandboxes.values()]
            return Response(page.render(boxes), mimetype="text/html")
        if name not in self.sandboxes:
            known = ", ".join(f"/{each}" for each in self.sandboxes)
            return Response(f"Nothing is mounted at /{name}; try {known}\n", 404, mimetype="text/plain")
        return Response.from_app(self.sandboxes[name].app, environ, buffered=True)

    def _answer(self, sandbox: Sandbox, path: str, environ: WSGIEnvironment) -> Response:
        path = path.encode("latin-1").decode("utf-8", "replace")
        query = environ.get("QUERY_STRING", "")
        trouble = self.troubles.take(f"{path}?{query}" if query else path)
        request = ArrivedRequest(environ["REQUEST_METHOD"], path, query, trouble=trouble.spec if trouble else "")
        if trouble and trouble.kind == "reset":
            sandbox.box.record(request)
            raise Reset("the connection was reset before the request was read")
        body = _read(environ)
        request.body = _content(environ, body)
        environ["wsgi.input"].seek(0)
        kept = sandbox.box.record(request)
        if trouble is None:
            answer = Response.from_app(sandbox.app, environ, buffered=True)
        else:
            answer = _troubled(trouble, sandbox, environ)
        kept.status = answer.status_code
        return answer


def call(app: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """Calls a WSGI application for a transport; lets `NoAnswer` through."""
    answer = Response.from_app(app, environ, buffered=True)
    code, _, reason = answer.status.partition(" ")
    return Answer(int(code), reason, list(answer.headers), answer.get_data())


def _read(environ: WSGIEnvironment) -> bytes:
    """The body of a request, which can then be read again."""
    try:
        body = get_input_stream(environ).read()
    except ClientDisconnected as error:
        raise Reset("the client left in the middle of its request") from error
    for key in CHUNKED:
        environ.pop(key, None)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _troubled(trouble: Trouble, sandbox: Sandbox, environ: WSGIEnvironment) -> Response:
    if trouble.kind == "hang":
        raise Hang("the server does not answer")
    if trouble.kind == "html":
        return Response(LOGIN_PAGE, mimetype="text/html")
    if trouble.kind == "redirect":
        port = environ["HTTP_HOST"].partition(":")[2]
        where = f"{environ['wsgi.url_scheme']}://localhost{port and f':{port}'}"
        path = f"{environ['SCRIPT_NAME']}{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        return Response("", 307, {"Location": f"{where}{path}"})
    if trouble.kind == "status":
        return _status(trouble, sandbox)
    if trouble.kind == "slow":
        environ.get(PAUSE, _nothing)(trouble.amount)
    if trouble.kind == "close":
        environ.get(CLOSE, _nothing)()
    return _spoiled(trouble.kind, Response.from_app(sandbox.app, environ, buffered=True))


def _status(trouble: Trouble, sandbox: Sandbox) -> Response:
    status = int(trouble.amount)
    text = json.dumps(sandbox.error_body(status, f"{trouble.spec} is asked for"))
    wait = formatdate(time.time() + 2, usegmt=True) if trouble.wait == "date" else trouble.wait
    return Response(text, status, {} if wait == "none" else {"Retry-After": wait}, mimetype="application/json")


def _spoiled(kind: str, answer: Response) -> Response:
    """What a client gets of the answer to a request that has done its work."""
    if kind == "lost-answer":
        raise LostAnswer("the connection was closed before the answer")
    if kind == "drip":
        raise Drip("the answer comes at one byte a second")
    if kind == "headers":
        raise EndlessHeaders("the headers of the answer do not end")
    if kind == "empty":
        answer.set_data(b"")
    if kind == "torn":
        answer.set_data(answer.get_data()[:-2])
    if kind == "odd":
        answer.set_data(b"{}")
    if kind == "text":
        answer.content_type = "text/plain"
    if kind == "gzip":
        answer.set_data(gzip.compress(answer.get_data())[:10] + b"\xff" * 20)
        answer.headers["Content-Encoding"] = "gzip"
    if kind == "flood":
        answer.set_data(b" " * FLOOD_BYTES)
    return answer


def _nothing(*_: object) -> None:
    """In memory, and in a foreign server, nobody waits, and nothing is closed."""


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
