"""How a user without an API key signs in to ReportPortal: by OAuth, with a password (RFC 6749, 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..auth import TokenExchange

if TYPE_CHECKING:
    from .reportportal import ReportPortal

TOKEN_S = 300.0
"""How long a token is taken for good; one that ends earlier is renewed when it is refused."""


def exchange(vendor: ReportPortal) -> TokenExchange:
    """The user's password for a token."""
    fields = {
        "grant_type": "password",
        "username": vendor.user,
        "password": vendor.password,
        "client_id": vendor.client_id,
        "client_secret": vendor.client_secret,
        "scope": vendor.oauth_scope,
    }
    path = vendor.oauth_uri.removeprefix(f"{vendor.base_url}/").lstrip("/")
    body = {name: value for name, value in fields.items() if value}
    return TokenExchange(path, body, TOKEN_S, "access_token", is_form=True)
