"""What aipix's answers say went wrong: HTTP statuses alone, as its general description and its mobile SDK list them."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, PermanentError, RateLimited, Rejected, TransientError

ENDED = "with `login`, a session that has ended is begun anew, once; else everything is kept for `tmsreport send`"
LATER = "send again later: `tmsreport send`"

TABLE = ErrorTable(
    message=("message",),
    details="errors",
    codes={
        301: Fault(
            PermanentError, "the request is sent elsewhere", "correct `url`: https, and nothing behind the host"
        ),
        308: Fault(
            PermanentError, "the request is sent elsewhere", "correct `url`: https, and nothing behind the host"
        ),
        400: Fault(Rejected, "it could not be done, often by a system behind aipix", "look at the logs of the VMS"),
        401: Fault(AuthError, "the token is wrong or missing", "make a new token, or log in by `login` and a password"),
        402: Fault(
            PermanentError, "the licence or its number of cameras does not allow it", "ask the VMS administrator"
        ),
        403: Fault(
            AuthError, "the token may not do this", "grant `marks-store`; is this address on the list of allowed?"
        ),
        404: Fault(NotFound, "there is no such resource", "check `camera` and `url`"),
        409: Fault(PermanentError, "the client's version is too old", "let no proxy add `X-Version`"),
        419: Fault(
            AuthError,
            "the session has expired, or there are too many",
            "log in again, or end a session",
            what_next=ENDED,
        ),
        422: Fault(Rejected, "the data is not valid", "look at the words: title, times, or no archive at that moment"),
        429: Fault(RateLimited, "too many requests", "lower `requests_per_minute`", wait_s=60.0),
        500: Fault(TransientError, "aipix failed", LATER),
        502: Fault(TransientError, "a server behind aipix failed", LATER),
        503: Fault(TransientError, "maintenance, or an update under way", LATER),
        504: Fault(TransientError, "a gateway waited too long for aipix", LATER),
    },
)
