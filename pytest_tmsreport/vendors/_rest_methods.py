"""What a described tool can do besides taking results: each method is there where its request is described."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import dig
from ..model import Result, Run
from ..render import bears
from ..vendor import Case
from ._rest_values import of_file, of_run

if TYPE_CHECKING:
    from ..client import Client, File, Reply
    from ._rest_reading import Call
    from .rest import Rest


def _told(http: Client, call: Call, context: Mapping[str, Any]) -> None:
    """A request whose answer matters only where it is an error."""
    if call.method == "DELETE":
        http.delete(call.path(context))
    else:
        asked(http, call, context)


def asked(http: Client, call: Call, context: Mapping[str, Any], **more: Any) -> Reply:
    """The answer to a request of the description."""
    path = call.path(context)
    params = call.params(context) if call.params else None
    if call.method == "GET":
        return http.get(path, params=params)
    body = call.body(context) if call.body else None
    if call.method == "POST":
        return http.post(path, json=body, may_be_empty="id" not in call.words, **more)
    if call.method == "PUT":
        return http.put(path, json=body, may_be_empty="id" not in call.words)
    return http.patch(path, json=body)


def _rows(http: Client, call: Call, context: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    params = call.params(context) if call.params else None
    return http.rows(call.path(context), call.paging, call.says("rows"), params=params)


def _open_run(self: Rest, http: Client, run: Run) -> str:
    call = self.tool.calls["open_run"]

    def lost() -> Any:
        found = _find_run(self, http, run)
        return None if found is None else at(call.says("id"), found)

    recover = lost if "find_run" in self.tool.calls else None
    return id_in(http, asked(http, call, _of_run(run), recover=recover), call)


def _find_run(self: Rest, http: Client, run: Run) -> str | None:
    call = self.tool.calls["find_run"]
    rows = _rows(http, call, _of_run(run))
    found = [str(dig(row, call.says("id"))) for row in rows if _shows(dig(row, call.says("run")), run.own_id)]
    return min(found, key=lambda each: (len(each), each)) if found else None  # numbers grow: the first is the least


def _close_run(self: Rest, http: Client, run_id: str) -> None:
    _told(http, self.tool.calls["close_run"], {"run_id": run_id})


def _discard_run(self: Rest, http: Client, run_id: str) -> None:
    _told(http, self.tool.calls["discard_run"], {"run_id": run_id})


def _read_run(self: Rest, http: Client, run_id: str) -> None:
    _told(http, self.tool.calls["read_run"], {"run_id": run_id})


def _verify(self: Rest, http: Client) -> None:
    _told(http, self.tool.calls["verify"], {})


def _received(self: Rest, http: Client, run_id: str, batch: Sequence[Result]) -> Mapping[str, str]:
    call = self.tool.calls["received"]
    shown = [(dig(row, call.says("result")), row) for row in _rows(http, call, {"run_id": run_id})]
    return {
        each.id: str(dig(row, call.says("id", "id")))
        for each in batch
        for found, row in shown
        if _shows(found, each.id)
    }


def _attach(self: Rest, http: Client, place: str, files: Sequence[File]) -> Sequence[str]:
    call = self.tool.calls["attach"]
    context: dict[str, Any] = {"run_id": place, "result_id": place}
    if "field" not in call.words:
        return [id_in(http, asked(http, call, {**context, **_of_file(file)}), call) for file in files]
    form = {key: str(value) for key, value in (call.form(context) if call.form else {}).items()}
    reply = http.post(call.path(context), files=[(call.says("field"), file) for file in files], form=form)
    if "rows" not in call.words:
        return [id_in(http, reply, call)] * len(files)
    return [str(dig(row, call.says("id"))) for row in reply.pick(call.says("rows"), list)]


def _planned(self: Rest, http: Client, plan: str) -> Iterator[Case]:
    return _cases(http, self.tool.calls["planned"], {"plan": plan})


def _recorded(self: Rest, http: Client, run_id: str) -> Iterator[Case]:
    return _cases(http, self.tool.calls["recorded"], {"run_id": run_id})


def _cases(http: Client, call: Call, context: Mapping[str, Any]) -> Iterator[Case]:
    for row in _rows(http, call, context):
        name = dig(row, call.says("names")) if "names" in call.words else None
        has_failed = "failed" in call.words and bool(dig(row, call.says("failed")))
        title = str(dig(row, call.says("title"))) if "title" in call.words else ""
        yield Case((str(dig(row, call.says("id"))),), title, (str(name),) if name else (), has_failed)


def _of_run(run: Run) -> dict[str, Any]:
    return {f"run.{name}": value for name, value in of_run(run).items()}


def _of_file(file: File) -> dict[str, Any]:
    with file.open() as opened:
        content = opened.read()
    return {f"file.{key}": value for key, value in of_file(file.name, file.mime, file.size, content).items()}


def id_in(http: Client, reply: Reply, call: Call) -> str:
    """The tool's id in an answer. Raises PermanentError where there is none."""
    path = call.says("id")
    found = "0" if http.is_rehearsal else dig(reply.body, path)
    if isinstance(found, (str, int)) and not isinstance(found, bool) and found != "":
        return str(found)
    raise reply.odd(f"the answer holds no id at {path!r}")


def at(path: str, value: Any) -> Any:
    """An answer that holds a value at a dotted path."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def _shows(found: Any, own_id: str) -> bool:
    return found == own_id or bears(str(found), own_id)


METHODS: Mapping[str, Callable[..., Any]] = {
    "attach": _attach,
    "close_run": _close_run,
    "discard_run": _discard_run,
    "find_run": _find_run,
    "open_run": _open_run,
    "planned": _planned,
    "read_run": _read_run,
    "received": _received,
    "recorded": _recorded,
    "verify": _verify,
}
