"""What Qase's answers say went wrong: the statuses that its API documents, and those that its reporters retry."""

from __future__ import annotations

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
)

TABLE = ErrorTable(
    message=("errorMessage", "message", "error"),
    details="errorFields",
    success="status",
    codes={
        400: Fault(Rejected, "a value is not valid", "check case ids, status words, plan and environment"),
        401: Fault(
            AuthError, "the token is wrong or revoked", "make a new token; check `host`: cloud, EU or dedicated"
        ),
        402: Fault(PermanentError, "the subscription does not include this", "upgrade it, or leave the option out"),
        403: Fault(AuthError, "the token's owner lacks a right", "grant access to the project, or use another token"),
        404: Fault(NotFound, "unknown project, run, plan or case", "check `project` and the ids; was the run deleted?"),
        405: Fault(PermanentError, "the address does not take this method", "check `url` and `host`"),
        408: Fault(TransientError, "Qase waited too long for the request", "send again later"),
        410: Fault(NotFound, "the run or project was removed", "start a new run, or name another with `run_id`"),
        413: Fault(TooLarge, "too many results, or too large texts or files", "lower `batch_size` or `max_text`"),
        422: Fault(Rejected, "a field is not valid", "check case ids, status words, plan and environment"),
        429: Fault(RateLimited, "too many requests", "lower `parallel` or `requests_per_minute`", wait_s=60.0),
        500: Fault(TransientError, "Qase failed", "send again later"),
        502: Fault(TransientError, "a gateway got no answer from Qase", "send again later"),
        503: Fault(TransientError, "Qase is under maintenance", "send again later"),
        504: Fault(TransientError, "a gateway waited too long for Qase", "send again later"),
        507: Fault(
            PermanentError,
            "the storage of the workspace is full",
            "free space in the workspace",
            what_next="not retried: no more files are sent, results are",
        ),
    },
)
