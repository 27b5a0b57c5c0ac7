"""A WSGI application in place of the network, for `requests`: nothing leaves the process, nothing waits."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import create_environ

from .mount import PAUSE, Answer, call
from .trouble import Drip, EndlessHeaders, Hang, NoAnswer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


FRAMING = ("Content-Length", "Transfer-Encoding")
"""How a body is cut for the wire: here it is whole."""


class WsgiAdapter(BaseAdapter):
    """Answers the requests of a session from `app`; `slow` hears the seconds for which a slow answer would wait."""

    def __init__(self, app: WSGIApplication, *, slow: Callable[[float], object] = lambda _: None) -> None:
        super().__init__()
        self._app = app
        self._slow = slow

    def send(  # noqa: PLR0913, PLR0917 - the signature of `requests`
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The answer; raises what `requests` raises where a server gives none."""
        parts = urlsplit(str(request.url))
        environ = create_environ(
            parts.path or "/",
            f"{parts.scheme}://{parts.netloc}/",
            query_string=parts.query,
            method=str(request.method),
            headers=[(key, _word(value)) for key, value in request.headers.items() if key not in FRAMING],
            data=_content(request.body),
            environ_overrides={PAUSE: self._slow},
        )
        try:
            answer = call(self._app, environ)
        except (Hang, Drip) as error:
            raise requests.exceptions.ReadTimeout(str(error), request=request) from error
        except EndlessHeaders as error:
            cause = HTTPException("got more than 100 headers")
            raise requests.exceptions.ConnectionError(cause, request=request) from error
        except NoAnswer as error:
            raise requests.exceptions.ConnectionError(str(error), request=request) from error
        return _response(request, answer)

    def close(self) -> None:
        """Does nothing: there is no connection to give back."""


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.reason = answer.reason
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.url = str(request.url)
    response.request = request
    headers = HTTPHeaderDict(answer.headers)
    response.raw = HTTPResponse(
        io.BytesIO(answer.body), headers, answer.status, reason=answer.reason, preload_content=False
    )
    return response


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        body = body.read()
    elif not isinstance(body, (bytes, str)):
        body = b"".join(body)
    return body.encode() if isinstance(body, str) else bytes(body)


def _word(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
