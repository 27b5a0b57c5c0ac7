"""What Azure DevOps answers where something is wrong: HTTP statuses, the type of an exception, codes in its words."""

from __future__ import annotations

from ..errors import AuthError, ErrorTable, Fault, NotFound, RateLimited, Rejected, TooLarge, TransientError

SIGN_IN = Fault(
    AuthError,
    "the token is wrong or expired: the sign-in page came in place of an answer",
    "make a new token; is `url` the organization's address, such as https://dev.azure.com/acme?",
)
TABLE = ErrorTable(
    message=("message", "value.Message"),
    code=("typeKey",),
    code_in_message=r"\b(?:TF|VS)\d+\b",
    codes={
        203: SIGN_IN,
        302: SIGN_IN,
        400: Fault(
            Rejected, "a value is not valid", "look at the words of the server; check `api_version` and `status`"
        ),
        401: Fault(
            AuthError,
            "the token is wrong, expired or revoked",
            "make a new token; in a pipeline, hand on SYSTEM_ACCESSTOKEN: $(System.AccessToken)",
        ),
        403: Fault(
            AuthError,
            "the token lacks a right, or its owner a Test Plans licence",
            "grant Test Management (read and write); for `plan`, a licence of Test Plans",
        ),
        404: Fault(
            NotFound,
            "unknown project, run, plan, suite or case, or hidden from this token",
            "check `project`, `plan` and the ids; was the run deleted?",
        ),
        409: Fault(TransientError, "somebody else changed it in the same moment", "send again later"),
        413: Fault(TooLarge, "too many results, or too large texts or files", "lower `batch_size` or `max_text`"),
        429: Fault(RateLimited, "too many requests", "lower `requests_per_minute`", wait_s=30.0),
        500: Fault(TransientError, "Azure DevOps failed", "send again later"),
        502: Fault(TransientError, "a gateway got no answer from Azure DevOps", "send again later"),
        503: Fault(TransientError, "Azure DevOps is not available, or delays this token", "send again later"),
        504: Fault(TransientError, "a gateway waited too long for Azure DevOps", "send again later"),
        "TF400733": Fault(
            RateLimited,
            "the token's owner has used more than 200 units of a shared resource in 5 minutes",
            "lower `requests_per_minute`; report as a user of its own",
            wait_s=30.0,
        ),
        "TestObjectNotFoundException": Fault(
            NotFound,
            "unknown run, plan, suite, case or test point",
            "check `plan` and the case ids: has each case a test point in the plan?",
        ),
    },
)
