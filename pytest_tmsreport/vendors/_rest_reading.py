"""A tool's description in TOML, read into what can be called; every mistake is found here, with its place."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from .. import errors
from ..errors import ConfigError, ErrorTable, Fault
from ..model import Link, Outcome, Result, Run, Step
from ..paging import Link as LinkPaging
from ..paging import Offset, Pages, Paging, Token
from ..templates import Context, Known, Render, template, text
from ._rest_values import OPEN, of_file, of_result, of_run

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGING: Mapping[str, type] = {"offset": Offset, "pages": Pages, "link": LinkPaging, "token": Token}
KINDS = ("TransientError", "RateLimited", "AuthError", "NotFound", "Rejected", "TooLarge", "PermanentError")
LISTS = {"request", "rows", "id", "title", "names", "failed", "paging", "params"}
KEYS: Mapping[str, set[str]] = {
    "open_run": {"request", "body", "id", "params"},
    "send": {"request", "body", "item", "step", "file", "rows", "id", "repeatable", "params"},
    "attach": {"request", "when", "body", "form", "field", "id", "rows", "per_request", "most_bytes"},
    "close_run": {"request", "body"},
    "discard_run": {"request", "body"},
    "find_run": {"request", "rows", "id", "run", "paging", "params"},
    "read_run": {"request"},
    "verify": {"request"},
    "received": {"request", "rows", "id", "result", "paging", "params"},
    "planned": LISTS,
    "recorded": LISTS,
}
NEEDED: Mapping[str, tuple[str, ...]] = {
    "open_run": ("id",),
    "attach": ("id",),
    "find_run": ("id", "run"),
    "received": ("result",),
    "planned": ("id",),
    "recorded": ("id",),
}
TOP = ("label", "auth", "headers", "errors", "calls", "run_url", "answer_s")
A_RUN = Run(id="r", name="n", start=1.0, tags=("t",), key="k", case_ids=("1",))
A_STEP = Step(title="s")
A_RESULT = Result(
    id="i",
    nodeid="n",
    title="t",
    outcome=Outcome.PASSED,
    start=1.0,
    duration=1.0,
    ids=({"": ("1",)},),
    suite=("s",),
    parameters={"p": "1"},
    tags=("t",),
    fields={"f": "1"},
    links=(Link("https://x.test"),),
    steps=(A_STEP,),
    case_ids=("1",),
)
EXAMPLES: Mapping[str, Context] = {
    "run": {f"run.{name}": value for name, value in of_run(A_RUN).items()},
    "result": {**of_result(A_RESULT, "passed"), "run_id": "7", "files": ["f"]},
    "file": {**{f"file.{name}": value for name, value in of_file("n", "m", 1, b"x").items()}, "run_id": "7"},
    "step": {**dict.fromkeys(("title", "outcome", "status", "message", "expected", "data"), "t"), "steps": ["s"],
             **dict.fromkeys(("start", "end", "duration", "milliseconds"), 1.0)},
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of a description; paths into answers are dotted, empty for the answer itself."""

    method: str
    path: Callable[[Context], str]
    params: Render | None = None
    body: Render | None = None
    form: Render | None = None
    item: Render | None = None
    step: Render | None = None
    file: Render | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    paging: Paging = field(default_factory=Offset)

    def says(self, key: str, default: str = "") -> str:
        """One of its plain words, such as the path of an id."""
        return str(self.words.get(key, default))


@dataclass(frozen=True)
class Description:
    """A tool: what it is called, how it is signed to, what can be asked of it, and what its errors mean."""

    label: str
    auth: Mapping[str, Any]
    headers: Mapping[str, str]
    errors: ErrorTable
    calls: Mapping[str, Call]
    run_url: Callable[[Context], str] | None
    answer_s: float


def description(table: Mapping[str, Any], name: str) -> Description:
    """Reads a description. Raises ConfigError that names the place and the nearest right word."""
    place = f"[{name}]"
    calls = _table(table.get("calls", {}), f"[{name}.calls]")
    _known(calls, KEYS, f"[{name}.calls]", "call")
    if "send" not in calls:
        _fail(f"[{name}.calls]", "there is no `send`, which brings the results")
    where = str(table.get("run_url", ""))
    return Description(
        label=str(table.get("label", name)),
        auth=_auth(table.get("auth"), f"{place} auth"),
        headers={str(key): str(value) for key, value in _table(table.get("headers", {}), f"{place} headers").items()},
        errors=_errors(_table(table.get("errors", {}), f"[{name}.errors]"), f"[{name}.errors]"),
        calls={
            key: _call(key, _table(call, f"[{name}.calls.{key}]"), f"[{name}.calls.{key}]")
            for key, call in calls.items()
        },
        run_url=text(where, Known({"run_id": "7"}, f"{place} run_url"), is_path=True) if where else None,
        answer_s=float(table.get("answer_s", 60)),
    )


def _call(name: str, table: Mapping[str, Any], place: str) -> Call:
    _known(table, KEYS[name], place, "key")
    for key in ("request", *NEEDED.get(name, ())):
        if key not in table:
            _fail(place, f"`{key}` is missing")
    method, _, path = str(table["request"]).strip().partition(" ")
    if method not in METHODS or not path.strip():
        _fail(place, f"`request` is {table['request']!r}; it must be a method and a path, such as POST runs")
    if method == "DELETE" and name not in ("close_run", "discard_run"):
        _fail(place, f"`request` is {table['request']!r}; nothing is removed here")
    if name == "send" and "item" in table and "{items}" not in json.dumps(table.get("body")):
        _fail(place, "`item` goes nowhere: `body` must hold {items}")
    if name == "send" and "item" not in table and "{items}" in json.dumps(table.get("body")):
        _fail(place, "`body` holds {items}, and `item` is missing")
    if name == "attach" and table.get("when", "after") not in ("before", "after"):
        _fail(place, f"`when` is {table['when']!r}; it can be before or after")
    names = _names(name, table)
    plain = {"request", "body", "item", "step", "file", "form", "params", "paging"}
    return Call(
        method=method,
        path=text(path.strip().lstrip("/"), Known(names, f"{place} request", OPEN), is_path=True),
        params=_template(table, "params", names, place),
        body=_template(table, "body", names | ({"items": ["i"]} if "item" in table else {}), place),
        form=_template(table, "form", names, place),
        item=_template(table, "item", EXAMPLES["result"], place),
        step=_template(table, "step", EXAMPLES["step"], place),
        file=_template(table, "file", EXAMPLES["file"], place),
        words={key: value for key, value in table.items() if key not in plain},
        paging=_paging(_table(table.get("paging", {}), f"{place} paging"), f"{place} paging"),
    )


def _names(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    if name in ("open_run", "find_run"):
        return dict(EXAMPLES["run"])
    if name == "send":
        return {"run_id": "7"} if "item" in table else dict(EXAMPLES["result"])
    if name == "attach":
        return {**EXAMPLES["file"], "result_id": "7"}
    if name == "planned":
        return {"plan": "7"}
    return {} if name == "verify" else {"run_id": "7"}


def _template(table: Mapping[str, Any], key: str, names: Context, place: str) -> Render | None:
    return template(table[key], Known(names, f"{place} {key}", OPEN)) if key in table else None


def _paging(table: Mapping[str, Any], place: str) -> Paging:
    style = str(table.get("style", "offset"))
    if style not in PAGING:
        _fail(place, f"`style` is {style!r}; it can be {', '.join(PAGING)}")
    kind = PAGING[style]
    given = {key: value for key, value in table.items() if key != "style"}
    _known(given, kind._fields, place, "key")  # type: ignore[attr-defined]
    try:
        made: Paging = kind(**given)
    except TypeError as error:
        _fail(place, str(error).partition("() ")[2])
    return made


def _auth(value: Any, place: str) -> Mapping[str, Any]:
    ways = {"header": {"header", "value"}, "bearer": {"bearer"}, "basic": {"basic"}, "none": {"none"}}
    ways["exchange"] = {"exchange", "body", "token", "lifetime_s"}
    table = _table({"bearer": True} if value is None else value, place)
    way = next((each for each in ways if each in table), "")
    if not way:
        _fail(place, f"it must hold one of: {', '.join(sorted(ways))}")
    _known(table, ways[way], place, "key")
    if way == "exchange":
        template(table.get("body", {}), Known({"token": "t"}, f"{place} body"))
    if way == "header":
        text(str(table.get("value", "{token}")), Known({"token": "t"}, f"{place} value"))
    return table


def _errors(table: Mapping[str, Any], place: str) -> ErrorTable:
    _known(table, ("message", "details", "code", "success", "codes"), place, "key")
    found = re.fullmatch(r"([\w.-]+)(?:\s*==\s*(\S+))?", str(table.get("success", "")).strip())
    if "success" in table and not found:
        _fail(place, f"`success` is {table['success']!r}; it must be a path, or such as code == 0")
    try:
        wanted = json.loads(found[2]) if found and found[2] else None
    except ValueError:
        wanted = found[2].strip("'\"") if found else None
    codes = {}
    for code, fault in _table(table.get("codes", {}), f"{place} codes").items():
        codes[int(code) if code.isdecimal() else code] = _fault(fault, f"{place} codes.{code}")
    return ErrorTable(
        message=_paths(table, "message", ("message", "error")),
        details=str(table.get("details", "")),
        code=_paths(table, "code", ()),
        success=found[1] if found else "",
        success_is=wanted,
        codes=codes,
    )


def _paths(table: Mapping[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = table.get(key, default)
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def _fault(value: Any, place: str) -> Fault:
    table = {"kind": value} if isinstance(value, str) else _table(value, place)
    _known(table, ("kind", "meaning", "remedy", "wait_s"), place, "key")
    kind = str(table.get("kind", ""))
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        _fail(place, f"`kind` is {kind!r}{hint} It can be {', '.join(KINDS)}")
    wait_s = float(table["wait_s"]) if "wait_s" in table else None
    remedy = str(table.get("remedy", "look at the tool's words"))
    return Fault(getattr(errors, kind), str(table.get("meaning", "the tool refuses")), remedy, wait_s)


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        _fail(place, f"it is {value!r}; it must be a table")
    return dict(value)


def _known(given: Collection[str], known: Collection[str], place: str, what: str) -> None:
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), 1, 0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(sorted(known))}"
            _fail(place, f"there is no {what} `{key}`; {hint}")


def _fail(place: str, words: str) -> NoReturn:
    raise ConfigError(f"{place} {words}" if place.endswith("]") else f"{place}: {words}")
