"""Raw settings -> the types of their fields."""

from __future__ import annotations

import re
import types
from typing import Any, Literal, NewType, Union, get_args, get_origin

from .errors import ConfigError

Word = NewType("Word", str)
"""A text without blanks: in a list of them, blanks separate as commas and lines do."""
Line = NewType("Line", str)
"""A text of a list that only the end of a line separates."""
_SEPARATORS = {Word: r"[\s,]", Line: r"\n"}


def convert(value: Any, where: str, hint: Any, what: str) -> Any:
    """A raw value, text or TOML, as the type of its field. Raises ConfigError that says what is allowed."""
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(part for part in get_args(hint) if part is not type(None))
    if get_origin(hint) is Literal:
        allowed = get_args(hint)
        if value not in allowed:
            raise ConfigError(f"`{what}` is {value!r} in {where}; it can be {', '.join(map(str, allowed))}")
        return value
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        texts = value if isinstance(value, list) else _split(str(value), _SEPARATORS.get(inner, r"[\n,]"))
        return tuple(convert(text, where, inner, what) for text in texts)
    if get_origin(hint) is not None:  # a mapping: `key = value, key = value`, or a TOML table
        text = "\n".join(map(str, value)) if isinstance(value, list) else str(value)
        pairs = value.items() if isinstance(value, dict) else _pairs(text, where, what)
        return {str(key): str(held) for key, held in pairs}
    return _scalar(value, where, hint, what)


def _scalar(value: Any, where: str, kind: type, what: str) -> Any:
    if kind is bool:
        words = {
            "true": True,
            "yes": True,
            "on": True,
            "1": True,
            "false": False,
            "no": False,
            "off": False,
            "0": False,
        }
        text = str(value).strip().lower()
        if text not in words:
            raise ConfigError(f"`{what}` is {value!r} in {where}; it can be true or false")
        return words[text]
    if kind in (int, float):
        try:
            number = kind(str(value).strip())
        except ValueError:
            number = -1
        if isinstance(value, bool) or not 0 <= number < float("inf"):
            raise ConfigError(f"`{what}` is {value!r} in {where}; it must be a number, not below zero")
        return number
    if isinstance(value, (dict, list)):
        raise ConfigError(f"`{what}` is {value!r} in {where}; it must be a text")
    return str(value).strip()


def _split(text: str, separators: str) -> list[str]:
    return [part.strip() for part in re.split(separators, text) if part.strip()]


def _pairs(text: str, where: str, what: str) -> list[tuple[str, str]]:
    pairs = [part.partition("=") for part in _split(text, r"[\n,]")]
    if not all(found for _, found, _ in pairs):
        raise ConfigError(f"`{what}` is {text!r} in {where}; it must be pairs: key=value, key=value")
    return [(key.strip(), value.strip()) for key, _, value in pairs]
