"""What becomes of a login that aipix refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import AuthError, PermanentError, VendorError, dig
from ..render import plain

if TYPE_CHECKING:
    from .aipix import Aipix


def instead(vendor: Aipix, error: PermanentError) -> Mapping[str, Any]:
    """What to log in with after a refusal. Raises AuthError that says why there is nothing."""
    if dig(error.body, "errors.captcha"):
        raise _shut(vendor, error, "aipix wants a captcha", "set a token in place of `login`") from error
    sessions = dig(error.body, "sessions")
    if error.status != 419 or not isinstance(sessions, list):
        raise error
    session = dig(error.body, "sessions.0.id")
    if vendor.replace_session and session is not None:
        return {"login": vendor.login, "password": vendor.password, "session_id": session}
    shown = "; ".join(" ".join(map(str, each.values())) for each in sessions[:10] if isinstance(each, dict))
    remedy = "end one of them, or say `replace_session = true`, which ends the first"
    raise _shut(vendor, error, f"there are too many sessions: {shown}", remedy) from error


def _shut(vendor: Aipix, error: VendorError, text: str, remedy: str) -> AuthError:
    return AuthError(
        plain(text), vendor=vendor.name, request=error.request, status=error.status, code=error.code, remedy=remedy
    )
