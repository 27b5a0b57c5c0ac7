"""What the HTTP statuses of Zephyr Scale mean, in the Cloud and on a Jira server."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, PermanentError, RateLimited, Rejected, TooLarge
from ..errors import TransientError as Transient

TABLE = ErrorTable(
    message=("message", "error", "errorMessages", "status.message", "errors"),
    code=("errorCode", "status.statusCode"),
    codes={
        400: Fault(
            Rejected,
            "a field, key or name is not valid",
            "check case keys, `status`, `environment` and `custom_fields`",
        ),
        401: Fault(
            AuthError, "the token is missing, malformed or expired", "make a new one; check `product` and `region`"
        ),
        403: Fault(
            AuthError,
            "no right to Zephyr, or it is off in the project",
            "enable Zephyr in the project, grant the right",
        ),
        404: Fault(NotFound, "unknown, or of another region", "check `project`, `run_id`, `plan`, `region` and `url`"),
        405: Fault(PermanentError, "the address does not take this", "check `url` and `product`"),
        409: Fault(Rejected, "the execution is locked", "unlock it, or report into another cycle"),
        413: Fault(TooLarge, "the request or file is too large", "lower `batch_size` or `max_text`"),
        422: Fault(
            Rejected,
            "an unknown status or environment, or another number of steps",
            "check `status`, `environment` and `steps`",
        ),
        429: Fault(RateLimited, "too many requests", "lower `parallel` or set `requests_per_minute`"),
        500: Fault(Transient, "Zephyr failed", "send again later"),
        502: Fault(Transient, "a gateway got no answer from Zephyr", "send again later"),
        503: Fault(Transient, "Zephyr is not available", "send again later"),
        504: Fault(Transient, "a gateway waited too long for Zephyr", "send again later"),
    },
)
