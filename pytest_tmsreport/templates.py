"""JSON with holes: `{result.title|cut:80}` in a description of a tool becomes a value of a request.

A text that is one hole and nothing else keeps the value's type; a hole within other words becomes words. A lone hole
without a value (None, nothing in it) leaves its key out, unless it ends with the filter `keep`, or `null`. A key `*`
puts the keys of a table in its own place. `{{` and `}}` are braces. Everything that can be found out is found out when
the template is read: an unknown name, an unknown filter, a filter without what it needs.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, NoReturn

from .errors import ConfigError
from .model import Step
from .render import cut, segment, steps_as_text, trim, utc

Context = Mapping[str, Any]
Render = Callable[[Context], Any]
Filter = Callable[[Any, str], Any]
EMPTY: Any = object()
"""What a lone hole without a value becomes: its key is left out."""


@dataclass(frozen=True)
class Kept:
    """A value that stays where it is, empty or not."""

    value: Any


_PIECES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_WHOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Known:
    """The names that a template may use, each with an example of its value, and where the template stands.

    A name of `open` may be followed by a key of its own: `fields.severity`.
    """

    names: Context
    place: str
    open: Collection[str] = ()

    def at(self, key: str) -> Known:
        """The same names, further down."""
        return Known(self.names, f"{self.place}.{key}", self.open)


def template(value: Any, known: Known) -> Render:
    """The function that fills a JSON value's holes. Raises ConfigError, with the place and the nearest right word."""
    if isinstance(value, dict):
        inner = {key: template(held, known.at(str(key))) for key, held in value.items()}
        return lambda context: _table({key: fill(context) for key, fill in inner.items()})
    if isinstance(value, list):
        entries = [template(held, known.at(str(index))) for index, held in enumerate(value)]
        return lambda context: [found for fill in entries if (found := fill(context)) is not EMPTY]
    if not isinstance(value, str):
        return lambda _context: value
    if alone := _WHOLE.fullmatch(value):
        hole = _hole(alone[1], known)
        return lambda context: _or_empty(hole(context))
    return text(value, known)


def text(value: str, known: Known, *, is_path: bool = False) -> Callable[[Context], str]:
    """The function that fills the holes of a text; in a path what fills them is quoted. Raises ConfigError."""
    parts: list[str | Render] = []
    end = 0
    for piece in _PIECES.finditer(value):
        parts.append(value[end : piece.start()])
        end = piece.end()
        if piece[0] in ("{{", "}}"):
            parts.append(piece[0][0])
        elif piece[1] is not None:
            parts.append(_hole(piece[1], known))
        else:
            _fail(known, f"a lone {piece[0]!r}: double it, where a brace is meant")
    parts.append(value[end:])

    def fill(context: Context) -> str:
        words = (part if isinstance(part, str) else _word(part(context), is_path=is_path) for part in parts)
        return "".join(words)

    return fill


def filters() -> list[str]:
    """Every filter's name."""
    return sorted(_FILTERS)


def _hole(words: str, known: Known) -> Render:
    first, *asked = words.split("|")
    name = first.strip()
    path = _checked(name, known)
    steps = [_filter(each, known) for each in asked]

    def fill(context: Context) -> Any:
        value = context.get(path[0])
        for key in path[1:]:
            value = value.get(key) if isinstance(value, Mapping) else None
        for step in steps:
            with suppress(ValueError, TypeError, OverflowError):  # what cannot be, stays, for the tool to refuse
                value = step(value)
        return value

    try:
        example = known.names.get(name, "7")
        for step in steps:
            example = step(example)
    except (ValueError, TypeError, OverflowError) as error:
        _fail(known, f"the filters of {{{words}}} make nothing of it: {error}")
    return fill


def _checked(name: str, known: Known) -> tuple[str, ...]:
    if name in known.names:
        return (name,)
    first, dot, rest = name.partition(".")
    if not (dot and rest and first in known.open):
        _fail(known, _unknown(name, known))
    return (first, rest)


def _unknown(name: str, known: Known) -> str:
    options = [*known.names, *(f"{each}.…" for each in known.open)]
    near = difflib.get_close_matches(name, options, 1, 0.6)
    hint = f"did you mean {{{near[0]}}}?" if near else f"known are: {', '.join(sorted(options))}"
    return f"there is no {{{name}}} here; {hint}"


def _filter(asked: str, known: Known) -> Callable[[Any], Any]:
    before, _, argument = asked.partition(":")
    name = before.strip()
    if name not in _FILTERS:
        near = difflib.get_close_matches(name, _FILTERS, 1, 0.5)
        hint = f"did you mean `{near[0]}`?" if near else f"known are: {', '.join(filters())}"
        _fail(known, f"there is no filter `{name}`; {hint}")
    takes, apply = _FILTERS[name]
    if takes is int and not argument.isdecimal():
        _fail(known, f"the filter `{name}` needs a number: `{name}:500`")
    if takes is None and argument:
        _fail(known, f"the filter `{name}` takes no `:{argument}`")
    return lambda value: value if value is None and name not in _OF_NOTHING else apply(value, argument)


def _fail(known: Known, words: str) -> NoReturn:
    raise ConfigError(f"{known.place}: {words}")


def _word(value: Any, *, is_path: bool) -> str:
    value = value.value if isinstance(value, Kept) else value
    if isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, (dict, list, tuple)):
        value = _lines(value, "\n")
    written = "" if value is None else str(value)
    return segment(written) if is_path else written


def _or_empty(value: Any) -> Any:
    if isinstance(value, Kept):
        return list(value.value) if isinstance(value.value, tuple) else value.value
    if value is None or (isinstance(value, (str, list, tuple, dict)) and not value):
        return EMPTY
    if isinstance(value, tuple):
        return steps_as_text(value) if isinstance(value[0], Step) else list(value)
    return value


def _table(found: dict[Any, Any]) -> dict[Any, Any]:
    more = found.pop("*", None)
    return {**(more if isinstance(more, dict) else {}), **{k: v for k, v in found.items() if v is not EMPTY}}


def _iso(value: Any, _argument: str) -> str:
    """`2026-09-14T10:02:11.120Z` (RFC 3339)."""
    moment = datetime.fromtimestamp(round(float(value), 3), tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(value: Any, separator: str) -> str:
    """Steps as an indented list, a table as `key: value`, a list one by one."""
    if isinstance(value, Mapping):
        return separator.join(f"{key}: {held}" for key, held in value.items())
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(each, Step) for each in value):
            return separator.join(steps_as_text(value))
        return separator.join(str(each) for each in value)
    return str(value)


def _number(value: Any, _argument: str) -> Any:
    """A text of digits as a number, or each of a list; what is none stays what it is, for the tool to refuse."""
    if isinstance(value, (list, tuple)):
        return [_number(each, "") for each in value]
    found = str(value).strip()
    return int(found) if re.fullmatch(r"-?[0-9]{1,18}", found) else value


def _without(value: Any, prefix: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_without(each, prefix) for each in value]
    return str(value).removeprefix(prefix)


_OF_NOTHING = ("or", "keep", "null")
"""The filters that are about a value that is not there."""
_FILTERS: dict[str, tuple[type | None, Filter]] = {
    "iso": (None, _iso),
    "date": (str, lambda value, form: utc(float(value), form or "%Y-%m-%d %H:%M:%S")),
    "ms": (None, lambda value, _: round(1000 * float(value))),
    "seconds": (None, lambda value, _: round(float(value))),
    "trim": (int, lambda value, limit: trim(_lines(value, "\n"), int(limit))),
    "cut": (int, lambda value, limit: cut(_lines(value, " "), int(limit))),
    "text": (None, lambda value, _: _lines(value, "\n")),
    "join": (str, lambda value, separator: _lines(value, separator or ", ")),
    "first": (None, lambda value, _: value[0] if isinstance(value, (list, tuple)) and value else None),
    "last": (None, lambda value, _: value[-1] if isinstance(value, (list, tuple)) and value else None),
    "number": (None, _number),
    "json": (None, lambda value, _: json.dumps(value, default=str)),
    "lower": (None, lambda value, _: str(value).lower()),
    "upper": (None, lambda value, _: str(value).upper()),
    "without": (str, _without),
    "each": (str, lambda value, key: [{key: each} for each in value]),
    "keep": (None, lambda value, _: Kept(value)),
    "null": (None, lambda value, _: Kept(None if _or_empty(value) is EMPTY else value)),
    "or": (str, lambda value, other: other if _or_empty(value) is EMPTY else value),
}
"""What may follow a `|`: the kind of what it needs behind a `:` (None: nothing), and what it does."""
