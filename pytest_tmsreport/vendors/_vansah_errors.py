"""What Vansah's answers say went wrong: its API overview lists the codes, advice is ours."""

from __future__ import annotations

import re
from typing import Any

from ..errors import (
    AuthError,
    ErrorTable,
    Fault,
    NotFound,
    PermanentError,
    RateLimited,
    Rejected,
    TooLarge,
    TransientError,
    VendorError,
)

DUPLICATE = 1309
LOOK = "look at the asset in Vansah, then decide"
NEW_TOKEN = "make a new token in Jira: Apps, Vansah, Settings, Vansah API Tokens"  # noqa: S105 - advice
NO_USE = "nothing of ours asks for this: please report it"

TABLE = ErrorTable(
    message=("message",),
    details="data.errors",
    code=("errorCode", "error_code", "code"),
    code_in_message=r"(?<![\w-])(?:100[0-6]|110[1-5]|120[1-7]|13(?:0\d|1[0-3]))(?![\w-])",
    success="success",
    codes={
        401: Fault(AuthError, "the token is not accepted", f"{NEW_TOKEN}; check `url`: a token is of one region"),
        404: Fault(NotFound, "no such address", "check `url`: the API Connect URL that Jira shows, without /api"),
        413: Fault(TooLarge, "the import is too large", "lower `batch_size` or `max_text`"),
        429: Fault(RateLimited, "too many requests", "lower `requests_per_minute`", wait_s=60.0),
        1000: Fault(TransientError, "Vansah failed", "send again later; if it lasts, ask Vansah's administrator"),
        1001: Fault(PermanentError, "a required header is missing", "let no proxy take `Authorization` out"),
        1002: Fault(PermanentError, "a required parameter is missing", "check `project`, `asset` and `plan`"),
        1003: Fault(PermanentError, "offset or limit is invalid", NO_USE),
        1004: Fault(PermanentError, "the locale is invalid", NO_USE),
        1005: Fault(PermanentError, "the time zone is invalid", NO_USE),
        1006: Fault(RateLimited, "too many requests in a minute", "lower `requests_per_minute`", wait_s=60.0),
        1101: Fault(AuthError, "not authorized", "check token and `url`"),
        1102: Fault(AuthError, "no right to this resource", "give the token's user access to the space"),
        1103: Fault(Rejected, "the entity cannot be processed", "check the keys of case, issue, folder and plan"),
        1104: Fault(AuthError, "the authentication failed", NEW_TOKEN),
        1105: Fault(Rejected, "not found", "check the keys of case, issue, folder and plan"),
        1201: Fault(AuthError, "the session or token has expired", NEW_TOKEN),
        1202: Fault(AuthError, "the token cannot be verified", NEW_TOKEN),
        1203: Fault(AuthError, "the token cannot be decoded", "paste the token whole; check that `url` leads to v2"),
        1204: Fault(AuthError, "the token is invalid", NEW_TOKEN),
        1205: Fault(AuthError, "nobody is logged in", "set the token"),
        1206: Fault(AuthError, "the token's user does not exist", f"its user was removed: {NEW_TOKEN}"),
        1207: Fault(AuthError, "the token is of another workspace", "take token and `url` from the same Jira site"),
        1301: Fault(AuthError, "the session or token is invalid", NEW_TOKEN),
        1302: Fault(PermanentError, "the login type is invalid", NO_USE),
        1303: Fault(PermanentError, "the social login type is invalid", NO_USE),
        1304: Fault(AuthError, "the authentication is wrong", NEW_TOKEN),
        1305: Fault(AuthError, "an administrator has disabled the account", "ask the administrator of Jira"),
        1306: Fault(Rejected, "a detail is invalid", "check case and asset; a folder is named by its path"),
        1307: Fault(PermanentError, "the confirmation code is wrong", NO_USE),
        1308: Fault(AuthError, "the token is not valid", NEW_TOKEN),
        1309: Fault(Rejected, "it is recorded already", "nothing: with `mode = runs` it counts as delivered"),
        1310: Fault(Rejected, "the request is invalid", "look at the words of Vansah"),
        1311: Fault(AuthError, "no right to use Vansah", "check licence and permissions of Vansah in Jira"),
        1312: Fault(AuthError, "the link or token has expired", NEW_TOKEN),
        1313: Fault(RateLimited, "the token's limit of requests is reached", "split jobs over tokens", wait_s=60.0),
    },
)


def holds(text: str, name: str) -> bool:
    """True where a text speaks of that name, and not only of a longer one."""
    return bool(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text))


def turned(error: VendorError, kind: type[VendorError], remedy: str) -> VendorError:
    """The same error, as one that is acted on in another way."""
    where: dict[str, Any] = {"vendor": error.vendor, "request": error.request, "status": error.status}
    return kind(error.text, **where, code=error.code, remedy=remedy, body=error.body)
