"""What Vani's answers say went wrong: HTTP statuses alone, as its pages of resources list them."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, PermanentError, RateLimited, Rejected, TransientError

THERE = 409
READ = "none is made: the list of editions is read again"
LATER = "send again later: `tmsreport send`"

TABLE = ErrorTable(
    message=("message", "data.message", "error", "error_description"),
    success="status",
    success_is="success",
    codes={
        400: Fault(Rejected, "a parameter is not valid", "check `edition`, `team` and `space`"),
        401: Fault(
            AuthError,
            "the token or the API key is wrong or has expired, or its user does not belong to this",
            "renew the token; set `api_key`, which the newer API wants; check the token's scopes",
        ),
        403: Fault(
            AuthError,
            "the right or a scope of the token is missing",
            "scopes are vani.editions.read, vani.teams.read and vani.spaces.read; ask an admin of the edition",
        ),
        404: Fault(NotFound, "the edition, team or space is not found", "check `edition`, `team` and `space`"),
        409: Fault(
            PermanentError, "the edition is there already", "name it by its id: `edition = 98723605`", what_next=READ
        ),
        429: Fault(RateLimited, "too many requests", "send again later", wait_s=30.0),
        500: Fault(TransientError, "Vani failed", LATER),
        502: Fault(TransientError, "a server behind Vani failed", LATER),
        503: Fault(TransientError, "Vani is not available", LATER),
        504: Fault(TransientError, "a gateway waited too long for Vani", LATER),
    },
)
