"""Texts of allure's words: values, titles with holes, descriptions in HTML."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from inspect import cleandoc
from string import Formatter
from typing import Any

from ..recorder import TEXT, TITLE
from ..render import readable, trim, without_addresses


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
    from ._allure_pages import Reader  # noqa: PLC0415 - few descriptions are pages

    reader = Reader()
    reader.feed(text(html))
    reader.close()
    lines = [" ".join(line.split()) for line in "".join(reader.found).splitlines()]
    return trim("\n".join(line for line in lines if line), TEXT)
