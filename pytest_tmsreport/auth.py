"""How a tool wants to be signed to, as plain data: the client turns it into a request's headers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .errors import PermanentError


class Header(NamedTuple):
    """A constant header that holds the secret, such as `Token: …`."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"Header({self.name!r}, …)"


class TokenExchange(NamedTuple):
    """A token that is fetched: `body` goes as JSON to `path`, unsigned, and the answer holds a token.

    With `is_form` it goes as a form (RFC 6749).

    `token` is the dotted path of the token in the answer; empty where the answer itself is the token, as a JSON string.
    `lifetime_s` says for how many seconds it is good. It goes in the `header` of that name, in place of the braces of
    `form`. `stale` are the HTTP statuses and the tool's codes that may mean that it has ended before its time.
    `instead` gets the error of an exchange that was refused, and returns the body of another try, or raises. A token is
    given back at the end by a POST to `end`, where that is named.
    """

    path: str
    body: Mapping[str, Any]
    lifetime_s: float
    token: str = ""
    is_form: bool = False
    header: str = "Authorization"
    form: str = "Bearer {}"
    stale: tuple[int | str, ...] = (401,)
    instead: Callable[[PermanentError], Mapping[str, Any]] | None = None
    end: str = ""

    def __repr__(self) -> str:
        return f"TokenExchange({self.path!r}, …)"

    def signed(self, token: str) -> Header:
        """The header of every other request."""
        return Header(self.header, self.form.format(token))


Auth = Header | TokenExchange
"""What `Vendor.auth` returns."""


def bearer(token: str) -> Header:
    """`Authorization: Bearer …` (RFC 6750)."""
    return Header("Authorization", f"Bearer {token}")


def basic(user: str, password: str) -> Header:
    """`Authorization: Basic …` (RFC 7617), in UTF-8."""
    return Header("Authorization", f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}")
