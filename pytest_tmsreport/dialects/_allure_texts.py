"""Texts of allure's words: values, titles with holes, descriptions in HTML."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from inspect import cleandoc
from string import Formatter
from typing import Any

from ..recorder import TEXT, TITLE
from ..render import readable, trim, without_addresses

_BREAKS = {"li": "\n- ", "td": " ", "th": " "}
_BLOCKS = ("p", "div", "br", "hr", "tr", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6")
_UNSEEN = ("script", "style")


def text(value: Any) -> str:
    """A value as allure shows it: a member of an enum by its value."""
    return readable(value.value if isinstance(value, enum.Enum) else value, TEXT)


def dedented(value: Any) -> str:
    """A description, without the blanks that indent it in the source."""
    return cleandoc(text(value))


def step(title: Any) -> str:
    """A step's title, which allure has filled already."""
    return without_addresses(text(title))


def holes(template: str) -> set[str]:
    """The names that a title waits for."""
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field]
    except ValueError:  # a stray brace
        return set()
    return {field.partition(".")[0].partition("[")[0] for field in fields}


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A title with values in its holes, as `str.format` puts them there; a hole without a value stays.

    One that cannot be filled is shown as it is.
    """
    try:
        title = _Filler().vformat(template, (), values)
    except Exception:  # noqa: BLE001 - whatever somebody's values do
        title = template
    return trim(title, TITLE)


class _Filler(Formatter):
    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        try:
            return super().get_field(field_name, args, kwargs)
        except _NoValueError:
            return f"{{{field_name}}}", field_name

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        try:
            return super().get_value(key, args, kwargs)
        except (KeyError, IndexError) as error:
            raise _NoValueError from error

    def format_field(self, value: Any, format_spec: str) -> Any:
        return without_addresses(super().format_field(value, format_spec))


class _NoValueError(Exception):
    """A hole waits for what is not there."""


def seen(html: Any) -> str:
    """What a reader of a page sees, as lines of plain text."""
    reader = _Reader()
    reader.feed(text(html))
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.found).splitlines()]
    return trim("\n".join(line for line in lines if line), TEXT)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._is_unseen = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._is_unseen = tag in _UNSEEN
        self.found.append(_BREAKS.get(tag, "\n" if tag in _BLOCKS else ""))

    def handle_endtag(self, tag: str) -> None:
        self._is_unseen = False
        self.found.append("\n" if tag in _BLOCKS else "")

    def handle_data(self, data: str) -> None:
        if not self._is_unseen:
            self.found.append(re.sub(r"\s+", " ", data))
