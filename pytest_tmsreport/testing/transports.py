"""Ways to a tool, in memory: answers that are made up, answers that are lost, and what happens in between."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from ..sandbox.adapter import WsgiAdapter
from ..sandbox.mount import Mount


class Canned(BaseAdapter):
    """Answers every request alike; `paths` lists what was asked."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.paths: list[str] = []
        self._status = status
        self._body = body
        self._headers = {"Content-Type": "application/json", **(headers or {})}

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.paths.append(f"{request.method} {request.path_url}")
        response = requests.Response()
        response.status_code = self._status
        response.headers = CaseInsensitiveDict(self._headers)
        response.url = str(request.url)
        response.request = request
        response.raw = HTTPResponse(
            io.BytesIO(self._body), self._headers, self._status, preload_content=False, decode_content=False
        )
        return response

    def close(self) -> None:
        """There is nothing to close."""


class LosesAnswer(WsgiAdapter):
    """Delivers every request, and raises an error in place of one answer; `for_good` of all after it, too."""

    def __init__(
        self,
        mount: Mount,
        number: int,
        error: type[BaseException] = requests.exceptions.ConnectionError,
        *,
        for_good: bool = False,
    ) -> None:
        super().__init__(mount)
        self._left = number
        self._error = error
        self._for_good = for_good

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        answer = super().send(request, *args, **kwargs)
        self._left -= 1
        if self._left == 0 or (self._for_good and self._left < 0):
            raise self._error("the answer was lost")
        return answer


class Meanwhile(WsgiAdapter):
    """Delivers every request; just before one of them, something else happens."""

    def __init__(self, mount: Mount, number: int, happens: Callable[[], object]) -> None:
        super().__init__(mount)
        self._left = number
        self._happens = happens

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._left -= 1
        if self._left == 0:
            self._happens()
        return super().send(request, *args, **kwargs)
