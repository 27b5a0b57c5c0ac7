"""What ReportPortal answers where something is wrong: its own codes, from which it derives the HTTP status."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, PermanentError, RateLimited, Rejected, TooLarge
from ..errors import TransientError as Transient

DONE = (40018, 40022)
"""Finished already: what was to be done is done."""
_ID = "look at the item in ReportPortal, then send it again"
_TIMES = "are the clocks of all machines right?"
_DONE = "not repeated: what was to be finished is finished"
_ONE = "not repeated: the culprits are taken out of the batch, the rest is sent, unless the launch itself is gone"

TABLE = ErrorTable(
    message=("message", "error_description", "error"),
    code=("errorCode",),
    codes={
        400: Fault(Rejected, "the request is not valid", "look at ReportPortal's words"),
        401: Fault(AuthError, "the API key or password is wrong or expired", "make a new key in the profile"),
        403: Fault(AuthError, "the key's owner lacks a right", "let the owner of the key into the project as a member"),
        404: Fault(NotFound, "unknown project, launch or item", "check `url`, `project` and `run_id`"),
        406: Fault(Rejected, "it cannot be done now", "look at ReportPortal's words"),
        409: Fault(Rejected, "it is there already", _ID),
        413: Fault(TooLarge, "too many logs at once, or a file too large", "lower `request_bytes` or `max_text`"),
        422: Fault(Rejected, "a value is not valid", "look at ReportPortal's words"),
        429: Fault(RateLimited, "too many requests", "lower `parallel`"),
        500: Fault(Transient, "ReportPortal failed", "send again later"),
        502: Fault(Transient, "a gateway got no answer from ReportPortal", "send again later"),
        503: Fault(Transient, "ReportPortal is not available", "send again later"),
        504: Fault(Transient, "a gateway waited too long for ReportPortal", "send again later"),
        4001: Fault(Rejected, "a field is not valid", "look at ReportPortal's words"),
        4002: Fault(Rejected, "a file cannot be saved", "look at the server's storage"),
        4003: Fault(AuthError, "not enough permissions", "let the owner of the key into the project as a member"),
        4004: Fault(AuthError, "this address is locked after wrong logins", "wait, and check the key"),
        4040: Fault(NotFound, "unknown project", "check `project`: in 5.x its name in lower case, in 6.0 its key"),
        4041: Fault(NotFound, "unknown launch", "was it deleted? check `run_id`"),
        4043: Fault(NotFound, "unknown item", "was it, or what it is in, deleted?", what_next=_ONE),
        4063: Fault(Rejected, "the launch is not finished", "finish it first"),
        4064: Fault(Rejected, "the item is not finished", "finish it first"),
        4065: Fault(Rejected, "not a status that something can be finished with", "correct `status.…`"),
        4091: Fault(Rejected, "it is there already", _ID),
        4220: Fault(AuthError, "the key's owner is not in the project", "let the owner of the key into the project"),
        5000: Fault(Transient, "ReportPortal failed", "send again later"),
        5001: Fault(Transient, "ReportPortal failed", "send again later"),
        40016: Fault(Rejected, "a value is not valid", "look at ReportPortal's words"),
        40017: Fault(Rejected, "a log entry is not valid", "look at ReportPortal's words"),
        40018: Fault(Rejected, "the item is finished already", "nothing", what_next=_DONE),
        40019: Fault(
            Rejected, "neither a status nor anything within that tells it", "look at the item in ReportPortal"
        ),
        40020: Fault(Rejected, "the defect type is not valid", "correct `defects`, or the mark's issue type"),
        40021: Fault(Rejected, "it ends before its start", _TIMES),
        40022: Fault(Rejected, "the launch cannot be finished", "is it finished?", what_next=_DONE),
        40023: Fault(
            PermanentError, "the item cannot be finished by this key's owner", "use the key that opened the launch"
        ),
        40024: Fault(Rejected, "no item can be started there", _ID),
        40025: Fault(Rejected, "it starts before what it is in", _TIMES),
        40026: Fault(Rejected, "unknown type of item", "is the server up to date?"),
        40027: Fault(Rejected, "nothing can be logged there", _ID),
        40036: Fault(Rejected, "it cannot be taken for a retry", "set `attempts = last`"),
        40041: Fault(Rejected, "an attempt that was followed takes nothing more", "set `attempts = last`"),
        40416: Fault(NotFound, "unknown defect type", "correct `defects`, or the mark's issue type", what_next=_ONE),
        40424: Fault(NotFound, "unknown launch or item", "was it deleted? check `run_id`"),
    },
)
