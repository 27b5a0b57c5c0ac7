"""What TestRail answers where something is wrong, by HTTP status: it has no codes of its own."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, RateLimited, Rejected, TooLarge, TransientError

ERRORS = ErrorTable(
    message=("error",),
    codes={
        400: Fault(
            Rejected,
            "a field or an id is not valid",
            "check `project`, `suite`, `plan`, `milestone`, case ids, statuses and custom fields",
        ),
        401: Fault(AuthError, "the user or the API key is wrong", "check `user`; make a new API key"),
        403: Fault(
            AuthError,
            "the user lacks a right, or the API is off",
            "enable the API in the site settings, and let the user edit results and cases",
        ),
        404: Fault(NotFound, "there is no such method here", "check `url`; is the server up to date?"),
        409: Fault(TransientError, "TestRail is under maintenance", "send again later", wait_s=60.0),
        413: Fault(TooLarge, "too many results, or a file too large", "lower `batch_size` or `max_text`"),
        429: Fault(RateLimited, "too many requests", "lower `requests_per_minute`", wait_s=60.0),
        500: Fault(TransientError, "TestRail failed", "send again later"),
        502: Fault(TransientError, "a gateway got no answer from TestRail", "send again later"),
        503: Fault(TransientError, "TestRail is not available", "send again later"),
        504: Fault(TransientError, "a gateway waited too long for TestRail", "send again later"),
    },
)
