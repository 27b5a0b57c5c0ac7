"""What Guizhan's answers say went wrong: the table of its page "API Response" is complete, advice is ours."""

from __future__ import annotations

from typing import Any

from ..errors import (
    AuthError,
    ErrorTable,
    Fault,
    NotFound,
    PermanentError,
    RateLimited,
    Rejected,
    TransientError,
)

THERE = 5301
NEW_TOKEN = "make a new API token on the site, with the scope project:version:create"  # noqa: S105 - advice
WHOLE = "not repeated: all results of the version count as refused"
NO_USE = "nothing of ours asks for this: please report it"


class _Table(ErrorTable):
    """Success is the code 0, whatever HTTP says; an answer without a code is read as it stands."""

    def failed_inside(self, body: Any) -> bool:
        return isinstance(body, dict) and body.get("code", 0) != 0


TABLE = _Table(
    message=("message",),
    code=("code",),
    codes={
        1: Fault(TransientError, "an internal error of Guizhan", "send again later"),
        2: Fault(PermanentError, "there is no such route", "check `url`: does it need /v1 at its end, or none?"),
        4: Fault(AuthError, "this way of signing in is not allowed here", "use an API token, and no OAuth token"),
        5: Fault(NotFound, "the resource is not found", "check `project` and `channel`"),
        6: Fault(TransientError, "a service behind Guizhan is down", "send again later"),
        11: Fault(RateLimited, "too many requests", "lower `requests_per_minute`", wait_s=30.0),
        1000: Fault(
            Rejected,
            "the parameters are invalid",
            "look at the words of Guizhan: check `platforms`, `version`",
            what_next=WHOLE,
        ),
        1001: Fault(Rejected, "the JSON is invalid", "please report it", what_next=WHOLE),
        1002: Fault(
            Rejected,
            "the upload is invalid",
            "the archive may hold 500 MiB: `attach = failed` makes it smaller",
            what_next=WHOLE,
        ),
        2000: Fault(AuthError, "not authenticated", "set the token"),
        2001: Fault(
            AuthError, "the header of the token is invalid", "set `scheme` to the word before the token, or none"
        ),
        2002: Fault(AuthError, "the token has no valid form", "paste the token whole"),
        2100: Fault(AuthError, "the OAuth code is invalid", "use an API token: OAuth needs a person"),
        2101: Fault(AuthError, "the OAuth state is invalid", "use an API token: OAuth needs a person"),
        2200: Fault(AuthError, "not authorized", "give the token's owner access to the project"),
        2201: Fault(AuthError, "the token lacks a scope", NEW_TOKEN),
        2202: Fault(AuthError, "the member lacks a right in the organisation", "ask the owner of the organisation"),
        3000: Fault(NotFound, "the user is not found", NO_USE),
        3200: Fault(NotFound, "the notification is not found", NO_USE),
        3201: Fault(PermanentError, "the notification is read already", NO_USE),
        3500: Fault(NotFound, "the organisation is not found", "check `project`"),
        3501: Fault(PermanentError, "the slug of the organisation is in use", NO_USE),
        3502: Fault(PermanentError, "there are too many organisations", NO_USE),
        3600: Fault(NotFound, "the member of the organisation is not found", NO_USE),
        3601: Fault(PermanentError, "the member of the organisation is there already", NO_USE),
        4000: Fault(AuthError, "the token is not known", f"it was deleted: {NEW_TOKEN}"),
        5000: Fault(NotFound, "the project is not found", "check `project`: its id or slug"),
        5001: Fault(PermanentError, "the project is in use already", NO_USE),
        5002: Fault(PermanentError, "the slug of the project is not accepted", "check `project`: its id or slug"),
        5003: Fault(PermanentError, "the project is locked", "unlock it on the site, or ask the moderators"),
        5100: Fault(NotFound, "the keyword of the project is not found", NO_USE),
        5101: Fault(PermanentError, "the keyword of the project is there already", NO_USE),
        5102: Fault(PermanentError, "the project has too many keywords", NO_USE),
        5200: Fault(NotFound, "the channel is not found", "make the channel on the site, or correct `channel`"),
        5201: Fault(PermanentError, "the channel is there already", "use it: name it as `channel`"),
        5202: Fault(PermanentError, "there are too many channels", "delete one on the site"),
        5300: Fault(NotFound, "the version is not found", NO_USE),
        5301: Fault(
            Rejected,
            "the version is there already",
            "nothing, unless somebody else has made it: change `version`",
            what_next="counts as delivered: a version's number tells which results it holds",
        ),
        5400: Fault(Rejected, "a dependency is invalid", NO_USE, what_next=WHOLE),
    },
)
