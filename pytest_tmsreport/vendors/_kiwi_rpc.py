"""Kiwi TCMS's JSON-RPC: a call, many of them in one request, and answers without the HTML in which they are wrapped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from ..auth import TokenExchange
from ..errors import Rejected
from ._kiwi_errors import SHUT_OUT

if TYPE_CHECKING:
    from ..client import Client, Reply

Row = dict[str, Any]
Left = Callable[[], Callable[["Call"], bool]]
"""Looks what a lost batch has done, and returns what tells of each of its calls whether it is still to do."""


@dataclass(frozen=True)
class Call:
    """A method and its parameters."""

    method: str
    params: tuple[Any, ...]

    def numbered(self, number: int) -> Row:
        """The request, as JSON. A number is 1 or more: Kiwi TCMS 12.4 leaves a request of number 0 unanswered."""
        return {"jsonrpc": "2.0", "id": number, "method": self.method, "params": list(self.params)}


def ask(method: str, *params: Any) -> Call:
    """A call."""
    return Call(method, params)


def login(user: str, password: str) -> TokenExchange:
    """How a session is opened, which lasts for a day."""
    return TokenExchange(
        path="json-rpc/?Auth.login",
        body=ask("Auth.login", user, password).numbered(1),
        lifetime_s=12 * 3600.0,
        token="result",  # noqa: S106 - where it is
        header="Cookie",
        form="sessionid={}",
        stale=(SHUT_OUT,),
    )


def one(http: Client, call: Call, recover: Callable[[], Any] | None = None) -> Reply:
    """The answer to a call, with what it returned at `result`. Raises VendorError.

    The method stands in the address, too, for the logs of both sides; the server does not look at it.
    """
    reply = http.post(_path(call), json=call.numbered(1), recover=recover)
    return reply.part(_unescaped(reply.body))


def found(http: Client, call: Call) -> list[Row]:
    """What a `filter` finds. Raises VendorError."""
    return rows(one(http, call))


def batch(http: Client, calls: Sequence[Call], left: Left | None = None) -> list[Reply | Rejected]:
    """The answers to many calls in one request, in their order; Rejected for one that was refused. Raises VendorError.

    Where the answer is lost it is sent again; calls that must not work twice name `left`: those that need no
    repetition are answered by nothing.
    """
    if not calls:
        return []
    return _posted(http, dict(enumerate(calls, 1)), left)


def rows(answer: Reply | Rejected) -> list[Row]:
    """The rows of an answer. Raises what it is, where it is an error."""
    return [row for row in good(answer).pick("result", list) if isinstance(row, dict)]


def good(answer: Reply | Rejected) -> Reply:
    """An answer that is none of an error. Raises the error."""
    if isinstance(answer, Rejected):
        raise answer
    return answer


def moment(epoch_s: float, zone: str) -> str:
    """A time as Kiwi TCMS takes it: in the zone of the server, whole seconds."""
    return datetime.fromtimestamp(epoch_s, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def _path(call: Call) -> str:
    return f"json-rpc/?{call.method}"


def _posted(http: Client, calls: Mapping[int, Call], left: Left | None) -> list[Reply | Rejected]:
    def recover() -> list[Row] | None:
        if left is None:
            return None
        is_due = left()
        due = {number: call for number, call in calls.items() if is_due(call)}
        answers: list[Row] = [{"id": number, "result": None} for number in calls if number not in due]
        if due:
            answers += http.post(_path(next(iter(due.values()))), json=_many(due), recover=recover).body
        return answers

    reply = http.post(_path(next(iter(calls.values()))), json=_many(calls), recover=recover if left else None)
    if http.is_rehearsal:
        return [reply] * len(calls)
    if not isinstance(reply.body, list):
        raise reply.odd("the answer to a batch is none")
    answers = {each.get("id"): each for each in reply.body if isinstance(each, dict)}
    if not calls.keys() <= answers.keys():
        raise reply.odd(f"{len(calls) - len(answers)} of {len(calls)} calls are not answered")
    return [_judged(http, reply, call, answers[number]) for number, call in calls.items()]


def _many(calls: Mapping[int, Call]) -> list[Row]:
    return [call.numbered(number) for number, call in calls.items()]


def _judged(http: Client, reply: Reply, call: Call, answer: Row) -> Reply | Rejected:
    """An answer of a batch. Raises what is no refusal of that one alone."""
    table = http.vendor.errors
    if not table.failed_inside(answer):
        return reply.part(_unescaped(answer))
    fault, code = table.pick(200, answer)
    error = fault.kind(
        f"{fault.meaning}: {table.words(answer)}",
        vendor=http.vendor.name,
        request=f"POST {_path(call)}",
        status=200,
        code=code,
        remedy=fault.remedy,
    )
    if isinstance(error, Rejected):
        return error
    raise error


def _unescaped(value: Any) -> Any:
    if isinstance(value, str):
        return unescape(value)
    if isinstance(value, dict):
        return {key: _unescaped(held) for key, held in value.items()}
    return [_unescaped(each) for each in value] if isinstance(value, list) else value
