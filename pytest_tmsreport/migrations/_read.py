"""Where other plugins' settings stand: files of their own, pytest's file and its options, the environment."""

from __future__ import annotations

import argparse
import configparser
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ..errors import ConfigError
from ..sources import FILES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from ._rules import Rule

ENVIRONMENT = "the environment"
ENDLESS = "is nested too deeply, or holds a number without end"


class Found(NamedTuple):
    """A setting of theirs: its name as rules say it, its raw value, the place where it stands, its name there."""

    name: str
    value: Any
    place: str
    shown: str = ""

    @property
    def spot(self) -> str:
        """Where a person finds it."""
        return f"`{self.shown or self.name}` in {self.place}"


@dataclass(frozen=True)
class Project:
    """The folder that is looked at, and the environment its tests run in."""

    root: Path
    environ: Mapping[str, str]


def from_json(project: Project, file: str, rules: Sequence[Rule]) -> list[Found]:
    """The settings of a JSON file, `outer.inner`. Raises ConfigError for a file that is none."""
    path = project.root / file
    held = _text(path)
    if held is None:
        return []
    try:
        data = json.loads(held)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path} is no JSON: {error.msg} (line {error.lineno}, column {error.colno})") from error
    except (RecursionError, ValueError):
        raise ConfigError(f"{path} {ENDLESS}") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold a JSON object, and does not (line 1)")
    return [Found(name, value, file) for name, value in _flat(data, rules)]


def from_ini(project: Project, file: str, rules: Sequence[Rule], *, interpolates: bool = False) -> list[Found]:
    """The settings of an INI file, `section.key`. Raises ConfigError for a file that is none.

    `interpolates` says that its plugin takes `%(key)s` for another key's value, and `%%` for a percent sign.
    """
    path = project.root / file
    held = _text(path)
    if held is None:
        return []
    parser = configparser.ConfigParser() if interpolates else configparser.RawConfigParser()
    _parse(parser, held, path)
    found = []
    for section in parser.sections():
        for key in parser.options(section):
            name = f"{section}.{key}"
            is_known = any(name in rule for rule in rules)
            try:
                value = parser.get(section, key, raw=not is_known)
            except configparser.InterpolationError:
                raise ConfigError(f"{path} holds a wrong `%` in `{key}` of [{section}]: `%%` is one") from None
            if is_known or key not in parser.defaults():
                found.append(Found(name, value, f"[{section}] of {file}", key))
    return found


def from_toml(project: Project, file: str, table: str) -> list[Found]:
    """The settings of a table at the top of a TOML file, `table.key`. Raises ConfigError for a file that is none."""
    held = _toml(project.root / file).get(table)
    if not isinstance(held, dict):
        return []
    return [Found(f"{table}.{key.lower()}", value, f"[{table}] of {file}", key) for key, value in held.items()]


def from_environment(environ: Mapping[str, str], rules: Sequence[Rule], prefix: str = "") -> list[Found]:
    """What the variables of the rules say, and all others with the prefix, if one is given."""
    return [
        Found(name, value, ENVIRONMENT)
        for name, value in sorted(environ.items())
        if value and (any(name in rule for rule in rules) or (prefix and name.startswith(prefix)))
    ]


def from_options(project: Project, rules: Sequence[Rule]) -> list[Found]:
    """What options in addopts say, of pytest's file and of PYTEST_ADDOPTS. Raises ConfigError for what is broken."""
    return [
        Found(name, value, place)
        for place, arguments in _addopts(project)
        for name, value in _parsed(arguments, place, rules)
        if name != "-o"
    ]


def from_pytest(project: Project, rules: Sequence[Rule], prefix: str) -> list[Found]:
    """The settings of pytest's own file with the prefix, and what `-o` in addopts puts in their place."""
    settings, file = _pytest_settings(project.root)
    found = [Found(name, _listed(name, value, rules), file) for name, value in settings.items()]
    for place, arguments in _addopts(project):
        for option, pair in _parsed(arguments, place, ()):
            name, _, value = str(pair).partition("=")
            found.append(Found(name.strip(), _listed(name.strip(), value, rules), place, f"{option} {name.strip()}"))
    return [each for each in found if each.name.startswith(prefix)]


def _flat(data: Mapping[str, Any], rules: Sequence[Rule], outer: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        name = f"{outer}{key}"
        if isinstance(value, dict) and not any(name in rule for rule in rules):
            yield from _flat(value, rules, f"{name}.")
        else:
            yield name, value


def _addopts(project: Project) -> Iterator[tuple[str, list[str]]]:
    settings, file = _pytest_settings(project.root)
    for place, value in (
        (f"addopts of {file}", settings.get("addopts", "")),
        ("PYTEST_ADDOPTS", project.environ.get("PYTEST_ADDOPTS", "")),
    ):
        yield place, [str(part) for part in value] if isinstance(value, list) else _split(str(value), place)


def _split(value: str, place: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ConfigError(f"{place} cannot be split into options: {error}") from error


class _Parser(argparse.ArgumentParser):
    """Raises ConfigError where another would end the process."""

    def error(self, message: str) -> NoReturn:
        said, *_ = re.split("['\"]", message)  # what stands in quotes may be a secret
        raise ConfigError(f"{self.prog}: {said.strip()}")


def _parsed(arguments: Sequence[str], place: str, rules: Sequence[Rule]) -> list[tuple[str, Any]]:
    """Option -> value, of those in the rules and of pytest's own `-o`."""
    parser = _Parser(prog=place, add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("-o", "--override-ini", dest="-o", action="append")
    for rule in rules:
        for option in (name for name in rule.names.split() if name.startswith("--")):
            if rule.takes == "none":
                parser.add_argument(option, dest=option, action="store_true")
            else:
                parser.add_argument(option, dest=option, nargs="+" if rule.takes == "many" else None)
    known, _ = parser.parse_known_args(list(arguments))
    return [(name, each) for name, value in vars(known).items() for each in (value if name == "-o" else [value])]


def _listed(name: str, value: Any, rules: Sequence[Rule]) -> Any:
    """A value of pytest's file as pytest reads it: a text of many words is a list."""
    takes_many = any(name in rule and rule.takes == "many" for rule in rules)
    return _split(value, name) if takes_many and isinstance(value, str) else value


def _pytest_settings(root: Path) -> tuple[Mapping[str, Any], str]:
    """What pytest reads in a folder, and the name of the file, of which there is but one: pytest's own come first."""
    for name in FILES:
        path = root / name
        table = _pytest_table(path) if path.suffix == ".toml" else _pytest_section(path)
        if table is not None:
            return table, name
    return {}, "pytest's file"


def _pytest_table(path: Path) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    data = _toml(path)
    if path.name != "pyproject.toml":
        return _mapping(data.get("pytest"))
    table = _mapping(_mapping(data.get("tool")).get("pytest"))
    ours = _mapping(table.get("ini_options")) if "ini_options" in table else table
    return ours if table else None


def _pytest_section(path: Path) -> Mapping[str, Any] | None:
    held = _text(path)
    if held is None:
        return None
    parser = configparser.RawConfigParser(
        default_section="\0", comment_prefixes=("#", ";"), inline_comment_prefixes=None
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    _parse(parser, held, path)
    title = "tool:pytest" if path.suffix == ".cfg" else "pytest"
    if parser.has_section(title):
        return dict(parser.items(title))
    return {} if path.name.endswith("pytest.ini") else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _parse(parser: configparser.RawConfigParser, held: str, path: Path) -> None:
    try:
        parser.read_string(held)
    except configparser.Error as error:
        lines = [number for number, _ in getattr(error, "errors", [])] or [getattr(error, "lineno", None)]
        where = f" (line {lines[0]})" if lines[0] else ""
        # the error's own words show the line, and what stands there may be a secret
        raise ConfigError(f"{path} is no INI file: {type(error).__name__}{where}") from None


def _toml(path: Path) -> dict[str, Any]:
    held = _text(path)
    if held is None:
        return {}
    try:
        return tomllib.loads(held)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at [^()]*\)$", str(error))
        raise ConfigError(f"{path} is no TOML {where[0] if where else ''}".rstrip()) from None
    except (RecursionError, ValueError):
        raise ConfigError(f"{path} {ENDLESS}") from None


def _text(path: Path) -> str | None:
    """What a file holds; None where there is no such file. Raises ConfigError for one that holds no text."""
    if not path.is_file():
        return None
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} is no text (byte {error.start + 1}, line {line})") from None
