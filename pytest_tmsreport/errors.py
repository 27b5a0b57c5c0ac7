"""What can go wrong, sorted by what to do next, and the table that picks an error from a reply."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple


class TmsError(Exception):
    """The root of everything this package raises."""


class ConfigError(TmsError):
    """A setting is missing or wrong; found before the first request. The text says what to change."""


class JournalError(TmsError):
    """A run folder cannot be written or read. The text names it and says why."""


class TooLong(JournalError):  # noqa: N818 - as those below
    """What is to be written is more than a line of a journal holds."""


class SelectionError(TmsError):
    """Which tests are to run cannot be found out. The text says why, and what to do."""


class VendorError(TmsError):
    """A tool did not take what it was sent.

    `vendor` is the destination's name, `request` the method and path, `status` the HTTP status (0: none came), `code`
    the tool's own code, `text` its words, `remedy` what a person can do, `body` the decoded JSON answer if there was
    one, `retry_after` the seconds it asked to wait. `answered` is false where the request may have arrived although no
    usable answer came back.
    """

    def __init__(  # noqa: PLR0913 - a plain record
        self,
        text: str,
        *,
        vendor: str = "",
        request: str = "",
        status: int = 0,
        code: int | str | None = None,
        remedy: str = "",
        body: Any = None,
        retry_after: float | None = None,
        answered: bool = True,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.vendor = vendor
        self.request = request
        self.status = status
        self.code = code
        self.remedy = remedy
        self.body = body
        self.retry_after = retry_after
        self.answered = answered

    def __str__(self) -> str:
        number = self.code if self.code not in (None, self.status) else self.status
        return " ".join(part for part in (str(number or ""), self.text, f"({self.request})") if part not in ("", "()"))


class TransientError(VendorError):
    """The network, or the server's own trouble: waiting and trying again may help."""


class RateLimited(TransientError):  # noqa: N818 - the field's own words, as are those below
    """Too many requests: wait as long as the server says."""


class Doubtful(VendorError):  # noqa: N818 - the field's own words, as are those below
    """The request may have arrived, nobody can tell, and sending it again might double what it holds."""


class PermanentError(VendorError):
    """Trying again changes nothing until a person acts."""


class AuthError(PermanentError):
    """The token is wrong, or its owner lacks a right."""


class NotFound(PermanentError):  # noqa: N818
    """A project, run, plan or case does not exist, or is hidden from this token."""


class Rejected(PermanentError):  # noqa: N818
    """The tool refuses what a batch holds; the rest of the batch may be fine."""


class TooLarge(Rejected):
    """The batch or file is beyond a limit of the tool."""


class PartlyRejected(PermanentError):  # noqa: N818
    """The tool has taken a batch but for some results. `refused` maps their indexes to the tool's words.

    `remote` are the tool's ids of the others in the batch's order, or nothing, as `send` returns them.
    """

    def __init__(self, refused: Mapping[int, str], vendor: str = "", *, remote: Sequence[str] = ()) -> None:
        super().__init__("; ".join(refused.values()), vendor=vendor)
        self.refused = refused
        self.remote = remote


class Fault(NamedTuple):
    """What a code means: the error to raise, its meaning in plain words, and what a person can do about it.

    `wait_s` is how long to wait before trying again where the answer names no time (seconds; None: growing waits).
    `what_next` says what the plugin does with it, where that is not what it does with every error of the kind.
    """

    kind: type[VendorError]
    meaning: str
    remedy: str = ""
    wait_s: float | None = None
    what_next: str = ""

    def in_words(self) -> str:
        """What the plugin does with it by itself."""
        if self.what_next:
            return self.what_next
        if self.wait_s is not None:
            return f"retried, after the wait the server asks for, or {self.wait_s:.0f} s"
        for kind, words in _WHAT_NEXT:
            if issubclass(self.kind, kind):
                return words
        return "no retry"


_WHAT_NEXT: tuple[tuple[type[VendorError], str], ...] = (
    (RateLimited, "retried, after the wait the server asks for"),
    (TransientError, "retried, with growing waits, until the deadline"),
    (TooLarge, "not repeated as it is: the batch is split and sent again"),
    (Rejected, "not repeated: the culprits are taken out of the batch, the rest is sent"),
    (PermanentError, "not retried: this destination stops, everything is kept for `tmsreport send`"),
)

HTTP: Mapping[int, Fault] = {
    400: Fault(Rejected, "the request is not valid", "look at the words of the server"),
    401: Fault(AuthError, "the token is wrong, expired or revoked", "set a valid token"),
    402: Fault(PermanentError, "the subscription does not include this", "change the plan or leave the option out"),
    403: Fault(AuthError, "the token's owner lacks a right", "grant the right or use another token"),
    404: Fault(NotFound, "unknown, or hidden from this token", "check the url, the project and the ids"),
    405: Fault(PermanentError, "the address does not take this method", "check `url`"),
    407: Fault(PermanentError, "the proxy wants a login", "set `proxy` with user and password"),
    408: Fault(TransientError, "the server waited too long for the request"),
    410: Fault(NotFound, "what is addressed was removed", "start a new run"),
    413: Fault(TooLarge, "the request is too large", "lower `batch_size`"),
    422: Fault(Rejected, "a value is not valid", "look at the words of the server"),
    425: Fault(TransientError, "the server wants the request later"),
    429: Fault(RateLimited, "too many requests", "lower `requests_per_minute`"),
    500: Fault(TransientError, "the server failed", "send again later: `tmsreport send`"),
    502: Fault(TransientError, "a gateway got no answer from the server", "send again later: `tmsreport send`"),
    503: Fault(TransientError, "the server is not available", "send again later: `tmsreport send`"),
    504: Fault(TransientError, "a gateway waited too long for the server", "send again later: `tmsreport send`"),
}
"""What HTTP says by itself (RFC 9110, RFC 6585); a vendor's own table comes first."""


class ErrorTable(NamedTuple):
    """Where a tool's replies keep their code and words, and what each code means.

    `message`, `details` and `code` are dotted paths into the JSON body (of several, the first that holds something
    wins; `details`: more words behind the message, such as one for each wrong field); `code_in_message` is a regular
    expression for a code that stands in the words alone; `phrases` are words that tell more than the code, and the code
    of ours that each stands for; `success` is the path of a value that must not be false or zero in a 2xx answer, or,
    where `success_is` names one, must be just that, `failure` of one that must not be there; `codes` maps the tool's
    own codes, and HTTP statuses whose meaning it narrows, to a `Fault`. A 2xx or 3xx status among them is an error
    where what comes with it is no JSON.
    """

    message: tuple[str, ...] = ("message", "error")
    details: str = ""
    code: tuple[str, ...] = ()
    code_in_message: str = ""
    phrases: Mapping[str, int | str] = MappingProxyType({})
    success: str = ""
    success_is: Any = None
    failure: str = ""
    codes: Mapping[int | str, Fault] = MappingProxyType({})

    def explain(self, code: int | str) -> Fault | None:
        """The meaning of a code: the tool's own, else HTTP's; None for one that neither lists."""
        known = self.codes.get(code)
        return known if known is not None or not isinstance(code, int) else HTTP.get(code)

    def family(self, status: int) -> Fault:
        """The nearest meaning for an HTTP status that no table lists."""
        if status >= 500:
            return HTTP[500]
        if status >= 400:
            return HTTP[400]
        if status >= 300:
            return Fault(PermanentError, "the server sends the request to another address", "correct `url`")
        return Fault(Rejected, "the tool reports a failure inside a successful answer", "look at its words")

    def failed_inside(self, body: Any) -> bool:
        """True where a 2xx answer says by itself that it failed."""
        if not isinstance(body, dict):
            return False
        found = dig(body, self.success) if self.success else None
        is_no_success = found in (False, 0) if self.success_is is None else found != self.success_is
        return is_no_success or (bool(self.failure) and dig(body, self.failure) is not None)

    def failure_in(self, body: Any) -> Any:
        """What says that a 2xx answer failed as a whole: the body, or an answer of a batch; None where nothing does.

        A batch failed where some of it may be tried again, or where nobody was let in.
        """
        if self.failed_inside(body):
            return body
        failed = [each for each in body if self.failed_inside(each)] if isinstance(body, list) else []
        kinds = [self.pick(200, each)[0].kind for each in failed]
        passing = [each for each, kind in zip(failed, kinds, strict=True) if issubclass(kind, TransientError)]
        is_shut = bool(failed) and len(failed) == len(body) and all(issubclass(kind, AuthError) for kind in kinds)
        return next(iter(passing or (failed if is_shut else [])), None)

    def pick(self, status: int, body: Any) -> tuple[Fault, int | str]:
        """The fault that a reply states, and the code by which it was found."""
        own = self._own_code(body)
        for code in (own, status):
            if code is not None and (found := self.explain(code)):
                return found, code
        return self.family(status), status if own is None else own

    def _own_code(self, body: Any) -> int | str | None:
        """What the words tell, else the first code that the table knows, else the first there is."""
        words = self.words(body) if self.phrases or self.code_in_message else ""
        told = next((code for phrase, code in self.phrases.items() if phrase in words), None)
        if told is not None:
            return told
        found = [code for path in self.code if (code := _code(dig(body, path))) is not None]
        in_words = re.search(self.code_in_message, words) if self.code_in_message else None
        found += [code for code in [_code(in_words and in_words[0])] if code is not None]
        return next((code for code in found if code in self.codes), found[0] if found else None)

    def words(self, body: Any) -> str:
        """What the tool said, in one line; empty where it said nothing readable."""
        said = next((found for path in self.message if (found := dig(body, path))), None)
        more = dig(body, self.details) if self.details else None
        return " | ".join(_flat(value) for value in (said, more) if value)


def dig(body: Any, path: str) -> Any:
    """The value at a dotted path (`result.id`, `items.0.name`) of decoded JSON, or None."""
    for key in path.split("."):
        if isinstance(body, dict):
            body = body.get(key)
        elif isinstance(body, list) and key.isdecimal() and int(key) < len(body):
            body = body[int(key)]
        else:
            return None
    return body


def _code(value: Any) -> int | str | None:
    """A value as a code: a text of digits is a number; None for what is none."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else None


def _flat(value: Any, depth: int = 5) -> str:
    if not depth or not isinstance(value, (dict, list)):
        return str(value)
    if isinstance(value, dict):
        return ": ".join(_flat(part, depth - 1) for part in value.values())
    return "; ".join(_flat(part, depth - 1) for part in value[:10])
