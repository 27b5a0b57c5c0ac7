"""Who is let in by Azure DevOps, and how fast: logins, versions of the API, the project, and limits in headers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from flask import Response, g, request

from .azure_fields import PIPELINE_TOKEN, PROJECT, TOKEN, Rules
from .rate import RateLimit
from .site import Refused

SIGN_IN = "<!doctype html><html><title>Azure DevOps Services | Sign In</title></html>"


class Gate:
    """Checks each request, and counts it."""

    def __init__(self, rules: Rules, clock: Callable[[], float]) -> None:
        self._rules = rules
        self._clock = clock
        self._rate = RateLimit(rules.requests_per_5_minutes, clock, window_s=300.0)

    def admit(self) -> None:
        """Raises Refused for a request that is not let in."""
        left, wait = self._rate.take()
        g.limits = {"X-RateLimit-Resource": "TestManagement/Sandbox", "X-RateLimit-Remaining": str(left)}
        g.limits |= {"X-RateLimit-Limit": str(self._rate.per_minute), "X-RateLimit-Reset": f"{self._clock() + 300:.0f}"}
        if wait:
            text = "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource"
            raise Refused(429, f"{text} 'Concurrency'.", headers={"Retry-After": f"{wait:.0f}"})
        if left < self._rate.per_minute // 20:
            g.limits |= {"Retry-After": "5", "X-RateLimit-Delay": "0.5"}
        personal = base64.b64encode(f":{TOKEN}".encode()).decode()
        given = re.sub(r"^Basic ([\w+/=]+)$", _without_user, request.headers.get("Authorization", ""))
        if given not in (f"Basic {personal}", f"Bearer {PIPELINE_TOKEN}", f"Basic {_pipeline_as_password()}"):
            raise self._not_signed_in()
        if request.method == "OPTIONS":
            return
        version = request.args.get("api-version") or _version_in(request.headers.get("Accept", ""))
        if not version:
            more = {"typeKey": "VssVersionNotSpecifiedException"}
            raise Refused(400, f'No api-version was supplied for the "{request.method}" request.', more=more)
        if not re.fullmatch(r"[1-7]\.[0-2](-preview(\.\d+)?)?", version):
            more = {"typeKey": "VssVersionOutOfRangeException"}
            raise Refused(400, f"The requested REST API version of {version} is out of range.", more=more)
        project = (request.view_args or {}).get("project", PROJECT)
        if project != PROJECT:
            words = f"TF200016: The following project does not exist: {project}. Verify that the name is correct."
            raise Refused(404, words, more={"typeKey": "ProjectDoesNotExistWithNameException"})

    def _not_signed_in(self) -> Refused:
        headers = {"Location": "https://spsprodneu1.vssps.visualstudio.com/_signin"}
        text = "TF400813: The user '' is not authorized to access this resource."
        return Refused(self._rules.sign_in, text, headers=headers if self._rules.sign_in == 302 else None)


def with_limits(answer: Response) -> Response:
    """An answer with the limits in its headers, and with the page to sign in where that is what Azure sends."""
    if answer.status_code in (203, 302):  # the sign-in page is what it comes with
        answer.set_data(SIGN_IN)
        answer.mimetype = "text/html"
    for name, value in g.get("limits", {}).items():
        answer.headers.setdefault(name, value)
    return answer


def _version_in(accept: str) -> str:
    found = re.search(r"api-version=([\w.-]+)", accept)
    return found[1] if found else ""


def _without_user(found: re.Match[str]) -> str:
    """A basic login without its user, of whom nobody asks."""
    try:
        secret = base64.b64decode(found[1]).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return found[0]
    return f"Basic {base64.b64encode(f':{secret}'.encode()).decode()}"


def _pipeline_as_password() -> str:
    return base64.b64encode(f":{PIPELINE_TOKEN}".encode()).decode()
