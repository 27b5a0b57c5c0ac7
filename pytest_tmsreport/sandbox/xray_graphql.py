"""As much of GraphQL as Xray's clients write: one operation with variables, fields with arguments, selections."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'[\s,]+|#[^\n]*|(?P<token>"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|\$?[A-Za-z_]\w*|[{}()\[\]:!=])')


class Json(dict[str, Any]):
    """A value of the scalar type JSON: it is answered whole, and nothing is selected in it."""


class GraphQLError(Exception):
    """What is wrong with an operation; `path` is the field it is about."""

    def __init__(self, text: str, *path: str) -> None:
        super().__init__(text)
        self.path = path


@dataclass
class Field:
    """A field that is asked for."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    selections: list[Field] = field(default_factory=list)


def execute(
    query: str, variables: Mapping[str, Any], roots: Mapping[str, Mapping[str, Callable[..., Any]]]
) -> dict[str, Any]:
    """The data of the answer; `roots` has the functions of `query` and of `mutation`. Raises GraphQLError."""
    kind, fields = _Parser(query, variables).operation()
    found = {}
    for each in fields:
        if each.name not in roots[kind]:
            raise GraphQLError(f'Cannot query field "{each.name}" on type "{kind.title()}".')
        try:
            value = roots[kind][each.name](**each.arguments)
        except TypeError as error:
            raise GraphQLError(f"Wrong arguments: {error}", each.name) from error
        found[each.name] = _select(value, each.selections, each.name)
    return found


def page(limit: int, start: int, rows: list[Any]) -> dict[str, Any]:
    """A connection: at most 100 of the rows. Raises GraphQLError for another `limit`."""
    if not 1 <= limit <= 100:
        raise GraphQLError("The limit must be from 1 to 100.")
    return {"total": len(rows), "start": start, "limit": limit, "results": rows[start : start + limit]}


def _select(value: Any, selections: list[Field], path: str) -> Any:
    if isinstance(value, list):
        return [_select(each, selections, path) for each in value]
    if not isinstance(value, dict) or isinstance(value, Json):
        if selections and value is not None:
            raise GraphQLError(f'Field "{path}" has no subfields.', path)
        return value
    if not selections:
        raise GraphQLError(f'Field "{path}" must have a selection of subfields.', path)
    found = {}
    for each in selections:
        if each.name not in value:
            raise GraphQLError(f'Cannot query field "{each.name}".', path, each.name)
        held = value[each.name]
        try:
            inner = held(**each.arguments) if callable(held) else held
        except TypeError as error:
            raise GraphQLError(f"Wrong arguments: {error}", path, each.name) from error
        found[each.name] = _select(inner, each.selections, each.name)
    return found


class _Parser:
    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self._tokens: list[str] = []
        self._given = variables
        self._declared: set[str] = set()
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise GraphQLError(f"Syntax Error: Unexpected character {text[at]!r}.")
            self._tokens += [found["token"]] if found["token"] else []
            at = found.end()

    def operation(self) -> tuple[str, list[Field]]:
        kind = "query"
        if self._next() in ("query", "mutation"):
            kind = self._take()
            if self._next() not in ("(", "{"):
                self._take()  # its name
            if self._next() == "(":
                self._variables()
        fields = self._selections()
        if self._tokens:
            raise GraphQLError(f"Syntax Error: Unexpected {self._tokens[0]!r}.")
        return kind, fields

    def _variables(self) -> None:
        self._take("(")
        while self._next() != ")":
            name = self._take()
            self._take(":")
            kind = ""
            while self._next() not in (")", "") and not self._next().startswith("$"):
                kind += self._take()
            if kind.endswith("!") and self._given.get(name[1:]) is None:
                raise GraphQLError(f'Variable "{name}" of required type "{kind}" was not provided.')
            self._declared.add(name)
        self._take(")")

    def _selections(self) -> list[Field]:
        self._take("{")
        found = []
        while self._next() != "}":
            each = Field(self._take())
            if not each.name.isidentifier():
                raise GraphQLError(f"Syntax Error: Expected Name, found {each.name!r}.")
            if self._next() == "(":
                self._take("(")
                while self._next() != ")":
                    name = self._take()
                    self._take(":")
                    each.arguments[name] = self._value()
                self._take(")")
            if self._next() == "{":
                each.selections = self._selections()
            found.append(each)
        self._take("}")
        return found

    def _value(self) -> Any:
        word = self._take()
        if word.startswith("$"):
            if word not in self._declared:
                raise GraphQLError(f'Variable "{word}" is not defined.')
            return self._given.get(word[1:])
        if word == "[":
            items = []
            while self._next() != "]":
                items.append(self._value())
            self._take("]")
            return items
        if word == "{":
            held = {}
            while self._next() != "}":
                name = self._take()
                self._take(":")
                held[name] = self._value()
            self._take("}")
            return held
        try:
            return json.loads(word)
        except ValueError as error:
            raise GraphQLError(f"Syntax Error: Unexpected {word!r}.") from error

    def _next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _take(self, wanted: str = "") -> str:
        if not self._tokens or (wanted and self._tokens[0] != wanted):
            raise GraphQLError(f"Syntax Error: Expected {wanted or 'more'!r}, found {self._next() or '<EOF>'!r}.")
        return self._tokens.pop(0)
