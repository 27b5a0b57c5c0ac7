"""Settings as the text of a file, in INI or in TOML, which loads as it stands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_type_hints

from .config import Settings, destination
from .convert import convert
from .errors import ConfigError
from .sources import Source, parse
from .vendor import find

INI, TOML = "pytest.ini", "pyproject.toml"
"""The files whose ways of writing there are."""


def shown(value: Any) -> str:
    """A value as an INI file or a variable says it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={held}" for key, held in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def written(sections: Mapping[str, Mapping[str, Any]], file: str) -> str:
    """The text of the sections, as that file would hold them."""
    source = Source({}, file=file)
    line = _toml if file == TOML else _ini
    blocks = ["\n".join([source.where(name), *map(line, values.items())]) for name, values in sections.items()]
    return "\n\n".join(blocks)


def lost(sections: Mapping[str, Mapping[str, Any]], file: str) -> list[tuple[str, str]]:
    """Section and key of what that file cannot say: what is read back is something else."""
    return [
        (name, key)
        for name, values in sections.items()
        for key, value in values.items()
        if not _is_kept(name, key, value, values, file)
    ]


def hindrance(name: str, sections: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str], file: str) -> str:
    """The first thing that keeps a destination from working with that environment; empty if there is none."""
    try:
        destination(name, sections[name].get("vendor", name), Source(environ, sections, file))
    except ConfigError as error:
        return str(error)
    return ""


def _is_kept(name: str, key: str, value: Any, values: Mapping[str, Any], file: str) -> bool:
    kind = find(values.get("vendor", name)) if name else Settings
    hint = get_type_hints(kind).get(key, str)
    try:
        read = parse(file, written({name: {key: value}}, file))[name][key]
        return bool(convert(read, file, hint, key) == convert(value, file, hint, key))
    except (KeyError, ValueError, ConfigError):
        return False


def _ini(setting: tuple[str, Any]) -> str:
    key, value = setting
    first, *more = f"{key} = {shown(value)}".splitlines()
    return "\n".join([first, *(line and f"    {line}" for line in more)])


def _toml(setting: tuple[str, Any]) -> str:
    key, value = setting
    return f"{key} = {_toml_value(value)}"


def _toml_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_quoted(key)} = {_quoted(held)}" for key, held in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_quoted, value)) + "]"
    return shown(value) if isinstance(value, (bool, int)) else _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(str(value), ensure_ascii=False)  # TOML has JSON's escapes
