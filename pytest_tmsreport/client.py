"""One HTTP conversation with one destination: sign, pace, send, retry, and name what went wrong."""

from __future__ import annotations

import json as jsonlib
import logging
import math
import random
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from email.utils import parsedate_to_datetime
from hashlib import sha256
from http.cookiejar import DefaultCookiePolicy
from socket import gaierror
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import requests
import tenacity
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from .auth import Header, TokenExchange
from .errors import AuthError, Doubtful, NotFound, PermanentError, RateLimited, TransientError, VendorError, dig
from .masking import mask_json
from .pacing import Pacer
from .paging import MOST_PAGES, MOST_ROWS, Paging, Params, Seen
from .patience import PatientAdapter, too_slow, whole_answer
from .render import plain

if TYPE_CHECKING:
    from .vendor import Vendor

LOGGER = logging.getLogger("pytest_tmsreport")
ANSWER_BYTES = 16 * 2**20
"""The largest answer that is read; a batch's receipt is far smaller."""
CONNECT_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0

Kind = TypeVar("Kind")
_WHOLE = frozenset((int,))


class File(Protocol):
    """A stored file to upload."""

    @property
    def name(self) -> str: ...
    @property
    def mime(self) -> str: ...
    @property
    def size(self) -> int: ...
    def open(self) -> BinaryIO:
        """Opens the file for reading; raises JournalError where it is not what was stored."""
        ...


class Request(NamedTuple):
    """What is about to be sent.

    `json` excludes `files` (pairs of a form's field and a file) and `form` (the form's other fields), and both exclude
    `raw`, a file that is the whole body. With `is_encoded` the values of `json` go as a form without files.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    json: Any = None
    files: Sequence[tuple[str, File]] = ()
    form: Mapping[str, str] | None = None
    may_be_empty: bool = False
    is_signed: bool = True
    is_encoded: bool = False
    raw: File | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def shown(self, mask: Callable[[str], str]) -> list[str]:
        """The request as a person reads it: method, path, JSON, a form's fields and files, secrets masked."""
        query = f"?{urlencode(self.params)}" if self.params else ""
        lines = [plain(mask(f"{self}{query}"), 1000)]
        lines += [f"  {name}: {plain(mask(value))}" for name, value in (self.form or {}).items()]
        bodies = [] if self.json is None else [self.json]
        for field, file in (*self.files, *([("body", self.raw)] if self.raw else [])):
            lines.append(f"  {field}: file {plain(mask(file.name))}, {plain(file.mime)}, {file.size} bytes")
            if file.mime == "application/json":
                with file.open() as opened:
                    bodies.append(jsonlib.load(opened))
        for body in bodies:
            text = jsonlib.dumps(mask_json(body, mask), indent=2)
            lines += [f"  {line}" for line in text.splitlines()]
        return lines


class Network(NamedTuple):
    """How to get to a server: paths of a CA bundle and of a client certificate, a proxy's URL; empty: the usual."""

    ca_bundle: str = ""
    client_cert: str = ""
    proxy: str = ""


class Reply:
    """A decoded answer. `body` is JSON as Python values; `headers` find their names in any case."""

    def __init__(
        self, body: Any, blame: Callable[[str], VendorError], headers: Mapping[str, str] = CaseInsensitiveDict()
    ) -> None:
        self.body = body
        self.headers = headers
        self._blame = blame

    def pick(self, path: str, kind: type[Kind]) -> Kind:
        """The value at a dotted path. Raises PermanentError where it is missing or of another type."""
        found = dig(self.body, path)
        if isinstance(found, kind) and not (kind is int and isinstance(found, bool)):
            return found
        raise self._blame(f"the answer holds no {kind.__name__} at {path!r}")

    def ids(self, number: int) -> list[int]:
        """The `id` of each of so many rows. Raises PermanentError where one is missing or of another type."""
        rows = self.body if isinstance(self.body, list) else ()
        found: list[Any] = [row.get("id") for row in rows[:number] if isinstance(row, dict)]
        if len(found) == number and _WHOLE.issuperset(map(type, found)):
            return found
        return [self.pick(f"{index}.id", int) for index in range(number)]

    def part(self, body: Any) -> Reply:
        """An answer within this one, or this one in other words, read in the same way."""
        return Reply(body, self._blame, self.headers)

    def odd(self, text: str) -> VendorError:
        """The error for an answer that cannot be used, to be raised: `text` says why."""
        return self._blame(text)


class _Rehearsed(Reply):
    """The answer of a dry run: whatever is asked for, empty."""

    def __init__(self) -> None:
        super().__init__({}, PermanentError)

    def pick(self, path: str, kind: type[Kind]) -> Kind:
        return kind()

    def part(self, body: Any) -> Reply:
        return self


class Client:
    """Sends requests for one destination; safe to share between threads.

    `deadline` returns the time (of `clock`, monotonic seconds) at which waiting ends. `transport` replaces the network,
    `sleep` and `clock` replace time. With `rehearse` nothing is sent: each request goes to that function instead.
    `note` hears what a vendor has to tell beside errors, for the summary.
    """

    def __init__(  # noqa: PLR0913 - each is a seam that a test or a setting uses
        self,
        vendor: Vendor,
        *,
        pacer: Pacer | None = None,
        network: Network | None = None,
        deadline: Callable[[], float] = lambda: math.inf,
        transport: BaseAdapter | None = None,
        sleep: Callable[[float], Any] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        rehearse: Callable[[Request], None] | None = None,
        note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.vendor = vendor
        self.note = note
        self.requests = 0
        self._pacer = pacer or Pacer(vendor.requests_per_minute, clock)
        self._network = network or Network()
        self._deadline = deadline
        self._sleep = sleep
        self._clock = clock
        self._rehearse = rehearse
        self._counting = threading.Lock()
        self._exchanging = threading.Lock()
        self._token: tuple[str, float] | None = None  # of a token exchange, and when it ends
        self._session = requests.Session()
        self._session.auth = _as_it_is  # keeps requests from signing with ~/.netrc
        self._session.headers["Accept"] = "application/json"
        self._session.headers["User-Agent"] = "pytest-tmsreport"
        self._session.headers.update(vendor.headers)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, transport or PatientAdapter(pool_maxsize=max(vendor.parallel, 1)))

    @property
    def is_rehearsal(self) -> bool:
        """True where nothing is sent, and every answer is empty."""
        return self._rehearse is not None

    def get(self, path: str, *, params: Mapping[str, str | int] | None = None) -> Reply:
        """Reads. Raises VendorError."""
        return self._deliver(Request("GET", path, params))

    def rows(
        self,
        path: str,
        paging: Paging,
        at: str = "",
        *,
        params: Mapping[str, str | int] | None = None,
        ask: Callable[[Params], Reply] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Every row of a list, page by page; `at` is the dotted path of the rows in an answer, empty where it is them.

        A bare list is taken for what it is. A tool whose lists are not simply read names `ask`, which fetches the page
        of the parameters it is given. Raises VendorError, also for a list without end.
        """
        asked: Mapping[str, str | int] | None = paging.first()
        pages: set[str] = set()
        total = 0
        while asked is not None:
            reply = ask(asked) if ask else self.get(path, params={**(params or {}), **asked})
            shown = reply.body if isinstance(reply.body, list) else reply.pick(at, list)
            mark = sha256(jsonlib.dumps(shown, sort_keys=True).encode()).hexdigest()
            if not shown or mark in pages:
                return
            pages.add(mark)
            total += len(shown)
            yield from (row for row in shown if isinstance(row, dict))
            if len(pages) >= MOST_PAGES or total >= MOST_ROWS:
                raise reply.odd(f"the list has no end: {total} rows on {len(pages)} pages so far")
            try:
                asked = paging.after(
                    Seen(len(shown), total, len(pages), reply.headers, reply.body, self._address(path))
                )
            except ValueError as error:
                raise reply.odd(f"the list cannot be read on: {error}") from error

    def poll(self, path: str, is_done: Callable[[Any], bool]) -> Reply:
        """Reads again and again, with growing waits, until the answer's body is done. Raises VendorError."""
        return self._deliver(Request("GET", path), is_done=is_done)

    def post(  # noqa: PLR0913 - each is a property of a request
        self,
        path: str,
        *,
        json: Any = None,
        files: Sequence[tuple[str, File]] = (),
        form: Mapping[str, str] | None = None,
        raw: File | None = None,
        recover: Callable[[], Any] | None = None,
        repeat: bool = True,
        may_be_empty: bool = False,
    ) -> Reply:
        """Writes JSON, a streamed multipart form of `form` and `files`, or a file as it is (`raw`). Raises VendorError.

        A request that must not arrive twice names `recover`: called before it is repeated, where it may have arrived
        although no answer came, it returns the body of the answer that was lost, or None where it has not arrived.
        Where nobody can tell, `repeat=False` raises Doubtful in place of a repetition.
        """
        request = Request("POST", path, None, json, files, form, may_be_empty, raw=raw)
        return self._deliver(request, recover, repeat=repeat)

    def put(self, path: str, *, json: Any = None, may_be_empty: bool = False) -> Reply:
        """Replaces something by JSON. Raises VendorError."""
        return self._deliver(Request("PUT", path, json=json, may_be_empty=may_be_empty))

    def patch(self, path: str, *, json: Any) -> Reply:
        """Changes some of something by JSON. Raises VendorError."""
        return self._deliver(Request("PATCH", path, json=json))

    def delete(self, path: str) -> None:
        """Removes something; it may be gone already. Raises VendorError."""
        with suppress(NotFound):  # the answer to an earlier attempt may have been lost
            self._deliver(Request("DELETE", path, may_be_empty=True))

    def close(self) -> None:
        """Gives the connections back, and a token that was fetched where its tool wants that."""
        auth = self.vendor.auth if self._token else None
        if isinstance(auth, TokenExchange) and auth.end:
            try:
                self._deliver(Request("POST", auth.end, may_be_empty=True))
            except VendorError as error:
                self.note(f"the session at {self.vendor.label} stays open: {error}")
        self._session.close()

    def _deliver(
        self,
        request: Request,
        recover: Callable[[], Any] | None = None,
        *,
        repeat: bool = True,
        is_done: Callable[[Any], bool] = lambda _body: True,
    ) -> Reply:
        if self._rehearse:
            self._rehearse(request)
            return _Rehearsed()
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            wait=self._waiter(),
            stop=self._is_too_late,
            sleep=self._sleep,
            reraise=True,
        )
        is_lost = False
        for attempt in retrying:
            with attempt:
                try:
                    if is_lost and recover and (body := self._recovered(request, recover)) is not None:
                        return Reply(body, lambda text: self._odd(request, text))
                    reply = self._attempt(request)
                except TransientError as error:
                    if not (repeat or error.answered or error.body is not None):  # a tool that says it failed is clear
                        text = f"the answer was lost, and it may have arrived: {error.text}"
                        raise self._error(Doubtful, request, text, "look at the tool, then decide") from error
                    is_lost = is_lost or not error.answered
                    error.answered = not is_lost  # nor does a later answer tell what became of it
                    raise
                if not is_done(reply.body):
                    raise self._error(TransientError, request, "it is still at work", "send the rest later")
                return reply
        raise AssertionError("tenacity ends with a return or a raise")

    def _recovered(self, request: Request, recover: Callable[[], Any]) -> Any:
        """The body of the answer that was lost, or None. A refusal to tell says nothing of what was sent."""
        try:
            return recover()
        except PermanentError as error:
            text = f"the answer was lost, and what has arrived cannot be read: {error.text}"
            mended = self._error(PermanentError, request, text, error.remedy, status=error.status, answered=False)
            raise mended from error

    def _waiter(self) -> Callable[[tenacity.RetryCallState], float]:
        """How long to wait before each repetition of one request."""
        longest = FIRST_WAIT_S

        def wait(state: tenacity.RetryCallState) -> float:
            nonlocal longest
            error = state.outcome.exception() if state.outcome else None
            asked = error.retry_after if isinstance(error, TransientError) else None
            if asked is not None:
                self._pacer.hold(asked)
                return 0.0 if self._has_time_for(asked) else asked  # the pacer waits, for every thread alike
            seconds = random.uniform(0, longest)  # noqa: S311 - full jitter, no secret
            longest = min(LONGEST_WAIT_S, 2 * longest)
            return seconds

        return wait

    def _is_too_late(self, state: tenacity.RetryCallState) -> bool:
        return not self._has_time_for(state.upcoming_sleep)

    def _has_time_for(self, seconds: float) -> bool:
        return self._clock() + seconds < self._deadline()

    def _attempt(self, request: Request, *, is_renewed: bool = False) -> Reply:
        header = self._header() if request.is_signed else None
        try:
            return self._send_once(request, header)
        except AuthError as error:
            auth = self.vendor.auth
            if is_renewed or header is None or not isinstance(auth, TokenExchange):
                raise
            if not {error.status, error.code} & set(auth.stale):
                raise
        with self._exchanging:
            if self._token and header == auth.signed(self._token[0]):
                self._token = None  # revoked before its time
        return self._attempt(request, is_renewed=True)

    def _header(self) -> Header:
        auth = self.vendor.auth
        if isinstance(auth, Header):
            return auth
        with self._exchanging:
            if self._token is None or self._clock() >= self._token[1]:
                try:
                    token = self._exchanged(auth)
                except VendorError as error:
                    error.answered = True  # what was to be signed has not left
                    raise
                self._token = (token, self._clock() + auth.lifetime_s)
            return auth.signed(self._token[0])

    def _exchanged(self, auth: TokenExchange) -> str:
        asked = Request("POST", auth.path, json=dict(auth.body), is_signed=False, is_encoded=auth.is_form)
        try:
            reply = self._deliver(asked)
        except PermanentError as error:
            if auth.instead is None:
                raise
            reply = self._deliver(asked._replace(json=dict(auth.instead(error))))
        token = reply.pick(auth.token, str) if auth.token else reply.body
        if not (isinstance(token, str) and token.isascii() and token.isprintable()):
            raise self._odd(asked, "the answer holds no token")
        return token

    def _send_once(self, request: Request, header: Header | None) -> Reply:
        pause = self._pacer.reserve()
        if pause > 0:
            if not self._has_time_for(pause):
                text = f"the next request may go out in {pause:.0f} s only, later than the deadline"
                raise self._error(RateLimited, request, text, "raise `deadline_s`, or send later", retry_after=pause)
            self._sleep(pause)
        with self._counting:
            self.requests += 1
        began = self._clock()
        status, headers, raw = self._exchange(request, header)
        LOGGER.debug("%s %s %.0f ms", request, status, 1000 * (self._clock() - began))
        return self._judge(request, status, headers, raw)

    def _exchange(self, request: Request, header: Header | None) -> tuple[int, Mapping[str, str], bytes]:
        left = max(self._deadline() - self._clock(), 1.0)
        patience = min(self.vendor.answer_s, left)
        network = self._network
        with ExitStack() as stack, whole_answer(patience) as limit:
            data, headers = _body(request, stack)
            if header:
                headers[header.name] = header.value
            try:
                answer = stack.enter_context(
                    self._session.request(
                        request.method,
                        self._address(request.path),
                        params=request.params,
                        data=data,
                        headers=headers,
                        timeout=(min(CONNECT_S, left), patience),
                        allow_redirects=False,
                        stream=True,
                        verify=network.ca_bundle or None,
                        cert=network.client_cert or None,
                        proxies={"http": network.proxy, "https": network.proxy} if network.proxy else None,
                    )
                )
                raw = self._read(answer, patience)
                limit.check()
            except (requests.exceptions.RequestException, OSError, ValueError) as error:
                raise self._broken(request, limit.reason(error)) from error
        return answer.status_code, answer.headers, raw

    def _address(self, path: str) -> str:
        return f"{self.vendor.base_url.rstrip('/')}/{path}"

    def _broken(self, request: Request, error: Exception) -> VendorError:
        """The error for a request that could not be made, or whose answer did not come whole."""
        cause = _cause(error)
        if isinstance(error, requests.exceptions.SSLError) and not _has_cause(error, ssl.SSLEOFError):
            remedy = "name the server's CA with `ca_bundle`, and check `url`"
            return self._error(PermanentError, request, f"no trusted connection: {cause}", remedy)
        if isinstance(error, requests.exceptions.ProxyError):
            remedy = "check `proxy` and the environment's proxy variables"
            return self._error(TransientError, request, f"the proxy failed: {cause}", remedy)
        if isinstance(error, requests.exceptions.RequestException) and not isinstance(error, ValueError):
            remedy = "check `url` and the network; later: `tmsreport send`"
            text = f"no usable answer from {urlsplit(self.vendor.base_url).netloc}: {cause}"
            return self._error(TransientError, request, text, remedy, answered=_has_cause(error, *_NEVER_LEFT))
        remedy = "check `url`, `proxy`, `ca_bundle` and `client_cert`"
        return self._error(PermanentError, request, f"the request cannot be made: {cause}", remedy)

    def _read(self, answer: requests.Response, patience: float) -> bytes:
        until = self._clock() + patience
        parts = []
        size = 0
        for part in answer.iter_content(4096):
            size += len(part)
            if size > ANSWER_BYTES:
                raise requests.exceptions.ContentDecodingError(f"the answer is longer than {ANSWER_BYTES} bytes")
            if self._clock() > until:
                raise too_slow(patience)
            parts.append(part)
        return b"".join(parts)

    def _judge(self, request: Request, status: int, headers: Mapping[str, str], raw: bytes) -> Reply:
        table = self.vendor.errors
        is_fine = 200 <= status < 300
        try:
            body = jsonlib.loads(raw)
            failure = table.failure_in(body) if is_fine else body
            words = plain(table.words(failure))
        except (ValueError, RecursionError):
            body = failure = None
            words = ""
        is_readable = isinstance(body, (dict, list) if request.is_signed else (dict, list, str))
        if is_fine and (is_readable or (request.may_be_empty and not raw.strip())) and failure is None:
            asked = _retry_after(headers)
            if asked and self._has_time_for(asked):  # a server that is pressed asks before it refuses
                self._pacer.hold(asked)
            return Reply(body, lambda text: self._odd(request, text), headers)
        if is_fine and not is_readable and status not in table.codes:
            text = f"{_describe(raw, headers)} in place of JSON"
            remedy = "check `url`: a proxy or a login page may have answered"
            raise self._error(TransientError, request, text, remedy, status=status, answered=False)
        fault, code = table.pick(status, failure)
        if 300 <= status < 400 and status not in table.codes:
            fault, words = table.family(status), plain(headers.get("Location", "without a word on which"))
        elif body is None:
            words = f"{_describe(raw, headers)} in place of JSON"
        raise fault.kind(
            f"{fault.meaning}: {words}" if words else fault.meaning,
            vendor=self.vendor.name,
            request=str(request),
            status=status,
            code=code,
            remedy=fault.remedy,
            body=body,
            retry_after=fault.wait_s if (told := _retry_after(headers)) is None else told,
            # After the others it may have done its work all the same; of a batch, some of it.
            answered=(status < 500 or status == 503) and not isinstance(body, list),
        )

    def _error(  # noqa: PLR0913 - a plain record
        self,
        kind: type[VendorError],
        request: Request,
        text: str,
        remedy: str = "",
        *,
        status: int = 0,
        retry_after: float | None = None,
        answered: bool = True,
    ) -> VendorError:
        return kind(
            plain(text),
            vendor=self.vendor.name,
            request=str(request),
            status=status,
            remedy=remedy,
            retry_after=retry_after,
            answered=answered,
        )

    def _odd(self, request: Request, text: str) -> VendorError:
        """The error for a success that lacks what it should hold: the request may have done its work all the same."""
        remedy = "check `url`; is it the right version of the API?"
        return self._error(PermanentError, request, text, remedy, answered=False)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _body(request: Request, stack: ExitStack) -> tuple[Any, dict[str, str]]:
    if request.files or request.form:
        from requests_toolbelt import MultipartEncoder  # type: ignore[import-untyped]  # noqa: PLC0415 - few send files

        parts: list[tuple[str, Any]] = list((request.form or {}).items())
        for field, file in request.files:
            parts.append((field, (file.name or None, stack.enter_context(file.open()), file.mime)))  # none: a value
        form = MultipartEncoder(parts)
        return form, {"Content-Type": form.content_type}
    if request.raw:
        return stack.enter_context(request.raw.open()), {"Content-Type": request.raw.mime}
    if request.json is None:
        return None, {}
    if request.is_encoded:
        return urlencode(request.json).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return _encode(request.json).encode(), {"Content-Type": "application/json"}


_encode = jsonlib.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
"""A payload as JSON; vendors build it of what is new, so that nothing in it can hold itself."""

_NEVER_LEFT = (ConnectionRefusedError, gaierror, requests.ConnectTimeout)
"""No connection was made, so that the request cannot have arrived."""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what led to it, without the error of ours that may have been handled at the time."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, VendorError):
        yield inner
        inner = inner.__cause__ or inner.__context__


def _has_cause(error: BaseException, *kinds: type[BaseException]) -> bool:
    return any(isinstance(each, kinds) for each in _causes(error))


def _cause(error: BaseException) -> str:
    """The innermost reason: the layers above it repeat it, with addresses of objects."""
    *_, innermost = _causes(error)
    return str(innermost) or type(innermost).__name__


def _describe(raw: bytes, headers: Mapping[str, str]) -> str:
    if not raw.strip():
        return "an empty answer"
    start = raw[:2000].decode("utf-8", "replace")
    if "html" in headers.get("Content-Type", "") or start.lstrip().lower().startswith(("<!doctype html", "<html")):
        return "an HTML page"
    if start.lstrip()[:1] in ("{", "["):
        return "broken JSON"
    return f"{plain(start, 80)!r}"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from a number or an HTTP date (RFC 9110, 10.2.3); None where neither can be read."""
    said = headers.get("Retry-After", "").strip()
    try:
        seconds = float(said)
    except ValueError:
        try:
            now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else time.time()
            seconds = parsedate_to_datetime(said).timestamp() - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
