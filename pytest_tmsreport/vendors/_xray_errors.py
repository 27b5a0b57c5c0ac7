"""What the HTTP statuses of Xray and Jira mean."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, RateLimited, Rejected, TooLarge, TransientError

TABLE = ErrorTable(
    message=("error", "errors.0.message", "errorMessages", "errors"),
    codes={
        400: Fault(Rejected, "a key, word or field is not valid", "check keys, status words and the Jira fields"),
        401: Fault(AuthError, "the login is wrong, expired or without a licence", "check the secrets and `product`"),
        403: Fault(AuthError, "the user lacks a right in Jira", "grant it in the project, or use another user"),
        404: Fault(NotFound, "unknown path or issue, or no Xray there", "check `url`, `product` and `run_id`"),
        413: Fault(TooLarge, "the import is too large", "lower `batch_size`, `batch_bytes` or `evidence_bytes`"),
        429: Fault(RateLimited, "too many requests", "lower `requests_per_minute`", wait_s=60.0),
        500: Fault(TransientError, "Xray failed", "send again later"),
        502: Fault(TransientError, "a gateway got no answer from Xray", "send again later"),
        503: Fault(TransientError, "Xray is not available", "send again later"),
        504: Fault(TransientError, "a gateway waited too long for Xray", "send again later"),
    },
)
