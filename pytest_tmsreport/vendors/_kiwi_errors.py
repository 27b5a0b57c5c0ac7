"""What Kiwi TCMS answers where something is wrong: JSON-RPC codes, nearly always one, and words that tell more."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, PermanentError, Rejected, TooLarge, TransientError

SHUT_OUT = -32098
"""Nobody is signed in, or a right is missing: a code of Kiwi TCMS 16, words alone before."""
LOGIN, TOO_LARGE, DATABASE = "login", "too-large", "database"

ERRORS = ErrorTable(
    message=("error.message",),
    code=("error.code",),
    failure="error",
    phrases={
        "Authentication failed when calling": SHUT_OUT,
        "Wrong username or password": LOGIN,
        "Username and password is required": LOGIN,
        "DATA_UPLOAD_MAX_MEMORY_SIZE": TOO_LARGE,
        "database is locked": DATABASE,
        "deadlock detected": DATABASE,
        "connection already closed": DATABASE,
        "server closed the connection": DATABASE,
    },
    codes={
        -32700: Fault(PermanentError, "the request is no JSON", "does a proxy change it? check `url`"),
        -32600: Fault(PermanentError, "the request is not valid", "is the server Kiwi TCMS 12.4 or later?"),
        -32601: Fault(PermanentError, "the server has no such method", "update Kiwi TCMS: 12.4 or later"),
        -32602: Fault(PermanentError, "the method takes other parameters", "is it Kiwi TCMS 12.4 or later?"),
        -32603: Fault(Rejected, "Kiwi TCMS does not take it", "look at its words: a field, an id or a status"),
        SHUT_OUT: Fault(
            AuthError, "the user lacks a right", "let the user add and change runs, cases, comments and files"
        ),
        LOGIN: Fault(AuthError, "the user or the password is wrong", "check `user` and `password`"),
        TOO_LARGE: Fault(TooLarge, "more than the server reads at once", "lower `batch_size` or `max_text`"),
        DATABASE: Fault(TransientError, "the database of Kiwi TCMS is busy", "send again later: `tmsreport send`"),
        404: Fault(NotFound, "there is no Kiwi TCMS", "check `url`"),
        413: Fault(TooLarge, "more than the server before Kiwi TCMS takes", "lower `batch_size` or `max_text`"),
    },
)
