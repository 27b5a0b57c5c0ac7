"""Checking a request's JSON: small checks that combine, each naming every wrong field."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

Check = Callable[[Any, str], Iterator[tuple[str, str]]]
"""Takes a value and its dotted path; yields the path and the fault of everything that is wrong in it."""


def text(*, longest: int | None = None, shortest: int = 0) -> Check:
    """A string of so many characters."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if not isinstance(value, str):
            yield path, "must be a string"
        elif len(value) < shortest:
            yield path, "is required"
        elif longest is not None and len(value) > longest:
            yield path, f"may not be longer than {longest} characters"

    return check


def whole(*, least: int | None = None) -> Check:
    """An integer."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield path, "must be an integer"
        elif least is not None and value < least:
            yield path, f"must be at least {least}"

    return check


def number(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """An integer or a fraction."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        yield path, "must be a number"


def flag(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """True or false."""
    if not isinstance(value, bool):
        yield path, "must be true or false"


def one_of(options: Collection[Any], fault: str = "") -> Check:
    """One of the values in `options`, which may grow."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if isinstance(value, (dict, list, bool)) or value not in options:
            yield path, fault or f"must be one of {', '.join(map(str, options))}"

    return check


def both(first: Check, second: Check) -> Check:
    """The second check where the first finds nothing."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        found = list(first(value, path))
        yield from found or second(value, path)

    return check


def nullable(inner: Check) -> Check:
    """Null, or what `inner` takes."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if value is not None:
            yield from inner(value, path)

    return check


def each(inner: Check) -> Check:
    """A list, `inner` for every item."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if not isinstance(value, list):
            yield path, "must be a list"
            return
        for index, item in enumerate(value):
            yield from inner(item, _join(path, index))

    return check


def mapping(inner: Check) -> Check:
    """An object with any keys, `inner` for every value."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if not isinstance(value, dict):
            yield path, "must be an object"
            return
        for key, held in value.items():
            yield from inner(held, _join(path, key))

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these keys; keys that nobody names are passed over."""

    def check(value: Any, path: str) -> Iterator[tuple[str, str]]:
        if not isinstance(value, dict):
            yield path, "must be an object"
            return
        for key in required:
            if value.get(key) is None:
                yield _join(path, key), "is required"
        for key, inner in {**required, **(optional or {})}.items():
            if key in value and not (key in required and value[key] is None):
                yield from inner(value[key], _join(path, key))

    return check


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)
